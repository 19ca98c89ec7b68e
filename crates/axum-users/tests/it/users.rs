//! `/users/me` and `/users/{id}`.

use axum_users::{Context, EmailChange, Policy, Profile, UpdateUser, UserError};
use serde_json::{Value, json};

use crate::support::{KING, Kind, PASSWORD, Scenario, TestApp, jwt, on_every_store, run};

on_every_store![
    answers_and_hooks_of_me,
    answers_and_hooks_of_others,
    adm_1_who_may_manage_users,
    adm_3_who_has_lost_their_rights_takes_none,
    chg_5_one_address_has_one_owner,
    chg_6_null_and_same_values_change_nothing,
    two_password_changes_at_once_leave_one_password,
];

/// MongoDB assigns none.
mod integer_ids {
    use crate::support::{Kind, on_stores};

    on_stores!(integer_ids: memory Memory, sqlite Sqlite, postgres Postgres, mariadb Mariadb);
}

/// The safe policy, but a new address counts at once.
fn at_once() -> Policy {
    Policy { email_change: EmailChange::Immediate, ..Policy::secure() }
}

const MERLIN: &str = "merlin@camelot.bt";

fn row(name: &'static str, ask: (&'static str, &str), token: &str, body: Value) -> Scenario {
    Scenario {
        name,
        ask: (ask.0, ask.1.to_owned()),
        token: Some(token.to_owned()),
        body,
        ..Scenario::default()
    }
}

fn detail(detail: impl Into<Value>) -> Value {
    json!({ "detail": detail.into() })
}

fn weak() -> Value {
    detail(
        json!({"code": "UPDATE_USER_INVALID_PASSWORD", "reason": "Password should be at least 8 characters"}),
    )
}

async fn answers_and_hooks_of_me(kind: Kind) {
    let app = TestApp::new(kind).await;
    let id = app.add_verified(KING).await.id;
    app.add(MERLIN).await;
    let token = app.login(KING, PASSWORD).await;
    let me = |email: &str, verified: bool| json!({"id": id, "email": email, "is_active": true, "is_superuser": false, "is_verified": verified});
    let patch = |name, body| row(name, ("PATCH", "/users/me"), &token, body);
    let anonymous = |name, method| Scenario {
        status: 401,
        answer: detail("Unauthorized"),
        token: None,
        ..row(name, (method, "/users/me"), "", Value::Null)
    };
    let table = [
        anonymous("anonymous", "GET"),
        anonymous("anonymous change", "PATCH"),
        Scenario { answer: me(KING, true), ..row("read", ("GET", "/users/me"), &token, Value::Null) },
        Scenario { answer: me(KING, true), hooks: &["after_update"], ..patch("nothing", json!({})) },
        Scenario {
            answer: me(KING, true),
            hooks: &["after_update"],
            ..patch(
                "REG-3 flags and id are ignored",
                json!({"id": 1, "is_superuser": true, "is_active": false, "is_verified": null}),
            )
        },
        Scenario {
            answer: me(KING, true),
            hooks: &["after_update", "after_duplicate_email_change"],
            ..patch("CHG-3 taken address", json!({"email": "MERLIN@camelot.bt"}))
        },
        Scenario { status: 400, answer: weak(), ..patch("weak", json!({"password": "weak"})) },
        Scenario {
            status: 400,
            answer: weak(),
            ..patch("weak beats taken", json!({"email": MERLIN, "password": "weak"}))
        },
        Scenario {
            status: 422,
            answer: detail(
                json!([{"type": "string_type", "loc": ["body", "email"], "msg": "Input should be a valid string"}]),
            ),
            ..patch("wrong type", json!({"email": 5}))
        },
        Scenario {
            answer: me(KING, true),
            hooks: &["after_update", "after_request_email_change"],
            ..patch("CHG-1 a new address is to be confirmed", json!({"email": "arthur@CAMELOT.bt"}))
        },
        Scenario {
            answer: me(KING, true),
            hooks: &["validate_password", "after_update", "after_password_change"],
            ..patch("password", json!({"password": "excalibur in the stone"}))
        },
        Scenario { status: 401, answer: detail("Unauthorized"), ..patch("the session has ended", json!({})) },
    ];
    run(&app, table).await;
    app.login(KING, "excalibur in the stone").await;
}

async fn answers_and_hooks_of_others(kind: Kind) {
    let app = TestApp::new(kind).await;
    let id = app.add(KING).await.id;
    app.add_superuser(MERLIN).await;
    let token = app.login(MERLIN, PASSWORD).await;
    let path = format!("/users/{id}");
    let read = |email: &str, active: bool, superuser: bool, verified: bool| json!({"id": id, "email": email, "is_active": active, "is_superuser": superuser, "is_verified": verified});
    let patch = |name, body| row(name, ("PATCH", &path), &token, body);
    let table = [
        Scenario {
            answer: read(KING, true, false, false),
            ..row("read", ("GET", &path), &token, Value::Null)
        },
        Scenario {
            answer: read("arthur@camelot.bt", true, false, true),
            hooks: &["after_update", "after_email_change"],
            ..patch(
                "a new address that is verified",
                json!({"email": "arthur@camelot.bt", "is_verified": true}),
            )
        },
        Scenario {
            answer: read("arthur@camelot.bt", false, true, true),
            hooks: &["after_update"],
            ..patch("flags, in any lax form", json!({"is_active": "off", "is_superuser": 1}))
        },
        Scenario { status: 400, answer: weak(), ..patch("weak", json!({"password": "weak"})) },
        Scenario {
            status: 400,
            answer: detail("UPDATE_USER_EMAIL_ALREADY_EXISTS"),
            ..patch("taken", json!({"email": MERLIN}))
        },
        Scenario {
            status: 204,
            hooks: &["before_delete", "after_delete"],
            ..row("delete", ("DELETE", &path), &token, Value::Null)
        },
        Scenario {
            status: 404,
            answer: detail("Not Found"),
            ..row("gone", ("GET", &path), &token, Value::Null)
        },
        Scenario {
            status: 404,
            answer: detail("Not Found"),
            ..row("gone", ("DELETE", &path), &token, Value::Null)
        },
        Scenario {
            status: 404,
            answer: detail("Not Found"),
            ..patch("gone beats a wrong body", json!({"email": 5}))
        },
    ];
    run(&app, table).await;
    assert_eq!(app.count().await, 1);
}

async fn adm_1_who_may_manage_users(kind: Kind) {
    let app = TestApp::new(kind).await;
    let own = app.add(KING).await.id;
    let other = app.add(MERLIN).await.id;
    let token = app.login(KING, PASSWORD).await;
    let missing = "00000000-0000-4000-8000-000000000000".to_owned();
    for method in ["GET", "PATCH", "DELETE"] {
        for id in
            [own.to_string(), other.to_string(), missing.clone(), "malformed".to_owned(), "%ff".to_owned()]
        {
            let path = format!("/users/{id}");
            let body = json!({"user_id": own, "is_superuser": true, "email": 5});
            let answer = app.ask(method, &path).bearer(&token).json(&body).send().await;
            answer.assert_detail(403, "Forbidden");
            let answer = app.ask(method, &path).json(&body).send().await;
            answer.assert_detail(401, "Unauthorized");
            let broken = app.ask("PATCH", &path).body("application/json", "{").send().await;
            assert_eq!(broken.status, 422, "malformed JSON is answered first");
        }
    }
    assert_eq!(app.count().await, 2);
    assert!(app.hooks.take_names().iter().all(|hook| *hook == "after_login"));
}

const ODD_IDS: [&str; 14] = [
    "x",
    "..%2f",
    "%00",
    "%ff",
    "%c3%28",
    "1e999",
    "-1",
    "0x10",
    "1.0",
    "%20",
    "99999999999999999999999999999999999999999",
    "6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7",
    "6f1c2c5e-9f6b-4f1c-8b1a-2a3b4c5d6e7g",
    "%F0%9F%90%89",
];

#[tokio::test]
async fn adm_5_odd_ids_are_not_found() {
    for policy in [Policy::secure(), Policy::fastapi_users()] {
        let app = TestApp::under(policy, Kind::Sqlite).await;
        app.add_superuser(MERLIN).await;
        let token = app.login(MERLIN, PASSWORD).await;
        for id in ODD_IDS {
            for method in ["GET", "PATCH", "DELETE"] {
                let ask = app.ask(method, &format!("/users/{id}")).bearer(&token).json(&json!({}));
                let answer = ask.send().await;
                assert_eq!(answer.status, 404, "{method} {id}");
                answer.assert_detail(404, "Not Found");
            }
        }
    }
}

#[tokio::test]
async fn other_spellings_of_an_id_count_where_the_policy_says_so() {
    for (policy, status) in [(Policy::secure(), 404), (Policy::fastapi_users(), 200)] {
        let app = TestApp::under(policy, Kind::Memory).await;
        let id = app.add_superuser(MERLIN).await.id.to_string();
        let token = app.login(MERLIN, PASSWORD).await;
        let get = |id: String| app.ask("GET", &format!("/users/{id}")).bearer(&token).send();
        for spelling in [id.clone(), id.to_uppercase(), id.replace('-', "")] {
            assert_eq!(get(spelling).await.status, 200);
        }
        for spelling in [format!("%7B{id}%7D"), format!("urn:uuid:{id}"), id.replace('-', "--")] {
            assert_eq!(get(spelling.clone()).await.status, status, "{spelling}");
        }
    }
}

#[tokio::test]
async fn adm_7_b_7_null_and_wrong_flags_are_refused() {
    let app = TestApp::new(Kind::Sqlite).await;
    let id = app.add(KING).await.id;
    app.add_superuser(MERLIN).await;
    let token = app.login(MERLIN, PASSWORD).await;
    let patch = |body: Value| app.ask("PATCH", &format!("/users/{id}")).bearer(&token).json(&body).send();
    for flag in ["is_active", "is_superuser", "is_verified"] {
        for wrong in [json!(null), json!("maybe"), json!(""), json!(2), json!([]), json!({}), json!(1.5)] {
            let answer = patch(json!({ flag: wrong })).await;
            assert_eq!(answer.status, 422, "{flag} {wrong}");
            assert_eq!(answer.json()["detail"][0]["loc"], json!(["body", flag]));
        }
        for (lax, meaning) in [("yes", true), ("OFF", false), ("1", true), ("f", false)] {
            assert_eq!(patch(json!({ flag: lax })).await.json()[flag], meaning, "{lax}");
        }
    }
    assert_eq!(patch(json!({"email": null})).await.status, 422);
    assert_eq!(patch(json!({"password": null})).await.status, 200);
}

/// CHG-5, REG-5: whoever asks and in whatever case, one gets the address.
async fn chg_5_one_address_has_one_owner(kind: Kind) {
    let app = TestApp::under(at_once(), kind).await;
    let mut tokens = Vec::new();
    for number in 0..4 {
        let email = format!("knight{number}@camelot.bt");
        app.add(&email).await;
        tokens.push(app.login(&email, PASSWORD).await);
    }
    let mut asks = Vec::new();
    for (number, token) in tokens.iter().enumerate() {
        let address = ["grail@camelot.bt", "Grail@camelot.bt"][number % 2];
        let patch = app.ask("PATCH", "/users/me").bearer(token).json(&json!({ "email": address }));
        asks.push(tokio::spawn(patch.send()));
        let register = json!({"email": "GRAIL@camelot.bt", "password": PASSWORD});
        asks.push(tokio::spawn(app.post("/auth/register").json(&register).send()));
    }
    let mut owners = 0;
    for ask in asks {
        let answer = ask.await.unwrap();
        match answer.status {
            200 | 201 => owners += 1,
            _ => {
                let code = answer.json()["detail"].as_str().unwrap().to_owned();
                assert!(answer.status == 400 && code.ends_with("_ALREADY_EXISTS"), "{code}");
            }
        }
    }
    assert_eq!(owners, 1);
    assert!(app.user("grail@camelot.bt").await.email.eq_ignore_ascii_case("grail@camelot.bt"));
}

async fn chg_6_null_and_same_values_change_nothing(kind: Kind) {
    for policy in [Policy::secure(), at_once(), Policy::fastapi_users()] {
        let confirms = policy.email_change == EmailChange::Confirm;
        let app = TestApp::under(policy, kind).await;
        app.add_verified(KING).await;
        let token = app.login(KING, PASSWORD).await;
        let patch = |body: Value| app.ask("PATCH", "/users/me").bearer(&token).json(&body).send();
        assert_eq!(patch(json!({"email": null})).await.status, 422);
        assert_eq!(patch(json!({"email": ""})).await.status, 422);
        for same in
            [json!({"email": KING}), json!({"email": " king.arthur@CAMELOT.bt"}), json!({"password": null})]
        {
            let answer = patch(same.clone()).await;
            assert_eq!((answer.status, &answer.json()["is_verified"]), (200, &json!(true)), "{same}");
        }
        app.users.shutdown().await;
        assert!(app.hooks.take_names().iter().all(|hook| ["after_update", "after_login"].contains(hook)));
        // Another case before the @-sign may be another mailbox: it is to be confirmed, or stored and unverified.
        let other = "King.Arthur@camelot.bt";
        let answer = patch(json!({ "email": other })).await;
        assert_eq!(answer.json()["email"], if confirms { KING } else { other });
        assert_eq!((answer.status, &answer.json()["is_verified"]), (200, &json!(confirms)));
        app.users.shutdown().await;
        assert_eq!(app.hooks.token_for("after_request_email_change", other).is_some(), confirms);
        assert_eq!(app.me(&token).await.status, 200, "no session has ended");
    }
}

async fn two_password_changes_at_once_leave_one_password(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    let token = app.login(KING, PASSWORD).await;
    let asks: Vec<_> = (0..10)
        .map(|number| {
            let body = json!({"password": format!("password {number}")});
            tokio::spawn(app.ask("PATCH", "/users/me").bearer(&token).json(&body).send())
        })
        .collect();
    let mut winners = Vec::new();
    for (number, ask) in asks.into_iter().enumerate() {
        match ask.await.unwrap().status {
            200 => winners.push(number),
            status => assert!(matches!(status, 401 | 409), "{status}"),
        }
    }
    assert_eq!(winners.len(), 1);
    app.login(KING, &format!("password {}", winners[0])).await;
}

#[tokio::test]
async fn where_verification_is_required_unverified_users_are_forbidden() {
    let app = TestApp::with(Kind::Memory, |builder, _| {
        builder.policy(at_once()).backend(jwt()).require_verified_users()
    })
    .await;
    app.add(KING).await;
    let merlin = app.add_superuser(MERLIN).await;
    let (king, admin) = (app.login(KING, PASSWORD).await, app.login(MERLIN, PASSWORD).await);
    for (method, path) in [
        ("GET", "/users/me".to_owned()),
        ("PATCH", "/users/me".to_owned()),
        ("GET", format!("/users/{}", merlin.id)),
    ] {
        let ask = |token: &str| app.ask(method, &path).bearer(token).json(&json!({})).send();
        ask(&king).await.assert_detail(403, "Forbidden");
        assert_eq!(ask(&admin).await.status, 200);
    }
    let change = json!({"email": "ambrosius@camelot.bt"});
    assert_eq!(app.ask("PATCH", "/users/me").bearer(&admin).json(&change).send().await.status, 200);
    app.me(&admin).await.assert_detail(403, "Forbidden");
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    let app = TestApp::new(Kind::Memory).await;
    for (method, path, allow) in [
        ("POST", "/users/me", "GET,HEAD,PATCH"),
        ("DELETE", "/users/me", "GET,HEAD,PATCH"),
        ("PUT", "/users/x", "GET,HEAD,PATCH,DELETE"),
        ("GET", "/auth/register", "POST"),
    ] {
        let answer = app.ask(method, path).send().await;
        answer.assert_detail(405, "Method Not Allowed");
        assert_eq!(answer.header("allow"), Some(allow), "{path}");
    }
}

/// Their request was admitted before.
async fn adm_3_who_has_lost_their_rights_takes_none(kind: Kind) {
    let app = TestApp::new(kind).await;
    let (merlin, morgana) = (app.add_superuser(MERLIN).await, app.add_superuser("morgana@camelot.bt").await);
    let (manager, cx) = (app.users.manager(), Context::none());
    let demotion = || UpdateUser { is_superuser: Some(false), ..UpdateUser::default() };
    let lock_out = UpdateUser { is_active: Some(false), ..UpdateUser::default() };
    manager.update_as(&morgana, &merlin, demotion(), &cx).await.unwrap();
    for update in [demotion(), lock_out] {
        let refused = manager.update_as(&merlin, &morgana, update, &cx).await;
        assert!(matches!(refused, Err(UserError::Conflict)), "{refused:?}");
    }
    let refused = manager.delete_as(&merlin, &morgana, &cx).await;
    assert!(matches!(refused, Err(UserError::Conflict)), "{refused:?}");
    let refused = manager.delete_as(&morgana, &morgana, &cx).await;
    assert!(matches!(refused, Err(UserError::OwnRights)), "{refused:?}");
    let left = app.user("morgana@camelot.bt").await;
    assert!(left.is_superuser && left.is_active, "{left:?}");
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, Profile)]
#[profile(id = i64)]
struct Numbered {}

async fn integer_ids(kind: Kind) {
    let app = TestApp::<Numbered>::with(kind, |builder, _| builder.backend(jwt())).await;
    let admin = axum_users::CreateUser::new(MERLIN, PASSWORD, Numbered {});
    let admin = app.create(axum_users::CreateUser { is_superuser: true, ..admin }).await;
    assert_eq!(admin.id, 1);
    assert_eq!(app.register(KING, PASSWORD).await.json()["id"], 2);
    let token = app.login(MERLIN, PASSWORD).await;
    assert_eq!(app.ask("GET", "/users/2").bearer(&token).send().await.json()["email"], KING);
    for odd in [
        "0",
        "02",
        "%202",
        "+2",
        "2_0",
        "2147483648",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
    ] {
        let answer = app.ask("GET", &format!("/users/{odd}")).bearer(&token).send().await;
        answer.assert_detail(404, "Not Found");
    }
    assert_eq!(app.ask("DELETE", "/users/2").bearer(&token).send().await.status, 204);
    assert_eq!(app.register(KING, PASSWORD).await.json()["id"], 3, "OAK-5: ids are never used again");
}

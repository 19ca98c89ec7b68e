use axum_users::{Backend, Bearer, Changes, Cookie, Jwt, PasswordHash, Policy, UserStore};
use serde_json::{Value, json};

use crate::support::{CheapHasher, KING, Kind, PASSWORD, SECRET, TestApp, on_every_store};

on_every_store![
    answers_of_both_transports,
    log_1_all_refusals_are_one_answer,
    log_12_an_outdated_hash_is_replaced_once,
    log_12_a_new_hash_never_overwrites_a_newer_password,
    log_12_logins_racing_a_reset_open_nothing_afterwards,
];

async fn answers_of_both_transports(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;

    let answer = app.login_answer("/auth/jwt/login", KING, PASSWORD).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(answer.text(), format!(r#"{{"access_token":"{token}","token_type":"bearer"}}"#));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("set-cookie"), None);

    let answer = app.login_answer("/auth/cookie/login", KING, PASSWORD).await;
    assert_eq!((answer.status, answer.text()), (204, ""));
    assert_eq!(answer.header("content-type"), None);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let token = answer.cookie();
    assert_eq!(token.len(), 43);
    let expected = format!("__Host-fastapiusersauth={token}; HttpOnly; Path=/; SameSite=lax; Secure");
    assert_eq!(answer.header("set-cookie"), Some(expected.as_str()));
    assert_eq!(app.hooks.take_names(), ["after_login", "after_login"]);
}

#[tokio::test]
async fn out_7_a_cookie_is_removed_as_it_was_set() {
    let app = TestApp::with(Kind::Memory, |builder, _| {
        let cookie = Cookie {
            max_age: Some(60),
            path: "/x".into(),
            domain: Some("example.com".into()),
            ..Cookie::fastapi_users()
        };
        builder.backend(Backend::new("cookie", cookie, Jwt::new(SECRET)))
    })
    .await;
    app.add(KING).await;
    let answer = app.login_answer("/auth/cookie/login", KING, PASSWORD).await;
    let attributes = "; Domain=example.com; HttpOnly; Max-Age=60; Path=/x; SameSite=lax; Secure";
    assert!(answer.header("set-cookie").unwrap().ends_with(attributes));
    let session = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let answer = app.post("/auth/cookie/logout").header("cookie", &session).send().await;
    let cleared =
        "fastapiusersauth=\"\"; Domain=example.com; HttpOnly; Max-Age=0; Path=/x; SameSite=lax; Secure";
    assert_eq!((answer.status, answer.header("set-cookie")), (204, Some(cleared)));
}

async fn log_1_all_refusals_are_one_answer(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    app.add_inactive("inactive@camelot.bt").await;
    for (email, hash) in [
        ("corrupt@camelot.bt", PasswordHash::new("garbage")),
        ("none@camelot.bt", PasswordHash::new("")),
        ("provider@camelot.bt", PasswordHash::unusable().unwrap()),
    ] {
        let user = app.add(email).await;
        let changes = Changes { hashed_password: Some(hash), ..Changes::default() };
        app.store.update(&user.id, &changes).await.unwrap().unwrap();
    }
    app.store.take_calls();
    let cases = [
        ("unknown", "nobody@camelot.bt", PASSWORD),
        ("wrong password", KING, "wrong password"),
        ("inactive", "inactive@camelot.bt", PASSWORD),
        ("inactive and wrong", "inactive@camelot.bt", "wrong password"),
        ("corrupt hash", "corrupt@camelot.bt", PASSWORD),
        ("no password", "none@camelot.bt", PASSWORD),
        ("an account at a provider only", "provider@camelot.bt", PASSWORD),
        ("the salt of such a hash", "provider@camelot.bt", "axum-users/none!"),
        ("no address at all", "nobody", PASSWORD),
    ];
    let mut first = None;
    for (name, email, password) in cases {
        let before = app.users.password_operations();
        let answer = app.login_answer("/auth/jwt/login", email, password).await;
        answer.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
        assert_eq!(first.get_or_insert_with(|| answer.clone()), &answer, "{name}");
        assert_eq!(app.users.password_operations() - before, 1, "{name} costs one hash (LOG-2)");
        assert_eq!(app.store.take_calls(), ["get_by_email"], "{name} costs one look-up (LOG-2)");
    }
    assert!(app.hooks.take_names().is_empty());
}

#[tokio::test]
async fn unverified_users_where_verification_is_required() {
    let app = TestApp::with(Kind::Memory, |builder, _| {
        builder.backend(Backend::new("jwt", Bearer, Jwt::new(SECRET)).require_verified())
    })
    .await;
    app.add(KING).await;
    app.add_verified("merlin@camelot.bt").await;
    app.add_inactive("inactive@camelot.bt").await;
    for (email, password, code) in [
        (KING, PASSWORD, "LOGIN_USER_NOT_VERIFIED"),
        (KING, "wrong password", "LOGIN_BAD_CREDENTIALS"),
        ("inactive@camelot.bt", PASSWORD, "LOGIN_BAD_CREDENTIALS"),
    ] {
        app.login_answer("/auth/jwt/login", email, password).await.assert_detail(400, code);
    }
    assert!(app.hooks.take_names().is_empty());
    app.login("merlin@camelot.bt", PASSWORD).await;
}

#[tokio::test]
async fn wrong_forms_are_answered_by_field() {
    let app = TestApp::new(Kind::Memory).await;
    let missing = |field: &str| json!({"type": "missing", "loc": ["body", field], "msg": "Field required"});
    let both = json!([missing("username"), missing("password")]);
    let form = "application/x-www-form-urlencoded";
    let pattern = json!([{"type": "string_pattern_mismatch", "loc": ["body", "grant_type"],
        "msg": "String should match pattern '^password$'", "ctx": {"pattern": "^password$"}}]);
    let cases: [(&str, &str, u16, Value); 7] = [
        (form, "", 422, both.clone()),
        (form, "username=&password=", 422, both.clone()),
        (form, "username=king", 422, json!([missing("password")])),
        ("application/json", r#"{"username":"king","password":"guinevere1"}"#, 422, both.clone()),
        (form, "grant_type=x&username=king&password=guinevere1", 422, pattern),
        ("multipart/form-data", "", 400, "Missing boundary in multipart.".into()),
        (form, &"a=b&".repeat(1001), 400, "Too many fields. Maximum number of fields is 1000.".into()),
    ];
    for (content_type, body, status, detail) in cases {
        // One name a thousand times is a duplicate first.
        let body = body.split('&').enumerate().map(|(number, pair)| match pair {
            "a=b" => format!("a{number}=b"),
            _ => pair.to_owned(),
        });
        let body = body.collect::<Vec<_>>().join("&");
        app.post("/auth/jwt/login").body(content_type, body).send().await.assert_detail(status, detail);
    }
    app.post("/auth/jwt/login?username=king&password=guinevere1").send().await.assert_detail(422, both);
    assert_eq!(app.users.password_operations(), 0);
}

#[tokio::test]
async fn multipart_and_ignored_fields_are_accepted() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    let fields = [
        ("grant_type", "password"),
        ("username", KING),
        ("password", PASSWORD),
        ("scope", "a b"),
        ("client_id", "x"),
        ("client_secret", "y"),
    ];
    assert_eq!(app.post("/auth/jwt/login").form(&fields).send().await.status, 200);
    let parts = fields.map(|(name, value)| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    });
    let body = format!("{}--x--\r\n", parts.concat());
    let answer = app.post("/auth/jwt/login").body("multipart/form-data; boundary=x", body).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn log_15_only_post_logs_in_and_fields_count_once() {
    let app = TestApp::new(Kind::Memory).await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "TRACE", "OPTIONS"] {
        let answer = app.ask(method, "/auth/jwt/login?username=king&password=guinevere1").send().await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{method}");
        if method != "HEAD" {
            answer.assert_detail(405, "Method Not Allowed");
        }
    }
    let twice = [("username", KING), ("password", PASSWORD), ("username", KING)];
    let answer = app.post("/auth/jwt/login").form(&twice).send().await;
    answer.assert_detail(
        422,
        json!([{"type": "duplicate_key", "loc": ["body", "username"], "msg": "Duplicate key"}]),
    );
}

#[tokio::test]
async fn log_10_a_presented_token_is_never_adopted() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    let planted = "A".repeat(43);
    let answer = app
        .post("/auth/cookie/login")
        .cookie(&planted)
        .form(&[("username", KING), ("password", PASSWORD)])
        .send()
        .await;
    assert_eq!(answer.status, 204);
    assert_ne!(answer.cookie(), planted);
    assert_eq!(app.me_by_cookie(&planted).await.status, 401);
    assert_eq!(app.me_by_cookie(&answer.cookie()).await.status, 200);
}

async fn log_12_an_outdated_hash_is_replaced_once(kind: Kind) {
    let app = TestApp::new(kind).await;
    let user = app.add(KING).await;
    let outdated = Changes { hashed_password: Some(CheapHasher::outdated(PASSWORD)), ..Changes::default() };
    app.store.update(&user.id, &outdated).await.unwrap();
    let logins: Vec<_> = (0..10)
        .map(|_| {
            let ask = app.post("/auth/jwt/login").form(&[("username", KING), ("password", PASSWORD)]);
            tokio::spawn(ask.send())
        })
        .collect();
    let mut tokens = Vec::new();
    for login in logins {
        let answer = login.await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        tokens.push(answer.json()["access_token"].as_str().unwrap().to_owned());
    }
    assert!(app.user(KING).await.hashed_password.as_str().starts_with("$new$"));
    for token in tokens {
        assert_eq!(app.me(&token).await.status, 200, "an upgrade ends no session");
    }
}

/// B-22: the login has verified the old password and is about to write the upgraded hash; meanwhile the password is
/// reset.
async fn log_12_a_new_hash_never_overwrites_a_newer_password(kind: Kind) {
    let app = TestApp::new(kind).await;
    let user = app.add(KING).await;
    let outdated = Changes { hashed_password: Some(CheapHasher::outdated(PASSWORD)), ..Changes::default() };
    app.store.update(&user.id, &outdated).await.unwrap();
    app.store.take_calls();
    app.store.close_gate("update");
    let fields = [("username", KING), ("password", PASSWORD)];
    let login = tokio::spawn(app.post("/auth/jwt/login").form(&fields).send());
    while !app.store.was_called("update") {
        tokio::task::yield_now().await;
    }
    // The reset of another node, which does not wait at this node's gate.
    let token = app.forgot(KING).await;
    let hash = axum_users::password::PasswordHasher::hash(&CheapHasher::default(), "new password").unwrap();
    let reset = Changes { hashed_password: Some(hash), ..Changes::default() };
    app.store.ungated().update(&user.id, &reset).await.unwrap().unwrap();
    app.store.open_gate();
    login.await.unwrap().assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    assert_eq!(app.login_answer("/auth/jwt/login", KING, PASSWORD).await.status, 400);
    app.login(KING, "new password").await;
    app.reset(&token, "a third password").await.assert_detail(400, "RESET_PASSWORD_BAD_TOKEN");
}

/// The same with nothing but parallelism: whoever comes first, no password but the one that was set last opens anything,
/// and no session of the other outlives it.
async fn log_12_logins_racing_a_reset_open_nothing_afterwards(kind: Kind) {
    for round in 0..20 {
        let app = TestApp::new(kind).await;
        let user = app.add(KING).await;
        if round % 2 == 0 {
            let outdated =
                Changes { hashed_password: Some(CheapHasher::outdated(PASSWORD)), ..Changes::default() };
            app.store.update(&user.id, &outdated).await.unwrap();
        }
        let token = app.forgot(KING).await;
        let login = |backend: &str| {
            let ask = app.post(&format!("/auth/{backend}/login"));
            tokio::spawn(ask.form(&[("username", KING), ("password", PASSWORD)]).send())
        };
        let mut logins: Vec<_> = (0..2).flat_map(|_| [login("jwt"), login("cookie")]).collect();
        let body = serde_json::json!({"token": token, "password": "new password"});
        let reset = tokio::spawn(app.post("/auth/reset-password").json(&body).send());
        logins.extend((0..2).flat_map(|_| [login("jwt"), login("cookie")]));

        let (mut tokens, mut cookies) = (Vec::new(), Vec::new());
        for login in logins {
            let answer = login.await.unwrap();
            match answer.status {
                200 => tokens.push(answer.json()["access_token"].as_str().unwrap().to_owned()),
                204 => cookies.push(answer.cookie()),
                _ => answer.assert_detail(400, "LOGIN_BAD_CREDENTIALS"),
            }
        }
        let reset = reset.await.unwrap();
        let opened = app.login_answer("/auth/jwt/login", KING, PASSWORD).await.status;
        if reset.status == 200 {
            assert_eq!(opened, 400, "the old password is gone");
            app.login(KING, "new password").await;
            for token in tokens {
                assert_eq!(app.me(&token).await.status, 401, "a session of the old password lives on");
            }
            for cookie in cookies {
                assert_eq!(
                    app.me_by_cookie(&cookie).await.status,
                    401,
                    "a session of the old password lives on"
                );
            }
        } else {
            // A login has hashed the password anew, and the token was for the outdated hash.
            reset.assert_detail(400, "RESET_PASSWORD_BAD_TOKEN");
            assert_eq!((opened, round % 2), (200, 0));
        }
    }
}

/// A better hash is not worth a login: a database that takes no writes for a while still tells who is who (F-15).
#[tokio::test]
async fn a_hash_that_cannot_be_made_anew_keeps_nobody_out() {
    let app = TestApp::new(Kind::Memory).await;
    let user = app.add(KING).await;
    let outdated = Changes { hashed_password: Some(CheapHasher::outdated(PASSWORD)), ..Changes::default() };
    app.store.update(&user.id, &outdated).await.unwrap();
    app.store.fail_on("update");
    let token = app.login(KING, PASSWORD).await;
    assert_eq!(app.me(&token).await.status, 200);
    app.login_answer("/auth/jwt/login", KING, "wrong").await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    app.store.recover();
    app.login(KING, PASSWORD).await;
    assert!(app.user(KING).await.hashed_password.as_str().starts_with("$new$"));
}

struct Slow;

impl axum_users::password::PasswordHasher for Slow {
    fn hash(&self, _: &str) -> Result<PasswordHash, axum_users::BoxError> {
        Ok(PasswordHash::new("slow"))
    }
    fn verify(&self, _: &str, _: &PasswordHash) -> axum_users::password::Verdict {
        std::thread::sleep(std::time::Duration::from_millis(20));
        axum_users::password::Verdict::Match
    }
}

/// Whose hashing takes 20 milliseconds.
async fn slow(options: axum_users::password::PoolOptions) -> TestApp {
    let app = TestApp::with(Kind::Memory, |builder, _| {
        builder.policy(Policy::secure()).hasher(Slow).hashing(options).backend(Backend::new(
            "jwt",
            Bearer,
            Jwt::new(SECRET),
        ))
    })
    .await;
    app.add(KING).await;
    app
}

#[tokio::test]
async fn log_11_one_client_leaves_room_for_others() {
    let app = slow(axum_users::password::PoolOptions {
        threads: 1,
        queue: 8,
        queue_of_client: 2,
        ..Default::default()
    })
    .await;
    let ask = |last: u8| {
        let client = axum::extract::ConnectInfo(std::net::SocketAddr::from(([203, 0, 113, last], 40_000)));
        let login = app.post("/auth/jwt/login").form(&[("username", KING), ("password", PASSWORD)]);
        tokio::spawn(login.extension(client).send())
    };
    let flood: Vec<_> = (0..10).map(|_| ask(1)).collect();
    let other = ask(2);
    let mut busy = 0;
    for ask in flood {
        busy += usize::from(ask.await.unwrap().status == 503);
    }
    assert!((6..=8).contains(&busy), "{busy} of 10 were refused, where 8 may wait");
    assert_eq!(other.await.unwrap().status, 200);
}

#[tokio::test]
async fn log_11_a_flood_of_logins_is_told_to_come_back() {
    let app = slow(axum_users::password::PoolOptions { threads: 1, queue: 2, ..Default::default() }).await;
    let ask = |email: &str| {
        tokio::spawn(app.post("/auth/jwt/login").form(&[("username", email), ("password", PASSWORD)]).send())
    };
    let asks: Vec<_> = (0..10).map(|number| ask(["nobody@camelot.bt", KING][number % 2])).collect();
    let mut busy = 0;
    for ask in asks {
        let answer = ask.await.unwrap();
        if answer.status == 503 {
            answer.assert_detail(503, "Service Unavailable");
            assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
            busy += 1;
        }
    }
    assert!((6..=8).contains(&busy), "{busy} of 10 were refused");
}

/// Seen by a real client: the router alone announces a length of 0, which the server leaves out.
#[tokio::test]
async fn answers_without_content_have_no_headers_of_one() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/auth/cookie", listener.local_addr().unwrap());
    let router = app.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = reqwest::Client::new();
    let form = [("username", KING), ("password", PASSWORD)];
    let login = client.post(format!("{url}/login")).form(&form).send().await.unwrap();
    let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let logout = client.post(format!("{url}/logout")).header("cookie", cookie).send().await.unwrap();
    for answer in [login, logout] {
        assert_eq!(answer.status().as_u16(), 204);
        for name in ["content-type", "content-length", "transfer-encoding"] {
            assert_eq!(answer.headers().get(name), None, "{name}");
        }
    }
}

use std::sync::Arc;

use axum_users::{Policy, RateLimits};
use serde_json::json;

use super::{ARTHUR, CONFIRM, MORDRED, NEW, confirm, patch, requested};
use crate::support::{KING, Kind, PASSWORD, TestApp, jwt, on_every_store, stored_cookie};

on_every_store![
    chg_1_a_new_address_counts_when_it_is_confirmed,
    chg_2_a_token_confirms_no_address_but_its_own,
    chg_3_answers_do_not_tell_who_has_an_address,
    chg_5_whoever_comes_first_has_the_address,
    a_token_works_once,
    a_password_in_the_same_request_counts_at_once,
];

async fn chg_1_a_new_address_counts_when_it_is_confirmed(kind: Kind) {
    let app = TestApp::new(kind).await;
    let id = app.add(KING).await.id;
    let (session, cookie) = (app.login(KING, PASSWORD).await, app.login_by_cookie(KING, PASSWORD).await);
    app.hooks.take();
    let answer = patch(&app, &session, &json!({"email": " Arthur@CAMELOT.bt"})).await;
    let before =
        json!({"id": id, "email": KING, "is_active": true, "is_superuser": false, "is_verified": false});
    answer.assert(200, &before);
    let token = app.hooks.token_for("after_request_email_change", "Arthur@camelot.bt").unwrap();
    assert_eq!(app.hooks.take_names(), ["after_update", "after_request_email_change"]);
    app.me(&session).await.assert(200, &before);

    let answer = confirm(&app, &token).await;
    let after = json!({"id": id, "email": "Arthur@camelot.bt", "is_active": true, "is_superuser": false, "is_verified": true});
    answer.assert(200, &after);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("set-cookie"), None, "VER-5: whoever has the mail is not logged in by it");
    let told = app.hooks.take();
    let names: Vec<_> = told.iter().map(|event| event.hook).collect();
    assert!(names.contains(&"after_verify") && names.contains(&"after_update"), "{names:?}");
    let told = told.iter().find(|event| event.hook == "after_email_change").unwrap();
    assert!(told.email == KING && told.token.is_some(), "the old address is told");

    assert_eq!((app.me(&session).await.status, app.me_by_cookie(&cookie).await.status), (401, 401));
    assert_eq!(app.login_answer("/auth/jwt/login", KING, PASSWORD).await.status, 400);
    app.login(ARTHUR, PASSWORD).await;
}

/// CVE-2026-32700: two changes at the same time, and the token of one confirms the address of the other.
async fn chg_2_a_token_confirms_no_address_but_its_own(kind: Kind) {
    let app = Arc::new(TestApp::new(kind).await);
    let rounds = if matches!(kind, Kind::Memory | Kind::Sqlite) { 200 } else { 40 };
    for round in 0..rounds {
        let user = app.add(&format!("user{round}@camelot.bt")).await;
        let session = app.login(&user.email, PASSWORD).await;
        let (attacker, victim) = (format!("attacker{round}@avalon.bt"), format!("victim{round}@camelot.bt"));
        let asks = [&attacker, &victim].map(|email| {
            let ask = app.ask("PATCH", "/users/me").bearer(&session).json(&json!({ "email": email }));
            tokio::spawn(ask.send())
        });
        for ask in asks {
            assert_eq!(ask.await.unwrap().status, 200);
        }
        app.users.shutdown().await;
        let token = app.hooks.token_for("after_request_email_change", &attacker).unwrap();
        let answer = confirm(&app, &token).await;
        assert_eq!((answer.status, &answer.json()["email"]), (200, &json!(attacker)));
        let token = app.hooks.token_for("after_request_email_change", &victim).unwrap();
        confirm(&app, &token).await.assert_detail(400, "CHANGE_EMAIL_BAD_TOKEN");
        app.hooks.take();
    }
}

async fn chg_3_answers_do_not_tell_who_has_an_address(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    app.add(MORDRED).await;
    let session = app.login(KING, PASSWORD).await;
    app.hooks.take();
    app.store.take_calls();
    let free = app.ask("PATCH", "/users/me").bearer(&session).json(&json!({"email": ARTHUR})).send().await;
    let calls_of_free = app.store.take_calls();
    app.users.shutdown().await;
    assert_eq!(app.hooks.take_names(), ["after_update", "after_request_email_change"]);
    app.store.take_calls();
    let taken = json!({"email": "Mordred@camelot.bt"});
    let taken = app.ask("PATCH", "/users/me").bearer(&session).json(&taken).send().await;
    let calls_of_taken = app.store.take_calls();
    app.users.shutdown().await;
    let told = app.hooks.take();
    assert_eq!(
        told.iter().map(|event| event.hook).collect::<Vec<_>>(),
        ["after_update", "after_duplicate_email_change"]
    );
    assert!(
        told[1].email == MORDRED && told[1].token.is_none(),
        "the owner is told, and nobody gets a token"
    );
    assert_eq!((taken.status, &taken.headers, &taken.body), (free.status, &free.headers, &free.body));
    // What the job does after the answer may be among them, in any order.
    let before_the_answer = |calls: Vec<&'static str>| calls.into_iter().take(1).collect::<Vec<_>>();
    assert_eq!(before_the_answer(calls_of_free), before_the_answer(calls_of_taken));
}

async fn chg_5_whoever_comes_first_has_the_address(kind: Kind) {
    let app = TestApp::new(kind).await;
    for round in 0..10 {
        let (user, wanted) = (format!("user{round}@camelot.bt"), format!("Grail{round}@camelot.bt"));
        app.add(&user).await;
        let session = app.login(&user, PASSWORD).await;
        let token = requested(&app, &session, &wanted).await;
        let register = json!({"email": wanted.to_lowercase(), "password": PASSWORD});
        let (confirmed, registered) = tokio::join!(
            tokio::spawn(app.post(CONFIRM).json(&json!({ "token": token })).send()),
            tokio::spawn(app.post("/auth/register").json(&register).send()),
        );
        let (confirmed, registered) = (confirmed.unwrap(), registered.unwrap());
        match (confirmed.status, registered.status) {
            (200, 400) => registered.assert_detail(400, "REGISTER_USER_ALREADY_EXISTS"),
            (400, 201) => confirmed.assert_detail(400, "UPDATE_USER_EMAIL_ALREADY_EXISTS"),
            statuses => panic!("{statuses:?}"),
        }
        let owner = app.user(&wanted).await;
        assert_eq!(owner.email == wanted, confirmed.status == 200);
        if confirmed.status == 400 {
            assert_eq!(app.me(&session).await.status, 200, "a change that is refused ends no session");
        }
    }
}

async fn a_token_works_once(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    let session = app.login(KING, PASSWORD).await;
    let token = requested(&app, &session, ARTHUR).await;
    let asks: Vec<_> =
        (0..20).map(|_| tokio::spawn(app.post(CONFIRM).json(&json!({ "token": token })).send())).collect();
    let mut winners = 0;
    for ask in asks {
        let answer = ask.await.unwrap();
        match answer.status {
            200 => winners += 1,
            _ => answer.assert_detail(400, "CHANGE_EMAIL_BAD_TOKEN"),
        }
    }
    assert_eq!(winners, 1);
    app.users.shutdown().await;
    // Nor when everything is as it was before.
    let session = app.login(ARTHUR, PASSWORD).await;
    let back = requested(&app, &session, KING).await;
    assert_eq!(confirm(&app, &back).await.status, 200);
    confirm(&app, &token).await.assert_detail(400, "CHANGE_EMAIL_BAD_TOKEN");
    app.login(KING, PASSWORD).await;
}

async fn a_password_in_the_same_request_counts_at_once(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    let session = app.login(KING, PASSWORD).await;
    let weak = patch(&app, &session, &json!({"email": ARTHUR, "password": "weak"})).await;
    assert_eq!((weak.status, app.hooks.token_for("after_request_email_change", ARTHUR)), (400, None));
    let answer = patch(&app, &session, &json!({"email": ARTHUR, "password": NEW})).await;
    assert_eq!((answer.status, &answer.json()["email"]), (200, &json!(KING)));
    let token = app.hooks.token_for("after_request_email_change", ARTHUR).unwrap();
    app.login(KING, NEW).await;
    assert_eq!(confirm(&app, &token).await.status, 200);
    app.login(ARTHUR, NEW).await;
}

/// A browser whose cookie comes along with the token stays logged in: it gets a new session, others end.
#[tokio::test]
async fn a_browser_that_confirms_gets_a_new_cookie() {
    let app = TestApp::new(Kind::Memory).await;
    app.add(KING).await;
    app.add(MORDRED).await;
    let session = app.login(KING, PASSWORD).await;
    let (own, other) = (app.login_by_cookie(KING, PASSWORD).await, app.login_by_cookie(KING, PASSWORD).await);
    let foreign = app.login_by_cookie(MORDRED, PASSWORD).await;
    let confirm_with = async |cookie: &str, site: &str, email: &str, session: &str| {
        let token = requested(&app, session, email).await;
        let ask = app.post(CONFIRM).cookie(cookie).header("sec-fetch-site", site);
        ask.json(&json!({ "token": token })).send().await
    };
    let answer = confirm_with(&own, "same-origin", ARTHUR, &session).await;
    assert_eq!(app.me_by_cookie(&answer.cookie()).await.json()["email"], ARTHUR);
    for ended in [&own, &other] {
        assert_eq!(app.me_by_cookie(ended).await.status, 401);
    }
    // The session of somebody else, and of another site's request, stays out of it.
    let session = app.login(ARTHUR, PASSWORD).await;
    let answer = confirm_with(&foreign, "same-origin", "a@camelot.bt", &session).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
    let session = app.login("a@camelot.bt", PASSWORD).await;
    let own = app.login_by_cookie("a@camelot.bt", PASSWORD).await;
    let answer = confirm_with(&own, "cross-site", "b@camelot.bt", &session).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
    assert_eq!(app.me_by_cookie(&foreign).await.status, 200);
}

/// FGT-5: nobody's mailbox is filled by changing one's address to it again and again.
#[tokio::test]
async fn mails_to_one_address_are_limited_and_nobody_is_told() {
    let limits = RateLimits { mails_per_minute: 1, duplicate_mails_per_hour: 1, ..RateLimits::off() };
    let app = TestApp::with(Kind::Memory, |builder, store| {
        builder.policy(Policy::secure()).backend(jwt()).backend(stored_cookie(store)).rate_limits(limits)
    })
    .await;
    app.add(KING).await;
    app.add(MORDRED).await;
    let session = app.login(KING, PASSWORD).await;
    app.hooks.take();
    let mut answers = Vec::new();
    for email in [ARTHUR, ARTHUR, "ARTHUR@camelot.bt", MORDRED, MORDRED] {
        let answer = patch(&app, &session, &json!({ "email": email })).await;
        answers.push((answer.status, answer.headers, answer.body));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]) && answers[0].0 == 200);
    let mails = app.hooks.take().into_iter().map(|event| event.hook).filter(|hook| *hook != "after_update");
    assert_eq!(mails.collect::<Vec<_>>(), ["after_request_email_change", "after_duplicate_email_change"]);
}

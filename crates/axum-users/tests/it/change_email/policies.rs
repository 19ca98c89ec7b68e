use axum_users::{EmailChange, Policy};
use serde_json::json;

use super::{ARTHUR, MORDRED, REVERT, patch, post};
use crate::support::{KING, Kind, PASSWORD, TestApp, on_every_store};

on_every_store![at_once_where_the_policy_says_so, adm_6_what_an_administrator_writes_counts_at_once];

async fn at_once_where_the_policy_says_so(kind: Kind) {
    for policy in
        [Policy { email_change: EmailChange::Immediate, ..Policy::secure() }, Policy::fastapi_users()]
    {
        let app = TestApp::under(policy, kind).await;
        app.add_verified(KING).await;
        app.add(MORDRED).await;
        let session = app.login(KING, PASSWORD).await;
        let taken = patch(&app, &session, &json!({"email": "MORDRED@camelot.bt"})).await;
        taken.assert_detail(400, "UPDATE_USER_EMAIL_ALREADY_EXISTS");
        let answer = patch(&app, &session, &json!({"email": ARTHUR})).await;
        assert_eq!((answer.status, &answer.json()["email"]), (200, &json!(ARTHUR)));
        assert_eq!(answer.json()["is_verified"], false);
        assert_eq!(app.me(&session).await.status, 200, "the session goes on");
        let revert = app.hooks.token_for("after_email_change", KING).expect("the old address is told");
        let answer = post(&app, REVERT, &revert).await;
        assert_eq!((answer.status, &answer.json()["email"]), (200, &json!(KING)));
        app.login_answer("/auth/jwt/login", KING, PASSWORD).await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
}

async fn adm_6_what_an_administrator_writes_counts_at_once(kind: Kind) {
    let app = TestApp::new(kind).await;
    let king = app.add_verified(KING).await;
    app.add_superuser("merlin@camelot.bt").await;
    let admin = app.login("merlin@camelot.bt", PASSWORD).await;
    let sessions = (app.login(KING, PASSWORD).await, app.login_by_cookie(KING, PASSWORD).await);
    app.hooks.take();
    let path = format!("/users/{}", king.id);
    let body = json!({"email": ARTHUR, "password": "set by the admin"});
    let answer = app.ask("PATCH", &path).bearer(&admin).json(&body).send().await;
    assert_eq!((answer.status, &answer.json()["email"]), (200, &json!(ARTHUR)));
    app.users.shutdown().await;
    let mut told: Vec<_> =
        app.hooks.take().into_iter().map(|event| (event.hook, event.email, event.token)).collect();
    told.sort();
    assert_eq!(
        told,
        [
            ("after_email_change", KING.to_owned(), None),
            ("after_password_change", ARTHUR.to_owned(), None),
            ("after_update", ARTHUR.to_owned(), None),
            ("validate_password", ARTHUR.to_owned(), None),
        ]
    );
    assert_eq!((app.me(&sessions.0).await.status, app.me_by_cookie(&sessions.1).await.status), (401, 401));
}

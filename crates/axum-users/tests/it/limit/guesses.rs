//! Many wrong passwords for one user: what they cost whoever sends them, and not the user.

use axum_users::{Context, Cookie, Policy, RateLimits, UserError};
use serde_json::json;

use super::{
    ARTHUR, LOGIN, MALLORY, OFF, app, ask_from, assert_too_many, context_of, limited, login_from, post_from,
};
use crate::support::{Answer, KING, PASSWORD, TestApp};

/// The cookie by which the browser is known from now on.
fn device_cookie(answer: &Answer) -> Option<String> {
    let cookies = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    cookies
        .filter_map(|cookie| cookie.split(';').next())
        .find(|cookie| cookie.starts_with("__Host-axumusersdevice="))
        .map(str::to_owned)
}

async fn login_with(app: &TestApp, address: &str, device: &str, email: &str, password: &str) -> Answer {
    let form = [("username", email), ("password", password)];
    post_from(app, address, LOGIN).header("cookie", device).form(&form).send().await
}

#[tokio::test]
async fn log_4_who_has_logged_in_before_gets_in_while_others_guess() {
    let app = limited(RateLimits::default()).await;
    app.add(KING).await;
    app.add("mordred@camelot.bt").await;
    let device = device_cookie(&login_from(&app, ARTHUR, KING, PASSWORD).await).unwrap();
    let other = device_cookie(&login_from(&app, MALLORY, "mordred@camelot.bt", PASSWORD).await).unwrap();
    for _ in 0..5_000 {
        login_from(&app, MALLORY, KING, "wrong").await;
    }
    assert_eq!(login_with(&app, "203.0.113.77", &device, KING, PASSWORD).await.status, 200);
    assert_eq!(login_from(&app, "203.0.113.78", KING, PASSWORD).await.status, 200, "it was one client");
    // Even from the network of whoever guesses; of whom the cookie of another account is no help.
    let renewed = login_with(&app, MALLORY, &device, &KING.to_uppercase(), PASSWORD).await;
    assert_eq!(renewed.status, 200);
    assert!(device_cookie(&renewed).is_some_and(|renewed| renewed != device));
    assert_too_many(&login_with(&app, MALLORY, &other, KING, PASSWORD).await);
    assert_too_many(&login_from(&app, MALLORY, KING, PASSWORD).await);
}

#[tokio::test]
async fn log_4_a_known_browser_has_ten_tries_of_its_own() {
    let app = limited(RateLimits { login_tries: 5, device_tries_per_day: 10, ..OFF }).await;
    app.add(KING).await;
    let device = device_cookie(&login_from(&app, ARTHUR, KING, PASSWORD).await).unwrap();
    for _ in 0..20 {
        assert_eq!(login_with(&app, ARTHUR, &device, KING, PASSWORD).await.status, 200);
    }
    // Then it is one like any other.
    for _ in 0..10 + 5 {
        login_with(&app, ARTHUR, &device, KING, "wrong").await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
    assert_too_many(&login_with(&app, ARTHUR, &device, KING, PASSWORD).await);
    assert_eq!(login_with(&app, MALLORY, &device, KING, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn log_4_guesses_from_everywhere_are_a_hundred_a_day() {
    let limits = RateLimits { login_failures_per_minute: 0, login_tries: 0, ..RateLimits::default() };
    let app = limited(limits).await;
    app.add(KING).await;
    let device = device_cookie(&login_from(&app, ARTHUR, KING, PASSWORD).await).unwrap();
    let mut seen = Vec::new();
    for (net, email) in [(1, KING), (2, "nobody@camelot.bt")] {
        let mut statuses = Vec::new();
        for number in 0..6 {
            for _ in 0..22 {
                let client = format!("192.0.{net}.{number}");
                statuses.push(login_from(&app, &client, email, "wrong").await.status);
            }
        }
        seen.push(statuses);
    }
    let client = [[400; 20].as_slice(), &[429; 2]].concat();
    assert_eq!(
        seen[0],
        [client.repeat(5), vec![429; 22]].concat(),
        "twenty of each client, a hundred of all"
    );
    assert_eq!(seen[0], seen[1], "whether or not there is such a user");
    // The owner is told once.
    app.users.shutdown().await;
    let told: Vec<_> =
        app.hooks.take().into_iter().filter(|event| event.hook == "after_login_limited").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    // Whoever is known gets in; whoever is not needs the mailbox.
    assert_eq!(login_with(&app, ARTHUR, &device, KING, PASSWORD).await.status, 200);
    assert_too_many(&login_from(&app, ARTHUR, KING, PASSWORD).await);
    let token = app.forgot(KING).await;
    let body = json!({"token": token, "password": "guinevere2"});
    assert_eq!(ask_from(&app, ARTHUR, "/auth/reset-password", &body).await.status, 200);
    assert_eq!(login_from(&app, ARTHUR, KING, "guinevere2").await.status, 200);
}

#[tokio::test]
async fn log_4_without_addresses_of_clients_guesses_are_a_hundred_a_day_too() {
    let app = limited(RateLimits::default()).await;
    for _ in 0..100 {
        app.login_answer(LOGIN, KING, "wrong").await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
    assert_too_many(&app.login_answer(LOGIN, KING, "wrong").await);
}

#[tokio::test]
async fn log_4_every_login_by_password_makes_the_browser_known_and_no_failure_does() {
    let app = limited(RateLimits::default()).await;
    app.add(KING).await;
    for path in [LOGIN, "/auth/cookie/login"] {
        let login = async |password: &str| {
            let form = [("username", KING), ("password", password)];
            post_from(&app, ARTHUR, path).form(&form).send().await
        };
        let device = device_cookie(&login(PASSWORD).await).expect(path);
        assert!(!device.contains("camelot"));
        assert_eq!(device_cookie(&login("wrong").await), None);
    }
    for (policy, limits) in [
        (Policy { device_cookie: false, ..Policy::secure() }, RateLimits::default()),
        (Policy::fastapi_users(), RateLimits::default()),
        (Policy::secure(), OFF),
        (Policy::secure(), RateLimits { device_tries_per_day: 0, ..RateLimits::default() }),
    ] {
        let app = self::app(limits, |builder| builder.policy(policy)).await;
        app.add(KING).await;
        let answer = login_from(&app, ARTHUR, KING, PASSWORD).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
    }
    let app = self::app(RateLimits::default(), |builder| {
        builder.device_cookie(Cookie { name: "known".to_owned(), secure: false, ..Cookie::device() })
    });
    let app = app.await;
    app.add(KING).await;
    let answer = login_from(&app, ARTHUR, KING, PASSWORD).await;
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("known=") && !cookie.contains("Secure"), "{cookie}");
}

#[tokio::test]
async fn chg_7_a_session_guesses_no_more_often_than_who_has_none() {
    let app = limited(RateLimits { device_tries_per_day: 0, ..RateLimits::default() }).await;
    let user = app.add(KING).await;
    let manager = app.users.manager();
    // Five a minute for the user, right or wrong, wherever from.
    for number in 0..5 {
        let cx = context_of(&format!("192.0.2.{number}"));
        manager.confirm_password(&user, PASSWORD, &cx).await.unwrap();
    }
    let refused = manager.confirm_password(&user, PASSWORD, &context_of("192.0.2.5")).await;
    assert!(matches!(refused, Err(UserError::TooManyRequests { .. })), "{refused:?}");
    manager.confirm_password(&user, PASSWORD, &Context::none()).await.unwrap();

    // Wrong ones count with those of logins.
    let limits = RateLimits { reauthentications_per_minute: 0, ..RateLimits::default() };
    let app = limited(limits).await;
    let user = app.add(KING).await;
    let manager = app.users.manager();
    for _ in 0..5 {
        let wrong = manager.confirm_password(&user, "wrong", &context_of(MALLORY)).await;
        assert!(matches!(wrong, Err(UserError::BadCredentials)), "{wrong:?}");
    }
    let refused = manager.confirm_password(&user, PASSWORD, &context_of(MALLORY)).await;
    assert!(matches!(refused, Err(UserError::TooManyRequests { .. })), "{refused:?}");
    assert_too_many(&login_from(&app, MALLORY, KING, PASSWORD).await);
    manager.confirm_password(&user, PASSWORD, &context_of(ARTHUR)).await.unwrap();
}

#[tokio::test]
async fn genuine_tokens_for_one_user_are_ten_an_hour() {
    let app = limited(RateLimits::default()).await;
    app.add(KING).await;
    let (reset, verify) = (app.forgot(KING).await, app.request_verify(KING).await);
    let session = app.login(KING, PASSWORD).await;
    let body = json!({"email": "arthur@camelot.bt"});
    assert_eq!(app.ask("PATCH", "/users/me").bearer(&session).json(&body).send().await.status, 200);
    app.users.shutdown().await;
    let change = app.hooks.token_for("after_request_email_change", "arthur@camelot.bt").unwrap();
    for (path, body, expected) in [
        ("/auth/reset-password", json!({"token": reset, "password": "short"}), 400),
        ("/auth/verify", json!({"token": verify}), 200),
        ("/auth/change-email", json!({"token": change}), 200),
    ] {
        for number in 0..10 {
            let answer = ask_from(&app, &format!("192.0.2.{number}"), path, &body).await;
            assert_eq!(answer.status, if number == 0 { expected } else { 400 }, "{path}");
        }
        assert_too_many(&ask_from(&app, "192.0.2.99", path, &body).await);
    }
}

#[tokio::test]
async fn users_are_told_of_browsers_that_are_not_known_where_the_policy_says_so() {
    for tells in [true, false] {
        let policy = Policy { tell_of_new_devices: tells, ..Policy::secure() };
        let app = app(RateLimits::default(), |builder| builder.policy(policy)).await;
        app.add(KING).await;
        let told = async || {
            app.users.shutdown().await;
            app.hooks.take().iter().filter(|event| event.hook == "after_login_from_new_device").count()
        };
        assert_eq!(login_from(&app, ARTHUR, KING, "wrong").await.status, 400);
        assert_eq!(told().await, 0, "nobody got in");
        let device = device_cookie(&login_from(&app, ARTHUR, KING, PASSWORD).await).unwrap();
        assert_eq!(told().await, usize::from(tells));
        assert_eq!(login_with(&app, ARTHUR, &device, KING, PASSWORD).await.status, 200);
        assert_eq!(told().await, 0, "the browser is known");
        for _ in 0..5 {
            assert_eq!(login_from(&app, MALLORY, KING, PASSWORD).await.status, 200);
        }
        assert_eq!(told().await, if tells { 2 } else { 0 }, "three an hour");
    }
}

//! How often something may be tried: by one client, and for one address.

mod guesses;
mod shared;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::extract::ConnectInfo;
use axum_users::{
    Context, DuplicateRegistration, NoProfile, Policy, RateLimits, UserError, Users, UsersBuilder,
};
use serde_json::json;
use tokio::sync::Barrier;

use crate::support::{Answer, Ask, KING, Kind, PASSWORD, Social, Store, TestApp, jwt, stored_cookie};

const LOGIN: &str = "/auth/jwt/login";
const MALLORY: &str = "198.51.100.66";
const ARTHUR: &str = "203.0.113.5";
/// Beside the one under test.
const OFF: RateLimits = RateLimits::off();

async fn app(
    limits: RateLimits,
    configure: impl FnOnce(UsersBuilder<NoProfile, Store>) -> UsersBuilder<NoProfile, Store>,
) -> TestApp {
    TestApp::with(Kind::Memory, |builder, store| {
        configure(builder.backend(jwt()).backend(stored_cookie(store)).rate_limits(limits))
    })
    .await
}

async fn limited(limits: RateLimits) -> TestApp {
    app(limits, |builder| builder).await
}

/// A request over a connection from this address.
fn post_from(app: &TestApp, address: &str, path: &str) -> Ask {
    let address = SocketAddr::new(address.parse().unwrap(), 40_000);
    app.post(path).extension(ConnectInfo(address))
}

async fn login_from(app: &TestApp, address: &str, email: &str, password: &str) -> Answer {
    post_from(app, address, LOGIN).form(&[("username", email), ("password", password)]).send().await
}

async fn ask_from(app: &TestApp, address: &str, path: &str, body: &serde_json::Value) -> Answer {
    post_from(app, address, path).json(body).send().await
}

#[track_caller]
fn assert_too_many(answer: &Answer) -> u64 {
    answer.assert_detail(429, "TOO_MANY_REQUESTS");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let seconds = answer.header("retry-after").expect("it says when to try again").parse().unwrap();
    assert!(seconds > 0);
    seconds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn log_3_of_many_guesses_at_once_five_reach_the_hasher() {
    let app = limited(RateLimits { login_tries: 5, ..OFF }).await;
    app.add(KING).await;
    let before = app.users.password_operations();
    let (app, barrier) = (Arc::new(app), Arc::new(Barrier::new(500)));
    let guesses: Vec<_> = (0..500)
        .map(|number| {
            let (app, barrier) = (Arc::clone(&app), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                login_from(&app, MALLORY, KING, &format!("guess {number}")).await.status
            })
        })
        .collect();
    let mut statuses = Vec::new();
    for guess in guesses {
        statuses.push(guess.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 5);
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 495);
    assert_eq!(app.users.password_operations() - before, 5);
}

#[tokio::test]
async fn log_4_whoever_guesses_locks_nobody_else_out() {
    let app = limited(RateLimits::default()).await;
    app.add(KING).await;
    for _ in 0..100 {
        login_from(&app, MALLORY, KING, "wrong").await;
    }
    assert_too_many(&login_from(&app, MALLORY, KING, PASSWORD).await);
    assert_eq!(login_from(&app, ARTHUR, KING, PASSWORD).await.status, 200);
}

/// A request of a handler of the application's own.
fn context_of(address: &str) -> Context {
    let mut request = http::Request::new(());
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address.parse().unwrap(), 40_000)));
    Context::from_parts(&request.into_parts().0)
}

#[tokio::test]
async fn log_1_limits_are_the_same_whether_or_not_there_is_such_a_user() {
    let app = limited(RateLimits::default()).await;
    app.add(KING).await;
    app.add_inactive("merlin@camelot.bt").await;
    let mut seen = Vec::new();
    // From addresses of their own: each is limited for what it does alone.
    for (number, email) in
        [KING, "nobody@camelot.bt", "merlin@camelot.bt", "no address"].into_iter().enumerate()
    {
        let mut answers = Vec::new();
        for _ in 0..7 {
            let answer = login_from(&app, &format!("192.0.2.{number}"), email, "wrong").await;
            answers.push((answer.status, answer.headers, answer.body));
        }
        seen.push(answers);
    }
    assert_eq!(
        seen[0].iter().map(|answer| answer.0).collect::<Vec<_>>(),
        [400, 400, 400, 400, 400, 429, 429]
    );
    assert!(seen.iter().all(|answers| *answers == seen[0]), "{seen:#?}");
}

#[tokio::test]
async fn log_5_spellings_and_routes_share_one_count() {
    let app = limited(RateLimits { login_tries: 5, ..OFF }).await;
    app.add(KING).await;
    let spellings = [
        (KING.to_owned(), LOGIN),
        (KING.to_uppercase(), "/auth/cookie/login"),
        (format!("  {KING} "), LOGIN),
        ("King.Arthur@CAMELOT.bt".to_owned(), "/auth/cookie/login"),
    ];
    for (email, path) in spellings {
        let form = [("username", &*email), ("password", "wrong")];
        post_from(&app, "2001:db8::1", path)
            .form(&form)
            .send()
            .await
            .assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
    // A route of the application's own, from elsewhere in the same network.
    let cx = context_of("2001:db8::ffff:7");
    let own = app.users.manager();
    assert!(matches!(own.authenticate(KING, "wrong", &cx).await, Err(UserError::BadCredentials)));
    assert!(matches!(own.authenticate(KING, PASSWORD, &cx).await, Err(UserError::TooManyRequests { .. })));
    assert_too_many(&login_from(&app, "2001:db8::2", KING, PASSWORD).await);
    assert_eq!(login_from(&app, "2001:db8:0:1::2", KING, PASSWORD).await.status, 200, "another network");
}

#[tokio::test]
async fn log_5_who_turns_through_the_networks_of_a_provider_is_one_client_in_the_end() {
    let app = limited(RateLimits { login_tries: 5, login_per_minute: 30, ..OFF }).await;
    let mut answers = Vec::new();
    for network in 0..400 {
        answers.push(login_from(&app, &format!("2001:db8:9:{network:x}::1"), KING, "wrong").await.status);
    }
    assert_eq!(answers.iter().filter(|status| **status == 400).count(), 50, "tries at one address");
    answers.clear();
    for network in 0..400 {
        let email = format!("knight{network}@camelot.bt");
        answers.push(login_from(&app, &format!("2001:db8:8:{network:x}::1"), &email, "wrong").await.status);
    }
    // Those that flow in while this runs.
    let let_in = answers.iter().filter(|status| **status == 400).count();
    assert!((300..390).contains(&let_in), "{let_in} logins");
}

#[tokio::test]
async fn log_5_headers_of_whoever_is_no_trusted_proxy_change_nothing() {
    let login = async |app: &TestApp, peer: &str, header: &str, value: &str| {
        let form = [("username", KING), ("password", "wrong")];
        post_from(app, peer, LOGIN).header(header, value).form(&form).send().await.status
    };
    let limits = RateLimits { login_tries: 2, ..OFF };
    let app = app(limits, |builder| builder.trusted_proxies(["10.0.0.0/8"])).await;
    for (number, header) in ["x-forwarded-for", "forwarded"].into_iter().cycle().take(10).enumerate() {
        let value =
            if header == "forwarded" { format!("for=192.0.2.{number}") } else { format!("192.0.2.{number}") };
        let expected = if number < 2 { 400 } else { 429 };
        assert_eq!(login(&app, MALLORY, header, &value).await, expected, "{header}");
    }
    // Behind a proxy, whatever a client writes in front of what the proxy adds.
    for number in 0..10 {
        let value = format!("192.0.2.{number}, {ARTHUR}, 10.0.0.7");
        let expected = if number < 2 { 400 } else { 429 };
        assert_eq!(login(&app, "10.0.0.1", "x-forwarded-for", &value).await, expected);
    }
    assert_eq!(
        login(&app, "10.0.0.1", "x-forwarded-for", "203.0.113.99").await,
        400,
        "another client of the proxy"
    );
}

#[tokio::test]
async fn log_6_a_success_of_ones_own_takes_back_no_failure() {
    let app = limited(RateLimits::default()).await;
    app.add(KING).await;
    app.add("mordred@camelot.bt").await;
    for _ in 0..5 {
        login_from(&app, MALLORY, KING, "wrong").await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
        assert_eq!(login_from(&app, MALLORY, "mordred@camelot.bt", PASSWORD).await.status, 200);
    }
    assert_too_many(&login_from(&app, MALLORY, KING, PASSWORD).await);
}

#[tokio::test]
async fn a_right_password_and_a_store_that_fails_count_for_nothing() {
    let app = limited(RateLimits { login_tries: 5, ..OFF }).await;
    app.add(KING).await;
    for _ in 0..20 {
        assert_eq!(login_from(&app, ARTHUR, KING, PASSWORD).await.status, 200);
    }
    app.store.break_down();
    for _ in 0..20 {
        assert_eq!(login_from(&app, ARTHUR, KING, PASSWORD).await.status, 503);
    }
}

#[tokio::test]
async fn log_7_after_the_wait_the_limit_holds_on() {
    let limits = RateLimits { login_tries: 1, login_longest_wait: Duration::from_secs(1), ..OFF };
    let app = limited(limits).await;
    app.add(KING).await;
    login_from(&app, MALLORY, KING, "wrong").await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    for _ in 0..2 {
        let wait = assert_too_many(&login_from(&app, MALLORY, KING, PASSWORD).await);
        assert_eq!(wait, 1);
        tokio::time::sleep(Duration::from_secs(wait)).await;
        login_from(&app, MALLORY, KING, "wrong").await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
    assert_too_many(&login_from(&app, MALLORY, KING, PASSWORD).await);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(login_from(&app, MALLORY, KING, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn log_8_one_password_for_many_addresses() {
    let app = limited(RateLimits::default()).await;
    let mut statuses = Vec::new();
    for number in 0..200 {
        let address = format!("2001:db8:5:5::{number:x}");
        statuses.push(
            login_from(&app, &address, &format!("knight{number}@camelot.bt"), "excalibur").await.status,
        );
    }
    assert!(statuses[..10].iter().all(|status| *status == 400));
    assert!(statuses.iter().filter(|status| **status == 429).count() > 150, "{statuses:?}");
}

#[tokio::test]
async fn reg_10_registrations_of_one_client() {
    let app = limited(RateLimits::default()).await;
    let register = async |address: &str, number: usize| {
        let body = json!({"email": format!("knight{number}@camelot.bt"), "password": PASSWORD});
        ask_from(&app, address, "/auth/register", &body).await
    };
    for number in 0..10 {
        assert_eq!(register(MALLORY, number).await.status, 201);
    }
    assert_too_many(&register(MALLORY, 10).await);
    assert_eq!(register(ARTHUR, 11).await.status, 201);
    assert_eq!(app.count().await, 11);
}

#[tokio::test]
async fn reg_10_the_owner_of_an_address_is_told_three_times_an_hour() {
    let hide = Policy { duplicate_registration: DuplicateRegistration::Hide, ..Policy::secure() };
    let app = app(RateLimits::default(), |builder| builder.policy(hide)).await;
    app.add(KING).await;
    for number in 0..8 {
        let body = json!({"email": KING.to_uppercase(), "password": "excalibur1"});
        let answer = ask_from(&app, &format!("192.0.2.{number}"), "/auth/register", &body).await;
        assert_eq!(answer.status, 201);
    }
    app.users.shutdown().await;
    let told = app.hooks.take().into_iter().filter(|event| event.hook == "after_duplicate_registration");
    assert_eq!(told.count(), 3);
}

#[tokio::test]
async fn fgt_mails_to_one_address_are_bounded_and_nobody_is_told() {
    for path in ["/auth/forgot-password", "/auth/request-verify-token"] {
        let app = limited(RateLimits::default()).await;
        app.add(KING).await;
        let mut answers = Vec::new();
        for (number, email) in [KING, &KING.to_uppercase(), KING, "nobody@camelot.bt", "nobody@camelot.bt"]
            .into_iter()
            .enumerate()
        {
            answers
                .push(ask_from(&app, &format!("192.0.2.{number}"), path, &json!({ "email": email })).await);
        }
        app.users.shutdown().await;
        assert_eq!(app.hooks.take().len(), 1, "{path}");
        answers[0].assert(202, &json!(null));
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");

        // For each address five an hour, where one a minute is no limit.
        let app = limited(RateLimits { mails_per_minute: 0, ..RateLimits::default() }).await;
        app.add(KING).await;
        for _ in 0..8 {
            ask_from(&app, ARTHUR, path, &json!({ "email": KING })).await.assert(202, &json!(null));
        }
        app.users.shutdown().await;
        assert_eq!(app.hooks.take().len(), 5, "{path}");
    }
}

#[tokio::test]
async fn what_one_client_asks_to_be_mailed_and_sends_back_is_bounded() {
    let app = limited(RateLimits::default()).await;
    for (path, body, expected) in [
        ("/auth/forgot-password", json!({"email": "nobody@camelot.bt"}), 202),
        ("/auth/request-verify-token", json!({"email": "nobody@camelot.bt"}), 202),
        ("/auth/reset-password", json!({"token": "forged", "password": PASSWORD}), 400),
        ("/auth/verify", json!({"token": "forged"}), 400),
    ] {
        for _ in 0..20 {
            assert_eq!(ask_from(&app, MALLORY, path, &body).await.status, expected, "{path}");
        }
        assert_too_many(&ask_from(&app, MALLORY, path, &body).await);
        assert_eq!(ask_from(&app, ARTHUR, path, &body).await.status, expected, "{path}");
    }
}

#[tokio::test]
async fn ways_to_a_provider_that_one_client_begins_are_bounded() {
    let social = Social::new(Kind::Memory).await;
    let begin = async |address: &str| {
        let connection = ConnectInfo(SocketAddr::new(address.parse().unwrap(), 40_000));
        social.app.ask("GET", "/auth/camelot/authorize").extension(connection).send().await
    };
    for _ in 0..30 {
        assert_eq!(begin(MALLORY).await.status, 200);
    }
    assert_too_many(&begin(MALLORY).await);
    assert_eq!(begin(ARTHUR).await.status, 200);
}

#[tokio::test]
async fn without_addresses_of_clients_only_mails_are_limited() {
    let app = limited(RateLimits::default()).await;
    app.add(KING).await;
    for _ in 0..50 {
        app.login_answer(LOGIN, KING, "wrong").await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
    for _ in 0..3 {
        assert_eq!(
            app.post("/auth/forgot-password").json(&json!({ "email": KING })).send().await.status,
            202
        );
    }
    app.users.shutdown().await;
    assert_eq!(app.hooks.take().len(), 1);
}

#[tokio::test]
async fn without_limits_nothing_is_limited() {
    let app = limited(OFF).await;
    app.add(KING).await;
    for _ in 0..50 {
        login_from(&app, MALLORY, KING, "wrong").await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
}

#[test]
fn cfg_2_limits_that_protect_nothing_are_refused() {
    let builder = || -> UsersBuilder<NoProfile, _> {
        Users::builder(axum_users::MemoryStore::new(), crate::support::SECRET).backend(jwt())
    };
    for proxies in ["0.0.0.0/0", "::/0", "localhost"] {
        let error = builder().trusted_proxies([proxies]).build().unwrap_err();
        assert!(error.to_string().contains(proxies), "{error}");
    }
    for seconds in [0, 901] {
        let longest = Duration::from_secs(seconds);
        let limits = RateLimits { login_longest_wait: longest, ..RateLimits::default() };
        assert!(builder().rate_limits(limits).build().unwrap_err().to_string().contains("longest wait"));
    }
    assert!(builder().trusted_proxies(["10.0.0.1", "fd00::/8"]).build().is_ok());
}

//! Passwords that are known from data breaches: as a service that is played tells, and as a file does.

mod filter;

use std::time::{Duration, Instant};

use axum_users::{Policy, oauth::ProviderClient, password::BreachCheck};
use axum_users_testkit::{FakeAnswer, FakeProvider};
use serde_json::json;

use crate::support::{KING, Kind, PASSWORD, TestApp, jwt};

const KNOWN: &str = "excalibur in the stone";
const REASON: &str = "Password should not be one that is known from data breaches";

fn sha1(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}

fn route(password: &str) -> String {
    format!("GET api.pwnedpasswords.com/range/{}", &sha1(password)[..5])
}

fn lines(lines: &str) -> FakeAnswer {
    FakeAnswer::text("text/plain", lines)
}

async fn app(policy: Policy) -> (TestApp, FakeProvider) {
    let fake = FakeProvider::start().await;
    let check = BreachCheck::with(ProviderClient::through(&fake.url()).unwrap());
    let app =
        TestApp::with(Kind::Memory, |builder, _| builder.policy(policy).hooks(check).backend(jwt())).await;
    let ours = format!("0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n{}:27\r\n", &sha1(KNOWN)[5..]);
    fake.answer(&route(KNOWN), lines(&ours));
    fake.answer(&route(PASSWORD), lines("0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n"));
    (app, fake)
}

#[tokio::test]
async fn reg_8_breached_passwords_are_refused() {
    let (app, fake) = app(Policy::secure()).await;
    let refused = |code: &str| json!({"code": code, "reason": REASON});
    app.register(KING, KNOWN).await.assert_detail(400, refused("REGISTER_INVALID_PASSWORD"));
    assert_eq!(app.register(KING, PASSWORD).await.status, 201);
    let token = app.login(KING, PASSWORD).await;
    let update =
        app.ask("PATCH", "/users/me").bearer(&token).json(&json!({ "password": KNOWN })).send().await;
    update.assert_detail(400, refused("UPDATE_USER_INVALID_PASSWORD"));
    let reset = app.forgot(KING).await;
    app.reset(&reset, KNOWN).await.assert_detail(400, refused("RESET_PASSWORD_INVALID_PASSWORD"));
    // What logs in is not asked about: four passwords were set.
    assert_eq!(fake.requests().len(), 4);
}

/// No more than the first five digits of the hash leaves the machine, and the answer is padded.
#[tokio::test]
async fn only_the_prefix_leaves_the_machine() {
    let (app, fake) = app(Policy::secure()).await;
    app.register(KING, KNOWN).await;
    let requests = fake.requests();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(request.route, route(KNOWN));
    assert_eq!(request.headers["add-padding"], "true");
    let shown = format!("{request:?}").to_uppercase();
    for secret in
        [&sha1(KNOWN)[..6], &sha1(KNOWN)[5..], &KNOWN.to_uppercase(), &KING.to_uppercase(), "CAMELOT"]
    {
        assert!(!shown.contains(secret), "{secret}");
    }
    assert!(request.body.is_empty() && request.query.is_empty());
}

#[tokio::test]
async fn padding_is_no_breach() {
    let (app, fake) = app(Policy::secure()).await;
    fake.answer(&route(KNOWN), lines(&format!("{}:0\r\n", &sha1(KNOWN)[5..])));
    assert_eq!(app.register(KING, KNOWN).await.status, 201);
}

/// Whatever the service does, people can register.
#[tokio::test]
async fn f_24_without_an_answer_the_password_is_accepted() {
    let (app, fake) = app(Policy::secure()).await;
    let answers = [
        lines("").status(503),
        lines("").status(429),
        lines("").status(404),
        FakeAnswer::redirect("https://elsewhere.example"),
        FakeAnswer::bytes("text/plain", vec![0xff, 0xfe]),
        lines("no hashes at all"),
        FakeAnswer::endless(),
        FakeAnswer::stalls(Duration::from_secs(30)),
        FakeAnswer::drips(Duration::from_millis(50)),
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        fake.answer(&route(KNOWN), answer);
        let start = Instant::now();
        assert_eq!(app.register(&format!("a{number}@camelot.bt"), KNOWN).await.status, 201, "{number}");
        assert!(start.elapsed() < Duration::from_secs(4), "{number}: {:?}", start.elapsed());
    }
    drop(fake);
    assert_eq!(app.register(KING, KNOWN).await.status, 201, "nobody listens");
}

/// What the policy refuses is not asked about.
#[tokio::test]
async fn the_rules_of_the_policy_come_first() {
    let (app, fake) = app(Policy::secure()).await;
    assert_eq!(app.register(KING, "password1").await.status, 400);
    assert_eq!(app.register(KING, "short").await.status, 400);
    assert_eq!(fake.requests().len(), 0);
}

//! Providers that misbehave, and get nothing by it.

use std::time::Duration;

use axum_users::oauth::{Discord, ProviderClient, ProviderError};
use axum_users_testkit::{FakeAnswer, free_port};
use serde_json::json;

use super::stage::{CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, Stage};

const ROUTES: [&str; 3] = [
    "GET discord.com/api/users/@me",
    "POST discord.com/api/oauth2/token",
    "POST discord.com/api/oauth2/token/revoke",
];

/// Far longer than a request may take: for machines that are busy.
const PATIENCE: Duration = Duration::from_secs(60);

fn discord() -> Discord {
    Discord::new(CLIENT_ID, CLIENT_SECRET)
}

/// What comes of the answer: as the user, as new tokens, and to a revocation. Each asks once.
async fn outcomes(answer: FakeAnswer) -> [Result<(), ProviderError>; 3] {
    let stage = Stage::new().await;
    for route in ROUTES {
        stage.fake.answer(route, answer.clone());
    }
    let provider = discord();
    let all = async {
        tokio::join!(
            async { stage.identity(&provider, &json!({})).await.map(drop) },
            async { stage.refresh(&provider, Some(REFRESH_TOKEN)).await.map(drop) },
            async { stage.revoke(&provider, Some(REFRESH_TOKEN)).await.map(drop) },
        )
    };
    let (user, tokens, revocation) = tokio::time::timeout(PATIENCE, all).await.unwrap();
    assert_eq!(stage.fake.requests().len(), ROUTES.len());
    [user, tokens, revocation]
}

/// 32 KiB of spaces and a user, as gzip; its parts may be repeated (RFC 1952 §2.2).
fn gzip(spaces: usize) -> FakeAnswer {
    const SPACES: &str = "1f8b0800000000000203edc18100000000802095fd2917a90a0000000000000000000000000000000000000000\
                          0000000000000000000000000000189b7df68a00800000";
    const USER: &str = "1f8b0800000000000203ab56ca4c51b232b530363236ac05005685c98d0d000000";
    let bytes = |hex: &str| {
        let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect::<Vec<u8>>()
    };
    let mut packed = bytes(SPACES).repeat(spaces);
    packed.extend(bytes(USER));
    FakeAnswer::bytes("application/json", packed).header("content-encoding", "gzip")
}

#[tokio::test]
async fn oal_10_answers_that_are_no_json_are_unusable() {
    let nested = |open: &str, close: &str| {
        let json = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        FakeAnswer::text("application/json", &json)
    };
    let mut latin1 = br#"{"id":"1","access_token":"canary-"#.to_vec();
    latin1.extend([0xe4, b'"', b'}']);
    for answer in [
        FakeAnswer::text("text/html", "<!doctype html><title>canary</title>"),
        FakeAnswer::text("application/json", ""),
        FakeAnswer::text("application/json", r#"{"id":"canary","access_token":"canary""#),
        FakeAnswer::text("application/json", r#"{"id":"canary","access_token":"canary"}canary"#),
        FakeAnswer::text("application/x-www-form-urlencoded", "access_token=canary&id=1"),
        FakeAnswer::bytes("application/json", latin1),
        nested("[", "]"),
        nested(r#"{"id":"#, "}"),
        // Unpacked it would be a user, or 320 MB and a user.
        gzip(0),
        gzip(10_000),
    ] {
        let [user, tokens, revocation] = outcomes(answer.clone()).await;
        assert!(matches!(user, Err(ProviderError::Answer(_))), "{user:?} {answer:?}");
        assert!(matches!(tokens, Err(ProviderError::Answer(_))), "{tokens:?} {answer:?}");
        // RFC 7009 §2.2: nothing but the status counts.
        assert!(revocation.is_ok(), "{answer:?}");
    }
}

#[tokio::test]
async fn oal_10_an_endless_answer_is_not_read_to_its_end() {
    let [user, tokens, _] = outcomes(FakeAnswer::endless()).await;
    assert!(matches!(user, Err(ProviderError::Answer(_))), "{user:?}");
    assert!(matches!(tokens, Err(ProviderError::Answer(_))), "{tokens:?}");
    let [user, tokens, revocation] = outcomes(FakeAnswer::endless().status(400)).await;
    assert!(matches!(user, Err(ProviderError::Refused(_))), "{user:?}");
    assert!(matches!(tokens, Err(ProviderError::Refused(_))), "{tokens:?}");
    assert!(matches!(revocation, Err(ProviderError::Refused(_))), "{revocation:?}");
}

#[tokio::test]
async fn oal_10_a_dripping_answer_ends_in_time() {
    let [user, tokens, _] = outcomes(FakeAnswer::drips(Duration::from_millis(100))).await;
    assert!(matches!(user, Err(ProviderError::Unavailable(_))), "{user:?}");
    assert!(matches!(tokens, Err(ProviderError::Unavailable(_))), "{tokens:?}");
}

#[tokio::test]
async fn oal_10_a_stalling_provider_is_given_up() {
    for outcome in outcomes(FakeAnswer::stalls(Duration::from_secs(3600))).await {
        assert!(matches!(outcome, Err(ProviderError::Unavailable(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn oal_10_redirects_are_not_followed() {
    let elsewhere = Stage::new().await;
    let inside = format!("{}/inside", elsewhere.fake.url());
    for location in
        ["http://169.254.169.254/latest/meta-data", "//169.254.169.254/", "file:///etc/passwd", &inside]
    {
        for status in [301, 302, 303, 307, 308] {
            let answer = FakeAnswer::redirect(location).status(status);
            for outcome in outcomes(answer).await {
                assert!(matches!(outcome, Err(ProviderError::Answer(_))), "{status} {location} {outcome:?}");
            }
        }
    }
    assert_eq!(elsewhere.fake.connections(), 0);
}

#[tokio::test]
async fn oal_10_a_failing_provider_is_not_available() {
    for status in [500, 502, 503, 504, 429] {
        let answer = FakeAnswer::json(json!({"id": "1", "access_token": "canary"})).status(status);
        for outcome in outcomes(answer).await {
            assert!(matches!(outcome, Err(ProviderError::Unavailable(_))), "{status} {outcome:?}");
        }
    }
    let nobody = format!("http://127.0.0.1:{}", free_port().unwrap());
    let stage = Stage { client: ProviderClient::through(&nobody).unwrap(), ..Stage::new().await };
    let outcome = stage.identity(&discord(), &json!({})).await;
    assert!(matches!(outcome, Err(ProviderError::Unavailable(_))), "{outcome:?}");
}

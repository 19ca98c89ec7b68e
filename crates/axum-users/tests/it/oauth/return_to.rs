//! Browsers that want to be somewhere in the end.

use axum_users::{Context, Policy, UpdateUser};
use axum_users_testkit::FakeAnswer;
use serde_json::json;

use crate::support::{Begun, Browser, KING, Kind, LOGIN, Social, camelot, knight, on_every_store};

on_every_store![a_page_gets_a_code_for_a_token_once];

const PAGE: &str = "https://app.example/welcome?tab=1";
const AUTHORIZE: &str = "/auth/camelot/authorize?return_to=https%3A%2F%2Fapp.example%2Fwelcome%3Ftab%3D1";

async fn social(kind: Kind) -> Social {
    let social =
        Social::with(kind, Policy::secure(), camelot().return_to([PAGE, "com.example.app:/in"])).await;
    social.says(knight("1", KING, true));
    social
}

/// Where the browser is sent after it came back from the provider.
async fn come_back(social: &Social, browser: &Browser<'_>) -> String {
    let answer = browser.get(AUTHORIZE).await;
    assert_eq!(answer.status, 303);
    let begun = Begun::read(answer.header("location").unwrap());
    let answer = social.come_back(browser, LOGIN, &begun.state).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert!(browser.cookies().is_empty());
    answer.header("location").unwrap().to_owned()
}

async fn a_page_gets_a_code_for_a_token_once(kind: Kind) {
    let social = social(kind).await;
    let there = come_back(&social, &Browser::new(&social)).await;
    let code = there.strip_prefix(&format!("{PAGE}#code=")).unwrap().to_owned();
    let exchange = |path: &str, code: &str| social.app.post(path).json(&json!({ "code": code })).send();
    exchange("/auth/avalon/token", &code).await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    exchange("/auth/camelot/token", "garbage").await.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    let answers: Vec<_> = (0..8).map(|_| tokio::spawn(exchange("/auth/camelot/token", &code))).collect();
    let mut tokens = Vec::new();
    for answer in answers {
        let answer = answer.await.unwrap();
        match answer.status {
            200 => tokens.push(social.user_of(&answer).await),
            _ => answer.assert_detail(400, "LOGIN_BAD_CREDENTIALS"),
        }
    }
    assert_eq!(tokens.len(), 1);
    assert_eq!(social.app.hooks.take_names(), ["after_register", "after_login"]);
}

#[tokio::test]
async fn a_code_ends_with_the_password_and_with_the_user() {
    for change in [
        UpdateUser { is_active: Some(false), ..UpdateUser::default() },
        UpdateUser { password: Some("excalibur-in-the-stone".into()), ..UpdateUser::default() },
    ] {
        let social = social(Kind::Memory).await;
        let there = come_back(&social, &Browser::new(&social)).await;
        let code = there.split_once("#code=").unwrap().1;
        let user = social.app.user(KING).await;
        social.users().manager().update(&user, change, &Context::none()).await.unwrap();
        let answer = social.app.post("/auth/camelot/token").json(&json!({ "code": code })).send().await;
        answer.assert_detail(400, "LOGIN_BAD_CREDENTIALS");
    }
}

#[tokio::test]
async fn with_a_cookie_the_browser_is_logged_in_when_it_arrives() {
    let social =
        Social::with(Kind::Memory, Policy::secure(), camelot().backend("cookie").return_to([PAGE])).await;
    social.says(knight("1", KING, true));
    let browser = Browser::new(&social);
    let answer = browser.get(AUTHORIZE).await;
    let begun = Begun::read(answer.header("location").unwrap());
    let answer = social.come_back(&browser, LOGIN, &begun.state).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some(PAGE)));
    let cookies = browser.cookies();
    assert_eq!(cookies.keys().collect::<Vec<_>>(), ["__Host-fastapiusersauth"]);
    assert_eq!(browser.get("/users/me").await.json()["email"], KING);
}

#[tokio::test]
async fn errors_arrive_at_the_page_too() {
    let social = social(Kind::Memory).await;
    social.says(json!({ "id": "1" }));
    let there = come_back(&social, &Browser::new(&social)).await;
    assert_eq!(there, format!("{PAGE}#error=OAUTH_NOT_AVAILABLE_EMAIL"));
    social.fake.answer("POST camelot.bt/token", FakeAnswer::json(json!({"error": "canary"})).status(500));
    let there = come_back(&social, &Browser::new(&social)).await;
    assert_eq!(there, format!("{PAGE}#error=OAUTH_PROVIDER_UNAVAILABLE"));
    // Whoever says no at the provider.
    let browser = Browser::new(&social);
    let begun = Begun::read(browser.get(AUTHORIZE).await.header("location").unwrap());
    let answer = browser.get(&format!("{LOGIN}/callback?error=access_denied&state={}", begun.state)).await;
    assert_eq!(answer.header("location"), Some(format!("{PAGE}#error=access_denied").as_str()));
}

#[tokio::test]
async fn oal_13_only_listed_pages_are_returned_to() {
    let social = social(Kind::Memory).await;
    for other in [
        "https://app.example/welcome",
        "https://app.example/welcome?tab=1&x",
        "https://app.example/welcome?tab=1/../evil",
        "https://app.example.evil.example/welcome?tab=1",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "HTTPS://app.example/welcome?tab=1",
        "",
    ] {
        let encoded: String = form_urlencoded::byte_serialize(other.as_bytes()).collect();
        let answer = social.app.ask("GET", &format!("{LOGIN}/authorize?return_to={encoded}")).send().await;
        assert_eq!((answer.status, answer.header("location")), (422, None), "{other}");
    }
    let listed = "return_to=com.example.app%3A%2Fin";
    assert_eq!(social.app.ask("GET", &format!("{LOGIN}/authorize?{listed}")).send().await.status, 303);
    let twice = social.app.ask("GET", &format!("{LOGIN}/authorize?{listed}&{listed}")).send().await;
    twice.assert_detail(400, "Bad Request");
}

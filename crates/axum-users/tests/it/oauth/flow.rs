//! The way to a provider and back: the contract's routes, parameters and answers.

use axum_users::{
    Policy,
    oauth::{GitHub, OAuth},
};
use axum_users_testkit::FakeAnswer;
use serde_json::json;

use crate::support::{
    Begun, Browser, KING, Kind, LINK, LOGIN, Social, callback, camelot, knight, on_every_store, read_claims,
};

on_every_store![
    somebody_new_signs_up_and_comes_again,
    an_account_is_added_to_a_user,
    oal_11_many_first_logins_at_once
];

async fn somebody_new_signs_up_and_comes_again(kind: Kind) {
    let social = Social::new(kind).await;
    social.says(knight("1", "King.Arthur@camelot.bt", true));
    let browser = Browser::new(&social);
    let begun = social.begin(&browser, LOGIN).await;
    assert!(
        begun.url.starts_with("https://camelot.bt/authorize?response_type=code&client_id=camelot-client&")
    );
    let names: Vec<_> = begun.parameters.iter().map(|(name, _)| name.as_str()).collect();
    let contract = ["response_type", "client_id", "redirect_uri", "state", "scope"];
    assert_eq!(names, [&contract[..], &["code_challenge", "code_challenge_method"]].concat());
    assert_eq!(begun.parameter("redirect_uri"), Some("https://app.example/auth/camelot/callback"));
    assert_eq!(begun.parameter("scope"), Some("profile email"));

    let answer = social.come_back(&browser, LOGIN, &begun.state).await;
    let user = social.user_of(&answer).await;
    assert_eq!(
        (user.email.as_str(), user.is_verified, user.is_superuser),
        ("King.Arthur@camelot.bt", true, false)
    );
    assert_eq!(social.app.hooks.take_names(), ["after_register", "after_login"]);
    let exchanged = &social.fake.requests_to("POST camelot.bt/token")[0].form;
    let field = |name: &str| &exchanged.iter().find(|(found, _)| found == name).unwrap().1;
    assert_eq!(field("grant_type"), "authorization_code");
    assert_eq!(field("code"), "the-code");
    assert_eq!(field("redirect_uri"), begun.parameter("redirect_uri").unwrap());
    assert_eq!(field("client_id"), "camelot-client");

    // With another address at the provider it is the same user, whose own address stays (OAL-9).
    social.says(knight("1", "king@avalon.bt", true));
    let again = social.user_of(&social.log_in(&Browser::new(&social)).await).await;
    assert_eq!((&again.id, again.email.as_str()), (&user.id, "King.Arthur@camelot.bt"));
    let accounts = social.users().manager().oauth_accounts(&user).await.unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].account_email, "king@avalon.bt");
    assert_eq!(
        (accounts[0].access_token.as_str(), accounts[0].refresh_token.as_deref()),
        ("camelot-access", Some("camelot-refresh"))
    );
    assert_eq!(social.app.count().await, 1);
}

async fn an_account_is_added_to_a_user(kind: Kind) {
    let social = Social::new(kind).await;
    let user = social.app.add(KING).await;
    let token = social.app.login(KING, "guinevere1").await;
    let browser = Browser::with_token(&social, &token);
    social.says(knight("7", "other@avalon.bt", false));
    let begun = social.begin(&browser, LINK).await;
    assert_eq!(begun.parameter("redirect_uri"), Some("https://app.example/auth/associate/camelot/callback"));
    let answer = social.come_back(&browser, LINK, &begun.state).await;
    assert_eq!((answer.status, answer.json()["id"].as_str()), (200, Some(user.id.to_string().as_str())));
    // From now on it logs in by it, whatever the address is.
    let again = social.user_of(&social.log_in_as("7", "other@avalon.bt", false).await).await;
    assert_eq!(again.id, user.id);
    for path in ["authorize", "callback?code=x&state=y"] {
        Browser::new(&social).get(&format!("{LINK}/{path}")).await.assert_detail(401, "Unauthorized");
    }
}

async fn oal_11_many_first_logins_at_once(kind: Kind) {
    let social = Social::new(kind).await;
    social.says(knight("1", KING, true));
    let browsers: Vec<_> = (0..20).map(|_| Browser::new(&social)).collect();
    let mut states = Vec::new();
    for browser in &browsers {
        states.push(social.begin(browser, LOGIN).await.state);
    }
    let routers = browsers.iter().zip(&states).map(|(browser, state)| {
        let cookies: Vec<_> =
            browser.cookies().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let ask = social.app.ask("GET", &callback(LOGIN, state)).header("cookie", &cookies.join("; "));
        tokio::spawn(ask.send())
    });
    let mut ids = Vec::new();
    for answer in routers.collect::<Vec<_>>() {
        ids.push(social.user_of(&answer.await.unwrap()).await.id);
    }
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(social.app.count().await, 1);
    let user = social.app.user(KING).await;
    assert_eq!(social.users().manager().oauth_accounts(&user).await.unwrap().len(), 1);
}

#[tokio::test]
async fn oal_4_every_flow_has_a_challenge_of_its_own() {
    let social = Social::new(Kind::Memory).await;
    social.says(knight("1", KING, true));
    let mut challenges = Vec::new();
    for _ in 0..3 {
        let browser = Browser::new(&social);
        let begun = social.begin(&browser, LOGIN).await;
        assert_eq!(begun.parameter("code_challenge_method"), Some("S256"));
        social.come_back(&browser, LOGIN, &begun.state).await;
        challenges.push(begun.parameter("code_challenge").unwrap().to_owned());
    }
    let exchanged = social.fake.requests_to("POST camelot.bt/token");
    for (request, challenge) in exchanged.iter().zip(&challenges) {
        let verifier = &request.form.iter().find(|(name, _)| name == "code_verifier").unwrap().1;
        assert!((43..=128).contains(&verifier.len()));
        assert_eq!(&s256(verifier), challenge);
    }
    challenges.dedup();
    assert_eq!((challenges.len(), exchanged.len()), (3, 3));
}

/// RFC 7636 §4.2.
fn s256(verifier: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes()))
}

#[tokio::test]
async fn what_comes_back_without_a_code() {
    let social = Social::new(Kind::Memory).await;
    let browser = Browser::new(&social);
    let state = social.begin(&browser, LOGIN).await.state;
    for (query, detail) in [
        ("", "Bad Request"),
        ("error=access_denied", "access_denied"),
        ("error=%3Cscript%3E", "Bad Request"),
        ("code=a&code=b", "Bad Request"),
        ("code=a", "ACCESS_TOKEN_DECODE_ERROR"),
        ("code=a&state=garbage", "ACCESS_TOKEN_DECODE_ERROR"),
    ] {
        browser.get(&format!("{LOGIN}/callback?{query}")).await.assert_detail(400, detail);
    }
    browser
        .get(&format!("{LOGIN}/callback?error=access_denied&state={state}"))
        .await
        .assert_detail(400, "access_denied");
    assert!(social.fake.requests().is_empty());
}

#[tokio::test]
async fn oal_14_without_an_address_nobody_signs_up() {
    let social = Social::new(Kind::Memory).await;
    for email in [
        json!(null),
        json!(""),
        json!(7),
        json!("no address"),
        json!("a@b@camelot.bt"),
        json!("king@camelot.bt\r\nBcc: x@y.z"),
    ] {
        social.says(json!({ "id": "1", "email": email, "verified": true }));
        social.log_in(&Browser::new(&social)).await.assert_detail(400, "OAUTH_NOT_AVAILABLE_EMAIL");
    }
    assert_eq!(social.app.count().await, 0);
}

#[tokio::test]
async fn oal_10_a_provider_that_fails_is_a_bad_gateway_and_one_that_refuses_is_not() {
    let social = Social::new(Kind::Memory).await;
    let (token, me) = ("POST camelot.bt/token", "GET camelot.bt/me");
    let canary = json!({ "error": "canary", "error_description": "canary" });
    for (route, answer, status, detail) in [
        (token, FakeAnswer::json(canary.clone()).status(400), 400, "OAUTH_PROVIDER_REFUSED"),
        (token, FakeAnswer::json(canary.clone()), 400, "OAUTH_PROVIDER_REFUSED"),
        (token, FakeAnswer::json(canary.clone()).status(500), 502, "OAUTH_PROVIDER_UNAVAILABLE"),
        (token, FakeAnswer::text("text/html", "<p>canary</p>"), 502, "OAUTH_PROVIDER_UNAVAILABLE"),
        (token, FakeAnswer::redirect("http://169.254.169.254/latest"), 502, "OAUTH_PROVIDER_UNAVAILABLE"),
        (me, FakeAnswer::json(canary.clone()).status(401), 400, "OAUTH_PROVIDER_REFUSED"),
        (me, FakeAnswer::json(canary.clone()), 502, "OAUTH_PROVIDER_UNAVAILABLE"),
        (me, FakeAnswer::json(canary.clone()).status(503), 502, "OAUTH_PROVIDER_UNAVAILABLE"),
    ] {
        social.says(knight("1", KING, true));
        social.fake.answer_once(route, answer);
        let browser = Browser::new(&social);
        social.log_in(&browser).await.assert_detail(status, detail);
        assert!(browser.cookies().is_empty(), "the flow is over");
    }
    assert_eq!(social.app.count().await, 0);
}

#[tokio::test]
async fn oal_12_scopes_that_are_not_offered_are_not_asked_for() {
    let social = Social::with(Kind::Memory, Policy::secure(), camelot().more_scopes(["quests"])).await;
    let browser = Browser::new(&social);
    let begun = browser.get(&format!("{LOGIN}/authorize?scopes=email&scopes=quests")).await;
    let begun = Begun::read(begun.json()["authorization_url"].as_str().unwrap());
    assert_eq!(begun.parameter("scope"), Some("email quests"));
    let refused = browser.get(&format!("{LOGIN}/authorize?scopes=admin")).await;
    assert_eq!((refused.status, &refused.json()["detail"][0]["loc"]), (422, &json!(["query", "scopes"])));
    let social = Social::with(Kind::Memory, Policy::fastapi_users(), camelot()).await;
    assert_eq!(Browser::new(&social).get(&format!("{LOGIN}/authorize?scopes=admin")).await.status, 200);
}

#[tokio::test]
async fn a_form_that_a_browser_posts_becomes_a_navigation() {
    let social = Social::new(Kind::Memory).await;
    let posted = social.app.post(&format!("{LOGIN}/callback")).form(&[
        ("code", "a&b"),
        ("state", "the state"),
        ("user", r#"{"name":"Arthur"}"#),
    ]);
    let answer = posted.send().await;
    let there = format!("{LOGIN}/callback?code=a%26b&state=the+state");
    assert_eq!((answer.status, answer.header("location")), (303, Some(there.as_str())));
}

#[tokio::test]
async fn under_the_policy_of_fastapi_users_cookie_and_state_are_the_contracts() {
    let social = Social::with(Kind::Memory, Policy::fastapi_users(), camelot()).await;
    social.says(knight("1", KING, false));
    let browser = Browser::new(&social);
    let answer = browser.get(&format!("{LOGIN}/authorize")).await;
    let cookies = browser.cookies();
    let token = &cookies["fastapiusersoauthcsrf"];
    let expected =
        format!("fastapiusersoauthcsrf={token}; HttpOnly; Max-Age=3600; Path=/; SameSite=lax; Secure");
    assert_eq!(answer.header("set-cookie"), Some(expected.as_str()));
    let begun = Begun::read(answer.json()["authorization_url"].as_str().unwrap());
    let claims = read_claims(&begun.state);
    assert_eq!((&claims["csrftoken"], &claims["aud"]), (&json!(token), &json!("fastapi-users:oauth-state")));
    let answer = social.come_back(&browser, LOGIN, &begun.state).await;
    let user = social.user_of(&answer).await;
    assert!(!user.is_verified);
    // Not even there is a state used twice.
    browser.set("fastapiusersoauthcsrf", token);
    social.come_back(&browser, LOGIN, &begun.state).await.assert_detail(400, "OAUTH_INVALID_STATE");
}

#[tokio::test]
async fn github_by_its_own_interfaces() {
    let social = Social::configured(Kind::Memory, camelot(), |builder| {
        builder.oauth(OAuth::new(GitHub::new("id", "secret")))
    })
    .await;
    social.fake.answer(
        "POST github.com/login/oauth/access_token",
        FakeAnswer::json(
            json!({"access_token": "gho_x", "scope": "user,user:email", "token_type": "bearer"}),
        ),
    );
    social.fake.answer(
        "GET api.github.com/user",
        FakeAnswer::json(json!({"id": 583_231, "login": "octocat", "email": null})),
    );
    let emails = json!([{"email": "a@camelot.bt", "primary": false, "verified": true}, {"email": KING, "primary": true, "verified": true}]);
    social.fake.answer("GET api.github.com/user/emails", FakeAnswer::json(emails));
    let browser = Browser::new(&social);
    let begun = social.begin(&browser, "/auth/github").await;
    let user = social.user_of(&social.come_back(&browser, "/auth/github", &begun.state).await).await;
    let accounts = social.users().manager().oauth_accounts(&user).await.unwrap();
    assert_eq!((accounts[0].oauth_name.as_str(), accounts[0].account_id.as_str()), ("github", "583231"));
    assert_eq!((user.email.as_str(), user.is_verified), (KING, true));
}

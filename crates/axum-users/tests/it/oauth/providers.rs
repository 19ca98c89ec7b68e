//! Each provider as its documentation shows it: what it is asked, and what is read of its answers.

use axum_users::oauth::{
    ClientAuthentication, Discord, Endpoints, Facebook, GitHub, Kakao, LinkedIn, Naver, OAuthProvider,
    ProviderError, Reddit, Shopify, Spotify, Twitch, X,
};
use axum_users_testkit::{FakeAnswer, FakeRequest};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::header;
use serde_json::{Value, json};

use super::{
    profiles::{self, PROOF, Pairs, Profile},
    stage::{ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, Stage},
};

const EMAILS: &str = "GET api.github.com/user/emails";

fn new<P>(provider: impl FnOnce(&'static str, &'static str) -> P) -> P {
    provider(CLIENT_ID, CLIENT_SECRET)
}

fn camelot() -> Shopify {
    Shopify::new(CLIENT_ID, CLIENT_SECRET, "camelot").unwrap()
}

/// Asserts the same of every provider, with its profile.
macro_rules! of_every_provider {
    ($assert:ident) => {
        $assert(new(Discord::new), profiles::discord()).await;
        $assert(new(Facebook::new), profiles::facebook()).await;
        $assert(new(GitHub::new), profiles::github()).await;
        $assert(new(Kakao::new), profiles::kakao()).await;
        $assert(new(LinkedIn::new), profiles::linkedin()).await;
        $assert(new(Naver::new), profiles::naver()).await;
        $assert(new(Reddit::new), profiles::reddit()).await;
        $assert(camelot(), profiles::shopify()).await;
        $assert(new(Spotify::new), profiles::spotify()).await;
        $assert(new(Twitch::new), profiles::twitch()).await;
        $assert(new(X::new), profiles::x()).await;
    };
}

fn pairs(pairs: Pairs) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn with(value: &Value, pointer: &str, new: Value) -> Value {
    let mut value = value.clone();
    *value.pointer_mut(pointer).unwrap() = new;
    value
}

fn has_access_token(request: &FakeRequest) -> bool {
    let value = |name| request.headers.get(name).map(|value| value.to_str().unwrap());
    let bearer = format!("Bearer {ACCESS_TOKEN}");
    value("authorization") == Some(&bearer) || value("x-shopify-access-token") == Some(ACCESS_TOKEN)
}

async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.plays(EMAILS, &json!([]));
    stage
}

#[tokio::test]
async fn every_provider_is_asked_as_documented() {
    async fn asked(provider: impl OAuthProvider, profile: Profile) {
        let stage = stage().await;
        stage.plays(profile.route, &profile.answer);
        let identity = stage.identity(&provider, &json!({})).await.unwrap();
        assert_eq!(identity.account_id, profile.id.1);
        assert_eq!(identity.email.as_deref(), profile.email.map(|_| "king@camelot.bt"));
        assert_eq!(identity.email_verified, profile.is_verified, "{}", provider.name());
        assert!(identity.claims.is_object());
        let [request] = stage.fake.requests_to(profile.route).try_into().unwrap();
        assert!(has_access_token(&request), "{request:?}");
        assert_eq!(request.query, pairs(profile.query));
        assert_eq!(request.headers[header::ACCEPT], "application/json");
    }
    of_every_provider!(asked);
}

#[tokio::test]
async fn oal_6_an_address_is_verified_only_if_the_provider_says_so() {
    async fn verified(provider: impl OAuthProvider, profile: Profile) {
        let stage = stage().await;
        let identity = async |answer: Value| {
            stage.plays(profile.route, &answer);
            stage.identity(&provider, &json!({})).await.unwrap()
        };
        for said in profile.verified {
            for no in [json!(false), json!(null), json!("true"), json!("false"), json!(1), json!([true])] {
                let identity = identity(with(&profile.answer, said, no)).await;
                assert_eq!(identity.email.as_deref(), Some("king@camelot.bt"));
                assert!(!identity.email_verified, "{said}");
            }
        }
        let Some(email) = profile.email else { return };
        for none in [json!(null), json!(""), json!(1), json!(["king@camelot.bt"])] {
            let identity = identity(with(&profile.answer, email, none)).await;
            assert!(identity.email.is_none() && !identity.email_verified, "{email}");
        }
    }
    of_every_provider!(verified);
}

#[tokio::test]
async fn oal_9_an_id_of_another_type_is_none() {
    async fn refused(provider: impl OAuthProvider, profile: Profile) {
        let stage = stage().await;
        for id in [json!(null), json!(""), json!(1.5), json!(true), json!([1]), json!({"id": 1})] {
            stage.plays(profile.route, &with(&profile.answer, profile.id.0, id));
            let refused = stage.identity(&provider, &json!({})).await;
            assert!(matches!(refused, Err(ProviderError::Answer(_))), "{refused:?}");
        }
    }
    of_every_provider!(refused);
}

#[tokio::test]
async fn oal_10_errors_and_other_shapes_name_nobody() {
    async fn refused(provider: impl OAuthProvider, profile: Profile) {
        let stage = stage().await;
        let outcome = async |answer: FakeAnswer| {
            stage.fake.answer(profile.route, answer);
            stage.identity(&provider, &json!({})).await.unwrap_err()
        };
        let error = json!({"error": "canary", "errors": [{"message": "canary"}], "resultcode": "024"});
        for shape in [json!(null), json!([]), json!("canary"), json!([["id", "1"]]), json!(1), error.clone()]
        {
            let refused = outcome(FakeAnswer::json(shape)).await;
            assert!(matches!(refused, ProviderError::Answer(_)), "{refused:?}");
        }
        for status in [400, 401, 403] {
            let refused = outcome(FakeAnswer::json(error.clone()).status(status)).await;
            assert!(matches!(refused, ProviderError::Refused(_)), "{status} {refused:?}");
        }
        let refused = outcome(FakeAnswer::json(error).status(404)).await;
        assert!(matches!(refused, ProviderError::Answer(_)), "{refused:?}");
    }
    of_every_provider!(refused);
}

#[tokio::test]
async fn endpoints_are_those_of_the_documentation() {
    async fn is(provider: impl OAuthProvider, name: &str, scopes: &[&str], expected: Endpoints) {
        let stage = Stage::new().await;
        assert_eq!((provider.name(), provider.scopes()), (name, scopes));
        assert_eq!(provider.endpoints(&stage.client).await.unwrap(), expected);
        assert!(stage.fake.requests().is_empty());
    }
    let at = |authorize: &str, token: &str| {
        Endpoints::new(format!("https://{authorize}"), format!("https://{token}"))
    };

    let mut discord =
        at("discord.com/api/oauth2/authorize", "discord.com/api/oauth2/token").basic().refreshes();
    discord = discord.revoke("https://discord.com/api/oauth2/token/revoke");
    discord.issuer = Some("https://discord.com".to_owned());
    is(new(Discord::new), "discord", &["identify", "email"], discord).await;
    let facebook = at("www.facebook.com/v26.0/dialog/oauth", "graph.facebook.com/v26.0/oauth/access_token");
    is(new(Facebook::new), "facebook", &["email", "public_profile"], facebook).await;
    let github = at("github.com/login/oauth/authorize", "github.com/login/oauth/access_token").refreshes();
    is(new(GitHub::new), "github", &["user", "user:email"], github).await;
    let kakao = at("kauth.kakao.com/oauth/authorize", "kauth.kakao.com/oauth/token").refreshes();
    is(new(Kakao::new), "kakao", &["profile_nickname", "account_email"], kakao).await;
    let linkedin = at("www.linkedin.com/oauth/v2/authorization", "www.linkedin.com/oauth/v2/accessToken");
    let linkedin = linkedin.without_pkce().refreshes();
    is(new(LinkedIn::new), "linkedin", &["openid", "profile", "email"], linkedin).await;
    let naver = at("nid.naver.com/oauth2.0/authorize", "nid.naver.com/oauth2.0/token").refreshes();
    is(new(Naver::new), "naver", &[], naver).await;
    let reddit =
        at("www.reddit.com/api/v1/authorize", "www.reddit.com/api/v1/access_token").basic().refreshes();
    let reddit = reddit.revoke("https://www.reddit.com/api/v1/revoke_token");
    is(new(Reddit::new), "reddit", &["identity"], reddit).await;
    let shop = "camelot.myshopify.com/admin/oauth";
    let shopify = at(&format!("{shop}/authorize"), &format!("{shop}/access_token"));
    let ending = shopify.clone().refreshes().code_parameter("expiring", "1");
    is(camelot(), "shopify", &["read_orders"], ending).await;
    is(camelot().lasting_tokens(), "shopify", &["read_orders"], shopify.clone()).await;
    is(camelot().people(), "shopify", &["read_orders"], shopify).await;
    let spotify = at("accounts.spotify.com/authorize", "accounts.spotify.com/api/token").basic().refreshes();
    is(new(Spotify::new), "spotify", &["user-read-email"], spotify).await;
    let twitch = at("id.twitch.tv/oauth2/authorize", "id.twitch.tv/oauth2/token").refreshes();
    let twitch = twitch.revoke("https://id.twitch.tv/oauth2/revoke");
    is(new(Twitch::new), "twitch", &["user:read:email"], twitch).await;
    let x = at("x.com/i/oauth2/authorize", "api.x.com/2/oauth2/token").basic().refreshes();
    let x = x.revoke("https://api.x.com/2/oauth2/revoke");
    is(new(X::new), "x", &["users.read", "tweet.read", "users.email"], x).await;
}

#[test]
fn parameters_of_the_authorize_url_are_chosen() {
    fn parameters(provider: &impl OAuthProvider) -> String {
        let parameters = provider.authorize_parameters();
        form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
    }
    assert_eq!(parameters(&new(GitHub::new)), "");
    let github = new(GitHub::new).login("octocat").without_signup();
    assert_eq!(parameters(&github), "login=octocat&allow_signup=false");
    assert_eq!(parameters(&new(Reddit::new)), "");
    assert_eq!(parameters(&new(Reddit::new).permanent()), "duration=permanent");
    assert_eq!(parameters(&camelot()), "");
    assert_eq!(parameters(&camelot().people()), "grant_options%5B%5D=per-user");
}

/// How the application proves itself, in the header or in the form.
fn is_authenticated(request: &FakeRequest, authentication: ClientAuthentication) -> bool {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(CLIENT_ID), encoded(CLIENT_SECRET));
    let basic = format!("Basic {}", STANDARD.encode(pair));
    let in_header = request.headers.get(header::AUTHORIZATION).is_some_and(|value| value == &basic);
    let field = |name: &str| request.form.iter().find(|field| field.0 == name).map(|field| field.1.as_str());
    let in_form = (field("client_id"), field("client_secret")) == (Some(CLIENT_ID), Some(CLIENT_SECRET));
    match authentication {
        ClientAuthentication::Basic => in_header && field("client_secret").is_none(),
        _ => in_form && !request.headers.contains_key(header::AUTHORIZATION),
    }
}

#[tokio::test]
async fn new_tokens_come_for_old_ones_and_for_no_others() {
    async fn refreshes(provider: impl OAuthProvider, token: Option<&str>, form: Pairs) {
        let stage = Stage::new().await;
        let endpoints = provider.endpoints(&stage.client).await.unwrap();
        let route = endpoints.token.replace("https://", "POST ");
        stage.plays(&route, &json!({"access_token": "new", "expires_in": 3600, "scope": ["a"]}));
        assert_eq!(stage.refresh(&provider, token).await.unwrap().access_token, "new");
        let [request] = stage.fake.requests_to(&route).try_into().unwrap();
        assert!(request.form.starts_with(&pairs(form)), "{request:?}");
        assert!(is_authenticated(&request, endpoints.authentication), "{request:?}");
        for (status, error) in [
            (400, json!({"error": "invalid_grant", "error_description": "canary", "access_token": "canary"})),
            (401, json!({"error": {"message": "canary"}})),
            (200, json!({"error": "bad_refresh_token", "error_description": "canary"})),
        ] {
            stage.fake.answer(&route, FakeAnswer::json(error).status(status));
            let refused = stage.refresh(&provider, token).await;
            assert!(matches!(refused, Err(ProviderError::Refused(_))), "{status} {refused:?}");
        }
    }
    async fn standard(provider: impl OAuthProvider, _: Profile) {
        if !["facebook"].contains(&provider.name()) {
            let form = &[("grant_type", "refresh_token"), ("refresh_token", REFRESH_TOKEN)];
            refreshes(provider, Some(REFRESH_TOKEN), form).await;
        }
    }
    of_every_provider!(standard);
    let form = &[("grant_type", "fb_exchange_token"), ("fb_exchange_token", ACCESS_TOKEN)];
    refreshes(new(Facebook::new), None, form).await;
    for provider in [camelot().people(), camelot().lasting_tokens()] {
        let none = Stage::new().await.refresh(&provider, Some(REFRESH_TOKEN)).await;
        assert!(matches!(none, Err(ProviderError::Settings(_))), "{none:?}");
    }
}

#[tokio::test]
async fn tokens_are_made_invalid_in_each_providers_way() {
    /// The request, when it is accepted with this status and nothing in it.
    async fn revokes(provider: &impl OAuthProvider, route: &str, status: u16) -> FakeRequest {
        let stage = Stage::new().await;
        let answer = FakeAnswer::json(json!({"access_token": "canary", "result": "success"}));
        stage.fake.answer(
            route,
            if status == 204 { FakeAnswer::text("text/plain", "").status(204) } else { answer },
        );
        assert!(stage.revoke(provider, Some(REFRESH_TOKEN)).await.unwrap());
        let [request] = stage.fake.requests().try_into().unwrap();
        stage.fake.answer(route, FakeAnswer::json(json!({"error": "canary"})).status(400));
        let refused = stage.revoke(provider, Some(REFRESH_TOKEN)).await;
        assert!(matches!(refused, Err(ProviderError::Refused(_))), "{refused:?}");
        request
    }
    async fn standard(provider: impl OAuthProvider, route: &str) {
        let stage = Stage::new().await;
        let authentication = provider.endpoints(&stage.client).await.unwrap().authentication;
        let request = revokes(&provider, route, 204).await;
        assert!(
            request
                .form
                .starts_with(&pairs(&[("token", REFRESH_TOKEN), ("token_type_hint", "refresh_token")]))
        );
        assert!(is_authenticated(&request, authentication));
        stage.fake.answer(route, FakeAnswer::text("text/plain", ""));
        assert!(stage.revoke(&provider, None).await.unwrap());
        let [request] = stage.fake.requests().try_into().unwrap();
        assert!(
            request.form.starts_with(&pairs(&[("token", ACCESS_TOKEN), ("token_type_hint", "access_token")]))
        );
    }
    async fn nothing(provider: impl OAuthProvider) {
        let stage = Stage::new().await;
        assert!(!stage.revoke(&provider, Some(REFRESH_TOKEN)).await.unwrap());
        assert!(stage.fake.requests().is_empty());
    }
    standard(new(Discord::new), "POST discord.com/api/oauth2/token/revoke").await;
    standard(new(Reddit::new), "POST www.reddit.com/api/v1/revoke_token").await;
    standard(new(X::new), "POST api.x.com/2/oauth2/revoke").await;
    nothing(new(LinkedIn::new)).await;
    nothing(camelot()).await;
    nothing(new(Spotify::new)).await;

    let facebook = revokes(&new(Facebook::new), "DELETE graph.facebook.com/v26.0/me/permissions", 200).await;
    assert!(has_access_token(&facebook) && facebook.query == pairs(&[("appsecret_proof", PROOF)]));
    let github = revokes(&new(GitHub::new), "DELETE api.github.com/applications/client.id/token", 204).await;
    // That is no token endpoint, and takes them as they are.
    let as_they_are = STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
    assert_eq!(github.headers[header::AUTHORIZATION], format!("Basic {as_they_are}"));
    assert_eq!(serde_json::from_slice::<Value>(&github.body).unwrap(), json!({"access_token": ACCESS_TOKEN}));
    let kakao = revokes(&new(Kakao::new), "POST kapi.kakao.com/v1/user/unlink", 200).await;
    assert!(has_access_token(&kakao) && kakao.form.is_empty());
    let naver = revokes(&new(Naver::new), "POST nid.naver.com/oauth2.0/token", 200).await;
    let form = &[("grant_type", "delete"), ("access_token", ACCESS_TOKEN), ("service_provider", "NAVER")];
    assert!(naver.form.starts_with(&pairs(form)) && is_authenticated(&naver, ClientAuthentication::Body));
    let twitch = revokes(&new(Twitch::new), "POST id.twitch.tv/oauth2/revoke", 204).await;
    assert!(twitch.form.starts_with(&pairs(&[("token", ACCESS_TOKEN)])));
    assert!(is_authenticated(&twitch, ClientAuthentication::Body));
}

#[tokio::test]
async fn oal_6_of_githubs_addresses_the_primary_one_counts() {
    let stage = Stage::new().await;
    stage.plays(
        "GET api.github.com/user",
        &with(&profiles::github().answer, "/email", json!("public@camelot.bt")),
    );
    let email = async || {
        let identity = stage.identity(&new(GitHub::new), &json!({})).await.unwrap();
        (identity.email, identity.email_verified)
    };
    let is = |email: &str, verified| (Some(email.to_owned()), verified);
    let entry = |email: &str, primary: bool, verified: Value| json!({"email": email, "primary": primary, "verified": verified, "visibility": "private"});
    let old = entry("old@camelot.bt", false, json!(true));
    stage.plays(EMAILS, &json!([old, entry("king@camelot.bt", true, json!(true))]));
    assert_eq!(email().await, is("king@camelot.bt", true));
    for no in [json!(false), json!("true"), json!(1), json!(null)] {
        stage.plays(EMAILS, &json!([old, entry("king@camelot.bt", true, no)]));
        assert_eq!(email().await, is("king@camelot.bt", false));
    }
    stage.plays(EMAILS, &json!([old]));
    assert_eq!(email().await, is("old@camelot.bt", true));
    stage.plays(EMAILS, &json!([]));
    assert_eq!(email().await, (None, false));
    for without_right in [403, 404] {
        stage.fake.answer(EMAILS, FakeAnswer::json(json!({"message": "Not Found"})).status(without_right));
        assert_eq!(email().await, is("public@camelot.bt", false));
    }
    stage.fake.answer(EMAILS, FakeAnswer::json(json!({"message": "canary"})).status(500));
    let failed = stage.identity(&new(GitHub::new), &json!({})).await;
    assert!(matches!(failed, Err(ProviderError::Unavailable(_))), "{failed:?}");
}

#[tokio::test]
async fn twitch_is_told_the_application() {
    let stage = Stage::new().await;
    let profile = profiles::twitch();
    stage.plays(profile.route, &profile.answer);
    stage.identity(&new(Twitch::new), &json!({})).await.unwrap();
    assert_eq!(stage.fake.requests()[0].headers["client-id"], CLIENT_ID);
    stage.plays(profile.route, &json!({"data": []}));
    let nobody = stage.identity(&new(Twitch::new), &json!({})).await;
    assert!(matches!(nobody, Err(ProviderError::Answer(_))), "{nobody:?}");
}

#[tokio::test]
async fn oal_6_the_people_of_a_shop_have_accounts_of_their_own() {
    let stage = Stage::new().await;
    let people = camelot().people();
    let person = |verified: Value| {
        json!({"expires_in": 86_399, "associated_user_scope": "read_orders", "associated_user": {
            "id": 902_541_635, "first_name": "Arthur", "email": "king@camelot.bt", "email_verified": verified,
            "account_owner": true, "locale": "en", "collaborator": false,
        }})
    };
    let identity = stage.identity(&people, &person(json!(true))).await.unwrap();
    assert_eq!(identity.account_id, "user/902541635");
    assert_eq!((identity.email.as_deref(), identity.email_verified), (Some("king@camelot.bt"), true));
    for no in [json!(false), json!("true"), json!(null), json!(1)] {
        assert!(!stage.identity(&people, &person(no)).await.unwrap().email_verified);
    }
    for nobody in [json!({}), json!({"associated_user": null}), json!({"associated_user": [1]})] {
        let refused = stage.identity(&people, &nobody).await;
        assert!(matches!(refused, Err(ProviderError::Answer(_))), "{refused:?}");
    }
    assert!(stage.fake.requests().is_empty());
}

#[tokio::test]
async fn oal_9_of_a_shop_only_the_id_of_a_shop_counts() {
    let stage = Stage::new().await;
    let profile = profiles::shopify();
    for id in
        ["548380009", "gid://shopify/Product/548380009", "gid://shopify/Shop/", "gid://shopify/Shop/../1"]
    {
        stage.plays(profile.route, &with(&profile.answer, profile.id.0, json!(id)));
        let refused = stage.identity(&camelot(), &json!({})).await;
        assert!(matches!(refused, Err(ProviderError::Answer(_))), "{refused:?}");
    }
    let query = serde_json::from_slice::<Value>(&stage.fake.requests()[0].body).unwrap();
    assert_eq!(query, json!({"query": "{ shop { id name email myshopifyDomain } }"}));
}

#[test]
fn oal_10_a_shop_is_one_at_shopify() {
    let shop = |name| Shopify::new(CLIENT_ID, CLIENT_SECRET, name);
    for name in ["camelot", "camelot-2", "2camelot", "Camelot", "camelot.myshopify.com"] {
        assert!(shop(name).is_ok(), "{name}");
    }
    for name in [
        "",
        "-camelot",
        "camelot.evil.example",
        "evil.example/",
        "evil.example#",
        "a@b",
        "cämelot",
        "a b",
        ".",
        "x\n",
    ] {
        assert!(matches!(shop(name), Err(ProviderError::Settings(_))), "{name}");
    }
}

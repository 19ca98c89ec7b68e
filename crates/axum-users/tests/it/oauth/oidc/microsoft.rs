use axum_users::oauth::{Microsoft, OAuthProvider, ProviderTokens};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::{CLIENT_ID, CLIENT_SECRET, Idp, SigningKey, assert_untrusted, claims, tokens, with};

const CAMELOT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const EVIL: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const KING: &str = "00aa00aa-bb11-cc22-dd33-44ee44ee44ee";

fn issuer(tenant: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant}/v2.0")
}

/// The document of `asked`, which calls itself `stated`.
async fn start(asked: &str, stated: &str) -> (Idp, SigningKey) {
    let key = SigningKey::new(Algorithm::RS256, "1");
    let idp = Idp::of(&issuer(asked), &json!({"issuer": issuer(stated)})).await;
    idp.publish(&[&key]);
    (idp, key)
}

fn says(key: &SigningKey, tenant: &str, changes: &Value) -> ProviderTokens {
    let claims = with(claims(), &json!({"iss": issuer(tenant), "tid": tenant, "oid": KING}));
    tokens(&key.token(&with(claims, changes)))
}

fn microsoft(tenant: &str) -> Microsoft {
    Microsoft::tenant(tenant, CLIENT_ID, CLIENT_SECRET)
}

#[tokio::test]
async fn oal_9_account_ids_are_those_of_microsoft_graph() {
    let (idp, key) = start("common", "{tenantid}").await;
    let (client, microsoft) = (idp.client(), Microsoft::new(CLIENT_ID, CLIENT_SECRET));
    let id = async |tenant, oid: &str| {
        let given = says(&key, tenant, &json!({ "oid": oid }));
        microsoft.identity(&client, &given).await.map(|found| found.account_id).ok()
    };
    assert_eq!(id(CAMELOT, KING).await.as_deref(), Some(KING));
    let personal = id(PERSONAL, "00000000-0000-0000-fde9-26f844473904").await;
    assert_eq!(personal.as_deref(), Some("fde926f844473904"));
    assert_eq!(id(CAMELOT, "king").await, None);
    let endpoints = microsoft.endpoints(&client).await.unwrap();
    assert!(endpoints.pkce && endpoints.nonce && endpoints.refreshes && endpoints.issuer.is_none());
}

#[tokio::test]
async fn oal_5_a_token_is_of_the_tenant_that_it_names() {
    let (idp, key) = start("common", "{tenantid}").await;
    let (client, any) = (idp.client(), microsoft("common"));
    for forged in [
        json!({"tid": EVIL}),
        json!({"tid": null}),
        json!({"tid": "{tenantid}", "iss": issuer("{tenantid}")}),
        json!({"iss": "https://evil.example/v2.0"}),
        json!({"iss": issuer(EVIL)}),
        json!({"tid": "x/../y", "iss": issuer("x/../y")}),
    ] {
        let refused = any.identity(&client, &says(&key, CAMELOT, &forged)).await;
        assert_untrusted(refused, "another issuer", &forged.to_string());
    }
    let (idp, key) = start(CAMELOT, CAMELOT).await;
    let (client, one) = (idp.client(), microsoft(CAMELOT));
    assert!(one.identity(&client, &says(&key, CAMELOT, &json!({}))).await.is_ok());
    for other in [EVIL, PERSONAL] {
        let refused = one.identity(&client, &says(&key, other, &json!({}))).await;
        assert_untrusted(refused, "another issuer", other);
    }
    let (idp, key) = start("organizations", "{tenantid}").await;
    let (client, work) = (idp.client(), microsoft("organizations"));
    assert!(work.identity(&client, &says(&key, CAMELOT, &json!({}))).await.is_ok());
    let refused = work.identity(&client, &says(&key, PERSONAL, &json!({}))).await;
    assert_untrusted(refused, "personal", "organizations");
    let (idp, _) = start(CAMELOT, EVIL).await;
    assert_untrusted(microsoft(CAMELOT).endpoints(&idp.client()).await, "another issuer", "document");
}

#[tokio::test]
async fn oal_5_a_key_of_one_tenant_signs_for_no_other() {
    let (idp, key) = start("common", "{tenantid}").await;
    idp.publish_set(&json!({"keys": [with(key.jwk(), &json!({"issuer": issuer(PERSONAL)}))]}));
    let (client, any) = (idp.client(), microsoft("common"));
    assert!(any.identity(&client, &says(&key, PERSONAL, &json!({}))).await.is_ok());
    let refused = any.identity(&client, &says(&key, CAMELOT, &json!({}))).await;
    assert_untrusted(refused, "another issuer", "a key for personal accounts");
}

#[tokio::test]
async fn oal_6_an_address_is_verified_if_the_tenant_owns_its_domain() {
    let (idp, key) = start("common", "{tenantid}").await;
    let (client, any) = (idp.client(), microsoft("common"));
    assert!(!any.email_is_trusted());
    for (changes, email, verified) in [
        (json!({}), Some("king@camelot.bt"), false),
        (json!({"xms_edov": true}), Some("king@camelot.bt"), true),
        (json!({"xms_edov": "1"}), Some("king@camelot.bt"), true),
        (json!({"xms_edov": false}), Some("king@camelot.bt"), false),
        (json!({"xms_edov": "0"}), Some("king@camelot.bt"), false),
        (json!({"email": null, "xms_edov": true}), None, false),
        (json!({"email": null, "preferred_username": "a@b.bt", "xms_edov": true}), Some("a@b.bt"), false),
        (json!({"email": null, "preferred_username": "+975 17"}), None, false),
    ] {
        let found = any.identity(&client, &says(&key, CAMELOT, &changes)).await.unwrap();
        assert_eq!((found.email.as_deref(), found.email_verified), (email, verified), "{changes}");
    }
}

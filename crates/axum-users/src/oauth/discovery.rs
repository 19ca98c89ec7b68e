//! What a provider of OpenID Connect says of itself (OpenID Connect Discovery 1.0 §3, RFC 8414 §2).

use std::sync::Arc;

use serde_json::Value;

use super::{ClientAuthentication, Endpoints, ProviderClient, ProviderError, document::Document};

/// Whether a provider that is configured with the first issuer may call itself the second.
pub(super) type IssuerRule = fn(configured: &str, stated: &str) -> bool;

/// The discovery document of an issuer.
#[derive(Clone, Debug)]
pub(super) struct Discovery {
    issuer: String,
    rule: IssuerRule,
    document: Document<Metadata>,
}

/// What is used of a discovery document.
#[derive(Debug)]
pub(super) struct Metadata {
    pub(super) issuer: String,
    pub(super) endpoints: Endpoints,
    pub(super) keys: String,
    pub(super) userinfo: Option<String>,
}

impl Discovery {
    /// Of an issuer, which has to call itself exactly so (§4.3).
    pub(super) fn new(issuer: String) -> Self {
        Self { issuer, rule: |configured, stated| configured == stated, document: Document::new() }
    }

    /// The issuer may call itself otherwise.
    pub(super) fn issuer_rule(mut self, rule: IssuerRule) -> Self {
        self.rule = rule;
        self
    }

    pub(super) async fn metadata(&self, client: &ProviderClient) -> Result<Arc<Metadata>, ProviderError> {
        self.document
            .get(|| {
                let (client, issuer, rule) = (client.clone(), self.issuer.clone(), self.rule);
                async move {
                    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
                    let document = client.get(&url).json().await?;
                    let metadata = Metadata::read(&document)?;
                    if !rule(&issuer, &metadata.issuer) {
                        return Err(ProviderError::Untrusted("its discovery document is of another issuer"));
                    }
                    metadata.check(&client)?;
                    Ok(metadata)
                }
            })
            .await
    }
}

impl Metadata {
    pub(super) fn read(document: &Value) -> Result<Self, ProviderError> {
        let text = |name: &str| document[name].as_str().map(str::to_owned);
        let required = |name| text(name).ok_or(ProviderError::Answer("its discovery document is incomplete"));
        let lists = |name: &str, value: &str| {
            document[name].as_array().map(|list| list.iter().any(|listed| listed == value))
        };
        let issuer = required("issuer")?;
        let mut endpoints = Endpoints::new(required("authorization_endpoint")?, required("token_endpoint")?);
        endpoints.revoke = text("revocation_endpoint");
        endpoints.authentication = authentication(&document["token_endpoint_auth_methods_supported"])?;
        // Parameters that a provider does not know it has to ignore (RFC 6749 §3.1), and not all that know PKCE say so.
        endpoints.pkce = lists("code_challenge_methods_supported", "S256").unwrap_or(true);
        endpoints.nonce = true;
        endpoints.refreshes = lists("grant_types_supported", "refresh_token").unwrap_or(false);
        endpoints.issuer = Some(issuer.clone());
        endpoints.always_names_issuer = document["authorization_response_iss_parameter_supported"] == true;
        Ok(Self { issuer, endpoints, keys: required("jwks_uri")?, userinfo: text("userinfo_endpoint") })
    }

    /// A document must not send the browser or this server where the client would not go.
    fn check(&self, client: &ProviderClient) -> Result<(), ProviderError> {
        let endpoints = &self.endpoints;
        let urls = [&endpoints.authorize, &endpoints.token, &self.keys];
        urls.into_iter().chain(&self.userinfo).chain(&endpoints.revoke).try_for_each(|url| client.check(url))
    }
}

/// How the secret is sent: in the first of the two ways that the provider lists, as the client for fastapi-users does; in
/// the header if it lists none.
fn authentication(listed: &Value) -> Result<ClientAuthentication, ProviderError> {
    let Some(listed) = listed.as_array() else { return Ok(ClientAuthentication::Basic) };
    let known = listed.iter().find_map(|method| match method.as_str()? {
        "client_secret_basic" => Some(ClientAuthentication::Basic),
        "client_secret_post" => Some(ClientAuthentication::Body),
        _ => None,
    });
    known.ok_or(ProviderError::Settings("its token endpoint takes no client secret"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(changes: &Value) -> Value {
        let mut document = json!({
            "issuer": "https://idp.camelot.bt",
            "authorization_endpoint": "https://idp.camelot.bt/authorize",
            "token_endpoint": "https://idp.camelot.bt/token",
            "jwks_uri": "https://idp.camelot.bt/keys",
        });
        for (name, value) in changes.as_object().unwrap() {
            document[name] = value.clone();
        }
        document
    }

    fn endpoints(changes: &Value) -> Endpoints {
        Metadata::read(&document(changes)).unwrap().endpoints
    }

    #[test]
    fn what_a_document_leaves_out_is_as_the_specifications_say() {
        let least = endpoints(&json!({}));
        assert_eq!(least.authentication, ClientAuthentication::Basic);
        assert!(least.nonce && least.pkce && !least.refreshes && !least.always_names_issuer);
        assert_eq!((least.revoke, least.issuer.as_deref()), (None, Some("https://idp.camelot.bt")));
        let most = endpoints(&json!({
            "revocation_endpoint": "https://idp.camelot.bt/revoke",
            "token_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "authorization_response_iss_parameter_supported": true,
        }));
        assert_eq!(most.authentication, ClientAuthentication::Body);
        assert!(most.pkce && most.refreshes && most.always_names_issuer && most.revoke.is_some());
        assert!(!endpoints(&json!({"code_challenge_methods_supported": ["plain"]})).pkce);
        let basic =
            json!({"token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"]});
        assert_eq!(endpoints(&basic).authentication, ClientAuthentication::Basic);
        let neither = document(&json!({"token_endpoint_auth_methods_supported": ["none", 1]}));
        assert!(matches!(Metadata::read(&neither), Err(ProviderError::Settings(_))));
    }

    #[test]
    fn oal_10_documents_of_another_shape_are_unusable() {
        for changes in [
            json!({"issuer": null}),
            json!({"authorization_endpoint": ["https://idp.camelot.bt/authorize"]}),
            json!({"token_endpoint": 1}),
            json!({"jwks_uri": {}}),
        ] {
            assert!(
                matches!(Metadata::read(&document(&changes)), Err(ProviderError::Answer(_))),
                "{changes}"
            );
        }
        for document in [json!(null), json!([]), json!("issuer"), json!([["issuer"]])] {
            assert!(matches!(Metadata::read(&document), Err(ProviderError::Answer(_))), "{document}");
        }
    }

    #[test]
    fn oal_10_no_endpoint_leads_into_a_private_network() {
        let client = ProviderClient::new().unwrap();
        let check = |changes| Metadata::read(&document(&changes)).unwrap().check(&client);
        assert!(check(json!({})).is_ok());
        for name in [
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "userinfo_endpoint",
            "revocation_endpoint",
        ] {
            for url in
                ["http://idp.camelot.bt/x", "https://169.254.169.254/latest", "javascript:alert(1)", "//x"]
            {
                assert!(
                    matches!(check(json!({ name: url })), Err(ProviderError::Settings(_))),
                    "{name} {url}"
                );
            }
        }
    }
}

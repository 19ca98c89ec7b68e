use serde_json::Value;
use uuid::Uuid;

use crate::{
    Secret,
    oauth::{
        Credentials, Endpoints, Identity, OAuthProvider, OpenIdConnect, ProviderClient, ProviderError,
        ProviderTokens,
    },
    object::Object,
};

const AUTHORITY: &str = "https://login.microsoftonline.com/";

/// The tenant of personal accounts.
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// In place of the tenant, where there may be any.
const ANY_TENANT: &str = "{tenantid}";

/// Microsoft: `microsoft`, with the ids of Microsoft Graph as account ids, as the rows of fastapi-users have them: the
/// object id of work and school accounts, 16 hexadecimal digits for personal ones.
///
/// Register at <https://entra.microsoft.com>. Addresses are written by the administrators of tenants, and anybody can
/// have a tenant: they count as verified only if the application trusts them *and* Microsoft says that the tenant owns
/// the domain (`xms_edov`, an optional claim that the registration has to ask for). The address is `email`, or else the
/// name with which somebody logs in, if that is one.
///
/// Sources: <https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference>,
/// <https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-issuer> (tenants, and keys of
/// issuers), <https://learn.microsoft.com/entra/identity-platform/optional-claims-reference>.
#[derive(Clone, Debug)]
pub struct Microsoft {
    provider: OpenIdConnect,
    tenant: String,
}

impl Microsoft {
    /// For all accounts, work, school and personal (the tenant `common`).
    pub fn new(client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        Self::tenant("common", client_id, client_secret)
    }

    /// For the accounts of one tenant, by its id; for `organizations` (work and school), or `consumers` (personal).
    pub fn tenant(tenant: &str, client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        let issuer = format!("{AUTHORITY}{tenant}/v2.0");
        let provider = OpenIdConnect::new("microsoft", issuer, client_id, client_secret)
            .issuer_rules(document_is_of, |issuer, key, claims| {
                token_is_of(issuer, key.issuer.as_deref(), claims)
            });
        Self { provider, tenant: tenant.to_ascii_lowercase() }
    }
}

impl OAuthProvider for Microsoft {
    fn name(&self) -> &str {
        self.provider.name()
    }

    fn credentials(&self) -> &Credentials {
        self.provider.credentials()
    }

    fn scopes(&self) -> &[&str] {
        &["openid", "email", "profile"]
    }

    fn email_is_trusted(&self) -> bool {
        self.provider.email_is_trusted()
    }

    async fn endpoints(&self, client: &ProviderClient) -> Result<Endpoints, ProviderError> {
        let mut endpoints = self.provider.endpoints(client).await?.refreshes();
        // Who is redirected back is not told the issuer, and the document of many tenants has none.
        endpoints.issuer = endpoints.issuer.filter(|issuer| !issuer.contains(ANY_TENANT));
        Ok(endpoints)
    }

    async fn identity(
        &self,
        client: &ProviderClient,
        tokens: &ProviderTokens,
    ) -> Result<Identity, ProviderError> {
        let claims = self.provider.claims(client, tokens).await?;
        if self.tenant == "organizations" && claims["tid"] == PERSONAL {
            return Err(ProviderError::Untrusted("the account is a personal one"));
        }
        let identity = Identity::new(&graph_id(&claims)?)?;
        let name = &claims["preferred_username"];
        let identity = match &claims["email"] {
            Value::Null if name.as_str().is_some_and(|name| name.contains('@')) => {
                identity.email(name, false)
            }
            email => identity.email(email, owns_domain(&claims["xms_edov"])),
        };
        Ok(identity.claims(claims))
    }
}

/// The document of a tenant is that of its id, whichever of its names it was asked for by; that of many has a template.
fn document_is_of(configured: &str, stated: &str) -> bool {
    let (Some(asked), Some(tenant)) = (tenant(configured), tenant(stated)) else { return false };
    match asked {
        "common" | "organizations" => tenant == ANY_TENANT,
        "consumers" => tenant == PERSONAL,
        asked if Uuid::try_parse(asked).is_ok() => tenant.eq_ignore_ascii_case(asked),
        _ => Uuid::try_parse(tenant).is_ok(),
    }
}

fn tenant(issuer: &str) -> Option<&str> {
    issuer.strip_prefix(AUTHORITY)?.strip_suffix("/v2.0")
}

/// A token is of the tenant that it names, and so is its key, if that is for one tenant.
fn token_is_of(issuer: &str, key_issuer: Option<&str>, claims: &Object) -> bool {
    let Some(tenant) = claims.text("tid").filter(|tenant| Uuid::try_parse(tenant).is_ok()) else {
        return false;
    };
    let names = |issuer: &str| claims.text("iss") == Some(&issuer.replace(ANY_TENANT, tenant));
    names(issuer) && key_issuer.is_none_or(names)
}

/// Graph shortens the object ids of personal accounts, `00000000-0000-0000-fde9-26f844473904`.
fn graph_id(claims: &Value) -> Result<Value, ProviderError> {
    let id = claims["oid"].as_str().and_then(|id| Uuid::try_parse(id).ok());
    let id = id.ok_or(ProviderError::Answer("there is no object id"))?;
    let (high, low) = id.as_u64_pair();
    let is_short = claims["tid"] == PERSONAL && high == 0;
    Ok(Value::String(if is_short { format!("{low:016x}") } else { id.to_string() }))
}

/// Microsoft writes this truth in several ways.
fn owns_domain(claim: &Value) -> bool {
    *claim == true || *claim == 1 || claim == "1" || claim == "true"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

    fn issuer(tenant: &str) -> String {
        format!("{AUTHORITY}{tenant}/v2.0")
    }

    #[test]
    fn oal_5_a_document_is_of_the_tenant_that_was_asked_for() {
        let accepts = |asked: &str, stated: &str| document_is_of(&issuer(asked), &issuer(stated));
        assert!(accepts("common", ANY_TENANT) && accepts("organizations", ANY_TENANT));
        assert!(accepts("consumers", PERSONAL) && accepts(TENANT, TENANT));
        assert!(accepts("camelot.onmicrosoft.com", TENANT));
        assert!(!accepts("common", TENANT) && !accepts(TENANT, PERSONAL) && !accepts(TENANT, ANY_TENANT));
        assert!(!accepts("camelot.onmicrosoft.com", ANY_TENANT));
        assert!(!document_is_of(&issuer("common"), "https://login.evil.example/{tenantid}/v2.0"));
    }

    #[test]
    fn oal_5_a_token_is_of_the_tenant_that_it_names() {
        let accepts = |document: &str, key: Option<&str>, claims: &Value| {
            let claims = Object::parse(claims.to_string().as_bytes(), false).unwrap();
            token_is_of(&issuer(document), key.map(issuer).as_deref(), &claims)
        };
        let claims = |iss: &str, tid: &str| json!({"iss": issuer(iss), "tid": tid});
        assert!(accepts(ANY_TENANT, None, &claims(TENANT, TENANT)));
        assert!(accepts(ANY_TENANT, Some(ANY_TENANT), &claims(TENANT, TENANT)));
        assert!(accepts(TENANT, Some(TENANT), &claims(TENANT, TENANT)));
        assert!(accepts(ANY_TENANT, Some(PERSONAL), &claims(PERSONAL, PERSONAL)));
        assert!(!accepts(ANY_TENANT, Some(PERSONAL), &claims(TENANT, TENANT)));
        assert!(!accepts(ANY_TENANT, None, &claims(TENANT, PERSONAL)));
        assert!(!accepts(TENANT, None, &claims(PERSONAL, PERSONAL)));
        assert!(!accepts(ANY_TENANT, None, &claims(ANY_TENANT, ANY_TENANT)));
        assert!(!accepts(ANY_TENANT, None, &json!({"iss": issuer(TENANT)})));
    }

    #[test]
    fn oal_9_ids_are_those_of_microsoft_graph() {
        let id = |tid: &str, oid: &str| graph_id(&json!({"tid": tid, "oid": oid})).ok();
        assert_eq!(id(PERSONAL, "00000000-0000-0000-fde9-26f844473904"), Some(json!("fde926f844473904")));
        assert_eq!(id(PERSONAL, "00000000-0000-0000-0000-26f844473904"), Some(json!("000026f844473904")));
        assert_eq!(id(TENANT, TENANT), Some(json!(TENANT)));
        let work = "00000000-0000-0000-fde9-26f844473904";
        assert_eq!(id(TENANT, work), Some(json!(work)));
        assert_eq!(id(TENANT, "king"), None);
        assert!(graph_id(&json!({"tid": TENANT})).is_err());
    }
}

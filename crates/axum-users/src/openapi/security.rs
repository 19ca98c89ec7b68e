//! Security schemes: one for each backend.

use utoipa::openapi::{
    Components,
    path::OperationBuilder,
    security::{ApiKey, ApiKeyValue, Flow, OAuth2, Password, Scopes, SecurityRequirement, SecurityScheme},
};

use crate::{Backend, Profile, Users, transport};

/// Adds the schemes of all backends.
pub(super) fn add_schemes<P: Profile>(components: &mut Components, users: &Users<P>) {
    for (name, backend) in named(users) {
        components.add_security_scheme(name, scheme(backend));
    }
}

/// The operation needs a token of any of the backends, which are tried in their order.
pub(super) fn protect<P: Profile>(operation: OperationBuilder, users: &Users<P>) -> OperationBuilder {
    let requirement = |(name, _)| SecurityRequirement::new::<_, [&str; 0], _>(name, []);
    operation.securities(Some(named(users).into_iter().map(requirement)))
}

/// The first backend of a kind has the name that FastAPI gives its scheme; further ones are told apart by theirs.
fn named<P: Profile>(users: &Users<P>) -> Vec<(String, &Backend<P>)> {
    let mut taken = Vec::new();
    let name = |backend| {
        let kind = kind(backend);
        if taken.contains(&kind) {
            let suffix: String =
                backend.name().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            return (format!("{kind}_{suffix}"), backend);
        }
        taken.push(kind);
        (kind.to_owned(), backend)
    };
    users.backends().iter().map(name).collect()
}

fn kind<P: Profile>(backend: &Backend<P>) -> &'static str {
    match backend.transport.scheme() {
        transport::SecurityScheme::Bearer => "OAuth2PasswordBearer",
        transport::SecurityScheme::Cookie { .. } => "APIKeyCookie",
        transport::SecurityScheme::Header { .. } => "APIKeyHeader",
    }
}

fn scheme<P: Profile>(backend: &Backend<P>) -> SecurityScheme {
    match backend.transport.scheme() {
        transport::SecurityScheme::Bearer => {
            // Relative, so that it follows the server under which the document is nested.
            let token_url = format!("{}/login", backend.path().trim_start_matches('/'));
            SecurityScheme::OAuth2(OAuth2::new([Flow::Password(Password::new(token_url, Scopes::new()))]))
        }
        transport::SecurityScheme::Cookie { name } => {
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(name)))
        }
        transport::SecurityScheme::Header { name } => {
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name)))
        }
    }
}

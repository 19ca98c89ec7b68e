use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header::AUTHORIZATION};
use serde_json::json;

use super::{SecurityScheme, Transport};
use crate::Policy;

/// `Authorization: Bearer <token>` (RFC 6750 §2.1); login answers `{"access_token": …, "token_type": "bearer"}`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bearer;

impl Transport for Bearer {
    fn read(&self, headers: &HeaderMap, _: &Policy) -> Option<String> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        // Two credentials are ambiguous: proxies and servers may disagree which one counts.
        let (Some(value), None) = (values.next(), values.next()) else { return None };
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_owned())
    }

    fn login(&self, token: &str) -> Response {
        Json(json!({ "access_token": token, "token_type": "bearer" })).into_response()
    }

    fn scheme(&self) -> SecurityScheme {
        SecurityScheme::Bearer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        Bearer.read(&headers, &Policy::secure())
    }

    #[test]
    fn log_20_only_one_bearer_credential_counts() {
        for accepted in ["Bearer token", "bearer token", "BEARER  token "] {
            assert_eq!(read(&[accepted]).as_deref(), Some("token"), "{accepted:?}");
        }
        for refused in ["", "Bearer", "Bearer ", "Basic token", "token", "Bearertoken"] {
            assert_eq!(read(&[refused]), None, "{refused:?}");
        }
        assert_eq!(read(&["Bearer a", "Bearer b"]), None);
    }
}

//! What a request body may be, and the answer to one that is not.

mod coerce;
mod echo;
pub(super) mod fields;
mod form;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod json;
mod json_syntax;
mod json_value;
mod validation;

#[cfg(test)]
mod reference_tests;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;

use self::validation::ValidationError;
pub(super) use self::{
    echo::Echo,
    form::{LoginForm, read_login_form},
    json::{Field, Model, ParsedBody, parse},
};

/// Why a request body is refused. The texts are the `detail` of the answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The body can be read and is wrong.
    #[error("the request body is invalid")]
    Invalid(Vec<ValidationError>),
    /// Invalid UTF-8, JSON nested too deep, an integer of more than 4300 digits, or a connection that broke.
    #[error("There was an error parsing the body")]
    Unparsable,
    /// A `multipart/form-data` content type without its boundary.
    #[error("Missing boundary in multipart.")]
    MissingBoundary,
    /// A multipart body that breaks RFC 7578.
    #[error("Invalid multipart data.")]
    MalformedMultipart,
    /// A part of a multipart body without a name.
    #[error("The Content-Disposition header field \"name\" must be provided.")]
    UnnamedPart,
    /// A form of more than 1000 fields.
    #[error("Too many fields. Maximum number of fields is 1000.")]
    TooManyFields,
    /// More bytes than [`BodyRules::max_bytes`].
    #[error("Content Too Large")]
    TooLarge,
}

impl BodyError {
    /// The status of the answer: 422, 413 or 400.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unparsable
            | Self::MissingBoundary
            | Self::MalformedMultipart
            | Self::UnnamedPart
            | Self::TooManyFields => StatusCode::BAD_REQUEST,
        }
    }

    /// The `detail` of the answer: the list of what is wrong with a body that could be read, else a text.
    pub(crate) fn into_detail(self, echo: Echo) -> Value {
        match self {
            Self::Invalid(errors) => errors.into_iter().map(|error| error.into_json(echo)).collect(),
            other => other.to_string().into(),
        }
    }
}

impl From<ValidationError> for BodyError {
    fn from(error: ValidationError) -> Self {
        Self::Invalid(vec![error])
    }
}

/// Limits of what is read. The default is the strict one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BodyRules {
    /// Bytes of the whole body; default 65536.
    pub(crate) max_bytes: usize,
    /// Arrays and objects inside of each other; default 32, and never more than 127.
    pub(crate) max_depth: usize,
    /// What happens to a name that occurs twice; default [`DuplicateKeys::Reject`].
    pub(crate) duplicate_keys: DuplicateKeys,
    /// Whether a password may hold U+0000, which no other text may; default no.
    pub(crate) nul_in_passwords: bool,
}

/// What happens to a name that occurs twice in one JSON object or form (OWASP ASVS 5.0, 15.3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DuplicateKeys {
    /// The body is refused, since two readers of it could disagree.
    Reject,
    /// The last value is taken, as Python does.
    LastWins,
}

impl BodyRules {
    /// What FastAPI takes, except that size and depth stay bounded.
    pub(crate) const FASTAPI: Self = Self {
        max_bytes: 65536,
        max_depth: 32,
        duplicate_keys: DuplicateKeys::LastWins,
        nul_in_passwords: true,
    };
}

impl Default for BodyRules {
    fn default() -> Self {
        Self { duplicate_keys: DuplicateKeys::Reject, nul_in_passwords: false, ..Self::FASTAPI }
    }
}

/// So many bytes beyond the limit are read and thrown away: most clients read no answer before they have sent everything, and
/// would get a broken connection instead of a 413.
const LINGER_BYTES: usize = 4 * 1024 * 1024;

/// Collects a body, up to the rules' size.
///
/// # Errors
/// [`BodyError::TooLarge`], and [`BodyError::Unparsable`] when the connection breaks.
pub(crate) async fn collect(
    headers: &HeaderMap,
    mut body: Body,
    rules: &BodyRules,
) -> Result<Bytes, BodyError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let readable = rules.max_bytes.saturating_add(LINGER_BYTES);
    // Who waits for permission to send needs none to read the answer (RFC 9110 §10.1.1).
    let waits = headers.contains_key(header::EXPECT);
    if announced > readable || waits && announced > rules.max_bytes {
        return Err(BodyError::TooLarge);
    }
    let (mut bytes, mut received) = (BytesMut::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Unparsable)?.into_data() else { continue };
        received = received.saturating_add(data.len());
        match received {
            _ if received <= rules.max_bytes => bytes.extend_from_slice(&data),
            _ if received <= readable => {}
            _ => break,
        }
    }
    if received > rules.max_bytes { Err(BodyError::TooLarge) } else { Ok(bytes.freeze()) }
}

/// The media type of a `Content-Type` header, without parameters, in lower case; empty if there is none.
pub(super) fn media_type(content_type: Option<&str>) -> String {
    let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    async fn collect(body: Body, max_bytes: usize) -> Result<Bytes, BodyError> {
        let rules = BodyRules { max_bytes, ..BodyRules::default() };
        super::collect(&HeaderMap::new(), body, &rules).await
    }

    fn unannounced(text: &'static str) -> Body {
        let body = Body::new(Full::from(text).map_frame(|frame| frame));
        assert_eq!(body.size_hint().lower(), 0);
        body
    }

    #[tokio::test]
    async fn a_body_is_collected_up_to_the_limit() {
        for body in [Body::from("12345"), unannounced("12345")] {
            assert_eq!(collect(body, 5).await.unwrap(), "12345");
        }
        for body in [Body::from("123456"), unannounced("123456")] {
            let error = collect(body, 5).await.unwrap_err();
            assert_eq!(error.status(), StatusCode::PAYLOAD_TOO_LARGE);
            assert_eq!(error.into_detail(Echo::No), "Content Too Large");
        }
        assert_eq!(collect(Body::empty(), 0).await.unwrap(), "");
    }
}

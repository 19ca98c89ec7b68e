//! The login form, urlencoded or multipart.

use std::{collections::HashMap, fmt};

use axum::body::Body;
use bytes::Bytes;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    BodyError, BodyRules, DuplicateKeys,
    coerce::{Mismatch, NO_STRING},
    media_type,
    validation::{Loc, ValidationError},
};

/// What a login form holds (RFC 6749 §4.3.2). `scope`, `client_id` and `client_secret` are taken and ignored.
pub(crate) struct LoginForm {
    /// The e-mail address, as typed.
    pub(crate) username: String,
    /// The password, never empty.
    pub(crate) password: Zeroizing<String>,
}

impl fmt::Debug for LoginForm {
    /// Shows neither: people type passwords into the wrong field, too.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LoginForm").finish_non_exhaustive()
    }
}

/// Reads a login form. A body of any other content type is a form without fields.
///
/// # Errors
/// What is wrong with the fields, in FastAPI's order `grant_type`, `username`, `password`; an empty field
/// counts as missing. Malformed multipart data, and whatever is beyond the rules or 1000 fields.
pub(crate) async fn read_login_form(
    bytes: Bytes,
    content_type: Option<&str>,
    rules: &BodyRules,
) -> Result<LoginForm, BodyError> {
    if bytes.len() > rules.max_bytes {
        return Err(BodyError::TooLarge);
    }
    let mut fields = Fields { entries: HashMap::new(), count: 0, duplicate_keys: rules.duplicate_keys };
    match (media_type(content_type).as_str(), content_type) {
        ("application/x-www-form-urlencoded", _) => read_urlencoded(&bytes, &mut fields)?,
        ("multipart/form-data", Some(content_type)) => {
            read_multipart(bytes, content_type, &mut fields).await?;
        }
        _ => {}
    }
    fields.into_login_form(rules.nul_in_passwords)
}

const MAX_FIELDS: usize = 1000;

struct Fields {
    entries: HashMap<String, Entry>,
    count: usize,
    duplicate_keys: DuplicateKeys,
}

enum Entry {
    Text(Zeroizing<String>),
    /// An uploaded file, which no field of the form accepts.
    File,
}

impl Fields {
    fn add(&mut self, name: String, entry: Entry) -> Result<(), BodyError> {
        self.count += 1;
        if self.count > MAX_FIELDS {
            return Err(BodyError::TooManyFields);
        }
        if self.duplicate_keys == DuplicateKeys::Reject && self.entries.contains_key(&name) {
            return Err(ValidationError::duplicate_key([Loc::Key(name)]).into());
        }
        self.entries.insert(name, entry);
        Ok(())
    }

    fn into_login_form(mut self, nul_in_passwords: bool) -> Result<LoginForm, BodyError> {
        let grant_type = self.text("grant_type", true).and_then(|grant_type| match grant_type {
            Some(other) if *other != "password" => Err(wrong_grant_type(&other)),
            _ => Ok(()),
        });
        let username = self.required_text("username", false);
        let password = self.required_text("password", nul_in_passwords);
        match (grant_type, username, password) {
            (Ok(()), Ok(username), Ok(password)) => {
                Ok(LoginForm { username: username.as_str().to_owned(), password })
            }
            (grant_type, username, password) => Err(BodyError::Invalid(
                [grant_type.err(), username.err(), password.err()].into_iter().flatten().collect(),
            )),
        }
    }

    fn required_text(&mut self, name: &str, nul_allowed: bool) -> Result<Zeroizing<String>, ValidationError> {
        self.text(name, nul_allowed)?.ok_or_else(|| ValidationError::missing(name, Value::Null))
    }

    /// The text of a field, unless absent or empty.
    fn text(&mut self, name: &str, nul_allowed: bool) -> Result<Option<Zeroizing<String>>, ValidationError> {
        match self.entries.remove(name) {
            Some(Entry::File) => Err(NO_STRING.at(name, Value::Null)),
            Some(Entry::Text(text)) if text.contains('\0') && !nul_allowed => {
                Err(Mismatch::Nul.at(name, text.as_str().into()))
            }
            Some(Entry::Text(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            None => Ok(None),
        }
    }
}

fn wrong_grant_type(received: &str) -> ValidationError {
    ValidationError::of_field(
        "string_pattern_mismatch",
        "grant_type",
        "String should match pattern '^password$'",
    )
    .with_input(received.into())
    .with_ctx(json!({ "pattern": "^password$" }))
}

fn read_urlencoded(bytes: &[u8], fields: &mut Fields) -> Result<(), BodyError> {
    for (name, value) in form_urlencoded::parse(bytes) {
        fields.add(name.into_owned(), Entry::Text(Zeroizing::new(value.into_owned())))?;
    }
    Ok(())
}

async fn read_multipart(bytes: Bytes, content_type: &str, fields: &mut Fields) -> Result<(), BodyError> {
    let boundary = multer::parse_boundary(content_type).map_err(|error| match error {
        multer::Error::NoBoundary => BodyError::MissingBoundary,
        _ => BodyError::MalformedMultipart,
    })?;
    // A form without fields has no closing boundary either, which multer would miss.
    if bytes.is_empty() {
        return Ok(());
    }
    let mut parts = multer::Multipart::new(Body::from(bytes).into_data_stream(), boundary);
    while let Some(part) = parts.next_field().await.map_err(|_| BodyError::MalformedMultipart)? {
        let name = part.name().ok_or(BodyError::UnnamedPart)?.to_owned();
        let is_file = part.file_name().is_some();
        let content = part.bytes().await.map_err(|_| BodyError::MalformedMultipart)?;
        let text = || Entry::Text(Zeroizing::new(String::from_utf8_lossy(&content).into_owned()));
        fields.add(name, if is_file { Entry::File } else { text() })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::body::echo::Echo;

    const URLENCODED: Option<&str> = Some("application/x-www-form-urlencoded");
    const MULTIPART: Option<&str> = Some("multipart/form-data; boundary=x");

    async fn detail(body: &str, content_type: Option<&str>, rules: &BodyRules) -> Value {
        read_login_form(Bytes::from(body.to_owned()), content_type, rules)
            .await
            .unwrap_err()
            .into_detail(Echo::No)
    }

    #[tokio::test]
    async fn a_field_that_occurs_twice_is_refused() {
        let expected =
            json!([{"type": "duplicate_key", "loc": ["body", "username"], "msg": "Duplicate key"}]);
        let body = "username=a&password=guinevere&username=b";
        assert_eq!(detail(body, URLENCODED, &BodyRules::default()).await, expected);
        let part = "--x\r\nContent-Disposition: form-data; name=username\r\n\r\nking\r\n";
        assert_eq!(detail(&format!("{part}{part}--x--"), MULTIPART, &BodyRules::default()).await, expected);
        let form = read_login_form(body.into(), URLENCODED, &BodyRules::FASTAPI).await.unwrap();
        assert_eq!(form.username, "b");
    }

    #[tokio::test]
    async fn nul_is_refused_except_in_passwords_that_fastapi_users_took() {
        let refused = |field: &str| {
            json!([{"type": "value_error", "loc": ["body", field],
                "msg": "Value error, NUL characters are not allowed", "ctx": {"error": {}}}])
        };
        let body = "username=king&password=%00";
        assert_eq!(detail(body, URLENCODED, &BodyRules::default()).await, refused("password"));
        assert!(read_login_form(body.into(), URLENCODED, &BodyRules::FASTAPI).await.is_ok());
        let body = "username=king%00&password=guinevere";
        assert_eq!(detail(body, URLENCODED, &BodyRules::FASTAPI).await, refused("username"));
    }

    #[tokio::test]
    async fn a_form_beyond_the_limit_is_too_large_whatever_it_is() {
        let rules = BodyRules { max_bytes: 10, ..BodyRules::default() };
        assert_eq!(detail("username=king", URLENCODED, &rules).await, "Content Too Large");
        assert_eq!(detail("username=king", None, &rules).await, "Content Too Large");
    }

    #[tokio::test]
    async fn debug_shows_neither_name_nor_password() {
        let body = "username=king&password=guinevere".into();
        let form = read_login_form(body, URLENCODED, &BodyRules::default()).await.unwrap();
        assert_eq!(format!("{form:?}"), "LoginForm { .. }");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(
            bytes in any::<Vec<u8>>(),
            prefix in "(--x\r\n)?(content-disposition: form-data; name=)?",
        ) {
            let body: Bytes = [prefix.as_bytes(), &bytes].concat().into();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            for content_type in [URLENCODED, MULTIPART, None] {
                let form = read_login_form(body.clone(), content_type, &BodyRules::FASTAPI);
                if let Err(error) = runtime.block_on(form) {
                    prop_assert!(error.status().is_client_error());
                }
            }
        }
    }
}

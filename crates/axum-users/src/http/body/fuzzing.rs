//! Bodies of strangers. See [`crate::fuzzing`].

#![allow(clippy::expect_used, clippy::panic, reason = "panics are what it is for")]

use bytes::Bytes;

use super::{BodyError, BodyRules, Echo, Field, Model, coerce::Kind, parse, read_login_form};
use crate::email::EmailRules;

/// Login forms: one way to read each, and no U+0000.
pub(crate) fn form(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for content_type in ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let read = |rules: BodyRules| {
            let form = read_login_form(Bytes::copy_from_slice(data), Some(content_type), &rules);
            runtime.block_on(form).map(|form| (form.username, form.password)).inspect_err(describe)
        };
        let Ok(strict) = read(BodyRules::default()) else {
            let _ = read(BodyRules::FASTAPI);
            continue;
        };
        assert!(!strict.0.is_empty() && !strict.1.is_empty());
        assert!(!strict.0.contains('\0') && !strict.1.contains('\0'));
        assert!(read(BodyRules::FASTAPI).is_ok_and(|lenient| lenient == strict));
    }
}

/// JSON bodies, with fields of all kinds: what is accepted has the fields, and the lenient reading is the same.
pub(crate) fn json(data: &[u8]) {
    let field = |name, kind, required| Field { name, kind, required, nullable: !required };
    let fields = [
        field("email", Kind::Email(EmailRules::secure()), true),
        field("password", Kind::Password, true),
        field("is_active", Kind::Bool, false),
        field("level", Kind::Integer { minimum: 0, maximum: 9 }, false),
        field("balance", Kind::Float, false),
        field("name", Kind::Text, false),
        field("settings", Kind::Json, false),
    ];
    for model in [Model::Object, Model::Embedded] {
        let read = |rules: &BodyRules| {
            let object =
                parse(data, Some("application/json"), rules).and_then(|body| body.validate(model, &fields));
            object.inspect_err(describe)
        };
        let Ok(strict) = read(&BodyRules::default()) else {
            let _ = read(&BodyRules::FASTAPI);
            continue;
        };
        assert!(strict.contains_key("email") && strict.contains_key("password"));
        assert!(strict.get("level").is_none_or(|level| level.is_null() || level.as_i64().is_some()));
        assert!(read(&BodyRules::FASTAPI).is_ok_and(|lenient| lenient == strict));
    }
}

/// An error is the client's, and can be told.
fn describe(error: &BodyError) {
    assert!(error.status().is_client_error());
    if let BodyError::Invalid(errors) = error {
        for echo in [Echo::No, Echo::Redacted] {
            assert!(!BodyError::Invalid(errors.clone()).into_detail(echo).to_string().is_empty());
        }
    }
}

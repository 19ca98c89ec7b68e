//! One thing wrong with a request body, in FastAPI's shape.

use std::fmt;

use serde_json::{Map, Value, json};

use super::echo::Echo;

/// One entry of the `detail` list of a 422 answer.
///
/// `Debug` leaves `input` out, which may be a password.
#[derive(Clone, PartialEq)]
pub(crate) struct ValidationError {
    /// What is wrong, for programs: pydantic's error type such as `missing`. `type` in JSON.
    pub(crate) kind: &'static str,
    /// Where: `["body", "email"]`.
    pub(crate) loc: Vec<Loc>,
    /// What is wrong, for people.
    pub(crate) msg: String,
    /// What was received. Goes out only as far as [`Echo`] allows.
    pub(crate) input: Box<Value>,
    /// Parameters of the message. Never holds a secret.
    pub(crate) ctx: Option<Box<Value>>,
}

/// One step of the way to a wrong value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Loc {
    /// A member of an object.
    Key(String),
    /// An element of an array, or a character of malformed JSON; both count from zero.
    Index(usize),
}

impl ValidationError {
    /// An error of the body as a whole, with the input `null`.
    pub(crate) fn of_body(kind: &'static str, msg: impl Into<String>) -> Self {
        Self { kind, loc: vec![Loc::Key("body".into())], msg: msg.into(), input: Box::default(), ctx: None }
    }

    /// An error of one field of the body, with the input `null`.
    pub(crate) fn of_field(kind: &'static str, field: &str, msg: impl Into<String>) -> Self {
        Self::of_body(kind, msg).at(Loc::Key(field.into()))
    }

    /// The required `field` is absent. The `input` is the object around it, or `null`: see
    /// [`Model`](super::json::Model).
    pub(crate) fn missing(field: &str, input: Value) -> Self {
        Self::of_field("missing", field, "Field required").with_input(input)
    }

    /// The content of `field` is no e-mail address; `reason` in the words of Python's email-validator.
    pub(crate) fn email(field: &str, reason: &str, input: impl Into<Value>) -> Self {
        Self::of_field("value_error", field, format!("value is not a valid email address: {reason}"))
            .with_input(input.into())
            .with_ctx(json!({ "reason": reason }))
    }

    /// The content of `field` breaks a rule of the application, the way pydantic reports a `ValueError`.
    pub(crate) fn value(field: &str, message: &str, input: Value) -> Self {
        Self::of_field("value_error", field, format!("Value error, {message}"))
            .with_input(input)
            .with_ctx(json!({ "error": {} }))
    }

    /// A name occurs twice; `path` leads to it from the body.
    pub(crate) fn duplicate_key(path: impl IntoIterator<Item = Loc>) -> Self {
        path.into_iter().fold(Self::of_body("duplicate_key", "Duplicate key"), Self::at)
    }

    /// The same error one step deeper.
    pub(crate) fn at(mut self, step: Loc) -> Self {
        self.loc.push(step);
        self
    }

    /// The same error, telling what was received.
    pub(crate) fn with_input(mut self, input: Value) -> Self {
        self.input = Box::new(input);
        self
    }

    /// The same error, telling the parameters of its message.
    pub(crate) fn with_ctx(mut self, ctx: Value) -> Self {
        self.ctx = Some(Box::new(ctx));
        self
    }

    /// The entry as JSON, its keys in FastAPI's order: `type`, `loc`, `msg`, `input`, `ctx`.
    pub(crate) fn into_json(self, echo: Echo) -> Value {
        let mut entry = Map::new();
        entry.insert("type".into(), self.kind.into());
        entry.insert("loc".into(), self.loc.iter().cloned().map(Value::from).collect());
        entry.insert("msg".into(), self.msg.into());
        // What is told about an absent member is the object around it.
        let holder = match self.loc.split_last() {
            Some((_, around)) if self.kind == "missing" => around,
            _ => &self.loc,
        };
        if let Some(input) = echo.filter(holder, *self.input) {
            entry.insert("input".into(), input);
        }
        if let Some(ctx) = self.ctx {
            entry.insert("ctx".into(), *ctx);
        }
        Value::Object(entry)
    }
}

impl fmt::Debug for ValidationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, loc, msg, .. } = self;
        formatter
            .debug_struct("ValidationError")
            .field("kind", kind)
            .field("loc", loc)
            .field("msg", msg)
            .finish_non_exhaustive()
    }
}

impl From<Loc> for Value {
    fn from(step: Loc) -> Self {
        match step {
            Loc::Key(name) => name.into(),
            Loc::Index(index) => index.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_fastapis_keys_in_fastapis_order() {
        let error = ValidationError::email("email", "An email address must have an @-sign.", "lancelot");
        assert_eq!(
            error.into_json(Echo::Redacted).to_string(),
            r#"{"type":"value_error","loc":["body","email"],"msg":"value is not a valid email address: An email address must have an @-sign.","input":"lancelot","ctx":{"reason":"An email address must have an @-sign."}}"#
        );
        let error = ValidationError::missing("password", json!({"email": "x@y.com"}));
        assert_eq!(
            error.into_json(Echo::Redacted).to_string(),
            r#"{"type":"missing","loc":["body","password"],"msg":"Field required","input":{"email":"x@y.com"}}"#
        );
    }

    #[test]
    fn debug_shows_no_input() {
        let error = ValidationError::value("password", "too common", "guinevere".into());
        let shown = format!("{error:?}");
        assert!(shown.contains("too common") && !shown.contains("guinevere"), "{shown}");
    }
}

//! The schemas of errors.

use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, Object, ObjectBuilder, Schema, SchemaType, Type};

use super::{
    operation::reference,
    schema::{plain, text},
};
use crate::Policy;

/// `ErrorModel`, `HTTPValidationError` and `ValidationError`.
pub(super) fn schemas(policy: &Policy) -> [(&'static str, Schema); 3] {
    [
        ("ErrorModel", error_model().into()),
        ("HTTPValidationError", http_validation_error().into()),
        ("ValidationError", validation_error(policy).into()),
    ]
}

fn error_model() -> Object {
    let with_reason = ObjectBuilder::new()
        .property("code", text().description(Some("The error code.")))
        .required("code")
        .property("reason", text().description(Some("Why, for people.")))
        .required("reason");
    let detail = AnyOfBuilder::new().item(text()).item(with_reason).build();
    ObjectBuilder::new().property("detail", Schema::AnyOf(detail)).required("detail").build()
}

fn http_validation_error() -> Object {
    let errors = ArrayBuilder::new().items(reference("ValidationError"));
    ObjectBuilder::new().property("detail", errors).required("detail").build()
}

fn validation_error(policy: &Policy) -> Object {
    let step = AnyOfBuilder::new().item(text()).item(plain(Type::Integer));
    let location = ArrayBuilder::new().items(step).description(Some("Where it is wrong."));
    let mut error = ObjectBuilder::new()
        .property("type", text().description(Some("What is wrong, for programs.")))
        .required("type")
        .property("loc", location)
        .required("loc")
        .property("msg", text().description(Some("What is wrong, for people.")))
        .required("msg");
    if policy.echo_input {
        let input = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
        error = error.property("input", input.description(Some("What was received; secrets are redacted.")));
    }
    error.property("ctx", plain(Type::Object).description(Some("Parameters of the message."))).build()
}

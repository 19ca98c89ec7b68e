//! Names, ids and bodies of operations, as FastAPI makes them.

use serde_json::Value;
use utoipa::openapi::{
    Ref, RefOr, Required,
    content::ContentBuilder,
    path::{HttpMethod, OperationBuilder},
    request_body::{RequestBody, RequestBodyBuilder},
    schema::Schema,
};

pub(super) const JSON: &str = "application/json";
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// A route as the document names it.
pub(super) struct Route<'a> {
    pub(super) method: HttpMethod,
    /// The whole path.
    pub(super) path: String,
    /// The name that fastapi-users gives the route, such as `auth:jwt.login`.
    pub(super) name: &'a str,
    pub(super) tag: &'a str,
}

impl<'a> Route<'a> {
    /// A `POST` route of the group `auth`.
    pub(super) fn post(name: &'a str, prefix: &str, path: &str) -> Self {
        Self { method: HttpMethod::Post, path: format!("{prefix}{path}"), name, tag: "auth" }
    }

    /// The operation, with its id and summary.
    pub(super) fn operation(&self, description: &str) -> OperationBuilder {
        OperationBuilder::new()
            .tag(self.tag)
            .summary(Some(self.summary()))
            .description(Some(description))
            .operation_id(Some(self.id()))
    }

    /// The name and the path, which make the id unique whatever the prefix is, and the method.
    fn id(&self) -> String {
        let method = match self.method {
            HttpMethod::Get => "get",
            HttpMethod::Patch => "patch",
            HttpMethod::Delete => "delete",
            _ => "post",
        };
        let text = format!("{}{}_{method}", self.name, self.path);
        text.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect()
    }

    /// The name with every word capitalised: `Auth:Jwt.Login`.
    fn summary(&self) -> String {
        let mut starts_word = true;
        let mut summary = String::new();
        for character in self.name.chars() {
            match character {
                '_' => summary.push(' '),
                _ if starts_word => summary.extend(character.to_uppercase()),
                _ => summary.extend(character.to_lowercase()),
            }
            starts_word = !character.is_alphabetic();
        }
        summary
    }

    /// The name of the schema of a body that belongs to this route alone.
    pub(super) fn body_name(&self) -> String {
        format!("Body_{}", self.id())
    }
}

/// A required body with the schema of this name.
pub(super) fn body(content_type: &str, schema: &str, example: Value) -> Option<RequestBody> {
    let content = ContentBuilder::new().schema(Some(reference(schema))).example(Some(example)).build();
    Some(RequestBodyBuilder::new().content(content_type, content).required(Some(Required::True)).build())
}

pub(super) fn reference(schema: &str) -> RefOr<Schema> {
    Ref::from_schema_name(schema).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_summaries_are_fastapis() {
        let route = Route::post("auth:jwt.login", "/auth/jwt", "/login");
        assert_eq!(route.id(), "auth_jwt_login_auth_jwt_login_post");
        assert_eq!(route.summary(), "Auth:Jwt.Login");
        let route = Route::post("verify:request-token", "/auth", "/request-verify-token");
        assert_eq!(route.id(), "verify_request_token_auth_request_verify_token_post");
        assert_eq!(route.summary(), "Verify:Request-Token");
        let route = Route {
            method: HttpMethod::Patch,
            path: "/users/{id}".into(),
            name: "users:patch_user",
            tag: "users",
        };
        assert_eq!(route.id(), "users_patch_user_users__id__patch");
        assert_eq!(route.summary(), "Users:Patch User");
    }
}

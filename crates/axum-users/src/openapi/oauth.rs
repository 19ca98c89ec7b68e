use serde_json::json;
use utoipa::openapi::{
    OpenApi, Required,
    path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn},
    request_body::RequestBodyBuilder,
    schema::{ArrayBuilder, ObjectBuilder},
};

use super::{
    Part,
    auth::{add_bearer_response, logged_in},
    operation::{FORM, JSON, Route, body},
    response::{Errors, empty, json_body, text_header},
    schema::{text, user_example, user_read},
    security,
};
use crate::{ErrorCode, Profile, Users, oauth::OAuth};

/// What can be wrong with somebody who comes back.
const STATE_ERRORS: [ErrorCode; 4] = [
    ErrorCode::AccessTokenDecodeError,
    ErrorCode::AccessTokenAlreadyExpired,
    ErrorCode::OauthInvalidState,
    ErrorCode::OauthProviderRefused,
];

impl<P: Profile> Users<P> {
    /// The document of [`oauth_router`](Self::oauth_router), mounted at the provider's [`path`](OAuth::path).
    pub fn oauth_openapi(&self, oauth: &OAuth) -> OpenApi {
        let mut part = Part::new(self);
        let Some(backend) = self.backend_of(oauth) else { return part.document() };
        add_bearer_response(&mut part, backend);
        let names = ["authorize", "callback", "token"]
            .map(|route| format!("oauth:{}.{}.{route}", oauth.name(), backend.name()));
        let [authorize_name, callback_name, token_name] = &names;
        self.add_authorize(&mut part, oauth, &get(authorize_name, &oauth.path, "/authorize"), false);

        let codes: Vec<_> = STATE_ERRORS
            .into_iter()
            .chain([
                ErrorCode::OauthNotAvailableEmail,
                ErrorCode::OauthUserAlreadyExists,
                ErrorCode::LoginBadCredentials,
                ErrorCode::LoginUserNotVerified,
            ])
            .collect();
        let callback = get(callback_name, &oauth.path, "/callback");
        let operation = callback.operation("Logs in by the code with which the provider sends people back.");
        let operation = logged_in(came_back(operation, oauth, &codes), &backend.transport.scheme());
        part.route(&callback, operation);
        add_posted_callback(&mut part, oauth, callback_name, &oauth.path);

        let token = Route::post(token_name, &oauth.path, "/token");
        part.schema(
            token.body_name(),
            ObjectBuilder::new().property("code", text()).required("code").build(),
        );
        let operation = token
            .operation(
                "Logs in by the code that `return_to` was given in its fragment, once and within a minute.",
            )
            .request_body(body(
                JSON,
                &token.body_name(),
                json!({ "code": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…" }),
            ));
        let operation = logged_in(operation, &backend.transport.scheme())
            .body_errors(&[ErrorCode::LoginBadCredentials, ErrorCode::LoginUserNotVerified])
            .unavailable();
        part.route(&token, operation);
        part.document()
    }

    /// The document of [`oauth_associate_router`](Self::oauth_associate_router), mounted at the provider's
    /// [`associate_path`](OAuth::associate_path).
    pub fn oauth_associate_openapi(&self, oauth: &OAuth) -> OpenApi {
        let mut part = Part::new(self);
        security::add_schemes(&mut part.components, self);
        part.schema("UserRead", user_read::<P>());
        let name = |route: &str| format!("oauth-associate:{}.{route}", oauth.name());
        let (authorize_name, callback_name) = (name("authorize"), name("callback"));
        self.add_authorize(
            &mut part,
            oauth,
            &get(&authorize_name, &oauth.associate_path, "/authorize"),
            true,
        );

        let codes: Vec<_> = STATE_ERRORS
            .into_iter()
            .chain([ErrorCode::OauthNotAvailableEmail, ErrorCode::OauthAccountAlreadyLinked])
            .collect();
        let callback = get(&callback_name, &oauth.associate_path, "/callback");
        let operation = self.protected(&callback, "Gives the user who is asking another account.", None);
        let operation = came_back(operation, oauth, &codes)
            .response("200", json_body("The user.", "UserRead", user_example::<P>()));
        part.route(&callback, operation);
        add_posted_callback(&mut part, oauth, &callback_name, &oauth.associate_path);
        part.document()
    }

    /// The document of [`oauth_accounts_router`](Self::oauth_accounts_router), mounted at `prefix`, such as `/users`.
    pub fn oauth_accounts_openapi(&self, prefix: &str) -> OpenApi {
        let mut part = Part::new(self);
        security::add_schemes(&mut part.components, self);
        let account = ["oauth_name", "account_id", "account_email"]
            .into_iter()
            .fold(ObjectBuilder::new(), |object, name| object.property(name, text()).required(name));
        part.schema("OAuthAccounts", ArrayBuilder::new().items(account.build()).build());
        let route =
            |method, path: &str, name| Route { method, path: format!("{prefix}{path}"), name, tag: "users" };

        let list = route(HttpMethod::Get, "/me/oauth-accounts", "users:oauth_accounts");
        let example =
            json!([{ "oauth_name": "google", "account_id": "people/1", "account_email": "king@camelot.bt" }]);
        let answer = json_body("The accounts.", "OAuthAccounts", example);
        let operation =
            self.protected(&list, "The accounts by which the user who is asking can log in.", None);
        part.route(&list, operation.response("200", answer));

        let path = "/me/oauth-accounts/{oauth_name}/{account_id}";
        let unlink = route(HttpMethod::Delete, path, "users:unlink_oauth_account");
        let operation = ["oauth_name", "account_id"].into_iter().fold(
            self.protected(
                &unlink,
                "Takes an account away, unless there is nothing else to log in by.",
                self.old_login().as_deref(),
            ),
            |operation, name| {
                let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
                operation.parameter(parameter.required(Required::True).schema(Some(text())))
            },
        );
        let operation = operation
            .response("204", empty("Taken away."))
            .refused(&[ErrorCode::OauthLastLoginMethod])
            .error("404", "There is no such account.", "Not Found");
        part.route(&unlink, operation);
        part.document()
    }

    /// What providers add to the document of [`routes`](Self::routes).
    pub(super) fn add_oauth_openapi(&self, document: OpenApi) -> OpenApi {
        let document = self.providers().iter().fold(document, |document, oauth| {
            document.merge_from(self.oauth_openapi(oauth)).merge_from(self.oauth_associate_openapi(oauth))
        });
        match self.providers() {
            [] => document,
            _ => document.merge_from(self.oauth_accounts_openapi("/users")),
        }
    }

    fn add_authorize(&self, part: &mut Part, oauth: &OAuth, route: &Route<'_>, associate: bool) {
        let response =
            ObjectBuilder::new().property("authorization_url", text()).required("authorization_url");
        part.schema("OAuth2AuthorizeResponse", response.build());
        let description = "Where the browser is to go: the provider's page.";
        let mut operation = if associate {
            let operation = security::protect(route.operation(description), self).unauthorized(self.policy());
            operation.forbidden(self.other_site())
        } else {
            route.operation(description)
        };
        let scopes = ArrayBuilder::new().items(text()).build();
        operation = operation.parameter(
            ParameterBuilder::new()
                .name("scopes")
                .parameter_in(ParameterIn::Query)
                .description(Some("What to ask for instead of the usual."))
                .schema(Some(scopes)),
        );
        if !oauth.return_to.is_empty() {
            let urls = text().enum_values(Some(oauth.return_to.clone()));
            operation = operation
                .parameter(
                    ParameterBuilder::new()
                        .name("return_to")
                        .parameter_in(ParameterIn::Query)
                        .description(Some(
                            "Where the browser goes in the end. With it the answers are redirections.",
                        ))
                        .schema(Some(urls)),
                )
                .response(
                    "303",
                    empty("To the provider.").header("Location", text_header("The provider's page.")),
                );
        }
        let example =
            json!({ "authorization_url": "https://accounts.google.com/o/oauth2/v2/auth?response_type=code" });
        let answer = json_body(
            "Where to go, and a cookie that the callback needs.",
            "OAuth2AuthorizeResponse",
            example,
        );
        let invalid = json!({
            "detail": [{ "type": "value_error", "loc": ["query", "scopes"], "msg": "Value error, a scope that is not offered" }]
        });
        operation = operation
            .response("200", answer)
            .response("422", json_body("Validation Error", "HTTPValidationError", invalid));
        let operation = operation.limited(&[self.0.limiter.limits().authorize_per_minute]);
        part.route(route, with_provider(operation));
    }
}

fn get<'a>(name: &'a str, prefix: &str, path: &str) -> Route<'a> {
    Route { method: HttpMethod::Get, path: format!("{prefix}{path}"), name, tag: "auth" }
}

/// For providers that have the browser post.
fn add_posted_callback(part: &mut Part, oauth: &OAuth, name: &str, prefix: &str) {
    let route = Route::post(name, prefix, "/callback");
    let fields = ["code", "state", "error", "iss"];
    let schema = fields.into_iter().fold(ObjectBuilder::new(), |object, name| object.property(name, text()));
    part.schema(route.body_name(), schema.build());
    let example = json!({ "code": "the code", "state": "the state" });
    // None is a form without fields.
    let form = body(FORM, &route.body_name(), example)
        .map(|body| RequestBodyBuilder::from(body).required(None).build());
    let location = text_header("The same route with the form in its query.");
    let operation = route
        .operation(&format!("What the browser brings from {} by POST, as a navigation.", oauth.name()))
        .request_body(form)
        .response("303", empty("Again, by GET.").header("Location", location))
        .error("400", "The body cannot be read.", "There was an error parsing the body")
        .error("413", "The body is larger than 65536 bytes.", "Content Too Large");
    part.route(&route, operation);
}

/// What a callback takes and answers.
fn came_back(operation: OperationBuilder, oauth: &OAuth, codes: &[ErrorCode]) -> OperationBuilder {
    let operation =
        ["code", "code_verifier", "state", "error", "iss"].into_iter().fold(operation, |operation, name| {
            let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query);
            operation.parameter(parameter.schema(Some(text())))
        });
    let operation = match oauth.return_to.as_slice() {
        [] => operation,
        _ => {
            let location = text_header("`return_to`, with `#code=…` or `#error=…`.");
            operation
                .response("303", empty("If the flow began with `return_to`.").header("Location", location))
        }
    };
    with_provider(operation.refused(codes))
}

fn with_provider(operation: OperationBuilder) -> OperationBuilder {
    let code = ErrorCode::OauthProviderUnavailable;
    operation.error("502", "The provider does not answer, or not as it should.", code.as_str()).unavailable()
}

//! The way to a provider and back: what logging in and associating have in common.

mod accounts;
mod associate;
mod login;
mod query;

use std::time::Duration;

use axum::{
    Router,
    extract::OriginalUri,
    response::{IntoResponse, Redirect, Response},
};
use http::{StatusCode, header, request::Parts};
use serde_json::json;
use url::Url;

use self::query::Query;
use super::{ApiError, json};
use crate::{
    AuditAct, Context, ErrorCode, Profile, UserError, UserManager, Users,
    limit::Act,
    oauth::{Flow, Identity, OAuth, ProviderError, ProviderTokens, Returned, StateError},
};

/// The error codes of RFC 6749 §4.1.2.1 and OpenID Connect Core §3.1.2.6. Others are the provider's own words.
const PROVIDER_ERRORS: [&str; 14] = [
    "access_denied",
    "invalid_request",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_response_type",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_request_object",
    "invalid_request_uri",
    "login_required",
    "request_not_supported",
];

/// How long a provider may take with all that it is asked for one login: less than servers give a request.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(8);

impl<P: Profile> Users<P> {
    /// The providers, in the order in which they were added.
    pub fn providers(&self) -> &[OAuth] {
        self.0.oauth.as_ref().map(|core| core.providers.as_slice()).unwrap_or_default()
    }

    /// Nothing, unless there are providers.
    pub(super) fn add_oauth_routes<S: Clone + Send + Sync + 'static>(
        &self,
        mut routes: Router<S>,
    ) -> Router<S> {
        for oauth in self.providers() {
            routes = routes
                .merge(self.oauth_routes(oauth, &oauth.path))
                .merge(self.oauth_associate_routes(oauth, &oauth.associate_path));
        }
        if self.providers().is_empty() { routes } else { routes.merge(self.oauth_accounts_routes("/users")) }
    }
}

/// One of a provider's two routes: its path names its states.
struct Route<'a, P: Profile> {
    users: &'a Users<P>,
    oauth: &'a OAuth,
    path: &'a str,
    redirect_url: Option<&'a str>,
}

/// Somebody who comes back from the provider.
struct Arrival {
    identity: Identity,
    tokens: ProviderTokens,
}

impl<P: Profile> Route<'_, P> {
    /// Begins a flow: where the browser goes, as JSON, or as a redirection if it says where it wants to be in the end.
    async fn authorize(&self, parts: &Parts, user: Option<&str>) -> Result<Response, ApiError> {
        let cx = Context::from_parts(parts);
        let admitted = self.users.0.limiter.admit(Act::Authorize, &cx).await;
        self.users.0.audit_refusal(AuditAct::Login, &admitted, &cx);
        admitted?;
        let policy = self.users.policy();
        let query = Query::read(parts, policy);
        let requested = query.all("scopes");
        let scope = self.oauth.scope(requested.as_deref(), policy.oauth_any_scope);
        let scope = scope
            .ok_or_else(|| query::unprocessable("scopes", "a scope that the application does not offer"))?;
        let return_to = query.one("return_to")?;
        if return_to.as_ref().is_some_and(|url| !self.oauth.return_to.contains(url)) {
            return Err(query::unprocessable("return_to", "a URL that the application does not list"));
        }
        let manager = self.users.manager();
        let core = manager.oauth()?;
        let provider = &*self.oauth.provider;
        let endpoints = provider.endpoints(&core.client).await.map_err(UserError::from)?;
        let flow = Flow { path: self.path, user, return_to: return_to.as_deref() };
        let begun = core.states.begin(flow).map_err(UserError::Internal)?;
        let redirect_uri = self.redirect_uri(parts)?;

        // The contract's parameters in its order, then the others.
        let mut parameters = vec![
            ("response_type", "code".to_owned()),
            ("client_id", provider.credentials().client_id.clone()),
            ("redirect_uri", redirect_uri),
            ("state", begun.state),
            ("scope", scope),
        ];
        if endpoints.pkce {
            parameters.push(("code_challenge", begun.challenge));
            parameters.push(("code_challenge_method", "S256".to_owned()));
        }
        if endpoints.nonce {
            parameters.push(("nonce", begun.nonce));
        }
        if endpoints.form_post {
            parameters.push(("response_mode", "form_post".to_owned()));
        }
        parameters.extend(provider.authorize_parameters());
        let url = Url::parse_with_params(&endpoints.authorize, parameters);
        let url = url.map_err(|error| UserError::Internal(error.into()))?;
        let mut response = match return_to {
            Some(_) => Redirect::to(url.as_str()).into_response(),
            None => json(StatusCode::OK, &json!({ "authorization_url": url.as_str() })),
        };
        response.headers_mut().append(header::SET_COOKIE, begun.cookie);
        Ok(response)
    }

    /// Checks what came back with the browser, and uses its state up. Nothing is asked of the provider before.
    async fn returned(
        &self,
        parts: &Parts,
        query: &Query,
    ) -> Result<(Returned, Result<String, ApiError>), ApiError> {
        let code = match query.one("error")? {
            Some(error) => {
                let known = PROVIDER_ERRORS.into_iter().find(|known| error == *known);
                Err(ApiError::new(StatusCode::BAD_REQUEST, known.unwrap_or("Bad Request")))
            }
            None => query.one("code")?.ok_or_else(ApiError::bad_request),
        };
        let state = query.one("state")?.unwrap_or_default();
        let manager = self.users.manager();
        let states = &manager.oauth()?.states;
        let returned = match states.read(&state, self.path, &parts.headers, self.users.policy()) {
            Ok(returned) if code.is_ok() || returned.return_to.is_some() => returned,
            Ok(_) => return code.and(Err(ApiError::bad_request())),
            Err(error) => {
                return code.and(Err(ApiError::code(match error {
                    StateError::Undecodable => ErrorCode::AccessTokenDecodeError,
                    StateError::Expired => ErrorCode::AccessTokenAlreadyExpired,
                    StateError::Foreign => ErrorCode::OauthInvalidState,
                })));
            }
        };
        let first = self.users.0.store.revoke(&returned.digest, returned.expires_at).await;
        if !first.map_err(UserError::from)? {
            return Err(ApiError::code(ErrorCode::OauthInvalidState));
        }
        Ok((returned, code))
    }

    /// Asks the provider who came.
    async fn arrival(
        &self,
        parts: &Parts,
        query: &Query,
        returned: &Returned,
        code: &str,
    ) -> Result<Arrival, ApiError> {
        // A client of fastapi-users may bring a verifier of its own.
        let theirs = query.one("code_verifier")?.filter(|_| returned.verifier.is_none());
        let verifier = returned.verifier.as_deref().or(theirs.as_deref());
        let redirect_uri = self.redirect_uri(parts)?;
        let asked = async {
            let manager = self.users.manager();
            self.check_issuer(&manager, query).await?;
            let nonce = returned.nonce.clone();
            Ok::<_, ApiError>(manager.identify(self.oauth, code, &redirect_uri, verifier, nonce).await?)
        };
        let answered = tokio::time::timeout(PROVIDER_TIMEOUT, asked).await;
        let (identity, tokens) = answered.unwrap_or_else(|_| {
            let error = ProviderError::Unavailable("it takes longer than 8 seconds".into());
            Err(UserError::Provider(error).into())
        })?;
        Ok(Arrival { identity, tokens })
    }

    /// RFC 9207 §2.4: a code must not be taken to another provider than the one that gave it.
    async fn check_issuer(&self, manager: &UserManager<P>, query: &Query) -> Result<(), ApiError> {
        let endpoints =
            self.oauth.provider.endpoints(&manager.oauth()?.client).await.map_err(UserError::from)?;
        let stated = query.one("iss")?;
        let right = match (&endpoints.issuer, &stated) {
            (Some(issuer), Some(stated)) => issuer == stated,
            (Some(_), None) => !endpoints.always_names_issuer,
            (None, _) => true,
        };
        if right { Ok(()) } else { Err(ApiError::code(ErrorCode::OauthInvalidState)) }
    }

    /// The answer, which takes the cookie of the flow away: as it is, or on the page where the browser wants to be, which
    /// gets a code or an error.
    fn finish(returned: &Returned, result: Result<(Option<String>, Response), ApiError>) -> Response {
        let mut response = match (&returned.return_to, result) {
            (None, Ok((_, response))) => response,
            (None, Err(error)) => error.into_response(),
            (Some(url), Ok((code, response))) => {
                go_to(url, code.as_deref().map(|code| ("code", code)), &response)
            }
            (Some(url), Err(error)) => go_to(url, Some(("error", error.text())), &().into_response()),
        };
        if let Some(removal) = returned.removal.clone() {
            response.headers_mut().append(header::SET_COOKIE, removal);
        }
        response
    }

    /// Where the provider sends the browser back to: the same on both ways.
    fn redirect_uri(&self, parts: &Parts) -> Result<String, ApiError> {
        if let Some(url) = self.redirect_url {
            return Ok(url.to_owned());
        }
        if let Some(url) = &self.users.manager().oauth()?.public_url {
            return Ok(url.page(&format!("{}/callback", self.path)));
        }
        // Only under a policy that allows it: see `OAuthSettings::check`.
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let path = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0).path();
        let base = path.rsplit_once('/').map_or("", |(base, _)| base);
        let url = host.map(|host| format!("http://{host}{base}/callback"));
        url.filter(|url| Url::parse(url).is_ok()).ok_or_else(ApiError::bad_request)
    }
}

/// A redirection with what the page needs in its fragment, which reaches neither servers nor `Referer` (OAL-13), and with the
/// cookies of `response`.
fn go_to(url: &str, fragment: Option<(&str, &str)>, response: &Response) -> Response {
    let fragment = fragment.map(|(name, value)| {
        let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        format!("#{name}={value}")
    });
    let mut redirect = Redirect::to(&format!("{url}{}", fragment.unwrap_or_default())).into_response();
    for cookie in response.headers().get_all(header::SET_COOKIE) {
        redirect.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    redirect
}

use std::sync::Arc;

use axum::{
    Router,
    extract::{RawPathParams, Request, State},
    response::Response,
    routing::{delete, get},
};
use http::StatusCode;
use serde_json::json;

use super::super::{finish, json, no_content};
use crate::{Authenticated, Context, OAuthAccount, Profile, Users, http::ApiError};

impl<P: Profile> Users<P> {
    /// `GET /me/oauth-accounts`, and `DELETE /me/oauth-accounts/{oauth_name}/{account_id}`: the accounts by which users can log in.
    /// Providers' tokens are not shown.
    pub fn oauth_accounts_router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        self.oauth_accounts_routes("")
    }

    pub(super) fn oauth_accounts_routes<S: Clone + Send + Sync + 'static>(&self, at: &str) -> Router<S> {
        let router = Router::new()
            .route(&format!("{at}/me/oauth-accounts"), get(list::<P>))
            // Ids may have slashes, encoded or not: `people/1`.
            .route(&format!("{at}/me/oauth-accounts/{{oauth_name}}/{{*account_id}}"), delete(unlink::<P>));
        finish(router, self)
    }
}

async fn list<P: Profile>(State(users): State<Users<P>>, request: Request) -> Result<Response, ApiError> {
    let (found, _) = admit(&users, request).await?;
    let accounts = users.manager().stored_accounts(&found.user).await?;
    let shown = |account: &OAuthAccount| {
        json!({
            "oauth_name": account.oauth_name,
            "account_id": account.account_id,
            "account_email": account.account_email,
        })
    };
    Ok(json(StatusCode::OK, &accounts.iter().map(shown).collect::<Vec<_>>()))
}

async fn unlink<P: Profile>(
    State(users): State<Users<P>>,
    path: RawPathParams,
    request: Request,
) -> Result<Response, ApiError> {
    let (found, cx) = admit(&users, request).await?;
    users.reauthenticate(&found, None, &cx).await?;
    // Whatever else an application's prefix captures.
    let captured = |name: &str| path.iter().find(|(found, _)| *found == name).map(|(_, value)| value);
    let (oauth_name, account_id) =
        captured("oauth_name").zip(captured("account_id")).ok_or_else(ApiError::not_found)?;
    users.manager().oauth_unlink(&found.user, oauth_name, account_id, &cx).await?;
    Ok(no_content())
}

async fn admit<P: Profile>(
    users: &Users<P>,
    request: Request,
) -> Result<(Arc<Authenticated<P>>, Context), ApiError> {
    let (mut parts, _) = request.into_parts();
    let found = users.admit(&mut parts, false).await?;
    Ok((found, Context::from_parts(&parts)))
}

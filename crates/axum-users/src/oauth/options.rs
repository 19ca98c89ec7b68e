use std::{fmt, sync::Arc};

use url::Url;

use super::{OAuthProvider, provider::DynProvider};

/// The longest URL to return to: it is part of the state.
const MAX_URL_BYTES: usize = 2048;

/// A provider, and how the application uses it. Any provider becomes one with the defaults.
///
/// ```
/// use axum_users::oauth::{GitHub, OAuth};
///
/// let github = OAuth::new(GitHub::new("client id", "client secret"))
///     .associate_by_email(true)
///     .return_to(["https://app.example/welcome"]);
/// ```
#[derive(Clone)]
#[must_use]
pub struct OAuth {
    pub(crate) provider: Arc<dyn DynProvider>,
    pub(crate) backend: Option<String>,
    pub(crate) path: String,
    pub(crate) associate_path: String,
    pub(crate) redirect_url: Option<String>,
    pub(crate) associate_redirect_url: Option<String>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) more_scopes: Vec<String>,
    pub(crate) associate_by_email: bool,
    pub(crate) verified_by_default: Option<bool>,
    pub(crate) trust_email: Option<EmailTrust>,
    pub(crate) return_to: Vec<String>,
}

/// Which addresses of a provider count as verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailTrust {
    /// None.
    Never,
    /// Those that the provider says it has verified.
    Stated,
    /// All that it gives: for a provider of your own, which has only addresses that it gave out or verified itself.
    Always,
}

impl OAuth {
    /// The provider with the defaults.
    pub fn new(provider: impl OAuthProvider) -> Self {
        let name = provider.name();
        Self {
            path: format!("/auth/{name}"),
            associate_path: format!("/auth/associate/{name}"),
            provider: Arc::new(provider),
            backend: None,
            redirect_url: None,
            associate_redirect_url: None,
            scopes: None,
            more_scopes: Vec::new(),
            associate_by_email: false,
            verified_by_default: None,
            trust_email: None,
            return_to: Vec::new(),
        }
    }

    /// The name of the backend that logs in; the first one if this is not said.
    pub fn backend(mut self, name: impl Into<String>) -> Self {
        self.backend = Some(name.into());
        self
    }

    /// Where [`Users::routes`](crate::Users::routes) nests the routes that log in, instead of `/auth/{name}`. A provider that
    /// logs in by two backends is added twice, the second time with a path of its own.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Where the routes are that give a user another account, instead of `/auth/associate/{name}`.
    pub fn associate_path(mut self, path: impl Into<String>) -> Self {
        self.associate_path = path.into();
        self
    }

    /// Where the provider sends people back to when they log in: a page of the application that calls the callback route. By
    /// default that route itself, below [`public_url`](crate::UsersBuilder::public_url). The provider must know it.
    pub fn redirect_url(mut self, url: impl Into<String>) -> Self {
        self.redirect_url = Some(url.into());
        self
    }

    /// The same for users who are given another account.
    pub fn associate_redirect_url(mut self, url: impl Into<String>) -> Self {
        self.associate_redirect_url = Some(url.into());
        self
    }

    /// What is asked for, instead of what the provider's file says.
    pub fn scopes<T: Into<String>>(mut self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// What a client may ask for beside that, with `?scopes=` (OAL-12).
    pub fn more_scopes<T: Into<String>>(mut self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.more_scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Whether an account whose address a user has becomes that user's. Only a verified address counts, on both sides: a user
    /// who never verified theirs loses password, sessions and other accounts by it, since whoever registered the address did
    /// not show that it is theirs (OAL-7). Off by default.
    pub const fn associate_by_email(mut self, yes: bool) -> Self {
        self.associate_by_email = yes;
        self
    }

    /// Whether a new user counts as verified when the provider has verified the address. By default yes, and no under
    /// [`Policy::fastapi_users`](crate::Policy::fastapi_users).
    pub const fn verified_by_default(mut self, yes: bool) -> Self {
        self.verified_by_default = Some(yes);
        self
    }

    /// Which of its addresses count as verified. By default [`EmailTrust::Stated`] for providers whose word is worth that, and
    /// [`EmailTrust::Never`] for others: see [`OAuthProvider::email_is_trusted`].
    pub const fn trust_email(mut self, trust: EmailTrust) -> Self {
        self.trust_email = Some(trust);
        self
    }

    /// Pages to which browsers may go after the callback, instead of getting an answer in JSON: exactly these URLs, asked for
    /// with `?return_to=` (OAL-13).
    pub fn return_to<T: Into<String>>(mut self, urls: impl IntoIterator<Item = T>) -> Self {
        self.return_to = urls.into_iter().map(Into::into).collect();
        self
    }

    /// Whether an address counts as verified that the provider says it has verified, or not.
    pub(crate) fn trusts(&self, stated: bool) -> bool {
        let by_default =
            if self.provider.email_is_trusted() { EmailTrust::Stated } else { EmailTrust::Never };
        match self.trust_email.unwrap_or(by_default) {
            EmailTrust::Never => false,
            EmailTrust::Stated => stated,
            EmailTrust::Always => true,
        }
    }

    /// The name of the provider.
    pub fn name(&self) -> &str {
        self.provider.name()
    }

    /// The scopes to ask for; `None` if one of `requested` may not be asked for.
    pub(crate) fn scope(&self, requested: Option<&[String]>, any: bool) -> Option<String> {
        let usual: Vec<&str> = match &self.scopes {
            Some(scopes) => scopes.iter().map(String::as_str).collect(),
            None => self.provider.scopes().to_vec(),
        };
        let Some(requested) = requested else { return Some(usual.join(" ")) };
        let may = |scope: &String| any || usual.contains(&scope.as_str()) || self.more_scopes.contains(scope);
        requested.iter().all(may).then(|| requested.join(" "))
    }

    /// What is wrong with the settings, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        for path in [&self.path, &self.associate_path] {
            let well_formed = path.starts_with('/')
                && !path.ends_with('/')
                && !path.contains(['{', '}', '*', '?', '#', '%']);
            if !well_formed {
                return Err(format!("the path {path:?} does not start with `/`, or ends with one"));
            }
        }
        let urls = self.redirect_url.iter().chain(&self.associate_redirect_url).chain(&self.return_to);
        for url in urls {
            // Applications on a phone have a scheme of their own (RFC 8252 §7.1).
            let scripted =
                |url: &Url| matches!(url.scheme(), "javascript" | "data" | "blob" | "file" | "about");
            let usable = Url::parse(url).is_ok_and(|url| !scripted(&url) && url.fragment().is_none());
            if !usable || url.len() > MAX_URL_BYTES {
                return Err(format!(
                    "{url:?} is no absolute URL of at most {MAX_URL_BYTES} bytes, or has a fragment"
                ));
            }
        }
        Ok(())
    }
}

impl<T: OAuthProvider> From<T> for OAuth {
    fn from(provider: T) -> Self {
        Self::new(provider)
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth")
            .field("provider", &self.name())
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::GitHub;

    fn github() -> OAuth {
        OAuth::new(GitHub::new("id", "secret"))
    }

    #[test]
    fn oal_12_only_known_scopes_may_be_asked_for() {
        let oauth = github().more_scopes(["gist"]);
        let scope = |scopes: &[&str], any| {
            let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
            oauth.scope(Some(&scopes), any)
        };
        assert_eq!(oauth.scope(None, false).as_deref(), Some("user user:email"));
        assert_eq!(scope(&["gist", "user"], false).as_deref(), Some("gist user"));
        assert_eq!(scope(&["admin:org"], false), None);
        assert_eq!(scope(&["user gist"], false), None);
        assert_eq!(scope(&["admin:org"], true).as_deref(), Some("admin:org"));
        assert_eq!(scope(&[], false).as_deref(), Some(""));
    }

    #[test]
    fn oal_13_only_whole_urls_are_returned_to() {
        assert!(
            github().return_to(["https://app.example/welcome?a=b", "com.example.app:/oauth"]).check().is_ok()
        );
        for refused in [
            "/welcome",
            "app.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://a.example/#x",
            &format!("https://a.example/{}", "a".repeat(2048)),
        ] {
            assert!(github().return_to([refused]).check().is_err(), "{refused}");
        }
        for refused in ["auth/github", "/auth/github/", "/auth/{name}", "/a?b"] {
            assert!(github().path(refused).check().is_err(), "{refused}");
        }
    }
}

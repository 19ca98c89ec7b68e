//! What the builder learns of providers, and what becomes of it.

use std::{collections::HashSet, sync::Arc};

use super::{
    Identity, OAuth, ProviderClient,
    cipher::{CipherError, TokenCipher},
    code::LoginCodes,
    state::States,
};
use crate::{
    BuildError, Cookie, OAuthAccount, OAuthStore, Policy, Profile, PublicUrl, Secret, TokenOptions,
    Transport, UsersBuilder, store::DynOAuthStore,
};

/// Makes an application's own fields of what a provider says of somebody.
type MakeProfile<P> = Arc<dyn Fn(&Identity) -> P + Send + Sync>;

/// What the builder was told.
pub(crate) struct OAuthSettings<P: Profile> {
    store: Option<Arc<dyn DynOAuthStore<P>>>,
    providers: Vec<OAuth>,
    client: Option<ProviderClient>,
    public_url: Option<PublicUrl>,
    state: Option<TokenOptions>,
    cookie: Cookie,
    token_keys: Vec<Secret>,
    profile: Option<MakeProfile<P>>,
}

/// What `Users` knows of providers.
pub(crate) struct OAuthCore<P: Profile> {
    pub(crate) store: Arc<dyn DynOAuthStore<P>>,
    pub(crate) providers: Vec<OAuth>,
    pub(crate) client: ProviderClient,
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) states: States,
    pub(crate) codes: LoginCodes,
    cipher: Option<TokenCipher>,
    profile: Option<MakeProfile<P>>,
}

impl<P: Profile, S: OAuthStore<P>> UsersBuilder<P, S> {
    /// Adds a provider by whose accounts people log in. Needs a store that keeps accounts, and a
    /// [`public_url`](Self::public_url), or a redirect URL for each provider.
    ///
    /// ```
    /// use axum_users::{Backend, Bearer, Jwt, MemoryStore, Users, oauth::GitHub};
    ///
    /// # let secret = "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f";
    /// let users: Users = Users::builder(MemoryStore::new(), secret)
    ///     .backend(Backend::new("jwt", Bearer, Jwt::new(secret)))
    ///     .public_url("https://app.example".parse()?)
    ///     .oauth(GitHub::new("client id", "client secret"))
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn oauth(mut self, provider: impl Into<OAuth>) -> Self {
        self.oauth_settings.store = Some(Arc::clone(&self.store) as _);
        self.oauth_settings.providers.push(provider.into());
        self
    }
}

impl<P: Profile, S> UsersBuilder<P, S> {
    /// Where people reach [`routes`](crate::Users::routes): providers send them back to routes below it.
    pub fn public_url(mut self, url: PublicUrl) -> Self {
        self.oauth_settings.public_url = Some(url);
        self
    }

    /// How providers are asked; by default only at public addresses, over TLS.
    pub fn provider_client(mut self, client: ProviderClient) -> Self {
        self.oauth_settings.client = Some(client);
        self
    }

    /// Key, lifetime and audience of the states of OAuth flows.
    pub fn oauth_state(mut self, options: TokenOptions) -> Self {
        self.oauth_settings.state = Some(options);
        self
    }

    /// Name and attributes of the cookie that binds a flow to its browser. By default `fastapiusersoauthcsrf`, `Secure`,
    /// `HttpOnly`, `SameSite=lax`; unless the policy says otherwise each flow adds `__Host-` and a name of its own.
    pub fn oauth_cookie(mut self, cookie: Cookie) -> Self {
        self.oauth_settings.cookie = cookie;
        self
    }

    /// Keeps the tokens of providers encrypted, with the first of these keys (at least 32 bytes each). The others only open what
    /// they have closed: add a new one in front to change it. What was stored in clear is read as it is.
    pub fn encrypt_provider_tokens<T: Into<Secret>>(mut self, keys: impl IntoIterator<Item = T>) -> Self {
        self.oauth_settings.token_keys = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Makes the application's own fields for somebody who comes from a provider for the first time. By default all of them must
    /// have a `#[serde(default)]`.
    pub fn oauth_profile(mut self, make: impl Fn(&Identity) -> P + Send + Sync + 'static) -> Self {
        self.oauth_settings.profile = Some(Arc::new(make));
        self
    }
}

impl<P: Profile> OAuthSettings<P> {
    pub(crate) fn new() -> Self {
        Self {
            store: None,
            providers: Vec::new(),
            client: None,
            public_url: None,
            state: None,
            cookie: Cookie { name: "fastapiusersoauthcsrf".to_owned(), ..Cookie::default() },
            token_keys: Vec::new(),
            profile: None,
        }
    }

    /// What is wrong with the settings, if anything. `paths` are those that are taken.
    pub(crate) fn check(
        &self,
        backends: &[&str],
        paths: &mut HashSet<String>,
        policy: &Policy,
    ) -> Result<(), BuildError> {
        let refuse = |reason: String| Err(BuildError(reason));
        for oauth in &self.providers {
            let name = oauth.name();
            oauth.check().map_err(|reason| BuildError(format!("provider {name:?}: {reason}")))?;
            let plain =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
            if name.is_empty() || !name.chars().all(plain) {
                return refuse(format!(
                    "the provider name {name:?} may have lower-case letters, digits, `-`, `_` and `.`"
                ));
            }
            for path in [&oauth.path, &oauth.associate_path] {
                if !paths.insert(path.clone()) {
                    return refuse(format!("the path {path:?} of the provider {name:?} is taken"));
                }
            }
            let backend = oauth.backend.as_deref().or(backends.first().copied());
            if !backend.is_some_and(|backend| backends.contains(&backend)) {
                return refuse(format!("the provider {name:?} logs in by a backend that there is not"));
            }
            let sent_back = self.public_url.is_some() || oauth.redirect_url.is_some();
            if !sent_back && !policy.oauth_redirect_from_host {
                return refuse(format!(
                    "the provider {name:?} must send people back: set `public_url`, such as https://app.example"
                ));
            }
        }
        if let Some(state) = &self.state {
            let weak = state.secret.as_ref().map(Secret::check).filter(|_| !policy.weak_secrets);
            if let Some(Err(weak)) = weak {
                return refuse(format!("the secret of OAuth states is refused: {weak}"));
            }
            if state.lifetime == 0 {
                return refuse("OAuth states need a lifetime of at least one second".to_owned());
            }
        }
        self.cookie.check(policy).map_err(|reason| BuildError(format!("the OAuth cookie: {reason}")))?;
        if self.profile.is_none() && !self.providers.is_empty() {
            empty_profile::<P>().map_err(|error| {
                BuildError(format!(
                    "somebody who comes from a provider has no fields of the application yet ({error}): give them a \
                     `#[serde(default)]`, or make them with `oauth_profile`"
                ))
            })?;
        }
        Ok(())
    }

    /// `None` when there are no providers.
    pub(crate) fn build(self, secret: &Secret, policy: &Policy) -> Result<Option<OAuthCore<P>>, BuildError> {
        let Some(store) = self.store else { return Ok(None) };
        let state = self.state.unwrap_or_else(|| TokenOptions::oauth_state(policy));
        let key = state.secret.unwrap_or_else(|| secret.derive("oauth state"));
        let client = match self.client {
            Some(client) => client,
            None => ProviderClient::new()
                .map_err(|error| BuildError(format!("providers cannot be asked over TLS: {error}")))?,
        };
        Ok(Some(OAuthCore {
            store,
            providers: self.providers,
            client,
            public_url: self.public_url,
            states: States::new(&key, state.audience, state.lifetime, self.cookie, policy),
            codes: LoginCodes::new(secret),
            cipher: match self.token_keys.is_empty() {
                true => None,
                false => Some(TokenCipher::new(self.token_keys).map_err(|error| {
                    BuildError(format!("the keys of provider tokens are refused: {error}"))
                })?),
            },
            profile: self.profile,
        }))
    }
}

impl<P: Profile> OAuthCore<P> {
    /// The account as it is stored.
    pub(crate) fn seal(&self, account: OAuthAccount) -> Result<OAuthAccount, CipherError> {
        match &self.cipher {
            Some(cipher) => cipher.seal(account),
            None => Ok(account),
        }
    }

    /// The account as the provider gave it.
    pub(crate) fn open(&self, account: OAuthAccount) -> Result<OAuthAccount, CipherError> {
        match &self.cipher {
            Some(cipher) => cipher.open(account),
            None => Ok(account),
        }
    }

    /// The application's own fields of somebody new; that they can be made is checked before.
    pub(crate) fn profile(&self, identity: &Identity) -> Result<P, serde_json::Error> {
        self.profile.as_ref().map_or_else(empty_profile, |make| Ok(make(identity)))
    }
}

fn empty_profile<P: Profile>() -> Result<P, serde_json::Error> {
    serde_json::from_value(serde_json::Value::Object(serde_json::Map::new()))
}

//! What is accepted and what is revealed: one struct, two presets.
//!
//! [`Policy::secure`] is the default of library and server. [`Policy::fastapi_users`] restores what a frontend, a
//! database or a running deployment made for fastapi-users can notice, and only that: neither preset brings back a
//! 5xx answer to bad input, a race, a timing oracle or an unbounded input. A well-behaved client sees the same routes,
//! bodies, codes, cookies, claims and tables under both.

use crate::{email::EmailRules, password::Argon2id};

/// Every switch between the safe defaults and the behaviour of fastapi-users.
///
/// ```
/// use axum_users::Policy;
///
/// let policy = Policy { revoke_jwt_on_logout: false, ..Policy::secure() };
/// assert!(policy.end_sessions_on_password_change);
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    /// Which e-mail addresses are accepted.
    pub email: EmailRules,
    /// Which passwords are accepted, beside what the hooks say.
    pub password: PasswordRules,
    /// Whether passwords are set in the form of RFC 8265 (OpaqueString: composed characters, plain spaces), so that a keyboard which
    /// writes them in another way keeps nobody out. Who has another one from earlier logs in as typed, and gets a new hash.
    pub normalize_passwords: bool,
    /// The parameters of new password hashes, and when a right password is hashed anew on login.
    pub hashing: Argon2id,
    /// What registering a taken address answers.
    pub duplicate_registration: DuplicateRegistration,
    /// When a user's new address counts.
    pub email_change: EmailChange,
    /// Whether a new password ends every session and token of the user (ASVS 7.4.3), and so does a new address where
    /// [`email_change`](Self::email_change) has it confirmed.
    pub end_sessions_on_password_change: bool,
    /// Who changes their own password or address, or takes an account at a provider away, must have logged in within so many
    /// seconds, or give the password they have (ASVS 6.2.3, 7.5.1). `None`: whoever has a session may.
    pub recent_login: Option<u64>,
    /// Whether a reset password verifies the address: whoever resets it has read a mail there.
    pub reset_verifies: bool,
    /// Whether logging out with a JWT makes that JWT invalid on every node (ASVS 7.4.1).
    pub revoke_jwt_on_logout: bool,
    /// What token stores keep.
    pub stored_tokens: StoredTokens,
    /// Whether tokens that a running fastapi-users signed with the same secret are accepted, and the tokens made here
    /// are ones it accepts: its lax claim types, no fingerprint of the password in session tokens, an Argon2
    /// fingerprint in reset tokens.
    pub share_tokens_with_fastapi_users: bool,
    /// Whether a token may live for ever.
    pub unbounded_token_life: bool,
    /// Whether secrets shorter than 32 bytes, or ones that look like samples, are accepted.
    pub weak_secrets: bool,
    /// Whether ids in paths and tokens may take every form Python takes.
    pub lenient_ids: bool,
    /// Whether the last of duplicate JSON keys, form fields and cookies counts, instead of refusing the request.
    pub lenient_duplicates: bool,
    /// Whether 422 answers echo what was sent. Passwords and tokens are redacted in any case.
    pub echo_input: bool,
    /// Whether all OAuth flows of a browser share the cookie `fastapiusersoauthcsrf` for an hour, instead of each having one of
    /// its own for ten minutes. A state is used once in either case.
    pub oauth_shared_cookie: bool,
    /// Whether a client may ask a provider for any scope, instead of those that the application lists.
    pub oauth_any_scope: bool,
    /// Whether providers send people back to the host that the request names, where no URL is configured.
    pub oauth_redirect_from_host: bool,
    /// Whether a login by password sets a cookie by which the browser is known for 180 days, whatever its transport: who guesses
    /// elsewhere does not keep its user out (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"; see
    /// [`RateLimits::device_tries_per_day`](crate::RateLimits::device_tries_per_day)).
    pub device_cookie: bool,
    /// Whether users are told of logins by password from browsers that are not known by such a cookie
    /// ([`Hooks::after_login_from_new_device`](crate::Hooks::after_login_from_new_device)), at most as often as
    /// [`RateLimits::duplicate_mails_per_hour`](crate::RateLimits::duplicate_mails_per_hour) says. Clients that keep no cookies are never known.
    pub tell_of_new_devices: bool,
    /// Whether 401 answers carry `WWW-Authenticate` (RFC 6750 §3).
    pub www_authenticate: bool,
    /// Whether superusers cannot give up their own rights over HTTP, so that there is always one.
    pub keep_superusers: bool,
    /// Whether users who are inactive, or not verified where that is required, can log out (ASVS 7.4.1).
    pub logout_for_everybody: bool,
}

/// Which passwords are accepted, beside what [`Hooks::validate_password`](crate::Hooks::validate_password) says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordRules {
    /// The fewest characters.
    pub min_length: usize,
    /// The most bytes; bounds the work of hashing (ASVS 6.2.9).
    pub max_bytes: usize,
    /// Whether a password that contains the e-mail address is refused (ASVS 6.2.11).
    pub reject_email: bool,
    /// Whether the 200,000 most common passwords are refused, in upper and lower case (ASVS 6.2.4).
    pub reject_common: bool,
    /// Whether a password is refused that is nothing but words of the address and of the application
    /// ([`UsersBuilder::password_words`](crate::UsersBuilder::password_words)), with whatever digits and signs (ASVS 6.2.11).
    pub reject_context_words: bool,
}

/// What registering an address that is taken answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DuplicateRegistration {
    /// 400 `REGISTER_USER_ALREADY_EXISTS`.
    Reveal,
    /// The same 201 as for a new address, with an id that belongs to nobody; the owner is told by
    /// [`Hooks::after_duplicate_registration`](crate::Hooks::after_duplicate_registration). Hides nothing from
    /// a caller who may log in without verifying the address, so use it together with
    /// [`Backend::require_verified`](crate::Backend::require_verified). Ids must not be assigned by the database.
    Hide,
}

/// When the address counts that users change theirs to. What an administrator writes counts at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailChange {
    /// When the token that is mailed to it comes back; until then nothing changes. The answer is the same whether or not
    /// somebody has the address, and the old one is told how to take the change back.
    Confirm,
    /// At once, and unverified.
    Immediate,
}

/// What token stores keep of a session token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredTokens {
    /// Its SHA-256: a copy of the database opens no session (ASVS 7.2.3).
    Digest,
    /// The token itself, as fastapi-users does: for sharing the table with a running one.
    Clear,
}

impl PasswordRules {
    /// Eight characters that others would not try first.
    pub const fn secure() -> Self {
        Self {
            min_length: 8,
            max_bytes: 4096,
            reject_email: true,
            reject_common: true,
            reject_context_words: true,
        }
    }

    /// Any, of bounded length.
    pub const fn fastapi_users() -> Self {
        Self {
            min_length: 0,
            max_bytes: 4096,
            reject_email: false,
            reject_common: false,
            reject_context_words: false,
        }
    }
}

impl Policy {
    /// Whether a new address ends the sessions of its user.
    pub(crate) const fn ends_sessions_on_email_change(&self) -> bool {
        self.end_sessions_on_password_change && matches!(self.email_change, EmailChange::Confirm)
    }

    /// Safe defaults.
    pub const fn secure() -> Self {
        Self {
            email: EmailRules::secure(),
            password: PasswordRules::secure(),
            normalize_passwords: true,
            hashing: Argon2id::secure(),
            duplicate_registration: DuplicateRegistration::Reveal,
            email_change: EmailChange::Confirm,
            end_sessions_on_password_change: true,
            recent_login: Some(600),
            reset_verifies: true,
            revoke_jwt_on_logout: true,
            stored_tokens: StoredTokens::Digest,
            share_tokens_with_fastapi_users: false,
            unbounded_token_life: false,
            weak_secrets: false,
            lenient_ids: false,
            lenient_duplicates: false,
            echo_input: false,
            oauth_shared_cookie: false,
            oauth_any_scope: false,
            oauth_redirect_from_host: false,
            device_cookie: true,
            tell_of_new_devices: false,
            www_authenticate: true,
            keep_superusers: true,
            logout_for_everybody: true,
        }
    }

    /// What a frontend or a database made for fastapi-users can notice.
    pub const fn fastapi_users() -> Self {
        Self {
            email: EmailRules::fastapi_users(),
            password: PasswordRules::fastapi_users(),
            normalize_passwords: false,
            hashing: Argon2id::fastapi_users(),
            duplicate_registration: DuplicateRegistration::Reveal,
            email_change: EmailChange::Immediate,
            end_sessions_on_password_change: false,
            recent_login: None,
            reset_verifies: false,
            revoke_jwt_on_logout: false,
            stored_tokens: StoredTokens::Clear,
            share_tokens_with_fastapi_users: true,
            unbounded_token_life: true,
            weak_secrets: true,
            lenient_ids: true,
            lenient_duplicates: true,
            echo_input: true,
            oauth_shared_cookie: true,
            oauth_any_scope: true,
            oauth_redirect_from_host: true,
            device_cookie: false,
            tell_of_new_devices: false,
            www_authenticate: false,
            keep_superusers: false,
            logout_for_everybody: false,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::secure()
    }
}

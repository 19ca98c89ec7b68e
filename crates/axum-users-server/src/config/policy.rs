use std::path::PathBuf;

use axum_users::{
    DuplicateRegistration, EmailChange, Policy, StoredTokens,
    email::EmailRules,
    password::{Argon2id, Rehash},
};
use serde::{Deserialize, Serialize};

/// What is accepted and what is revealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyName {
    /// Safe defaults.
    #[default]
    Secure,
    /// What a frontend or a database made for fastapi-users can notice.
    FastapiUsers,
}

impl PolicyName {
    /// The preset.
    pub const fn preset(self) -> Policy {
        match self {
            Self::Secure => Policy::secure(),
            Self::FastapiUsers => Policy::fastapi_users(),
        }
    }
}

/// Which passwords are accepted; what is absent is the policy's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordSettings {
    /// The fewest characters.
    pub min_length: Option<usize>,
    /// The most bytes.
    pub max_bytes: Option<usize>,
    /// Whether a password that contains the e-mail address is refused.
    pub reject_email: Option<bool>,
    /// Whether the most common passwords are refused.
    pub reject_common: Option<bool>,
    /// Whether a password is refused that is nothing but words of the address and of the application.
    pub reject_context_words: Option<bool>,
    /// Names of the application, beside the host of `public_url` and `mail.product`.
    pub words: Vec<String>,
    /// Whether Have I Been Pwned is asked if a password is known from data breaches.
    pub breach_check: bool,
    /// A filter of passwords that are known from data breaches, made by `axum-users breach-filter`.
    pub breach_filter: Option<PathBuf>,
}

/// Single switches of the policy; what is absent is the policy's. The names are those of the fields of [`Policy`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyOverrides {
    normalize_passwords: Option<bool>,
    end_sessions_on_password_change: Option<bool>,
    /// Seconds; 0 stands for `None`.
    recent_login: Option<u64>,
    reset_verifies: Option<bool>,
    revoke_jwt_on_logout: Option<bool>,
    share_tokens_with_fastapi_users: Option<bool>,
    unbounded_token_life: Option<bool>,
    weak_secrets: Option<bool>,
    lenient_ids: Option<bool>,
    lenient_duplicates: Option<bool>,
    echo_input: Option<bool>,
    oauth_shared_cookie: Option<bool>,
    oauth_any_scope: Option<bool>,
    oauth_redirect_from_host: Option<bool>,
    device_cookie: Option<bool>,
    tell_of_new_devices: Option<bool>,
    www_authenticate: Option<bool>,
    keep_superusers: Option<bool>,
    logout_for_everybody: Option<bool>,
    duplicate_registration: Option<DuplicateRegistrationName>,
    email_change: Option<EmailChangeName>,
    stored_tokens: Option<StoredTokensName>,
    email: EmailOverrides,
    hashing: HashingOverrides,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DuplicateRegistrationName {
    Reveal,
    Hide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EmailChangeName {
    Confirm,
    Immediate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredTokensName {
    Digest,
    Clear,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct EmailOverrides {
    display_name: Option<bool>,
    unicode_local_part: Option<bool>,
    routing_characters: Option<bool>,
    long_local_part: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct HashingOverrides {
    memory_kib: Option<u32>,
    iterations: Option<u32>,
    parallelism: Option<u32>,
    rehash: Option<RehashName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RehashName {
    Upward,
    Exact,
}

impl PasswordSettings {
    /// Writes what is set into a policy.
    pub fn apply(&self, policy: &mut Policy) {
        set(&mut policy.password.min_length, self.min_length);
        set(&mut policy.password.max_bytes, self.max_bytes);
        set(&mut policy.password.reject_email, self.reject_email);
        set(&mut policy.password.reject_common, self.reject_common);
        set(&mut policy.password.reject_context_words, self.reject_context_words);
    }

    /// These, with the policy's for what is not set.
    pub fn in_force(&self, policy: &Policy) -> Self {
        let rules = policy.password;
        Self {
            min_length: Some(rules.min_length),
            max_bytes: Some(rules.max_bytes),
            reject_email: Some(rules.reject_email),
            reject_common: Some(rules.reject_common),
            reject_context_words: Some(rules.reject_context_words),
            words: self.words.clone(),
            breach_check: self.breach_check,
            breach_filter: self.breach_filter.clone(),
        }
    }
}

impl PolicyOverrides {
    /// Writes what is set into a policy.
    pub fn apply(&self, policy: &mut Policy) {
        set(&mut policy.normalize_passwords, self.normalize_passwords);
        set(&mut policy.end_sessions_on_password_change, self.end_sessions_on_password_change);
        set(&mut policy.recent_login, self.recent_login.map(|seconds| Some(seconds).filter(|s| *s > 0)));
        set(&mut policy.reset_verifies, self.reset_verifies);
        set(&mut policy.revoke_jwt_on_logout, self.revoke_jwt_on_logout);
        set(&mut policy.share_tokens_with_fastapi_users, self.share_tokens_with_fastapi_users);
        set(&mut policy.unbounded_token_life, self.unbounded_token_life);
        set(&mut policy.weak_secrets, self.weak_secrets);
        set(&mut policy.lenient_ids, self.lenient_ids);
        set(&mut policy.lenient_duplicates, self.lenient_duplicates);
        set(&mut policy.echo_input, self.echo_input);
        set(&mut policy.oauth_shared_cookie, self.oauth_shared_cookie);
        set(&mut policy.oauth_any_scope, self.oauth_any_scope);
        set(&mut policy.oauth_redirect_from_host, self.oauth_redirect_from_host);
        set(&mut policy.device_cookie, self.device_cookie);
        set(&mut policy.tell_of_new_devices, self.tell_of_new_devices);
        set(&mut policy.www_authenticate, self.www_authenticate);
        set(&mut policy.keep_superusers, self.keep_superusers);
        set(&mut policy.logout_for_everybody, self.logout_for_everybody);
        let duplicates = self.duplicate_registration.map(|name| match name {
            DuplicateRegistrationName::Reveal => DuplicateRegistration::Reveal,
            DuplicateRegistrationName::Hide => DuplicateRegistration::Hide,
        });
        set(&mut policy.duplicate_registration, duplicates);
        let email_change = self.email_change.map(|name| match name {
            EmailChangeName::Confirm => EmailChange::Confirm,
            EmailChangeName::Immediate => EmailChange::Immediate,
        });
        set(&mut policy.email_change, email_change);
        let tokens = self.stored_tokens.map(|name| match name {
            StoredTokensName::Digest => StoredTokens::Digest,
            StoredTokensName::Clear => StoredTokens::Clear,
        });
        set(&mut policy.stored_tokens, tokens);
        self.email.apply(&mut policy.email);
        self.hashing.apply(&mut policy.hashing);
    }
}

impl EmailOverrides {
    fn apply(&self, rules: &mut EmailRules) {
        set(&mut rules.display_name, self.display_name);
        set(&mut rules.unicode_local_part, self.unicode_local_part);
        set(&mut rules.routing_characters, self.routing_characters);
        set(&mut rules.long_local_part, self.long_local_part);
    }
}

impl HashingOverrides {
    fn apply(&self, hashing: &mut Argon2id) {
        set(&mut hashing.memory_kib, self.memory_kib);
        set(&mut hashing.iterations, self.iterations);
        set(&mut hashing.parallelism, self.parallelism);
        let rehash = self.rehash.map(|name| match name {
            RehashName::Upward => Rehash::Upward,
            RehashName::Exact => Rehash::Exact,
        });
        set(&mut hashing.rehash, rehash);
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

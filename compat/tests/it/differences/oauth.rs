//! Accounts at providers.

use super::{Difference, NEVER_5XX, differs};
use crate::harness::System::{Mariadb, Postgres};

const ONE_FLOW: &str = "a state is of one flow, and used once (OAL-2, OAL-3)";
const TAKEN_OVER: &str = "whoever registered an address without verifying it does not keep a password for its owner's user (OAL-7)";
const NO_PASSWORD: &str =
    "somebody who comes from a provider has no password until they set one: the hash is of nothing";
const NORMAL: &str = "addresses are stored as registering stores them (OAL-14)";
const NO_ADDRESS: &str = "what is no address is none, for providers too (OAL-14)";
const ONE_OWNER: &str = "an account is one user's, once (OAK-2)";
const VERIFIED: &str = "a backend that wants a verified address wants it of everybody";
const UNVERIFIED: &str =
    "an address that the provider has not verified is one: the user is new, and not verified (OAL-6)";
const INACTIVE: &str = "an inactive user is not changed (OAL-8)";
const WIDE: &str = "tokens of providers may be long, and live as long as they like (contract C3)";
const NO_ECHO: &str = "the words of others are not repeated (RFC 6749 §4.1.2.1 lists the codes)";
const REFUSED: &str =
    "what a provider does not accept is no failure of the server, and its address is nobody's business";
const UNAVAILABLE: &str = "a provider that fails is a bad gateway, and its address is nobody's business";

const PROVIDER_REFUSED: &str = r#"{"detail":"OAUTH_PROVIDER_REFUSED"}"#;
const PROVIDER_UNAVAILABLE: &str = r#"{"detail":"OAUTH_PROVIDER_UNAVAILABLE"}"#;
const NO_EMAIL: &str = r#"{"detail":"OAUTH_NOT_AVAILABLE_EMAIL"}"#;
const INVALID_STATE: &str = r#"{"detail":"OAUTH_INVALID_STATE"}"#;
const UNDECODABLE: &str = r#"{"detail":"ACCESS_TOKEN_DECODE_ERROR"}"#;

pub(super) const ALL: &[Difference] = &[
    differs(
        "oauth: the password of somebody new",
        6,
        0,
        "$argon2id$v=19$m=19456,t=2,p=1$<22>$<43>",
        NO_PASSWORD,
    ),
    differs("oauth: an unverified user has the address, and gets the account", 4, 0, "1", TAKEN_OVER),
    differs(
        "oauth: an unverified user has the address, and gets the account",
        5,
        400,
        "LOGIN_BAD_CREDENTIALS",
        TAKEN_OVER,
    ),
    differs("oauth: an inactive user has the address, and gets the account", 3, 0, "none", INACTIVE),
    differs("oauth: an access token of 2000 characters", 2, 200, "access_token", WIDE)
        .on(&[Postgres, Mariadb]),
    differs("oauth: an access token that lives for centuries", 2, 200, "access_token", WIDE)
        .on(&[Postgres, Mariadb]),
    differs("oauth: an address in upper case", 4, 0, "@example.com", NORMAL),
    differs("oauth: an address that is none", 2, 400, NO_EMAIL, NO_ADDRESS),
    differs("oauth: an address that is none", 3, 401, "Unauthorized", NO_ADDRESS),
    differs("oauth: somebody new where users must be verified", 2, 400, "LOGIN_USER_NOT_VERIFIED", VERIFIED),
    differs("oauth: somebody new where users must be verified", 3, 401, "Unauthorized", VERIFIED),
    differs("oauth: an error in words", 2, 400, r#"{"detail":"Bad Request"}"#, NO_ECHO),
    differs("oauth: a code that the provider does not know", 2, 400, PROVIDER_REFUSED, REFUSED),
    differs("oauth: the provider fails where codes are exchanged", 2, 502, PROVIDER_UNAVAILABLE, UNAVAILABLE),
    differs("oauth: an error with the status of success", 2, 400, PROVIDER_REFUSED, NEVER_5XX),
    differs("oauth: no access token", 2, 400, PROVIDER_REFUSED, NEVER_5XX),
    differs(
        "oauth: the provider fails where it is asked who somebody is",
        2,
        502,
        PROVIDER_UNAVAILABLE,
        UNAVAILABLE,
    ),
    differs("oauth: the provider does not take its own token", 2, 400, PROVIDER_REFUSED, REFUSED),
    differs("oauth: no address: github", 2, 400, NO_EMAIL, NEVER_5XX),
    differs("oauth: an address that discord has not verified", 2, 200, "access_token", UNVERIFIED),
    differs("oauth: a cookie beyond ASCII", 2, 400, INVALID_STATE, NEVER_5XX),
    differs("oauth: a state that is used twice", 3, 400, INVALID_STATE, ONE_FLOW),
    differs("oauth: a state of another provider", 2, 400, INVALID_STATE, ONE_FLOW),
    differs("oauth: a state for another audience", 1, 400, UNDECODABLE, NEVER_5XX),
    differs("oauth: a state for no audience", 1, 400, UNDECODABLE, NEVER_5XX),
    differs("oauth: a state of the future", 1, 400, UNDECODABLE, NEVER_5XX),
    differs("oauth: a state that is not yet valid", 1, 400, UNDECODABLE, NEVER_5XX),
    differs("oauth: a state that is not signed", 1, 400, UNDECODABLE, NEVER_5XX),
    differs("oauth: a state that is signed otherwise", 1, 400, UNDECODABLE, NEVER_5XX),
    differs("oauth: a state to associate", 1, 400, INVALID_STATE, ONE_FLOW),
    differs("oauth: with a state to log in", 2, 400, INVALID_STATE, ONE_FLOW),
    differs("oauth: the same account twice", 5, 0, "google | people/", ONE_OWNER),
    differs("oauth: an account of another user", 5, 400, "OAUTH_ACCOUNT_ALREADY_LINKED", ONE_OWNER),
    differs("oauth: an account of another user", 6, 0, "none", ONE_OWNER),
];

//! Where our server answers something else than fastapi-users on purpose: what, and why.
//!
//! A listed difference that has gone fails the suite, as does one that names no step.

mod oauth;

use anyhow::ensure;
use serde_json::Value;

use crate::harness::{
    Observation,
    System::{self, Mariadb, Mongodb, Postgres, Sqlite},
    in_seconds,
};

/// One step whose answer differs.
pub(crate) struct Difference {
    /// Where it differs; everywhere if there are none.
    systems: &'static [System],
    /// The name of the scenario; a final `*` stands for anything.
    pub(crate) scenario: &'static str,
    /// Which of the compared steps, from 1.
    pub(crate) step: usize,
    /// Our status.
    pub(crate) status: u16,
    /// Text that our answer holds.
    pub(crate) says: &'static str,
    pub(crate) reason: &'static str,
}

impl Difference {
    /// The same where users or tokens are kept in one of these alone.
    const fn on(self, systems: &'static [System]) -> Self {
        Self { systems, ..self }
    }

    /// Where it is expected, if not everywhere.
    pub(crate) fn systems(&self) -> Option<&[System]> {
        (!self.systems.is_empty()).then_some(self.systems)
    }

    pub(crate) fn concerns(&self, system: System, scenario: &str) -> bool {
        if !self.systems.is_empty() && !self.systems.contains(&system) {
            return false;
        }
        match self.scenario.strip_suffix('*') {
            Some(start) => scenario.starts_with(start),
            None => scenario == self.scenario,
        }
    }

    /// Whether our answer is the listed one.
    pub(crate) fn check(&self, actual: &Observation) -> anyhow::Result<()> {
        ensure!(
            actual.status.unwrap_or_default() == self.status && actual.to_string().contains(self.says),
            "the listed difference is {} with {:?} ({}), but our answer is\n{actual}",
            self.status,
            self.says,
            self.reason
        );
        Ok(())
    }
}

/// Claims that our tokens have and those of fastapi-users do not, each of the expected form: when the token was made and the user
/// logged in,
/// its own name for revoking it, and a fingerprint of the password (ASVS 7.4.3, 9.2.1). Likewise parameters and headers.
pub(crate) fn is_added_claim(name: &str, value: &Value) -> bool {
    match name {
        "iat" | "auth_time" => {
            value.as_i64().is_some_and(|issued| (in_seconds(-60)..=in_seconds(0)).contains(&issued))
        }
        "jti" => value.as_str().is_some_and(|text| text.len() == 43),
        "fgp" => value.as_str().is_some_and(|text| text.len() == 22),
        // Of states, and of the URLs to which browsers are sent: the flow that it is for (OAL-3), PKCE (OAL-4), and what the
        // ID token must name (OAL-5).
        "flow" => value.as_str().is_some_and(|path| path.starts_with("/auth/")),
        "code_challenge" | "nonce" => value.as_str().is_some_and(|text| text.len() == 43),
        "code_challenge_method" => value == "S256",
        // A cookie that has done its work is taken away (OAL-2).
        "set-cookie" => {
            value == r#"fastapiusersoauthcsrf=""; HttpOnly; Max-Age=0; Path=/; SameSite=lax; Secure"#
        }
        _ => false,
    }
}

const fn differs(
    scenario: &'static str,
    step: usize,
    status: u16,
    says: &'static str,
    reason: &'static str,
) -> Difference {
    Difference { systems: &[], scenario, step, status, says, reason }
}

const NOT_ME: &str = "/me is a route of its own; fastapi-users looks for a user whose id is \"me\"";
const NEW_ADDRESS: &str = "a new password is compared with the address it will stand beside";
const ONE_ALPHABET: &str = "ids are written in ASCII digits, without a prefix (ADM-5)";
const OWN_ADDRESS: &str =
    "users may change how their own address is written; fastapi-users takes them for another";
const COSTLY: &str = "a stored hash cannot ask for more work than the server will do (LOG-13)";
const NO_NEW_HASH: &str =
    "whoever is inactive costs no more than a wrong password, whichever it was: no new hash (LOG-2)";
const SPELLINGS: &str =
    "an address is looked up in the form that registering stores, from every spelling (REG-5)";
const AS_STORED: &str = "an answer shows what is stored; fastapi-users validates and normalises it once more";
const NULL: &str = "null where a value is needed is refused instead of failing in the database (B-7)";
const WRITTEN_NULL: &str = "null where a value is needed is refused; MongoDB takes it from fastapi-users, which then cannot show the user";
const BOUNDED: &str = "inputs are bounded under every policy (REG-7, LOG-20)";
const NEVER_5XX: &str = "input never causes a 5xx answer (design D2)";
const PLAIN_NUMBERS: &str =
    "times are JSON numbers, or numbers in strings: no booleans and no Python literals (LOG-17)";

const ONE_SPELLING: &str =
    "a path has one spelling, and no request that may carry credentials is sent elsewhere (LOG-5)";
const ALLOW: &str = "Allow names all methods of the resource (RFC 9110 §10.2.1)";
const NOT_SENT_THERE: &str =
    "a token that went to an address ends when the address is no longer the user's (RST-2)";

const SQL: &[System] = &[Sqlite, Postgres, Mariadb];

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Difference> {
    USERS.iter().chain(oauth::ALL)
}

const USERS: &[Difference] = &[
    differs("tokens: a verify token whose address is a number", 1, 400, "VERIFY_USER_BAD_TOKEN", NEVER_5XX)
        .on(&[Postgres]),
    differs("ids: an integer beyond 32 bits", 1, 404, "Not Found", NEVER_5XX).on(&[Postgres]),
    differs("ids: an integer beyond 32 bits", 2, 401, "Unauthorized", NEVER_5XX).on(&[Postgres]),
    differs("ids: an integer beyond 32 bits", 3, 404, "Not Found", NEVER_5XX).on(&[Postgres]),
    differs("ids: an integer beyond 32 bits", 4, 401, "Unauthorized", NEVER_5XX).on(&[Postgres]),
    differs("register: a password of 4097 bytes", 1, 400, "at most 4096 bytes", BOUNDED),
    differs("hashes: an inactive user's hash is made anew", 4, 0, "<arthur.hash>", NO_NEW_HASH),
    differs("login: username with spaces around it", 1, 200, "access_token", SPELLINGS),
    differs(
        "login: username with a NUL",
        1,
        422,
        "NUL characters",
        "no text with NUL reaches a database (REG-11)",
    ),
    differs(
        "login: multipart without its end",
        1,
        400,
        "Invalid multipart data.",
        "a truncated body is refused, not read as far as it goes",
    ),
    differs("users id: is_active set to null", 1, 422, "bool_type", NULL),
    differs("users id: is_superuser set to null", 1, 422, "bool_type", NULL),
    differs("users id: is_verified set to null", 1, 422, "bool_type", NULL),
    differs("users id: is_active set to null", 2, 200, "<arthur.id>", WRITTEN_NULL).on(&[Mongodb]),
    differs("users id: is_superuser set to null", 2, 200, "<arthur.id>", WRITTEN_NULL).on(&[Mongodb]),
    differs("users id: is_verified set to null", 2, 200, "<arthur.id>", WRITTEN_NULL).on(&[Mongodb]),
    differs("users id: null is no address", 1, 422, "string_type", NULL),
    differs("users me: null is no address of a document", 1, 422, "string_type", NULL),
    differs("users me: a password that is null changes nothing", 1, 200, "<arthur.id>", NEVER_5XX)
        .on(&[Mongodb]),
    differs("users me: a required field set to null", 2, 200, "Arthur", WRITTEN_NULL).on(&[Mongodb]),
    differs("users me: null is no address", 1, 422, "string_type", NULL),
    differs("users id: nobody is deleted as me", 1, 405, "Method Not Allowed", NOT_ME),
    differs("tokens: exp beyond 64 bits", 2, 401, "Unauthorized", PLAIN_NUMBERS),
    differs("tokens: a token of more than 4096 bytes", 1, 401, "Unauthorized", BOUNDED),
    differs("tokens: a verify token whose address is a list", 1, 400, "VERIFY_USER_BAD_TOKEN", NEVER_5XX)
        .on(SQL),
    differs(
        "tokens: a reset token whose fingerprint is no hash",
        1,
        400,
        "RESET_PASSWORD_BAD_TOKEN",
        NEVER_5XX,
    ),
    differs("ids: an integer beyond 64 bits in a path", 1, 404, "Not Found", NEVER_5XX)
        .on(&[Sqlite, Postgres]),
    differs("ids: an integer beyond 64 bits in a session token", 1, 401, "Unauthorized", NEVER_5XX)
        .on(&[Sqlite, Postgres]),
    differs("register: an integer beyond 64 bits", 1, 422, "less_than_equal", NEVER_5XX),
    differs(
        "users id: the tokens of a deleted user",
        2,
        0,
        "none",
        "deleting a user removes their tokens, whatever the foreign keys do",
    )
    .on(&[Sqlite, Mongodb]),
    differs("users id: nobody is deleted as me", 2, 405, "Method Not Allowed", NOT_ME),
    differs("users id: nobody is deleted as me", 3, 405, "Method Not Allowed", NOT_ME),
    differs(
        "users me: the same address with the local part in another case",
        1,
        200,
        "is_verified",
        OWN_ADDRESS,
    ),
    differs(
        "users me: a new password may contain the new address",
        1,
        400,
        "should not contain e-mail",
        NEW_ADDRESS,
    ),
    differs("users me: a new password may not contain the old address", 1, 200, "is_verified", NEW_ADDRESS),
    differs("users me: a required field set to null", 1, 422, "string_type", NULL),
    differs(
        "logout: by both at the cookie's route",
        2,
        0,
        "none",
        "logging out of a backend destroys that backend's token, whichever token said who is asking",
    ),
    differs("tokens: exp in a string with spaces and underscores", 2, 401, "Unauthorized", PLAIN_NUMBERS),
    differs("tokens: nbf that has passed", 5, 401, "Unauthorized", PLAIN_NUMBERS),
    differs("tokens: iat that has passed", 5, 401, "Unauthorized", PLAIN_NUMBERS),
    differs(
        "tokens: further headers",
        4,
        401,
        "Unauthorized",
        "no header that changes how a token is read (LOG-16)",
    ),
    differs(
        "tokens: crit with b64 that is true",
        1,
        401,
        "Unauthorized",
        "no header that changes how a token is read (LOG-16)",
    ),
    differs("tokens: a signature with padding", 1, 401, "Unauthorized", "a token has one spelling (LOG-19)"),
    differs(
        "tokens: a reset token whose fingerprint is no hash",
        2,
        400,
        "RESET_PASSWORD_BAD_TOKEN",
        NEVER_5XX,
    ),
    differs("ids: an integer beyond 64 bits in a path", 2, 404, "Not Found", NEVER_5XX)
        .on(&[Sqlite, Postgres]),
    differs("ids: an integer beyond 64 bits in a path", 3, 404, "Not Found", NEVER_5XX)
        .on(&[Sqlite, Postgres]),
    differs("ids: an integer beyond 64 bits in a reset token", 1, 400, "RESET_PASSWORD_BAD_TOKEN", NEVER_5XX)
        .on(&[Sqlite, Postgres]),
    differs(
        "users me: the same address with the local part in another case",
        2,
        200,
        "is_verified",
        OWN_ADDRESS,
    ),
    differs(
        "tokens: a reset token whose fingerprint is no hash",
        3,
        400,
        "RESET_PASSWORD_BAD_TOKEN",
        NEVER_5XX,
    ),
    differs("ids: an integer beyond 64 bits in a path", 4, 404, "Not Found", NEVER_5XX)
        .on(&[Sqlite, Postgres]),
    differs("hashes: Argon2id with 20 passes", 1, 400, "LOGIN_BAD_CREDENTIALS", COSTLY),
    differs("hashes: Argon2id with 32 lanes", 1, 400, "LOGIN_BAD_CREDENTIALS", COSTLY),
    differs("hashes: bcrypt and a password of 73 bytes", 1, 400, "LOGIN_BAD_CREDENTIALS", NEVER_5XX),
    differs("hashes: bcrypt and a wrong password of 73 bytes", 1, 400, "LOGIN_BAD_CREDENTIALS", NEVER_5XX),
    differs("hashes: no hash", 1, 400, "LOGIN_BAD_CREDENTIALS", NEVER_5XX),
    differs("hashes: the password itself", 1, 400, "LOGIN_BAD_CREDENTIALS", NEVER_5XX),
    differs("hashes: a placeholder", 1, 400, "LOGIN_BAD_CREDENTIALS", NEVER_5XX),
    differs("hashes: PBKDF2", 1, 400, "LOGIN_BAD_CREDENTIALS", NEVER_5XX),
    differs("hashes: Argon2 of an unknown kind", 1, 400, "LOGIN_BAD_CREDENTIALS", NEVER_5XX),
    differs("hashes: Argon2id in another case", 1, 400, "LOGIN_BAD_CREDENTIALS", NEVER_5XX),
    differs("hashes: Argon2id with a space before it", 1, 400, "LOGIN_BAD_CREDENTIALS", NEVER_5XX),
    differs("hashes: bcrypt cut short", 1, 400, "LOGIN_BAD_CREDENTIALS", NEVER_5XX),
    differs("hashes: bcrypt of the first kind", 1, 400, "LOGIN_BAD_CREDENTIALS", NEVER_5XX),
    differs("hashes: bcrypt of too small a cost", 1, 400, "LOGIN_BAD_CREDENTIALS", NEVER_5XX),
    differs("hashes: bcrypt of too large a cost", 1, 400, "LOGIN_BAD_CREDENTIALS", NEVER_5XX),
    differs("hashes: bcrypt with an invalid salt", 1, 400, "LOGIN_BAD_CREDENTIALS", NEVER_5XX),
    differs("hashes: Argon2id with its parameters in another order", 1, 200, "access_token", NEVER_5XX),
    differs("emails: letters beyond ASCII are found as they are", 3, 200, "access_token", SPELLINGS).on(SQL),
    differs("emails: a stored domain in upper case", 2, 200, "EXAMPLE.com", AS_STORED),
    differs("emails: a stored name that is no address", 2, 200, "arthur", AS_STORED),
    differs("emails: a stored address of a reserved domain", 2, 200, "localhost", AS_STORED),
    differs(
        "tokens: a reset token whose fingerprint is no hash",
        4,
        400,
        "RESET_PASSWORD_BAD_TOKEN",
        NEVER_5XX,
    ),
    differs("hashes: Argon2id with 20 passes", 2, 0, "<arthur.hash>", COSTLY),
    differs("hashes: Argon2id with 32 lanes", 2, 0, "<arthur.hash>", COSTLY),
    differs("hashes: Argon2id with its parameters in another order", 2, 0, "$argon2id", NEVER_5XX),
    differs("emails: letters beyond ASCII are found as they are", 4, 200, "access_token", SPELLINGS),
    differs("emails: a stored domain in Punycode", 1, 400, "LOGIN_BAD_CREDENTIALS", SPELLINGS),
    differs("emails: a stored domain in Punycode", 2, 200, "xn--mnchen-3ya.de", AS_STORED),
    differs("ids: a UUID as Python reads hexadecimal integers: *", 1, 404, "Not Found", ONE_ALPHABET),
    differs("ids: a UUID as Python reads hexadecimal integers: *", 2, 401, "Unauthorized", ONE_ALPHABET),
    differs("ids: an integer in the digits of other scripts: *", 1, 404, "Not Found", ONE_ALPHABET),
    differs("ids: an integer in the digits of other scripts: *", 2, 401, "Unauthorized", ONE_ALPHABET),
    differs("reset: after a new address", 4, 400, "RESET_PASSWORD_BAD_TOKEN", NOT_SENT_THERE),
    differs("bodies: a surrogate in bytes", 1, 400, "error parsing the body", NEVER_5XX),
    differs("routes: unknown: /", 1, 200, "<!doctype html>", "the server has a page for people there"),
    differs("routes: unknown: /", 2, 405, "allow: GET,HEAD", "the server has a page for people there"),
    differs("routes: methods of /users/me", 1, 405, "allow: GET,HEAD,PATCH", ALLOW),
    differs("routes: methods of /users/me", 2, 405, "allow: GET,HEAD,PATCH", ALLOW),
    differs("routes: methods of /users/me", 3, 405, "allow: GET,HEAD,PATCH", ALLOW),
    differs("routes: methods of a user", 1, 405, "allow: GET,HEAD,PATCH,DELETE", ALLOW),
    differs("routes: methods of a user", 2, 405, "allow: GET,HEAD,PATCH,DELETE", ALLOW),
    differs("routes: a slash too many: *", 1, 404, "Not Found", ONE_SPELLING),
    differs("routes: an encoded slash", 1, 404, "Not Found", ONE_SPELLING),
    differs("routes: an encoded path", 1, 404, "Not Found", ONE_SPELLING),
];

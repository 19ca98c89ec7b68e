//! Hashes of users who have no password.

use super::{
    Argon2id, PasswordHash,
    argon2id::{TAG_BYTES, encode},
};

/// The salt by which such a hash is known. Those of passwords are random: one in 2¹²⁸ is this one.
const SALT: &[u8; 16] = b"axum-users/none!";

impl PasswordHash {
    /// A hash of no password at all, for a user who logs in with an account at a provider only. To every verifier of
    /// Argon2, that of a running fastapi-users included, it is a hash like others, to which any password is a wrong one;
    /// so it is to a login, in what it answers and in what it costs. The first password that is set replaces it.
    ///
    /// Where a password would have its hash there are 32 random bytes: to find a password for them is as hard as for any
    /// other hash, and nothing is computed to make one.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    ///
    /// ```
    /// use axum_users::PasswordHash;
    ///
    /// let hash = PasswordHash::unusable()?;
    /// assert!(!hash.is_usable());
    /// assert!(PasswordHash::new("$2b$12$…").is_usable());
    /// # Ok::<(), getrandom::Error>(())
    /// ```
    pub fn unusable() -> Result<Self, getrandom::Error> {
        let mut tag = [0; TAG_BYTES];
        getrandom::fill(&mut tag)?;
        Ok(Argon2id::secure().phc_string(SALT, &tag))
    }

    /// Whether there may be a password for this hash: not for one that [`unusable`](Self::unusable) made.
    pub fn is_usable(&self) -> bool {
        let mut parts = self.0.split('$').skip(1);
        parts.next() != Some("argon2id") || parts.nth(2) != Some(&encode(SALT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::{PasswordHasher, Verdict};

    #[test]
    fn nobody_has_the_password() {
        let hash = PasswordHash::unusable().unwrap();
        let hasher = Argon2id::secure();
        for password in ["", "axum-users/none!", "guinevere", hash.as_str()] {
            assert_eq!(hasher.verify(password, &hash), Verdict::Mismatch, "{password}");
        }
        assert_ne!(hash, PasswordHash::unusable().unwrap());
    }

    #[test]
    fn it_has_the_form_of_new_hashes() {
        let form = |hash: &PasswordHash| -> Vec<String> {
            let parts = hash.as_str().split('$').map(str::to_owned);
            parts.enumerate().map(|(at, part)| if at < 4 { part } else { part.len().to_string() }).collect()
        };
        let hash = PasswordHash::unusable().unwrap();
        assert_eq!(form(&hash), form(&Argon2id::secure().hash("guinevere").unwrap()));
        assert!(hash.as_str().contains("$YXh1bS11c2Vycy9ub25lIQ$"), "{}", hash.as_str());
    }

    #[test]
    fn only_such_hashes_are_unusable() {
        let unusable = PasswordHash::unusable().unwrap();
        assert!(!unusable.is_usable());
        // As another program may have written one, and as a policy with other parameters would.
        let other = Argon2id::fastapi_users().phc_string(SALT, &[7; 32]);
        assert!(!other.is_usable());
        assert!(Argon2id::secure().hash("guinevere").unwrap().is_usable());
        for usable in [
            "",
            "$",
            "YXh1bS11c2Vycy9ub25lIQ",
            "$argon2id$v=19$m=19456,t=2,p=1$YXh1bS11c2Vycy9ub25lIg$YXh1bS11c2Vycy9ub25lIQ",
            "$argon2id$YXh1bS11c2Vycy9ub25lIQ$v=19$m=19456,t=2,p=1$c29tZXNhbHQ",
            "$2b$04$fHQniFlHhvSXx3.uJQLzouuFlh3kCsOaecIHkf0TXa.oTAjBoATwu",
        ] {
            assert!(PasswordHash::new(usable).is_usable(), "{usable}");
        }
    }
}

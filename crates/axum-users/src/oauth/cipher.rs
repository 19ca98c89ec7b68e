//! Tokens of providers at rest: encrypted with AES-256-GCM (security rule OAK-6).
//!
//! `axum-users.1.<key>.<sealed>`, where `<key>` tells which key it was and `<sealed>` is the base64url form of nonce,
//! ciphertext and tag (NIST SP 800-38D). What the token is of is authenticated with it: nobody who can write to the
//! database makes the token of one account, or a refresh token, that of another.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{OAuthAccount, Secret, WeakSecret, secret::fingerprint};

/// No token of a provider begins so.
const PREFIX: &str = "axum-users.";
const VERSION: &str = "1";

/// Encrypts the tokens of accounts before they are stored, and decrypts what is stored.
pub(crate) struct TokenCipher {
    first: Key,
    others: Vec<Key>,
}

struct Key {
    id: String,
    cipher: RandomizedNonceKey,
}

/// Why tokens cannot be encrypted or decrypted. Holds neither a key nor a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CipherError {
    #[error("no key is given")]
    NoKey,
    #[error("a key is refused: {0}")]
    Weak(WeakSecret),
    #[error("encrypting failed")]
    Seal,
    #[error("a stored token was encrypted with a key that is not among those given")]
    UnknownKey,
    #[error("a stored token was encrypted by a later version")]
    UnknownVersion,
    #[error("a stored token was changed, or is that of something else")]
    Altered,
}

impl TokenCipher {
    /// The first key encrypts, each of them decrypts: a new one is put before those that are there, and an old one is
    /// left out when nothing that it encrypted is stored any more. A key encrypts 2³² tokens, as nonces are random.
    pub(crate) fn new(keys: Vec<Secret>) -> Result<Self, CipherError> {
        let mut keys = keys.into_iter().map(|secret| Key::new(&secret));
        Ok(Self { first: keys.next().ok_or(CipherError::NoKey)??, others: keys.collect::<Result<_, _>>()? })
    }

    /// The account with its tokens encrypted.
    pub(crate) fn seal(&self, account: OAuthAccount) -> Result<OAuthAccount, CipherError> {
        convert(account, |token, context| self.first.seal(token, context))
    }

    /// The account with its tokens decrypted. What is not encrypted stays as it is: it was stored before there was a key,
    /// or by a running fastapi-users.
    pub(crate) fn open(&self, account: OAuthAccount) -> Result<OAuthAccount, CipherError> {
        convert(account, |token, context| self.open_one(token, context))
    }

    fn open_one(&self, token: String, context: &[u8]) -> Result<String, CipherError> {
        let Some(sealed) = token.strip_prefix(PREFIX) else { return Ok(token) };
        let Some((VERSION, sealed)) = sealed.split_once('.') else { return Err(CipherError::UnknownVersion) };
        let (id, sealed) = sealed.split_once('.').ok_or(CipherError::Altered)?;
        let mut keys = std::iter::once(&self.first).chain(&self.others);
        let key = keys.find(|key| key.id == id).ok_or(CipherError::UnknownKey)?;
        key.open(sealed, context).ok_or(CipherError::Altered)
    }
}

impl fmt::Debug for TokenCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCipher([redacted])")
    }
}

impl Key {
    fn new(secret: &Secret) -> Result<Self, CipherError> {
        secret.check().map_err(CipherError::Weak)?;
        let key = secret.derive("provider tokens");
        Ok(Self {
            id: fingerprint(&secret.derive("provider tokens, key id"), &[]),
            cipher: RandomizedNonceKey::new(&AES_256_GCM, key.expose()).map_err(|_| CipherError::Seal)?,
        })
    }

    fn seal(&self, token: String, context: &[u8]) -> Result<String, CipherError> {
        let mut sealed = token.into_bytes();
        let nonce = self.cipher.seal_in_place_append_tag(Aad::from(context), &mut sealed);
        let nonce = nonce.map_err(|_| CipherError::Seal)?;
        sealed.splice(..0, *nonce.as_ref());
        Ok(format!("{PREFIX}{VERSION}.{}.{}", self.id, URL_SAFE_NO_PAD.encode(sealed)))
    }

    fn open(&self, sealed: &str, context: &[u8]) -> Option<String> {
        let mut sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = sealed.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let token = self.cipher.open_in_place(nonce, Aad::from(context), sealed).ok()?;
        String::from_utf8(token.to_vec()).ok()
    }
}

/// Converts each token of an account, given what it is of.
fn convert(
    mut account: OAuthAccount,
    one: impl Fn(String, &[u8]) -> Result<String, CipherError>,
) -> Result<OAuthAccount, CipherError> {
    let access = context("access_token", &account);
    let refresh = context("refresh_token", &account);
    account.access_token = one(account.access_token, &access)?;
    account.refresh_token = account.refresh_token.map(|token| one(token, &refresh)).transpose()?;
    Ok(account)
}

/// What a token is of: each part is preceded by its length, so that no two are alike.
fn context(field: &str, account: &OAuthAccount) -> Vec<u8> {
    let mut context = Vec::new();
    for part in [VERSION, field, &account.oauth_name, &account.account_id] {
        context.extend((part.len() as u64).to_be_bytes());
        context.extend(part.as_bytes());
    }
    context
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f";
    const SECOND: &str = "c0ffee00c0ffee11c0ffee22c0ffee33";

    fn cipher(keys: &[&str]) -> TokenCipher {
        TokenCipher::new(keys.iter().map(|key| Secret::new(*key)).collect()).unwrap()
    }

    fn account() -> OAuthAccount {
        OAuthAccount {
            oauth_name: "google".to_owned(),
            account_id: "1234".to_owned(),
            account_email: "king.arthur@camelot.bt".to_owned(),
            access_token: "ya29.holy-grail".to_owned(),
            expires_at: Some(1_800_000_000),
            refresh_token: Some("1//excalibur".to_owned()),
        }
    }

    fn assert_refused(cipher: &TokenCipher, account: OAuthAccount, expected: CipherError) {
        assert_eq!(cipher.open(account).unwrap_err(), expected);
    }

    #[test]
    fn oak_6_what_is_stored_tells_nothing_and_comes_back() {
        let cipher = cipher(&[FIRST]);
        let sealed = cipher.seal(account()).unwrap();
        let refresh = sealed.refresh_token.clone().unwrap();
        for (stored, token) in [(&sealed.access_token, "holy-grail"), (&refresh, "excalibur")] {
            assert!(stored.starts_with("axum-users.1.") && !stored.contains(token), "{stored}");
        }
        assert_ne!(sealed.access_token, cipher.seal(account()).unwrap().access_token, "nonces differ");
        assert_eq!(
            OAuthAccount { access_token: account().access_token, refresh_token: None, ..sealed.clone() },
            OAuthAccount { refresh_token: None, ..account() },
            "nothing else is touched"
        );
        assert!(cipher.open(sealed).unwrap() == account());
        let without = OAuthAccount { refresh_token: None, ..account() };
        assert!(cipher.open(cipher.seal(without.clone()).unwrap()).unwrap() == without);
    }

    /// Made with Python's `cryptography`: what is stored stays readable.
    #[test]
    fn what_another_implementation_encrypted_is_read() {
        let stored = OAuthAccount {
            access_token:
                "axum-users.1.QQZPyY9P__zHvYU_IfxWQQ.AAECAwQFBgcICQoLO4c9FjAgrfwz_2vrCyMup1elxgwOpaUB-pLhTq6xsg"
                    .to_owned(),
            refresh_token: Some(
                "axum-users.1.QQZPyY9P__zHvYU_IfxWQQ.DA0ODxAREhMUFRYXwir0cjNU7hjgEMEhAC65TBDAYpGSAoaPZq74cA"
                    .to_owned(),
            ),
            ..account()
        };
        assert!(cipher(&[FIRST]).open(stored).unwrap() == account());
    }

    #[test]
    fn tokens_of_any_length_and_script_come_back() {
        let cipher = cipher(&[FIRST]);
        for token in ["", "x", "ü\0\u{10ffff}", &"x".repeat(16 * 1024), "axum-users.1.a.b", "axum-users."] {
            let account = OAuthAccount {
                access_token: token.to_owned(),
                refresh_token: Some(token.to_owned()),
                ..account()
            };
            let sealed = cipher.seal(account.clone()).unwrap();
            assert!(sealed.access_token.len() <= token.len() * 4 / 3 + 75, "{}", sealed.access_token.len());
            assert!(cipher.open(sealed).unwrap() == account, "{} bytes", token.len());
        }
    }

    #[test]
    fn oak_6_a_token_opens_in_its_own_field_of_its_own_account_only() {
        let cipher = cipher(&[FIRST]);
        let sealed = cipher.seal(account()).unwrap();
        let swapped = OAuthAccount {
            access_token: sealed.refresh_token.clone().unwrap(),
            refresh_token: Some(sealed.access_token.clone()),
            ..sealed.clone()
        };
        assert_refused(&cipher, swapped.clone(), CipherError::Altered);
        let access = OAuthAccount { refresh_token: None, ..swapped.clone() };
        assert_refused(&cipher, access, CipherError::Altered);
        let refresh = OAuthAccount { access_token: String::new(), ..swapped };
        assert_refused(&cipher, refresh, CipherError::Altered);
        for (oauth_name, account_id) in [
            ("google", "1235"),
            ("github", "1234"),
            ("google1", "234"),
            ("googl", "e1234"),
            ("", "google1234"),
        ] {
            let other = OAuthAccount {
                oauth_name: oauth_name.to_owned(),
                account_id: account_id.to_owned(),
                ..sealed.clone()
            };
            assert_refused(&cipher, other, CipherError::Altered);
        }
        let renamed = OAuthAccount { account_email: "arthur@camelot.bt".to_owned(), ..sealed };
        assert!(cipher.open(renamed).is_ok(), "an address may change");
    }

    #[test]
    fn oak_6_not_one_bit_can_be_changed() {
        let cipher = cipher(&[FIRST]);
        let sealed = cipher.seal(account()).unwrap();
        let text = sealed.access_token.as_bytes();
        for (at, bit) in (0..text.len()).flat_map(|at| (0..7).map(move |bit| (at, bit))) {
            let mut bytes = text.to_vec();
            bytes[at] ^= 1 << bit;
            let access_token = String::from_utf8(bytes).unwrap();
            let opened = cipher.open(OAuthAccount { access_token: access_token.clone(), ..sealed.clone() });
            match opened {
                // Without its mark it is what it says, and opens nothing.
                Ok(opened) => assert!(at < PREFIX.len() && opened.access_token == access_token, "{at}"),
                Err(_) => assert!(at >= PREFIX.len(), "{at}"),
            }
        }
        for end in PREFIX.len()..text.len() {
            let access_token = sealed.access_token[..end].to_owned();
            assert!(cipher.open(OAuthAccount { access_token, ..sealed.clone() }).is_err(), "{end}");
        }
        for longer in ["A", "AA", "AAAA", "=", ".", " "] {
            let access_token = sealed.access_token.clone() + longer;
            assert!(cipher.open(OAuthAccount { access_token, ..sealed.clone() }).is_err(), "{longer}");
        }
    }

    #[test]
    fn keys_can_be_replaced() {
        let old = cipher(&[FIRST]).seal(account()).unwrap();
        let both = cipher(&[SECOND, FIRST]);
        assert!(both.open(old.clone()).unwrap() == account());
        let new = both.seal(account()).unwrap();
        let mixed = OAuthAccount { refresh_token: old.refresh_token.clone(), ..new.clone() };
        assert!(both.open(mixed).unwrap() == account());
        assert!(cipher(&[SECOND]).open(new.clone()).unwrap() == account());
        assert_refused(&cipher(&[FIRST]), new, CipherError::UnknownKey);
        assert_refused(&cipher(&[SECOND]), old, CipherError::UnknownKey);
    }

    #[test]
    fn plain_tokens_are_read_as_they_are() {
        let cipher = cipher(&[FIRST]);
        assert!(cipher.open(account()).unwrap() == account());
        let sealed = cipher.seal(account()).unwrap();
        let half = OAuthAccount { access_token: account().access_token, ..sealed };
        assert!(cipher.open(half).unwrap() == account());
    }

    #[test]
    fn what_has_the_mark_and_is_none_of_ours_is_an_error() {
        let cipher = cipher(&[FIRST]);
        for (access_token, expected) in [
            ("axum-users.", CipherError::UnknownVersion),
            ("axum-users.1", CipherError::UnknownVersion),
            ("axum-users.2.key.sealed", CipherError::UnknownVersion),
            ("axum-users.1.", CipherError::Altered),
            ("axum-users.1.key", CipherError::Altered),
            ("axum-users.1.key.sealed", CipherError::UnknownKey),
        ] {
            let account = OAuthAccount { access_token: access_token.to_owned(), ..account() };
            assert_refused(&cipher, account, expected);
        }
    }

    #[test]
    fn cfg_1_weak_keys_are_refused_and_none_is_shown() {
        let refused =
            |keys: &[&str]| TokenCipher::new(keys.iter().map(|key| Secret::new(*key)).collect()).unwrap_err();
        assert_eq!(refused(&[]), CipherError::NoKey);
        assert_eq!(refused(&[FIRST, "short"]), CipherError::Weak(WeakSecret::Short(5)));
        assert_eq!(refused(&[&"a".repeat(32)]), CipherError::Weak(WeakSecret::Repeated));
        assert_eq!(format!("{:?}", cipher(&[FIRST, SECOND])), "TokenCipher([redacted])");
    }
}

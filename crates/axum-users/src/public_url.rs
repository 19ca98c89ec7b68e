use std::{fmt, str::FromStr};

use url::{Position, Url, form_urlencoded};

/// What the links in mails start with: the address under which people reach the pages.
///
/// It comes from the configuration, and only from there: no request header can reach a mail (OWASP "Host header
/// injection").
#[derive(Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Without a slash at the end of its path, unless that is all.
    base: Url,
}

/// Why a text is not a public URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicUrlError {
    /// Not `http://` or `https://`, or nothing after it.
    #[error("the public URL must start with https:// (or http://) and a host name")]
    NotHttp,
    /// User, password, query, fragment, or characters that no URL has.
    #[error("the public URL may have a host, a port and a path, and nothing else")]
    MoreThanPath,
}

impl PublicUrl {
    /// Reads `https://host[:port][/path]`, or `http://…` for development.
    ///
    /// # Errors
    ///
    /// For other schemes, and for user, password, query or fragment.
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        if !(text.starts_with("https://") || text.starts_with("http://")) {
            return Err(PublicUrlError::NotHttp);
        }
        // The parser would silently drop or turn these, so that the operator reads one URL and links have another.
        if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\' || c == '@') {
            return Err(PublicUrlError::MoreThanPath);
        }
        let mut base = Url::parse(text).map_err(|_| PublicUrlError::NotHttp)?;
        if base.query().is_some() || base.fragment().is_some() {
            return Err(PublicUrlError::MoreThanPath);
        }
        // Names of hosts have no other characters (RFC 952, and `_` in practice); the parser takes `"` and the like.
        let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if base.domain().is_some_and(|domain| !domain.bytes().all(is_of_names)) {
            return Err(PublicUrlError::MoreThanPath);
        }
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        Ok(Self { base })
    }

    /// A link to a page: `https://host/base/path#token=…`; with an empty path, to this URL itself.
    ///
    /// The token is in the fragment, which browsers keep: it reaches neither the logs of a server or proxy nor a
    /// `Referer` header. It is form-encoded, as `URLSearchParams` reads it.
    #[must_use]
    pub fn link(&self, path: &str, token: &str) -> String {
        let encoded: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
        let mut link = self.join(path);
        link.set_fragment(Some(&format!("token={encoded}")));
        link.into()
    }

    /// A link to a page, without a token.
    #[must_use]
    pub fn page(&self, path: &str) -> String {
        self.join(path).into()
    }

    /// Scheme, host and port: what a browser sends as `Origin` from these pages (RFC 6454 §6.2).
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.base[..Position::BeforePath]
    }

    fn join(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        if path.is_empty() {
            return url;
        }
        url.set_path(&format!("{}/{}", self.base.path().trim_end_matches('/'), path.trim_start_matches('/')));
        url
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str())
    }
}

impl fmt::Debug for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicUrl").field(&self.base.as_str()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bases() -> impl Strategy<Value = String> {
        let host = "[a-z\u{fc}\u{4e2d}0-9.-]{1,12}|\\[::1\\]|127\\.0\\.0\\.1|\\PC{0,8}";
        ("https?://|\\PC{0,9}", host, "(:[0-9]{1,5})?", "(/\\PC{0,12})?")
            .prop_map(|(scheme, host, port, path)| format!("{scheme}{host}{port}{path}"))
    }

    proptest! {
        #[test]
        fn links_stay_where_the_public_url_is(base in bases(), path in "\\PC{0,24}", token in any::<String>()) {
            let Ok(url) = PublicUrl::parse(&base) else { return Ok(()) };
            prop_assert_eq!(PublicUrl::parse(&url.to_string()), Ok(url.clone()));
            prop_assert!(!url.to_string().contains(['"', '<', '>', ' ', '@', '#', '?']), "{}", url);
            for link in [url.link(&path, &token), url.page(&path)] {
                let read = Url::parse(&link).unwrap();
                prop_assert_eq!(read.origin().ascii_serialization(), url.origin());
                prop_assert!(read.query().is_none() && read.username().is_empty(), "{}", link);
            }
            let link = Url::parse(&url.link(&path, &token)).unwrap();
            let pairs: Vec<_> = form_urlencoded::parse(link.fragment().unwrap().as_bytes()).collect();
            prop_assert_eq!(pairs, [("token".into(), token.into())]);
        }
    }

    #[test]
    fn links_keep_the_base_path_and_hide_the_token_in_the_fragment() {
        for (base, link) in [
            ("https://example.com", "https://example.com/verify#token=a.b-c_d"),
            ("https://example.com/", "https://example.com/verify#token=a.b-c_d"),
            ("https://Example.com:443/accounts/", "https://example.com/accounts/verify#token=a.b-c_d"),
            ("http://localhost:8080/a/b", "http://localhost:8080/a/b/verify#token=a.b-c_d"),
            ("https://bücher.example", "https://xn--bcher-kva.example/verify#token=a.b-c_d"),
        ] {
            let public_url = PublicUrl::parse(base).unwrap();
            assert_eq!(public_url.link("/verify", "a.b-c_d"), link);
            assert_eq!(public_url.link("verify", "a.b-c_d"), link);
        }
    }

    #[test]
    fn neither_path_nor_token_leaves_its_place() {
        let public_url = PublicUrl::parse("https://example.com/a").unwrap();
        assert_eq!(
            public_url.link("/verify", "x&y#z \"<"),
            "https://example.com/a/verify#token=x%26y%23z+%22%3C"
        );
        assert_eq!(public_url.page("//evil.example/x?y#z"), "https://example.com/a/evil.example/x%3Fy%23z");
        assert!(public_url.page("/../../x").starts_with("https://example.com/"));
    }

    #[test]
    fn the_origin_has_no_default_port() {
        assert_eq!(PublicUrl::parse("https://example.com:443/a").unwrap().origin(), "https://example.com");
        assert_eq!(PublicUrl::parse("http://[::1]:8080/a").unwrap().origin(), "http://[::1]:8080");
    }

    #[test]
    fn only_http_with_host_and_path_is_public() {
        use PublicUrlError::{MoreThanPath, NotHttp};
        for (text, error) in [
            ("", NotHttp),
            ("example.com", NotHttp),
            ("https:example.com", NotHttp),
            ("https://", NotHttp),
            ("ftp://example.com", NotHttp),
            ("javascript:alert(1)//", NotHttp),
            ("https://user:pass@example.com", MoreThanPath),
            ("https://@example.com", MoreThanPath),
            ("https://example.com/?a=b", MoreThanPath),
            ("https://example.com/?", MoreThanPath),
            ("https://example.com/#a", MoreThanPath),
            ("https:\\\\example.com", NotHttp),
            ("https://example.com\\a", MoreThanPath),
            ("https://example.com/a b", MoreThanPath),
            ("https://example.com\n", MoreThanPath),
            ("https://exa\"mple.com", MoreThanPath),
            ("https://\"\u{fc}ch.", MoreThanPath),
            ("https://example.com'", MoreThanPath),
        ] {
            assert_eq!(PublicUrl::parse(text), Err(error), "{text:?}");
        }
    }
}

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{SecurityScheme, Transport};
use crate::Policy;

/// A cookie; login and logout answer 204.
///
/// Defaults: named `__Host-fastapiusersauth`, kept until the browser closes, for the whole site (`Path=/`), `Secure`,
/// `HttpOnly`, `SameSite=lax`.
///
/// A name that begins with `__Host-` binds the cookie to this host: no subdomain and no plain HTTP page can plant one of that name
/// (RFC 6265bis §4.1.3.2; SES-5). Such a cookie is secure, for the path `/` and without a domain; a cookie with other attributes
/// needs another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// The cookie's name.
    pub name: String,
    /// How long the browser keeps it, in seconds; `None` until it closes.
    pub max_age: Option<u64>,
    /// The paths it is sent to.
    pub path: String,
    /// The domain whose subdomains get it too; `None` for this host alone.
    pub domain: Option<String>,
    /// Sent over HTTPS only (browsers make an exception for `localhost`).
    pub secure: bool,
    /// Out of reach of scripts.
    pub http_only: bool,
    /// Sent with requests from other sites?
    pub same_site: SameSite,
}

/// Whether a browser sends the cookie with requests that other sites cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameSite {
    /// Only when a link leads here.
    #[default]
    Lax,
    /// Never.
    Strict,
    /// Always; needs `Secure`.
    None,
}

/// The name on the wire of fastapi-users.
const SHARED_NAME: &str = "fastapiusersauth";

impl Default for Cookie {
    fn default() -> Self {
        Self {
            name: format!("__Host-{SHARED_NAME}"),
            max_age: None,
            path: "/".to_owned(),
            domain: None,
            secure: true,
            http_only: true,
            same_site: SameSite::Lax,
        }
    }
}

impl Cookie {
    /// The same under the name that fastapi-users has, `fastapiusersauth`: for sessions that a running one shares, and for cookies that
    /// subdomains get, too.
    ///
    /// ```
    /// use axum_users::Cookie;
    ///
    /// let cookie = Cookie { domain: Some("example.com".into()), ..Cookie::fastapi_users() };
    /// ```
    pub fn fastapi_users() -> Self {
        Self { name: SHARED_NAME.to_owned(), ..Self::default() }
    }

    /// The cookie by which browsers are known, `__Host-axumusersdevice`, with the attributes of the default; kept for 180 days, see
    /// [`UsersBuilder::device_cookie`](crate::UsersBuilder::device_cookie).
    pub fn device() -> Self {
        Self {
            name: "__Host-axumusersdevice".to_owned(),
            max_age: Some(180 * 24 * 60 * 60),
            ..Self::default()
        }
    }

    /// The header that sets the cookie, with its attributes in alphabetical order, as the wire contract has them. `None` when
    /// no header can hold them.
    pub(crate) fn header_value(&self, value: &str, max_age: Option<u64>) -> Option<HeaderValue> {
        let mut text = format!("{}={value}", self.name);
        if let Some(domain) = &self.domain {
            text += &format!("; Domain={domain}");
        }
        if self.http_only {
            text += "; HttpOnly";
        }
        if let Some(seconds) = max_age {
            text += &format!("; Max-Age={seconds}");
        }
        text += &format!("; Path={}", self.path);
        text += match self.same_site {
            SameSite::Lax => "; SameSite=lax",
            SameSite::Strict => "; SameSite=strict",
            SameSite::None => "; SameSite=none",
        };
        if self.secure {
            text += "; Secure";
        }
        HeaderValue::try_from(text).ok()
    }

    /// What a request has for cookies of this name.
    pub(crate) fn values(&self, headers: &HeaderMap) -> Vec<String> {
        let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies = pairs.flat_map(::cookie::Cookie::split_parse);
        let named = cookies.filter_map(|cookie| cookie.ok().filter(|cookie| cookie.name() == self.name));
        named.map(|cookie| cookie.value_trimmed().to_owned()).collect()
    }

    /// The header that removes the cookie.
    pub(crate) fn removal(&self) -> Option<HeaderValue> {
        self.header_value("\"\"", Some(0))
    }
}

fn answer(set_cookie: Option<HeaderValue>) -> Response {
    match set_cookie {
        Some(value) => (StatusCode::NO_CONTENT, [(header::SET_COOKIE, value)]).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl Transport for Cookie {
    fn read(&self, headers: &HeaderMap, policy: &Policy) -> Option<String> {
        let mut values = self.values(headers);
        // Two cookies of one name: a subdomain or a plain HTTP site may have planted one (SES-5).
        if values.len() > 1 && !policy.lenient_duplicates {
            return None;
        }
        values.pop().filter(|token| !token.is_empty())
    }

    fn login(&self, token: &str) -> Response {
        answer(self.header_value(token, self.max_age))
    }

    fn logout(&self) -> Response {
        answer(self.removal())
    }

    fn scheme(&self) -> SecurityScheme {
        SecurityScheme::Cookie { name: self.name.clone() }
    }

    fn check(&self, _: &Policy) -> Result<(), String> {
        let token = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&b))
        };
        let attribute = |text: &str| text.bytes().all(|b| (b' '..0x7f).contains(&b) && b != b';');
        if !token(&self.name) {
            return Err("the cookie name may only have the characters of an RFC 6265 token".to_owned());
        }
        if !attribute(&self.path) || !self.domain.as_deref().is_none_or(attribute) {
            return Err("cookie path and domain may not have `;` or control characters".to_owned());
        }
        if self.same_site == SameSite::None && !self.secure {
            return Err("a cookie with SameSite=none must be secure, or browsers drop it".to_owned());
        }
        let bound_to_host = self.secure && self.path == "/" && self.domain.is_none();
        if self.name.starts_with("__Host-") && !bound_to_host {
            return Err("a cookie named __Host-… must be secure, have the path / and no domain; `Cookie::fastapi_users()` has a name for others"
                .to_owned());
        }
        if self.name.starts_with("__Secure-") && !self.secure {
            return Err("a cookie named __Secure-… must be secure".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(response: &Response) -> &str {
        response.headers()[header::SET_COOKIE].to_str().unwrap()
    }

    #[test]
    fn set_cookie_strings_of_the_contract() {
        let cookie = Cookie::fastapi_users();
        assert_eq!(header(&cookie.login("t")), "fastapiusersauth=t; HttpOnly; Path=/; SameSite=lax; Secure");
        assert!(header(&Cookie::default().login("t")).starts_with("__Host-fastapiusersauth=t;"), "SES-5");
        assert_eq!(
            header(&cookie.logout()),
            "fastapiusersauth=\"\"; HttpOnly; Max-Age=0; Path=/; SameSite=lax; Secure"
        );
        let all = Cookie {
            name: "n".into(),
            max_age: Some(60),
            path: "/x".into(),
            domain: Some("example.com".into()),
            secure: false,
            http_only: false,
            same_site: SameSite::Strict,
        };
        assert_eq!(header(&all.login("t")), "n=t; Domain=example.com; Max-Age=60; Path=/x; SameSite=strict");
    }

    #[test]
    fn ses_5_two_cookies_of_one_name_count_as_none() {
        let read = |value: &str, policy: &Policy| {
            let headers = HeaderMap::from_iter([(header::COOKIE, value.parse().unwrap())]);
            Cookie::fastapi_users().read(&headers, policy)
        };
        let (secure, lenient) = (Policy::secure(), Policy::fastapi_users());
        assert_eq!(read("a=1; fastapiusersauth=t", &secure).as_deref(), Some("t"));
        assert_eq!(read("fastapiusersauth=\"t\"", &secure).as_deref(), Some("t"));
        assert_eq!(read("fastapiusersauth=a; fastapiusersauth=b", &secure), None);
        assert_eq!(read("fastapiusersauth=a; fastapiusersauth=b", &lenient).as_deref(), Some("b"));
        assert_eq!(read("fastapiusersauth=", &secure), None);
    }

    #[test]
    fn cfg_2_unsafe_combinations_are_refused() {
        let cookie = Cookie::default;
        assert!(cookie().check(&Policy::secure()).is_ok());
        assert!(
            Cookie { same_site: SameSite::None, secure: false, ..cookie() }.check(&Policy::secure()).is_err()
        );
        assert!(
            Cookie { name: "__Host-a".into(), path: "/x".into(), ..cookie() }
                .check(&Policy::secure())
                .is_err()
        );
        assert!(Cookie { name: "a b".into(), ..cookie() }.check(&Policy::secure()).is_err());
        assert!(Cookie { path: "/;x".into(), ..cookie() }.check(&Policy::secure()).is_err());
    }
}

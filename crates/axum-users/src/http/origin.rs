//! Whether a browser sends a request on behalf of another site (cross-site request forgery).
//!
//! Cookies come along with whatever request a page causes. The check is that of Go's `CrossOriginProtection`: browsers
//! tell with `Sec-Fetch-Site` or `Origin`; programs send neither and are let through.

use http::{HeaderMap, Method, Uri, header};

/// Whether the request may act with the user's cookie. `trusted` are origins like `https://app.example`.
pub(crate) fn is_own(method: &Method, headers: &HeaderMap, trusted: &[String]) -> bool {
    if method.is_safe() {
        return true;
    }
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("null"));
    let origin = text("origin");
    if origin.is_some_and(|origin| trusted.iter().any(|trusted| trusted == origin)) {
        return true;
    }
    match (text("sec-fetch-site"), origin) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => is_of_this_host(origin, headers),
        (None, None) => true,
    }
}

/// Browsers of before 2023 send no `Sec-Fetch-Site`: the origin's host and port must be those they asked for.
fn is_of_this_host(origin: &str, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let origin = origin.parse::<Uri>().ok().filter(|origin| origin.scheme().is_some());
    match (origin.as_ref().and_then(Uri::authority), host) {
        (Some(authority), Some(host)) => authority.as_str().eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(method: &Method, pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::from_iter([(header::HOST, "camelot.bt:8000".parse().unwrap())]);
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        is_own(method, &headers, &["https://app.camelot.bt".to_owned()])
    }

    #[test]
    fn log_9_out_5_other_sites_cannot_use_the_cookie() {
        for refused in [
            vec![("sec-fetch-site", "cross-site")],
            vec![("sec-fetch-site", "same-site")],
            vec![("sec-fetch-site", "cross-site"), ("origin", "http://camelot.bt:8000")],
            vec![("origin", "https://evil.example")],
            vec![("origin", "http://camelot.bt:8001")],
            vec![("origin", "http://camelot.bt")],
            vec![("origin", "null")],
            vec![("origin", "")],
            vec![("origin", "https://app.camelot.bt.evil.example")],
        ] {
            assert!(!allowed(&Method::POST, &refused), "{refused:?}");
        }
    }

    #[test]
    fn the_own_site_trusted_origins_and_programs_can() {
        for fine in [
            vec![],
            vec![("sec-fetch-site", "same-origin")],
            vec![("sec-fetch-site", "none")],
            vec![("origin", "http://camelot.bt:8000")],
            vec![("origin", "https://app.camelot.bt"), ("sec-fetch-site", "same-site")],
        ] {
            assert!(allowed(&Method::POST, &fine), "{fine:?}");
        }
        assert!(allowed(&Method::GET, &[("sec-fetch-site", "cross-site")]));
    }
}

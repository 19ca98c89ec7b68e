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

/// Whether the text is an origin as browsers write it (RFC 6454 §6.2): scheme, host and a port that is not the usual one.
pub(crate) fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let usual = match scheme {
        "https" => ":443",
        "http" => ":80",
        // Pages of native frameworks, such as `tauri://localhost`.
        "file" | "ftp" => return false,
        _ => "",
    };
    let lower_case = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let scheme_is_one = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|byte| lower_case(byte) || b"+-.".contains(&byte));
    let authority_is_one = !authority.is_empty()
        && authority.bytes().all(|byte| lower_case(byte) || b"-._:[]".contains(&byte))
        && authority.parse::<http::uri::Authority>().is_ok_and(|authority| !authority.host().is_empty());
    scheme_is_one && authority_is_one && (usual.is_empty() || !authority.ends_with(usual))
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

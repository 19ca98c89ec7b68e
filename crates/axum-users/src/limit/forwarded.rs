//! Addresses in `X-Forwarded-For` and `Forwarded` (RFC 7239). Read is what proxies write: anything else counts as no
//! address, quoted commas included, since whoever sends a request may have begun a quotation.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderName};

pub(super) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The addresses in a header from the nearest to the farthest, `None` for what is none.
pub(super) fn hops<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    read: fn(&str) -> Option<IpAddr>,
) -> impl Iterator<Item = Option<IpAddr>> + 'a {
    let lines: Vec<_> = headers.get_all(name).iter().collect();
    lines.into_iter().rev().flat_map(move |line| {
        // What is no text is no address. A proxy may have put one behind it.
        let text = String::from_utf8_lossy(line.as_bytes());
        text.rsplit(',').map(|hop| read(hop.trim())).collect::<Vec<_>>()
    })
}

/// An address with or without a port: `192.0.2.7`, `192.0.2.7:80`, `2001:db8::7`, `[2001:db8::7]`, `[2001:db8::7]:80`.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(Ipv6Addr::into);
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let address: IpAddr = text.parse().ok().or_else(bracketed).or_else(with_port)?;
    Some(address.to_canonical())
}

/// The address in `for=…` of one element.
pub(super) fn element(text: &str) -> Option<IpAddr> {
    let mut pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.by_ref().filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let (_, value) = values.next()?;
    if values.next().is_some() {
        return None;
    }
    let value = value.trim();
    address(value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_and_without_ports() {
        for (text, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7:80", "192.0.2.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("2001:DB8:0:0::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:80", "2001:db8::7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("[::ffff:c000:207]:80", "192.0.2.7"),
        ] {
            assert_eq!(address(text), Some(expected.parse().unwrap()), "{text}");
        }
        for text in ["", "unknown", "_hidden", "192.0.2", "192.0.2.7:", "[192.0.2.7]", "1.2.3.4 5.6.7.8"] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn elements_as_in_rfc_7239() {
        for (text, expected) in [
            ("for=192.0.2.60;proto=http;by=203.0.113.43", Some("192.0.2.60")),
            ("For=\"[2001:db8:cafe::17]:4711\"", Some("2001:db8:cafe::17")),
            ("by=203.0.113.43; for=192.0.2.43", Some("192.0.2.43")),
            ("for=unknown", None),
            ("for=\"_gazonk\"", None),
            ("proto=http", None),
            ("for=192.0.2.1;for=192.0.2.2", None),
            ("for=\"192.0.2.1", None),
        ] {
            assert_eq!(element(text), expected.map(|address| address.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn hops_of_all_lines_from_right_to_left() {
        let mut headers = HeaderMap::new();
        headers.append(X_FORWARDED_FOR, "192.0.2.1, nonsense".parse().unwrap());
        headers.append(X_FORWARDED_FOR, "192.0.2.2 ,192.0.2.3".parse().unwrap());
        let found: Vec<_> = hops(&headers, &X_FORWARDED_FOR, address).collect();
        let expected = [Some("192.0.2.3"), Some("192.0.2.2"), None, Some("192.0.2.1")];
        assert_eq!(found, expected.map(|hop| hop.map(|hop| hop.parse().unwrap())));
    }

    /// A client does not hide behind its proxy by sending what is no text.
    #[test]
    fn log_5_what_is_no_text_hides_nothing_behind_it() {
        let line = http::HeaderValue::from_bytes(b"192.0.2.1\xb8, 192.0.2.3").unwrap();
        let headers = HeaderMap::from_iter([(X_FORWARDED_FOR, line)]);
        let found: Vec<_> = hops(&headers, &X_FORWARDED_FOR, address).collect();
        assert_eq!(found, [Some("192.0.2.3".parse().unwrap()), None]);
    }
}

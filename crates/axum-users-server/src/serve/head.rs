//! What the head of a request must not be, because two programs that read it could disagree, or because it is too long.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, Version, header, uri::Authority},
    response::Response,
};

use crate::routes::detail;

/// Bytes of a URL.
const URL_BYTES: usize = 8 * 1024;

/// What the end of a request's body is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One thing.
    Clear,
    /// By two things, or by something else than chunks: nothing else may be read from the connection (RFC 9112 §6.1).
    Ambiguous,
}

impl Framing {
    /// From the fields as hyper shows them, of which it leaves out a length beside chunks, and from the head as it was sent. A
    /// head that was sent before the last answer was there is not known: then chunks alone are too much.
    pub fn of(headers: &HeaderMap, sent: &[u8]) -> Self {
        let mut codings = headers.get_all(header::TRANSFER_ENCODING).into_iter();
        let Some(coding) = codings.next() else { return Self::Clear };
        let chunks = coding.as_bytes().eq_ignore_ascii_case(b"chunked") && codings.next().is_none();
        if chunks && has_no_length(sent) { Self::Clear } else { Self::Ambiguous }
    }
}

/// Whether a head is all there, and has no `Content-Length`.
fn has_no_length(sent: &[u8]) -> bool {
    let lines = sent.split_inclusive(|byte| *byte == b'\n').take_while(|line| line.ends_with(b"\n"));
    for line in lines.skip_while(|line| line.trim_ascii().is_empty()) {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        if name.eq_ignore_ascii_case(b"content-length") {
            return false;
        }
        if line.trim_ascii().is_empty() {
            return true;
        }
    }
    false
}

/// 414 for URLs that are too long, and 400, as the last answer, for requests that could be read in two ways.
pub fn refusal(request: &Request, framing: Framing) -> Option<Response> {
    let url = request.uri().path_and_query().map_or(0, |url| url.as_str().len());
    if framing == Framing::Ambiguous || !names_one_host(request) {
        return Some(last(detail(StatusCode::BAD_REQUEST, "Bad Request")));
    }
    (url > URL_BYTES).then(|| last(detail(StatusCode::URI_TOO_LONG, "URI Too Long")))
}

/// Closes the connection after an answer.
pub fn last(mut response: Response) -> Response {
    let close = axum::http::HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

/// RFC 9112 §3.2: exactly one `Host`, which is one; HTTP/1.0 knows none.
fn names_one_host(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).into_iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version() < Version::HTTP_11,
        (Some(host), None) => {
            let authority = Authority::try_from(host.as_bytes());
            host.is_empty() || authority.is_ok_and(|authority| !authority.as_str().contains('@'))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(coding: &'static str, sent: &str) -> Framing {
        let coding = (header::TRANSFER_ENCODING, coding.parse().unwrap());
        Framing::of(&HeaderMap::from_iter([coding]), sent.as_bytes())
    }

    #[test]
    fn chunks_alone_are_clear() {
        assert_eq!(Framing::of(&HeaderMap::new(), b""), Framing::Clear);
        let head = "\r\nPOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        for sent in [head.to_owned(), format!("{head}7\r\ncontent-length: 7\r\n"), head.replace('\r', "")] {
            assert_eq!(framing("chunked", &sent), Framing::Clear, "{sent}");
            assert_eq!(framing("Chunked", &sent), Framing::Clear, "{sent}");
            assert_eq!(framing("gzip, chunked", &sent), Framing::Ambiguous, "{sent}");
        }
    }

    #[test]
    fn chunks_with_a_length_or_of_a_head_that_is_not_known_are_not() {
        for sent in [
            "POST / HTTP/1.1\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\ncontent-LENGTH:7\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
            "",
        ] {
            assert_eq!(framing("chunked", sent), Framing::Ambiguous, "{sent}");
        }
    }
}

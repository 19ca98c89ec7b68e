//! Reading mails, as far as ours go: headers of RFC 2047, the parts of RFC 2046, their encodings of RFC 2045.

use base64::{Engine, engine::general_purpose::STANDARD};

/// A mail as a person's program shows it.
#[derive(Debug)]
pub(crate) struct ReadMail {
    /// The lines of the head, folded ones joined, encoded words decoded.
    pub(crate) head: Vec<String>,
    pub(crate) text: String,
    pub(crate) html: Option<String>,
}

impl ReadMail {
    /// Of what a server got: every line ends in CR LF, dots at the start of a line are doubled (RFC 5321 §4.5.2).
    #[track_caller]
    pub(crate) fn of(raw: &str) -> Self {
        let plain = raw.replace("\r\n", "\n");
        assert!(!plain.contains('\r'), "a bare CR: {raw:?}");
        assert_eq!(plain.matches('\n').count(), raw.matches("\r\n").count(), "a bare LF: {raw:?}");
        let lines = plain.lines().map(|line| line.strip_prefix('.').unwrap_or(line));
        let plain = lines.collect::<Vec<_>>().join("\n");
        let (head, body) = split(&plain);
        let Some(boundary) = value(&head, "content-type").and_then(|kind| kind.split_once("boundary=\""))
        else {
            return Self { text: decode(&head, &body), html: None, head };
        };
        let boundary = format!("--{}", boundary.1.split('"').next().unwrap());
        let parts: Vec<_> = body.split(&boundary).skip(1).map(|part| split(part.trim_start())).collect();
        let part = |kind: &str| {
            let part =
                parts.iter().find(|(head, _)| value(head, "content-type").is_some_and(|v| v.contains(kind)));
            part.map(|(head, body)| decode(head, body.trim_end()))
        };
        Self { text: part("text/plain").unwrap(), html: part("text/html"), head }
    }

    /// The value of a header that is there once.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let prefix = format!("{name}: ");
        let values: Vec<_> = self.head.iter().filter_map(|line| line.strip_prefix(&prefix)).collect();
        assert_eq!(values.len(), 1, "{name} in {:?}", self.head);
        values[0]
    }

    /// The names of the headers, in their order.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.head.iter().map(|line| line.split(':').next().unwrap()).collect()
    }

    /// The link in the text.
    #[track_caller]
    pub(crate) fn link(&self) -> &str {
        let mut links = self.text.split_whitespace().filter(|word| word.contains("://"));
        let link = links.next().unwrap_or_else(|| panic!("no link in {}", self.text));
        assert_eq!(links.next(), None, "one link only: {}", self.text);
        link
    }

    /// The token in the link's fragment.
    #[track_caller]
    pub(crate) fn token(&self) -> &str {
        self.link().split_once("#token=").unwrap_or_else(|| panic!("no token in {}", self.text)).1
    }
}

fn split(part: &str) -> (Vec<String>, String) {
    let (head, body) = part.split_once("\n\n").unwrap_or((part, ""));
    let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
    (unfolded.lines().map(decode_words).collect(), body.to_owned())
}

fn value<'a>(head: &'a [String], name: &str) -> Option<&'a str> {
    head.iter().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// `=?utf-8?b?…?=`; white space between two of them is none.
fn decode_words(line: &str) -> String {
    let mut parts = line.split("=?utf-8?b?");
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    let mut bytes = Vec::new();
    for part in parts {
        let (word, rest) = part.split_once("?=").unwrap();
        bytes.extend(STANDARD.decode(word).unwrap());
        if !rest.trim().is_empty() || rest.is_empty() {
            decoded += str::from_utf8(&bytes).unwrap();
            decoded += rest;
            bytes.clear();
        }
    }
    decoded
}

fn decode(head: &[String], body: &str) -> String {
    match value(head, "content-transfer-encoding").unwrap_or("7bit") {
        "base64" => {
            String::from_utf8(STANDARD.decode(body.replace('\n', "")).unwrap()).unwrap().replace("\r\n", "\n")
        }
        "quoted-printable" => quoted_printable(body),
        _ => body.to_owned(),
    }
}

fn quoted_printable(body: &str) -> String {
    let body = body.replace("=\n", "");
    let mut parts = body.split('=');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

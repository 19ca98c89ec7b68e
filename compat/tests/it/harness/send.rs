//! One request, and what is compared of its answer.

use std::fmt;

use anyhow::ensure;
use reqwest::{
    Method, Response, Url,
    header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, SET_COOKIE},
};
use serde_json::Value;

use super::{
    normal::{self, AddedClaims},
    scenario::{Body, Request, Source},
    server::Server,
    variables::Variables,
};

/// The headers that are part of the contract. Others, such as `date`, are each server's own affair.
const COMPARED: [&str; 5] = ["content-type", "set-cookie", "allow", "www-authenticate", "location"];

/// What is compared of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Observation {
    pub(crate) status: Option<u16>,
    headers: Vec<String>,
    pub(super) body: Content,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Json(Value),
    Text(String),
}

impl Observation {
    /// Something seen elsewhere than in an answer.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { status: None, headers: Vec::new(), body: Content::Text(text.into()) }
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(status) = self.status {
            writeln!(f, "{status}")?;
        }
        for header in &self.headers {
            writeln!(f, "{header}")?;
        }
        match &self.body {
            Content::Json(value) => write!(f, "{value}"),
            Content::Text(text) => f.write_str(text),
        }
    }
}

/// Sends a request and keeps what it is to save.
pub(super) async fn send(
    server: &Server,
    request: &Request,
    variables: &mut Variables,
    added: AddedClaims<'_>,
) -> anyhow::Result<Observation> {
    variables.own("server", server.address());
    let response = answer(server, request, variables).await?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let body = response.bytes().await?;
    // What is saved is shown by its name, in this very answer too.
    let json: Option<Value> = serde_json::from_slice(&body).ok();
    save(request, json.as_ref(), &headers, variables)?;

    let mut shown = Vec::new();
    for name in COMPARED {
        for value in headers.get_all(name) {
            if added(name, &value.to_str()?.into()) {
                continue;
            }
            let value = normal::header(name, value.to_str()?, server.address(), variables, added);
            shown.push(format!("{name}: {value}"));
        }
    }
    if let Some(length) = headers.get(CONTENT_LENGTH).filter(|_| body.is_empty()) {
        shown.push(format!("content-length: {}", length.to_str()?));
    }
    let text = String::from_utf8_lossy(&body);
    let body = match json {
        // Compared as it is written, too: without spaces, and with UTF-8 unescaped.
        Some(value) if value.to_string() == text => Content::Json(normal::json(value, variables, added)),
        _ => Content::Text(text.into_owned()),
    };
    Ok(Observation { status: Some(status), headers: shown, body })
}

async fn answer(server: &Server, request: &Request, variables: &Variables) -> anyhow::Result<Response> {
    let url = Url::parse(&format!("{}{}", server.address(), variables.fill(&request.path)))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let value = HeaderValue::from_bytes(variables.fill(value).as_bytes())?;
        headers.append(HeaderName::from_static(name), value);
    }
    let builder = server.client.request(Method::from_bytes(request.method.as_bytes())?, url).headers(headers);
    let builder = match &request.body {
        Body::None => builder,
        Body::Json(value) => builder.body(variables.fill_json(value).to_string()),
        Body::Form(fields) => {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields {
                form.append_pair(name, &variables.fill(value));
            }
            builder.body(form.finish())
        }
        Body::Raw(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => builder.body(variables.fill(text)),
            Err(_) => builder.body(bytes.clone()),
        },
    };
    Ok(builder.send().await?)
}

/// A value that is not there is not saved; the step that needs it will tell.
fn save(
    request: &Request,
    json: Option<&Value>,
    headers: &HeaderMap,
    variables: &mut Variables,
) -> anyhow::Result<()> {
    for (source, name) in &request.saves {
        let value = match source {
            Source::Json(pointer) => match json.and_then(|json| json.pointer(pointer)) {
                Some(Value::String(text)) => Some(text.clone()),
                other => other.map(Value::to_string),
            },
            Source::Parameter(parameter) => {
                let url = json.and_then(|json| Url::parse(json["authorization_url"].as_str()?).ok());
                url.map(|url| {
                    let found = url.query_pairs().find(|(found, _)| found == parameter);
                    // In place of that of an earlier URL.
                    found.map_or_else(|| format!("no {parameter}"), |(_, value)| value.into_owned())
                })
            }
            Source::Cookie => {
                let cookie = headers.get(SET_COOKIE).map(HeaderValue::to_str).transpose()?;
                let value = cookie.and_then(|cookie| cookie.split_once('=')?.1.split(';').next());
                value.map(str::to_owned)
            }
        };
        if let Some(value) = value {
            ensure!(!value.is_empty(), "what is saved as {name} is empty");
            variables.own(name, value);
        }
    }
    Ok(())
}

/// Sends all requests at once, and tells who answered with which status.
pub(crate) async fn simultaneously(
    requests: impl IntoIterator<Item = (&Server, Request)>,
) -> anyhow::Result<Vec<(super::Candidate, u16)>> {
    let nothing = Variables::default();
    let sent = requests.into_iter().map(|(server, request)| {
        let nothing = &nothing;
        async move { anyhow::Ok((server.kind, answer(server, &request, nothing).await?.status().as_u16())) }
    });
    futures_util::future::try_join_all(sent).await
}

use form_urlencoded::parse;
use http::{StatusCode, request::Parts};
use serde_json::json;

use crate::{Policy, http::ApiError};

/// The parameters of a URL.
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    last_counts: bool,
}

impl Query {
    pub(super) fn read(parts: &Parts, policy: &Policy) -> Self {
        let pairs = parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        Self { pairs, last_counts: policy.lenient_duplicates }
    }

    /// A parameter that may stand there once: two of one name are read differently by different programs.
    pub(super) fn one(&self, name: &str) -> Result<Option<String>, ApiError> {
        let mut values = self.values(name);
        let last = values.next_back();
        if values.next_back().is_some() && !self.last_counts {
            return Err(ApiError::bad_request());
        }
        Ok(last.map(str::to_owned))
    }

    /// A parameter that may stand there several times.
    pub(super) fn all(&self, name: &str) -> Option<Vec<String>> {
        let values: Vec<String> = self.values(name).map(str::to_owned).collect();
        Some(values).filter(|values| !values.is_empty())
    }

    fn values<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
        self.pairs.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// 422 in FastAPI's shape for a parameter.
pub(super) fn unprocessable(name: &str, reason: &str) -> ApiError {
    let detail =
        json!([{ "type": "value_error", "loc": ["query", name], "msg": format!("Value error, {reason}") }]);
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

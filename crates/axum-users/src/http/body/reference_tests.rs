//! Every answer compared with what FastAPI answered to the same request (`scripts/fixtures/body.py`).

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{
    BodyError, BodyRules,
    coerce::Kind,
    echo::Echo,
    form::read_login_form,
    json::{Field, Model, read_object},
};

#[derive(serde::Deserialize)]
struct Fixture {
    rows: Vec<Row>,
}

/// A request, and FastAPI's status and answer. The body is Latin-1, one character per byte.
#[derive(serde::Deserialize)]
struct Row(String, Option<String>, String, u16, String);

/// Requests that we answer otherwise, on purpose.
struct Difference {
    reason: &'static str,
    status: u16,
    concerns: fn(&str) -> bool,
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        reason: "RFC 8259 §8.1: JSON is UTF-8; Python also takes UTF-16 and surrogates in UTF-8",
        status: 400,
        concerns: |body| body.starts_with("\u{ff}\u{fe}") || body.contains("\u{ed}\u{a0}\u{80}"),
    },
    Difference {
        reason: "RFC 8259 §8.1, UTF-16 without byte order mark",
        status: 422,
        concerns: |body| body.starts_with("{\0"),
    },
    Difference {
        reason: "a surrogate without its other half is no text; FastAPI answers 500",
        status: 422,
        concerns: |body| body.contains("\\ud800") || body.contains("\\udc00"),
    },
    Difference {
        reason: "NaN and infinity are no JSON and cannot be answered as JSON; FastAPI answers 500",
        status: 422,
        concerns: |body| {
            ["NaN", "-Infinity", "1e999", r#""inf""#, r#""nan""#, r#""1e999""#]
                .iter()
                .any(|value| body.ends_with(&format!(":{value}}}")))
        },
    },
    Difference {
        reason: "an integer beyond 64 bits is read as a float, so its error is the one of large floats",
        status: 422,
        concerns: |body| body.contains(r#""age":10000000000000000000000000"#),
    },
    Difference {
        reason: "an integer beyond the largest float is out of range, though Python reads 4300 digits",
        status: 422,
        concerns: |body| body.contains(&format!(r#""age":{}}}"#, "9".repeat(4300))),
    },
    Difference {
        reason: "U+0000 is refused: PostgreSQL cannot store it, and FastAPI's applications answer 500",
        status: 422,
        concerns: |body| body.contains("\\u0000") || body.contains("%00&") || body.contains("\r\n\0\r\n"),
    },
    Difference {
        reason: "JSON is limited to a depth of 32; Python's limit is its stack",
        status: 400,
        concerns: |body| body.contains(&"[".repeat(32)),
    },
    Difference {
        reason: "bytes beyond ASCII in a form are UTF-8 (WHATWG URL §5.1, RFC 7578 §5.1.2), not Latin-1",
        status: 200,
        concerns: |body| body.contains('\u{ff}') || body.contains("username=\u{c3}\u{a9}"),
    },
    Difference {
        reason: "a multipart body that does not end with its closing boundary was cut off (RFC 2046 §5.1.1)",
        status: 400,
        concerns: |body| body.ends_with("guinevere\r\n") || body.ends_with("guinevere\r\n--x"),
    },
    Difference {
        reason: "a part without any header is malformed data, also 400, before its name is asked for",
        status: 400,
        concerns: |body| body.starts_with("--x\r\n\r\n"),
    },
    Difference {
        reason: "RFC 2046 §5.1.1 allows text before the first boundary",
        status: 200,
        concerns: |body| body.starts_with("preamble\r\n"),
    },
    Difference {
        reason: "a file in place of a text field is not described: FastAPI shows the server's internals",
        status: 422,
        concerns: |body| body.contains("filename="),
    },
];

fn fields(route: &str) -> Vec<Field<'static>> {
    let field = |name, kind| Field { name, kind, required: true, nullable: false };
    let optional = |name, kind, nullable| Field { required: false, nullable, ..field(name, kind) };
    match route {
        "/register" => vec![
            field("email", Kind::Text),
            field("password", Kind::Password),
            optional("is_active", Kind::Bool, true),
            optional("age", Kind::Integer { minimum: i32::MIN.into(), maximum: i32::MAX.into() }, true),
            optional("score", Kind::Float, true),
            optional("nickname", Kind::Text, false),
            optional("extra", Kind::Json, true),
        ],
        "/update" => vec![
            optional("email", Kind::Text, false),
            optional("password", Kind::Password, true),
            optional("is_active", Kind::Bool, false),
        ],
        "/forgot" => vec![field("email", Kind::Text)],
        "/reset" => vec![field("token", Kind::Text), field("password", Kind::Password)],
        other => panic!("no such route: {other}"),
    }
}

async fn read(row: &Row) -> Result<Map<String, Value>, BodyError> {
    let Row(route, content_type, body, ..) = row;
    let body: Bytes = body.chars().map(|byte| u8::try_from(byte).unwrap()).collect();
    let content_type = content_type.as_deref();
    let rules = BodyRules::FASTAPI;
    match route.as_str() {
        "/login" => {
            let form = read_login_form(body, content_type, &rules).await?;
            Ok([("username", form.username.as_str()), ("password", form.password.as_str())]
                .map(|(name, text)| (name.to_owned(), text.into()))
                .into_iter()
                .collect())
        }
        "/register" | "/update" => read_object(&body, content_type, Model::Object, &fields(route), &rules),
        _ => read_object(&body, content_type, Model::Embedded, &fields(route), &rules),
    }
}

async fn answer(row: &Row, echo: Echo) -> (u16, String) {
    match read(row).await {
        Ok(object) => (200, Value::Object(object).to_string()),
        Err(error) => (error.status().as_u16(), json!({ "detail": error.into_detail(echo) }).to_string()),
    }
}

fn rows() -> Vec<Row> {
    let fixture: Fixture = serde_json::from_str(include_str!("../../../tests/fixtures/body.json")).unwrap();
    assert!(fixture.rows.len() > 150);
    fixture.rows
}

#[tokio::test]
async fn every_answer_is_fastapis_save_for_the_differences_listed() {
    let mut used = vec![false; DIFFERENCES.len()];
    let mut wrong = Vec::new();
    for row in rows() {
        let Row(route, content_type, body, status, text) = &row;
        // Read and written again, since Python writes large numbers differently.
        let expected =
            serde_json::from_str(text).map_or_else(|_| text.clone(), |json: Value| json.to_string());
        let ours = answer(&row, Echo::Full).await;
        if ours.0 == *status && ours.1 == expected {
            continue;
        }
        match DIFFERENCES.iter().position(|known| known.status == ours.0 && (known.concerns)(body)) {
            Some(known) => used[known] = true,
            None => {
                wrong.push(format!("{route} {content_type:?} {body:?}\n  {status} {expected}\n  {ours:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong answers, FastAPI's first:\n{}", wrong.len(), wrong.join("\n"));
    for (known, used) in DIFFERENCES.iter().zip(used) {
        assert!(used, "no longer a difference: {}", known.reason);
    }
}

#[tokio::test]
async fn no_answer_shows_a_password() {
    let mut refused = 0;
    for row in rows() {
        for echo in [Echo::No, Echo::Redacted] {
            let (status, text) = answer(&row, echo).await;
            if status != 200 {
                refused += 1;
                assert!(!text.contains("guinevere"), "{} {:?} {}: {text}", row.0, row.1, row.2);
            }
        }
    }
    assert!(refused > 300);
}

#[tokio::test]
async fn hiding_secrets_changes_nothing_else() {
    fn same_or_hidden(full: &Value, redacted: &Value) -> bool {
        match (full, redacted) {
            (_, Value::String(text)) if text == "[redacted]" => true,
            (Value::Array(full), Value::Array(redacted)) => {
                full.len() == redacted.len() && full.iter().zip(redacted).all(|(a, b)| same_or_hidden(a, b))
            }
            (Value::Object(full), Value::Object(redacted)) => {
                full.keys().eq(redacted.keys())
                    && full.values().zip(redacted.values()).all(|(a, b)| same_or_hidden(a, b))
            }
            _ => full == redacted,
        }
    }
    let mut hidden = 0;
    for row in rows() {
        let (full, redacted) = (answer(&row, Echo::Full).await, answer(&row, Echo::Redacted).await);
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert!(same_or_hidden(&read(&full.1), &read(&redacted.1)), "{full:?} {redacted:?}");
        hidden += usize::from(full != redacted);
    }
    assert!(hidden > 20);
}

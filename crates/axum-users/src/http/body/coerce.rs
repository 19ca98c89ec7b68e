//! pydantic's lax conversions: what a field makes of a JSON value.

use serde_json::{Value, json};

use super::validation::ValidationError;
use crate::email::{EmailRules, normalize};

/// What a field of a body accepts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A string without U+0000.
    Text,
    /// A string, with U+0000 only if [`BodyRules`](super::BodyRules) allow it.
    Password,
    /// An e-mail address; becomes the normalised one.
    Email(EmailRules),
    /// `true`, `false`, 0, 1, or a word such as `"yes"` or `"OFF"`.
    Bool,
    /// A whole number within the bounds, inclusive; also as float, string or boolean.
    Integer {
        /// The least.
        minimum: i64,
        /// The greatest.
        maximum: i64,
    },
    /// A finite number; also as string or boolean.
    Float,
    /// Any JSON in which no string holds U+0000.
    Json,
}

impl Kind {
    /// Converts `value`, the content of `field`.
    ///
    /// # Errors
    /// pydantic's, and `value_error` for U+0000, which databases refuse or cut at.
    pub(super) fn coerce(
        self,
        field: &str,
        value: &Value,
        nul_in_passwords: bool,
    ) -> Result<Value, ValidationError> {
        let coerced = match self {
            Self::Text => text(value, false),
            Self::Password => text(value, nul_in_passwords),
            Self::Email(rules) => match value {
                Value::String(address) => {
                    let normalized = normalize(address, &rules);
                    return normalized.map(Value::from).map_err(|error| {
                        ValidationError::email(field, &error.to_string(), address.as_str())
                    });
                }
                _ => Err(NO_STRING),
            },
            Self::Bool => boolean(value).map(Value::from),
            Self::Integer { minimum, maximum } => integer(value, minimum, maximum).map(Value::from),
            Self::Float => float(value).map(Value::from),
            Self::Json if holds_nul(value) => Err(Mismatch::Nul),
            Self::Json => Ok(value.clone()),
        };
        coerced.map_err(|mismatch| mismatch.at(field, value.clone()))
    }
}

/// Why a value does not fit, before it is known where.
pub(super) enum Mismatch {
    /// pydantic's error type and message.
    Pydantic(&'static str, &'static str),
    Above(i64),
    Below(i64),
    Nul,
}

impl Mismatch {
    /// The error of `field`, which holds `input`.
    pub(super) fn at(self, field: &str, input: Value) -> ValidationError {
        let error = |kind, msg: String| ValidationError::of_field(kind, field, msg);
        match self {
            Self::Pydantic(kind, msg) => error(kind, msg.into()),
            Self::Above(maximum) => {
                error("less_than_equal", format!("Input should be less than or equal to {maximum}"))
                    .with_ctx(json!({ "le": maximum }))
            }
            Self::Below(minimum) => {
                error("greater_than_equal", format!("Input should be greater than or equal to {minimum}"))
                    .with_ctx(json!({ "ge": minimum }))
            }
            Self::Nul => ValidationError::value(field, "NUL characters are not allowed", Value::Null),
        }
        .with_input(input)
    }
}

/// What a string field makes of anything else.
pub(super) const NO_STRING: Mismatch = Mismatch::Pydantic("string_type", "Input should be a valid string");

const NO_BOOL: Mismatch = Mismatch::Pydantic("bool_type", "Input should be a valid boolean");
const UNCLEAR_BOOL: Mismatch =
    Mismatch::Pydantic("bool_parsing", "Input should be a valid boolean, unable to interpret input");
const NO_INTEGER: Mismatch = Mismatch::Pydantic("int_type", "Input should be a valid integer");
const UNCLEAR_INTEGER: Mismatch = Mismatch::Pydantic(
    "int_parsing",
    "Input should be a valid integer, unable to parse string as an integer",
);
const FRACTION: Mismatch = Mismatch::Pydantic(
    "int_from_float",
    "Input should be a valid integer, got a number with a fractional part",
);
const HUGE_INTEGER: Mismatch = Mismatch::Pydantic(
    "int_parsing_size",
    "Unable to parse input string as an integer, exceeded maximum size",
);
const NO_FLOAT: Mismatch = Mismatch::Pydantic("float_type", "Input should be a valid number");
const UNCLEAR_FLOAT: Mismatch =
    Mismatch::Pydantic("float_parsing", "Input should be a valid number, unable to parse string as a number");
const NOT_FINITE: Mismatch = Mismatch::Pydantic("finite_number", "Input should be a finite number");

/// 2⁶³, the first float beyond `i64`.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

/// Python's limit for the digits of an integer.
const MAX_INTEGER_DIGITS: usize = 4300;

fn text(value: &Value, nul_allowed: bool) -> Result<Value, Mismatch> {
    match value {
        Value::String(text) if !nul_allowed && text.contains('\0') => Err(Mismatch::Nul),
        Value::String(_) => Ok(value.clone()),
        _ => Err(NO_STRING),
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(elements) => elements.iter().any(holds_nul),
        Value::Object(members) => {
            members.iter().any(|(name, member)| name.contains('\0') || holds_nul(member))
        }
        _ => false,
    }
}

fn boolean(value: &Value) -> Result<bool, Mismatch> {
    match value {
        Value::Bool(boolean) => Ok(*boolean),
        Value::String(word) => match word.to_ascii_lowercase().as_str() {
            "0" | "off" | "f" | "false" | "n" | "no" => Ok(false),
            "1" | "on" | "t" | "true" | "y" | "yes" => Ok(true),
            _ => Err(UNCLEAR_BOOL),
        },
        Value::Number(number) => match number.as_f64().unwrap_or(f64::NAN) {
            0.0 => Ok(false),
            1.0 => Ok(true),
            // Python turns what fits 64 bits into an integer first.
            other if number.is_i64() || other.fract() == 0.0 && other.abs() < TWO_TO_63 => Err(UNCLEAR_BOOL),
            _ => Err(NO_BOOL),
        },
        _ => Err(NO_BOOL),
    }
}

fn integer(value: &Value, minimum: i64, maximum: i64) -> Result<i64, Mismatch> {
    let wide = match value {
        Value::Bool(boolean) => i128::from(*boolean),
        Value::String(text) => integer_of_text(text.trim())?,
        Value::Number(number) => integer_of_number(number)?,
        _ => return Err(NO_INTEGER),
    };
    match i64::try_from(wide) {
        Ok(integer) if (minimum..=maximum).contains(&integer) => Ok(integer),
        _ if wide > i128::from(maximum) => Err(Mismatch::Above(maximum)),
        _ => Err(Mismatch::Below(minimum)),
    }
}

fn integer_of_number(number: &serde_json::Number) -> Result<i128, Mismatch> {
    if let Some(integer) = number.as_i128() {
        return Ok(integer);
    }
    match number.as_f64().unwrap_or(f64::NAN) {
        float if float.fract() != 0.0 => Err(FRACTION),
        float if float.abs() < TWO_TO_63 => Ok(float as i128),
        _ => Err(HUGE_INTEGER),
    }
}

/// Digits with an optional sign, single underscores between them, and zeros behind a point.
fn integer_of_text(text: &str) -> Result<i128, Mismatch> {
    let whole = match text.split_once('.') {
        None => text,
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        Some(_) => return Err(UNCLEAR_INTEGER),
    };
    let grouped = whole.strip_prefix(['+', '-']).unwrap_or(whole);
    let is_group = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    if !grouped.split('_').all(is_group) {
        return Err(UNCLEAR_INTEGER);
    }
    let digits = grouped.replace('_', "");
    let digits = digits.trim_start_matches('0');
    if digits.len() > MAX_INTEGER_DIGITS {
        return Err(HUGE_INTEGER);
    }
    // Saturating keeps what is far out of bounds out of bounds.
    let append = |number: i128, digit: u32| number.saturating_mul(10).saturating_add(digit.into());
    let magnitude = digits.chars().filter_map(|digit| digit.to_digit(10)).fold(0, append);
    Ok(if whole.starts_with('-') { -magnitude } else { magnitude })
}

fn float(value: &Value) -> Result<f64, Mismatch> {
    let float = match value {
        Value::Bool(boolean) => f64::from(u8::from(*boolean)),
        Value::Number(number) => number.as_f64().ok_or(NO_FLOAT)?,
        Value::String(text) => float_of_text(text.trim())?,
        _ => return Err(NO_FLOAT),
    };
    if float.is_finite() { Ok(float) } else { Err(NOT_FINITE) }
}

fn float_of_text(text: &str) -> Result<f64, Mismatch> {
    if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return Err(UNCLEAR_FLOAT);
    }
    text.replace('_', "").parse().map_err(|_| UNCLEAR_FLOAT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: Kind, value: &Value) -> &'static str {
        kind.coerce("age", value, false).unwrap_err().kind
    }

    #[test]
    fn integers_are_exact_up_to_their_bounds() {
        let any = Kind::Integer { minimum: i64::MIN, maximum: i64::MAX };
        for bound in [i64::MIN, i64::MAX] {
            assert_eq!(any.coerce("age", &bound.into(), false).unwrap(), json!(bound));
            assert_eq!(any.coerce("age", &bound.to_string().into(), false).unwrap(), json!(bound));
        }
        assert_eq!(error(any, &json!(u64::MAX)), "less_than_equal");
        assert_eq!(error(any, &json!("9223372036854775808")), "less_than_equal");
        assert_eq!(error(any, &json!("-9223372036854775809")), "greater_than_equal");
        assert_eq!(error(any, &json!("-".to_owned() + &"9".repeat(4300))), "greater_than_equal");
        assert_eq!(error(any, &json!("9".repeat(4301))), "int_parsing_size");
        assert_eq!(error(any, &json!(9.3e18)), "int_parsing_size");
        let small = Kind::Integer { minimum: 1, maximum: 3 };
        assert_eq!(error(small, &json!(0)), "greater_than_equal");
        assert_eq!(error(small, &json!("4")), "less_than_equal");
    }

    #[test]
    fn nul_is_refused_at_any_depth_of_json() {
        for value in [json!("\0"), json!([["\0"]]), json!({"a": {"\0": 1}})] {
            assert_eq!(error(Kind::Json, &value), "value_error");
        }
        assert!(Kind::Json.coerce("age", &json!({"a": [null, "b"]}), false).is_ok());
    }
}

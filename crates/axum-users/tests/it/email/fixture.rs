//! The verdicts of pydantic's `EmailStr` on a wide corpus, written by `scripts/fixtures/email_addresses.py`.

use axum_users::email::{EmailRules, normalize};

#[test]
fn agrees_with_email_validator_on_every_address() {
    let rows: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../../fixtures/email.json")).unwrap();
    assert!(rows.len() >= 400, "the corpus has shrunk to {} addresses", rows.len());
    let mut differences = Vec::new();
    for row in &rows {
        let expected = match row["normalized"].as_str() {
            Some(normalized) => Ok(normalized.to_owned()),
            None => Err(row["reason"].as_str().unwrap().to_owned()),
        };
        let input = row["input"].as_str().unwrap();
        let found = normalize(input, &EmailRules::fastapi_users()).map_err(|error| error.to_string());
        if found != expected {
            differences.push(format!("{input:?}\n  expected {expected:?}\n  found    {found:?}"));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

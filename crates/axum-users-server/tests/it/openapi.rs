//! The OpenAPI document, tried out by schemathesis: made-up requests, right ones and wrong ones, alone and one after another, as
//! nobody, as a user and as a superuser. No answer is a 5xx or differs from the document, nothing that the document forbids is
//! taken, nothing works without the token it needs, and what is deleted is gone.

use std::{path::Path, process::Command};

use axum_users_testkit::{cache_folder, postgres_schema};

use crate::support::{PASSWORD, Running, print, text};

const ADMINISTRATOR: &str = "merlin@camelot.bt";

/// Routes of a provider that is never asked.
const PROVIDER: &str = "[oauth.github]\nclient_id = \"king\"\nclient_secret = \"excalibur\"\n";

/// Requests of each kind for each route. SEED makes others.
const EXAMPLES: &str = "15";

fn try_out(running: &Running, role: &str) {
    let environment = cache_folder().join("schemathesis-venv/bin/schemathesis");
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis");
    let seed = std::env::var("SEED").unwrap_or_else(|_| "1".to_owned());
    let output = Command::new(environment)
        .args(["run", &format!("{}/openapi.json", running.server.address()), "--checks", "all"])
        // Not everything that has the right form is right: tokens, addresses that are taken, words of the address.
        .args(["--exclude-checks", "positive_data_acceptance", "--warnings", "off"])
        .args(["--max-examples", EXAMPLES, "--seed", &seed, "--workers", "1", "--no-shrink"])
        .args(["--continue-on-failure", "--generation-database", "none"])
        .current_dir(running.folder.path())
        .env("PYTHONPATH", hooks)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("ROLE", role)
        .env("ADDRESS", running.server.address())
        .env("ADMINISTRATOR", ADMINISTRATOR)
        .env("PASSWORD", PASSWORD)
        .output()
        .expect("scripts/setup-schemathesis has been run");
    let report = text(&output.stdout);
    assert!(output.status.success(), "{role}:\n{report}\n{}", text(&output.stderr));
    let tested = report.lines().find(|line| line.contains(" generated")).unwrap_or_default();
    print(&format!("schemathesis as {role}: {}", tested.trim()));
}

fn with_administrator(settings: &str) -> Running {
    let running = Running::start(&format!("{settings}{PROVIDER}"));
    let words = ["user", "create", ADMINISTRATOR, "--superuser", "--password-stdin"];
    let created = running.command(&words, &format!("{PASSWORD}\n"));
    assert!(created.status.success(), "{}", text(&created.stderr));
    running
}

#[test]
fn the_document_holds_for_nobody_users_and_superusers() {
    let running = with_administrator("");
    for role in ["nobody", "user", "superuser"] {
        try_out(&running, role);
    }
}

#[tokio::test]
async fn the_document_holds_on_postgres() {
    let url = postgres_schema().await.unwrap();
    try_out(&with_administrator(&format!("database_url = {url:?}\n")), "superuser");
}

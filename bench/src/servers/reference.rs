//! fastapi-users, by the application that the comparison of `compat/` runs too.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::ensure;
use axum_users_testkit::{Process, cache_folder};
use serde_json::json;

use super::Strategy;

/// What its speed depends on.
const PACKAGES: [&str; 11] = [
    "fastapi-users",
    "fastapi",
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
    "pydantic",
    "SQLAlchemy",
    "asyncpg",
    "aiosqlite",
    "argon2-cffi",
];

pub(super) fn start(
    strategy: Strategy,
    database: &str,
    redis: &str,
    folder: &Path,
) -> anyhow::Result<Process> {
    let name = strategy.name();
    let backend = json!({
        "name": name, "transport": "bearer", "strategy": name, "prefix": format!("/auth/{name}"), "lifetime": 36000,
    });
    let secret = |of: &str| format!("a secret of the benchmark's reference: {of}");
    let configuration = json!({
        "database": database,
        "redis_url": matches!(strategy, Strategy::Redis).then_some(redis),
        "redis_prefix": "fastapi_users_token:",
        "id_type": "uuid",
        "secrets": {
            "jwt": secret("jwt"), "reset": secret("reset"), "verification": secret("verification"),
            "oauth_state": secret("oauth_state"),
        },
        "login": {"require_verified": false},
        "users": {"require_verified": false},
        "password": {"min_length": 8, "reject_email": true},
        "backends": [backend],
        "fields": [],
    });
    let file = folder.join("reference.json");
    std::fs::write(&file, configuration.to_string())?;
    let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compat/reference/app.py");
    Process::start(Command::new(python()?).arg(app).arg(file), &folder.join("log"))
}

/// The Python of the virtual environment that `scripts/setup-bench` makes.
fn python() -> anyhow::Result<PathBuf> {
    let python = cache_folder().join("bench-venv/bin/python");
    ensure!(
        python.exists(),
        "fastapi-users is not installed in {}: run scripts/bench or scripts/setup-bench",
        python.display()
    );
    Ok(python)
}

/// The versions of what it is made of, by name.
pub fn versions() -> anyhow::Result<BTreeMap<String, String>> {
    let program = "import json, platform, sys; from importlib.metadata import version; \
                   print(json.dumps({'Python': platform.python_version()} | {n: version(n) for n in sys.argv[1:]}))";
    let output = Command::new(python()?).args(["-c", program]).args(PACKAGES).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

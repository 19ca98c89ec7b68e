use std::{fs, path::Path};

use crate::support::{run, text};

/// What `axum-users config` answers to a file of this text.
fn config(file: &str) -> (bool, String) {
    command("config", file)
}

fn command(name: &str, file: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("axum-users.toml"), file).unwrap();
    let output = run(folder.path(), &[name], "");
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

/// CFG-1, CFG-2: a setting that is refused is named; its value is not shown if it may be a secret.
#[test]
fn cfg_2_what_is_wrong_is_refused_by_name() {
    let rows = [
        ("lisen = \"127.0.0.1:1\"", "lisen"),
        ("[login]\nrequire_verifid = true", "login.require_verifid"),
        ("policy = \"safe\"", "policy"),
        ("id_type = \"text\"", "id_type"),
        ("database_url = \"mongodb://king:hunter22@db/x\"\nid_type = \"integer\"", "id_type"),
        ("database_url = \"oracle://king:hunter22@db/x\"", "database_url"),
        ("[hashing]\nengine = \"steam\"", "hashing.engine"),
        ("[database]\nmax_connections = 0", "database.max_connections"),
        ("[database]\nmax_connections = -1", "database.max_connections"),
        ("[database]\nmax_connections = 4294967295", "database.max_connections"),
        ("[database]\nacquire_timeout = 0", "database.acquire_timeout"),
        ("[database]\nacquire_timeout = \"5s\"", "database.acquire_timeout"),
        ("[database]\nstatement_timeout = 0", "database.statement_timeout"),
        ("[database]\nstatement_timeout = 9223372036854775807", "database.statement_timeout"),
        ("[database]\nconnections = 4", "database.connections"),
        ("[hashing]\nmemory = 4", "hashing.memory"),
        ("[hashing]\nmemory_mib = 18", "`memory` of the hashing pool"),
        ("[hashing]\nthreads = 0", "needs a thread"),
        ("[hashing]\nniceness = -1", "hashing.niceness"),
        ("[hashing]\nniceness = 20", "`niceness`"),
        ("[secrets]\njwt = \"hunter22\"", "secrets.jwt"),
        (
            "[secrets]\nreset = \"hunter22hunter22hunter22hunter22hunter22\"\nmaster = \"hunter22hunter22hunter22hunter22hunter22\"",
            "secrets.",
        ),
        ("[reset]\nlifetime = 0", "reset.lifetime"),
        ("trusted_origins = [\"https://app.example.com/\"]", "trusted_origins"),
        ("trusted_origins = [\"*\"]", "trusted_origins"),
        ("[rate_limits]\nlogin_longest_wait = 0", "rate_limits.login_longest_wait"),
        ("[rate_limits]\nlogins = 5", "rate_limits.logins"),
        ("[rate_limits]\nshared = \"redis\"", "rate_limits.shared"),
        ("[rate_limits]\nshared = \"disk\"", "rate_limits.shared"),
        (
            "database_url = \"mongodb://king:hunter22@db/x\"\n[rate_limits]\nshared = \"database\"",
            "rate_limits.shared",
        ),
        ("[rate_limits]\ntrusted_proxies = [\"0.0.0.0/0\"]", "0.0.0.0/0"),
        ("[mail]\ntransport = \"smtp://king:hunter22@mail.example:587\"", "mail.from"),
        ("[mail]\ntransport = \"carrier-pigeon\"\nfrom = \"a@b.example\"", "mail.transport"),
        ("[policy_overrides]\nduplicate_registration = \"hide\"", "policy_overrides.duplicate_registration"),
        (
            "[[backends]]\nname = \"a\"\ntransport = \"bearer\"\nstrategy = \"jwt\"\nlifetime = \"none\"",
            "lifetime",
        ),
        (
            "[[backends]]\nname = \"a\"\ntransport = \"bearer\"\nstrategy = \"jwt\"\n[backends.cookie]\nname = \"x\"",
            "cookie",
        ),
        (
            "[[backends]]\nname = \"a\"\ntransport = \"cookie\"\nstrategy = \"database\"\n[backends.cookie]\nsame_site = \"none\"\nsecure = false",
            "cookie",
        ),
        ("[[backends]]\nname = \"a\"\ntransport = \"bearer\"\nstrategy = \"redis\"", "redis_url"),
        ("redis_url = \"http://:hunter22@db.example\"", "redis_url"),
        ("[[fields]]\nname = \"email\"\nkind = \"text\"", "email"),
        ("[[fields]]\nname = \"age\"\nkind = \"number\"", "fields"),
        ("listen = ", "axum-users.toml"),
    ];
    for (file, named) in rows {
        // Unlike `config`, this reads the secrets and builds all backends, as `serve` does.
        let (accepted, said) = command("openapi", file);
        assert!(!accepted, "{file} was accepted:\n{said}");
        assert!(said.contains(named), "{file}: {said}");
        assert!(!said.contains("hunter22"), "{file} shows a secret: {said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    }
}

#[test]
fn the_effective_configuration_shows_no_secret() {
    let secret = "hunter22".repeat(5);
    let (accepted, said) = config(&format!(
        "database_url = \"postgres://king:hunter22@db.example/users\"\n[secrets]\njwt = \"{secret}\"\n\
         [mail]\ntransport = \"smtp://king:hunter22@mail.example:587\"\nfrom = \"a@b.example\"\n"
    ));
    assert!(accepted, "{said}");
    assert!(!said.contains("hunter22"), "{said}");
    assert!(said.contains("db.example/users") && said.contains("mail.example:587"), "{said}");
    // What is printed is itself a configuration.
    let example = said.replace("[redacted]", &"x7".repeat(20));
    assert!(toml::from_str::<toml::Table>(&example).is_ok());
}

#[test]
fn a_flag_wins_over_a_variable_and_a_variable_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("axum-users.toml"),
        "public_url = \"http://file.example\"\n[reset]\nlifetime = 7\n",
    )
    .unwrap();
    let said = text(&run(folder.path(), &["config"], "").stdout);
    assert!(said.contains("http://file.example") && said.contains("lifetime = 7"), "{said}");

    let mut command = std::process::Command::new(axum_users_testkit::binary().unwrap());
    command.arg("config").current_dir(folder.path()).env("AXUM_USERS_PUBLIC_URL", "http://variable.example");
    let said = text(&command.env("AXUM_USERS_RESET__LIFETIME", "8").output().unwrap().stdout);
    assert!(said.contains("http://variable.example") && said.contains("lifetime = 8"), "{said}");
    let other = folder.path().join("other.toml");
    fs::write(&other, "[reset]\nlifetime = 9\n").unwrap();
    let said = text(&run(folder.path(), &["config", "--config", other.to_str().unwrap()], "").stdout);
    assert!(said.contains("lifetime = 9") && !said.contains("file.example"), "{said}");
}

#[test]
fn the_example_is_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let example = text(&run(folder.path(), &["config", "--example"], "").stdout);
    let (accepted, said) = config(&example);
    assert!(accepted, "{said}");
}

/// Every block of the guide is one that the server takes.
#[test]
fn the_guide_shows_settings_that_exist() {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let blocks: Vec<&str> =
        guide.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 5, "{}", blocks.len());
    for block in blocks {
        let (accepted, said) = config(block);
        assert!(accepted, "{block}\n{said}");
    }
}

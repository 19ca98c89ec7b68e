//! The benchmark works: it starts everything, and its numbers are there. How large they are says nothing in a build like this.

use std::{path::Path, process::Command};

use serde_json::Value;

fn run(arguments: &[&str], output: &Path) -> (Value, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_axum-users-bench"));
    let done = command.args(arguments).arg("--output").arg(output).output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{text}\n{}", String::from_utf8_lossy(&done.stderr));
    let files = output.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let json = files.filter(|path| path.extension().is_some_and(|name| name == "json")).max().unwrap();
    assert!(json.with_extension("md").exists());
    (serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap(), text)
}

#[test]
fn a_short_run_has_all_figures() {
    let folder = tempfile::tempdir().unwrap();
    let routes = "me_jwt_pg,me_database_sqlite,login,start,growth";
    let (results, text) = run(&["--quick", "--only", routes], folder.path());

    for (route, servers) in [
        ("me_jwt_pg", vec!["Reference", "Ours", "Limit"]),
        ("me_database_sqlite", vec!["Reference", "AxumLogin", "Ours", "Limit"]),
        ("login", vec!["Reference", "Ours", "Limit", "BareHash"]),
    ] {
        for server in servers {
            let samples = results["samples"].as_array().unwrap();
            let sample = samples.iter().find(|it| it["route"] == route && it["server"] == server);
            let sample = sample.unwrap_or_else(|| panic!("nothing of {server} at {route}: {text}"));
            for figure in ["answers", "cpu_us", "per_second"] {
                assert!(sample[figure].as_f64().unwrap() > 0.0, "{figure} of {server} at {route}: {sample}");
            }
        }
    }
    assert!(results["start"]["fresh_ms"][0].as_f64().unwrap() > 0.0);
    for (growth, users) in results["growth"].as_array().unwrap().iter().zip([1000, 10_000]) {
        assert_eq!(growth["users"], users);
        for figure in ["start_ms", "me_us", "user_us", "forgot_password_us"] {
            assert!(growth[figure][0].as_f64().unwrap() > 0.0, "{figure}: {growth}");
        }
        let (idle, after) =
            (growth["idle_mib"].as_f64().unwrap(), growth["after_logins_mib"].as_f64().unwrap());
        // A hash takes 64 MiB, which are kept for the next one or given back.
        assert!(0.5 < idle && 0.5 < after, "{growth}");
        // An address and an id in indexes as well, and what else a row has.
        assert!(growth["file_bytes"].as_u64().unwrap() > 200 * users, "{growth}");
    }
    assert_eq!(results["growth"].as_array().unwrap().len(), 2);
    for memory in results["memory"].as_array().unwrap() {
        let (idle, peak) =
            (memory["idle"]["resident"].as_f64().unwrap(), memory["after"]["peak"].as_f64().unwrap());
        assert!(0.5 < idle && idle <= peak, "{memory}");
    }
    assert!(text.contains("| /users/me, JWT, PostgreSQL ") && text.contains("| 10 thousand "), "{text}");
    // Goals are for release builds.
    assert!(!text.contains("| yes ") && !text.contains("**no**"), "{text}");
}

#[test]
fn unknown_names_are_refused() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_axum-users-bench"));
    let output = command.args(["--only", "me_jwt_oracle"]).output().unwrap();
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("me_jwt_oracle is unknown: there are anonymous,")
    );
}

//! Each check finds what it is there for, and nothing in files that are in order.

use super::*;

const LIB: &str = "crates/axum-users/src/lib.rs";
const MANAGER: &str = "crates/axum-users/src/manager/mod.rs";
const TESTED: &str = "#[cfg(test)]\nmod tests {}\n";

/// The smallest project that is in order.
fn project() -> Files {
    let mut files = Files::new();
    let mut add = |path: &str, text: &str| {
        files.insert(path.to_owned(), text.to_owned());
    };
    add(LIB, "//! | `sqlite` | SQLite |\nmod http;\nmod manager;\nmod store;\npub mod guide;\n");
    add(
        "crates/axum-users/Cargo.toml",
        "[features]\ndefault = [\"sqlite\"]\n## SQLite\nsqlite = []\n\n[lints]\nworkspace = true\n",
    );
    add(MANAGER, &format!("// not axum::Router\npub struct Manager;\n{TESTED}"));
    add(
        "crates/axum-users/src/store/mod.rs",
        "/// ```\n/// impl Store for X {}\n/// ```\npub trait Store {}\n",
    );
    add("crates/axum-users/tests/it/store.rs", "");
    let (mut http, mut guide, mut tests) = (TESTED.to_owned(), String::new(), "mod store;\n".to_owned());
    for router in ROUTERS {
        let routes = "use http::StatusCode;\nconst OK: StatusCode = StatusCode::OK;\n";
        add(&format!("crates/axum-users/src/http/{router}.rs"), routes);
        add(&format!("crates/axum-users/docs/{router}.md"), "A page.");
        add(&format!("crates/axum-users/tests/it/{router}.rs"), "");
        http += &format!("mod {router};\n");
        guide += &format!("#[doc = include_str!(\"../docs/{router}.md\")]\npub mod {router} {{}}\n");
        tests += &format!("mod {router};\n");
    }
    add("crates/axum-users/src/http/mod.rs", &http);
    add("crates/axum-users/src/guide.rs", &guide);
    add("crates/axum-users/tests/it/main.rs", &tests);
    add("examples/quickstart/src/main.rs", "//! The quickstart.\n\nfn main() {}\n");
    add("README.md", "```rust\nfn main() {}\n```\n");
    files
}

fn with(path: &str, text: &str) -> Vec<String> {
    let mut files = project();
    files.insert(path.to_owned(), text.to_owned());
    all(&files)
}

/// The one finding after this file was written.
#[track_caller]
fn finds(path: &str, text: &str, expected: &str) {
    let findings = with(path, text);
    assert!(findings.len() == 1 && findings[0].contains(expected), "{findings:?}");
}

#[test]
fn what_is_in_order_is_left_alone() {
    assert_eq!(all(&project()), Vec::<String>::new());
}

#[test]
fn long_files() {
    finds("crates/axum-users/src/http/auth.rs", &"//\n".repeat(501), "auth.rs: 501 lines");
}

#[test]
fn layers_that_know_http() {
    for line in ["use axum::Router;", "use crate::http::ApiError;", "fn f() -> axum::Router {}"] {
        finds(MANAGER, &format!("{line}\n{TESTED}"), "do not import");
    }
}

#[test]
fn status_codes_outside_of_their_layers() {
    let wrong = "const BAD: http::StatusCode = http::StatusCode::BAD_REQUEST;\n";
    finds(MANAGER, &format!("{wrong}{TESTED}"), "know status codes");
    // A hook holds one, a comment and a test name one.
    let fine = "// StatusCode::OK\nstruct Refusal(http::StatusCode);\n";
    let tests = "#[cfg(test)]\nmod tests { const OK: u8 = http::StatusCode::OK; }\n";
    assert_eq!(with(MANAGER, &format!("{fine}{tests}")), Vec::<String>::new());
}

#[test]
fn traits_without_an_implementation() {
    finds("crates/axum-users/src/store/mod.rs", "/// A store.\npub trait Store {}\n", "trait Store");
}

#[test]
fn unfinished_work() {
    for word in ["todo!()", "// TODO: later", "#[ignore]"] {
        finds("crates/axum-users/tests/it/auth.rs", word, "auth.rs: holds");
    }
}

#[test]
fn files_that_no_module_names() {
    for orphan in ["tests/it/forgotten.rs", "src/store/forgotten.rs", "src/http/forgotten/mod.rs"] {
        finds(&format!("crates/axum-users/{orphan}"), "", "not compiled");
    }
    for fine in ["crates/axum-users/tests/ui/case.rs", "examples/quickstart/tests/http.rs"] {
        assert_eq!(with(fine, ""), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn modules_without_tests() {
    finds(MANAGER, "pub struct Manager;\n", "manager: neither unit tests");
}

#[test]
fn pages_that_nobody_sees() {
    finds("crates/axum-users/docs/store.md", "A page.", "no module `store`");
    let mut files = project();
    files.remove("crates/axum-users/tests/it/reset.rs");
    let findings = all(&files);
    assert!(
        findings.len() == 1 && findings[0].contains("reset.md: no source file, or no test file"),
        "{findings:?}"
    );
}

#[test]
fn the_page_of_what_the_benchmark_measures() {
    let mut files = project();
    files.insert("crates/axum-users/docs/performance.md".to_owned(), "A page.".to_owned());
    let page = "#[doc = include_str!(\"../docs/performance.md\")]\npub mod performance {}\n";
    files.entry("crates/axum-users/src/guide.rs".to_owned()).or_default().push_str(page);
    assert_eq!(all(&files).len(), 1, "nobody measures");
    for path in ["bench/src/main.rs", "bench/tests/it.rs"] {
        files.insert(path.to_owned(), String::new());
    }
    assert_eq!(all(&files), Vec::<String>::new());
}

#[test]
fn features_without_a_word() {
    let manifest =
        "[features]\ndefault = [\"sqlite\"]\nsqlite = []\nsecret = []\n\n[lints]\nworkspace = true\n";
    finds("crates/axum-users/Cargo.toml", manifest, "`secret`");
}

#[test]
fn a_quickstart_that_is_no_example() {
    finds("README.md", "```rust\nfn main() { old() }\n```\n", "quickstart");
}

#[test]
fn crates_that_choose_their_lints() {
    finds("crates/axum-users-macros/Cargo.toml", "[lints.rust]\nunsafe_code = \"allow\"\n", "forbid unsafe");
    assert_eq!(with("fuzz/Cargo.toml", ""), Vec::<String>::new());
    let mut files = project();
    let workspace = "[workspace.lints.rust]\n# One.\nunsafe_code = \"forbid\"\nmissing_docs = \"warn\"\n\n\
                     [workspace.lints.clippy]\npanic = \"warn\"\n\n[profile.dev]\ndebug = false\n";
    files.insert("Cargo.toml".to_owned(), workspace.to_owned());
    let mut engine = |lints: &str| {
        let own = "unsafe_code = \"allow\"\nundocumented_unsafe_blocks = \"deny\"\n";
        files.insert("crates/axum-users-argon2/Cargo.toml".to_owned(), format!("{own}{lints}"));
        all(&files)
    };
    assert_eq!(engine("missing_docs = \"warn\"\npanic = \"warn\"\n"), Vec::<String>::new());
    let findings = engine("missing_docs = \"warn\"\n");
    assert!(findings.len() == 1 && findings[0].contains("has not the lint panic"), "{findings:?}");
}

#[test]
fn a_rule_without_a_test() {
    let table = |rules: &str| {
        format!(
            "## Faults of others\n\n| fault | rule |\n|---|---|\n| CVE-1 | {rules} |\n| CVE-2 | LOG-1 |\n"
        )
    };
    let mut files = project();
    let tests = "fn log_1_one() {}\nasync fn oal_6_oal_14_two(kind: Kind) {}\n";
    files.insert("crates/axum-users/tests/it/store.rs".to_owned(), tests.to_owned());
    files.insert("SECURITY.md".to_owned(), table("OAL-6, OAL-14"));
    assert_eq!(all(&files), Vec::<String>::new());
    files.insert("SECURITY.md".to_owned(), table("OAL-1, OAL-6"));
    assert_eq!(all(&files), ["SECURITY.md: no test is named after the rule OAL-1"]);
}

#[test]
fn rules_and_their_tests() {
    let rules = "| id | what holds | because |\n|---|---|---|\n| LOG-1 | One answer. | |\n\n\
                 | id | what holds | because |\n|---|---|---|\n| MFA | Not skipped. | there is none |\n";
    let findings = |tests: &str| {
        let mut files = project();
        files.insert("RULES.md".to_owned(), rules.to_owned());
        files.insert("crates/axum-users/tests/it/store.rs".to_owned(), tests.to_owned());
        all(&files)
    };
    assert_eq!(findings("fn log_1_one() {}\nfn log_in() {}\nfn f_1_other() {}\n"), Vec::<String>::new());
    for (tests, finding) in [
        ("", "after LOG-1"),
        ("fn log_1_one() {}\nfn mfa_1_one() {}\n", "MFA has a test"),
        ("fn log_1_one() {}\nfn log_2_two() {}\n", "LOG-2 of the test log_2_two is not listed"),
    ] {
        let findings = findings(tests);
        assert!(findings.iter().any(|found| found.contains(finding)), "{tests}: {findings:?}");
    }
}

//! Each check takes all files and tells what is wrong, with the path in front.

mod lints;
mod rules;

use super::Files;

#[cfg(test)]
mod tests;

const LIBRARY: &str = "crates/axum-users/";
const SOURCE: &str = "crates/axum-users/src/";
/// No source file is longer, in lines.
const MAX_LINES: usize = 500;
/// Each of these has a file of routes, too.
const ROUTERS: [&str; 5] = ["auth", "register", "reset", "users", "verify"];

pub(super) fn all(files: &Files) -> Vec<String> {
    let checks = [
        length,
        layers,
        status_codes,
        traits,
        unfinished,
        orphans,
        module_tests,
        guide,
        cargo_features,
        quickstart,
        lints::no_unsafe_code,
        lints::engine,
        rules::tested,
        rules::faults_of_others,
    ];
    checks.iter().flat_map(|check| check(files)).collect()
}

fn sources<'a>(files: &'a Files, prefix: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let all = files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    all.filter(move |(path, _)| path.starts_with(prefix) && path.ends_with(".rs"))
}

fn text<'a>(files: &'a Files, path: &str) -> &'a str {
    files.get(path).map_or("", String::as_str)
}

/// The lines that are neither comments nor, at the end of a file, its tests.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let before_tests = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    before_tests.lines().filter(|line| !line.trim_start().starts_with("//"))
}

fn length(files: &Files) -> Vec<String> {
    let too_long = |(path, text): (&str, &str)| {
        let lines = text.lines().count();
        (lines > MAX_LINES).then(|| {
            format!("{path}: {lines} lines, at most {MAX_LINES}: find what it is two of, and split it")
        })
    };
    sources(files, "").filter_map(too_long).collect()
}

/// The rules and the stores know nothing of HTTP.
fn layers(files: &Files) -> Vec<String> {
    let inner = ["manager/", "store/"].map(|layer| format!("{SOURCE}{layer}"));
    let knows_http =
        |text: &str| code(text).any(|line| line.contains("axum::") || line.contains("crate::http"));
    let wrong = sources(files, LIBRARY)
        .filter(|(path, text)| inner.iter().any(|layer| path.starts_with(layer)) && knows_http(text));
    wrong.map(|(path, _)| format!("{path}: manager and store do not import axum or the HTTP layer")).collect()
}

/// Errors become status codes in one layer. A transport answers logins itself, and a hook may refuse with any status. What
/// providers answer is read where they are asked.
fn status_codes(files: &Files) -> Vec<String> {
    let allowed = ["http/", "transport/", "oauth/client.rs"].map(|layer| format!("{SOURCE}{layer}"));
    let chooses = |text: &str| {
        code(text).any(|line| {
            let mut uses = line.split("StatusCode::").skip(1);
            uses.any(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
        })
    };
    let wrong = sources(files, SOURCE)
        .filter(|(path, text)| !allowed.iter().any(|layer| path.starts_with(layer)) && chooses(text));
    wrong.map(|(path, _)| format!("{path}: only http/ and transport/ know status codes")).collect()
}

/// Every public trait shows a complete implementation.
fn traits(files: &Files) -> Vec<String> {
    let mut findings = Vec::new();
    for (path, text) in sources(files, SOURCE) {
        let mut docs = String::new();
        for line in text.lines().map(str::trim_start) {
            if line.starts_with("///") {
                docs.push_str(line);
                docs.push('\n');
            } else if let Some(name) = line.strip_prefix("pub trait ") {
                let name: String = name.chars().take_while(|c| c.is_alphanumeric()).collect();
                if !docs.contains("```") || !docs.contains(&name) || !docs.contains("impl") {
                    findings.push(format!("{path}: the docs of the trait {name} show no implementation"));
                }
                docs.clear();
            } else if line.is_empty() || line == "}" {
                docs.clear();
            }
        }
    }
    findings
}

fn unfinished(files: &Files) -> Vec<String> {
    let words = ["todo!(", "unimplemented!(", "TODO", "FIXME", "#[ignore"];
    let others = sources(files, "").filter(|(path, _)| !path.starts_with("xtask/"));
    others
        .flat_map(|(path, text)| {
            words.into_iter().filter(|word| text.contains(word)).map(move |word| (path, word))
        })
        .map(|(path, word)| format!("{path}: holds `{word}`"))
        .collect()
}

/// A file that no `mod` names is never compiled, and its tests never run.
fn orphans(files: &Files) -> Vec<String> {
    let is_named = |path: &str| {
        let Some((folder, file)) = path.rsplit_once('/') else { return true };
        let stem = file.trim_end_matches(".rs");
        let is_root =
            ["lib", "main"].contains(&stem) || folder.ends_with("/tests") || folder.ends_with("/bin");
        // Cases of trybuild, and files that stand for a folder.
        if is_root || folder.ends_with("tests/ui") {
            return true;
        }
        let (folder, stem) = match stem {
            "mod" => folder.rsplit_once('/').unwrap_or(("", folder)),
            _ => (folder, stem),
        };
        let parents = ["mod.rs", "lib.rs", "main.rs"]
            .map(|name| format!("{folder}/{name}"))
            .into_iter()
            .chain([format!("{folder}.rs")]);
        let named = format!("mod {stem};");
        let names =
            |line: &str| line == named || line.starts_with("pub") && line.ends_with(&format!(" {named}"));
        parents.into_iter().any(|parent| text(files, &parent).lines().any(names))
    };
    let in_a_crate =
        sources(files, "").filter(|(path, _)| path.contains("/src/") || path.contains("/tests/"));
    let orphans = in_a_crate.filter(|(path, _)| !is_named(path));
    orphans.map(|(path, _)| format!("{path}: no module names it, so it is not compiled")).collect()
}

/// Every module of the library has unit tests, or a test file of its name.
fn module_tests(files: &Files) -> Vec<String> {
    let mut findings = Vec::new();
    for line in text(files, &format!("{SOURCE}lib.rs")).lines() {
        let Some(name) =
            line.trim_start_matches("pub ").strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';'))
        else {
            continue;
        };
        let own = |path: &str| {
            path == format!("{SOURCE}{name}.rs") || path.starts_with(&format!("{SOURCE}{name}/"))
        };
        let unit = sources(files, SOURCE).any(|(path, text)| own(path) && text.contains("#[cfg(test)]"));
        let from_outside = [name.to_owned(), format!("{name}s")].iter().any(|name| has_test(files, name));
        if !unit && !from_outside && !["fuzzing", "guide"].contains(&name) {
            findings.push(format!("{SOURCE}{name}: neither unit tests nor tests/it/{name}.rs"));
        }
    }
    findings
}

fn has_test(files: &Files, name: &str) -> bool {
    ["tests/it/NAME.rs", "tests/it/NAME/mod.rs"]
        .iter()
        .any(|path| files.contains_key(&format!("{LIBRARY}{}", path.replace("NAME", name))))
}

/// File = feature = page of the guide = test file.
fn guide(files: &Files) -> Vec<String> {
    let guide = text(files, &format!("{SOURCE}guide.rs"));
    let docs = format!("{LIBRARY}docs/");
    let mut findings = Vec::new();
    let mut missing = |path: String| {
        if !files.contains_key(&path) {
            findings.push(format!("{path} is missing: file = feature = page of the guide = test file"));
        }
    };
    for router in ROUTERS {
        missing(format!("{SOURCE}http/{router}.rs"));
        missing(format!("{docs}{router}.md"));
    }
    for page in files.keys().filter_map(|path| path.strip_prefix(&docs)?.strip_suffix(".md")) {
        if !guide.contains(&format!("#[doc = include_str!(\"../docs/{page}.md\")]\npub mod {page} {{}}")) {
            findings.push(format!("{docs}{page}.md: src/guide.rs has no module `{page}` that shows it"));
        }
        let feature = if page == "stores" { "store" } else { page };
        let in_the_library = || {
            let source = ["src/NAME.rs", "src/NAME/mod.rs", "src/http/NAME.rs"]
                .iter()
                .any(|path| files.contains_key(&format!("{LIBRARY}{}", path.replace("NAME", feature))));
            source && has_test(files, feature)
        };
        // What it tells is measured by a crate of its own.
        let in_the_benchmark =
            || files.contains_key("bench/src/main.rs") && files.contains_key("bench/tests/it.rs");
        if !(if page == "performance" { in_the_benchmark() } else { in_the_library() }) {
            findings.push(format!("{docs}{page}.md: no source file, or no test file, is called {feature}"));
        }
    }
    findings
}

/// Every Cargo feature stands in the table of the crate's documentation.
fn cargo_features(files: &Files) -> Vec<String> {
    let docs = text(files, &format!("{SOURCE}lib.rs"));
    let manifest = text(files, &format!("{LIBRARY}Cargo.toml"));
    let section =
        manifest.split("[features]").nth(1).and_then(|rest| rest.split("\n[").next()).unwrap_or_default();
    let names = section.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
    let missing = names.filter(|name| {
        !name.starts_with('#') && !docs.contains(&format!("//! | `{name}` |")) && *name != "default"
    });
    missing.map(|name| format!("{SOURCE}lib.rs: the feature `{name}` is not in its table")).collect()
}

/// The quickstart of the README is the example that the tests run.
fn quickstart(files: &Files) -> Vec<String> {
    let example = text(files, "examples/quickstart/src/main.rs");
    let code = example.split_once("\n\n").map_or("", |(_, code)| code);
    if code.is_empty() || !text(files, "README.md").contains(code) {
        return vec!["README.md: the quickstart is not that of examples/quickstart/src/main.rs".to_owned()];
    }
    Vec::new()
}

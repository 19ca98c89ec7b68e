//! The invariants of ARCHITECTURE.md that a program can check.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// No source file is longer, in lines.
const MAX_LINES: usize = 500;

/// Each of these has a file of routes, a page of the guide and a test file, all of that name.
const FEATURES: [&str; 5] = ["auth", "register", "reset", "users", "verify"];

pub fn run() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let mut findings = Findings::default();
    let sources = rust_files(&root);
    for path in &sources {
        let text = fs::read_to_string(path).unwrap_or_default();
        let shown = path.strip_prefix(&root).unwrap_or(path).display().to_string();
        findings.length(&shown, &text);
        findings.layers(&shown, &text);
        findings.traits(&shown, &text);
        findings.unfinished(&shown, &text);
    }
    findings.features(&root);
    findings.cargo_features(&root);
    findings.quickstart(&root);
    for finding in &findings.0 {
        eprintln!("{finding}");
    }
    if findings.0.is_empty() {
        println!("tidy: {} files are in order", sources.len());
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn length(&mut self, path: &str, text: &str) {
        let lines = text.lines().count();
        if lines > MAX_LINES {
            self.0.push(format!(
                "{path}: {lines} lines, at most {MAX_LINES}: find what it is two of, and split it"
            ));
        }
    }

    /// The rules and the stores know nothing of HTTP.
    fn layers(&mut self, path: &str, text: &str) {
        let inner = ["src/manager/", "src/store/"].iter().any(|layer| path.contains(layer));
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        if inner && code.into_iter().any(|line| line.contains("axum::") || line.contains("crate::http")) {
            self.0.push(format!("{path}: manager and store do not import axum or the HTTP layer"));
        }
    }

    /// Every public trait shows a complete implementation.
    fn traits(&mut self, path: &str, text: &str) {
        if !path.starts_with("crates/axum-users/src/") {
            return;
        }
        let mut docs = String::new();
        for line in text.lines() {
            let trimmed = line.trim_start();
            if trimmed.starts_with("///") {
                docs.push_str(trimmed);
                docs.push('\n');
            } else if let Some(name) = trimmed.strip_prefix("pub trait ") {
                let name: String = name.chars().take_while(|c| c.is_alphanumeric()).collect();
                if !docs.contains("```") || !docs.contains(&name) || !docs.contains("impl") {
                    self.0.push(format!("{path}: the docs of the trait {name} show no implementation"));
                }
                docs.clear();
            } else if trimmed.is_empty() || trimmed == "}" {
                docs.clear();
            }
        }
    }

    fn unfinished(&mut self, path: &str, text: &str) {
        if path.starts_with("xtask/") {
            return;
        }
        for word in ["todo!(", "unimplemented!(", "TODO", "FIXME", "#[ignore"] {
            if text.contains(word) {
                self.0.push(format!("{path}: holds `{word}`"));
            }
        }
    }

    fn features(&mut self, root: &Path) {
        for name in FEATURES {
            let parts = [
                format!("crates/axum-users/src/http/{name}.rs"),
                format!("crates/axum-users/docs/{name}.md"),
                format!("crates/axum-users/tests/it/{name}.rs"),
            ];
            for part in parts {
                if !root.join(&part).exists() {
                    self.0.push(format!("{part} is missing: file = feature = page of the guide = test file"));
                }
            }
        }
    }

    /// The quickstart of the README is the example that the tests run.
    fn quickstart(&mut self, root: &Path) {
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
        let example = read("examples/quickstart/src/main.rs");
        let code = example.split_once("\n\n").map_or("", |(_, code)| code);
        if code.is_empty() || !read("README.md").contains(code) {
            self.0
                .push("README.md: the quickstart is not that of examples/quickstart/src/main.rs".to_owned());
        }
    }

    /// Every Cargo feature stands in the table of the crate's documentation.
    fn cargo_features(&mut self, root: &Path) {
        let manifest = fs::read_to_string(root.join("crates/axum-users/Cargo.toml")).unwrap_or_default();
        let docs = fs::read_to_string(root.join("crates/axum-users/src/lib.rs")).unwrap_or_default();
        let section = manifest.split("[features]").nth(1).and_then(|rest| rest.split("\n[").next());
        for line in section.unwrap_or_default().lines() {
            let Some((name, _)) = line.split_once(" = ") else { continue };
            if !name.starts_with('#') && !docs.contains(&format!("`{name}`")) {
                self.0.push(format!(
                    "the feature `{name}` is not in the table of crates/axum-users/src/lib.rs"
                ));
            }
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return files };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

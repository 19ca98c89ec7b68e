//! The invariants of ARCHITECTURE.md that a program can check.

mod checks;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The project's text files by their paths from its root.
type Files = BTreeMap<String, String>;

pub fn run() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let mut files = Files::new();
    read(&root, &root, &mut files);
    let findings = checks::all(&files);
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: {} files are in order", files.len());
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn read(root: &Path, folder: &Path, files: &mut Files) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            read(root, &path, files);
        } else if ["rs", "md", "toml"].contains(&&*extension) {
            let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            files.insert(shown, fs::read_to_string(&path).unwrap_or_default());
        }
    }
}

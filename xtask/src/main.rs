//! Checks of the project itself, `cargo run -p xtask -- tidy`, and what makes its data.

mod common_passwords;
mod tidy;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("tidy") => tidy::run(),
        Some("common-passwords") => common_passwords::run(&arguments.collect::<Vec<_>>()),
        _ => {
            eprintln!("usage: cargo run -p xtask -- tidy | common-passwords FILTER LIST…");
            ExitCode::FAILURE
        }
    }
}

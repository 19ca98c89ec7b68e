use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal, Write},
    path::Path,
};

use anyhow::Context;
use axum_users::password::build_breach_filter;

use crate::args;

/// Makes a filter from a list, and tells how far it is.
pub fn run(command: &args::BreachFilter) -> anyhow::Result<()> {
    let args::BreachFilter { list, filter, min_count } = command;
    let lines: Box<dyn BufRead> = if list == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(list).with_context(|| format!("{} cannot be read", list.display()))?;
        Box::new(BufReader::with_capacity(1 << 20, file))
    };
    let (mut told, end_of_line) = (0, if io::stderr().is_terminal() { '\r' } else { '\n' });
    let progress = |done: f32| {
        let percent = (done * 100.0) as u32;
        if percent > told {
            told = percent;
            // Nobody watching is no error.
            let _ = write!(io::stderr(), "{percent:3} % of the list{end_of_line}");
        }
    };
    let built = build_breach_filter(lines, filter, *min_count, progress)?;
    super::print(&format!("{}: {} passwords in {} bytes", filter.display(), built.passwords, built.bytes));
    Ok(())
}

//! The table, in the terminal and as Markdown.

use std::fmt::Write;

use crate::{results::Results, servers::Kind, summary::Row};

const HEAD: [&str; 9] = [
    "what",
    Kind::Reference.name(),
    Kind::AxumLogin.name(),
    Kind::Ours.name(),
    Kind::Limit.name(),
    "times fastapi-users",
    "share of the limit",
    "goal",
    "holds",
];

/// As Markdown, whose columns stand below each other.
pub fn markdown(rows: &[Row]) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    lines.extend(rows.iter().map(cells));
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| {
            lines.iter().filter_map(|line| line.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (cell, &wide) in line.iter().zip(&widths) {
            let _ = write!(text, "| {cell}{} ", " ".repeat(wide - width(cell)));
        }
        text.push_str("|\n");
        if number == 0 {
            for wide in &widths {
                let _ = write!(text, "|{}", "-".repeat(wide + 2));
            }
            text.push_str("|\n");
        }
    }
    text
}

fn cells(row: &Row) -> [String; 9] {
    let [reference, axum_login, ours, limit] = row.figures.clone();
    let holds = match row.holds {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "",
    };
    let Row { title, times, share, goal, .. } = row.clone();
    [title, reference, axum_login, ours, limit, times, share, goal, holds.to_owned()]
}

/// Each character takes one column.
fn width(cell: &str) -> usize {
    cell.chars().count()
}

/// Where and of what the results are.
pub fn conditions(results: &Results) -> String {
    let machine = &results.machine;
    let mut text = format!(
        "{}, {} cores, {:?}, Linux {}; {} rounds of {} s, medians.",
        machine.processor, machine.cores, machine.vectors, machine.kernel, results.rounds, results.seconds
    );
    if machine.debug_build {
        text.push_str(" A build without optimisation: the figures say nothing.");
    }
    let versions: Vec<_> =
        results.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let _ = write!(text, " {}.", versions.join(", "));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let row = Row { title: "a µs".to_owned(), holds: Some(false), ..Row::default() };
        let text = markdown(&[row.clone(), Row { title: "longer".to_owned(), holds: Some(true), ..row }]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| width(line) == width(lines[0])), "{text}");
        assert!(lines[2].ends_with("| **no** |") && lines[3].ends_with("| yes    |"), "{text}");
    }
}

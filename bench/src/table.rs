//! The table, in the terminal and as Markdown.

use std::fmt::Write;

use crate::{
    results::{Growth, Results, Sample, median},
    route::ROUTES,
    servers::Kind,
    summary::{self, Row},
};

const HEAD: [&str; 9] = [
    "µs CPU + databases', or as said",
    Kind::Reference.name(),
    Kind::AxumLogin.name(),
    Kind::Ours.name(),
    Kind::Limit.name(),
    "times fastapi-users",
    "share of the limit",
    "goal",
    "holds",
];

/// The goals and what they are of, as Markdown.
pub fn goals(results: &Results) -> String {
    let mut lines = vec![HEAD.map(str::to_owned).to_vec()];
    lines.extend(summary::rows(results).iter().map(|row| cells(row).to_vec()));
    markdown(&lines)
}

/// Requests each second, and their times, as Markdown.
pub fn throughput(results: &Results) -> String {
    let servers = [Kind::Reference, Kind::AxumLogin, Kind::Ours, Kind::Limit];
    let mut head = vec!["requests a second; p50, p99 in ms".to_owned()];
    head.extend(servers.map(|server| server.name().to_owned()));
    let mut lines = vec![head];
    for route in ROUTES.iter().filter(|route| results.of(route.name, Kind::Ours).next().is_some()) {
        let mut line = vec![route.title.to_owned()];
        line.extend(servers.map(|server| {
            let of =
                |figure: fn(&Sample) -> f64| results.median(route.name, server, figure).map(summary::figure);
            match (of(|it| it.per_second), of(|it| it.p50_ms), of(|it| it.p99_ms)) {
                (Some(per_second), Some(p50), Some(p99)) => format!("{per_second}; {p50}, {p99}"),
                _ => String::new(),
            }
        }));
        lines.push(line);
    }
    markdown(&lines)
}

/// What our server takes by number of users, as Markdown; nothing if that was not measured.
pub fn growth(results: &Results) -> String {
    if results.growth.is_empty() {
        return String::new();
    }
    let head = [
        "users in SQLite",
        "file, MB",
        "start to first answer, ms",
        "own memory, MiB idle (after logins)",
        "/users/me, µs CPU",
        "/users/{id}, each another",
        "forgot-password, each another",
    ];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    lines.extend(results.growth.iter().map(|growth| growth_cells(growth).to_vec()));
    markdown(&lines)
}

fn growth_cells(growth: &Growth) -> [String; 7] {
    let of = |figures: &[f64]| median(figures.to_vec()).map(summary::figure).unwrap_or_default();
    let memory = [growth.idle_mib, growth.after_logins_mib].map(summary::figure);
    [
        in_words(growth.users),
        summary::figure(growth.file_bytes as f64 / 1e6),
        of(&growth.start_ms),
        format!("{} ({})", memory[0], memory[1]),
        of(&growth.me_us),
        of(&growth.user_us),
        of(&growth.forgot_password_us),
    ]
}

/// Round numbers as one says them.
pub fn in_words(number: u32) -> String {
    match number {
        number if number >= 1_000_000 && number.is_multiple_of(1_000_000) => {
            format!("{} million", number / 1_000_000)
        }
        number if number >= 1000 && number.is_multiple_of(1000) => format!("{} thousand", number / 1000),
        number => number.to_string(),
    }
}

/// A table whose columns stand below each other; its first line is the head.
fn markdown(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
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
        "{}, {} cores, {:?}, Linux {}; medians of {} × {} s.",
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
    use crate::results::tests::example;

    #[test]
    fn columns_stand_below_each_other() {
        let lines = [["a", "b"], ["a µs", ""], ["", "longer"]];
        let text = markdown(&lines.map(|line| line.map(str::to_owned).to_vec()));
        assert_eq!(text, "| a    | b      |\n|------|--------|\n| a µs |        |\n|      | longer |\n");
    }

    #[test]
    fn growth_by_number_of_users() {
        let mut results = example(&[]);
        assert_eq!(growth(&results), "");
        let small = Growth {
            users: 10_000,
            file_bytes: 3_140_000,
            start_ms: vec![9.0, 7.0, 8.0],
            idle_mib: 3.1,
            after_logins_mib: 27.6,
            me_us: vec![16.0, 18.0],
            user_us: vec![20.0],
            forgot_password_us: vec![345.0],
        };
        results.growth = vec![small.clone(), Growth { users: 1_000_000, ..small }];
        let text = growth(&results);
        let line = text.lines().nth(2).unwrap().split('|').map(str::trim).collect::<Vec<_>>();
        let cells = ["", "10 thousand", "3.14", "8.00", "3.10 (27.6)", "17.0", "20.0", "345", ""];
        assert_eq!(line, cells);
        assert!(text.lines().nth(3).unwrap().starts_with("| 1 million"), "{text}");
    }

    #[test]
    fn numbers_in_words() {
        let numbers = [999, 1000, 10_500, 250_000, 1_000_000, 1_500_000, 10_000_000];
        let words =
            ["999", "1 thousand", "10500", "250 thousand", "1 million", "1500 thousand", "10 million"];
        assert_eq!(numbers.map(in_words), words);
    }

    #[test]
    fn goals_that_hold_and_others() {
        let results = example(&[
            ("me_redis", Kind::Reference, 2000.0),
            ("me_redis", Kind::Ours, 20.0),
            ("me_redis", Kind::Limit, 10.0),
        ]);
        let text = goals(&results);
        assert!(text.contains("| 100×") && text.contains("| 50 %") && text.contains("| **no** |"), "{text}");
        let text = throughput(&results);
        assert!(text.contains("| 100; 1.00, 2.00 |"), "{text}");
    }
}

//! The page of the guide: the table, and plots beside it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::{
    goal::Goal,
    plot::{Group, bars},
    results::{Growth, Results, Sample, median},
    route::ROUTES,
    servers::Kind,
    table,
};

const TEMPLATE: &str = include_str!("../page.md");
/// What it says of growth, if that was measured.
const GROWTH: &str = include_str!("../growth.md");
const COLUMNS: [Kind; 4] = [Kind::Reference, Kind::AxumLogin, Kind::Ours, Kind::Limit];

/// Writes `performance.md`, and the plots into a folder beside it.
pub fn write(results: &Results) -> anyhow::Result<()> {
    for (file, text) in files(results)? {
        fs::create_dir_all(file.parent().context("a file in no folder")?)?;
        fs::write(file, text)?;
    }
    Ok(())
}

/// The files, and what is in them.
fn files(results: &Results) -> anyhow::Result<[(PathBuf, String); 4]> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/axum-users/docs");
    let day = results.date.split('T').next().context("the date has no day")?;
    let text = TEMPLATE
        .replace("{table}", table::goals(results).trim_end())
        .replace("{throughput}", table::throughput(results).trim_end())
        .replace("{growth}", &growth_section(results))
        .replace("{conditions}", &table::conditions(results))
        .replace("{date}", day);
    Ok([
        (docs.join("performance.md"), text),
        (docs.join("performance/cpu.svg"), alone(&cpu(results)?)),
        (docs.join("performance/latency.svg"), alone(&latency(results)?)),
        (docs.join("performance/growth.svg"), alone(&growth(results)?)),
    ])
}

/// Between blank lines it is a paragraph of the page that includes it.
fn alone(svg: &str) -> String {
    format!("\n{}\n\n", svg.trim())
}

fn cpu(results: &Results) -> anyhow::Result<String> {
    let routes = ROUTES.iter().filter(|route| !matches!(route.goal, Goal::Latency { .. }));
    let groups = routes.map(|route| Group {
        title: route.title.to_owned(),
        bars: medians(results, route.name, |sample| sample.cpu_us),
    });
    let groups: Vec<Group> = groups.filter(|group| !group.bars.is_empty()).collect();
    bars("CPU time of the server for one request", "µs, logarithmic; less is better", &groups)
}

fn latency(results: &Results) -> anyhow::Result<String> {
    let route =
        ROUTES.iter().find(|route| matches!(route.goal, Goal::Latency { .. })).context("no such route")?;
    type Figure = fn(&Sample) -> f64;
    let figures: [(&str, Figure); 3] = [
        ("the median", |sample| sample.p50_ms),
        ("99 of 100 are faster", |sample| sample.p99_ms),
        ("the slowest", |sample| sample.slowest_ms),
    ];
    let groups = figures
        .map(|(title, figure)| Group { title: title.to_owned(), bars: medians(results, route.name, figure) });
    bars(route.title, "ms, logarithmic; less is better", &groups)
}

fn growth_section(results: &Results) -> String {
    if results.growth.is_empty() {
        return String::new();
    }
    let section = GROWTH.replace("{table}", table::growth(results).trim_end());
    format!("\n{}\n", section.trim_end())
}

fn growth(results: &Results) -> anyhow::Result<String> {
    type Figures = fn(&Growth) -> &[f64];
    let acts: [(&str, Figures); 3] = [
        ("/users/me", |growth| &growth.me_us),
        ("/users/{id}", |growth| &growth.user_us),
        ("forgot-password", |growth| &growth.forgot_password_us),
    ];
    let groups: Vec<Group> = acts
        .into_iter()
        .flat_map(|(title, figures)| results.growth.iter().map(move |growth| (title, figures, growth)))
        .map(|(title, figures, growth)| Group {
            title: format!("{title}, {} users", table::in_words(growth.users)),
            bars: median(figures(growth).to_vec()).map(|median| (Kind::Ours, median)).into_iter().collect(),
        })
        .collect();
    bars("CPU time by number of users in SQLite", "µs, logarithmic; less is better", &groups)
}

fn medians(results: &Results, route: &str, figure: fn(&Sample) -> f64) -> Vec<(Kind, f64)> {
    let of = |kind| results.median(route, kind, figure).map(|median| (kind, median));
    COLUMNS.into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::example;

    #[test]
    fn the_page_is_that_of_the_newest_run() {
        for (file, text) in files(&Results::newest().unwrap()).unwrap() {
            let found = fs::read_to_string(&file).unwrap();
            assert!(found == text, "{} is another: run axum-users-bench page", file.display());
        }
    }

    #[test]
    fn plots_of_what_there_is() {
        let results = example(&[
            ("me_redis", Kind::Reference, 2000.0),
            ("me_redis", Kind::Ours, 25.0),
            ("me_during_logins", Kind::Ours, 0.0),
        ]);
        assert!(cpu(&results).unwrap().contains("/users/me, Redis token"));
        assert!(latency(&results).unwrap().contains("2.0 axum-users"));
    }

    #[test]
    fn growth_is_shown_if_it_was_measured() {
        let mut results = example(&[("me_during_logins", Kind::Ours, 0.0)]);
        let shown = |results: &Results| files(results).unwrap().map(|(_, text)| text);
        let [page, _, _, plot] = shown(&results);
        assert!(!page.contains("{growth}") && !page.contains("users in SQLite") && plot.trim().is_empty());
        let of = |users, me: f64| Growth {
            users,
            me_us: vec![me],
            user_us: vec![25.0],
            forgot_password_us: vec![500.0],
            ..Growth::default()
        };
        results.growth = vec![of(10_000, 15.0), of(1_000_000, 16.0)];
        let [page, _, _, plot] = shown(&results);
        assert!(page.contains("| users in SQLite |") && page.contains("\n| 1 million "), "{page}");
        for text in ["/users/me, 1 million users", "forgot-password, 10 thousand users", "16 axum-users"] {
            assert!(plot.contains(text), "{text}: {plot}");
        }
    }
}

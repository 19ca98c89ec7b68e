//! The page of the guide: the table, and plots beside it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::{
    goal::Goal,
    plot::{Group, bars},
    results::{Results, Sample},
    route::ROUTES,
    servers::Kind,
    table,
};

const TEMPLATE: &str = include_str!("../page.md");
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
fn files(results: &Results) -> anyhow::Result<[(PathBuf, String); 3]> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/axum-users/docs");
    let day = results.date.split('T').next().context("the date has no day")?;
    let text = TEMPLATE
        .replace("{table}", table::goals(results).trim_end())
        .replace("{throughput}", table::throughput(results).trim_end())
        .replace("{conditions}", &table::conditions(results))
        .replace("{date}", day);
    Ok([
        (docs.join("performance.md"), text),
        (docs.join("performance/cpu.svg"), alone(&cpu(results)?)),
        (docs.join("performance/latency.svg"), alone(&latency(results)?)),
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
}

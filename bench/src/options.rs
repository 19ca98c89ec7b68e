//! What the command line asks for.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Measures axum-users beside the real fastapi-users, a session check in the shape of axum-login's, and the least work there is.
#[derive(Parser)]
pub struct Options {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: Run,
}

#[derive(clap::Args, Clone)]
pub struct Run {
    /// Only these, several with commas; `start`, `flood`, `growth` and the names of routes.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub only: Vec<String>,
    /// One round of half a second for each server and route: to see that all works.
    #[arg(long)]
    pub quick: bool,
    /// Rounds; the medians count.
    #[arg(long, default_value_t = 3)]
    pub rounds: u32,
    /// Seconds of a round for each server and route.
    #[arg(long, default_value_t = 4.0)]
    pub seconds: f64,
    /// Growth is measured with so many users as well, several with commas; 10000000 take minutes, and 4 GB of the folder for
    /// temporary files.
    #[arg(long, value_delimiter = ',', value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1000..))]
    pub growth_users: Vec<u32>,
    /// Where DATE.json and DATE.md are written. Without it a run of everything writes them to bench/results, and makes the page of
    /// the guide of them.
    #[arg(long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Makes the page of the guide, with its plots, of the newest run in bench/results.
    Page,
    /// Serves the least work.
    #[command(hide = true)]
    Limit {
        #[arg(long)]
        strategy: String,
        #[arg(long)]
        database: String,
        #[arg(long)]
        redis: String,
    },
    /// Serves a session check.
    #[command(hide = true)]
    AxumLoginShape {
        #[arg(long)]
        database: String,
    },
    /// Hashes for a while.
    #[command(hide = true)]
    Hashes {
        #[arg(long)]
        seconds: f64,
    },
}

impl Run {
    /// Whether something is to be measured.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == name)
    }

    pub fn rounds(&self) -> u32 {
        if self.quick { 1 } else { self.rounds }
    }

    pub fn seconds(&self) -> f64 {
        if self.quick { 0.5 } else { self.seconds }
    }

    /// Whether its results say all that there is to say.
    pub fn is_whole(&self) -> bool {
        self.only.is_empty() && !self.quick
    }
}

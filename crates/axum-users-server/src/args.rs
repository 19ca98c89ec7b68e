//! The command line. The comments are the help.

use std::{path::PathBuf, time::Duration};

use axum_users::AuditAct;
use clap::{Parser, Subcommand};

/// User management ready to run: registration, login, password reset, e-mail verification.
///
/// Every setting can stand in a TOML file, in an environment variable (`AXUM_USERS_LISTEN`,
/// `AXUM_USERS_LOGIN__REQUIRE_VERIFIED`), or both: a flag wins over a variable, a variable over the file.
/// `axum-users config --example` prints all of them.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// The configuration file; without it `axum-users.toml` of the working directory, if there is one.
    #[arg(long, short, global = true, value_name = "FILE", env = "AXUM_USERS_CONFIG")]
    pub config: Option<PathBuf>,

    /// Where the database and the generated secrets are kept [default: axum-users-data].
    #[arg(long, global = true, value_name = "DIRECTORY", env = "AXUM_USERS_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server until SIGTERM or SIGINT.
    Serve(Serve),
    /// Bring the database up to date, as every start of the server does: what is missing is added, nothing is dropped or
    /// rewritten. A database that fastapi-users made is adopted.
    Migrate {
        /// Only print the statements, or why the database would be refused.
        #[arg(long)]
        dry_run: bool,
    },
    /// Create, show and change users, also beside a running server.
    #[command(subcommand)]
    User(User),
    /// Show and revive the jobs that were given up: mails that could not be sent.
    #[command(subcommand)]
    Jobs(Jobs),
    /// Make the file of `password.breach_filter`: new passwords are refused that are known from data breaches, and nothing leaves
    /// this machine.
    BreachFilter(BreachFilter),
    /// Measure what password hashes cost on this machine, and propose parameters for the time that a login may take.
    Calibrate(Calibrate),
    /// Show what was done: logins, changes, and what was refused.
    #[command(subcommand)]
    Events(Events),
    /// Print the OpenAPI document of the configured routes.
    Openapi,
    /// Print the effective configuration, every secret redacted.
    Config {
        /// Print an example file instead: every setting with its default and what it means.
        #[arg(long)]
        example: bool,
    },
}

/// Run the server.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Address and port to listen on; port 0 takes a free one and prints it [default: 127.0.0.1:8000].
    #[arg(long, short, value_name = "ADDRESS", env = "AXUM_USERS_LISTEN")]
    pub listen: Option<String>,

    /// What the links in mails start with [default: http:// and the address listened on].
    #[arg(long, value_name = "URL", env = "AXUM_USERS_PUBLIC_URL")]
    pub public_url: Option<String>,
}

/// Measure what password hashes cost on this machine.
#[derive(Debug, clap::Args)]
pub struct Calibrate {
    /// Milliseconds that the hash of a login may take.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    pub target_ms: u32,

    /// Threads that hash at the same time [default: one for each core].
    #[arg(long, value_name = "NUMBER")]
    pub threads: Option<usize>,

    /// MiB that all of them together may have [default: 64 for each core, at least 256].
    #[arg(long, value_name = "NUMBER")]
    pub memory_mib: Option<u64>,
}

/// Create, show and change users. Nothing here has an environment variable: what a command does to a user stands in
/// the command, except for passwords, which are asked for.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Create a user. The password is asked for.
    Create {
        /// The e-mail address.
        email: String,
        /// A superuser, who manages all users.
        #[arg(long)]
        superuser: bool,
        /// The address counts as verified.
        #[arg(long)]
        verified: bool,
        /// A configured field, also one that is read-only or private over HTTP; may be repeated.
        #[arg(long = "field", value_name = "NAME=VALUE", value_parser = name_and_value)]
        fields: Vec<(String, String)>,
        #[command(flatten)]
        password: Password,
        #[command(flatten)]
        output: Output,
    },
    /// List users in the order of their ids.
    List {
        /// Only users after this id.
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 100, value_name = "NUMBER")]
        limit: u32,
        #[command(flatten)]
        output: Output,
    },
    /// Show one user.
    Show {
        #[command(flatten)]
        user: Who,
        #[command(flatten)]
        output: Output,
    },
    /// Set a new password, which is asked for. Under the secure policy this ends all sessions of the user.
    SetPassword {
        #[command(flatten)]
        user: Who,
        #[command(flatten)]
        password: Password,
    },
    /// Make a superuser of a user, or the opposite.
    Promote {
        #[command(flatten)]
        user: Who,
        /// Take the rights of a superuser away.
        #[arg(long)]
        demote: bool,
    },
    /// Lock a user out, or let them in again.
    Deactivate {
        #[command(flatten)]
        user: Who,
        /// Let the user in again.
        #[arg(long)]
        activate: bool,
    },
    /// Delete a user with all that belongs to them.
    Delete {
        #[command(flatten)]
        user: Who,
        /// Do not ask whether to.
        #[arg(long, short)]
        yes: bool,
    },
}

/// Show and revive the jobs that were given up, also beside a running server.
#[derive(Debug, Subcommand)]
pub enum Jobs {
    /// List jobs that were given up, the latest first, with why.
    List {
        /// At most this many.
        #[arg(long, default_value_t = 100, value_name = "NUMBER")]
        limit: u32,
        #[command(flatten)]
        output: Output,
    },
    /// Have a job that was given up tried again, by a server that runs or the next one that does.
    Retry {
        /// The id that `list` shows.
        id: uuid::Uuid,
    },
}

/// Make the file of `password.breach_filter` from a list of Have I Been Pwned.
#[derive(Debug, clap::Args)]
pub struct BreachFilter {
    /// The list: lines SHA1:COUNT in the order of the hashes, as the downloader of Have I Been Pwned writes it; `-` for the
    /// standard input.
    #[arg(value_name = "LIST")]
    pub list: PathBuf,
    /// The file to make.
    #[arg(value_name = "FILTER")]
    pub filter: PathBuf,
    /// Only passwords that were seen at least this often.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub min_count: u64,
}

/// Show what was done, also beside a running server.
#[derive(Debug, Subcommand)]
pub enum Events {
    /// List audit events, the latest first.
    List {
        /// Only of this user, or for this address although nobody has it.
        #[arg(long, value_name = "EMAIL|ID")]
        user: Option<String>,
        /// Only of this act, such as `login_failed`.
        #[arg(long, value_parser = act)]
        act: Option<AuditAct>,
        /// Only of the last seconds (`30s`), minutes (`30m`), hours (`24h`) or days (`7d`).
        #[arg(long, value_name = "TIME", value_parser = time)]
        since: Option<Duration>,
        /// Only events that come after the one with this id.
        #[arg(long, value_name = "ID")]
        after: Option<uuid::Uuid>,
        /// At most this many.
        #[arg(long, default_value_t = 100, value_name = "NUMBER")]
        limit: u32,
        #[command(flatten)]
        output: Output,
    },
}

/// Which user.
#[derive(Debug, clap::Args)]
pub struct Who {
    /// The e-mail address or the id.
    #[arg(value_name = "EMAIL|ID")]
    pub user: String,
}

/// Where a password comes from: never from the command line or the environment, which others can read.
#[derive(Debug, clap::Args)]
pub struct Password {
    /// Read the password from the first line of the standard input.
    #[arg(long)]
    pub password_stdin: bool,
}

/// For people or for programs.
#[derive(Debug, clap::Args)]
pub struct Output {
    /// Print JSON; users as the HTTP routes answer them.
    #[arg(long)]
    pub json: bool,
}

fn act(text: &str) -> Result<AuditAct, String> {
    let known = AuditAct::ALL.iter().find(|act| act.as_str() == text);
    known.copied().ok_or_else(|| {
        let names: Vec<&str> = AuditAct::ALL.iter().map(|act| act.as_str()).collect();
        format!("it is one of {}", names.join(", "))
    })
}

fn time(text: &str) -> Result<Duration, String> {
    let units = [('s', 1), ('m', 60), ('h', 60 * 60), ('d', 24 * 60 * 60)];
    let read = |(unit, seconds)| text.strip_suffix(unit)?.parse::<u32>().ok().map(|count| (count, seconds));
    let (count, seconds) = units.into_iter().find_map(read).ok_or("it reads 30s, 30m, 24h or 7d")?;
    Ok(Duration::from_secs(u64::from(count) * seconds))
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it reads NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

use anyhow::Context;
use axum_users::{MongoStore, SqlOptions, SqlStore};

use crate::{
    config::Config,
    data::Data,
    profile::{Configured, configure},
};

/// Brings the database up to date, or only prints what that would take. The output is SQL, or what
/// `mongosh` takes.
pub async fn run(config: &Config, dry_run: bool) -> anyhow::Result<()> {
    configure(&config.settings);
    let url = Data::database_url(config);
    let options = SqlOptions::from(&config.settings.database);
    let database = || format!("the database {url}");
    if !dry_run {
        Data::open(config)?;
    }
    let statements = match (config.settings.is_mongodb(), dry_run) {
        (false, true) => SqlStore::<Configured>::plan(url.expose(), &options).await,
        (false, false) => SqlStore::<Configured>::migrate(url.expose(), &options).await,
        (true, true) => MongoStore::<Configured>::plan(url.expose()).await,
        (true, false) => MongoStore::<Configured>::migrate(url.expose()).await,
    };
    let statements = statements.with_context(database)?;
    let done = match (statements.len(), dry_run) {
        (0, _) => "is up to date".to_owned(),
        (count, true) => format!("needs {count} statements; nothing was changed"),
        (count, false) => format!("was changed by {count} statements"),
    };
    let comment = if config.settings.is_mongodb() { "//" } else { "--" };
    super::print(&format!("{comment} {} {done}", database()));
    for sql in statements {
        super::print(&format!("{sql};"));
    }
    Ok(())
}

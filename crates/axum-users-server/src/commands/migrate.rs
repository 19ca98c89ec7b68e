use anyhow::Context;
use axum_users::{SqlOptions, SqlStore, UserId};

use crate::{
    config::Config,
    data::Data,
    profile::{Configured, set_fields},
};

/// Brings the database up to date, or only prints what that would take. The output is SQL.
pub async fn run<I: UserId>(config: &Config, dry_run: bool) -> anyhow::Result<()> {
    set_fields(&config.settings.fields);
    let url = Data::database_url(config);
    let options = SqlOptions::from(&config.settings.database);
    let database = || format!("the database {url}");
    let statements = if dry_run {
        SqlStore::<Configured<I>>::plan(url.expose(), &options).await.with_context(database)?
    } else {
        Data::open(config)?;
        SqlStore::<Configured<I>>::migrate(url.expose(), &options).await.with_context(database)?
    };
    let done = match (statements.len(), dry_run) {
        (0, _) => "is up to date".to_owned(),
        (count, true) => format!("needs {count} statements; nothing was changed"),
        (count, false) => format!("was changed by {count} statements"),
    };
    super::print(&format!("-- {} {done}", database()));
    for sql in statements {
        super::print(&format!("{sql};"));
    }
    Ok(())
}

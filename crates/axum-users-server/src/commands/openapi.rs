use axum_users::MemoryStore;

use crate::{assemble, config::Config, data::Data, profile::Configured};

/// Prints the OpenAPI document of the configured routes.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let data = Data::open(config)?;
    let store = MemoryStore::<Configured>::new();
    let users = assemble::build(assemble::with_store(config, &data, &store, None, "http://127.0.0.1")?)?;
    super::print(&users.openapi().to_pretty_json()?);
    Ok(())
}

use anyhow::bail;
use axum_users::DeadJob;
use serde_json::json;

use crate::{args, assemble, config::Config, data::Data};

/// Shows and revives jobs that were given up, also beside a running server.
pub async fn run(config: &Config, command: args::Jobs) -> anyhow::Result<()> {
    let data = Data::open(config)?;
    let users = assemble::users(config, &data, "http://127.0.0.1").await?;
    match command {
        args::Jobs::List { limit, output } => {
            for job in users.dead_jobs(limit).await? {
                super::print(&if output.json { as_json(&job) } else { as_text(&job) });
            }
        }
        args::Jobs::Retry { id } => {
            if !users.revive_job(id).await? {
                bail!("there is no job {id} that was given up");
            }
            super::print(&format!("{id} will be tried again"));
        }
    }
    Ok(())
}

fn as_text(job: &DeadJob) -> String {
    let DeadJob { id, kind, payload, attempts, died_at, reason } = job;
    let whom = ["email", "user"].iter().find_map(|name| payload[*name].as_str()).unwrap_or_default();
    format!("{id}  {died_at}  {kind} for {whom:?}, tried {attempts} times: {reason}")
}

/// One document for each line.
fn as_json(job: &DeadJob) -> String {
    let DeadJob { id, kind, payload, attempts, died_at, reason } = job;
    let died_at = died_at.unix_timestamp();
    json!({"id": id, "kind": kind, "payload": payload, "attempts": attempts, "died_at": died_at, "reason": reason})
        .to_string()
}

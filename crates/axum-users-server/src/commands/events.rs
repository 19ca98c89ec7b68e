use anyhow::bail;
use axum_users::{AuditEvent, AuditFilter, Timestamp, UserError, Users};
use time::OffsetDateTime;

use crate::{args, assemble, config::Config, data::Data, profile::Configured};

/// Shows what was done, also beside a running server.
pub async fn run(config: &Config, command: args::Events) -> anyhow::Result<()> {
    let args::Events::List { user, act, since, after, limit, output } = command;
    if !config.settings.audit.enabled {
        bail!("no events are kept: `audit.enabled` is false");
    }
    let data = Data::open(config)?;
    let users = assemble::users(config, &data, "http://127.0.0.1").await?;
    // What is longer ago than times reach is no limit.
    let since = since.and_then(|time| OffsetDateTime::now_utc().checked_sub(time.try_into().ok()?));
    let filter = match &user {
        Some(who) => of_user(&users, who).await?,
        None => AuditFilter::default(),
    };
    for event in users.events(&AuditFilter { act, since, ..filter }, after, limit).await? {
        super::print(&if output.json { serde_json::to_string(&event)? } else { as_text(&event)? });
    }
    Ok(())
}

/// What is known of a user: by the id, and by the address, which may be nobody's.
async fn of_user(users: &Users<Configured>, who: &str) -> anyhow::Result<AuditFilter> {
    let manager = users.manager();
    let id = manager.parse_id(who);
    let found = match &id {
        Some(id) => manager.get(id).await,
        None => manager.get_by_email(who).await,
    };
    let (user, email) = match found {
        Ok(user) => (Some(user.id.to_string()), Some(user.email)),
        Err(UserError::NotFound) => {
            (id.as_ref().map(ToString::to_string), id.is_none().then(|| who.to_owned()))
        }
        Err(error) => return Err(error.into()),
    };
    let identifier = email.map(|email| users.event_identifier(&email));
    Ok(AuditFilter { user, identifier, ..AuditFilter::default() })
}

fn as_text(event: &AuditEvent) -> anyhow::Result<String> {
    let time = serde_json::to_value(Timestamp(event.time))?;
    let mut line = format!("{}  {}  {}", event.id, time.as_str().unwrap_or_default(), event.act);
    let changes: Vec<&str> = event.changes.iter().map(|change| change.as_str()).collect();
    for (name, part) in [
        ("user", event.user.clone()),
        ("by", event.actor.clone()),
        ("via", event.via.clone()),
        ("reason", event.reason.map(|reason| reason.to_string())),
        ("changes", (!changes.is_empty()).then(|| changes.join(","))),
        ("from", event.address.map(|address| address.to_string())),
        ("address", event.identifier.clone()),
        ("agent", event.user_agent.as_ref().map(|agent| format!("{agent:?}"))),
    ] {
        if let Some(part) = part {
            line += &format!("  {name}={part}");
        }
    }
    Ok(line)
}

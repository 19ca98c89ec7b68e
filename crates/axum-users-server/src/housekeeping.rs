//! What is done from time to time beside the requests.

use std::time::Duration;

use axum_users::Users;

use crate::profile::Configured;

/// Between two rounds.
const PAUSE: Duration = Duration::from_secs(60);

/// The metric of removed tokens.
const REMOVED: &str = "axum_users_expired_tokens_removed_total";

/// Removes tokens that are over, audit events that are old, and limits that say nothing any more, every minute. A store that is away is
/// tried again.
pub async fn run(users: Users<Configured>) {
    metrics::describe_counter!(REMOVED, "Stored tokens that were over and have been removed");
    let removed = metrics::counter!(REMOVED);
    loop {
        match users.remove_expired_tokens().await {
            Ok(count) => removed.increment(count),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "expired tokens are left for now");
            }
        }
        if let Err(error) = users.remove_old_events().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "old audit events are left for now");
        }
        if let Err(error) = users.remove_expired_limits().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "limits that are over are left for now");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

//! Figures for Prometheus, on an address of their own that the world need not reach.

use anyhow::anyhow;
use axum::{Router, routing::get};
use axum_users::Users;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::TcpListener;

use crate::{config::Config, logs::Logs, profile::Configured, routes::App, serve};

/// The metric of hashed and verified passwords.
const PASSWORDS: &str = "axum_users_password_operations_total";

/// The metrics of jobs: those that wait or are done, and those that were given up.
const WAITING: &str = "axum_users_jobs_waiting";
const DEAD: &str = "axum_users_jobs_dead";

/// The metrics of audit events: those written to the database, and those that are only logged.
const WRITTEN: &str = "axum_users_audit_events_written_total";
const DROPPED: &str = "axum_users_audit_events_dropped_total";

/// The metric of lines of the log that nobody reads.
const LOG_LINES: &str = "axum_users_log_lines_dropped_total";

/// Buckets of times: of waiting for a hash, and of hashing.
const SECONDS: [f64; 12] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1.0, 2.0, 5.0];

/// Starts to collect and to answer `/metrics`, if the configuration says where. Gives the address.
pub async fn start(
    config: &Config,
    users: &Users<Configured>,
    logs: &Logs,
) -> anyhow::Result<Option<String>> {
    let Some(listen) = &config.settings.metrics_listen else { return Ok(None) };
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| config.refuse("metrics_listen", format!("{listen}: {error}")))?;
    let address = format!("http://{}/metrics", listener.local_addr()?);
    let figures = PrometheusBuilder::new()
        .set_buckets(&SECONDS)
        .map_err(|error| anyhow!("metrics cannot be collected: {error}"))?
        .install_recorder()
        .map_err(|error| anyhow!("metrics cannot be collected: {error}"))?;
    metrics::describe_counter!(PASSWORDS, "Passwords that were hashed or verified");
    metrics::describe_gauge!(WAITING, "Jobs that wait or are being done, on all nodes");
    metrics::describe_gauge!(DEAD, "Jobs that were given up, on all nodes");
    metrics::describe_counter!(WRITTEN, "Audit events that were written to the database");
    metrics::describe_counter!(DROPPED, "Audit events that were only logged: too many waited to be written");
    metrics::describe_counter!(LOG_LINES, "Lines that were not logged: nobody read those before them");
    metrics::describe_gauge!("axum_users_password_queue", "Passwords that wait to be hashed");
    metrics::describe_gauge!("axum_users_password_memory_bytes", "Memory of the threads that hash");
    metrics::describe_histogram!(
        "axum_users_password_wait_seconds",
        "How long passwords waited to be hashed"
    );
    metrics::describe_histogram!("axum_users_password_hash_seconds", "How long hashing or verifying took");
    metrics::describe_counter!("axum_users_password_refused_total", "Passwords that were answered with 503");
    let (users, lines) = (users.clone(), logs.dropped.clone());
    let render = async move || {
        metrics::counter!(PASSWORDS).absolute(users.password_operations());
        metrics::counter!(WRITTEN).absolute(users.events_written());
        metrics::counter!(DROPPED).absolute(users.events_dropped());
        metrics::counter!(LOG_LINES).absolute(lines.dropped_lines() as u64);
        // While the database is away, the last figures stand.
        if let Ok(jobs) = users.job_counts().await {
            metrics::gauge!(WAITING).set(jobs.waiting as f64);
            metrics::gauge!(DEAD).set(jobs.dead as f64);
        }
        figures.render()
    };
    let app = App::new(Router::new().route("/metrics", get(render)), false);
    tokio::spawn(serve::run(listener, app, std::future::pending()));
    Ok(Some(address))
}

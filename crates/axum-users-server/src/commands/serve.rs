use std::io::ErrorKind;

use anyhow::anyhow;
use axum_users::PublicUrl;
use tokio::net::TcpListener;

use crate::{
    assemble,
    config::{BackendSettings, Config, StrategyName},
    data::Data,
    housekeeping,
    logs::Logs,
    metrics, routes, serve,
};

/// Serves until SIGTERM or SIGINT.
pub async fn run(config: &Config, logs: &Logs) -> anyhow::Result<()> {
    let settings = &config.settings;
    let stop = serve::stop_signal()?;
    let data = Data::open(config)?;
    let listener = TcpListener::bind(&settings.listen).await.map_err(|error| explain(config, &error))?;
    let address = format!("http://{}", listener.local_addr()?);
    let public_url = settings.public_url.as_deref().unwrap_or(&address);
    let users = assemble::users(config, &data, public_url).await?;
    let over_https = public_url.starts_with("https://");
    let app = routes::router(&users, &settings.mail.product, over_https);
    let metrics = metrics::start(config, &users, logs).await?;
    let housekeeping = tokio::spawn(housekeeping::run(users.clone()));
    print_where_everything_is(config, &data, &address, public_url, metrics);
    super::print(&format!("listening on {address}"));
    serve::run(listener, app, stop).await;
    housekeeping.abort();
    users.shutdown().await;
    Ok(())
}

fn explain(config: &Config, error: &std::io::Error) -> anyhow::Error {
    let listen = &config.settings.listen;
    match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!("{listen} is in use: another server runs there; choose another with --listen")
        }
        ErrorKind::PermissionDenied => {
            anyhow!("{listen} may not be used: ports below 1024 are for the administrator")
        }
        ErrorKind::InvalidInput => config.refuse("listen", "it reads ADDRESS:PORT, like 127.0.0.1:8000"),
        _ => config.refuse("listen", format!("{listen}: {error}")),
    }
}

fn print_where_everything_is(
    config: &Config,
    data: &Data,
    address: &str,
    public_url: &str,
    metrics: Option<String>,
) {
    let settings = &config.settings;
    let absolute =
        |path: &std::path::Path| std::path::absolute(path).unwrap_or(path.to_owned()).display().to_string();
    let mut lines = vec![
        ("docs", format!("{address}/docs")),
        ("data directory", absolute(&data.directory)),
        ("database", data.database_url.to_string()),
    ];
    let in_redis = |backend: &BackendSettings| backend.strategy == StrategyName::Redis;
    if let Some(redis) = settings.redis_url.as_ref().filter(|_| settings.backends.iter().any(in_redis)) {
        lines.push(("sessions", redis.to_string()));
    }
    lines.extend(metrics.map(|metrics| ("metrics", metrics)));
    if let Some(file) = &data.secrets_file {
        lines.push(("secrets", absolute(file)));
    }
    let file =
        config.file.as_deref().map_or("none (axum-users config --example prints one)".to_owned(), absolute);
    lines.push(("configuration", file));
    let mails = match settings.mail.smtp_url() {
        Some(_) => settings.mail.transport.to_string(),
        None => "printed here".to_owned(),
    };
    lines.push(("mails", mails));
    lines.push(("links in mails", public_url.to_owned()));
    for backend in &settings.backends {
        lines.push(("log in at", format!("{address}{}/login", backend.path())));
    }
    let sent_back = |path: &str| PublicUrl::parse(public_url).map(|url| url.page(path)).unwrap_or_default();
    for (name, provider) in &settings.oauth {
        for (path, set, act) in [
            (format!("/auth/{name}/callback"), &provider.redirect_url, "logging in"),
            (
                format!("/auth/associate/{name}/callback"),
                &provider.associate_redirect_url,
                "adding an account",
            ),
        ] {
            let url = set.clone().unwrap_or_else(|| sent_back(&path));
            lines.push(("redirect URL", format!("{url} (tell {name}; for {act})")));
        }
    }
    for (name, value) in lines {
        super::print(&format!("{name:<16}{value}"));
    }
}

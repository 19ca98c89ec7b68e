//! Where Redis is: the three kinds of URLs.

use redis::{
    Client, ConnectionAddr, IntoConnectionInfo, RedisError, RedisResult, TlsMode,
    cluster::{ClusterClient, ClusterClientBuilder},
    sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType},
};

use super::connection::WAIT;

/// What a URL leads to.
pub(super) enum Place {
    Server(Client),
    Sentinels(SentinelClient),
    Cluster(ClusterClient),
}

impl Place {
    pub(super) fn parse(url: &str) -> RedisResult<Self> {
        let Some((scheme, rest)) = url.split_once("://") else { return Err(invalid("it has no scheme")) };
        match scheme {
            "redis" | "rediss" => Ok(Self::Server(Client::open(url)?)),
            "redis-sentinel" | "rediss-sentinel" => sentinels(&parts(scheme, rest)?).map(Self::Sentinels),
            "redis-cluster" | "rediss-cluster" => cluster(&parts(scheme, rest)?).map(Self::Cluster),
            _ => Err(invalid("it must start with `redis://`, `redis-sentinel://` or `redis-cluster://`")),
        }
    }
}

/// A URL with several hosts.
struct Parts<'a> {
    is_tls: bool,
    /// Host and port of each, in the form of the simple URL, which says who logs in.
    nodes: Vec<redis::ConnectionInfo>,
    path: &'a str,
}

fn parts<'a>(scheme: &str, rest: &'a str) -> RedisResult<Parts<'a>> {
    let is_tls = scheme.starts_with("rediss");
    // The last `@` ends the credentials.
    let (credentials, rest) =
        rest.rsplit_once('@').map_or(("", rest), |(credentials, rest)| (credentials, rest));
    let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
    let scheme = if is_tls { "rediss" } else { "redis" };
    let at = if credentials.is_empty() { "" } else { "@" };
    let node = |host: &str| format!("{scheme}://{credentials}{at}{host}").into_connection_info();
    let nodes = hosts.split(',').map(node).collect::<RedisResult<Vec<_>>>()?;
    Ok(Parts { is_tls, nodes, path })
}

fn sentinels(parts: &Parts<'_>) -> RedisResult<SentinelClient> {
    let (service, database) = parts.path.split_once('/').unwrap_or((parts.path, "0"));
    if service.is_empty() {
        return Err(invalid("the hosts of sentinels are followed by `/` and the name of the master"));
    }
    let database = database.parse().map_err(|_| invalid("the number of the database is none"))?;
    let addresses: Vec<ConnectionAddr> = parts.nodes.iter().map(|node| node.addr().clone()).collect();
    let mut builder = SentinelClientBuilder::new(addresses, service, SentinelServerType::Master)?
        .set_client_to_redis_db(database);
    if let Some(settings) = parts.nodes.first().map(redis::ConnectionInfo::redis_settings) {
        if let Some(user) = settings.username() {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = settings.password() {
            builder = builder.set_client_to_redis_password(password);
        }
    }
    if parts.is_tls {
        builder = builder
            .set_client_to_redis_tls_mode(TlsMode::Secure)
            .set_client_to_sentinel_tls_mode(TlsMode::Secure);
    }
    builder.build()
}

fn cluster(parts: &Parts<'_>) -> RedisResult<ClusterClient> {
    if !parts.path.is_empty() {
        return Err(invalid("a cluster has no databases: nothing follows its hosts"));
    }
    ClusterClientBuilder::new(parts.nodes.clone()).connection_timeout(WAIT).response_timeout(WAIT).build()
}

/// Panics if an error tells the password of a URL. See [`crate::fuzzing`].
#[cfg(fuzzing)]
pub(crate) fn try_redis_url(text: &str) {
    let _ = Place::parse(text);
    for scheme in ["redis", "redis-sentinel", "rediss-cluster"] {
        if let Err(error) = Place::parse(&format!("{scheme}://king:hunter2excalibur@{text}")) {
            assert!(!format!("{error} {error:?}").contains("hunter2excalibur"), "{error:?}");
        }
    }
}

/// Never shows the URL, which may hold a password.
fn invalid(reason: &'static str) -> RedisError {
    RedisError::from((
        redis::ErrorKind::InvalidClientConfig,
        "the URL of Redis cannot be used",
        reason.to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_url_is_read() {
        let kinds = [
            ("redis://127.0.0.1:6379/1", "server"),
            ("rediss://user:pass@redis.example.com", "server"),
            ("redis-sentinel://:p@ss@a:26379,b:26379/mymaster/2", "sentinels"),
            ("rediss-sentinel://a/mymaster", "sentinels"),
            ("redis-cluster://user:pass@a:1,b:2,[::1]:3", "cluster"),
        ];
        for (url, expected) in kinds {
            let kind = match Place::parse(url).unwrap() {
                Place::Server(_) => "server",
                Place::Sentinels(_) => "sentinels",
                Place::Cluster(_) => "cluster",
            };
            assert_eq!(kind, expected, "{url}");
        }
    }

    #[test]
    fn a_url_that_cannot_be_read_is_refused_without_its_password() {
        for url in [
            "localhost:6379",
            "http://hunter2@localhost",
            "redis://:hunter2@",
            "redis-sentinel://:hunter2@a:26379",
            "redis-sentinel://:hunter2@a:26379/mymaster/x",
            "redis-cluster://:hunter2@a:1/3",
            "redis-cluster://:hunter2@a:99999",
        ] {
            let error = Place::parse(url).err().unwrap_or_else(|| panic!("{url} is accepted"));
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }
}

//! Audit events: one for each security-relevant act, in the store of the users, and without secrets.

mod acts;
mod kept;
mod provider;
mod secrets;

use axum_users::{AuditEvent, AuditFilter, AuditOptions, NoProfile, Policy, Users, UsersBuilder};
use uuid::Uuid;

use crate::support::{Kind, Store, TestApp, jwt, stored_cookie};

/// Listens to what is recorded.
struct Audience {
    users: Users,
    last: Option<Uuid>,
    names: Vec<(String, &'static str)>,
}

impl Audience {
    fn new(users: &Users) -> Self {
        Self { users: users.clone(), last: None, names: Vec::new() }
    }

    /// What stands for an id from now on.
    fn knows(&mut self, id: &Uuid, name: &'static str) {
        self.names.push((id.to_string(), name));
    }

    /// What was recorded since the last time, the first one first.
    async fn events(&mut self) -> Vec<AuditEvent> {
        self.users.shutdown().await;
        let mut events = self.users.events(&AuditFilter::default(), None, 1000).await.unwrap();
        events.retain(|event| self.last.is_none_or(|last| event.id > last));
        events.reverse();
        self.last = events.last().map(|event| event.id).or(self.last);
        events
    }

    async fn lines(&mut self) -> Vec<String> {
        let events = self.events().await;
        events.iter().map(|event| self.line(event)).collect()
    }

    #[track_caller]
    fn hears(&mut self, what: &str, expected: &[&str]) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let lines = self.lines().await;
            assert_eq!(lines, expected, "{what}, {caller}");
        }
    }

    /// An event as a line to compare.
    fn line(&self, event: &AuditEvent) -> String {
        let name = |id: &String| {
            let known = self.names.iter().find(|(known, _)| known == id);
            known.map_or("somebody", |(_, name)| name)
        };
        let mut line = event.act.to_string();
        let changes: Vec<&str> = event.changes.iter().map(|change| change.as_str()).collect();
        for (label, part) in [
            ("", event.reason.map(|reason| reason.as_str().to_owned())),
            ("of ", event.user.as_ref().map(|id| name(id).to_owned())),
            ("by ", event.actor.as_ref().map(|id| name(id).to_owned())),
            ("via ", event.via.clone()),
            ("changes ", (!changes.is_empty()).then(|| changes.join(","))),
            ("", event.identifier.as_ref().map(|_| "hash".to_owned())),
        ] {
            if let Some(part) = part {
                line += &format!(" {label}{part}");
            }
        }
        line
    }
}

async fn app(kind: Kind) -> TestApp {
    with(kind, Policy::secure(), AuditOptions::new(), |builder| builder).await
}

async fn with(
    kind: Kind,
    policy: Policy,
    options: AuditOptions,
    configure: impl FnOnce(UsersBuilder<NoProfile, Store>) -> UsersBuilder<NoProfile, Store>,
) -> TestApp {
    TestApp::with(kind, |builder, store| {
        let builder = builder.policy(policy).backend(jwt()).backend(stored_cookie(store));
        configure(builder).audit(store.clone(), options)
    })
    .await
}

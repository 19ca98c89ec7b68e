//! What is measured: a request, the servers that answer it, and the goal.

use crate::{
    goal::Goal,
    servers::{Deployment, Kind, Store, Strategy},
};

/// What is asked of each server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// `GET /users/me` without a token.
    Anonymous,
    /// `GET /users/me` with one.
    Me,
    Login,
    /// A login with a wrong password.
    Refused,
    Register,
    ForgotPassword,
    /// `GET /users/me` at a fixed rate while others log in.
    MeDuringLogins,
}

impl Act {
    /// Whether it costs a password hash.
    pub const fn hashes(self) -> bool {
        matches!(self, Self::Login | Self::Refused | Self::Register)
    }

    /// The status of the answer.
    pub const fn expected(self) -> u16 {
        match self {
            Self::Anonymous => 401,
            Self::Me | Self::Login | Self::MeDuringLogins => 200,
            Self::Refused => 400,
            Self::Register => 201,
            Self::ForgotPassword => 202,
        }
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// What `--only` calls it.
    pub name: &'static str,
    pub title: &'static str,
    pub act: Act,
    pub deployment: Deployment,
    pub servers: &'static [Kind],
    pub goal: Goal,
}

const ALL: &[Kind] = &[Kind::Reference, Kind::AxumLogin, Kind::Ours, Kind::Limit];
const WITHOUT_AXUM_LOGIN: &[Kind] = &[Kind::Reference, Kind::Ours, Kind::Limit];
const HASHING: &[Kind] = &[Kind::Reference, Kind::Ours, Kind::Limit, Kind::BareHash];

/// All of them; those of one deployment stand together, since its servers are started once.
pub const ROUTES: &[Route] = &[
    Route {
        name: "anonymous",
        title: "401 without a token",
        act: Act::Anonymous,
        deployment: Deployment { store: Store::Postgres, strategy: Strategy::Database },
        servers: ALL,
        goal: Goal::cpu(40.0, 0.8),
    },
    Route {
        name: "me_database_pg",
        title: "/users/me, database token, PostgreSQL",
        act: Act::Me,
        deployment: Deployment { store: Store::Postgres, strategy: Strategy::Database },
        servers: ALL,
        goal: Goal::cpu(80.0, 0.8),
    },
    Route {
        name: "me_database_sqlite",
        title: "/users/me, database token, SQLite",
        act: Act::Me,
        deployment: Deployment { store: Store::Sqlite, strategy: Strategy::Database },
        servers: ALL,
        goal: Goal::cpu(100.0, 0.8),
    },
    Route {
        name: "me_jwt_sqlite",
        title: "/users/me, JWT, SQLite",
        act: Act::Me,
        deployment: Deployment { store: Store::Sqlite, strategy: Strategy::Jwt },
        servers: WITHOUT_AXUM_LOGIN,
        goal: Goal::cpu(100.0, 0.8),
    },
    Route {
        name: "me_redis",
        title: "/users/me, Redis token, PostgreSQL",
        act: Act::Me,
        deployment: Deployment { store: Store::Postgres, strategy: Strategy::Redis },
        servers: WITHOUT_AXUM_LOGIN,
        goal: Goal::cpu(60.0, 0.8),
    },
    Route {
        name: "me_jwt_pg",
        title: "/users/me, JWT, PostgreSQL",
        act: Act::Me,
        deployment: Deployment { store: Store::Postgres, strategy: Strategy::Jwt },
        servers: WITHOUT_AXUM_LOGIN,
        goal: Goal::cpu(70.0, 0.8),
    },
    Route {
        name: "forgot_password",
        title: "forgot-password",
        act: Act::ForgotPassword,
        deployment: Deployment { store: Store::Postgres, strategy: Strategy::Jwt },
        servers: WITHOUT_AXUM_LOGIN,
        goal: Goal::cpu(1000.0, 0.8),
    },
    Route {
        name: "login",
        title: "login",
        act: Act::Login,
        deployment: Deployment { store: Store::Postgres, strategy: Strategy::Jwt },
        servers: HASHING,
        goal: Goal::Hash,
    },
    Route {
        name: "login_refused",
        title: "login with a wrong password",
        act: Act::Refused,
        deployment: Deployment { store: Store::Postgres, strategy: Strategy::Jwt },
        servers: HASHING,
        goal: Goal::Hash,
    },
    Route {
        name: "register",
        title: "register",
        act: Act::Register,
        deployment: Deployment { store: Store::Postgres, strategy: Strategy::Jwt },
        servers: HASHING,
        goal: Goal::Hash,
    },
    Route {
        name: "me_during_logins",
        title: "/users/me while 4 connections log in",
        act: Act::MeDuringLogins,
        deployment: Deployment { store: Store::Postgres, strategy: Strategy::Jwt },
        servers: WITHOUT_AXUM_LOGIN,
        goal: Goal::Latency { p99_ms: 25.0, times_limit: 1.5 },
    },
];

/// The route of a name.
pub fn find(name: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_routes_of_a_deployment_stand_together() {
        assert_eq!(ROUTES.iter().map(|route| route.name).collect::<BTreeSet<_>>().len(), ROUTES.len());
        let mut deployments: Vec<_> = ROUTES.iter().map(|route| route.deployment.name()).collect();
        deployments.dedup();
        assert_eq!(deployments.iter().collect::<BTreeSet<_>>().len(), deployments.len());
    }
}

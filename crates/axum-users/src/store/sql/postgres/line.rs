//! One connection after the other.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{connection::Connection, target::Target};

/// How long it takes until a lost connection is made anew; twice as long each time that it does not last.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// From when on a connection has lasted.
const LASTING: Duration = Duration::from_secs(10);

/// For how long one is used, as sqlx uses those of its pool: the name of the database may lead elsewhere meanwhile.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

pub(super) struct Line {
    target: Arc<Target>,
    state: Arc<Mutex<State>>,
}

struct State {
    now: Now,
    pause: Duration,
}

enum Now {
    /// Nothing is done before this time, or before somebody asks.
    Away(Instant),
    Connecting,
    Connected(Arc<Connection>, Instant),
}

impl Line {
    pub(super) fn new(target: Arc<Target>) -> Self {
        let state = State { now: Now::Away(Instant::now()), pause: PAUSE };
        Self { target, state: Arc::new(Mutex::new(state)) }
    }

    /// The connection; or none, and one is made for those who come later.
    pub(super) fn connection(&self) -> Option<Arc<Connection>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Now::Connected(connection, since) = &state.now {
            let age = since.elapsed();
            if connection.is_usable() && age < LIFETIME {
                return Some(Arc::clone(connection));
            }
            state.lost(age > LASTING);
        }
        if matches!(state.now, Now::Away(until) if until <= Instant::now()) {
            state.now = Now::Connecting;
            tokio::spawn(connect(Arc::clone(&self.target), Attempt(Arc::clone(&self.state))));
        }
        None
    }
}

impl State {
    fn lost(&mut self, had_lasted: bool) {
        if had_lasted {
            self.pause = PAUSE;
        }
        self.now = Now::Away(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

/// An attempt to connect, which fails by being dropped too: a task may end with its runtime.
struct Attempt(Arc<Mutex<State>>);

impl Drop for Attempt {
    fn drop(&mut self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(state.now, Now::Connecting) {
            state.lost(false);
        }
    }
}

async fn connect(target: Arc<Target>, attempt: Attempt) {
    match target.connect().await {
        Ok((client, pulse, task)) => {
            let connection = Arc::new(Connection::new(client, pulse, task));
            let mut state = attempt.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.now = Now::Connected(connection, Instant::now());
        }
        Err(error) => tracing::warn!(
            error = &*error as &dyn std::error::Error,
            "no connection for reads past the pool, which is asked instead"
        ),
    }
}

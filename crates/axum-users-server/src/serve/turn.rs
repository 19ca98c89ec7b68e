//! Whose turn it is on a connection: the client's, who sends a request's head, or the server's, which answers it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::HeaderMap;
use tokio::{sync::Notify, time::Instant};

use super::head::Framing;

/// How long the client may take from its connection to the first byte, and from the first byte of a head to its last.
const HEAD: Duration = Duration::from_secs(5);

/// How long a connection may stay open between two requests. Longer than the 60 seconds for which nginx and others keep
/// connections to servers: who closes first must not be the one who is about to be asked.
const IDLE: Duration = Duration::from_secs(75);

/// Bytes of memory that are kept for the next head: most have room in them.
const KEPT_BYTES: usize = 2048;

/// What a client may still take its time for, and until when.
pub enum Awaited {
    /// The rest of a head, or the first one.
    Head(Instant),
    /// Another request.
    Request(Instant),
}

/// Shared by a connection's stream, its service, and whoever needs its place.
pub struct Turn {
    state: Mutex<State>,
    leave: Notify,
}

/// What is known while the client has the turn.
struct State {
    /// Since when it has it; none while the server has it.
    since: Option<Instant>,
    /// When its head must be complete; none between requests.
    until: Option<Instant>,
    /// What it has sent of its head, which hyper shows without the fields that contradict each other.
    head: Vec<u8>,
}

impl Turn {
    /// Of a connection that has just been accepted.
    pub fn new() -> Self {
        let now = Instant::now();
        let state = State { since: Some(now), until: Some(now + HEAD), head: Vec::new() };
        Self { state: Mutex::new(state), leave: Notify::new() }
    }

    /// The client has sent this.
    pub fn received(&self, bytes: &[u8]) {
        let mut state = self.state();
        if state.since.is_some() && !bytes.is_empty() {
            if state.head.is_empty() {
                state.until = Some(Instant::now() + HEAD);
            }
            state.head.extend_from_slice(bytes);
        }
    }

    /// What is awaited of the client, if it has the turn.
    pub fn awaited(&self) -> Option<Awaited> {
        let state = self.state();
        let head = state.until.map(Awaited::Head);
        head.or_else(|| Some(Awaited::Request(state.since? + IDLE)))
    }

    /// The server's turn begins. Tells what the body's length is made of.
    pub fn begin(&self, headers: &HeaderMap) -> Framing {
        let mut state = self.state();
        (state.since, state.until) = (None, None);
        let framing = Framing::of(headers, &state.head);
        if state.head.capacity() > KEPT_BYTES {
            state.head = Vec::new();
        }
        state.head.clear();
        framing
    }

    /// The client's turn begins again.
    pub fn end(&self) {
        self.state().since = Some(Instant::now());
    }

    /// Since when the client has had the turn.
    pub fn waiting_since(&self) -> Option<Instant> {
        self.state().since
    }

    /// Whether the client has the turn.
    pub fn is_waiting(&self) -> bool {
        self.waiting_since().is_some()
    }

    /// The place is needed for another.
    pub fn leave(&self) {
        self.leave.notify_one();
    }

    /// Waits for [`Self::leave`].
    pub async fn told_to_leave(&self) {
        self.leave.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

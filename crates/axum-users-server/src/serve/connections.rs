//! How many clients are connected at once.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::turn::Turn;

/// Connections at once, where there are file descriptors for them.
const MOST: u32 = 10_000;

/// File descriptors kept for everything else: databases, files, mails, providers.
const RESERVED: u64 = 128;

/// How long to wait for a place before more connections are told to leave.
const PAUSE: Duration = Duration::from_millis(50);

/// The connections that are served.
pub struct Connections {
    capacity: u32,
    places: Arc<Semaphore>,
    taken: Mutex<HashMap<u64, Arc<Turn>>>,
    next: AtomicU64,
}

/// A place among [`Connections`], free again when this is dropped.
pub struct Place {
    number: u64,
    turn: Arc<Turn>,
    connections: Arc<Connections>,
    _permit: OwnedSemaphorePermit,
}

/// How many connections there may be: as many as the process may have file descriptors, of which it takes what it can get.
pub fn capacity() -> u32 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let descriptors = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised.current,
        Err(_) => limit.current,
    };
    // None is no limit.
    let descriptors = descriptors.unwrap_or(u64::MAX);
    let for_clients = descriptors - RESERVED.min(descriptors / 2);
    u32::try_from(for_clients).unwrap_or(MOST).clamp(1, MOST)
}

impl Connections {
    /// Room for so many.
    pub fn new(capacity: u32) -> Arc<Self> {
        Arc::new(Self {
            capacity,
            places: Arc::new(Semaphore::new(capacity as usize)),
            taken: Mutex::default(),
            next: AtomicU64::new(0),
        })
    }

    /// A place for a connection. If there is none, those leave that have been waiting for a request for the longest time; while
    /// all are being answered, the new one waits.
    pub async fn place(self: &Arc<Self>) -> Place {
        let permit = loop {
            if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
                break permit;
            }
            self.make_room();
            let free = Arc::clone(&self.places).acquire_owned();
            if let Ok(Ok(permit)) = tokio::time::timeout(PAUSE, free).await {
                break permit;
            }
        };
        let (number, turn) = (self.next.fetch_add(1, Ordering::Relaxed), Arc::new(Turn::new()));
        self.taken().insert(number, Arc::clone(&turn));
        Place { number, turn, connections: Arc::clone(self), _permit: permit }
    }

    /// Tells the sixty-fourth part, those that have been waiting the longest, to leave.
    pub fn make_room(&self) {
        let waiting = |turn: &Arc<Turn>| Some((turn.waiting_since()?, Arc::clone(turn)));
        let mut waiting: Vec<_> = self.taken().values().filter_map(waiting).collect();
        waiting.sort_unstable_by_key(|(since, _)| *since);
        let few = (self.capacity / 64).max(1) as usize;
        for (_, turn) in waiting.iter().take(few) {
            turn.leave();
        }
    }

    /// Waits until nobody is connected.
    pub async fn all_ended(&self) {
        // The semaphore is never closed.
        let _ = self.places.acquire_many(self.capacity).await;
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<u64, Arc<Turn>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Whose turn it is on this connection.
    pub fn turn(&self) -> &Arc<Turn> {
        &self.turn
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.taken().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_has_waited_longest_makes_room_and_who_is_answered_stays() {
        let connections = Connections::new(2);
        let (answered, waiting) = (connections.place().await, connections.place().await);
        answered.turn().begin(&HeaderMap::new());
        let leaving = Arc::clone(waiting.turn());
        tokio::spawn(async move {
            leaving.told_to_leave().await;
            drop(waiting);
        });
        let next = connections.place().await;
        next.turn().begin(&HeaderMap::new());

        let patient = tokio::time::timeout(Duration::from_secs(5), connections.place()).await;
        assert!(patient.is_err(), "all are being answered");
        drop(answered);
        connections.place().await;
        drop(next);
        connections.all_ended().await;
    }
}

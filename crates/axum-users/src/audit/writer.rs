//! Writes events to their store, beside the requests that they tell of.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use time::OffsetDateTime;
use tokio::{runtime::Handle, sync::Notify};
use tokio_util::task::AbortOnDropHandle;

use super::{AuditEvent, AuditOptions};
use crate::{StoreError, store::DynAuditStore};

/// How long an event waits for others: what is lost with a process that is killed is no older than that and the time of a
/// write.
const GATHER: Duration = Duration::from_millis(100);
/// How many are written at once.
const BATCH: usize = 100;
/// How long a store that failed is left alone.
const PAUSE: Duration = Duration::from_secs(1);
/// How long an orderly stop writes.
const LAST_EVENTS: Duration = Duration::from_secs(5);
/// How often it is logged that events are dropped.
const COMPLAINT: Duration = Duration::from_secs(60);

/// Events on their way to a store.
pub(super) struct Writer {
    pub(super) store: Arc<dyn DynAuditStore>,
    options: AuditOptions,
    queue: Mutex<Queue>,
    added: Arc<Notify>,
    /// One batch is on its way at a time.
    turn: tokio::sync::Mutex<()>,
    written: AtomicU64,
    dropped: AtomicU64,
    task: Mutex<Option<AbortOnDropHandle<()>>>,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<AuditEvent>,
    complained: Option<Instant>,
}

impl Writer {
    pub(super) fn new(store: Arc<dyn DynAuditStore>, options: AuditOptions) -> Arc<Self> {
        Arc::new(Self {
            store,
            options,
            queue: Mutex::default(),
            added: Arc::default(),
            turn: tokio::sync::Mutex::default(),
            written: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            task: Mutex::default(),
        })
    }

    /// Takes an event, and does not wait: when too many are there already it is dropped, counted, and that is logged.
    pub(super) fn push(self: &Arc<Self>, event: AuditEvent) {
        let mut queue = self.queue();
        if queue.events.len() < self.options.queue {
            queue.events.push_back(event);
        } else {
            self.dropped.fetch_add(1, Relaxed);
            if queue.complained.is_none_or(|time| time.elapsed() > COMPLAINT) {
                queue.complained = Some(Instant::now());
                tracing::error!("audit events are only logged, and not kept: too many wait to be written");
            }
        }
        drop(queue);
        self.start();
        self.added.notify_one();
    }

    /// Starts to write, unless it is done already. Outside of a tokio runtime events wait for one.
    fn start(self: &Arc<Self>) {
        let Ok(runtime) = Handle::try_current() else { return };
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(AbortOnDropHandle::is_finished) {
            let work = work(Arc::downgrade(self), Arc::clone(&self.added));
            *task = Some(AbortOnDropHandle::new(runtime.spawn(work)));
        }
    }

    /// Writes what waits, for some seconds at most.
    pub(super) async fn flush(&self) {
        match tokio::time::timeout(LAST_EVENTS, self.write()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.log_left(Some(&error)),
            Err(_) => self.log_left(None),
        }
    }

    fn log_left(&self, error: Option<&StoreError>) {
        let events = self.queue().events.len();
        let error = error.map(|error| error as &dyn std::error::Error);
        tracing::error!(events, error, "audit events are left unwritten");
    }

    /// Writes until nothing waits.
    async fn write(&self) -> Result<(), StoreError> {
        while self.write_batch().await? {}
        Ok(())
    }

    /// Events leave the queue when they are written: should this be given up half-way, they are written again, and kept once.
    async fn write_batch(&self) -> Result<bool, StoreError> {
        let _turn = self.turn.lock().await;
        let batch: Vec<AuditEvent> = self.queue().events.iter().take(BATCH).cloned().collect();
        if batch.is_empty() {
            return Ok(false);
        }
        self.store.record(&batch).await?;
        self.queue().events.drain(..batch.len());
        self.written.fetch_add(batch.len() as u64, Relaxed);
        Ok(true)
    }

    /// Before when events are old.
    pub(super) fn horizon(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() - self.options.keep
    }

    pub(super) fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let events = self.queue().events.len();
        if events > 0 {
            tracing::error!(events, "audit events are lost: call Users::shutdown in the end");
        }
    }
}

/// Writes until the last `Users` is gone.
async fn work(writer: Weak<Writer>, added: Arc<Notify>) {
    let mut is_away = false;
    loop {
        added.notified().await;
        tokio::time::sleep(GATHER).await;
        loop {
            let Some(writer) = writer.upgrade() else { return };
            let written = writer.write().await;
            drop(writer);
            match written {
                Ok(()) => break,
                Err(error) if !is_away => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "audit events wait until their store answers");
                }
                Err(_) => {}
            }
            is_away = true;
            tokio::time::sleep(PAUSE).await;
        }
        is_away = false;
    }
}

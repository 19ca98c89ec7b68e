//! Work after the answer: nobody waits for it, nothing of it shows, and an orderly stop finishes it.

mod durable;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use axum_users::{Context, HookResult, Hooks, User};
use serde_json::json;
use tokio::sync::{Semaphore, watch};

use crate::support::{Answer, KING, Kind, TestApp, jwt, on_every_store, stored_cookie};

on_every_store![answers_come_before_anything_is_looked_up, shutdown_waits_for_every_job];

const PATHS: [(&str, &str); 2] = [
    ("/auth/forgot-password", "after_forgot_password"),
    ("/auth/request-verify-token", "after_request_verify"),
];

async fn ask(app: &TestApp, path: &str, email: &str) -> Answer {
    app.post(path).json(&json!({ "email": email })).send().await
}

/// FGT-1, VER-1: the handler does not touch the store, so that its time tells nothing of it.
async fn answers_come_before_anything_is_looked_up(kind: Kind) {
    let app = TestApp::new(kind).await;
    app.add(KING).await;
    for (path, hook) in PATHS {
        app.store.close_gate("get_by_email");
        app.store.take_calls();
        let known = ask(&app, path, KING).await;
        let unknown = ask(&app, path, "nobody@camelot.bt").await;
        assert_eq!((known.status, known.text()), (202, "null"));
        assert_eq!(known, unknown, "status, headers and body");
        assert_eq!(app.users.password_operations(), 1, "only the user's own password was ever hashed");
        assert!(app.hooks.take().is_empty());
        app.store.open_gate();
        app.users.shutdown().await;
        assert_eq!(app.hooks.take_names(), [hook]);
        assert_eq!(app.store.take_calls(), ["get_by_email", "get_by_email"], "one look-up each");
    }
}

/// Hooks that wait to be let go, and count.
#[derive(Clone)]
struct Slow(Arc<SlowState>);

struct SlowState {
    gate: watch::Sender<bool>,
    started: AtomicUsize,
    running: AtomicUsize,
    most: AtomicUsize,
    done: AtomicUsize,
}

impl Slow {
    fn new() -> Self {
        let zero = AtomicUsize::default;
        let (gate, started, running) = (watch::Sender::new(false), zero(), zero());
        Self(Arc::new(SlowState { gate, started, running, most: zero(), done: zero() }))
    }

    async fn run(&self) -> HookResult {
        let state = &self.0;
        state.started.fetch_add(1, SeqCst);
        let running = state.running.fetch_add(1, SeqCst) + 1;
        state.most.fetch_max(running, SeqCst);
        state.gate.subscribe().wait_for(|open| *open).await?;
        state.running.fetch_sub(1, SeqCst);
        state.done.fetch_add(1, SeqCst);
        Ok(())
    }

    async fn started(&self, count: usize) {
        while self.0.started.load(SeqCst) < count {
            tokio::task::yield_now().await;
        }
    }

    fn done(&self) -> usize {
        self.0.done.load(SeqCst)
    }
}

impl Hooks for Slow {
    async fn after_forgot_password(&self, _: &User, _: &str, _: &Context) -> HookResult {
        self.run().await
    }
    async fn after_request_verify(&self, _: &User, _: &str, _: &Context) -> HookResult {
        self.run().await
    }
}

async fn slow_app(kind: Kind) -> (TestApp, Slow) {
    let slow = Slow::new();
    let app = TestApp::with(kind, |builder, store| {
        builder.backend(jwt()).backend(stored_cookie(store)).hooks(slow.clone())
    })
    .await;
    app.add(KING).await;
    (app, slow)
}

async fn shutdown_waits_for_every_job(kind: Kind) {
    let (app, slow) = slow_app(kind).await;
    for (path, _) in PATHS {
        assert_eq!(ask(&app, path, KING).await.status, 202);
    }
    slow.started(2).await;
    // Two may wait; both wait.
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let users = app.users.clone();
            tokio::spawn(async move { users.shutdown().await })
        })
        .collect();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(waiting.iter().all(|waiting| !waiting.is_finished()), "the jobs are not done");
    assert_eq!(slow.done(), 0);
    slow.0.gate.send_replace(true);
    for waiting in waiting {
        waiting.await.unwrap();
    }
    assert_eq!(slow.done(), 2);
    // The service can go on after it.
    assert_eq!(ask(&app, "/auth/forgot-password", KING).await.status, 202);
    app.users.shutdown().await;
    assert_eq!(slow.done(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_jobs_run_at_once_and_all_of_them_in_the_end() {
    let (app, slow) = slow_app(Kind::Memory).await;
    for _ in 0..50 {
        assert_eq!(ask(&app, "/auth/forgot-password", KING).await.status, 202);
    }
    slow.started(8).await;
    slow.0.gate.send_replace(true);
    app.users.shutdown().await;
    assert_eq!((slow.0.most.load(SeqCst), slow.done()), (8, 50));
}

/// When nobody can be told any more, the answer says so: the same for those who exist and those who do not.
#[tokio::test]
async fn a_full_queue_tells_everybody_to_come_back() {
    let (app, slow) = slow_app(Kind::Memory).await;
    let mut accepted = 0;
    let full = loop {
        let answer = ask(&app, "/auth/forgot-password", KING).await;
        if answer.status != 202 {
            break answer;
        }
        accepted += 1;
        assert!(accepted < 100_000, "the queue has no bound");
    };
    full.assert_detail(503, "Service Unavailable");
    assert_eq!(full.header("retry-after"), Some("5"));
    for (path, _) in PATHS {
        for email in [KING, "nobody@camelot.bt"] {
            assert_eq!(ask(&app, path, email).await, full, "{path} {email}");
        }
    }
    // Nothing else depends on it.
    app.login(KING, crate::support::PASSWORD).await;
    slow.0.gate.send_replace(true);
    app.users.shutdown().await;
    assert_eq!(slow.done(), accepted);
    assert_eq!(ask(&app, "/auth/forgot-password", KING).await.status, 202);
}

/// A hook that panics costs its own job, and neither a place in the queue nor a turn.
#[tokio::test]
async fn f_28_a_job_that_panics_harms_no_other() {
    struct Panics(Arc<Semaphore>);
    impl Hooks for Panics {
        async fn after_forgot_password(&self, _: &User, _: &str, _: &Context) -> HookResult {
            self.0.add_permits(1);
            panic!("as the test asked");
        }
    }
    let panicked = Arc::new(Semaphore::new(0));
    let app = TestApp::with(Kind::Memory, |builder, store| {
        builder.backend(jwt()).backend(stored_cookie(store)).hooks(Panics(Arc::clone(&panicked)))
    })
    .await;
    app.add(KING).await;
    for _ in 0..20 {
        assert_eq!(ask(&app, "/auth/forgot-password", KING).await.status, 202);
    }
    app.users.shutdown().await;
    assert_eq!(panicked.available_permits(), 20);
    app.request_verify(KING).await;
}

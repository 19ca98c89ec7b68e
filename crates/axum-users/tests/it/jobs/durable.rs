//! Jobs in a store: promised by one insert, done by whichever node comes to it, once, and tried again when they fail.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use axum_users::{
    Changes, Context, CreateUser, DuplicateRegistration, HookResult, Hooks, JobCounts, JobOptions, JobStore,
    MemoryStore, NoProfile, PasswordHash, Policy, RateLimits, User, UserStore, Users,
};
use serde_json::json;
use time::OffsetDateTime;
use tokio::sync::watch;
use uuid::Uuid;

use super::{PATHS, ask};
use crate::support::{
    CheapHasher, KING, Kind, PASSWORD, Reaction, Recorder, SECRET, Store, TestApp, jwt, on_every_store,
    stored_cookie,
};

on_every_store![
    fgt_1_ver_1_whoever_is_asked_for_one_row_is_written,
    fgt_5_who_asks_often_gets_one_mail_at_a_time,
    f_10_a_job_that_fails_is_tried_again_under_its_id,
    f_12_the_job_of_a_node_that_died_is_done_by_another,
    f_13_mai_4_four_nodes_do_each_job_once,
    a_job_that_never_succeeds_is_given_up_and_can_be_revived,
    reg_1_registrations_are_told_after_the_answer,
];

/// Quick enough for tests.
fn quick() -> JobOptions {
    JobOptions::new()
        .poll(Duration::from_millis(20))
        .retry_after(Duration::from_millis(40), Duration::from_millis(80))
}

async fn app(kind: Kind, options: JobOptions) -> TestApp {
    with(kind, Policy::secure(), options).await
}

async fn with(kind: Kind, policy: Policy, options: JobOptions) -> TestApp {
    TestApp::with(kind, |builder, store| {
        let builder = builder.policy(policy).backend(jwt()).backend(stored_cookie(store));
        builder.durable_jobs(store.clone(), options)
    })
    .await
}

/// Another node with hooks of its own.
fn node(store: &Store, hooks: impl Hooks, options: JobOptions) -> Users {
    let builder = Users::builder(store.clone(), SECRET).hasher(CheapHasher::default()).backend(jwt());
    builder.hooks(hooks).durable_jobs(store.clone(), options).build().unwrap()
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn counts(store: &Store) -> JobCounts {
    store.ungated().count().await.unwrap()
}

async fn fgt_1_ver_1_whoever_is_asked_for_one_row_is_written(kind: Kind) {
    let app = app(kind, quick()).await;
    app.add(KING).await;
    app.add_inactive("mordred@camelot.bt").await;
    let by_provider = app.add_verified("lancelot@camelot.bt").await;
    let changes = Changes { hashed_password: Some(PasswordHash::unusable().unwrap()), ..Changes::default() };
    app.store.update(&by_provider.id, &changes).await.unwrap();
    for (path, hook) in PATHS {
        app.store.close_gate("lease_jobs");
        app.store.take_calls();
        let mut answers = Vec::new();
        let operations = app.users.password_operations();
        for email in [KING, "nobody@camelot.bt", "mordred@camelot.bt", &by_provider.email] {
            answers.push(ask(&app, path, email).await);
            assert_eq!(app.store.take_calls(), ["enqueue"], "{email}");
        }
        assert_eq!(app.users.password_operations(), operations);
        assert_eq!((answers[0].status, answers[0].text()), (202, "null"));
        assert!(answers.iter().all(|answer| *answer == answers[0]), "status, headers and body");
        assert_eq!(counts(&app.store).await.waiting, 4);
        assert!(app.hooks.take().is_empty());
        app.store.open_gate();
        app.users.shutdown().await;
        let mailed = if hook == "after_forgot_password" { 2 } else { 1 };
        assert_eq!(app.hooks.take_names(), vec![hook; mailed]);
        let mut calls = app.store.take_calls();
        calls.sort_unstable();
        assert_eq!(calls, [["finish_job"; 4], ["get_by_email"; 4]].concat(), "the same for all");
        assert_eq!(counts(&app.store).await, JobCounts::default());
    }
    // When the promise cannot be kept, nobody is told that it will be.
    app.store.fail_on("enqueue");
    for (path, _) in PATHS {
        let known = ask(&app, path, KING).await;
        assert_eq!(known.status, 503);
        assert_eq!(known, ask(&app, path, "nobody@camelot.bt").await);
    }
}

async fn fgt_5_who_asks_often_gets_one_mail_at_a_time(kind: Kind) {
    let app = app(kind, quick()).await;
    app.add(KING).await;
    for _ in 0..2 {
        app.store.close_gate("lease_jobs");
        for email in [KING, "King.Arthur@Camelot.BT", KING, KING] {
            assert_eq!(ask(&app, "/auth/forgot-password", email).await.status, 202);
        }
        assert_eq!(counts(&app.store).await.waiting, 1);
        assert_eq!(ask(&app, "/auth/request-verify-token", KING).await.status, 202);
        app.store.open_gate();
        app.users.shutdown().await;
        let hooks: HashSet<_> = app.hooks.take_names().into_iter().collect();
        assert_eq!(hooks, HashSet::from(["after_forgot_password", "after_request_verify"]));
    }
}

async fn f_10_a_job_that_fails_is_tried_again_under_its_id(kind: Kind) {
    let app = app(kind, quick()).await;
    app.add(KING).await;
    app.hooks.react("after_forgot_password", Reaction::Fail);
    let asked = app.post("/auth/forgot-password").header("accept-language", "cy");
    assert_eq!(asked.json(&json!({ "email": KING })).send().await.status, 202);
    until("it is tried again", async || app.hooks.count() >= 3).await;
    app.hooks.calm();
    until("it succeeds", async || counts(&app.store).await.waiting == 0).await;
    let events = app.hooks.take();
    let ids: HashSet<Uuid> = events.iter().map(|event| event.job.unwrap()).collect();
    assert_eq!(ids.len(), 1);
    assert!(events.iter().all(|event| event.language.as_deref() == Some("cy") && event.agent.is_none()));
    // What the last one was given works.
    assert_eq!(
        app.reset(events.last().unwrap().token.as_ref().unwrap(), "lancelot du lac").await.status,
        200
    );

    until("it is told", async || counts(&app.store).await.waiting == 0).await;
    assert_eq!(
        app.hooks.take_names(),
        ["validate_password", "after_reset_password", "after_verify", "after_password_change"]
    );

    app.hooks.react("after_forgot_password", Reaction::Refuse(403, "NO"));
    ask(&app, "/auth/forgot-password", KING).await;
    until("it is done", async || app.hooks.count() > 0 && counts(&app.store).await.waiting == 0).await;
    assert_eq!(app.hooks.take_names(), ["after_forgot_password"], "a refusal is final");
    assert_eq!(counts(&app.store).await, JobCounts::default());
}

async fn f_12_the_job_of_a_node_that_died_is_done_by_another(kind: Kind) {
    let app = app(kind, quick()).await;
    app.add(KING).await;
    app.store.close_gate("lease_jobs");
    ask(&app, "/auth/forgot-password", KING).await;
    // The node that takes the job is never heard of again.
    let (now, store) = (OffsetDateTime::now_utc(), app.store.ungated());
    let lost = store.lease(now, now + Duration::from_secs(2), 10).await.unwrap().remove(0);
    app.store.open_gate();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(app.hooks.take().is_empty(), "somebody has it");
    until("another takes it up", async || app.hooks.count() > 0).await;
    assert!(OffsetDateTime::now_utc() - now < Duration::from_secs(5));
    app.users.shutdown().await;
    let events = app.hooks.take();
    assert_eq!(events.iter().map(|event| event.job).collect::<Vec<_>>(), [Some(lost.id)]);
    assert!(!store.finish(&lost).await.unwrap(), "who comes back has nothing to say");
    assert_eq!(counts(&app.store).await, JobCounts::default());
}

async fn f_13_mai_4_four_nodes_do_each_job_once(kind: Kind) {
    const USERS: usize = 60;
    let app = app(kind, quick()).await;
    let nodes: Vec<Users> = (0..3).map(|_| node(&app.store, app.hooks.clone(), quick())).collect();
    for number in 0..USERS {
        app.add(&format!("knight{number}@camelot.bt")).await;
    }
    for users in &nodes {
        users.start_jobs();
    }
    app.users.start_jobs();
    for number in 0..USERS {
        let email = format!("knight{number}@camelot.bt");
        match nodes.get(number % 4) {
            Some(node) => node.manager().queue_forgot_password(email, &Context::none()).await.unwrap(),
            None => assert_eq!(ask(&app, "/auth/forgot-password", &email).await.status, 202),
        }
    }
    until("all are done", async || counts(&app.store).await.waiting == 0).await;
    for users in nodes.iter().chain([&app.users]) {
        users.shutdown().await;
    }
    let events = app.hooks.take();
    let emails: HashSet<&str> = events.iter().map(|event| event.email.as_str()).collect();
    assert_eq!((events.len(), emails.len()), (USERS, USERS), "each once");
}

async fn a_job_that_never_succeeds_is_given_up_and_can_be_revived(kind: Kind) {
    let app = app(kind, quick().attempts(3)).await;
    app.add(KING).await;
    app.hooks.react("after_forgot_password", Reaction::Fail);
    ask(&app, "/auth/forgot-password", KING).await;
    let dead = JobCounts { waiting: 0, dead: 1 };
    until("it is given up", async || counts(&app.store).await == dead).await;
    assert_eq!(app.hooks.take().len(), 3);
    assert_eq!(app.users.job_counts().await.unwrap(), dead);
    let job = app.users.dead_jobs(10).await.unwrap().remove(0);
    assert_eq!(
        (job.kind.as_str(), job.attempts, &job.payload["email"]),
        ("forgot-password", 3, &json!(KING))
    );
    assert_eq!(job.reason, "a hook failed: as the test asked");

    app.hooks.calm();
    assert!(app.users.revive_job(job.id).await.unwrap());
    assert!(!app.users.revive_job(job.id).await.unwrap());
    until("it is done", async || counts(&app.store).await == JobCounts::default()).await;
    let events = app.hooks.take();
    assert_eq!(events.iter().map(|event| event.job).collect::<Vec<_>>(), [Some(job.id)]);
}

/// REG-1, REG-2: a taken address and a new one are one insert of a user and one of a job.
async fn reg_1_registrations_are_told_after_the_answer(kind: Kind) {
    let policy = Policy { duplicate_registration: DuplicateRegistration::Hide, ..Policy::secure() };
    let app = with(kind, policy, quick()).await;
    app.add(KING).await;
    for (email, hook) in [(KING, "after_duplicate_registration"), ("merlin@camelot.bt", "after_register")] {
        app.store.close_gate("lease_jobs");
        app.store.take_calls();
        assert_eq!(app.register(email, "lancelot du lac").await.status, 201);
        assert_eq!(app.store.take_calls(), ["insert_hidden", "enqueue"]);
        assert_eq!(app.hooks.take_names(), ["before_register", "validate_password"]);
        app.store.open_gate();
        app.users.shutdown().await;
        let events = app.hooks.take();
        assert_eq!(
            events.iter().map(|event| (event.hook, &*event.email)).collect::<Vec<_>>(),
            [(hook, email)]
        );
    }
    // Who is gone before the job is done is told nothing.
    app.store.close_gate("lease_jobs");
    app.register("lancelot@camelot.bt", "du lac du lac").await;
    let lancelot = app.user("lancelot@camelot.bt").await;
    app.users.manager().delete(&lancelot, &Context::none()).await.unwrap();
    app.hooks.take();
    app.store.open_gate();
    app.users.shutdown().await;
    assert!(app.hooks.take().is_empty());
    assert_eq!(counts(&app.store).await, JobCounts::default());
}

/// A hook that never returns, or panics.
#[derive(Clone)]
struct Stuck {
    started: Arc<AtomicUsize>,
    gate: watch::Sender<bool>,
    panics: bool,
}

impl Stuck {
    fn new(panics: bool) -> Self {
        Self { started: Arc::default(), gate: watch::Sender::new(false), panics }
    }
}

impl Hooks for Stuck {
    async fn after_forgot_password(&self, _: &User, _: &str, _: &Context) -> HookResult {
        self.started.fetch_add(1, SeqCst);
        assert!(!self.panics, "as the test asked");
        self.gate.subscribe().wait_for(|open| *open).await?;
        Ok(())
    }
}

async fn stored() -> Store {
    let store = Store::open(Kind::Memory).await;
    let king = CreateUser::new(KING, PASSWORD, NoProfile {});
    node(&store, Recorder::default(), quick()).manager().create(king, &Context::none()).await.unwrap();
    store
}

/// F-12: the runtime of a node ends in the middle of a job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_12_a_worker_that_is_dropped_half_way_loses_nothing() {
    let store = MemoryStore::new();
    let build = |hooks: Stuck| {
        let builder = Users::builder(store.clone(), SECRET).hasher(CheapHasher::default()).hooks(hooks);
        builder.durable_jobs(store.clone(), quick().lease(Duration::from_secs(1))).build().unwrap()
    };
    let (first, second) = (Stuck::new(false), Stuck::new(false));
    let users: Users = build(first.clone());
    let king = CreateUser::new(KING, PASSWORD, NoProfile {});
    users.manager().create(king, &Context::none()).await.unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let manager = users.manager();
    let queued =
        runtime.spawn(async move { manager.queue_forgot_password(KING.into(), &Context::none()).await });
    queued.await.unwrap().unwrap();
    until("it has begun", async || first.started.load(SeqCst) == 1).await;
    runtime.shutdown_background();
    assert_eq!(store.count().await.unwrap().waiting, 1);

    second.gate.send_replace(true);
    let other = build(second.clone());
    other.start_jobs();
    until("another does it", async || store.count().await.unwrap() == JobCounts::default()).await;
    assert_eq!((first.started.load(SeqCst), second.started.load(SeqCst)), (1, 1));
}

/// F-19: what an orderly stop does not finish is left to others at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_19_a_node_that_stops_gives_its_jobs_back() {
    let (store, stuck, recorder) = (stored().await, Stuck::new(false), Recorder::default());
    let users = node(&store, stuck.clone(), quick());
    users.manager().queue_forgot_password(KING.into(), &Context::none()).await.unwrap();
    until("it has begun", async || stuck.started.load(SeqCst) == 1).await;
    let start = Instant::now();
    users.shutdown().await;
    assert!((9..15).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(counts(&store).await.waiting, 1);
    let other = node(&store, recorder.clone(), quick());
    other.shutdown().await;
    assert_eq!(recorder.take_names(), ["after_forgot_password"], "without waiting for the lease to end");
    assert_eq!(counts(&store).await, JobCounts::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_11_a_job_that_takes_too_long_has_failed_and_stops() {
    let (store, stuck) = (stored().await, Stuck::new(false));
    let users = node(&store, stuck.clone(), quick().lease(Duration::from_secs(1)).attempts(2));
    users.manager().queue_forgot_password(KING.into(), &Context::none()).await.unwrap();
    until("it is given up", async || counts(&store).await == JobCounts { waiting: 0, dead: 1 }).await;
    assert_eq!(stuck.started.load(SeqCst), 2);
    assert_eq!(stuck.gate.receiver_count(), 0, "nothing of it goes on");
    assert_eq!(users.dead_jobs(1).await.unwrap()[0].reason, "a hook failed: it took too long");
}

#[tokio::test(flavor = "multi_thread")]
async fn f_1_a_mail_that_could_not_be_promised_does_not_count() {
    for (path, hook) in PATHS {
        let app: TestApp = TestApp::with(Kind::Memory, |builder, store| {
            let builder = builder.backend(jwt()).rate_limits(RateLimits::default());
            builder.durable_jobs(store.clone(), quick())
        })
        .await;
        app.add(KING).await;
        let ask = || app.post(path).json(&json!({ "email": KING })).send();
        app.store.fail_on("enqueue");
        assert_eq!(ask().await.status, 503);
        app.store.recover();
        // Who asks again is promised a mail, and gets it.
        assert_eq!(ask().await.status, 202);
        until("the mail is sent", async || app.hooks.take_names() == [hook]).await;
        // That one counts.
        assert_eq!(ask().await.status, 202);
        app.users.shutdown().await;
        assert!(app.hooks.take_names().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f_28_a_durable_job_that_panics_has_failed() {
    let (store, stuck) = (stored().await, Stuck::new(true));
    let users = node(&store, stuck.clone(), quick().attempts(2));
    users.manager().queue_forgot_password(KING.into(), &Context::none()).await.unwrap();
    until("it is given up", async || counts(&store).await == JobCounts { waiting: 0, dead: 1 }).await;
    assert_eq!(stuck.started.load(SeqCst), 2);
    assert_eq!(users.dead_jobs(1).await.unwrap()[0].reason, "a hook failed: it panicked");
}

/// At least once: what was done, but could not be written down, is done again under the same id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_end_is_not_written_is_done_again() {
    let (store, recorder) = (stored().await, Recorder::default());
    let users = node(&store, recorder.clone(), quick().lease(Duration::from_secs(1)));
    store.fail_on("finish_job");
    users.manager().queue_forgot_password(KING.into(), &Context::none()).await.unwrap();
    until("it is done again", async || recorder.count() == 2).await;
    store.recover();
    until("it is forgotten", async || counts(&store).await.waiting == 0).await;
    let ids: HashSet<_> = recorder.take().iter().map(|event| event.job).collect();
    assert_eq!(ids.len(), 1);
}

#[test]
fn options_that_do_no_job_are_refused() {
    let store = MemoryStore::<NoProfile>::new();
    let builder = Users::<NoProfile>::builder(store.clone(), SECRET);
    let refused = builder.durable_jobs(store, JobOptions::new().attempts(0)).build().unwrap_err();
    assert!(refused.to_string().contains("attempts"), "{refused}");
}

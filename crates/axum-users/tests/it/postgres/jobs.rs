//! Jobs that many nodes add, take and finish at once.

use axum_users::{JobStore, NewJob, NoProfile, SqlStore};
use axum_users_testkit::Postgres;
use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

const KEYS: usize = 20;
const ROUNDS: usize = 150;

fn job(key: usize) -> NewJob {
    NewJob {
        id: Uuid::new_v4(),
        kind: "forgot-password".to_owned(),
        payload: json!({}),
        unique_key: Some(key.to_string()),
        due_at: OffsetDateTime::now_utc(),
    }
}

/// F-25: who asks again for what is being finished waits for it, and it never the other way round.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_25_jobs_are_added_taken_and_finished_without_a_deadlock() {
    let postgres = Postgres::start_with("deadlock_timeout = 20ms", &[]).unwrap();
    let store = SqlStore::<NoProfile>::open(&postgres.url()).await.unwrap();
    let adding = (0..4).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                let mut jobs: Vec<_> = (0..KEYS).map(job).collect();
                jobs.rotate_left((task * 7 + round) % KEYS);
                store.enqueue_all(jobs).await.unwrap();
            }
        })
    });
    let finishing = (0..4).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                let now = OffsetDateTime::now_utc();
                let mut jobs = store.lease(now, now + Duration::MINUTE, 8).await.unwrap();
                jobs.reverse();
                assert_eq!(store.finish_all(&jobs).await.unwrap(), jobs.len() as u64, "each is finished");
            }
        })
    });
    let tasks: Vec<_> = adding.chain(finishing).collect();
    for task in tasks {
        task.await.unwrap();
    }
    let log = postgres.log().unwrap();
    assert!(!log.contains("deadlock detected"), "{log}");
}

//! Jobs: each done by one at a time, and none forgotten.

use std::{collections::HashSet, sync::Arc};

use serde_json::json;
use time::{Duration, OffsetDateTime, macros::datetime};
use uuid::Uuid;

use super::{
    Subject,
    races::{TASKS, at_once},
};
use crate::{JobCounts, JobStore, LeasedJob, NewJob, UserId};

const NOW: OffsetDateTime = datetime!(2026-02-28 12:00 UTC);
const MINUTE: Duration = Duration::MINUTE;

fn job(number: usize) -> NewJob {
    NewJob {
        id: Uuid::new_v4(),
        kind: "forgot-password".to_owned(),
        payload: json!({"email": format!("knight{number}@camelot.bt"), "language": null, "n": [number, "ü"]}),
        unique_key: None,
        due_at: NOW,
    }
}

fn with_key(key: &str) -> NewJob {
    NewJob { unique_key: Some(key.to_owned()), ..job(0) }
}

fn ids(jobs: &[LeasedJob]) -> Vec<Uuid> {
    jobs.iter().map(|job| job.id).collect()
}

pub async fn a_job_is_taken_when_it_is_due_and_done_once<I: UserId, S: JobStore>(subject: Subject<I, S>) {
    let store = subject.store;
    let new = job(1);
    store.enqueue(new.clone()).await.unwrap();
    assert!(store.lease(NOW - Duration::SECOND, NOW, 10).await.unwrap().is_empty(), "it is not due");
    assert!(store.lease(NOW, NOW + MINUTE, 0).await.unwrap().is_empty());
    let taken = store.lease(NOW, NOW + MINUTE, 10).await.unwrap();
    assert_eq!(taken.len(), 1);
    let LeasedJob { id, kind, payload, attempts, .. } = taken[0].clone();
    assert_eq!((id, kind, payload, attempts), (new.id, new.kind, new.payload, 1));
    assert!(store.lease(NOW, NOW + MINUTE, 10).await.unwrap().is_empty(), "somebody has it");
    assert_eq!(store.count().await.unwrap(), JobCounts { waiting: 1, dead: 0 });
    assert!(store.finish(&taken[0]).await.unwrap());
    assert!(!store.finish(&taken[0]).await.unwrap());
    assert!(store.lease(NOW + MINUTE * 9, NOW + MINUTE * 10, 10).await.unwrap().is_empty());
    assert_eq!(store.count().await.unwrap(), JobCounts::default());
}

pub async fn a_job_that_was_added_before_is_added_once<I: UserId, S: JobStore>(subject: Subject<I, S>) {
    let store = subject.store;
    let new = job(1);
    for _ in 0..2 {
        store.enqueue(new.clone()).await.unwrap();
    }
    let another = job(2);
    // It may fail because of the one, and may have added the other.
    let _ = store.enqueue_all(vec![another.clone(), new.clone()]).await;
    store.enqueue(another.clone()).await.unwrap();
    let taken = store.lease(NOW, NOW + MINUTE, 10).await.unwrap();
    assert_eq!(ids(&taken).into_iter().collect::<HashSet<_>>(), HashSet::from([new.id, another.id]));
    assert_eq!(taken.len(), 2);
    store.enqueue(new).await.unwrap();
    assert_eq!(store.finish_all(&taken).await.unwrap(), 2);
    assert_eq!(store.count().await.unwrap(), JobCounts::default());
}

pub async fn who_has_waited_longest_comes_first<I: UserId, S: JobStore>(subject: Subject<I, S>) {
    let store = subject.store;
    let mut expected = Vec::new();
    for minutes in [3, 1, 2, 0] {
        let new = NewJob { due_at: NOW - MINUTE * minutes, ..job(1) };
        expected.push((minutes, new.id));
        store.enqueue(new).await.unwrap();
    }
    expected.sort();
    for two in [2, 0] {
        let taken = store.lease(NOW, NOW + MINUTE, 2).await.unwrap();
        let taken: HashSet<Uuid> = ids(&taken).into_iter().collect();
        assert_eq!(taken, expected[two..two + 2].iter().map(|(_, id)| *id).collect());
    }
}

pub async fn f_12_a_lease_that_has_ended_is_worth_nothing<I: UserId, S: JobStore>(subject: Subject<I, S>) {
    let store = subject.store;
    store.enqueue(job(1)).await.unwrap();
    let old = store.lease(NOW, NOW + MINUTE, 1).await.unwrap().remove(0);
    assert!(store.lease(NOW + MINUTE - Duration::SECOND, NOW, 1).await.unwrap().is_empty());
    let new = store.lease(NOW + MINUTE, NOW + MINUTE * 2, 1).await.unwrap().remove(0);
    assert_eq!((new.id, new.attempts), (old.id, 2));
    assert_ne!(new.lease, old.lease);
    assert!(!store.finish(&old).await.unwrap());
    assert!(!store.retry(&old, NOW).await.unwrap());
    assert!(!store.bury(&old, NOW, "too late").await.unwrap());
    assert_eq!(store.count().await.unwrap(), JobCounts { waiting: 1, dead: 0 });
    assert!(store.finish(&new).await.unwrap());
}

pub async fn a_job_that_failed_is_tried_later<I: UserId, S: JobStore>(subject: Subject<I, S>) {
    let store = subject.store;
    let new = job(1);
    store.enqueue(new.clone()).await.unwrap();
    let first = store.lease(NOW, NOW + MINUTE, 1).await.unwrap().remove(0);
    assert!(store.retry(&first, NOW + MINUTE * 5).await.unwrap());
    assert!(!store.retry(&first, NOW).await.unwrap(), "the lease was given back");
    assert!(!store.finish(&first).await.unwrap());
    assert!(store.lease(NOW + MINUTE * 4, NOW + MINUTE * 9, 1).await.unwrap().is_empty());
    let second = store.lease(NOW + MINUTE * 5, NOW + MINUTE * 9, 1).await.unwrap().remove(0);
    assert_eq!((second.id, second.attempts, second.payload), (new.id, 2, new.payload));
}

pub async fn a_key_is_free_when_its_job_is_done_or_dead<I: UserId, S: JobStore>(subject: Subject<I, S>) {
    let store = subject.store;
    for key in ["a", "A", "b", "á", "a"] {
        store.enqueue(with_key(key)).await.unwrap();
    }
    let taken = store.lease(NOW, NOW + MINUTE, 10).await.unwrap();
    assert_eq!(taken.len(), 4);
    store.enqueue(with_key("a")).await.unwrap();
    assert_eq!(store.count().await.unwrap().waiting, 4, "it is being done");
    for job in &taken {
        assert!(store.retry(job, NOW).await.unwrap());
    }
    store.enqueue(with_key("a")).await.unwrap();
    assert_eq!(store.count().await.unwrap().waiting, 4, "it waits again");
    let taken = store.lease(NOW, NOW + MINUTE, 10).await.unwrap();
    for (number, job) in taken.iter().enumerate() {
        let ended = if number % 2 == 0 { store.finish(job).await } else { store.bury(job, NOW, "no").await };
        assert!(ended.unwrap());
    }
    for key in ["a", "A", "b", "á"] {
        store.enqueue(with_key(key)).await.unwrap();
    }
    assert_eq!(store.count().await.unwrap(), JobCounts { waiting: 4, dead: 2 });
}

pub async fn who_was_given_up_is_kept_to_look_at<I: UserId, S: JobStore>(subject: Subject<I, S>) {
    let store = subject.store;
    let (old, new) = (job(1), job(2));
    let reason = "The server refused the mail (550): ünknown. ".repeat(11);
    for (job, time) in [(&old, NOW - MINUTE), (&new, NOW)] {
        store.enqueue(job.clone()).await.unwrap();
        let taken = store.lease(NOW, NOW + MINUTE, 1).await.unwrap().remove(0);
        assert!(store.bury(&taken, time, &reason).await.unwrap());
        assert!(!store.bury(&taken, time, "again").await.unwrap());
    }
    assert!(store.lease(NOW + MINUTE * 9, NOW + MINUTE * 10, 10).await.unwrap().is_empty());
    assert_eq!(store.count().await.unwrap(), JobCounts { waiting: 0, dead: 2 });
    let dead = store.dead(10).await.unwrap();
    assert_eq!(dead.iter().map(|job| job.id).collect::<Vec<_>>(), [new.id, old.id]);
    assert_eq!((dead[0].attempts, dead[0].died_at, &dead[0].reason), (1, NOW, &reason));
    assert_eq!((&dead[0].kind, &dead[0].payload), (&new.kind, &new.payload));
    assert_eq!(store.dead(1).await.unwrap(), dead[..1]);

    assert!(store.revive(new.id, NOW).await.unwrap());
    assert!(!store.revive(new.id, NOW).await.unwrap());
    assert!(!store.revive(Uuid::new_v4(), NOW).await.unwrap());
    let again = store.lease(NOW, NOW + MINUTE, 10).await.unwrap();
    assert_eq!((ids(&again), again[0].attempts), (vec![new.id], 1));
    assert_eq!(store.remove_dead(NOW - MINUTE).await.unwrap(), 0);
    assert_eq!(store.remove_dead(NOW).await.unwrap(), 1);
    assert_eq!(store.count().await.unwrap(), JobCounts { waiting: 1, dead: 0 });
}

pub async fn f_13_jobs_taken_by_many_at_once_are_each_taken_once<I: UserId, S: JobStore>(
    subject: Subject<I, S>,
) {
    const JOBS: usize = 100;
    let added = at_once(|task| {
        let store = Arc::clone(&subject.store);
        async move {
            for number in (task..JOBS).step_by(TASKS) {
                store.enqueue(job(number)).await.unwrap();
            }
        }
    });
    added.await;
    let taken = at_once(|_| {
        let store = Arc::clone(&subject.store);
        async move {
            let (mut mine, mut empty) = (Vec::new(), 0);
            // Who is in another's way may come away with nothing although there is more.
            while empty < 5 {
                let taken = store.lease(NOW, NOW + MINUTE, 3).await.unwrap();
                assert!(taken.len() <= 3);
                empty = if taken.is_empty() { empty + 1 } else { 0 };
                for (number, job) in taken.iter().enumerate() {
                    // Some are added meanwhile, by who finishes others.
                    assert!(store.finish(job).await.unwrap(), "its lease holds");
                    if number == 0 && mine.len() < 3 {
                        store.enqueue(NewJob { due_at: NOW + MINUTE, ..self::job(0) }).await.unwrap();
                    }
                    mine.push(job.id);
                }
            }
            mine
        }
    })
    .await;
    let taken: Vec<Uuid> = taken.into_iter().flatten().collect();
    assert_eq!(taken.len(), JOBS, "each once");
    assert_eq!(taken.iter().collect::<HashSet<_>>().len(), JOBS);
}

pub async fn fgt_5_of_many_jobs_with_one_key_one_waits<I: UserId, S: JobStore>(subject: Subject<I, S>) {
    at_once(|number| {
        let store = Arc::clone(&subject.store);
        let new = NewJob { unique_key: Some("key".to_owned()), ..job(number) };
        async move { store.enqueue(new).await.unwrap() }
    })
    .await;
    assert_eq!(subject.store.count().await.unwrap().waiting, 1);
}

pub async fn jobs_added_and_finished_together_are_as_one_by_one<I: UserId, S: JobStore>(
    subject: Subject<I, S>,
) {
    let store = subject.store;
    store.enqueue(with_key("waits")).await.unwrap();
    let mut jobs: Vec<NewJob> = (0..75).map(job).collect();
    let without_key: HashSet<Uuid> = jobs.iter().map(|job| job.id).collect();
    jobs.extend(["waits", "twice", "twice"].map(with_key));
    store.enqueue_all(jobs).await.unwrap();
    store.enqueue_all(Vec::new()).await.unwrap();

    let taken = store.lease(NOW, NOW + MINUTE, 100).await.unwrap();
    assert_eq!(taken.len(), 77, "one for each key");
    assert!(ids(&taken).into_iter().collect::<HashSet<_>>().is_superset(&without_key));
    let (late, in_time) = taken.split_at(7);
    assert_eq!(store.finish_all(in_time).await.unwrap(), 70);
    assert_eq!(store.finish_all(in_time).await.unwrap(), 0);
    assert_eq!(store.finish_all(&[]).await.unwrap(), 0);
    let again = store.lease(NOW + MINUTE, NOW + MINUTE * 2, 100).await.unwrap();
    assert_eq!(again.len(), 7);
    assert_eq!(store.finish_all(late).await.unwrap(), 0, "others have them now");
    let all = [late, again.as_slice()].concat();
    assert_eq!(store.finish_all(&all).await.unwrap(), 7);
    assert_eq!(store.count().await.unwrap(), JobCounts::default());
}

/// F-25: two that wait for each other's keys would wait for ever.
pub async fn f_25_many_add_the_same_jobs_together_in_any_order<I: UserId, S: JobStore>(
    subject: Subject<I, S>,
) {
    const KEYS: usize = 20;
    at_once(|task| {
        let store = Arc::clone(&subject.store);
        async move {
            for round in 0..5 {
                let mut jobs: Vec<_> = (0..KEYS).map(|key| with_key(&key.to_string())).collect();
                jobs.rotate_left((task + round) % KEYS);
                if task % 2 == 0 {
                    jobs.reverse();
                }
                store.enqueue_all(jobs).await.unwrap();
            }
        }
    })
    .await;
    assert_eq!(subject.store.count().await.unwrap().waiting, KEYS as u64);
}

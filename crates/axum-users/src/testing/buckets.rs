//! Limits: what a rule says, and no more, however many ask.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    Subject,
    races::{TASKS, at_once, count},
};
use crate::{Bucket, LimitRule, LimitStore, StoreError, UserId};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn tokens(key: &str, count: u32, period: Duration) -> Bucket {
    Bucket { key: key.to_owned(), rule: LimitRule::tokens(count, period) }
}

fn waits(key: &str, free: u32) -> Bucket {
    let rule = LimitRule::back_off(free, Duration::from_secs(30), HOUR);
    Bucket { key: key.to_owned(), rule }
}

/// `None` if one was taken of each, and else how long each must be waited for.
async fn take(store: &impl LimitStore, buckets: &[Bucket]) -> Option<Vec<Duration>> {
    let waits = store.take(buckets).await.unwrap();
    assert_eq!(waits.len(), buckets.len());
    waits.iter().any(|wait| !wait.is_zero()).then_some(waits)
}

/// How many can be taken one after the other.
async fn left(store: &impl LimitStore, bucket: &Bucket) -> usize {
    for left in 0..100 {
        if take(store, std::slice::from_ref(bucket)).await.is_some() {
            return left;
        }
    }
    panic!("there is no end")
}

#[track_caller]
fn assert_about(wait: Duration, expected: Duration) {
    let range = expected.saturating_sub(Duration::from_secs(2))..=expected;
    assert!(range.contains(&wait), "{wait:?} is not about {expected:?}");
}

pub async fn a_bucket_gives_what_its_rule_says<I: UserId, S: LimitStore>(subject: Subject<I, S>) {
    let store = &*subject.store;
    let bucket = tokens("Knights", 3, HOUR);
    assert_eq!(left(store, &bucket).await, 3);
    assert_about(take(store, std::slice::from_ref(&bucket)).await.unwrap()[0], HOUR / 3);
    assert_eq!(left(store, &tokens("knights", 3, HOUR)).await, 3, "keys are compared exactly");
    assert_eq!(take(store, &[]).await, None);
}

pub async fn who_waits_as_long_as_is_said_gets_one<I: UserId, S: LimitStore>(subject: Subject<I, S>) {
    let store = &*subject.store;
    let bucket = tokens("a", 4, Duration::from_secs(2));
    let mut left = left(store, &bucket).await;
    // Some may have flowed in meanwhile.
    assert!((4..6).contains(&left));
    for _ in 0..3 {
        if let Some(waits) = take(store, std::slice::from_ref(&bucket)).await {
            assert!(waits[0] <= Duration::from_millis(500), "{waits:?}");
            sleep(waits[0] + Duration::from_millis(2)).await;
            assert_eq!(take(store, std::slice::from_ref(&bucket)).await, None);
        }
        left += 1;
    }
    assert!(left < 12);
}

pub async fn log_7_waits_double_and_the_limit_holds_on<I: UserId, S: LimitStore>(subject: Subject<I, S>) {
    let store = &*subject.store;
    let bucket = waits("a", 2);
    assert_eq!(left(store, &bucket).await, 2);
    for seconds in [1, 2] {
        let wait = take(store, std::slice::from_ref(&bucket)).await.unwrap()[0];
        assert!(wait <= Duration::from_secs(seconds) && wait > Duration::from_secs(seconds - 1), "{wait:?}");
        sleep(wait + Duration::from_millis(2)).await;
        assert_eq!(take(store, std::slice::from_ref(&bucket)).await, None);
    }
    assert_about(take(store, &[bucket]).await.unwrap()[0], Duration::from_secs(4));
}

pub async fn of_several_buckets_all_give_or_none<I: UserId, S: LimitStore>(subject: Subject<I, S>) {
    let store = &*subject.store;
    let (one, two, three) = (tokens("z", 1, HOUR), tokens("a", 2, HOUR), waits("m", 3));
    assert_eq!(take(store, &[one.clone(), two.clone(), three.clone()]).await, None);
    for _ in 0..5 {
        let waits = take(store, &[one.clone(), two.clone(), three.clone()]).await.unwrap();
        assert_about(waits[0], HOUR);
        assert_eq!(waits[1..], [Duration::ZERO; 2]);
    }
    assert_eq!(left(store, &two).await, 1);
    assert_eq!(left(store, &three).await, 2);
    let waits = take(store, &[three, two, one]).await.unwrap();
    assert_about(waits[0], Duration::from_secs(1));
    assert_about(waits[1], HOUR / 2);
    assert_about(waits[2], HOUR);
    // As many as there may ever be.
    let many: Vec<Bucket> = (0..20).map(|number| tokens(&format!("many {number}"), 1, HOUR)).collect();
    assert_eq!(take(store, &many).await, None);
    assert!(take(store, &many).await.is_some_and(|waits| waits.iter().all(|wait| !wait.is_zero())));
    store.give_back(&many).await.unwrap();
    assert_eq!(take(store, &many).await, None);
}

pub async fn log_6_what_is_given_back_is_there_again_and_no_more<I: UserId, S: LimitStore>(
    subject: Subject<I, S>,
) {
    let store = &*subject.store;
    let both = [tokens("a", 3, HOUR), waits("b", 3)];
    store.give_back(&both).await.unwrap();
    for bucket in &both {
        assert_eq!(left(store, bucket).await, 3, "nothing was there to be given back");
    }
    store.give_back(&both).await.unwrap();
    for bucket in &both {
        assert_eq!(left(store, bucket).await, 1);
    }
}

pub async fn what_is_forgotten_was_never_taken<I: UserId, S: LimitStore>(subject: Subject<I, S>) {
    let store = &*subject.store;
    let (one, two, other) = (tokens("a", 2, HOUR), waits("b", 3), tokens("c", 2, HOUR));
    assert_eq!((left(store, &one).await, left(store, &two).await, left(store, &other).await), (2, 3, 2));
    let keys = ["a", "b", "nobody's"].map(str::to_owned);
    store.forget(&keys).await.unwrap();
    assert_eq!((left(store, &one).await, left(store, &two).await, left(store, &other).await), (2, 3, 0));
}

pub async fn what_is_over_can_be_removed<I: UserId, S: LimitStore>(subject: Subject<I, S>) {
    let store = &*subject.store;
    let (short, long) = (Duration::from_millis(100), tokens("long", 1, HOUR));
    for number in 0..5 {
        assert_eq!(take(store, &[tokens(&format!("short {number}"), 1, short)]).await, None);
    }
    assert_eq!(take(store, std::slice::from_ref(&long)).await, None);
    sleep(short * 2).await;
    // A store whose entries vanish by themselves has none.
    let mut removed = 0;
    for _ in 0..5 {
        let batch = store.remove_expired(2).await.unwrap();
        removed += batch;
        if batch == 0 {
            break;
        }
    }
    assert!(matches!(removed, 0 | 5), "{removed}");
    assert_eq!(store.remove_expired(2).await.unwrap(), 0);
    assert!(take(store, &[long]).await.is_some());
}

pub async fn log_3_of_many_at_once_no_more_get_one_than_the_rule_says<I: UserId, S: LimitStore>(
    subject: Subject<I, S>,
) {
    for round in 0..3 {
        let results = at_once(|number| {
            let store = Arc::clone(&subject.store);
            async move {
                let mut taken = 0;
                for _ in 0..3 {
                    // Others take the same in another order.
                    let mut buckets = [
                        waits(&format!("tries {round}"), 50),
                        tokens(&format!("client {round}"), 5, HOUR),
                        tokens(&format!("address {round}"), 9, HOUR),
                    ];
                    buckets.rotate_left(number % 3);
                    taken += usize::from(take(&*store, &buckets).await.is_none());
                }
                taken
            }
        })
        .await;
        assert_eq!(results.iter().sum::<usize>(), 5);
        let store = &*subject.store;
        assert_eq!(left(store, &waits(&format!("tries {round}"), 50)).await, 45);
        assert_eq!(left(store, &tokens(&format!("address {round}"), 9, HOUR)).await, 4);
    }
}

pub async fn what_many_take_and_give_back_at_once_is_all_there_again<I: UserId, S: LimitStore>(
    subject: Subject<I, S>,
) {
    let both = || [tokens("a", 40, HOUR), waits("b", 40)];
    let results = at_once(|number| {
        let store = Arc::clone(&subject.store);
        async move {
            for _ in 0..3 {
                let mut buckets = both();
                if number % 2 == 0 {
                    buckets.reverse();
                }
                assert!(store.take(&buckets).await?.iter().all(Duration::is_zero));
                store.give_back(&buckets).await?;
            }
            Ok::<_, StoreError>(())
        }
    })
    .await;
    assert_eq!(count(&results, Result::is_ok), TASKS, "{results:?}");
    for bucket in both() {
        assert_eq!(left(&*subject.store, &bucket).await, 40);
    }
}

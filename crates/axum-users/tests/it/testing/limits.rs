//! The same for stores of limits.

use std::time::Duration;

use axum_users::{Bucket, LimitStore, MemoryStore, NoProfile, StoreError, testing::limit_failures};
use tokio::time::sleep;

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    None,
    NothingIsCounted,
    OneByOne,
    LooksBeforeItTakes,
    GivesNothingBack,
    GivesAllBack,
    ForgetsNothing,
    RemovesWhatStillCounts,
    KeysAreFolded,
}

struct Defective {
    sound: MemoryStore<NoProfile>,
    defect: Defect,
}

impl Defective {
    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }
}

impl LimitStore for Defective {
    async fn take(&self, buckets: &[Bucket]) -> Result<Vec<Duration>, StoreError> {
        if self.has(Defect::NothingIsCounted) {
            return Ok(vec![Duration::ZERO; buckets.len()]);
        }
        if self.has(Defect::OneByOne) {
            let mut waits = Vec::new();
            for bucket in buckets {
                waits.extend(self.sound.take(std::slice::from_ref(bucket)).await?);
            }
            return Ok(waits);
        }
        if self.has(Defect::LooksBeforeItTakes) {
            let waits = self.sound.take(buckets).await?;
            if waits.iter().all(Duration::is_zero) {
                self.sound.give_back(buckets).await?;
                sleep(Duration::from_millis(1)).await;
                self.sound.take(buckets).await?;
            }
            return Ok(waits);
        }
        let mut buckets = buckets.to_vec();
        if self.has(Defect::KeysAreFolded) {
            buckets.iter_mut().for_each(|bucket| bucket.key = bucket.key.to_lowercase());
        }
        self.sound.take(&buckets).await
    }

    async fn give_back(&self, buckets: &[Bucket]) -> Result<(), StoreError> {
        match self.defect {
            Defect::GivesNothingBack => Ok(()),
            Defect::GivesAllBack => {
                self.sound.forget(&buckets.iter().map(|bucket| bucket.key.clone()).collect::<Vec<_>>()).await
            }
            _ => self.sound.give_back(buckets).await,
        }
    }

    async fn forget(&self, keys: &[String]) -> Result<(), StoreError> {
        if self.has(Defect::ForgetsNothing) { Ok(()) } else { self.sound.forget(keys).await }
    }

    async fn remove_expired(&self, limit: u32) -> Result<u64, StoreError> {
        if self.has(Defect::RemovesWhatStillCounts) {
            self.sound.forget(&["long".to_owned()]).await?;
        }
        self.sound.remove_expired(limit).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_defect_of_a_store_of_limits_is_found() {
    let failures = async |defect| {
        let open = async || Defective { sound: MemoryStore::new(), defect };
        limit_failures(open).await
    };
    assert!(failures(Defect::None).await.is_empty());
    let expected = [
        (Defect::NothingIsCounted, "a_bucket_gives_what_its_rule_says"),
        (Defect::OneByOne, "of_several_buckets_all_give_or_none"),
        (Defect::LooksBeforeItTakes, "log_3_of_many_at_once_no_more_get_one_than_the_rule_says"),
        (Defect::GivesNothingBack, "log_6_what_is_given_back_is_there_again_and_no_more"),
        (Defect::GivesAllBack, "log_6_what_is_given_back_is_there_again_and_no_more"),
        (Defect::ForgetsNothing, "what_is_forgotten_was_never_taken"),
        (Defect::RemovesWhatStillCounts, "what_is_over_can_be_removed"),
        (Defect::KeysAreFolded, "a_bucket_gives_what_its_rule_says"),
    ];
    for (defect, case) in expected {
        let failed = failures(defect).await;
        assert!(failed.contains(&case), "{defect:?} fails {failed:?}");
    }
}

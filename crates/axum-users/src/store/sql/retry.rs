//! Transactions that a database gives up for another one's sake are tried again.

use std::time::Duration;

use super::driver::DriverError;

/// How often (fault F-25).
const RETRIES: u32 = 3;

/// Runs a transaction, and again if it was given up because of others: a deadlock, or no serial order. What a commit did
/// whose answer is lost is not known; that is never repeated.
pub(super) async fn retried<T, F>(transaction: impl Fn() -> F) -> Result<T, DriverError>
where
    F: Future<Output = Result<T, DriverError>>,
{
    for number in 1..=RETRIES {
        match transaction().await {
            Err(DriverError::Conflict(error)) => {
                tracing::debug!(
                    number,
                    error = &*error as &dyn std::error::Error,
                    "a transaction is tried again"
                );
                tokio::time::sleep(pause(number)).await;
            }
            other => return other,
        }
    }
    transaction().await
}

/// Longer each time, and not alike for those that were in each other's way.
fn pause(number: u32) -> Duration {
    let random = getrandom::u32().unwrap_or_default() % 20;
    Duration::from_millis((5 + random).into()) * number
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::*;

    fn conflict() -> DriverError {
        DriverError::Conflict("deadlock".into())
    }

    #[tokio::test]
    async fn f_25_a_conflict_is_retried_three_times_and_nothing_else_is() {
        let runs = AtomicU32::new(0);
        let count = || runs.fetch_add(1, Relaxed);
        let lucky = retried(async || if count() < 3 { Err(conflict()) } else { Ok(7) }).await;
        assert!(matches!(lucky, Ok(7)));
        assert_eq!(runs.swap(0, Relaxed), 4);
        let unlucky = retried(async || {
            count();
            Err::<(), _>(conflict())
        })
        .await;
        assert!(matches!(unlucky, Err(DriverError::Conflict(_))));
        assert_eq!(runs.swap(0, Relaxed), 4);
        let other = retried(async || {
            count();
            Err::<(), _>(DriverError::ForeignKey)
        })
        .await;
        assert!(matches!(other, Err(DriverError::ForeignKey)));
        assert_eq!(runs.load(Relaxed), 1);
    }
}

//! Writing together what many ask to be written at the same time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use tokio::{runtime::Handle, sync::oneshot};

use crate::StoreError;

/// At most so many are written at once.
const BATCH: usize = 64;

/// How many write at a time: while one waits for the disk, the other one is on its way.
const WRITERS: usize = 2;

/// What waits to be written. While some are written the next ones gather: nobody waits for more than two writes, and a store that is
/// busy gets many by one call.
pub(super) struct Together<T>(Arc<Mutex<Waiting<T>>>);

struct Waiting<T> {
    items: Vec<Item<T>>,
    writers: usize,
}

type Item<T> = (T, oneshot::Sender<Result<(), StoreError>>);

impl<T: Clone + Send + 'static> Together<T> {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Waiting { items: Vec::new(), writers: 0 })))
    }

    /// Has it written by a task of its own, even if nobody waits for the end; outside of a tokio runtime alone and at once.
    pub(super) async fn write<F>(
        &self,
        item: T,
        write: impl Fn(Vec<T>) -> F + Send + 'static,
    ) -> Result<(), StoreError>
    where
        F: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        let Ok(runtime) = Handle::try_current() else { return write(vec![item]).await };
        let (told, answer) = oneshot::channel();
        let begins = {
            let mut waiting = lock(&self.0);
            waiting.items.push((item, told));
            let begins = waiting.writers < WRITERS;
            waiting.writers += usize::from(begins);
            begins
        };
        if begins {
            runtime.spawn(Writer { waiting: Arc::clone(&self.0), is_done: false }.run(write));
        }
        answer.await.unwrap_or_else(|gone| Err(StoreError::Backend(gone.into())))
    }
}

/// Writes until nothing waits.
struct Writer<T> {
    waiting: Arc<Mutex<Waiting<T>>>,
    is_done: bool,
}

impl<T: Clone> Writer<T> {
    async fn run<F>(mut self, write: impl Fn(Vec<T>) -> F)
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        while let Some(batch) = self.next() {
            let (items, told): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let results = if items.len() == 1 {
                vec![write(items).await]
            } else if write(items.clone()).await.is_ok() {
                items.iter().map(|_| Ok(())).collect()
            } else {
                // One that cannot be written takes nobody with it.
                join_all(items.into_iter().map(|item| write(vec![item]))).await
            };
            for (told, result) in told.into_iter().zip(results) {
                let _ = told.send(result);
            }
        }
    }

    fn next(&mut self) -> Option<Vec<Item<T>>> {
        let mut waiting = lock(&self.waiting);
        let most = waiting.items.len().min(BATCH);
        if most == 0 {
            self.is_done = true;
            waiting.writers -= 1;
            return None;
        }
        Some(waiting.items.drain(..most).collect())
    }
}

/// A store may panic, and a task ends with its runtime: who waits is told, and the next one begins anew.
impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        if !self.is_done {
            let mut waiting = lock(&self.waiting);
            waiting.writers -= 1;
            if waiting.writers == 0 {
                waiting.items.clear();
            }
        }
    }
}

fn lock<T>(waiting: &Mutex<Waiting<T>>) -> MutexGuard<'_, Waiting<T>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
        time::Duration,
    };

    use super::*;

    type Calls = Arc<Mutex<Vec<Vec<usize>>>>;

    /// Adds the first numbers, one for each writer, and the others meanwhile, to a store that fails at 13 and panics at 14.
    async fn add(numbers: impl IntoIterator<Item = usize>) -> (Vec<Result<(), String>>, Vec<Vec<usize>>) {
        let (together, calls) = (Arc::new(Together::new()), Calls::default());
        let mut adding = Vec::new();
        for number in numbers {
            let (together, seen) = (Arc::clone(&together), Arc::clone(&calls));
            let write = move |numbers: Vec<usize>| {
                seen.lock().unwrap().push(numbers.clone());
                async move {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    assert!(!numbers.contains(&14), "as asked");
                    let is_unlucky = numbers.contains(&13);
                    if is_unlucky { Err(StoreError::Backend("unlucky".into())) } else { Ok(()) }
                }
            };
            adding.push(tokio::spawn(async move {
                together.write(number, write).await.map_err(|error| format!("{error:?}"))
            }));
            while calls.lock().unwrap().len() < adding.len().min(WRITERS) {
                tokio::task::yield_now().await;
            }
        }
        let mut results = Vec::new();
        for adding in adding {
            results.push(adding.await.unwrap());
        }
        let calls = calls.lock().unwrap().clone();
        (results, calls)
    }

    #[tokio::test]
    async fn who_comes_while_another_is_written_is_written_with_others() {
        let (results, calls) = add(0..10).await;
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(calls, [vec![0], vec![1], (2..10).collect::<Vec<_>>()]);
        let (results, calls) = add(100..300).await;
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 64, 64, 64, 6]);
    }

    #[tokio::test]
    async fn one_that_fails_takes_nobody_with_it_and_whoever_waits_is_told() {
        let (results, calls) = add([1, 2, 13, 3]).await;
        assert!(results[..2].iter().all(Result::is_ok) && results[3].is_ok(), "{results:?}");
        assert!(results[2].as_ref().unwrap_err().contains("unlucky"), "{results:?}");
        assert_eq!(calls, [vec![1], vec![2], vec![13, 3], vec![13], vec![3]]);
        let (results, _) = add([14, 14, 3]).await;
        assert!(results.iter().all(Result::is_err), "{results:?}");
        let (results, _) = add([1, 14, 3]).await;
        assert!(results[0].is_ok() && results[1].is_err() && results[2].is_ok(), "{results:?}");
    }

    #[test]
    fn outside_of_a_runtime_it_is_written_at_once() {
        let together = Together::new();
        let written = together.write(7, |numbers| async move {
            assert_eq!(numbers, [7]);
            Ok(())
        });
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(matches!(std::pin::pin!(written).poll(&mut context), std::task::Poll::Ready(Ok(()))));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn each_is_written_once_however_many_come_and_go() {
        let (together, written) = (Arc::new(Together::new()), Arc::new(AtomicUsize::new(0)));
        let adding: Vec<_> = (0..8)
            .map(|_| {
                let (together, written) = (Arc::clone(&together), Arc::clone(&written));
                tokio::spawn(async move {
                    for number in 0..1_000 {
                        let written = Arc::clone(&written);
                        let write = move |numbers: Vec<usize>| {
                            written.fetch_add(numbers.len(), SeqCst);
                            async { Ok(()) }
                        };
                        together.write(number, write).await.unwrap();
                    }
                })
            })
            .collect();
        for adding in adding {
            tokio::time::timeout(Duration::from_secs(60), adding)
                .await
                .expect("nobody waits for ever")
                .unwrap();
        }
        assert_eq!(written.load(SeqCst), 8_000);
        assert_eq!(lock(&together.0).writers, 0);
    }
}

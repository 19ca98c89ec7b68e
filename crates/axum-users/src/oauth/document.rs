//! A document that a provider publishes, kept for a while: asked for once by however many need it at the same time, and
//! asked for again within bounds, so that nobody can make this server flood a provider.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::{Duration, Instant};

use super::ProviderError;

/// After this it is asked for anew.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// For so long it is used on when the provider does not answer anew.
const USABLE: Duration = Duration::from_secs(24 * 60 * 60);

/// So long after a failure it is not asked for again.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// How often at most it is asked for because something is missing in it.
const AFTER_MISS: Duration = Duration::from_secs(30);

/// What is fetched, and the last value of it. Clones share it.
pub(super) struct Document<T>(Arc<Shared<T>>);

struct Shared<T> {
    held: Mutex<Held<T>>,
    /// One fetches, the others wait.
    fetching: tokio::sync::Mutex<()>,
}

struct Held<T> {
    value: Option<(Arc<T>, Instant)>,
    failure: Option<(ProviderError, Instant)>,
    last_miss: Option<Instant>,
}

impl<T: Send + Sync + 'static> Document<T> {
    pub(super) fn new() -> Self {
        let held = Mutex::new(Held { value: None, failure: None, last_miss: None });
        Self(Arc::new(Shared { held, fetching: tokio::sync::Mutex::new(()) }))
    }

    /// The document.
    pub(super) async fn get<F>(&self, fetch: impl FnOnce() -> F) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>> + Send + 'static,
    {
        self.answer(None, fetch).await
    }

    /// The document after something was missing in `seen`: a newer one, or the same if it was asked for a moment ago.
    pub(super) async fn newer<F>(
        &self,
        seen: &Arc<T>,
        fetch: impl FnOnce() -> F,
    ) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>> + Send + 'static,
    {
        self.answer(Some(Arc::clone(seen)), fetch).await
    }

    /// The fetch is a task of its own: it ends even if those who wait go away, and its outcome counts.
    async fn answer<F>(
        &self,
        seen: Option<Arc<T>>,
        fetch: impl FnOnce() -> F,
    ) -> Result<Arc<T>, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>> + Send + 'static,
    {
        if let Some(answer) = self.0.known(seen.as_ref()) {
            return answer;
        }
        let (shared, fetch) = (Arc::clone(&self.0), fetch());
        let task = tokio::spawn(async move {
            let _one = shared.fetching.lock().await;
            match shared.known(seen.as_ref()) {
                Some(answer) => answer,
                None => shared.keep(fetch.await, seen.as_ref()),
            }
        });
        task.await.unwrap_or_else(|error| Err(ProviderError::Unavailable(error.into())))
    }
}

impl<T> Shared<T> {
    /// What is to be answered without asking the provider, if anything.
    fn known(&self, seen: Option<&Arc<T>>) -> Option<Result<Arc<T>, ProviderError>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((value, at)) = &held.value {
            let is_newer = seen.is_none_or(|seen| !Arc::ptr_eq(seen, value));
            let was_asked = held.last_miss.is_some_and(|last| last.elapsed() < AFTER_MISS);
            if at.elapsed() < FRESH && (is_newer || was_asked) {
                return Some(Ok(Arc::clone(value)));
            }
        }
        let (error, at) = held.failure.as_ref()?;
        (at.elapsed() < AFTER_FAILURE).then(|| held.without_provider(error.again(), seen))
    }

    fn keep(
        &self,
        fetched: Result<T, ProviderError>,
        seen: Option<&Arc<T>>,
    ) -> Result<Arc<T>, ProviderError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok(value) => {
                let value = Arc::new(value);
                held.value = Some((Arc::clone(&value), Instant::now()));
                held.failure = None;
                if seen.is_some() {
                    held.last_miss = Some(Instant::now());
                }
                Ok(value)
            }
            Err(error) => {
                held.failure = Some((error.again(), Instant::now()));
                held.without_provider(error, seen)
            }
        }
    }
}

impl<T> Held<T> {
    fn without_provider(&self, error: ProviderError, seen: Option<&Arc<T>>) -> Result<Arc<T>, ProviderError> {
        match &self.value {
            Some((value, at)) if seen.is_none() && at.elapsed() < USABLE => Ok(Arc::clone(value)),
            _ => Err(error),
        }
    }
}

impl<T> Clone for Document<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> std::fmt::Debug for Document<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Document")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::{advance, sleep};

    use super::*;

    /// Counts what is asked for; each answer is the count.
    #[derive(Clone, Default)]
    struct Provider(Arc<AtomicUsize>, Arc<Mutex<bool>>);

    impl Provider {
        fn fetch(&self) -> impl Future<Output = Result<usize, ProviderError>> + Send + 'static {
            let provider = self.clone();
            async move {
                sleep(Duration::from_secs(1)).await;
                let count = provider.0.fetch_add(1, Ordering::SeqCst) + 1;
                if *provider.1.lock().unwrap() { Err(ProviderError::Answer("broken")) } else { Ok(count) }
            }
        }

        fn breaks(&self, broken: bool) {
            *self.1.lock().unwrap() = broken;
        }

        fn count(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    async fn get(document: &Document<usize>, provider: &Provider) -> Option<usize> {
        document.get(|| provider.fetch()).await.ok().map(|value| *value)
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_asked_for_once_an_hour() {
        let (document, provider) = (Document::new(), Provider::default());
        let all = (0..50).map(|_| {
            let (document, provider) = (document.clone(), provider.clone());
            tokio::spawn(async move { get(&document, &provider).await })
        });
        for one in all.collect::<Vec<_>>() {
            assert_eq!(one.await.unwrap(), Some(1));
        }
        advance(FRESH - Duration::from_secs(1)).await;
        assert_eq!(get(&document, &provider).await, Some(1));
        advance(Duration::from_secs(1)).await;
        assert_eq!(get(&document, &provider).await, Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_not_repeated_at_once_and_hides_an_old_value_only_after_a_day() {
        let (document, provider) = (Document::new(), Provider::default());
        provider.breaks(true);
        for _ in 0..10 {
            assert!(matches!(document.get(|| provider.fetch()).await, Err(ProviderError::Answer("broken"))));
        }
        assert_eq!(provider.count(), 1);
        provider.breaks(false);
        advance(AFTER_FAILURE).await;
        assert_eq!(get(&document, &provider).await, Some(2));
        provider.breaks(true);
        advance(FRESH).await;
        for _ in 0..10 {
            assert_eq!(get(&document, &provider).await, Some(2));
        }
        assert_eq!(provider.count(), 3);
        advance(USABLE).await;
        assert_eq!(get(&document, &provider).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_missing_is_asked_for_once_in_a_while() {
        let (document, provider) = (Document::new(), Provider::default());
        let first = document.get(|| provider.fetch()).await.unwrap();
        let second = document.newer(&first, || provider.fetch()).await.unwrap();
        assert_eq!((*first, *second), (1, 2));
        assert_eq!(*document.newer(&first, || provider.fetch()).await.unwrap(), 2);
        for _ in 0..10 {
            assert_eq!(*document.newer(&second, || provider.fetch()).await.unwrap(), 2);
        }
        advance(AFTER_MISS).await;
        assert_eq!(*document.newer(&second, || provider.fetch()).await.unwrap(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_and_goes_away_does_not_make_it_be_asked_for_again() {
        let (document, provider) = (Document::new(), Provider::default());
        for _ in 0..10 {
            let asking = document.get(|| provider.fetch());
            assert!(tokio::time::timeout(Duration::from_millis(10), asking).await.is_err());
        }
        assert_eq!(get(&document, &provider).await, Some(1));
    }
}

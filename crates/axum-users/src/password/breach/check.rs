use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, time::timeout};

use super::{REASON, sha1};
use crate::{
    BoxError, Context, Hooks, Profile,
    oauth::{ProviderClient, ProviderError},
};

/// <https://haveibeenpwned.com/API/v3#SearchingPwnedPasswordsByRange>
const RANGE: &str = "https://api.pwnedpasswords.com/range";

/// How long the answer may take, waiting for others included.
const TIMEOUT: Duration = Duration::from_secs(1);

/// How many are asked at a time.
const AT_ONCE: usize = 16;

/// Refuses new passwords that are known from data breaches: hooks that ask
/// [Have I Been Pwned](https://haveibeenpwned.com/Passwords).
///
/// What leaves the machine is five of the forty hexadecimal digits of the password's SHA-1, which some two thousand of the
/// known passwords share; the answer is padded, so that its length tells nothing either. When there is no answer within a second the password is accepted,
/// and a warning logged: that service must not decide whether people can register here.
///
/// ```
/// use axum_users::{Users, MemoryStore, password::BreachCheck};
///
/// let users: Users = Users::builder(MemoryStore::new(), "5f3c0b9a77e14d2c8e6f1a2b3c4d5e6f")
///     .hooks(BreachCheck::new()?)
///     .build()?;
/// # Ok::<(), axum_users::BoxError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BreachCheck {
    client: ProviderClient,
    places: Arc<Semaphore>,
}

impl BreachCheck {
    /// Asks over TLS, as providers of accounts are asked.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> Result<Self, BoxError> {
        Ok(Self::with(ProviderClient::new()?))
    }

    /// Asks by this client, such as one that goes through a gateway.
    pub fn with(client: ProviderClient) -> Self {
        Self { client, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Whether the password is known, or why that cannot be told.
    async fn is_known(&self, password: &str) -> Result<bool, ProviderError> {
        let hash = digits(password);
        let (prefix, suffix) = hash.split_at(5);
        let answer = async {
            // It is never closed.
            let _place = self.places.acquire().await;
            self.client.get(&format!("{RANGE}/{prefix}")).header("add-padding", "true").text().await
        };
        let answer = timeout(TIMEOUT, answer).await;
        let answer =
            answer.map_err(|_| ProviderError::Unavailable("it does not answer in time".into()))??;
        Ok(holds(&answer, suffix))
    }
}

impl<P: Profile> Hooks<P> for BreachCheck {
    async fn validate_password(&self, password: &str, _email: &str, _: &Context) -> Result<(), String> {
        match self.is_known(password).await {
            Ok(true) => Err(REASON.to_owned()),
            Ok(false) => Ok(()),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "whether a password is known from data breaches was not found out");
                Ok(())
            }
        }
    }
}

/// In upper case, as the service has it.
fn digits(password: &str) -> String {
    sha1(password).as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Lines of `SUFFIX:COUNT`; those that only pad the answer have a count of 0.
fn holds(answer: &str, suffix: &str) -> bool {
    answer.lines().filter_map(|line| line.trim().split_once(':')).any(|(known, count)| {
        known.eq_ignore_ascii_case(suffix) && count.trim().parse().is_ok_and(|count: u64| count > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_service() {
        assert_eq!(digits("password"), "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8");
        assert_eq!(digits("é").len(), 40);
    }

    #[test]
    fn only_lines_that_count_are_held() {
        let answer = "003D68EB55068C33ACE09247EE4C639306B:3\r\n1E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\r\nAAAA:0\r\nBBBB:x\r\nCCCC\r\n";
        assert!(holds(answer, "1E4C9B93F3F0682250B6CF8331B7EE68FD8"));
        assert!(holds(answer, "003d68eb55068c33ace09247ee4c639306b"));
        for suffix in ["AAAA", "BBBB", "CCCC", "DDDD", "", "3"] {
            assert!(!holds(answer, suffix), "{suffix}");
        }
        assert!(!holds("", "AAAA"));
    }
}

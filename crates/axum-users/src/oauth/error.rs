use crate::BoxError;

/// Why a provider did not tell who somebody is. Holds nothing that the provider wrote: its texts are not ours to repeat.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// The provider does not accept the code or the token: it is forged, used or over. The client may begin again.
    #[error("the provider refuses: {0}")]
    Refused(&'static str),
    /// What the provider says of the account cannot be believed: an ID token that is forged or for somebody else.
    #[error("the provider's statement is refused: {0}")]
    Untrusted(&'static str),
    /// The provider answers what its documentation does not say.
    #[error("the provider's answer is unusable: {0}")]
    Answer(&'static str),
    /// The provider cannot be reached, is too slow, or fails.
    #[error("the provider is not available")]
    Unavailable(#[source] BoxError),
    /// A setting keeps the provider from being asked.
    #[error("the provider cannot be used: {0}")]
    Settings(&'static str),
}

impl ProviderError {
    /// The same once more, for those who ask again before the provider is asked again.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::Refused(reason) => Self::Refused(reason),
            Self::Untrusted(reason) => Self::Untrusted(reason),
            Self::Answer(reason) => Self::Answer(reason),
            Self::Unavailable(_) => Self::Unavailable("it failed a moment ago".into()),
            Self::Settings(reason) => Self::Settings(reason),
        }
    }
}

/// Without the URL: some providers want tokens in it.
impl From<reqwest::Error> for ProviderError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unavailable(error.without_url().into())
    }
}

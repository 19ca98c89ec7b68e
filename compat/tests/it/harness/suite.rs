//! What all trials share.

use libtest_mimic::Failed;

use super::{Candidate, Tally, providers::Providers, system::Services};

pub(crate) struct Suite {
    pub(crate) candidate: Candidate,
    pub(crate) services: Services,
    pub(crate) tally: Tally,
    pub(super) providers: Providers,
    runtime: tokio::runtime::Runtime,
}

impl Suite {
    /// Fails if something that the comparison needs is not there.
    pub(crate) fn from_environment() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        Ok(Self {
            candidate: Candidate::from_environment()?,
            services: Services::from_environment()?,
            tally: Tally::default(),
            providers: runtime.block_on(Providers::start())?,
            runtime,
        })
    }

    /// Runs a trial.
    pub(crate) fn block_on(&self, trial: impl Future<Output = anyhow::Result<()>>) -> Result<(), Failed> {
        self.runtime.block_on(trial).map_err(|error| format!("{error:#}").into())
    }
}

//! What an operator wants to see of the pool, by the facade of the `metrics` crate: without its feature, nothing.

use std::time::Duration;

/// Why a password was not hashed.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
    QueueFull,
    ClientShare,
    Late,
}

#[cfg(feature = "metrics")]
mod recorded {
    use metrics::{counter, gauge, histogram};

    use super::{Duration, Refusal};

    pub(in super::super) fn waiting(passwords: usize) {
        gauge!("axum_users_password_queue").set(passwords as f64);
    }

    pub(in super::super) fn memory(bytes: u64) {
        gauge!("axum_users_password_memory_bytes").set(bytes as f64);
    }

    pub(in super::super) fn waited(time: Duration) {
        histogram!("axum_users_password_wait_seconds").record(time);
    }

    pub(in super::super) fn worked(time: Duration) {
        histogram!("axum_users_password_hash_seconds").record(time);
    }

    pub(in super::super) fn refused(why: Refusal) {
        let reason = match why {
            Refusal::QueueFull => "queue_full",
            Refusal::ClientShare => "client_share",
            Refusal::Late => "late",
        };
        counter!("axum_users_password_refused_total", "reason" => reason).increment(1);
    }
}

#[cfg(not(feature = "metrics"))]
mod recorded {
    use super::{Duration, Refusal};

    pub(in super::super) const fn waiting(_: usize) {}
    pub(in super::super) const fn memory(_: u64) {}
    pub(in super::super) const fn waited(_: Duration) {}
    pub(in super::super) const fn worked(_: Duration) {}
    pub(in super::super) const fn refused(_: Refusal) {}
}

pub(super) use recorded::{memory, refused, waited, waiting, worked};

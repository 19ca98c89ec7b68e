//! What has been promised, and whether it holds.

use axum_users_argon2::Engine;
use serde::{Deserialize, Serialize};

/// What is promised of a route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// CPU time: so many times less than fastapi-users, and such a share of what the limit needs.
    Cpu { times: f64, share: f64 },
    /// A route that is one password hash: as many times less as the instructions of the processor allow, and such a share of
    /// the hash alone.
    Hash,
    /// How long the slowest of a hundred answers may take, also beside the limit's; none is lost.
    Latency { p99_ms: f64, times_limit: f64 },
}

/// The share of a route that hashes which may not be lost to anything else.
const HASH_SHARE: f64 = 0.95;

impl Goal {
    pub const fn cpu(times: f64, share: f64) -> Self {
        Self::Cpu { times, share }
    }

    /// How many times less CPU time than fastapi-users, and which share of the limit; for routes that are about that.
    pub fn floors(self, vectors: Vectors) -> Option<(f64, f64)> {
        match self {
            Self::Cpu { times, share } => Some((times, share)),
            Self::Hash => Some((vectors.times(), HASH_SHARE)),
            Self::Latency { .. } => None,
        }
    }
}

/// The widest vectors that the processor computes with: what the time of an Argon2 hash depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Vectors {
    Avx512,
    Avx2,
    Portable,
}

impl Vectors {
    /// Those of this machine.
    pub fn detect() -> Self {
        match Engine::detect().name() {
            "avx512" => Self::Avx512,
            "avx2" => Self::Avx2,
            _ => Self::Portable,
        }
    }

    const fn times(self) -> f64 {
        match self {
            Self::Avx512 => 3.5,
            Self::Avx2 => 2.7,
            Self::Portable => 1.8,
        }
    }
}

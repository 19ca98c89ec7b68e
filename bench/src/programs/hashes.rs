//! Argon2 with the parameters of fastapi-users, on threads of its own with memory that they keep.

use std::{
    cell::RefCell,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use axum_users_argon2::{Engine, Input, Memory, Params};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;

use crate::cpu;

/// 64 MiB, 3 passes, 4 lanes.
const MEMORY_KIB: u32 = 65_536;
const ITERATIONS: u32 = 3;
const PARALLELISM: u32 = 4;

thread_local! {
    static MEMORY: RefCell<Memory> = const { RefCell::new(Memory::new()) };
}

fn tag(password: &str, salt: &[u8]) -> anyhow::Result<[u8; 32]> {
    let parameters =
        Params { memory_kib: MEMORY_KIB, iterations: ITERATIONS, lanes: PARALLELISM, ..Params::default() };
    let input = Input::new(password.as_bytes(), salt);
    let mut tag = [0; 32];
    MEMORY.with_borrow_mut(|memory| Engine::detect().hash(memory, &input, &parameters, &mut tag))?;
    Ok(tag)
}

/// A new hash.
pub(super) fn hash(password: &str) -> anyhow::Result<String> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)?;
    let tag = STANDARD_NO_PAD.encode(tag(password, &salt)?);
    let salt = STANDARD_NO_PAD.encode(salt);
    Ok(format!("$argon2id$v=19$m={MEMORY_KIB},t={ITERATIONS},p={PARALLELISM}${salt}${tag}"))
}

fn verify(password: &str, hash: &str) -> anyhow::Result<bool> {
    let mut parts = hash.rsplit('$').map(|part| STANDARD_NO_PAD.decode(part));
    let stored = parts.next().context("no tag")??;
    let salt = parts.next().context("no salt")??;
    Ok(tag(password, &salt)?.ct_eq(&stored).into())
}

/// As many threads as there are cores.
#[derive(Clone)]
pub(super) struct Pool(mpsc::SyncSender<Work>);

type Work = Box<dyn FnOnce() + Send>;

/// Jobs that may wait.
const QUEUE: usize = 4096;

impl Pool {
    pub(super) fn start() -> anyhow::Result<Self> {
        let (sender, receiver) = mpsc::sync_channel::<Work>(QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..std::thread::available_parallelism()?.get() {
            let receiver = Arc::clone(&receiver);
            std::thread::spawn(move || {
                loop {
                    let work = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(work) = work else { return };
                    work();
                }
            });
        }
        Ok(Self(sender))
    }

    pub(super) async fn hash(&self, password: String) -> anyhow::Result<String> {
        self.run(move || hash(&password)).await
    }

    pub(super) async fn verify(&self, password: String, stored: String) -> anyhow::Result<bool> {
        self.run(move || verify(&password, &stored)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (sender, receiver) = oneshot::channel();
        let work = Box::new(move || {
            // Whoever asked may be gone.
            let _ = sender.send(work());
        });
        self.0.try_send(work).map_err(|_| anyhow!("too many jobs wait"))?;
        receiver.await?
    }
}

/// What hashing alone costs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Bare {
    pub hashes: u64,
    pub cpu_ms: f64,
    pub seconds: f64,
}

/// Hashes on all cores for a while, and prints a [`Bare`].
pub fn run(duration: Duration) -> anyhow::Result<()> {
    let threads = std::thread::available_parallelism()?.get();
    let ready = Arc::new(std::sync::Barrier::new(threads + 1));
    let workers = (0..threads).map(|_| {
        let ready = Arc::clone(&ready);
        std::thread::spawn(move || -> anyhow::Result<u64> {
            // The first hash gets the memory.
            tag("warm up", &[0; 16])?;
            ready.wait();
            let (start, mut hashes) = (Instant::now(), 0);
            while start.elapsed() < duration {
                tag("a password", &[7; 16])?;
                hashes += 1;
            }
            Ok(hashes)
        })
    });
    let workers: Vec<_> = workers.collect();
    ready.wait();
    let (start, before) = (Instant::now(), cpu::used(&[std::process::id()])?);
    let mut hashes = 0;
    for worker in workers {
        hashes += worker.join().map_err(|_| anyhow!("a thread has panicked"))??;
    }
    let cpu_ms = (cpu::used(&[std::process::id()])? - before).as_secs_f64() * 1000.0;
    println!("{}", serde_json::to_string(&Bare { hashes, cpu_ms, seconds: start.elapsed().as_secs_f64() })?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_verify() {
        let hash = hash("guinevere").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=65536,t=3,p=4$"), "{hash}");
        assert!(verify("guinevere", &hash).unwrap());
        assert!(!verify("lancelot", &hash).unwrap());
    }
}

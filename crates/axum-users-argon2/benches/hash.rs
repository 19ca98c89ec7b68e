//! Milliseconds for each hash, of all engines by turns: `cargo bench -p axum-users-argon2`. Judge by the ratios; on a busy machine
//! by those of the minimum.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::indexing_slicing, reason = "it measures")]

use std::time::Instant;

use axum_users_argon2::{Engine, Input, Memory, Params};

const ROUNDS: usize = 15;

fn main() {
    let engines: Vec<Engine> = Engine::available().collect();
    let mut memories: Vec<Memory> = engines.iter().map(|_| Memory::new()).collect();
    for (memory_kib, iterations, lanes) in [(65_536, 3, 4), (19_456, 2, 1), (47_104, 1, 1)] {
        let params = Params { memory_kib, iterations, lanes, ..Params::default() };
        let mut times = vec![Vec::new(); engines.len()];
        for round in 0..=ROUNDS {
            for ((engine, memory), times) in engines.iter().zip(&mut memories).zip(&mut times) {
                let begin = Instant::now();
                let mut tag = [0; 32];
                engine
                    .hash(memory, &Input::new(b"guinevere", b"sixteen bytes!!!"), &params, &mut tag)
                    .unwrap();
                std::hint::black_box(tag);
                // The first one gets its memory from the system.
                if round > 0 {
                    times.push(begin.elapsed().as_secs_f64() * 1e3);
                }
            }
        }
        println!("m={memory_kib} KiB, t={iterations}, p={lanes}");
        let sorted: Vec<(f64, f64)> = times
            .into_iter()
            .map(|mut times| {
                times.sort_by(f64::total_cmp);
                (times[0], times[ROUNDS / 2])
            })
            .collect();
        for (engine, (minimum, median)) in engines.iter().zip(&sorted) {
            let ratio = |of: f64, to: f64| format!("{:.2} ×", of / to);
            println!(
                "  {:8}  minimum {minimum:7.2} ms, {}; median {median:7.2} ms, {}",
                engine.name(),
                ratio(sorted[0].0, *minimum),
                ratio(sorted[0].1, *median),
            );
        }
        let wipe = |memory: &mut Memory| {
            let begin = Instant::now();
            memory.wipe();
            begin.elapsed().as_secs_f64() * 1e3
        };
        println!("  wiping the memory: {:.2} ms", memories.iter_mut().map(wipe).fold(f64::MAX, f64::min));
    }
}

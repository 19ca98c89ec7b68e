//! How long our server takes from its start to its first answer, on SQLite.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use crate::{options::Run, results::Start, servers};

/// Starts of each kind.
const STARTS: u32 = 5;
/// For its end.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn measure(run: &Run, folder: &Path) -> anyhow::Result<Start> {
    let mut start = Start { fresh_ms: Vec::new(), again_ms: Vec::new() };
    for number in 0..if run.quick { 1 } else { STARTS } {
        let folder = folder.join(format!("start_{number}"));
        std::fs::create_dir(&folder)?;
        start.fresh_ms.push(first_answer(&folder)?);
        start.again_ms.push(first_answer(&folder)?);
    }
    println!("start: {:.0?} ms with a new database, {:.0?} ms again", start.fresh_ms, start.again_ms);
    Ok(start)
}

/// In milliseconds, on the database in this folder.
pub fn first_answer(folder: &Path) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let mut server = servers::start_limited(Command::new(servers::binary()?), folder)?;
    let host = server.address.strip_prefix("http://").context("no http")?.to_owned();
    let mut stream = TcpStream::connect(&host)?;
    stream.write_all(format!("GET /users/me HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes())?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    let taken = begin.elapsed();
    ensure!(answer.ends_with(b"401"), "{}", String::from_utf8_lossy(&answer));
    drop(stream);
    server.terminate(PATIENCE)?;
    Ok(taken.as_secs_f64() * 1000.0)
}

//! F-22: bodies that lie, never end, or are too much.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;

use crate::{
    raw::{connect, last_words, read_to_end, status},
    support::{KING, PASSWORD, Running, answer, memory, print},
};

const REGISTER: &str =
    "POST /auth/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

#[tokio::test]
async fn f_22_what_is_announced_is_not_believed() {
    let running = Running::start("");
    let body = format!("{{\"email\": {KING:?}, \"password\": {PASSWORD:?}}}");
    let short = format!("{REGISTER}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len() - 1);
    assert_eq!(status(&last_words(&running, short.as_bytes()).await), 422, "what is beyond is no part of it");
    for length in ["10000000000", "18446744073709551615"] {
        let began = Instant::now();
        let long = format!("{REGISTER}Content-Length: {length}\r\n\r\n{body}");
        let answer = last_words(&running, long.as_bytes()).await;
        assert!([400, 413, 431].contains(&status(&answer)), "{length}: {answer}");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    // Half of it, and the client is gone.
    let mut stream = connect(&running).await;
    let half = format!("{REGISTER}Content-Length: {}\r\n\r\n{}", body.len(), &body[..20]);
    stream.write_all(half.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!([0, 400].contains(&status(&answer)), "{answer}");
    assert_eq!(running.register(KING, PASSWORD).await.0, 201, "none of them has registered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn f_22_a_body_without_end_is_cut_and_costs_no_memory() {
    let mut running = Running::start("");
    running.register(KING, PASSWORD).await;
    let process = running.server.process().id();
    let before = memory(process);
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let mut stream = connect(&running).await;
        sending.spawn(async move {
            let start = format!("{REGISTER}Transfer-Encoding: chunked\r\n\r\n");
            stream.write_all(start.as_bytes()).await.unwrap();
            let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
            let mut sent = 0_usize;
            while stream.write_all(chunk.as_bytes()).await.is_ok() {
                sent += chunk.len();
                assert!(sent < 100_000_000, "it takes everything");
            }
            (sent, read_to_end(&mut stream).await)
        });
    }
    let ended = sending.join_all().await;
    let (sent, _) = ended[0];
    assert!(ended.iter().any(|(_, answer)| status(answer) == 413), "{ended:?}");
    assert!(ended.iter().all(|(_, answer)| [0, 413].contains(&status(answer))), "{ended:?}");
    let grown = memory(process).saturating_sub(before);
    print(&format!("eight bodies without end: cut after {sent} bytes, {grown} KiB more memory"));
    assert!(grown < 32 * 1024, "{grown} KiB");
}

#[tokio::test]
async fn f_22_nothing_is_unpacked() {
    let running = Running::start("");
    // A register body in gzip.
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    packed.extend([1_u8, 5, 0, 0xfa, 0xff].iter().chain(b"hello"));
    for encoding in ["gzip", "deflate", "br", "zstd", "identity, gzip"] {
        let request = running.post("/auth/register").header("content-type", "application/json");
        let (status, body) = answer(request.header("content-encoding", encoding).body(packed.clone())).await;
        assert!([400, 415, 422].contains(&status.as_u16()), "{encoding}: {status} {body}");
    }
}

#[tokio::test]
async fn f_22_a_form_of_very_many_parts_is_refused() {
    let running = Running::start("");
    let part = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n";
    let mut statuses = Vec::new();
    for count in [1, 1_001, 1_000_000] {
        let form = format!("{}--x--\r\n", part.repeat(count));
        let began = Instant::now();
        let request =
            running.post("/auth/jwt/login").header("content-type", "multipart/form-data; boundary=x");
        // Who sends tens of megabytes may find the connection closed.
        let status = request.body(form).send().await.map_or(0, |response| response.status().as_u16());
        assert!(began.elapsed() < Duration::from_secs(5), "{count}: {:?}", began.elapsed());
        statuses.push(status);
    }
    assert_eq!(&statuses[..2], [422, 422]);
    assert!([0, 413].contains(&statuses[2]), "{statuses:?}");
    let nested = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let request = running.post("/auth/register").header("content-type", "application/json").body(nested);
    assert_eq!(answer(request).await.0, 400);
}

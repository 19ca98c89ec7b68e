//! A client that waits for one answer after the other on one connection, and does little else while the clock runs.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

pub(crate) struct Client {
    connection: TcpStream,
    buffer: Vec<u8>,
}

/// What a class of requests is answered, and how long it takes.
pub(crate) struct Timed {
    pub(crate) took: Duration,
    pub(crate) status: u16,
    /// Bytes of head and body.
    pub(crate) length: usize,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let connection = TcpStream::connect(address).unwrap();
        connection.set_nodelay(true).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self { connection, buffer: vec![0; 64 * 1024] }
    }

    /// From the first byte that is sent to the last one that is received.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Timed {
        let start = Instant::now();
        self.connection.write_all(request).unwrap();
        let mut length = 0;
        loop {
            let read = self.connection.read(&mut self.buffer[length..]).unwrap();
            assert!(read > 0, "the server has closed the connection");
            length += read;
            if is_whole(&self.buffer[..length]) {
                break;
            }
        }
        let took = start.elapsed();
        let status = str::from_utf8(&self.buffer[9..12]).unwrap().parse().unwrap();
        Timed { took, status, length }
    }
}

/// The answers of these tests all have a `content-length`.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = str::from_utf8(&answer[..end]).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect(head);
    answer.len() >= end + 4 + length.parse::<usize>().unwrap()
}

/// A request as it is sent.
pub(crate) fn post(path: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

//! A connection whose other side may not take its time.

use std::{
    io::{self, ErrorKind, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Instant,
};

use super::{
    alarm::Alarm,
    turn::{Awaited, Turn},
};

/// How long the client may take none of its answer, and how long it may take for all of it.
const STALLED: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(60);

/// What is read and thrown away after the last answer, and for how long: what arrives at a closed connection takes the answer
/// with it that is on its way (RFC 9112 §9.6).
const LINGER_BYTES: u64 = 64 * 1024;
const LINGER: Duration = Duration::from_secs(1);

/// A TCP connection that fails when the client is too slow with a head, or with taking its answer, and ends when there is no other
/// request for long.
pub struct Timed {
    stream: TcpStream,
    turn: Arc<Turn>,
    reading: Alarm,
    writing: Alarm,
    blocked: Option<Blocked>,
}

/// Since when an answer has not been taken.
struct Blocked {
    first: Instant,
    last: Instant,
}

impl Timed {
    /// The times are those of `turn`.
    pub fn new(stream: TcpStream, turn: Arc<Turn>) -> Self {
        Self { stream, turn, reading: Alarm::default(), writing: Alarm::default(), blocked: None }
    }

    /// Waits a moment for the client to have the last answer.
    pub async fn linger(self) {
        let mut rest = self.stream.take(LINGER_BYTES);
        let _ = tokio::time::timeout(LINGER, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    }

    /// What came of writing, unless the client has taken nothing for too long.
    fn written<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            if let Some(blocked) = &mut self.blocked {
                blocked.last = Instant::now();
            }
            return written;
        }
        let now = Instant::now();
        let blocked = self.blocked.get_or_insert(Blocked { first: now, last: now });
        let until = (blocked.last + STALLED).min(blocked.first + ANSWER);
        self.writing.poll(until, context).map(|()| Err(self.cut()))
    }

    /// The error of a client that is too slow. The connection is cut, with whatever is under way on it.
    fn cut(&self) -> io::Error {
        let _ = self.stream.set_zero_linger();
        ErrorKind::TimedOut.into()
    }
}

impl AsyncRead for Timed {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if read.is_ready() {
            this.turn.received(buffer.filled().get(before..).unwrap_or_default());
            return read;
        }
        match this.turn.awaited() {
            Some(Awaited::Head(until)) => this.reading.poll(until, context).map(|()| Err(this.cut())),
            // As if the client had ended it.
            Some(Awaited::Request(until)) => this.reading.poll(until, context).map(Ok),
            None => Poll::Pending,
        }
    }
}

impl AsyncWrite for Timed {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.written(written, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.written(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when it has written all it has: nothing is left for the client to take.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.blocked = None;
        Pin::new(&mut this.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use tokio::{io::AsyncWriteExt, net::TcpListener};

    use super::*;

    async fn connection() -> (Timed, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        (Timed::new(accepted.unwrap().0, Arc::new(Turn::new())), client.unwrap())
    }

    /// What is read, and after how many seconds.
    async fn read(stream: &mut Timed) -> (io::Result<usize>, u64) {
        let begin = Instant::now();
        (stream.read(&mut [0; 16]).await, begin.elapsed().as_secs())
    }

    /// Sends something, and reads it when it is there: the time that is paused goes on where nothing but the network is waited for.
    async fn send(client: &mut TcpStream, stream: &mut Timed) {
        client.write_all(b"GET").await.unwrap();
        stream.stream.readable().await.unwrap();
        assert_eq!(read(stream).await.0.unwrap(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_slow_with_a_head_is_cut() {
        let (mut stream, mut client) = connection().await;
        for sent in ["nothing", "a part"] {
            let (failed, seconds) = read(&mut stream).await;
            assert_eq!((failed.unwrap_err().kind(), seconds), (ErrorKind::TimedOut, 5), "{sent}");
            send(&mut client, &mut stream).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_no_other_request_has_ended() {
        let (mut stream, mut client) = connection().await;
        for _ in 0..3 {
            send(&mut client, &mut stream).await;
            stream.turn.begin(&HeaderMap::new());
            tokio::time::sleep(ANSWER).await;
            stream.turn.end();
        }
        let (ended, seconds) = read(&mut stream).await;
        assert_eq!((ended.unwrap(), seconds), (0, 75));
    }
}

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
    time::{Instant, Sleep},
};

use super::turn::Turn;

/// How long the client may take none of its answer, and how long it may take for all of it.
const STALLED: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(60);

/// What is read and thrown away after the last answer, and for how long: what arrives at a closed connection takes the answer
/// with it that is on its way (RFC 9112 §9.6).
const LINGER_BYTES: u64 = 64 * 1024;
const LINGER: Duration = Duration::from_secs(1);

/// A TCP connection that fails when the client is too slow with a head, or with taking its answer.
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
        Self { stream, turn, reading: Alarm(None), writing: Alarm(None), blocked: None }
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
        self.writing.poll(until, context, &self.stream).map(Err)
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
        match (&read, this.turn.until()) {
            (Poll::Ready(_), _) => {
                this.turn.received(buffer.filled().get(before..).unwrap_or_default());
                read
            }
            (Poll::Pending, Some(until)) => this.reading.poll(until, context, &this.stream).map(Err),
            (Poll::Pending, None) => Poll::Pending,
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

/// Goes off at a time that may change.
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// The error, at that time. The connection is then cut, with whatever is under way on it.
    fn poll(&mut self, until: Instant, context: &mut Context<'_>, stream: &TcpStream) -> Poll<io::Error> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        sleep.as_mut().poll(context).map(|()| {
            let _ = stream.set_zero_linger();
            ErrorKind::TimedOut.into()
        })
    }
}

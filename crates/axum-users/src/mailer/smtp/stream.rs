//! A TCP stream of which nothing is read ahead.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// No more is read at once.
const CHUNK: usize = 1024;

/// Gives one line at a time, at most.
///
/// lettre reads answers through a buffer that outlives STARTTLS: what somebody on the way adds to the answer to STARTTLS
/// would be taken for the server's first answer after encryption (RFC 3207 §6). Left in the socket, it breaks the TLS
/// handshake.
#[derive(Debug)]
pub(super) struct LineStream(TcpStream);

impl LineStream {
    pub(super) async fn connect(host: &str, port: u16) -> io::Result<Self> {
        TcpStream::connect((host, port)).await.map(Self)
    }
}

impl AsyncRead for LineStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; CHUNK];
        let chunk = bytes.get_mut(..buffer.remaining().min(CHUNK)).unwrap_or_default();
        let mut seen = ReadBuf::new(chunk);
        ready!(self.0.poll_peek(cx, &mut seen))?;
        let line = seen.filled().split_inclusive(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len);
        let mut line = ReadBuf::new(chunk.get_mut(..line).unwrap_or_default());
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut line))?;
        buffer.put_slice(line.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for LineStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for LineStream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn lines_come_one_by_one_and_whole() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut stream = LineStream::connect("127.0.0.1", port).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let long = "x".repeat(3 * CHUNK);
        server.write_all(format!("220 a\r\n250 b\r\n{long}\nrest").as_bytes()).await.unwrap();
        drop(server);
        let mut buffer = [0; 2 * CHUNK];
        for expected in ["220 a\r\n", "250 b\r\n"] {
            let length = stream.read(&mut buffer).await.unwrap();
            assert_eq!(buffer[..length], *expected.as_bytes());
        }
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, format!("{long}\nrest"));
        assert_eq!(stream.read(&mut buffer).await.unwrap(), 0);
    }
}

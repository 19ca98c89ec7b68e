//! HTTP by hand, for requests that no client sends.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::support::Running;

/// No answer takes longer, and no connection stays open for longer without one.
const PATIENCE: Duration = Duration::from_secs(15);

/// A connection of its own.
pub(crate) async fn connect(running: &Running) -> TcpStream {
    TcpStream::connect(running.server.listen()).await.unwrap()
}

/// A connection that has little room for what it does not read.
pub(crate) async fn connect_narrow(running: &Running) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(running.server.listen().parse().unwrap()).await.unwrap()
}

/// All that the server answers to these bytes, until it closes the connection.
pub(crate) async fn last_words(running: &Running, bytes: &[u8]) -> String {
    let mut stream = connect(running).await;
    // It may close before it has heard all.
    let _ = stream.write_all(bytes).await;
    read_to_end(&mut stream).await
}

/// What is still to come on a connection, which must end.
pub(crate) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    // A connection that is cut is over too.
    let _ = read.expect("the connection is closed");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of the first answer, 0 if there is none.
pub(crate) fn status(answer: &str) -> u16 {
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    status.map_or(0, |status| status.parse().unwrap())
}

/// How many answers these are.
pub(crate) fn answers(answer: &str) -> usize {
    answer.matches("HTTP/1.1 ").count()
}

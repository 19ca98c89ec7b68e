//! Serving until told to stop, to clients that may be slow, many, or out to harm.

mod alarm;
mod connections;
mod head;
mod stream;
mod turn;

use std::{
    convert::Infallible,
    io::ErrorKind,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

pub use alarm::Alarm;
use anyhow::Context;
use axum::{
    body::Body,
    extract::{ConnectInfo, Request},
    response::Response,
};
pub use head::{Framing, last, refusal};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use self::{
    connections::{Connections, Place},
    stream::Timed,
    turn::Turn,
};
use crate::routes::App;

/// How long requests that run when the server is told to stop may take to finish.
const PATIENCE: Duration = Duration::from_secs(20);

/// Bytes of a request's head, with its first line.
const HEAD_BYTES: usize = 16 * 1024;

/// Fields of a request's head.
const HEAD_FIELDS: usize = 100;

/// Bytes read and not yet looked at, for each connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// The pause after a connection that could not be accepted, for want of file descriptors or of memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Answers requests until `shutdown`, then finishes the ones that run.
pub async fn run(listener: TcpListener, app: App, shutdown: impl Future<Output = ()>) {
    let connections = Connections::new(connections::capacity());
    let stopping = watch::Sender::new(false);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (stream, client, place) = tokio::select! {
            accepted = accept(&listener, &connections) => accepted,
            () = &mut shutdown => break,
        };
        tokio::spawn(serve(stream, client, place, app.clone(), stopping.subscribe()));
    }
    drop(listener);
    stopping.send_replace(true);
    // Out of patience, the rest is given up.
    let _ = tokio::time::timeout(PATIENCE, connections.all_ended()).await;
}

/// The first SIGTERM or SIGINT; a second one ends the process at once.
pub fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be handled")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be handled")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            std::process::exit(1);
        });
    })
}

/// The next connection, and a place for it.
async fn accept(listener: &TcpListener, connections: &Arc<Connections>) -> (TcpStream, SocketAddr, Place) {
    loop {
        match listener.accept().await {
            Ok((stream, client)) => return (stream, client, connections.place().await),
            Err(error) if is_the_clients(error.kind()) => {}
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                connections.make_room();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether it was the client who went before it was accepted.
fn is_the_clients(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionAborted | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset)
}

/// Serves one connection to its end.
async fn serve(
    stream: TcpStream,
    client: SocketAddr,
    place: Place,
    app: App,
    mut stopping: watch::Receiver<bool>,
) {
    // Answers are small, and written at once.
    let _ = stream.set_nodelay(true);
    let turn = Arc::clone(place.turn());
    let alarm = Mutex::default();
    let service = service_fn(|request| answer(request, client, &turn, &alarm, &app));
    let stream = TokioIo::new(Timed::new(stream, Arc::clone(&turn)));
    let mut connection = http1::Builder::new()
        // The stream sees to it.
        .header_read_timeout(None)
        .max_headers(HEAD_FIELDS)
        .max_header_size(HEAD_BYTES)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(stream, service);
    let mut stop = std::pin::pin!(async { stopping.wait_for(|stopping| *stopping).await.is_ok() });
    let mut told_to_stop = false;
    let ended = loop {
        tokio::select! {
            ended = &mut connection => break ended,
            _ = &mut stop, if !told_to_stop => {
                told_to_stop = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
            () = turn.told_to_leave() => {
                if turn.is_waiting() {
                    return;
                }
            }
        }
    };
    // Unless it was cut, the client may still be reading.
    if ended.as_ref().err().is_none_or(hyper::Error::is_parse) {
        connection.into_parts().io.into_inner().linger().await;
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    client: SocketAddr,
    turn: &Turn,
    alarm: &Mutex<Alarm>,
    app: &App,
) -> Result<Response, Infallible> {
    let framing = turn.begin(request.headers());
    let has_no_body = request.body().is_end_stream();
    let mut request: Request = request.map(|body| if has_no_body { Body::empty() } else { Body::new(body) });
    request.extensions_mut().insert(ConnectInfo(client));
    let answer = app.answer(request, framing, alarm).await;
    turn.end();
    Ok(answer)
}

//! A way to a server that can swallow what goes along it.

use std::future::pending;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// Forwards connections to a server, until it is told to swallow everything without a word, as a network does that has
/// lost its way. Connections of that time stay open and dead for ever.
pub struct Proxy {
    port: u16,
    swallows: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1 in front of another one.
    pub async fn start(target: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let swallows = watch::Sender::new(false);
        let told = swallows.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, target, told.subscribe()));
            }
        });
        Ok(Self { port, swallows, accepting })
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// From now on nothing comes through, and nobody is told.
    pub fn swallow(&self) {
        self.swallows.send_replace(true);
    }

    /// From now on new connections are forwarded again.
    pub fn forward(&self) {
        self.swallows.send_replace(false);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn forward(mut client: TcpStream, target: u16, mut told: watch::Receiver<bool>) {
    let mut server = TcpStream::connect(("127.0.0.1", target)).await;
    let forwarding = async {
        if let Ok(server) = &mut server {
            // Either side may end it as it likes.
            let _ = copy_bidirectional(&mut client, server).await;
        }
    };
    let swallowed = tokio::select! {
        biased;
        swallows = told.wait_for(|swallows| *swallows) => swallows.is_ok(),
        () = forwarding => false,
    };
    if swallowed {
        // Both ends stay open.
        pending::<()>().await;
    }
}

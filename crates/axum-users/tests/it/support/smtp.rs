//! A mail server that keeps what it is given: every command, and the mails as they came over the wire.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

#[derive(Clone)]
pub(crate) struct SmtpSink {
    pub(crate) port: u16,
    received: Arc<Mutex<Received>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    /// Without their line ends.
    pub(crate) commands: Vec<String>,
    pub(crate) mails: Vec<String>,
}

impl SmtpSink {
    /// Listens on the loopback; offers these extensions, such as `AUTH PLAIN`.
    pub(crate) async fn start(extensions: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sink = Self { port: listener.local_addr().unwrap().port(), received: Arc::default() };
        let received = Arc::clone(&sink.received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&received), extensions));
            }
        });
        sink
    }

    pub(crate) fn received(&self) -> Received {
        self.received.lock().unwrap().clone()
    }

    /// The commands that begin with this word.
    pub(crate) fn commands(&self, word: &str) -> Vec<String> {
        self.received().commands.into_iter().filter(|command| command.starts_with(word)).collect()
    }
}

/// One conversation; it ends when the client goes.
async fn talk(stream: TcpStream, received: Arc<Mutex<Received>>, extensions: &[&str]) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 sink\r\n").await.ok()?;
    loop {
        let command = line(&mut stream).await?;
        received.lock().unwrap().commands.push(command.clone());
        let word = command.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let answer = match word.as_str() {
            "EHLO" => {
                let mut lines = vec!["sink"];
                lines.extend(extensions);
                let last = lines.len() - 1;
                let numbered = lines.iter().enumerate();
                numbered
                    .map(|(n, line)| format!("250{}{line}\r\n", if n == last { ' ' } else { '-' }))
                    .collect()
            }
            "AUTH" => "235 welcome\r\n".to_owned(),
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                let mut mail = String::new();
                loop {
                    let line = line(&mut stream).await?;
                    if line == "." {
                        break;
                    }
                    mail += &line;
                    mail += "\n";
                }
                received.lock().unwrap().mails.push(mail);
                "250 kept\r\n".to_owned()
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await.ok()?;
                return None;
            }
            _ => "250 well\r\n".to_owned(),
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// A line that ends in CR LF; a bare CR or LF within stays visible.
async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n") {
        if stream.read_until(b'\n', &mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    bytes.truncate(bytes.len() - 2);
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

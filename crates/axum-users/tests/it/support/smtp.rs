//! A mail server that keeps what it is given, as it came over the wire.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// What the server offers and answers.
#[derive(Clone, Default)]
pub(crate) struct SmtpOptions {
    extensions: Vec<&'static str>,
    answers: HashMap<&'static str, &'static str>,
    starttls: Option<TlsAcceptor>,
    implicit: Option<TlsAcceptor>,
}

impl SmtpOptions {
    /// Offers an extension, such as `AUTH PLAIN`.
    pub(crate) fn offer(mut self, extension: &'static str) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Answers this command, `CONNECT` or `.` (the end of a mail) otherwise than usual; with nothing at all if empty.
    pub(crate) fn answer(mut self, command: &'static str, answer: &'static str) -> Self {
        self.answers.insert(command, answer);
        self
    }

    /// Can be asked for TLS.
    pub(crate) fn starttls(mut self, tls: TlsAcceptor) -> Self {
        self.starttls = Some(tls);
        self.offer("STARTTLS")
    }

    /// Speaks TLS from the start.
    pub(crate) fn implicit_tls(mut self, tls: TlsAcceptor) -> Self {
        self.implicit = Some(tls);
        self
    }

    pub(crate) async fn start(self) -> SmtpSink {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sink = SmtpSink { port: listener.local_addr().unwrap().port(), shared: Arc::default() };
        let (shared, options) = (Arc::clone(&sink.shared), Arc::new(self));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, SeqCst);
                tokio::spawn(serve(stream, Arc::clone(&shared), Arc::clone(&options)));
            }
        });
        sink
    }
}

#[derive(Clone)]
pub(crate) struct SmtpSink {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    commands: Mutex<Vec<Command>>,
    mails: Mutex<Vec<String>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    most: AtomicUsize,
}

#[derive(Clone, Debug)]
pub(crate) struct Command {
    /// Without its line end.
    pub(crate) text: String,
    pub(crate) encrypted: bool,
}

impl SmtpSink {
    pub(crate) async fn start() -> Self {
        SmtpOptions::default().offer("8BITMIME").offer("SMTPUTF8").start().await
    }

    /// Everything but the mails themselves.
    pub(crate) fn all_commands(&self) -> Vec<Command> {
        self.shared.commands.lock().unwrap().clone()
    }

    /// The commands that begin with this word.
    pub(crate) fn commands(&self, word: &str) -> Vec<String> {
        let commands = self.all_commands().into_iter().map(|command| command.text);
        commands.filter(|command| command.starts_with(word)).collect()
    }

    /// The mails it took, as they came: with their line ends, dots at the start of a line still doubled.
    pub(crate) fn mails(&self) -> Vec<String> {
        self.shared.mails.lock().unwrap().clone()
    }

    /// The only mail.
    #[track_caller]
    pub(crate) fn mail(&self) -> String {
        let mut mails = self.mails();
        assert_eq!(mails.len(), 1);
        mails.remove(0)
    }

    /// How many connections there have been.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(SeqCst)
    }

    /// How many connections there were at once, at most.
    pub(crate) fn most_connections(&self) -> usize {
        self.shared.most.load(SeqCst)
    }
}

async fn serve(stream: tokio::net::TcpStream, shared: Arc<Shared>, options: Arc<SmtpOptions>) -> Option<()> {
    let open = shared.open.fetch_add(1, SeqCst) + 1;
    shared.most.fetch_max(open, SeqCst);
    let talk = async {
        if let Some(tls) = &options.implicit {
            let stream = tls.accept(stream).await.ok()?;
            return greet(stream, &shared, &options, true).await.map(|_| ());
        }
        let stream = greet(stream, &shared, &options, false).await?;
        let stream = options.starttls.as_ref()?.accept(stream).await.ok()?;
        talk(BufReader::new(stream), &shared, &options, true).await.map(|_| ())
    };
    talk.await;
    shared.open.fetch_sub(1, SeqCst);
    Some(())
}

async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    shared: &Shared,
    options: &SmtpOptions,
    encrypted: bool,
) -> Option<S> {
    let mut stream = BufReader::new(stream);
    answer(&mut stream, options, "CONNECT", "220 sink").await?;
    talk(stream, shared, options, encrypted).await
}

/// Talks until the client has gone; gives the stream back when it shall become encrypted.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: BufReader<S>,
    shared: &Shared,
    options: &SmtpOptions,
    encrypted: bool,
) -> Option<S> {
    loop {
        let text = line(&mut stream).await?;
        let text = text.strip_suffix("\r\n")?.to_owned();
        let word = text.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        shared.commands.lock().unwrap().push(Command { text: text.clone(), encrypted });
        match word.as_str() {
            "EHLO" => answer(&mut stream, options, "EHLO", &hello(options, encrypted)).await?,
            "STARTTLS" => {
                answer(&mut stream, options, "STARTTLS", "220 go on").await?;
                if options.answers.get("STARTTLS").is_none_or(|answer| answer.starts_with("220")) {
                    return Some(stream.into_inner());
                }
            }
            "AUTH" if text.ends_with("LOGIN") => log_in(&mut stream, shared, options, encrypted).await?,
            "AUTH" => answer(&mut stream, options, "AUTH", "235 welcome").await?,
            "DATA" => {
                answer(&mut stream, options, "DATA", "354 go on").await?;
                if options.answers.get("DATA").is_some_and(|answer| !answer.starts_with("354")) {
                    continue;
                }
                let mut mail = String::new();
                loop {
                    match line(&mut stream).await?.as_str() {
                        ".\r\n" => break,
                        line => mail += line,
                    }
                }
                shared.mails.lock().unwrap().push(mail);
                answer(&mut stream, options, ".", "250 kept").await?;
            }
            "QUIT" => {
                answer(&mut stream, options, "QUIT", "221 bye").await?;
                return None;
            }
            _ => {
                let answers = options.answers.keys().copied();
                let known = answers.into_iter().find(|known| *known == word).unwrap_or_default();
                answer(&mut stream, options, known, "250 well").await?;
            }
        }
    }
}

fn hello(options: &SmtpOptions, encrypted: bool) -> String {
    let offered = options.extensions.iter().filter(|extension| !(encrypted && **extension == "STARTTLS"));
    let mut lines: Vec<&str> = ["sink"].into_iter().chain(offered.copied()).collect();
    let last = lines.pop().unwrap_or_default();
    let first: String = lines.iter().map(|line| format!("250-{line}\r\n")).collect();
    format!("{first}250 {last}")
}

async fn log_in<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    shared: &Shared,
    options: &SmtpOptions,
    encrypted: bool,
) -> Option<()> {
    for prompt in ["334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n"] {
        stream.write_all(prompt.as_bytes()).await.ok()?;
        let text = line(stream).await?.trim_end().to_owned();
        shared.commands.lock().unwrap().push(Command { text: format!("AUTH {text}"), encrypted });
    }
    answer(stream, options, "AUTH", "235 welcome").await
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    options: &SmtpOptions,
    command: &str,
    usual: &str,
) -> Option<()> {
    let text = options.answers.get(command).copied().unwrap_or(usual);
    if text.is_empty() {
        std::future::pending::<()>().await;
    }
    stream.write_all(format!("{text}\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()
}

/// A line that ends in CR LF, with its end; a bare CR or LF within stays.
async fn line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n") {
        if stream.read_until(b'\n', &mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

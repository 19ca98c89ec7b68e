//! Encryption: what must be encrypted is, or is not sent (MAI-3).

use std::time::Duration;

use axum_users::mailer::{MailError, Mailer, SmtpMailer, SmtpUrl};

use super::{SENDER, shown, text_mail};
use crate::support::{Authority, SmtpOptions, SmtpSink};

const SMTPS: (&str, &str) = ("smtps", "");
const STARTTLS: (&str, &str) = ("smtp", "");
const OPPORTUNISTIC: (&str, &str) = ("smtp", "?tls=opportunistic");

/// With a password, and trust in this authority.
fn mailer(
    (scheme, parameters): (&str, &str),
    host: &str,
    sink: &SmtpSink,
    trusted: &Authority,
) -> SmtpMailer {
    let url = format!("{scheme}://king:excalibur@{host}:{}{parameters}", sink.port);
    let mailer = SmtpMailer::new(&url.parse::<SmtpUrl>().unwrap(), SENDER).unwrap();
    let mailer = mailer.with_root_certificates(trusted.pem().as_bytes()).unwrap();
    mailer.with_timeout(Duration::from_secs(5))
}

/// Neither a mail nor anything that belongs to one was said, nor the password.
#[track_caller]
fn assert_nothing_was_sent(sink: &SmtpSink, case: &str) {
    assert!(sink.mails().is_empty(), "{case}");
    let said = sink.all_commands();
    let harmless = |command: &&str| ["EHLO", "STARTTLS", "QUIT", "NOOP"].contains(command);
    for command in &said {
        let word = command.text.split(' ').next().unwrap();
        assert!(harmless(&word), "{case}: {said:?}");
    }
}

#[tokio::test]
async fn everything_is_encrypted_and_the_connection_used_again() {
    let authority = Authority::new();
    for (mode, host) in [(SMTPS, "127.0.0.1"), (STARTTLS, "127.0.0.1"), (OPPORTUNISTIC, "localhost")] {
        let options = SmtpOptions::default().offer("AUTH PLAIN");
        let options = match mode {
            SMTPS => options.implicit_tls(authority.server(host)),
            _ => options.starttls(authority.server(host)),
        };
        let sink = options.start().await;
        let mailer = mailer(mode, host, &sink, &authority);
        for _ in 0..2 {
            mailer.send(text_mail("Hail")).await.unwrap();
        }
        assert_eq!((sink.mails().len(), sink.connections(), sink.commands("AUTH").len()), (2, 1, 1));
        let plain: Vec<_> = sink.all_commands().into_iter().filter(|command| !command.encrypted).collect();
        let plain: Vec<_> = plain.iter().map(|command| command.text.split(' ').next().unwrap()).collect();
        assert_eq!(plain, if mode == SMTPS { vec![] } else { vec!["EHLO", "STARTTLS"] });
    }
}

#[tokio::test]
async fn mai_3_a_certificate_that_is_not_the_servers_gets_nothing() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for mode in [SMTPS, STARTTLS, OPPORTUNISTIC] {
        for (case, server) in [
            ("unknown issuer", stranger.server("127.0.0.1")),
            ("another name", authority.server("mail.camelot.bt")),
            ("another address", authority.server("127.0.0.2")),
            ("expired", authority.expired_server("127.0.0.1")),
        ] {
            let options = SmtpOptions::default().offer("AUTH PLAIN");
            let sink = match mode {
                SMTPS => options.implicit_tls(server).start().await,
                _ => options.starttls(server).start().await,
            };
            let mailer = mailer(mode, "127.0.0.1", &sink, &authority);
            let error = mailer.send(text_mail("Hail")).await.unwrap_err();
            assert!(matches!(error, MailError::TlsFailed { .. }), "{mode:?} {case}: {error:?}");
            assert!(!error.is_permanent() && !shown(&error).contains("excalibur"));
            assert_nothing_was_sent(&sink, case);
        }
    }
}

#[tokio::test]
async fn mai_3_without_trust_in_its_issuer_a_certificate_is_none() {
    let authority = Authority::new();
    let sink = SmtpOptions::default().implicit_tls(authority.server("127.0.0.1")).start().await;
    let url: SmtpUrl = format!("smtps://127.0.0.1:{}", sink.port).parse().unwrap();
    let error = SmtpMailer::new(&url, SENDER).unwrap().send(text_mail("Hail")).await.unwrap_err();
    assert!(matches!(error, MailError::TlsFailed { .. }), "{error:?}");
    assert_nothing_was_sent(&sink, "an issuer this machine does not know");
    for pem in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let refused = SmtpMailer::new(&url, SENDER).unwrap().with_root_certificates(pem.as_bytes());
        assert!(matches!(refused, Err(MailError::InvalidTls(_))), "{pem:?}");
    }
}

/// Somebody on the way takes STARTTLS out of the conversation, or the server has none.
#[tokio::test]
async fn mai_3_a_server_without_starttls_gets_nothing() {
    let authority = Authority::new();
    for (case, options) in [
        ("not offered", SmtpOptions::default().offer("AUTH PLAIN LOGIN")),
        (
            "refused",
            SmtpOptions::default().offer("STARTTLS").offer("AUTH PLAIN").answer("STARTTLS", "454 4.7.0 no"),
        ),
        ("a plain server that talks on", SmtpOptions::default().offer("STARTTLS").offer("AUTH PLAIN")),
    ] {
        let sink = options.start().await;
        let mailer = mailer(STARTTLS, "127.0.0.1", &sink, &authority);
        let error = mailer.send(text_mail("Hail")).await.unwrap_err();
        match case {
            "not offered" => assert!(matches!(error, MailError::NoStartTls { .. }), "{error:?}"),
            _ => assert!(matches!(error, MailError::TlsFailed { .. }), "{case}: {error:?}"),
        }
        assert_nothing_was_sent(&sink, case);
    }
}

/// What is said before the connection is encrypted may be anybody's (RFC 3207 §6): an answer slipped in behind that to
/// STARTTLS must not be taken for the first one after it.
#[tokio::test]
async fn mai_3_answers_from_before_encryption_do_not_count() {
    let authority = Authority::new();
    let slipped_in = "220 go on\r\n250-sink\r\n250 AUTH LOGIN";
    let options = SmtpOptions::default().offer("AUTH PLAIN").starttls(authority.server("127.0.0.1"));
    let sink = options.answer("STARTTLS", slipped_in).start().await;
    let mailer = mailer(STARTTLS, "127.0.0.1", &sink, &authority);
    let error = mailer.send(text_mail("Hail")).await.unwrap_err();
    assert!(matches!(error, MailError::TlsFailed { .. }), "{error:?}");
    assert_nothing_was_sent(&sink, "slipped in");
}

/// A password never goes without encryption to another machine, even where a mail may.
#[tokio::test]
async fn mai_3_opportunistic_encryption_protects_the_password() {
    let sink = SmtpOptions::default().offer("AUTH PLAIN").start().await;
    // The address of this machine in a form that is not taken for it.
    let url = |credentials: &str| -> SmtpUrl {
        let text = format!("smtp://{credentials}[::ffff:127.0.0.1]:{}?tls=opportunistic", sink.port);
        text.parse().unwrap()
    };
    let error =
        SmtpMailer::new(&url("king:excalibur@"), SENDER).unwrap().send(text_mail("Hail")).await.unwrap_err();
    assert!(matches!(error, MailError::InsecureLogin { .. }), "{error:?}");
    assert!(!shown(&error).contains("excalibur"));
    assert_nothing_was_sent(&sink, "with a password");
    SmtpMailer::new(&url(""), SENDER).unwrap().send(text_mail("Hail")).await.unwrap();
    assert_eq!(sink.mails().len(), 1, "without one the mail goes");
}

#[tokio::test]
async fn a_server_that_speaks_tls_from_the_start_is_told_apart() {
    let authority = Authority::new();
    let sink = SmtpOptions::default().implicit_tls(authority.server("127.0.0.1")).start().await;
    let mailer = mailer(STARTTLS, "127.0.0.1", &sink, &authority).with_timeout(Duration::from_millis(300));
    let error = mailer.send(text_mail("Hail")).await.unwrap_err();
    assert!(error.to_string().contains("smtps://"), "{error}");
    let plain = SmtpSink::start().await;
    let mailer = self::mailer(SMTPS, "127.0.0.1", &plain, &authority);
    let error = mailer.send(text_mail("Hail")).await.unwrap_err();
    assert!(error.to_string().contains("smtp://"), "{error}");
    assert_nothing_was_sent(&plain, "plain");
}

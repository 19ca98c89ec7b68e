//! What goes over the wire, and what becomes of a mail that a server does not take.

use std::{sync::Arc, time::Duration};

use axum_users::mailer::{Mail, MailError, Mailer, SmtpMailer, SmtpUrl};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{SENDER, mailer, plain, reset_mail, shown, text_mail, unescape, url};
use crate::support::{KING, ReadMail, SmtpOptions, SmtpSink};

#[tokio::test]
async fn mai_1_one_mail_has_one_sender_one_recipient_and_no_further_headers() {
    let sink = SmtpSink::start().await;
    plain(&sink).send(reset_mail(KING, "Camelot")).await.unwrap();
    let commands: Vec<_> = sink.all_commands().into_iter().map(|command| command.text).collect();
    let [hello, mail, recipient, data] = &commands[..] else { panic!("{commands:?}") };
    assert!(hello.starts_with("EHLO "));
    assert_eq!(mail.split(' ').take(2).collect::<Vec<_>>(), ["MAIL", "FROM:<no-reply@camelot.bt>"]);
    assert_eq!((recipient.as_str(), data.as_str()), ("RCPT TO:<king.arthur@camelot.bt>", "DATA"));

    let raw = sink.mail();
    assert!(raw.is_ascii() && raw.lines().all(|line| line.len() < 998), "RFC 5322 §2.1.1");
    let mail = ReadMail::of(&raw);
    let expected =
        ["From", "To", "Subject", "Message-ID", "Date", "Auto-Submitted", "MIME-Version", "Content-Type"];
    assert_eq!(mail.names(), expected);
    assert_eq!((mail.header("From"), mail.header("To")), ("Camelot <no-reply@camelot.bt>", KING));
    assert_eq!(mail.header("Subject"), "Choose a new password for Camelot");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    let id = mail.header("Message-ID");
    assert!(
        id.starts_with('<') && id.ends_with("@camelot.bt>") && id.len() == "<@camelot.bt>".len() + 36,
        "{id}"
    );
    assert_eq!(mail.link(), "https://camelot.bt/reset-password#token=the-token");
    assert!(
        unescape(&mail.html.unwrap()).contains("href=\"https://camelot.bt/reset-password#token=the-token\"")
    );
}

#[tokio::test]
async fn mai_1_nothing_in_a_mail_becomes_a_header_a_command_or_a_mail() {
    let evil = "\r\nBcc: mordred@camelot.bt\r\n\r\n.\r\nMAIL FROM:<x@camelot.bt>\r\nRCPT TO:<mordred@camelot.bt>\r\nDATA";
    let with = |change: fn(&mut Mail, String), text: &str| {
        let mut mail = text_mail("Hail");
        change(&mut mail, text.to_owned());
        mail
    };
    let sink = SmtpSink::start().await;
    let mailer = plain(&sink);
    // What cannot be right is refused before anything is sent, and would be again.
    for to in
        [&format!("{KING}{evil}"), "a@camelot.bt,mordred@camelot.bt", "a@camelot.bt>\nRCPT TO:<b@camelot.bt"]
    {
        let error = mailer.send(with(|mail, text| mail.to = text, to)).await.unwrap_err();
        assert!(matches!(error, MailError::InvalidRecipient) && error.is_permanent(), "{to:?}");
    }
    for subject in [evil, "a\nb", "a\rb", "a\0b", "a\u{2028}b"] {
        let error = mailer.send(with(|mail, text| mail.subject = text, subject)).await.unwrap_err();
        assert!(matches!(error, MailError::InvalidSubject) && error.is_permanent(), "{subject:?}");
    }
    for sender in [format!("Camelot{evil} <no-reply@camelot.bt>"), format!("no-reply@camelot.bt{evil}")] {
        let url: SmtpUrl = "smtp://127.0.0.1?tls=none".parse().unwrap();
        assert!(matches!(SmtpMailer::new(&url, &sender), Err(MailError::InvalidSender(_))));
    }
    assert_eq!(sink.connections(), 0);

    // A body may hold anything: it stays a body, whatever a server takes for the end of a line.
    let endings = ["\r\n", "\n", "\r", "\r\r\n", "\n\r"];
    for ending in endings {
        let text = format!("Hail{ending}.{ending}MAIL FROM:<x@camelot.bt>{ending}..{ending}.Bcc: mordred");
        mailer.send(text_mail(&text)).await.unwrap();
    }
    // So may the name of a product, in subject and body.
    mailer.send(reset_mail(KING, &format!("Camelot{evil}"))).await.unwrap();
    assert_eq!(sink.commands("MAIL").len(), endings.len() + 1);
    assert_eq!(sink.commands("RCPT"), vec![format!("RCPT TO:<{KING}>"); endings.len() + 1]);
    for raw in sink.mails() {
        let mail = ReadMail::of(&raw);
        assert!(!mail.names().contains(&"Bcc") && !mail.names().contains(&"MAIL FROM"), "{:?}", mail.head);
        assert!(mail.text.contains("MAIL FROM:<x@camelot.bt>") && mail.text.contains('.'), "{}", mail.text);
    }
}

#[tokio::test]
async fn every_script_is_readable_and_ascii_on_the_wire() {
    let sink = SmtpSink::start().await;
    let subject = "Neues Passwort für Königin Guinevere 👑: 新しいパスワード";
    let text = "Straße – 山田\nеще\n";
    let html = Some("<p>Straße – 山田</p>".to_owned());
    let mail = Mail { to: KING.into(), subject: subject.into(), text: text.into(), html, id: None };
    mailer(&url(&sink, "?tls=none")).send(mail).await.unwrap();
    let raw = sink.mail();
    let (head, _) = raw.split_once("\r\n\r\n").unwrap();
    assert!(head.is_ascii() && head.lines().all(|line| line.len() <= 78), "{head}");
    let mail = ReadMail::of(&raw);
    assert_eq!(mail.header("Subject"), subject);
    assert_eq!(mail.text.trim(), text.trim());
    assert_eq!(mail.html.unwrap().trim(), "<p>Straße – 山田</p>");

    let url: SmtpUrl = url(&sink, "?tls=none");
    let mailer = SmtpMailer::new(&url, "Königreich Camelot <no-reply@königreich.example>").unwrap();
    mailer.send(text_mail("Hail")).await.unwrap();
    assert!(sink.commands("MAIL")[1].starts_with("MAIL FROM:<no-reply@xn--knigreich-07a.example>"));
    let mail = ReadMail::of(&sink.mails()[1]);
    assert!(mail.header("From").starts_with("Königreich Camelot"), "{:?}", mail.head);
}

#[tokio::test]
async fn international_addresses_need_a_server_that_takes_them() {
    let address = "ärthur@königreich.example";
    let mail = || Mail { to: address.into(), ..text_mail("Hail") };
    let sink = SmtpSink::start().await;
    plain(&sink).send(mail()).await.unwrap();
    assert!(sink.commands("MAIL")[0].contains("SMTPUTF8"), "{:?}", sink.commands("MAIL"));
    assert_eq!(sink.commands("RCPT"), ["RCPT TO:<ärthur@xn--knigreich-07a.example>"]);

    let old = SmtpOptions::default().offer("8BITMIME").start().await;
    let mailer = plain(&old);
    let error = mailer.send(mail()).await.unwrap_err();
    assert!(matches!(error, MailError::InternationalAddress { .. }) && error.is_permanent(), "{error}");
    // The connection is fine, and the next mail is not that one's fault.
    mailer.send(Mail { to: "arthur@königreich.example".into(), ..text_mail("Hail") }).await.unwrap();
    assert_eq!((old.commands("MAIL").len(), old.connections()), (1, 1));
}

#[tokio::test]
async fn passwords_are_sent_by_plain_or_login_and_never_shown() {
    let with_password = |sink: &SmtpSink| -> SmtpUrl {
        format!("smtp://king:excalibur%2F1@127.0.0.1:{}?tls=none", sink.port).parse().unwrap()
    };
    let sink = SmtpOptions::default().offer("AUTH PLAIN LOGIN").start().await;
    mailer(&with_password(&sink)).send(text_mail("Hail")).await.unwrap();
    let plain = STANDARD.encode("\0king\0excalibur/1");
    assert_eq!(sink.commands("AUTH"), [format!("AUTH PLAIN {plain}")]);
    assert_eq!(sink.mails().len(), 1);

    let sink = SmtpOptions::default().offer("AUTH LOGIN").start().await;
    mailer(&with_password(&sink)).send(text_mail("Hail")).await.unwrap();
    let (user, password) = (STANDARD.encode("king"), STANDARD.encode("excalibur/1"));
    assert_eq!(sink.commands("AUTH"), ["AUTH LOGIN", &format!("AUTH {user}"), &format!("AUTH {password}")]);

    // Whatever goes wrong: a server that repeats what it got, one that knows no login, one that hangs up.
    let echo: &'static str = Box::leak(format!("535 5.7.8 {plain} excalibur/1 refused").into_boxed_str());
    for options in [
        SmtpOptions::default().offer("AUTH PLAIN").answer("AUTH", echo),
        SmtpOptions::default().offer("AUTH CRAM-MD5"),
        SmtpOptions::default(),
        SmtpOptions::default().offer("AUTH PLAIN").answer("AUTH", "nonsense"),
    ] {
        let sink = options.start().await;
        let url = with_password(&sink);
        let mailer = mailer(&url);
        let error = mailer.send(text_mail("Hail")).await.unwrap_err();
        let text = format!("{} {mailer:?} {url:?} {url}", shown(&error));
        for secret in ["excalibur", &plain, &password] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains(&format!("127.0.0.1:{}", sink.port)), "the server is named: {text}");
        assert!(!error.is_permanent(), "an operator can repair it: {error}");
        assert!(sink.commands("MAIL").is_empty());
    }
    for wrong in
        ["smtp://king:excalibur@", "smtp://king:excalibur#1@127.0.0.1", "smtp://king:excalibur@127.0.0.1/x"]
    {
        assert!(!shown(&wrong.parse::<SmtpUrl>().unwrap_err()).contains("excalibur"));
    }
}

#[tokio::test]
async fn a_mail_that_is_refused_harms_no_other() {
    let long = "554 5.7.1 no\u{7}\u{1b}[2J thanks";
    for (command, answer, code, permanent) in [
        ("RCPT", "550 5.1.1 nobody of this name", 550, true),
        ("RCPT", "451 4.7.1 greylisted", 451, false),
        ("MAIL", "552 5.3.4 too much", 552, true),
        ("DATA", "421 4.3.2 closing", 421, false),
        (".", long, 554, true),
    ] {
        let sink = SmtpOptions::default().answer(command, answer).start().await;
        let mailer = plain(&sink);
        for _ in 0..2 {
            let error = mailer.send(text_mail("Hail")).await.unwrap_err();
            let MailError::Refused { code: found, message, .. } = &error else { panic!("{error:?}") };
            assert_eq!((*found, error.is_permanent()), (code, permanent), "{answer}");
            assert!(!message.contains(char::is_control), "{message:?} is one line of a log");
        }
        assert_eq!(sink.connections(), 2, "a dialogue that did not end well is not continued");
    }
}

#[tokio::test]
async fn connections_are_used_again_while_they_answer() {
    let sink = SmtpSink::start().await;
    let mailer = plain(&sink);
    for number in 0..3 {
        mailer.send(text_mail(&format!("Hail {number}"))).await.unwrap();
    }
    assert_eq!((sink.connections(), sink.mails().len()), (1, 3));

    // One that ended meanwhile is replaced.
    let sink = SmtpOptions::default().answer("NOOP", "421 4.4.2 idle for too long").start().await;
    let mailer = plain(&sink);
    for _ in 0..2 {
        mailer.send(text_mail("Hail")).await.unwrap();
    }
    assert_eq!((sink.connections(), sink.mails().len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_mails_at_once_take_four_connections_and_each_arrives_once() {
    let sink = SmtpSink::start().await;
    let mailer = Arc::new(plain(&sink));
    let sending: Vec<_> = (0..40)
        .map(|number| {
            let (mailer, text) = (Arc::clone(&mailer), format!("Hail {number}"));
            tokio::spawn(async move { mailer.send(text_mail(&text)).await })
        })
        .collect();
    for sent in sending {
        sent.await.unwrap().unwrap();
    }
    assert!(sink.most_connections() <= 4, "{}", sink.most_connections());
    let mut texts: Vec<_> = sink.mails().iter().map(|raw| ReadMail::of(raw).text.trim().to_owned()).collect();
    let mut expected: Vec<_> = (0..40).map(|number| format!("Hail {number}")).collect();
    texts.sort();
    expected.sort();
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    for step in ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."] {
        let sink = SmtpOptions::default().answer(step, "").start().await;
        let mailer = plain(&sink).with_timeout(Duration::from_millis(200));
        for connections in 1..=2 {
            let error = mailer.send(text_mail("Hail")).await.unwrap_err();
            assert!(matches!(error, MailError::TimedOut { .. }) && !error.is_permanent(), "{step}: {error}");
            assert_eq!(sink.connections(), connections, "{step}: never the same dialogue again");
        }
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_named() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for parameters in ["?tls=none", "", "?tls=opportunistic"] {
        let url: SmtpUrl = format!("smtp://127.0.0.1:{port}{parameters}").parse().unwrap();
        let error = SmtpMailer::new(&url, SENDER).unwrap().send(text_mail("Hail")).await.unwrap_err();
        assert!(matches!(error, MailError::Unreachable { .. }) && !error.is_permanent(), "{error}");
        assert!(error.to_string().contains(&format!("127.0.0.1:{port}")));
    }
    let sink = SmtpOptions::default().answer("CONNECT", "554 5.7.1 go away").start().await;
    let error = plain(&sink).send(text_mail("Hail")).await.unwrap_err();
    assert!(matches!(error, MailError::Refused { code: 554, .. }), "{error}");
}

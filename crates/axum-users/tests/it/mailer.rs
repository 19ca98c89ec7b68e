//! Mails, as a mail server gets them.

use std::time::Duration;

use axum_users::{
    Backend, Bearer, Jwt, MemoryStore, Users,
    mailer::{EmailHooks, Mail, MailKind, MailValues, Mailer, PublicUrl, SmtpMailer, SmtpUrl, Templates},
};
use serde_json::json;

use crate::support::{CheapHasher, SECRET, SmtpSink};

const KING: &str = "king.arthur@camelot.bt";
const SENDER: &str = "Camelot <no-reply@camelot.bt>";

fn mailer(sink: &SmtpSink, parameters: &str) -> SmtpMailer {
    let url: SmtpUrl = format!("smtp://127.0.0.1:{}{parameters}", sink.port).parse().unwrap();
    SmtpMailer::new(&url, SENDER).unwrap().with_timeout(Duration::from_secs(5))
}

fn reset_mail(email: &str, product: &str) -> Mail {
    let public_url: PublicUrl = "https://camelot.bt".parse().unwrap();
    let values = MailValues {
        product: product.into(),
        email: email.into(),
        link: public_url.link("/reset-password", "the-token"),
        lifetime_minutes: 60,
        ..MailValues::default()
    };
    Templates::built_in().render(MailKind::ResetPassword, &values).unwrap()
}

#[tokio::test]
async fn mai_1_one_mail_has_one_sender_one_recipient_and_no_further_headers() {
    let sink = SmtpSink::start(&["8BITMIME", "SMTPUTF8"]).await;
    mailer(&sink, "?tls=none").send(reset_mail(KING, "Camelot")).await.unwrap();
    assert_eq!(sink.commands("MAIL").len(), 1);
    assert!(sink.commands("MAIL")[0].contains("<no-reply@camelot.bt>"));
    assert_eq!(sink.commands("RCPT"), [format!("RCPT TO:<{KING}>")]);
    let mail = sink.received().mails.pop().unwrap();
    let head = mail.split("\n\n").next().unwrap();
    let count = |name: &str| head.lines().filter(|line| line.starts_with(name)).count();
    for name in ["From:", "To:", "Subject:", "Date:", "Message-ID:", "Auto-Submitted:"] {
        assert_eq!(count(name), 1, "{name} in\n{head}");
    }
    assert_eq!(count("Bcc:") + count("Cc:"), 0);
    assert!(
        mail.contains("multipart/alternative") && mail.contains("text/plain") && mail.contains("text/html")
    );
    assert!(mail.contains("https://camelot.bt/reset-password#token"), "{mail}");
}

/// MAI-1: what a product or an address holds writes no header and no command of its own.
#[tokio::test]
async fn mai_1_line_breaks_write_no_headers() {
    let sink = SmtpSink::start(&["8BITMIME", "SMTPUTF8"]).await;
    let mailer = mailer(&sink, "?tls=none");
    // Sent or refused: either is right, but nothing is added.
    let _ = mailer.send(reset_mail(KING, "Camelot\r\nBcc: mordred@camelot.bt\r\n\r\nx")).await;
    let _ = mailer.send(reset_mail("king@camelot.bt\r\nRCPT TO:<mordred@camelot.bt>", "Camelot")).await;
    let _ = mailer.send(reset_mail("king@camelot.bt,mordred@camelot.bt", "Camelot")).await;
    let received = sink.received();
    assert!(!received.commands.iter().any(|command| command.contains("mordred")), "{received:?}");
    for mail in &received.mails {
        let head = mail.split("\n\n").next().unwrap();
        assert!(!head.lines().any(|line| line.starts_with("Bcc:")), "{head}");
        assert!(!mail.contains('\r'), "a bare carriage return");
    }
}

#[tokio::test]
async fn mai_2_what_a_mail_shows_is_text() {
    let mail = reset_mail("<img src=x>@camelot.bt", "<b>Camelot</b> {{ 7 * 7 }}");
    let shown = format!("{mail:?}");
    assert!(!shown.contains("the-token"), "Debug shows no link: {shown}");
    let sink = SmtpSink::start(&["8BITMIME", "SMTPUTF8"]).await;
    mailer(&sink, "?tls=none").send(reset_mail(KING, "<b>Camelot</b> {{ 7 * 7 }}")).await.unwrap();
    let mail = sink.received().mails.pop().unwrap();
    let html = mail.split("text/html").nth(1).unwrap();
    assert!(!html.contains("<b>Camelot</b>") && html.contains("&lt;b&gt;Camelot"), "{html}");
    assert!(mail.contains("{{ 7 * 7 }}") && !mail.contains(" 49"), "a name is no template");
}

/// MAI-3: without encryption nothing is sent, whoever takes STARTTLS out of the conversation.
#[tokio::test]
async fn mai_3_a_server_without_starttls_gets_no_mail_and_no_password() {
    let sink = SmtpSink::start(&["AUTH PLAIN LOGIN"]).await;
    let url: SmtpUrl = format!("smtp://king:excalibur@127.0.0.1:{}", sink.port).parse().unwrap();
    let mailer = SmtpMailer::new(&url, SENDER).unwrap().with_timeout(Duration::from_secs(5));
    let error = mailer.send(reset_mail(KING, "Camelot")).await.unwrap_err();
    assert!(sink.received().mails.is_empty());
    assert!(sink.commands("AUTH").is_empty() && sink.commands("MAIL").is_empty());
    assert!(!format!("{error:?} {error} {mailer:?} {url:?} {url}").contains("excalibur"));
}

#[tokio::test]
async fn a_password_is_sent_where_the_connection_may_be_trusted() {
    let sink = SmtpSink::start(&["AUTH PLAIN"]).await;
    let url: SmtpUrl = format!("smtp://king:excalibur@127.0.0.1:{}?tls=none", sink.port).parse().unwrap();
    SmtpMailer::new(&url, SENDER).unwrap().send(reset_mail(KING, "Camelot")).await.unwrap();
    assert_eq!(sink.commands("AUTH").len(), 1);
    assert_eq!(sink.received().mails.len(), 1);
}

/// FGT-2, FGT-3: whatever a request says, the mail goes to the stored address and its link to the configured URL.
#[tokio::test]
async fn fgt_3_the_stored_address_gets_the_mail() {
    let sink = SmtpSink::start(&["8BITMIME", "SMTPUTF8"]).await;
    let hooks = EmailHooks::new(mailer(&sink, "?tls=none"), "https://camelot.bt/accounts".parse().unwrap());
    let users: Users = Users::builder(MemoryStore::new(), SECRET)
        .hasher(CheapHasher::default())
        .backend(Backend::new("jwt", Bearer, Jwt::new(SECRET)))
        .hooks(hooks)
        .build()
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(
        axum::serve(listener, axum::Router::new().merge(users.routes()).with_state(users.clone()))
            .into_future(),
    );
    let client = reqwest::Client::new();
    let post = |path: &str, body: serde_json::Value| client.post(format!("{address}{path}")).json(&body);
    let stored = "King.Arthur@camelot.bt";
    post("/auth/register", json!({"email": stored, "password": "guinevere1"})).send().await.unwrap();
    let forgot = post(
        "/auth/forgot-password",
        json!({"email": "KING.ARTHUR@Camelot.bt", "reset_url": "https://evil.example"}),
    );
    assert_eq!(forgot.header("x-forwarded-host", "evil.example").send().await.unwrap().status(), 202);
    users.shutdown().await;
    assert_eq!(sink.commands("RCPT"), [format!("RCPT TO:<{stored}>")]);
    let mail = sink.received().mails.pop().unwrap();
    assert!(mail.contains("https://camelot.bt/accounts/reset-password#token"), "{mail}");
    assert!(!mail.contains("evil.example"));
}

/// F-10: a mail server that is away does not show in answers.
#[tokio::test]
async fn f_10_answers_do_not_wait_for_the_mail_server() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url: SmtpUrl = format!("smtp://127.0.0.1:{port}?tls=none").parse().unwrap();
    let hooks =
        EmailHooks::new(SmtpMailer::new(&url, SENDER).unwrap(), "https://camelot.bt".parse().unwrap());
    let users: Users = Users::builder(MemoryStore::new(), SECRET)
        .hasher(CheapHasher::default())
        .hooks(hooks)
        .build()
        .unwrap();
    let user =
        axum_users::CreateUser::new(KING.to_owned(), "guinevere1".to_owned(), axum_users::NoProfile {});
    let user = users.manager().create(user, &axum_users::Context::none()).await.unwrap();
    assert_eq!(user.email, KING);
    users.shutdown().await;
}

#[test]
fn broken_templates_are_refused_when_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("reset_password.txt"), "Subject: x\n\n{{ link").unwrap();
    assert!(Templates::with_directory(folder.path()).is_err());
}

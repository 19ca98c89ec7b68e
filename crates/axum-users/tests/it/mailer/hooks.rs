//! From a request to the mail: who gets it, where its link leads, and that answers do not depend on it.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum_users::{
    Context, DuplicateRegistration, Policy, UpdateUser,
    mailer::{AnyMailer, ConsoleMailer, EmailHooks, Mail, MailError, Mailer, SmtpMailer, Templates},
};
use serde_json::{Value, json};

use super::{SENDER, plain, url};
use crate::support::{
    Answer, KING, Kind, PASSWORD, ReadMail, SmtpOptions, SmtpSink, TestApp, jwt, stored_cookie,
};

const PUBLIC: &str = "https://accounts.camelot.bt/people";

fn hooks<M: Mailer>(mailer: M) -> EmailHooks<M> {
    EmailHooks::new(mailer, PUBLIC.parse().unwrap()).product("Camelot").lifetimes(3600, 86_400)
}

/// An application that mails, and hides who has registered.
async fn app<M: Mailer>(hooks: EmailHooks<M>) -> TestApp {
    TestApp::with(Kind::Memory, |builder, store| {
        let policy = Policy { duplicate_registration: DuplicateRegistration::Hide, ..Policy::secure() };
        builder.policy(policy).backend(jwt()).backend(stored_cookie(store)).hooks(hooks)
    })
    .await
}

const FORGOT: &str = "/auth/forgot-password";
const VERIFY: &str = "/auth/request-verify-token";

async fn ask(app: &TestApp, path: &str, email: &str) -> Answer {
    let answer = app.post(path).json(&json!({ "email": email })).send().await;
    app.users.shutdown().await;
    answer
}

#[tokio::test]
async fn mails_are_in_the_language_of_whoever_asks() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("de")).unwrap();
    let german = "Subject: Neues Passwort\n{{ link }}";
    std::fs::write(folder.path().join("de/reset_password.txt"), german).unwrap();
    let sink = SmtpSink::start().await;
    let templates = Templates::with_directory(folder.path()).unwrap();
    let app = app(hooks(plain(&sink)).templates(templates)).await;
    app.add(KING).await;
    for language in ["de-AT,de;q=0.9", "en"] {
        let asked = app.post(FORGOT).header("accept-language", language).json(&json!({ "email": KING }));
        assert_eq!(asked.send().await.status, 202);
        app.users.shutdown().await;
    }
    let subjects =
        sink.mails().iter().map(|raw| ReadMail::of(raw).header("Subject").to_owned()).collect::<Vec<_>>();
    assert_eq!(subjects, ["Neues Passwort", "Choose a new password for Camelot"]);
}

#[tokio::test]
async fn fgt_3_the_stored_address_gets_the_mail_and_its_link_works_once() {
    let sink = SmtpSink::start().await;
    let app = app(hooks(plain(&sink))).await;
    let stored = "King.Arthur@camelot.bt";
    assert_eq!(app.register(stored, PASSWORD).await.status, 201);
    assert!(sink.mails().is_empty(), "who registers asks for nothing yet");

    assert_eq!(ask(&app, FORGOT, "KING.ARTHUR@Camelot.BT").await.status, 202);
    assert_eq!(ask(&app, VERIFY, " king.arthur@ｃamelot.bt ").await.status, 202);
    assert_eq!(app.register("king.ARTHUR@camelot.bt", "another password").await.status, 201);
    app.users.shutdown().await;
    assert_eq!(sink.commands("RCPT"), vec![format!("RCPT TO:<{stored}>"); 3]);
    let mails: Vec<_> = sink.mails().iter().map(|raw| ReadMail::of(raw)).collect();
    let subjects: Vec<_> = mails.iter().map(|mail| mail.header("Subject")).collect();
    let expected = [
        "Choose a new password for Camelot",
        "Verify your e-mail address for Camelot",
        "You already have an account at Camelot",
    ];
    assert_eq!(subjects, expected);
    assert!(mails[0].text.contains("1 hour") && mails[1].text.contains("24 hours"));
    assert!(mails[0].link().starts_with(&format!("{PUBLIC}/reset-password#token=")));
    assert!(mails[1].link().starts_with(&format!("{PUBLIC}/verify-email#token=")));
    assert_eq!(mails[2].link(), format!("{PUBLIC}/"));

    let verify = app.post("/auth/verify").json(&json!({"token": mails[1].token()})).send().await;
    assert_eq!(verify.status, 200);
    assert_eq!(app.reset(mails[0].token(), "excalibur in the stone").await.status, 200);
    assert_eq!(app.reset(mails[0].token(), "mordred was here").await.status, 400);
    app.login(KING, "excalibur in the stone").await;

    for unknown in ["nobody@camelot.bt", "king.arthur@camelot.bt.evil.example", "mi\u{212a}e@camelot.bt"] {
        ask(&app, FORGOT, unknown).await;
        ask(&app, VERIFY, unknown).await;
    }
    app.users.shutdown().await;
    let told = ReadMail::of(&sink.mails()[3]);
    assert_eq!(told.header("Subject"), "Your password at Camelot was changed");
    assert_eq!(sink.mails().len(), 4);
}

#[tokio::test]
async fn fgt_2_fgt_4_no_request_changes_where_links_lead() {
    let sink = SmtpSink::start().await;
    let app = app(hooks(plain(&sink))).await;
    app.add(KING).await;
    let evil = "evil.example";
    for (header, value) in [
        ("host", evil),
        ("x-forwarded-host", evil),
        ("x-forwarded-server", evil),
        ("x-forwarded-proto", "evil"),
        ("x-forwarded-prefix", "//evil.example"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-original-host", evil),
        ("x-original-url", "https://evil.example/"),
        ("origin", "https://evil.example"),
        ("referer", "https://evil.example/"),
    ] {
        for path in [FORGOT, VERIFY] {
            let body = json!({"email": KING, "reset_url": "https://evil.example", "redirect_to": evil});
            let answer = app.post(path).header(header, value).json(&body).send().await;
            assert_eq!(answer.status, 202, "{header}");
        }
    }
    // The absolute form of a request target (RFC 9112 §3.2.2), and two hosts.
    for path in [FORGOT, VERIFY] {
        let ask = app
            .post(&format!("http://evil.example{path}"))
            .header("host", evil)
            .header("host", "other.example");
        assert_eq!(ask.json(&json!({"email": KING})).send().await.status, 202);
    }
    app.users.shutdown().await;
    let mails = sink.mails();
    assert_eq!(mails.len(), 22);
    for raw in mails {
        let mail = ReadMail::of(&raw);
        assert!(mail.link().starts_with("https://accounts.camelot.bt/people/"), "{}", mail.text);
        assert!(!mail.text.contains("evil") && !mail.html.unwrap().contains("evil"));
    }
}

#[tokio::test]
async fn links_lead_to_the_applications_own_pages() {
    let sink = SmtpSink::start().await;
    let hooks = hooks(plain(&sink))
        .reset_page("https://app.camelot.bt/new-password".parse().unwrap())
        .verify_page("https://app.camelot.bt".parse().unwrap())
        .confirm_email_page("https://app.camelot.bt/confirm".parse().unwrap())
        .revert_email_page("https://app.camelot.bt/revert".parse().unwrap());
    let app = app(hooks).await;
    app.add(KING).await;
    ask(&app, FORGOT, KING).await;
    ask(&app, VERIFY, KING).await;
    let mails: Vec<_> = sink.mails().iter().map(|raw| ReadMail::of(raw)).collect();
    assert!(mails[0].link().starts_with("https://app.camelot.bt/new-password#token="), "{}", mails[0].link());
    assert!(mails[1].link().starts_with("https://app.camelot.bt/#token="), "{}", mails[1].link());
    let session = app.login(KING, PASSWORD).await;
    let patch = app.ask("PATCH", "/users/me").bearer(&session).json(&json!({"email": "a@camelot.bt"}));
    assert_eq!(patch.send().await.status, 200);
    app.users.shutdown().await;
    let confirm = ReadMail::of(&sink.mails()[2]);
    assert!(confirm.link().starts_with("https://app.camelot.bt/confirm#token="), "{}", confirm.link());
    let body = json!({"token": confirm.token()});
    assert_eq!(app.post("/auth/change-email").json(&body).send().await.status, 200);
    app.users.shutdown().await;
    let revert = ReadMail::of(&sink.mails()[3]);
    assert!(revert.link().starts_with("https://app.camelot.bt/revert#token="), "{}", revert.link());
}

/// CHG-1, OAK-4, ADM-6: who is told, and where; and that nobody else gets a token.
#[tokio::test]
async fn chg_1_both_addresses_are_mailed_and_whoever_is_changed_is_told() {
    let sink = SmtpSink::start().await;
    let own = hooks(plain(&sink)).email_change_lifetimes(1800, 3 * 86_400);
    let app = app(own).await;
    app.add(KING).await;
    app.add("merlin@camelot.bt").await;
    let mails = || sink.mails().iter().map(|raw| ReadMail::of(raw)).collect::<Vec<_>>();
    let patch = async |session: &str, body: Value| {
        let answer = app.ask("PATCH", "/users/me").bearer(session).json(&body).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        app.users.shutdown().await;
    };
    let session = app.login(KING, PASSWORD).await;
    patch(&session, json!({"email": "arthur@camelot.bt"})).await;
    patch(&session, json!({"email": "merlin@camelot.bt"})).await;
    let token = mails()[0].token().to_owned();
    assert_eq!(app.post("/auth/change-email").json(&json!({ "token": token })).send().await.status, 200);
    app.users.shutdown().await;
    let session = app.login("arthur@camelot.bt", PASSWORD).await;
    patch(&session, json!({"password": "excalibur in the stone"})).await;
    let manager = app.users.manager();
    let user = app.user("arthur@camelot.bt").await;
    let update = UpdateUser { email: Some("third@camelot.bt".into()), ..UpdateUser::default() };
    manager.update(&user, update, &Context::none()).await.unwrap();
    app.users.shutdown().await;

    let seen = mails();
    let recipients: Vec<_> = sink.commands("RCPT");
    let expected = [
        ("arthur@camelot.bt", "Confirm your new e-mail address for Camelot", "/confirm-email#token="),
        ("merlin@camelot.bt", "Your address belongs to your account at Camelot", "/"),
        (KING, "Your e-mail address at Camelot was changed", "/revert-email#token="),
        ("arthur@camelot.bt", "Your password at Camelot was changed", "/"),
        ("arthur@camelot.bt", "Your e-mail address at Camelot was changed", ""),
    ];
    assert_eq!(seen.len(), expected.len());
    for (mail, (recipient, (to, subject, link))) in seen.iter().zip(recipients.iter().zip(expected)) {
        assert_eq!((recipient, mail.header("Subject")), (&format!("RCPT TO:<{to}>"), subject));
        match link {
            "" => assert!(!mail.text.contains("https://"), "an administrator's change is not taken back"),
            "/" => assert_eq!(mail.link(), format!("{PUBLIC}/")),
            path => assert!(mail.link().starts_with(&format!("{PUBLIC}{path}")), "{}", mail.link()),
        }
    }
    assert!(seen[0].text.contains("30 minutes") && seen[2].text.contains("3 days"));
    assert!(
        !seen[1].text.contains(KING) && !seen[2].text.replace(KING, "").contains("arthur@"),
        "nobody learns of the other address"
    );
}

/// Everything that can be told from answers: status, headers, body.
async fn answers(app: &TestApp) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (path, email) in
        [(FORGOT, KING), (FORGOT, "nobody@camelot.bt"), (VERIFY, KING), (VERIFY, "nobody@camelot.bt")]
    {
        answers.push(app.post(path).json(&json!({ "email": email })).send().await);
    }
    let mut registered = app.register(KING, "another password").await;
    let mut body = registered.json();
    body["id"] = Value::Null;
    registered.body = body.to_string().into();
    answers.push(registered);
    answers
}

/// As far as it goes without an outbox: the answer tells nothing of the mail server, and does not wait for it.
#[tokio::test]
async fn f_10_answers_are_the_same_without_a_mail_server() {
    let up = SmtpSink::start().await;
    let (stuck, refusing) = (
        SmtpOptions::default().answer("CONNECT", "").start().await,
        SmtpOptions::default().answer("RCPT", "550 5.1.1 no").start().await,
    );
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let down =
        SmtpMailer::new(&format!("smtp://127.0.0.1:{port}?tls=none").parse().unwrap(), SENDER).unwrap();
    let mut seen: Vec<(usize, Vec<Answer>)> = Vec::new();
    for mailer in [plain(&up), down, plain(&refusing), plain(&stuck).with_timeout(Duration::from_millis(300))]
    {
        let app = app(hooks(mailer)).await;
        app.add(KING).await;
        let answers = answers(&app).await;
        assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [202, 202, 202, 202, 201]);
        app.users.shutdown().await;
        let attempts = app.hooks.take_names().iter().filter(|name| name.starts_with("after_")).count();
        seen.push((attempts, answers));
        // The service goes on.
        app.login(KING, PASSWORD).await;
    }
    assert_eq!(up.mails().len(), 3);
    for (attempts, answers) in &seen {
        assert_eq!(*attempts, 3);
        assert_eq!(answers, &seen[0].1);
    }
}

/// An answer waits for no mail: the server does not even say hello until all of them have come.
#[tokio::test]
async fn fgt_1_answers_come_before_mails_are_sent() {
    let stuck = SmtpOptions::default().answer("CONNECT", "").start().await;
    let app = app(hooks(mailer_that_waits(&stuck))).await;
    app.add(KING).await;
    let answers = tokio::time::timeout(Duration::from_secs(20), answers(&app)).await;
    assert_eq!(answers.expect("no answer waits for the mail server").len(), 5);
}

/// Waits for the server for longer than any test takes.
fn mailer_that_waits(sink: &SmtpSink) -> SmtpMailer {
    SmtpMailer::new(&url(sink, "?tls=none"), SENDER).unwrap().with_timeout(Duration::from_secs(3600))
}

#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_console_shows_what_a_person_needs() {
    let screen = Screen::default();
    let app = app(hooks(AnyMailer::new(ConsoleMailer::new(screen.clone())))).await;
    app.add(KING).await;
    ask(&app, FORGOT, KING).await;
    let shown = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
    let block =
        shown.strip_prefix("--- mail ---\n").unwrap().strip_suffix("\n--- end of mail ---\n").unwrap();
    let (head, text) = block.split_once("\n\n").unwrap();
    assert_eq!(head, format!("To: {KING}\nSubject: Choose a new password for Camelot"));
    let link = text.lines().find(|line| line.contains("://")).unwrap();
    let token = link.strip_prefix(&format!("{PUBLIC}/reset-password#token=")).unwrap();
    assert_eq!(app.reset(token, "excalibur in the stone").await.status, 200);
}

struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe))
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn mai_1_a_console_is_as_strict_as_a_server() {
    let console = ConsoleMailer::new(Screen::default());
    let mail = |to: &str, subject: &str| Mail {
        to: to.into(),
        subject: subject.into(),
        text: "x".into(),
        html: None,
        id: None,
    };
    let recipient = console.send(mail("a@camelot.bt\n--- end of mail ---", "x")).await;
    assert!(matches!(recipient, Err(MailError::InvalidRecipient)));
    let subject = console.send(mail(KING, "x\n\nhttps://evil.example")).await;
    assert!(matches!(subject, Err(MailError::InvalidSubject)));
    let broken = ConsoleMailer::new(Broken).send(mail(KING, "x")).await.unwrap_err();
    assert!(matches!(broken, MailError::Console(_)) && !broken.is_permanent());
}

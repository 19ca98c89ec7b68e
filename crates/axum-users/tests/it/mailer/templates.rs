//! What mails say: the built-in texts, an operator's files, and values that are only values.

use std::fs;

use axum_users::mailer::{MailKind, MailValues, TemplateError, Templates};

use super::{reset_mail, unescape, values};
use crate::support::KING;

const KINDS: [MailKind; 11] = [
    MailKind::VerifyEmail,
    MailKind::ResetPassword,
    MailKind::AlreadyRegistered,
    MailKind::LoginLimited,
    MailKind::NewDevice,
    MailKind::ConfirmEmail,
    MailKind::EmailInUse,
    MailKind::EmailChanged,
    MailKind::PasswordChanged,
    MailKind::AccountLinked,
    MailKind::AccountUnlinked,
];

/// Their links hold tokens.
const WITH_A_TOKEN: [MailKind; 4] =
    [MailKind::VerifyEmail, MailKind::ResetPassword, MailKind::ConfirmEmail, MailKind::EmailChanged];

#[test]
fn every_kind_of_mail_says_who_what_and_how_long() {
    for kind in KINDS {
        let values = MailValues { provider: "provider-7".to_owned(), ..values(KING, "Camelot") };
        let mail = Templates::built_in().render(kind, &values).unwrap();
        let html = &unescape(mail.html.as_deref().unwrap());
        assert_eq!(mail.to, KING);
        assert!(mail.subject.contains("Camelot"), "{kind}");
        for body in [&mail.text, html] {
            for part in [KING, "Camelot", "https://camelot.bt/reset-password#token=the-token"] {
                assert!(body.contains(part), "{kind} lacks {part}: {body}");
            }
            assert_eq!(body.contains("1 hour"), WITH_A_TOKEN.contains(&kind), "{kind}");
            let of_accounts = [MailKind::AccountLinked, MailKind::AccountUnlinked].contains(&kind);
            assert_eq!(body.contains("provider-7"), of_accounts, "{kind}");
        }
        assert!(!mail.text.contains('<'), "{}", mail.text);
        assert!(
            !html.contains("src=") && !html.contains("<script"),
            "nothing is loaded from anywhere: {html}"
        );
    }
}

#[test]
fn mai_2_values_are_text_in_html_and_never_templates() {
    let evil = "<img src=x onerror=alert(1)> \"'& {{ 7 * 7 }} {% raw %} {{ link }}";
    for kind in KINDS {
        let mail = Templates::built_in().render(kind, &values(KING, evil)).unwrap();
        let html = mail.html.unwrap();
        assert!(!html.contains("<img") && html.contains("&lt;img src=x"), "{html}");
        assert!(html.contains("{{ 7 * 7 }}") && html.contains("{{ link }}"), "{html}");
        assert!(mail.text.contains(evil) && mail.subject.contains(evil), "{}", mail.text);
    }
    let mail = reset_mail("\"<b>\"@camelot.bt", "Camelot");
    assert!(mail.html.unwrap().contains("&lt;b&gt;"));
    assert!(!format!("{mail:?}", mail = reset_mail(KING, "Camelot")).contains("the-token"), "LGS-1");
}

#[test]
fn mai_2_a_name_that_looks_like_a_link_is_none() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("verify_email.txt"), "Subject: Hail {{ name }}\nHail {{ name }}!").unwrap();
    let templates = Templates::with_directory(folder.path()).unwrap();
    let name = "https://evil.example\r\nwww.evil.example a@evil.example \u{202e}elpmaxe";
    let values = MailValues { name: name.into(), ..values(KING, "Camelot") };
    let mail = templates.render(MailKind::VerifyEmail, &values).unwrap();
    for text in [&mail.subject, &mail.text] {
        assert!(
            !text.contains("://") && !text.contains("evil.example") && !text.contains('\u{202e}'),
            "{text:?}"
        );
        assert!(text.starts_with("Hail https") && text.lines().count() == 1, "{text:?}");
    }
    // The built-in texts do not show it at all.
    let mail = Templates::built_in().render(MailKind::VerifyEmail, &values).unwrap();
    assert!(!mail.text.contains("evil") && !mail.html.unwrap().contains("evil"));
}

#[test]
fn an_operator_replaces_what_mails_say() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "reset_password.txt",
        "\u{feff}Subject: {{ product }}: neues Passwort\r\n\r\nHallo,\r\n{{ link }}\r\n",
    );
    write("reset_password.html", "");
    write(
        "layout.html",
        "<html>{% block message %}{% endblock %} <a href=\"{{ link }}\">{{ product }}</a></html>",
    );
    write("notes.md", "not a template");
    let templates = Templates::with_directory(folder.path()).unwrap();

    let mail = templates.render(MailKind::ResetPassword, &values(KING, "Camelot & Co")).unwrap();
    assert_eq!(mail.subject, "Camelot & Co: neues Passwort");
    assert_eq!(mail.text.replace('\r', ""), "Hallo,\nhttps://camelot.bt/reset-password#token=the-token\n");
    assert_eq!(mail.html, None, "an empty file means: only text");

    let mail = templates.render(MailKind::VerifyEmail, &values(KING, "Camelot & Co")).unwrap();
    assert_eq!(mail.subject, "Verify your e-mail address for Camelot & Co", "what is not replaced stays");
    let html = mail.html.unwrap();
    assert!(
        html.starts_with("<html>") && html.contains("Camelot &amp; Co</a>") && html.contains(KING),
        "{html}"
    );
}

#[test]
fn an_operator_translates_what_mails_say() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("de/reset_password.txt", "Subject: Neues Passwort\n{{ link }}, {{ lifetime_minutes }} Minuten");
    write(
        "de/reset_password.html",
        "{% extends \"layout.html\" %}{% block language %}de{% endblock %}{% block message %}Hallo{% endblock %}",
    );
    write("pt-BR/reset_password.txt", "Subject: Nova senha\n{{ link }}");
    write("images/readme.md", "no language");
    let templates = Templates::with_directory(folder.path()).unwrap();
    let reset = |accepted: &str| {
        templates.in_language(accepted).render(MailKind::ResetPassword, &values(KING, "Camelot")).unwrap()
    };
    let german = reset("de-CH, en;q=0.5");
    assert_eq!(german.subject, "Neues Passwort");
    assert!(german.text.contains("60 Minuten"), "{}", german.text);
    let html = german.html.unwrap();
    assert!(html.contains("<html lang=\"de\">") && html.contains("Hallo"), "{html}");
    let portuguese = reset("pt-br");
    assert_eq!((portuguese.subject.as_str(), portuguese.html), ("Nova senha", None));
    for accepted in ["", "en, de;q=0.9", "pt", "fr"] {
        assert_eq!(reset(accepted).subject, "Choose a new password for Camelot", "{accepted}");
    }
    // What is not translated is sent as it is.
    let verify = templates.in_language("de").render(MailKind::VerifyEmail, &values(KING, "Camelot")).unwrap();
    assert_eq!(verify.subject, "Verify your e-mail address for Camelot");

    write("de/verify_email.html", "<p>Hallo</p>");
    let error = Templates::with_directory(folder.path()).unwrap_err().to_string();
    assert!(error.contains("de/verify_email.html") && error.contains("verify_email.txt"), "{error}");
    write("de/verify_email.txt", "Subject: Hallo\n{{ lnik }}");
    let error = Templates::with_directory(folder.path()).unwrap_err().to_string();
    assert!(error.contains("de/verify_email.txt, line 2") && error.contains("lnik"), "{error}");
}

#[test]
fn broken_templates_are_refused_at_start_with_file_and_line() {
    for (name, text, line, reason) in [
        ("reset_password.txt", "Subject: x\n\n{{ link", 3, "syntax error"),
        ("reset_password.txt", "Subject: x\n\nHail\n{{ lnik }}", 4, "lnik"),
        ("reset_password.txt", "Subject: {{ prodct }}\n\nHail", 1, "prodct"),
        ("reset_password.txt", "Hail\n", 1, "Subject"),
        ("reset_password.txt", "Subject:\n\nHail", 1, "Subject"),
        ("reset_password.txt", "", 1, "Subject"),
        ("reset_password.txt", "Subject: x\n{% if name == 'x' %}\n{{ never }}\n{% endif %}", 3, "never"),
        ("verify_email.html", "<p>\n{{ link | shorten }}</p>", 2, "shorten"),
        ("verify_email.html", "{% extends 'other.html' %}", 1, "other.html"),
        ("layout.html", "<p>\n{% block message %}\n</p>", 2, "syntax error"),
        ("already_registered.txt", "Subject: x\n{{ link.missing.deeper }}", 2, "undefined"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        let error = Templates::with_directory(folder.path()).unwrap_err().to_string();
        let place = format!("{name}, line {line}: ");
        assert!(error.contains(&place) && error.contains(reason), "{text:?} gives {error:?}");
    }
}

#[test]
fn files_that_cannot_be_meant_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Templates::with_directory(folder.path()).is_ok(), "an empty directory is none");
    fs::write(folder.path().join("reset-password.txt"), "Subject: x\n").unwrap();
    let error = Templates::with_directory(folder.path()).unwrap_err();
    assert!(
        matches!(&error, TemplateError::UnknownFile { known, .. } if known.contains("reset_password.txt"))
    );
    fs::remove_file(folder.path().join("reset-password.txt")).unwrap();
    fs::write(folder.path().join("verify_email.html"), b"<p>\xff</p>").unwrap();
    assert!(matches!(Templates::with_directory(folder.path()), Err(TemplateError::Read { .. })));
    let missing = Templates::with_directory(&folder.path().join("missing"));
    assert!(matches!(missing, Err(TemplateError::Read { .. })));
}

use super::split_subject;

/// The names of all files, built-in or in an operator's directory.
pub(super) const FILES: [&str; 23] = [
    "layout.html",
    "verify_email.txt",
    "verify_email.html",
    "reset_password.txt",
    "reset_password.html",
    "already_registered.txt",
    "already_registered.html",
    "login_limited.txt",
    "login_limited.html",
    "new_device.txt",
    "new_device.html",
    "confirm_email.txt",
    "confirm_email.html",
    "email_in_use.txt",
    "email_in_use.html",
    "email_changed.txt",
    "email_changed.html",
    "password_changed.txt",
    "password_changed.html",
    "account_linked.txt",
    "account_linked.html",
    "account_unlinked.txt",
    "account_unlinked.html",
];

/// The source of a template: of a file, or of the subject in one.
pub(super) fn source(name: &str) -> Option<String> {
    if let Some(kind) = name.strip_suffix(".subject") {
        let (subject, _) = split_subject(file(&format!("{kind}.txt"))?)?;
        return Some(subject.to_owned());
    }
    let source = file(name)?;
    if name.ends_with(".txt") { split_subject(source).map(|(_, body)| body) } else { Some(source.to_owned()) }
}

fn file(name: &str) -> Option<&'static str> {
    Some(match name {
        "layout.html" => include_str!("built_in/layout.html"),
        "verify_email.txt" => include_str!("built_in/verify_email.txt"),
        "verify_email.html" => include_str!("built_in/verify_email.html"),
        "reset_password.txt" => include_str!("built_in/reset_password.txt"),
        "reset_password.html" => include_str!("built_in/reset_password.html"),
        "already_registered.txt" => include_str!("built_in/already_registered.txt"),
        "already_registered.html" => include_str!("built_in/already_registered.html"),
        "login_limited.txt" => include_str!("built_in/login_limited.txt"),
        "login_limited.html" => include_str!("built_in/login_limited.html"),
        "new_device.txt" => include_str!("built_in/new_device.txt"),
        "new_device.html" => include_str!("built_in/new_device.html"),
        "confirm_email.txt" => include_str!("built_in/confirm_email.txt"),
        "confirm_email.html" => include_str!("built_in/confirm_email.html"),
        "email_in_use.txt" => include_str!("built_in/email_in_use.txt"),
        "email_in_use.html" => include_str!("built_in/email_in_use.html"),
        "email_changed.txt" => include_str!("built_in/email_changed.txt"),
        "email_changed.html" => include_str!("built_in/email_changed.html"),
        "password_changed.txt" => include_str!("built_in/password_changed.txt"),
        "password_changed.html" => include_str!("built_in/password_changed.html"),
        "account_linked.txt" => include_str!("built_in/account_linked.txt"),
        "account_linked.html" => include_str!("built_in/account_linked.html"),
        "account_unlinked.txt" => include_str!("built_in/account_unlinked.txt"),
        "account_unlinked.html" => include_str!("built_in/account_unlinked.html"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_there() {
        for name in FILES {
            assert!(source(name).is_some(), "{name}");
        }
        assert!(source("verify_email.subject").is_some_and(|subject| !subject.contains('\n')));
    }
}

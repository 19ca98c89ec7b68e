//! The mails that our server prints on the console.

/// What a mailed token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A new password.
    Reset,
    /// A verified address.
    Verify,
    /// A new address.
    Confirm,
    /// The old address.
    Revert,
}

/// The tokens in the mails to an address, first to last: a line `To: ADDRESS`, later one with a link.
pub fn mailed_tokens(lines: &[String], email: &str, purpose: Purpose) -> Vec<String> {
    let link = match purpose {
        Purpose::Reset => "/reset-password#token=",
        Purpose::Verify => "/verify-email#token=",
        Purpose::Confirm => "/confirm-email#token=",
        Purpose::Revert => "/revert-email#token=",
    };
    let mut recipient = "";
    let mut tokens = Vec::new();
    for line in lines {
        if let Some(address) = line.strip_prefix("To: ") {
            recipient = address.trim();
        }
        if let Some((_, token)) = line.split_once(link).filter(|_| recipient == email) {
            tokens.push(token.split_whitespace().next().unwrap_or_default().to_owned());
        }
    }
    tokens
}

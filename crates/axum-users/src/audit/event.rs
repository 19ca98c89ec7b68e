use std::{
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use uuid::{Builder, Uuid};

use super::{AuditAct, AuditChange, AuditReason};
use crate::Timestamp;

/// The longest id, in characters.
const ID: usize = 255;
/// The longest name of a backend or provider.
const NAME: usize = 100;
/// How much is kept of what a program calls itself.
const USER_AGENT: usize = 200;

/// A security-relevant act. It holds no password, no token, no code and no address of a mail.
///
/// In JSON it is an object of the fields, without those that are `None` or empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditEvent {
    /// A UUID of version 7 (RFC 9562), made of [`time`](Self::time): ids have the order in which their process recorded them.
    pub id: Uuid,
    /// When, in UTC, in milliseconds.
    #[serde(serialize_with = "rfc_3339")]
    pub time: OffsetDateTime,
    /// What was done.
    pub act: AuditAct,
    /// The id of the user it was done by or to, at most 255 characters, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The id of who did it, if that was somebody else: an administrator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The name of the backend or the provider, at most 100 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// Why it was refused, or what was special about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<AuditReason>,
    /// What of the user was changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<AuditChange>,
    /// The address of the client, as rate limits know it; nothing when code acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// `User-Agent` of the request: at most 200 printable ASCII characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// What was typed as the address, as a keyed hash of 22 characters
    /// ([`Users::event_identifier`](crate::Users::event_identifier)): people type passwords there (LGS-3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
}

impl AuditEvent {
    /// Something that is done now; the other fields are empty. Recorded by the library: for stores, and their tests.
    pub fn new(act: AuditAct) -> Self {
        let (id, time) = now();
        Self {
            id,
            time,
            act,
            user: None,
            actor: None,
            via: None,
            reason: None,
            changes: Vec::new(),
            address: None,
            user_agent: None,
            identifier: None,
        }
    }

    /// The first id that an event of this time can have: events and their ids have one order.
    pub fn first_id(time: OffsetDateTime) -> Uuid {
        let millis = u64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
    }
}

fn rfc_3339<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    Timestamp(*time).serialize(serializer)
}

/// An id and its time: milliseconds and a counter of 12 bits, never the same twice nor going back (RFC 9562 §6.2, method 1).
/// Should more be wanted in a millisecond, or the clock be set back, they run ahead of it.
pub(super) fn now() -> (Uuid, OffsetDateTime) {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let millis = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
    let clock = u64::try_from(millis).unwrap_or(0) << 12;
    let next = |last: u64| clock.max(last.saturating_add(1));
    let tick = LAST.fetch_update(Relaxed, Relaxed, |last| Some(next(last))).map_or(clock, next);
    let (millis, counter) = (tick >> 12, u16::try_from(tick & 0xfff).unwrap_or(0).to_be_bytes());
    let mut bytes = [0; 10];
    // Without random bytes ids are still unique in this process.
    let _ = getrandom::fill(&mut bytes);
    [bytes[0], bytes[1]] = counter;
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000);
    let id = Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid();
    (id, time.unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

/// An id as it is recorded: databases have room for so much, and not for every character.
pub(super) fn id(id: &impl std::fmt::Display) -> String {
    bounded(&id.to_string(), ID)
}

pub(super) fn name(name: &str) -> String {
    bounded(name, NAME)
}

/// What a client writes is shown on terminals: only what can be printed, and `?` for the rest (LGS-2).
pub(super) fn user_agent(header: &[u8]) -> String {
    let shown = |byte: &u8| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '?' };
    header.iter().take(USER_AGENT).map(shown).collect()
}

fn bounded(text: &str, length: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_order_of_their_making_and_the_time_of_the_event() {
        let events: Vec<AuditEvent> = (0..20_000).map(|_| AuditEvent::new(AuditAct::Login)).collect();
        assert!(events.is_sorted_by(|one, next| one.id < next.id && one.time <= next.time));
        for event in events {
            assert_eq!(event.id.get_version_num(), 7);
            assert!(event.id >= AuditEvent::first_id(event.time));
            assert!(event.id < AuditEvent::first_id(event.time + time::Duration::MILLISECOND));
        }
    }

    #[test]
    fn lgs_2_what_a_client_calls_itself_is_short_and_printable() {
        assert_eq!(user_agent(b"curl/8.0"), "curl/8.0");
        assert_eq!(user_agent("a\tb\x1b[2J\u{202e}".as_bytes()), "a?b?[2J???");
        assert_eq!(user_agent(&[b'a'; 5000]).len(), 200);
        assert_eq!(id(&"a\0b\n".repeat(500)).chars().count(), 255);
    }

    #[test]
    fn json_holds_what_there_is() {
        let mut event = AuditEvent::new(AuditAct::LoginFailed);
        event.id = Uuid::nil();
        event.time = time::macros::datetime!(2026-02-28 12:00:00.007 UTC);
        event.reason = Some(AuditReason::WrongPassword);
        event.address = "2001:db8::1".parse().ok();
        let expected = r#"{"id":"00000000-0000-0000-0000-000000000000","time":"2026-02-28T12:00:00.007Z","act":"login_failed","reason":"wrong_password","address":"2001:db8::1"}"#;
        assert_eq!(serde_json::to_string(&event).unwrap(), expected);
    }
}

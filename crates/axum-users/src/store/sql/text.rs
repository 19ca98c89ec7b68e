//! Dates, times and ids as databases read and SQLAlchemy writes them.

#[cfg(feature = "sqlite")]
use time::PrimitiveDateTime;
use time::{
    Date, OffsetDateTime, UtcOffset, error::Format, format_description::BorrowedFormatItem,
    macros::format_description,
};

use super::driver::DriverError;
use crate::{ObjectId, UserId};

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
/// As SQLAlchemy writes it on SQLite, where points in time compare as text: every writer must use one form.
const TIMESTAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:6]");
#[cfg(feature = "sqlite")]
const TIMESTAMP_READ: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second][optional [.[subsecond]]]");

pub(super) fn date(value: Date) -> Result<String, Format> {
    value.format(&DATE)
}

/// In UTC, without saying so.
pub(super) fn timestamp(value: OffsetDateTime) -> Result<String, Format> {
    value.to_offset(UtcOffset::UTC).format(&TIMESTAMP)
}

/// A `CHAR` may come back with spaces behind it.
pub(super) fn read_object_id(text: &str) -> Result<ObjectId, DriverError> {
    let id = ObjectId::parse(text.trim_end());
    id.ok_or_else(|| DriverError::Other("a stored ObjectId has not 24 hexadecimal digits".into()))
}

#[cfg(feature = "sqlite")]
pub(super) fn read_date(text: &str) -> Result<Date, time::error::Parse> {
    Date::parse(text, &DATE)
}

#[cfg(feature = "sqlite")]
pub(super) fn read_timestamp(text: &str) -> Result<OffsetDateTime, time::error::Parse> {
    PrimitiveDateTime::parse(text, &TIMESTAMP_READ).map(PrimitiveDateTime::assume_utc)
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;

    #[test]
    fn timestamps_of_sqlalchemy_and_of_its_older_databases_are_read() {
        for text in ["2026-02-28 12:00:00.000000", "2026-02-28 12:00:00"] {
            assert_eq!(read_timestamp(text).unwrap(), time::macros::datetime!(2026-02-28 12:00 UTC));
        }
    }
}

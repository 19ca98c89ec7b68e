//! A connection for each thread, read without leaving it.

use std::cell::RefCell;

use anyhow::Context;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use uuid::Uuid;

use super::User;

/// Of the file that is mapped into memory, in bytes.
const MAPPED: u32 = 64 * 1024 * 1024;
const BY_ID: &str = "SELECT id, email, is_active, is_superuser, is_verified FROM user WHERE id = ?1";
const BY_TOKEN: &str = "SELECT u.id, u.email, u.is_active, u.is_superuser, u.is_verified FROM user u \
    JOIN accesstoken t ON t.user_id = u.id WHERE t.token = ?1 AND t.created_at > unixepoch() - 36000";

thread_local! {
    static CONNECTION: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

pub(super) struct Users {
    path: String,
}

impl Users {
    pub(super) fn new(path: &str) -> Self {
        Self { path: path.to_owned() }
    }

    pub(super) fn by_id(&self, id: Uuid) -> anyhow::Result<Option<User>> {
        let mut text = Uuid::encode_buffer();
        self.one(BY_ID, id.hyphenated().encode_lower(&mut text))
    }

    pub(super) fn by_token(&self, token: &str) -> anyhow::Result<Option<User>> {
        self.one(BY_TOKEN, token)
    }

    fn one(&self, query: &str, key: &str) -> anyhow::Result<Option<User>> {
        CONNECTION.with_borrow_mut(|connection| {
            if connection.is_none() {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let opened = Connection::open_with_flags(&self.path, flags)?;
                opened.pragma_update(None, "mmap_size", MAPPED)?;
                *connection = Some(opened);
            }
            let connection = connection.as_ref().context("no connection")?;
            Ok(connection.prepare_cached(query)?.query_row([key], user).optional()?)
        })
    }
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    let id = row.get_ref(0)?.as_str()?;
    Ok(User {
        id: id.parse().map_err(|_| rusqlite::Error::InvalidQuery)?,
        email: row.get(1)?,
        is_active: row.get(2)?,
        is_superuser: row.get(3)?,
        is_verified: row.get(4)?,
    })
}

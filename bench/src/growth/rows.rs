//! Many users in the table of our server, past the server: to register them would take hours.

use std::{fs::File, path::Path};

use anyhow::{Context, bail};
use rusqlite::{Connection, types::Value};
use uuid::Uuid;

use crate::servers::EMAIL;

/// Users who are asked for: more than the cache of a connection holds.
const KNOWN: u32 = 10_000;
/// Rows after which it says how far it is, and lets others work.
const STEP: u32 = 500_000;
/// Nobody else has the database open, and if it is lost nothing is: then it takes a tenth of the time.
const FAST: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000";

/// A user whom others can ask for.
pub struct Known {
    pub id: String,
    pub email: String,
}

/// Adds rows until there are so many, each as that of the user who is there, but with a random id and address; and makes that
/// one a superuser. Gives users from all over the table.
pub async fn add(file: &Path, users: u32) -> anyhow::Result<Vec<Known>> {
    let database = Connection::open(file)?;
    database.execute_batch(FAST)?;
    let (columns, row) = template(&database)?;
    let place = |name: &str| columns.iter().position(|column| column == name).context("no such column");
    let (id, email) = (place("id")?, place("email")?);
    let Some(Value::Text(_)) = row.get(id) else { bail!("ids are no text: {row:?}") };

    let names = columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let marks = vec!["?"; columns.len()].join(", ");
    database.execute_batch("BEGIN")?;
    let mut insert = database.prepare(&format!("INSERT INTO \"user\" ({names}) VALUES ({marks})"))?;
    for (number, value) in row.iter().enumerate() {
        insert.raw_bind_parameter(number + 1, value)?;
    }
    let distance = (users / KNOWN).max(1);
    let mut known = Vec::new();
    for number in 1..users {
        let user = Known {
            id: Uuid::new_v4().to_string(),
            email: format!("knight.{}@camelot.bt", Uuid::new_v4().simple()),
        };
        insert.raw_bind_parameter(id + 1, &user.id)?;
        insert.raw_bind_parameter(email + 1, &user.email)?;
        insert.raw_execute()?;
        if number.is_multiple_of(distance) {
            known.push(user);
        }
        if number.is_multiple_of(STEP) {
            println!("growth: {number} of {users} users are written");
            tokio::task::yield_now().await;
        }
    }
    drop(insert);
    database.execute("UPDATE \"user\" SET is_superuser = true WHERE email = ?", [EMAIL])?;
    database.execute_batch("COMMIT; PRAGMA journal_mode = WAL")?;
    database.close().map_err(|(_, error)| error)?;
    // Or else the server would wait for these pages when it writes its own to the disk.
    File::open(file)?.sync_all()?;
    Ok(known)
}

/// The names of the columns, and the row of the user who is there.
fn template(database: &Connection) -> anyhow::Result<(Vec<String>, Vec<Value>)> {
    let mut statement = database.prepare("SELECT * FROM \"user\" WHERE email = ?")?;
    let columns: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let row =
        statement.query_row([EMAIL], |row| (0..columns.len()).map(|column| row.get(column)).collect())?;
    Ok((columns, row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rows_are_as_the_first_but_for_id_and_address() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.db");
        let database = Connection::open(&file).unwrap();
        let table = "PRAGMA journal_mode = WAL; CREATE TABLE \"user\" (nickname TEXT, id CHAR(36) NOT NULL PRIMARY KEY, \
            email TEXT NOT NULL UNIQUE, is_superuser BOOLEAN NOT NULL, motto BLOB)";
        database.execute_batch(table).unwrap();
        database.execute("INSERT INTO \"user\" VALUES ('Arthur', 'an id', ?, false, NULL)", [EMAIL]).unwrap();
        drop(database);

        let known = add(&file, 1500).await.unwrap();

        assert_eq!(known.len(), 1499);
        let database = Connection::open(&file).unwrap();
        let count = |condition: &str| -> u32 {
            let query = format!("SELECT count(*) FROM \"user\" WHERE {condition}");
            database.query_row(&query, [], |row| row.get(0)).unwrap()
        };
        assert_eq!(count("true"), 1500);
        assert_eq!(count("nickname = 'Arthur' AND motto IS NULL AND length(id) = 36"), 1499);
        assert_eq!(count(&format!("is_superuser AND email = '{EMAIL}'")), 1);
        assert_eq!(count("is_superuser"), 1);
        let Known { id, email } = &known[700];
        assert_eq!(count(&format!("id = '{id}' AND email = '{email}'")), 1);
        let mode: String = database.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }

    #[tokio::test]
    async fn ids_that_are_no_text_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.db");
        let database = Connection::open(&file).unwrap();
        let table = "CREATE TABLE \"user\" (id INTEGER PRIMARY KEY, email TEXT, is_superuser BOOLEAN)";
        database.execute_batch(table).unwrap();
        database.execute("INSERT INTO \"user\" VALUES (7, ?, false)", [EMAIL]).unwrap();
        drop(database);

        assert!(add(&file, 1500).await.is_err());
    }
}

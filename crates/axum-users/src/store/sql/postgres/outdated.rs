//! Statements that are of no use any more: PostgreSQL refuses what a connection has prepared once a column that it gives has another
//! type, for as long as the connection lasts.

use sqlx::{Connection, PgConnection, PgPool, error::DatabaseError};

/// Whether this is why a statement was refused. The message says so too, in the language of the server.
pub(super) fn is_outdated(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(DatabaseError::code).is_some_and(|code| code == "0A000")
}

/// Has the statements prepared anew that this connection is asked for, and those of the pool that nobody uses at this moment.
pub(super) async fn prepare_anew(connection: &mut PgConnection, pool: &PgPool) -> sqlx::Result<()> {
    connection.clear_cached_statements().await?;
    let mut idle = Vec::new();
    while let Some(mut connection) = pool.try_acquire() {
        // One that is lost has none.
        let _ = connection.clear_cached_statements().await;
        // Kept until the end: the next one is another.
        idle.push(connection);
    }
    Ok(())
}

//! One connection to the database file: how it is opened, its schema, and statements.
//!
//! SQLite is a library in this process: a statement is a function call, and costs less than handing it to another thread.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{CachedStatement, Connection, OpenFlags, Row, ToSql, TransactionBehavior};

use crate::error::Error;

/// The schema's versions in their order; a database counts in `user_version` how many it has seen. Only ever added to.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_notifications_by_profile.sql"),
    include_str!("../migrations/0003_sessions_begin_authenticated.sql"),
    include_str!("../migrations/0004_operators_and_outbox.sql"),
    include_str!("../migrations/0005_event_records.sql"),
    include_str!("../migrations/0006_installations.sql"),
    include_str!("../migrations/0007_outbox_fronts.sql"),
    include_str!("../migrations/0008_operator.sql"),
    include_str!("../migrations/0009_api.sql"),
    include_str!("../migrations/0010_accounts.sql"),
    include_str!("../migrations/0011_handing_out.sql"),
    include_str!("../migrations/0012_webhooks.sql"),
    include_str!("../migrations/0013_offline.sql"),
    include_str!("../migrations/0014_intents.sql"),
    include_str!("../migrations/0015_search.sql"),
    include_str!("../migrations/0016_imsi_prefixes.sql"),
    include_str!("../migrations/0017_counts_elsewhere.sql"),
    include_str!("../migrations/0018_counts_of_lists.sql"),
    include_str!("../migrations/0019_back_to_stock.sql"),
];

/// How long opening and reading wait for another process. Writing has its own patience.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More than there are different statements.
const STATEMENTS: usize = 128;

/// Pages of the log (4 kB each) after which a commit brings them home: the fewer times, the more pages are then the same.
const CHECKPOINT: u32 = 4000;

/// Memory for pages, in kB: the upper levels of every index stay in it, whatever packages pass through. Not more, for a
/// commit that split a page walks the whole table of it.
const CACHE: i32 = 4_000;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everything, in a file that may be missing.
    Create,
    /// Everything, in a file that is there.
    Write,
    /// Reading only.
    Read,
}

/// Opens a connection: WAL, each commit flushed to disk, foreign keys checked.
pub(crate) fn connect(path: &Path, access: Access) -> Result<Connection, Error> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, access == Access::Create);
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    if access == Access::Read {
        connection.pragma_update(None, "query_only", true)?;
    } else {
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    }
    connection.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT, |_| Ok(()))?;
    connection.pragma_update(None, "cache_size", -CACHE)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What undoes a statement with triggers stays in memory, instead of in a file for each.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Otherwise SQLite prepares a query anew for each value of its parameters.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

/// Brings the schema up to this program's version, all of it or nothing.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = MIGRATIONS.len() as i64;
    let seen = usize::try_from(found).ok().filter(|seen| *seen <= MIGRATIONS.len());
    let seen = seen.ok_or(Error::UnknownSchemaVersion { found, known })?;
    MIGRATIONS[seen..].iter().try_for_each(|migration| transaction.execute_batch(migration))?;
    transaction.pragma_update(None, "user_version", known)?;
    Ok(transaction.commit()?)
}

/// Runs a statement with the parameters `$1`, `$2`, …; returns how many rows it changed.
pub(crate) fn execute(connection: &Connection, text: &str, parameters: &[&dyn ToSql]) -> Result<usize, Error> {
    Ok(prepare(connection, text, parameters)?.raw_execute()?)
}

/// The first row of a query, if there is one.
pub(crate) fn first<T>(
    connection: &Connection,
    text: &str,
    parameters: &[&dyn ToSql],
    read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let mut statement = prepare(connection, text, parameters)?;
    let mut rows = statement.raw_query();
    rows.next()?.map(read).transpose()
}

/// All rows of a query.
pub(crate) fn all<T>(
    connection: &Connection,
    text: &str,
    parameters: &[&dyn ToSql],
    mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut statement = prepare(connection, text, parameters)?;
    let mut rows = statement.raw_query();
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// The statement, prepared once per connection, with its parameters.
fn prepare<'c>(
    connection: &'c Connection,
    text: &str,
    parameters: &[&dyn ToSql],
) -> Result<CachedStatement<'c>, Error> {
    let mut statement = connection.prepare_cached(text)?;
    // SQLite numbers parameters as they first appear, whatever number their name has.
    for index in 1..=statement.parameter_count() {
        let number = statement.parameter_name(index).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let parameter = number.and_then(|number| parameters.get(number.checked_sub(1)?));
        let parameter = parameter.ok_or_else(|| Error::Database(format!("no parameter {index} for: {text}")))?;
        statement.raw_bind_parameter(index, parameter)?;
    }
    Ok(statement)
}

#[cfg(test)]
mod tests {
    use super::{Access, MIGRATIONS, all, connect, execute, first, migrate};
    use rusqlite::{Connection, StatementStatus, params};

    #[test]
    fn parameters_are_bound_by_their_number() {
        let connection = Connection::open_in_memory().unwrap();
        execute(&connection, "CREATE TABLE t (a INTEGER, b TEXT)", &[]).unwrap();
        execute(&connection, "INSERT INTO t (b, a) VALUES ($2, $1)", params![1, "x"]).unwrap();
        execute(&connection, "INSERT INTO t (b, a) VALUES ($3, $1)", params![2, "not named", "y"]).unwrap();
        let rows = all(&connection, "SELECT a, b FROM t", &[], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(rows, [(1, "x".to_owned()), (2, "y".to_owned())]);
        let b: Option<String> =
            first(&connection, "SELECT b FROM t WHERE b = $2 AND a = $1", params![2, "y"], |row| Ok(row.get(0)?))
                .unwrap();
        assert_eq!(b.as_deref(), Some("y"));
        assert!(execute(&connection, "INSERT INTO t (a) VALUES ($2)", params![1]).is_err());
    }

    #[test]
    fn a_query_is_prepared_once_whatever_its_parameters() {
        let file = tempfile::NamedTempFile::new().unwrap();
        migrate(&mut connect(file.path(), Access::Create).unwrap()).unwrap();
        let connection = connect(file.path(), Access::Read).unwrap();
        let text = "SELECT p.iccid, s.data FROM download_sessions s LEFT JOIN profiles p ON p.matching_id = $2 \
                    WHERE s.transaction_id = $1";
        for number in 0..5u8 {
            first(&connection, text, params![[number; 16], "MID"], |_| Ok(())).unwrap();
        }
        let statement = connection.prepare_cached(text).unwrap();
        assert_eq!(statement.get_status(StatementStatus::Run), 5);
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }

    #[test]
    fn an_installation_of_an_older_schema_is_known_by_the_result_that_came_last() {
        let mut connection = Connection::open_in_memory().unwrap();
        MIGRATIONS[..5].iter().for_each(|migration| connection.execute_batch(migration).unwrap());
        connection.pragma_update(None, "user_version", 5).unwrap();
        let events = [(10, "notificationInstall"), (1, "notificationInstall"), (2, "notificationEnable")];
        for (number, event) in events {
            let text = "INSERT INTO notifications (eid, seq_number, iccid, event, body, received_at) \
                        VALUES ($1, $2, $3, $4, $5, 7)";
            execute(&connection, text, params![[8u8; 16], number, [9u8; 10], event, [0u8]]).unwrap();
        }
        migrate(&mut connection).unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok(row.get(0)?);
        let installed: Vec<i64> = all(&connection, "SELECT installed FROM installations", &[], read).unwrap();
        assert_eq!(installed, [1]);
    }

    #[test]
    fn sessions_of_an_older_schema_go_on_and_unbegun_ones_are_forgotten() {
        let mut connection = Connection::open_in_memory().unwrap();
        MIGRATIONS[..2].iter().for_each(|migration| connection.execute_batch(migration).unwrap());
        connection.pragma_update(None, "user_version", 2).unwrap();
        for (id, state) in [(1u8, "ExpectAuthenticateClient"), (2, "ExpectResult")] {
            let text =
                "INSERT INTO download_sessions (transaction_id, state, data, expires_at) VALUES ($1, $2, $3, 77)";
            execute(&connection, text, params![[id; 16], state, [0u8]]).unwrap();
        }
        migrate(&mut connection).unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let sessions: Vec<(String, i64)> =
            all(&connection, "SELECT state, examine_at FROM download_sessions", &[], read).unwrap();
        assert_eq!(sessions, [("ExpectResult".to_owned(), 77)]);
    }

    #[test]
    fn the_first_of_each_lane_of_an_older_outbox_may_go_and_then_the_next() {
        let mut connection = Connection::open_in_memory().unwrap();
        MIGRATIONS[..5].iter().for_each(|migration| connection.execute_batch(migration).unwrap());
        connection.pragma_update(None, "user_version", 5).unwrap();
        for (lane, number) in [("a", 2), ("a", 3), ("b", 1)] {
            let text = "INSERT INTO outbox (lane, number, id, function, recipient, body, created_at, attempts, due_at) \
                        VALUES ($1, $2, 'id', 'function', 'recipient', 'body', 0, 0, 0)";
            execute(&connection, text, params![lane, number]).unwrap();
        }
        migrate(&mut connection).unwrap();
        let fronts = || -> Vec<(String, i64)> {
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            all(&connection, "SELECT lane, number FROM outbox WHERE front = 1 ORDER BY lane", &[], read).unwrap()
        };
        assert_eq!(fronts(), [("a".to_owned(), 2), ("b".to_owned(), 1)]);
        execute(&connection, "DELETE FROM outbox WHERE number = 2", &[]).unwrap();
        assert_eq!(fronts(), [("a".to_owned(), 3), ("b".to_owned(), 1)]);
    }
}

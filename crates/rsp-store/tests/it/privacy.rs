//! docs/privacy.md says of every column what it holds of persons and devices: none may be missing, and none may be said to be
//! sealed that is not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::support::Database;

/// Table and column.
type Column = (String, String);

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The columns of the document's tables, and how each is kept.
fn documented() -> BTreeMap<Column, String> {
    let mut found = BTreeMap::new();
    for line in read("../../docs/privacy.md").lines() {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [table, columns, what, how, until] = cells[..] else { continue };
        let Some(table) = table.strip_prefix('`').and_then(|name| name.strip_suffix('`')) else { continue };
        assert!(!what.is_empty() && !until.is_empty(), "{line}");
        for column in columns.split('`').skip(1).step_by(2) {
            let twice = found.insert((table.to_owned(), column.to_owned()), how.to_owned());
            assert_eq!(twice, None, "{table}.{column} stands twice");
        }
    }
    found
}

/// The columns of a database as the program makes it.
fn stored(path: &Path) -> BTreeSet<Column> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let text = "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c \
                WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
    let mut statement = connection.prepare(text).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test]
async fn every_column_is_in_the_inventory() {
    let database = Database::new().await;
    let (stored, documented) = (stored(&database.path()), documented());
    assert!(stored.len() > 80, "{stored:?}");
    let listed: BTreeSet<_> = documented.into_keys().collect();
    let missing: Vec<_> = stored.difference(&listed).collect();
    assert!(missing.is_empty(), "docs/privacy.md says nothing of {missing:?}");
    let gone: Vec<_> = listed.difference(&stored).collect();
    assert!(gone.is_empty(), "docs/privacy.md speaks of {gone:?}, which no database has");
}

/// What is sealed is said in the migrations, beside the column.
#[test]
fn what_the_inventory_calls_sealed_is_sealed() {
    let mut sealed = BTreeSet::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).unwrap() {
        let mut table = String::new();
        for line in std::fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
            if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                table = rest.trim_end_matches(" (").to_owned();
            } else if line.contains("-- sealed") {
                sealed.insert((table.clone(), line.split_whitespace().next().unwrap().to_owned()));
            }
        }
    }
    let said = documented().into_iter().filter(|(_, how)| how == "sealed").map(|(column, _)| column);
    assert_eq!(said.collect::<BTreeSet<_>>(), sealed);
}

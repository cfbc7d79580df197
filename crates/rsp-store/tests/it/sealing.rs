//! Secret columns and the key that opens them.

use rsp_asn1::Iccid;
use rsp_store::{Datastore, Error};

use crate::support::{Counter, Database, PACKAGE, key};

#[tokio::test]
async fn a_package_comes_back_and_its_plaintext_is_in_no_file() {
    let iccid = Iccid([1; 10]);
    let database = Database::with_profile(iccid).await;
    let package = database.store.package(&iccid).await.unwrap().unwrap();
    assert_eq!(package.as_slice(), PACKAGE);
    database.store.close().await;
    for entry in std::fs::read_dir(database.dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == &PACKAGE[..6]));
    }
}

#[tokio::test]
async fn refuses_a_wrong_key_encryption_key() {
    let database = Database::new().await;
    let path = database.path();
    database.store.close().await;
    let error = Datastore::open(&path, &key(8), Box::new(Counter(0))).await.err();
    assert!(matches!(error, Some(Error::WrongKeyEncryptionKey)), "{error:?}");
    Datastore::open(&path, &key(7), Box::new(Counter(0))).await.unwrap().close().await;
}

#[tokio::test]
async fn refuses_a_sealed_value_that_was_moved_to_another_row() {
    let database = Database::with_profile(Iccid([1; 10])).await;
    let path = database.path();
    database
        .store
        .run_tx("second", |tx| tx.insert_profile(&crate::support::new_profile(Iccid([2; 10]))))
        .await
        .unwrap();
    swap_packages(&path);
    let error = database.store.package(&Iccid([1; 10])).await.err();
    assert!(matches!(error, Some(Error::Unsealable { table: "packages", column: "package" })), "{error:?}");
}

/// An attacker with the file, but without the key.
fn swap_packages(path: &std::path::Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .execute_batch(
            "UPDATE packages SET package = (SELECT p.package FROM packages p WHERE p.iccid <> packages.iccid)",
        )
        .unwrap();
}

#[tokio::test]
async fn refuses_a_schema_that_is_newer_than_the_program() {
    let database = Database::new().await;
    let path = database.path();
    database.store.close().await;
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 9999).unwrap();
    drop(connection);
    let error = Datastore::open(&path, &key(7), Box::new(Counter(0))).await.err();
    assert!(matches!(error, Some(Error::UnknownSchemaVersion { found: 9999, .. })), "{error:?}");
}

#[tokio::test]
async fn refuses_to_create_over_an_existing_database() {
    let database = Database::new().await;
    let error = Datastore::create(&database.path(), &key(9), Box::new(Counter(0))).await.err();
    assert!(matches!(error, Some(Error::Duplicate { what: "database" })), "{error:?}");
}

#[tokio::test]
async fn derived_keys_last_as_long_as_the_database() {
    let database = Database::new().await;
    let path = database.path();
    let (one, two) = (database.store.derive_key("one"), database.store.derive_key("two"));
    assert_ne!(one, two);
    database.store.close().await;
    let again = Datastore::open(&path, &key(7), Box::new(Counter(0))).await.unwrap();
    assert_eq!(again.derive_key("one"), one);
    let dir = tempfile::tempdir().unwrap();
    let other = Datastore::create(&dir.path().join("test.db"), &key(7), Box::new(Counter(1 << 40))).await.unwrap();
    assert_ne!(other.derive_key("one"), one);
}

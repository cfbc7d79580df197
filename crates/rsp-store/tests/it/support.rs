//! A database in a directory of its own.

use std::path::PathBuf;

use rsp_asn1::{Iccid, Timestamp};
use rsp_crypto::{Randomness, Zeroizing};
use rsp_store::{Datastore, KeyEncryptionKey, NewProfile, NewProfileType, ProfileState};
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = Timestamp(1_790_000_000);
pub(crate) const PACKAGE: &[u8] = b"canary: the unprotected profile package";

/// Distinct bytes for every draw; no secrecy needed here.
pub(crate) struct Counter(pub(crate) u64);

impl Randomness for Counter {
    fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            self.0 += 1;
            chunk.copy_from_slice(&self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[..chunk.len()]);
        }
    }
}

pub(crate) struct Database {
    pub(crate) dir: TempDir,
    pub(crate) store: Datastore,
}

pub(crate) fn key(byte: u8) -> KeyEncryptionKey {
    KeyEncryptionKey::new(Zeroizing::new([byte; 32]))
}

impl Database {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Datastore::create(&dir.path().join("test.db"), &key(7), Box::new(Counter(0))).await.unwrap();
        Self { dir, store }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("test.db")
    }

    /// A type with one profile in it, Available.
    pub(crate) async fn with_profile(iccid: Iccid) -> Self {
        let database = Self::new().await;
        database
            .store
            .run_tx("fixture", move |tx| {
                tx.insert_profile_type(&NewProfileType {
                    name: "basic".to_owned(),
                    operator: None,
                    iccids: None,
                    metadata: vec![1, 2, 3],
                    template: None,
                    created_at: NOW,
                })?;
                tx.insert_profile(&new_profile(iccid))
            })
            .await
            .unwrap();
        database
    }
}

pub(crate) fn new_profile(iccid: Iccid) -> NewProfile {
    NewProfile {
        iccid,
        profile_type: "basic".to_owned(),
        operator: None,
        state: ProfileState::Available,
        metadata: vec![1, 2, 3],
        package: Zeroizing::new(PACKAGE.to_vec()),
        at: NOW,
        by: "test".to_owned(),
    }
}

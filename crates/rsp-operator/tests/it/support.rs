//! A database with operators in a directory of its own.

use std::sync::Arc;

use rsp_asn1::Timestamp;
use rsp_crypto::{Randomness, Zeroizing};
use rsp_store::{Datastore, KeyEncryptionKey, Operator};
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = Timestamp(1_790_000_000);

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

pub(crate) async fn database(operators: &'static [&'static str]) -> (TempDir, Arc<Datastore>) {
    let dir = tempfile::tempdir().unwrap();
    let key = KeyEncryptionKey::new(Zeroizing::new([7; 32]));
    let store = Datastore::create(&dir.path().join("test.db"), &key, Box::new(Counter(0))).await.unwrap();
    let inserted = store.run_tx("fixture", move |tx| {
        operators.iter().enumerate().try_for_each(|(number, name)| {
            tx.insert_operator(&Operator {
                name: (*name).to_owned(),
                certificate: [number as u8; 32],
                endpoint: None,
                iccid_prefix: String::new(),
                imsi_prefix: format!("00101{number:02}"),
                created_at: NOW,
            })
        })
    });
    inserted.await.unwrap();
    (dir, Arc::new(store))
}

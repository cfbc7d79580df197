//! Sealing of secret columns: AES-256-GCM, associated data = table, row and column.
//!
//! A value can therefore neither be changed nor be moved to another row or column unnoticed. The data-encryption key
//! lies in the database, wrapped by the key-encryption key that the caller gives; changing the latter rewraps one value.

use std::sync::{Mutex, PoisonError};

use rsp_crypto::aead::Aes256Gcm;
use rsp_crypto::{Randomness, RandomnessExt, hash};
use zeroize::Zeroizing;

use crate::error::Error;

/// The key that wraps the data-encryption key of a database: 32 bytes in the caller's custody.
pub struct KeyEncryptionKey(Zeroizing<[u8; 32]>);

impl KeyEncryptionKey {
    /// Takes over 32 bytes of key.
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// Makes a new key.
    pub fn generate(randomness: &mut dyn Randomness) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        randomness.fill(&mut *bytes);
        Self(bytes)
    }

    /// The key itself, to be written where only the operator reads.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Seals and opens the secret columns of one database.
pub struct Crypter {
    key: Aes256Gcm,
    derivation: Zeroizing<[u8; 32]>,
    randomness: Mutex<Box<dyn Randomness>>,
}

impl Crypter {
    /// A new data-encryption key and its wrapped form for the database.
    pub(crate) fn generate(
        kek: &KeyEncryptionKey,
        mut randomness: Box<dyn Randomness>,
    ) -> Result<(Self, Vec<u8>), Error> {
        let mut key = Zeroizing::new([0; 32]);
        randomness.fill(&mut *key);
        let aad = associated_data("store_key", &[1], "wrapped");
        let wrapped = Aes256Gcm::new(&kek.0)
            .seal(&mut *randomness, &aad, &*key)
            .map_err(|_| Error::InvalidValue { table: "store_key", column: "wrapped" })?;
        Ok((Self::new(&key, randomness), wrapped))
    }

    /// Unwraps the data-encryption key.
    pub(crate) fn unwrap(
        kek: &KeyEncryptionKey,
        wrapped: &[u8],
        randomness: Box<dyn Randomness>,
    ) -> Result<Self, Error> {
        let aad = associated_data("store_key", &[1], "wrapped");
        let opened = Aes256Gcm::new(&kek.0).open(&aad, wrapped).map_err(|_| Error::WrongKeyEncryptionKey)?;
        let key: Zeroizing<[u8; 32]> =
            Zeroizing::new(opened.as_slice().try_into().map_err(|_| Error::WrongKeyEncryptionKey)?);
        Ok(Self::new(&key, randomness))
    }

    fn new(key: &[u8; 32], randomness: Box<dyn Randomness>) -> Self {
        // Derived keys come from a key of their own, so that the data-encryption key serves one algorithm only.
        let derivation = Zeroizing::new(hash::hmac_sha256(key, b"derivation"));
        Self { key: Aes256Gcm::new(key), derivation, randomness: Mutex::new(randomness) }
    }

    /// A key for something that is not stored here; the same as long as the database lives.
    pub(crate) fn derive_key(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(hash::hmac_sha256(&*self.derivation, purpose.as_bytes()))
    }

    /// An identifier that nothing else has.
    pub(crate) fn draw_id(&self) -> [u8; 16] {
        self.randomness.lock().unwrap_or_else(PoisonError::into_inner).bytes()
    }

    /// Seals `value` for one cell.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] for a value that no cell holds (64 GiB).
    pub(crate) fn seal(
        &self,
        table: &'static str,
        row: &[u8],
        column: &'static str,
        value: &[u8],
    ) -> Result<Vec<u8>, Error> {
        // A poisoned lock means that another thread panicked between two draws: the source itself is intact.
        let mut randomness = self.randomness.lock().unwrap_or_else(PoisonError::into_inner);
        self.key
            .seal(&mut **randomness, &associated_data(table, row, column), value)
            .map_err(|_| Error::InvalidValue { table, column })
    }

    /// Opens what [`Crypter::seal`] made for the same cell.
    pub(crate) fn open(
        &self,
        table: &'static str,
        row: &[u8],
        column: &'static str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.key.open(&associated_data(table, row, column), sealed).map_err(|_| Error::Unsealable { table, column })
    }
}

/// Names a cell unambiguously: each part is preceded by its length.
fn associated_data(table: &str, row: &[u8], column: &str) -> Vec<u8> {
    let mut aad = Vec::with_capacity(table.len() + row.len() + column.len() + 12);
    for part in [table.as_bytes(), row, column.as_bytes()] {
        // Names and keys are short: 32 bits always hold their length.
        aad.extend_from_slice(&(part.len() as u32).to_be_bytes());
        aad.extend_from_slice(part);
    }
    aad
}

//! AES-256-GCM for secrets at rest.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use zeroize::Zeroizing;

use crate::{Error, Randomness, RandomnessExt};

const NONCE: usize = 12;
const TAG: usize = 16;

/// A key that seals columns of the database and other data at rest.
///
/// The associated data ties a sealed value to its place (table, row, column): moved elsewhere it does not open.
pub struct Aes256Gcm(aes_gcm::Aes256Gcm);

impl Aes256Gcm {
    /// Takes a key of 32 bytes.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(aes_gcm::Aes256Gcm::new(key.into()))
    }

    /// Encrypts and authenticates: nonce (12 bytes) || ciphertext || tag (16 bytes).
    ///
    /// The nonce is drawn at random, which is safe for 2^32 values under one key (NIST SP 800-38D 8.3).
    ///
    /// # Errors
    /// [`Error::Library`] for more than 64 GiB of plaintext.
    pub fn seal(&self, randomness: &mut dyn Randomness, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let nonce: [u8; NONCE] = randomness.bytes();
        let sealed = self.0.encrypt(&nonce.into(), Payload { msg: plaintext, aad }).map_err(|_| Error::Library)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Aes256Gcm::seal`] made with the same key and associated data.
    ///
    /// # Errors
    /// [`Error::SealBroken`], without saying which part is wrong.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE>().ok_or(Error::SealBroken)?;
        if body.len() < TAG {
            return Err(Error::SealBroken);
        }
        self.0.decrypt(nonce.into(), Payload { msg: body, aad }).map(Zeroizing::new).map_err(|_| Error::SealBroken)
    }
}

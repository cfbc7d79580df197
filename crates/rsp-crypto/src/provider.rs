//! What a crypto library has to do for RSP, and the two that do it.

use std::fmt::Debug;
use std::sync::Arc;

use crate::{Error, PublicKey, SecretKey, SharedSecret, Signature};

pub(crate) mod aws_lc;
mod rust_crypto;

/// A signing key at work, in memory or in a security module: ECDSA with SHA-256.
pub trait Signer: Send + Sync {
    /// The public half of the key.
    fn public_key(&self) -> &PublicKey;

    /// Signs the message (not its hash).
    ///
    /// # Errors
    /// [`Error::Library`] when the library or module fails.
    fn sign(&self, message: &[u8]) -> Result<Signature, Error>;
}

/// Public-key operations on both curves by one library.
pub trait Provider: Send + Sync + Debug {
    /// Prepares a key for many signatures.
    ///
    /// # Errors
    /// [`Error::Library`] when the library refuses the key.
    fn signer(&self, key: &SecretKey) -> Result<Arc<dyn Signer>, Error>;

    /// Verifies ECDSA with SHA-256 over the message.
    ///
    /// # Errors
    /// [`Error::SignatureMismatch`] whatever the reason: r or s out of range, another key, another message.
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> Result<(), Error>;

    /// Agrees on a shared secret (ECKA-EG; SGP.22 2.6.7.2): the X coordinate.
    ///
    /// # Errors
    /// [`Error::CurveMismatch`], or [`Error::Library`].
    fn agree(&self, own: &SecretKey, peer: &PublicKey) -> Result<SharedSecret, Error>;
}

/// P-256 by AWS-LC, brainpoolP256r1 by `bp256`: for servers.
pub fn aws_lc() -> &'static dyn Provider {
    &aws_lc::AwsLc
}

/// Both curves by RustCrypto, with deterministic signatures (RFC 6979): for the software eUICC and for fixtures.
pub fn rust_crypto() -> &'static dyn Provider {
    &rust_crypto::RustCrypto
}

//! Remembers signatures of CIs that were verified before.
//!
//! Every eUICC of a manufacturer brings the same EUM certificate, and behind it stands the same CI. Whether a signature
//! verifies is a pure function of key, message and signature, so it need not be computed again; everything that may
//! change (dates, CRLs, which CI is trusted) is still checked each time.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use rsp_crypto::{Error, Provider, PublicKey, SecretKey, SharedSecret, Signature, Signer, hash};
use std::sync::Arc;

/// Verified signatures that are remembered; there are only a few hundred EUM certificates in the world.
const CAPACITY: usize = 1024;

/// A provider that verifies each signature of the named keys once.
#[derive(Debug)]
pub(crate) struct Remembering {
    provider: &'static dyn Provider,
    keys: Vec<PublicKey>,
    verified: RwLock<HashSet<[u8; 32]>>,
}

impl Remembering {
    /// Remembers signatures by `keys` only: those of end certificates would fill the memory for nothing.
    pub(crate) fn new(provider: &'static dyn Provider, keys: Vec<PublicKey>) -> Self {
        Self { provider, keys, verified: RwLock::default() }
    }

    pub(crate) fn provider(&self) -> &'static dyn Provider {
        self.provider
    }
}

impl Provider for Remembering {
    fn signer(&self, key: &SecretKey) -> Result<Arc<dyn Signer>, Error> {
        self.provider.signer(key)
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> Result<(), Error> {
        if !self.keys.contains(key) {
            return self.provider.verify(key, message, signature);
        }
        // Key and signature have fixed lengths, so the concatenation is unambiguous.
        let digest = hash::sha256(&[key.as_bytes().as_slice(), signature.as_bytes(), message].concat());
        if self.verified.read().unwrap_or_else(PoisonError::into_inner).contains(&digest) {
            return Ok(());
        }
        self.provider.verify(key, message, signature)?;
        let mut verified = self.verified.write().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= CAPACITY {
            verified.clear();
        }
        verified.insert(digest);
        Ok(())
    }

    fn agree(&self, own: &SecretKey, peer: &PublicKey) -> Result<SharedSecret, Error> {
        self.provider.agree(own, peer)
    }
}

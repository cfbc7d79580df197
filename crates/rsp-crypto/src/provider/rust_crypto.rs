//! Both curves by RustCrypto.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{Provider, Signer};
use crate::{Curve, Error, PublicKey, SecretKey, SharedSecret, Signature, group};

/// See [`super::rust_crypto()`].
#[derive(Debug)]
pub(super) struct RustCrypto;

impl Provider for RustCrypto {
    fn signer(&self, key: &SecretKey) -> Result<Arc<dyn Signer>, Error> {
        Ok(Arc::new(DeterministicSigner { curve: key.curve(), public: *key.public_key(), scalar: key.to_bytes() }))
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> Result<(), Error> {
        group::verify(key.curve(), key.as_bytes(), message, signature)
    }

    fn agree(&self, own: &SecretKey, peer: &PublicKey) -> Result<SharedSecret, Error> {
        if own.curve() != peer.curve() {
            return Err(Error::CurveMismatch);
        }
        group::agree(own.curve(), own.scalar(), peer.as_bytes()).map(|secret| SharedSecret::from_bytes(*secret))
    }
}

/// RFC 6979: the nonce is a function of key and message, so that recorded sessions replay byte for byte.
struct DeterministicSigner {
    curve: Curve,
    public: PublicKey,
    scalar: Zeroizing<[u8; 32]>,
}

impl Signer for DeterministicSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, Error> {
        group::sign(self.curve, &self.scalar, message)
    }
}

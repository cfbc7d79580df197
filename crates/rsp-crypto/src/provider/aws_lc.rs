//! P-256 by AWS-LC. It has no brainpool curves: those go to RustCrypto.

use std::sync::Arc;

use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey};

use super::rust_crypto::RustCrypto;
use super::{Provider, Signer};
use crate::{Curve, Error, PublicKey, SecretKey, SharedSecret, Signature};

/// See [`super::aws_lc()`].
#[derive(Debug)]
pub(super) struct AwsLc;

impl Provider for AwsLc {
    fn signer(&self, key: &SecretKey) -> Result<Arc<dyn Signer>, Error> {
        if key.curve() != Curve::P256 {
            return RustCrypto.signer(key);
        }
        let public = *key.public_key();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            key.scalar(),
            public.as_bytes(),
        )
        .map_err(|_| Error::Library)?;
        Ok(Arc::new(P256Signer { public, pair }))
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> Result<(), Error> {
        if key.curve() != Curve::P256 {
            return RustCrypto.verify(key, message, signature);
        }
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.as_bytes())
            .verify(message, signature.as_bytes())
            .map_err(|_| Error::SignatureMismatch)
    }

    fn agree(&self, own: &SecretKey, peer: &PublicKey) -> Result<SharedSecret, Error> {
        if own.curve() != peer.curve() {
            return Err(Error::CurveMismatch);
        }
        if own.curve() != Curve::P256 {
            return RustCrypto.agree(own, peer);
        }
        let own = PrivateKey::from_private_key(&ECDH_P256, own.scalar()).map_err(|_| Error::Library)?;
        let peer = agreement::UnparsedPublicKey::new(&ECDH_P256, peer.as_bytes());
        agreement::agree(&own, peer, Error::Library, |secret| {
            secret.try_into().map(SharedSecret::from_bytes).map_err(|_| Error::Library)
        })
    }
}

/// The public point of a P-256 scalar, or none for the other curve.
pub(crate) fn public_key(curve: Curve, scalar: &[u8; 32]) -> Option<[u8; 65]> {
    if curve != Curve::P256 {
        return None;
    }
    let key = PrivateKey::from_private_key(&ECDH_P256, scalar).ok()?;
    key.compute_public_key().ok()?.as_ref().try_into().ok()
}

/// A key pair in AWS-LC's own memory; its nonces come from AWS-LC's generator.
struct P256Signer {
    public: PublicKey,
    pair: EcdsaKeyPair,
}

impl Signer for P256Signer {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, Error> {
        let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|_| Error::Library)?;
        Signature::from_slice(signature.as_ref())
    }
}

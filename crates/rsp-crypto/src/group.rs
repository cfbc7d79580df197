//! Arithmetic of both curves by RustCrypto: `p256` and `bp256` have the same types, so one text serves both.

use zeroize::Zeroizing;

use crate::{Curve, Error, Signature};

/// Writes the module of one curve. A generic function would need the same dozen bounds on each signature.
macro_rules! curve_module {
    ($module:ident, $curve:ty) => {
        mod $module {
            use super::*;
            use ecdsa::signature::{Signer, Verifier};
            use elliptic_curve::{PublicKey, SecretKey};
            use pkcs8::EncodePrivateKey;

            fn secret(scalar: &[u8; 32]) -> Result<SecretKey<$curve>, Error> {
                SecretKey::from_slice(scalar).map_err(|_| Error::SecretKeyRange)
            }

            pub(super) fn is_scalar(scalar: &[u8; 32]) -> bool {
                secret(scalar).is_ok()
            }

            pub(super) fn is_on_curve(point: &[u8; 65]) -> bool {
                PublicKey::<$curve>::from_sec1_bytes(point).is_ok()
            }

            pub(super) fn decompress(point: &[u8; 33]) -> Result<[u8; 65], Error> {
                use elliptic_curve::sec1::ToSec1Point;
                let key = PublicKey::<$curve>::from_sec1_bytes(point).map_err(|_| Error::InvalidPublicKey)?;
                key.to_sec1_point(false).as_bytes().try_into().map_err(|_| Error::Library)
            }

            pub(super) fn public_point(scalar: &[u8; 32]) -> Result<[u8; 65], Error> {
                use elliptic_curve::sec1::ToSec1Point;
                let point = secret(scalar)?.public_key().to_sec1_point(false);
                point.as_bytes().try_into().map_err(|_| Error::Library)
            }

            pub(super) fn sign(scalar: &[u8; 32], message: &[u8]) -> Result<Signature, Error> {
                let key = ecdsa::SigningKey::<$curve>::from(secret(scalar)?);
                let signature: ecdsa::Signature<$curve> = key.try_sign(message).map_err(|_| Error::Library)?;
                Signature::from_slice(&signature.to_bytes())
            }

            pub(super) fn verify(point: &[u8; 65], message: &[u8], signature: &Signature) -> Result<(), Error> {
                let key = ecdsa::VerifyingKey::<$curve>::from_sec1_bytes(point).map_err(|_| Error::InvalidPublicKey)?;
                // Zero and values from the order upwards are refused here.
                let signature = ecdsa::Signature::<$curve>::from_slice(signature.as_bytes())
                    .map_err(|_| Error::SignatureMismatch)?;
                key.verify(message, &signature).map_err(|_| Error::SignatureMismatch)
            }

            pub(super) fn agree(scalar: &[u8; 32], point: &[u8; 65]) -> Result<Zeroizing<[u8; 32]>, Error> {
                let peer = PublicKey::<$curve>::from_sec1_bytes(point).map_err(|_| Error::InvalidPublicKey)?;
                let shared = secret(scalar)?.diffie_hellman(&peer);
                let mut bytes = Zeroizing::new([0; 32]);
                bytes.copy_from_slice(shared.raw_secret_bytes());
                Ok(bytes)
            }

            pub(super) fn to_pkcs8_der(scalar: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>, Error> {
                let document = secret(scalar)?.to_pkcs8_der().map_err(|_| Error::Library)?;
                Ok(Zeroizing::new(document.as_bytes().to_vec()))
            }
        }
    };
}

curve_module!(nist, p256::NistP256);
curve_module!(brainpool, bp256::BrainpoolP256r1);

/// Whether 32 big-endian bytes are a scalar between 1 and the order less 1.
pub(crate) fn is_scalar(curve: Curve, scalar: &[u8; 32]) -> bool {
    match curve {
        Curve::P256 => nist::is_scalar(scalar),
        Curve::BrainpoolP256r1 => brainpool::is_scalar(scalar),
    }
}

/// Whether the bytes are the uncompressed form of a point of the curve.
pub(crate) fn is_on_curve(curve: Curve, point: &[u8; 65]) -> bool {
    match curve {
        Curve::P256 => nist::is_on_curve(point),
        Curve::BrainpoolP256r1 => brainpool::is_on_curve(point),
    }
}

/// The uncompressed form of a compressed point.
pub(crate) fn decompress(curve: Curve, point: &[u8; 33]) -> Result<[u8; 65], Error> {
    match curve {
        Curve::P256 => nist::decompress(point),
        Curve::BrainpoolP256r1 => brainpool::decompress(point),
    }
}

/// The generator times a scalar that [`is_scalar`] accepted.
pub(crate) fn public_point(curve: Curve, scalar: &[u8; 32]) -> [u8; 65] {
    match curve {
        Curve::P256 => nist::public_point(scalar),
        Curve::BrainpoolP256r1 => brainpool::public_point(scalar),
    }
    .expect("invariant: the scalar of a secret key was checked when the key was made")
}

/// Deterministic ECDSA with SHA-256 (RFC 6979).
pub(crate) fn sign(curve: Curve, scalar: &[u8; 32], message: &[u8]) -> Result<Signature, Error> {
    match curve {
        Curve::P256 => nist::sign(scalar, message),
        Curve::BrainpoolP256r1 => brainpool::sign(scalar, message),
    }
}

/// Verifies ECDSA with SHA-256. A high s is as good as a low one: RSP does not normalise.
pub(crate) fn verify(curve: Curve, point: &[u8; 65], message: &[u8], signature: &Signature) -> Result<(), Error> {
    match curve {
        Curve::P256 => nist::verify(point, message, signature),
        Curve::BrainpoolP256r1 => brainpool::verify(point, message, signature),
    }
}

/// The X coordinate of scalar times point.
pub(crate) fn agree(curve: Curve, scalar: &[u8; 32], point: &[u8; 65]) -> Result<Zeroizing<[u8; 32]>, Error> {
    match curve {
        Curve::P256 => nist::agree(scalar, point),
        Curve::BrainpoolP256r1 => brainpool::agree(scalar, point),
    }
}

/// PKCS#8 with the public key inside.
pub(crate) fn to_pkcs8_der(curve: Curve, scalar: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>, Error> {
    match curve {
        Curve::P256 => nist::to_pkcs8_der(scalar),
        Curve::BrainpoolP256r1 => brainpool::to_pkcs8_der(scalar),
    }
}

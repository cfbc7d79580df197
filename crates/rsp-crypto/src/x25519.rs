//! Key agreement on Curve25519 (RFC 7748): profile A of the concealment of subscribers (3GPP TS 33.501 C.3.4.1).

use crate::{Error, SharedSecret};

/// The public key of a secret of 32 arbitrary bytes, which are clamped as RFC 7748 5 says.
pub fn public_key(secret: &[u8; 32]) -> [u8; 32] {
    x25519_dalek::x25519(*secret, x25519_dalek::X25519_BASEPOINT_BYTES)
}

/// Agrees on a shared secret with the owner of a public key.
///
/// # Errors
/// [`Error::InvalidPublicKey`] for a point of small order, with which everybody would share the same secret (RFC 7748
/// 6.1).
pub fn agree(secret: &[u8; 32], peer: &[u8; 32]) -> Result<SharedSecret, Error> {
    let shared = x25519_dalek::x25519(*secret, *peer);
    if crate::constant_time_eq(&shared, &[0; 32]) {
        return Err(Error::InvalidPublicKey);
    }
    Ok(SharedSecret::from_bytes(shared))
}

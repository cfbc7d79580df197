//! Concealment for the home network: ECIES profiles A and B (3GPP TS 33.501 C.3).

use rsp_crypto::{Error, PublicKey, SecretKey, SharedSecret, hash, kdf, rust_crypto, symmetric, x25519};
use zeroize::Zeroizing;

/// Bytes of the MAC tag.
pub const MAC: usize = 8;
/// What the key derivation gives: a key and the first counter block of AES-128, and a key of HMAC-SHA-256.
const KEYS: usize = 16 + 16 + 32;

/// What the home network needs to read a concealed identity (C.3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concealed {
    /// The ephemeral public key: 32 bytes of profile A, 33 of profile B.
    pub ephemeral_key: Vec<u8>,
    /// As long as the plaintext.
    pub ciphertext: Vec<u8>,
    /// The first bytes of the HMAC over the ciphertext.
    pub mac: [u8; MAC],
}

/// Profile A: X25519.
///
/// # Errors
/// [`Error::InvalidPublicKey`] when the home network's key is a point of small order.
pub fn profile_a(home_network: &[u8; 32], ephemeral: &[u8; 32], plaintext: &[u8]) -> Result<Concealed, Error> {
    let shared = x25519::agree(ephemeral, home_network)?;
    Ok(conceal(&shared, &x25519::public_key(ephemeral), plaintext))
}

/// Profile B: P-256 with compressed points.
///
/// # Errors
/// [`Error::CurveMismatch`] when a key lies on another curve.
pub fn profile_b(home_network: &PublicKey, ephemeral: &SecretKey, plaintext: &[u8]) -> Result<Concealed, Error> {
    let shared = rust_crypto().agree(ephemeral, home_network)?;
    Ok(conceal(&shared, &ephemeral.public_key().to_compressed(), plaintext))
}

/// The steps after the agreement (C.3.2 and C.3.4): SharedInfo1 is the ephemeral key, SharedInfo2 is empty.
fn conceal(shared: &SharedSecret, ephemeral_key: &[u8], plaintext: &[u8]) -> Concealed {
    let keys = kdf::x963(shared, ephemeral_key, KEYS);
    let (mut key, mut counter) = (Zeroizing::new([0; 16]), [0; 16]);
    key.copy_from_slice(&keys[..16]);
    counter.copy_from_slice(&keys[16..32]);
    let mut ciphertext = plaintext.to_vec();
    symmetric::aes128_ctr(&key, &counter, &mut ciphertext);
    let mut mac = [0; MAC];
    mac.copy_from_slice(&hash::hmac_sha256(&keys[32..], &ciphertext)[..MAC]);
    Concealed { ephemeral_key: ephemeral_key.to_vec(), ciphertext, mac }
}

//! Curves, signatures, key agreement and symmetric primitives of GSMA RSP over two back ends.
//!
//! SGP.22 2.6.7 fixes the algorithms: ECDSA with SHA-256 over NIST P-256 or brainpoolP256r1, ElGamal key agreement
//! (ECKA) on the same curve, the X9.63 key derivation function, AES-128 in CBC mode and AES-CMAC. Everything above this
//! crate speaks of them in these terms; only this crate names a crypto library.
//!
//! - [`aws_lc`] is the provider of servers: P-256 by AWS-LC, brainpoolP256r1 by the RustCrypto crate `bp256`.
//! - [`rust_crypto`] is the provider of the software eUICC: both curves by RustCrypto, signatures deterministic
//!   (RFC 6979). A download therefore always crosses from one implementation to the other.
//!
//! Randomness is an argument ([`Randomness`]). Only the nonces of AWS-LC's own ECDSA come from the system. Types that
//! hold secrets have no `Debug`, `Display` or `Clone`, and erase themselves when dropped.

mod curve;
mod error;
mod group;
mod key;
mod key_format;
mod provider;
mod randomness;
mod signature;

pub mod aead;
pub mod hash;
pub mod kdf;
pub mod keccak;
pub mod password;
pub mod secured_packet;
pub mod symmetric;
pub mod x25519;

pub use curve::Curve;
pub use error::Error;
pub use key::{PublicKey, SecretKey, SharedSecret};
pub use provider::{Provider, Signer, aws_lc, rust_crypto};
pub use randomness::{Randomness, RandomnessExt};
pub use signature::Signature;
pub use zeroize::Zeroizing;

pub use hash::constant_time_eq;

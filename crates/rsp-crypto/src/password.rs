//! Hashes of passwords and of the secrets of API keys: Argon2id (RFC 9106), in the PHC text form.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::error::Error;
use crate::randomness::{Randomness, RandomnessExt as _};

/// Memory in KiB, passes and lanes: the first choice of OWASP for Argon2id where memory is shared by many users.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// Hashes a password under a fresh salt of 16 octets. The text names algorithm and cost, so that they can change.
///
/// # Errors
/// [`Error::Password`] for one that is longer than 4 GiB, and no other.
pub fn hash(password: &[u8], randomness: &mut dyn Randomness) -> Result<String, Error> {
    let salt = randomness.bytes::<16>();
    let hashed = argon2()?.hash_password_with_salt(password, &salt).map_err(|_| Error::Password)?;
    Ok(hashed.to_string())
}

/// Whether this is the password that was hashed. A text that is no hash fits none.
///
/// It takes the same time for a wrong password as for the right one; for a text that is no hash it takes none.
pub fn verify(password: &[u8], hashed: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(hashed) else { return false };
    argon2().is_ok_and(|argon2| argon2.verify_password(password, &parsed).is_ok())
}

fn argon2() -> Result<Argon2<'static>, Error> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).map_err(|_| Error::Password)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

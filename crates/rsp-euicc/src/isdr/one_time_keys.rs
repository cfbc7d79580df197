//! One-time keys for ECKA that outlive their session, so that a retry gets the same package (SGP.22 3.1.3, 5.7.5, 5.7.14).
//!
//! A pair is kept from PrepareDownload until a load with it succeeds or fails for good, or the session is cancelled for
//! any reason but postponement and timeout. It belongs to one SM-DP+ and one CI.

use rsp_crypto::SecretKey;

use super::stages::Authenticated;
use crate::platform::Platform;
use crate::state::{StoredOneTimeKey, StoredSecret};

/// How many pairs are kept; the oldest goes first.
const CAPACITY: usize = 8;

/// Whom a pair belongs to.
pub(super) struct Owner {
    /// DER.
    smdp_oid: Vec<u8>,
    ci_key_id: Vec<u8>,
}

impl Owner {
    /// The server and the CI of a session.
    pub(super) fn of(authenticated: &Authenticated) -> Option<Self> {
        let smdp_oid = rsp_asn1::encode(authenticated.server_oid()).ok()?;
        Some(Self { smdp_oid, ci_key_id: authenticated.ci_key_id().0.to_vec() })
    }
}

/// The kept pair with this public key.
pub(super) fn find(platform: &Platform, owner: &Owner, public_key: &[u8]) -> Option<SecretKey> {
    let stored = platform.state.one_time_keys.iter().find(|stored| {
        stored.public_key == public_key && stored.smdp_oid == owner.smdp_oid && stored.ci_key_id == owner.ci_key_id
    })?;
    SecretKey::from_bytes(platform.credential(&owner.ci_key_id)?.curve(), &stored.secret_key.0).ok()
}

/// A new pair on the curve of the CI, kept.
pub(super) fn generate(platform: &mut Platform, owner: &Owner) -> Option<SecretKey> {
    let curve = platform.credential(&owner.ci_key_id)?.curve();
    let key = SecretKey::generate(curve, &mut *platform.randomness);
    let keys = &mut platform.state.one_time_keys;
    if keys.len() == CAPACITY {
        keys.remove(0);
    }
    keys.push(StoredOneTimeKey {
        smdp_oid: owner.smdp_oid.clone(),
        ci_key_id: owner.ci_key_id.clone(),
        public_key: key.public_key().as_bytes().to_vec(),
        secret_key: StoredSecret(*key.to_bytes()),
    });
    platform.changed = true;
    Some(key)
}

/// Erases the pair with this public key.
pub(super) fn erase(platform: &mut Platform, public_key: &[u8]) {
    platform.state.one_time_keys.retain(|stored| stored.public_key != public_key);
    platform.changed = true;
}

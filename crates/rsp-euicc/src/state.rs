//! Everything that an eUICC keeps without power, and its form in one file.
//!
//! The form is a magic line, a version, a SHA-256 and CBOR. RSP objects are kept as the DER that carried them.

use rsp_asn1::{Eid, Iccid, StoreMetadataRequest};
use rsp_crypto::hash::sha256;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::Error;
use crate::profile::ProfileContents;

const MAGIC: &[u8] = b"OpenRSP eUICC state\n";
/// Grows when something is added, so that no earlier program opens a file and writes it back without what it does not know.
/// All versions from 1 on are read; `tests/corpus` has a file of each.
const VERSION: u32 = 2;
const HEADER: usize = MAGIC.len() + 4 + 32;

/// The content of non-volatile memory.
///
/// It holds secret keys: neither Debug nor Display, and [`EuiccState::to_bytes`] is for the state file only.
#[derive(Serialize, Deserialize)]
pub struct EuiccState {
    /// EID, 16 bytes BCD.
    pub(crate) eid: [u8; 16],
    /// One per CI, in order of preference.
    pub(crate) credentials: Vec<StoredCredential>,
    /// FQDN; empty when there is none.
    pub(crate) default_dp_address: String,
    /// What eUICCMemoryReset sets it back to.
    pub(crate) initial_dp_address: String,
    /// FQDN of the root SM-DS.
    pub(crate) root_ds_address: String,
    /// The Rules Authorisation Table, as GetRAT answers it.
    #[serde(with = "bytes")]
    pub(crate) rat: Vec<u8>,
    /// Bytes that profiles may fill in all.
    pub(crate) capacity: u32,
    /// Installed profiles, by age.
    pub(crate) profiles: Vec<ProfileSlot>,
    /// Number of the next ISD-P, bytes 14 and 15 of its AID.
    pub(crate) next_isdp: u16,
    /// ISD-P of the operational profile that was enabled before a test profile.
    pub(crate) enabled_before_test: Option<[u8; 16]>,
    /// ISD-P of the operational profile that a provisioning profile took the place of, until another operational one is
    /// enabled.
    #[serde(default)]
    pub(crate) displaced: Option<[u8; 16]>,
    /// Notifications that nobody has acknowledged, by sequence number.
    pub(crate) notifications: Vec<StoredNotification>,
    /// Grows through the whole life of the eUICC (SGP.22 3.5).
    pub(crate) next_sequence_number: u64,
    /// A load that has begun; still here at power-on when power was lost in it.
    pub(crate) pending_load: Option<PendingLoad>,
    /// One-time keys that were given out and may still be used, by age.
    pub(crate) one_time_keys: Vec<StoredOneTimeKey>,
    /// Whether keys that everybody knows are as good as others. `None` in an eUICC of before there was the question: it goes
    /// on installing what it installed, but nothing reaches such a profile over the air.
    #[serde(default)]
    pub(crate) accept_published_keys: Option<bool>,
    /// Revocation lists of CIs, whole or in parts.
    #[serde(default)]
    pub(crate) crls: Vec<StoredCrl>,
}

/// A CRL, which was verified when it was loaded.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredCrl {
    #[serde(with = "bytes")]
    pub(crate) der: Vec<u8>,
}

/// The eUICC's key under one CI, with the certificates up to it.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredCredential {
    #[serde(with = "bytes")]
    pub(crate) ci_certificate: Vec<u8>,
    #[serde(with = "bytes")]
    pub(crate) eum_certificate: Vec<u8>,
    #[serde(with = "bytes")]
    pub(crate) euicc_certificate: Vec<u8>,
    pub(crate) secret_key: StoredSecret,
}

/// A secret scalar; erased when dropped.
#[derive(Serialize, Deserialize, Clone)]
pub(crate) struct StoredSecret(pub(crate) [u8; 32]);

impl Drop for StoredSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// An ISD-P and the profile in it.
#[derive(Serialize, Deserialize)]
pub(crate) struct ProfileSlot {
    pub(crate) isdp_aid: [u8; 16],
    /// The CI under which it was installed: notifications about it are signed under the same.
    #[serde(with = "bytes")]
    pub(crate) ci_key_id: Vec<u8>,
    pub(crate) iccid: [u8; 10],
    /// StoreMetadataRequest (BF25).
    #[serde(with = "bytes")]
    pub(crate) metadata: Vec<u8>,
    /// ConfigureISDPRequest (BF24).
    #[serde(with = "bytes")]
    pub(crate) configuration: Vec<u8>,
    pub(crate) nickname: String,
    pub(crate) enabled: bool,
    /// Over the profile elements as they came out of the protected segments.
    pub(crate) upp_sha256: [u8; 32],
    pub(crate) upp_length: u32,
    pub(crate) contents: ProfileContents,
}

impl ProfileSlot {
    /// The metadata, decoded. It was checked when it was stored and when the state was opened.
    pub(crate) fn metadata(&self) -> StoreMetadataRequest {
        rsp_asn1::decode(&self.metadata).expect("invariant: EuiccState::from_bytes and the installation decode it")
    }

    /// Bytes of the memory that the profile takes up.
    pub(crate) fn size(&self) -> u32 {
        let contents = u32::try_from(self.contents.size_bytes()).unwrap_or(u32::MAX);
        let described = u32::try_from(self.metadata.len() + self.configuration.len()).unwrap_or(u32::MAX);
        contents.max(self.upp_length).saturating_add(described).saturating_add(ISDP_OVERHEAD)
    }
}

/// The number of the first ISD-P; those below are RSP's own security domains.
pub(crate) const FIRST_ISDP: u16 = 0x0010;

/// What an ISD-P takes up besides its content, in bytes.
pub(crate) const ISDP_OVERHEAD: u32 = 512;

/// A notification with the bytes that will be sent.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredNotification {
    pub(crate) sequence_number: u64,
    /// Bit of NotificationEvent.
    pub(crate) event: u8,
    pub(crate) address: String,
    pub(crate) iccid: Option<[u8; 10]>,
    /// PendingNotification.
    #[serde(with = "bytes")]
    pub(crate) der: Vec<u8>,
}

/// What a ProfileInstallationResult needs to say when power was lost in a load.
#[derive(Serialize, Deserialize, Clone)]
pub(crate) struct PendingLoad {
    #[serde(with = "bytes")]
    pub(crate) transaction_id: Vec<u8>,
    /// The SM-DP+'s OID, DER.
    #[serde(with = "bytes")]
    pub(crate) smdp_oid: Vec<u8>,
    pub(crate) smdp_address: String,
    #[serde(with = "bytes")]
    pub(crate) ci_key_id: Vec<u8>,
    /// Known from StoreMetadata on.
    pub(crate) iccid: Option<[u8; 10]>,
    /// BppCommandId that was being executed.
    pub(crate) command: i64,
}

/// A one-time key pair for ECKA, kept for a retry (SGP.22 3.1.3, 5.7.5).
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredOneTimeKey {
    /// The SM-DP+'s OID, DER.
    #[serde(with = "bytes")]
    pub(crate) smdp_oid: Vec<u8>,
    #[serde(with = "bytes")]
    pub(crate) ci_key_id: Vec<u8>,
    /// Uncompressed point.
    #[serde(with = "bytes")]
    pub(crate) public_key: Vec<u8>,
    pub(crate) secret_key: StoredSecret,
}

impl EuiccState {
    /// The EID.
    pub fn eid(&self) -> Eid {
        Eid(self.eid)
    }

    /// Bytes that are still free for profiles.
    pub(crate) fn free_memory(&self) -> u32 {
        u32::try_from(u64::from(self.capacity).saturating_sub(self.used_memory())).unwrap_or(0)
    }

    /// Whether more is stored than there is room for.
    pub(crate) fn is_overfull(&self) -> bool {
        self.used_memory() > u64::from(self.capacity)
    }

    fn used_memory(&self) -> u64 {
        let profiles: u64 = self.profiles.iter().map(|slot| u64::from(slot.size())).sum();
        profiles + self.crls.iter().map(|crl| crl.der.len() as u64).sum::<u64>()
    }

    /// Whether a profile other than for tests may have a security domain that opens with published keys.
    pub(crate) fn installs_published_keys(&self) -> bool {
        self.accept_published_keys != Some(false)
    }

    /// Whether messages over the air count that are protected with published keys.
    pub(crate) fn obeys_published_keys(&self) -> bool {
        self.accept_published_keys == Some(true)
    }

    pub(crate) fn enabled_profile(&self) -> Option<&ProfileSlot> {
        self.profiles.iter().find(|slot| slot.enabled)
    }

    pub(crate) fn profile_with_iccid(&self, iccid: &Iccid) -> Option<&ProfileSlot> {
        self.profiles.iter().find(|slot| slot.iccid == iccid.0)
    }

    /// The form of the state file.
    ///
    /// # Errors
    /// [`Error::StateContent`] when the content cannot be written as CBOR.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut file = Zeroizing::new(Vec::with_capacity(64 * 1024));
        file.extend_from_slice(MAGIC);
        file.extend_from_slice(&VERSION.to_be_bytes());
        file.extend_from_slice(&[0; 32]);
        ciborium::into_writer(self, &mut *file).map_err(|error| Error::StateContent(error.to_string()))?;
        let checksum = checksum(VERSION, &file[HEADER..]);
        file[HEADER - 32..HEADER].copy_from_slice(&checksum);
        Ok(file)
    }

    /// Whether a file begins as the state file does.
    pub(crate) fn is_one(file: &[u8]) -> bool {
        file.starts_with(MAGIC)
    }

    /// Reads the form of the state file and checks it through.
    ///
    /// # Errors
    /// [`Error::NotAState`], [`Error::StateVersion`], [`Error::StateChecksum`], [`Error::StateContent`].
    pub fn from_bytes(file: &[u8]) -> Result<Self, Error> {
        let rest = file.strip_prefix(MAGIC).ok_or(Error::NotAState)?;
        let (version, rest) = rest.split_first_chunk::<4>().ok_or(Error::StateChecksum)?;
        let found = u32::from_be_bytes(*version);
        if !(1..=VERSION).contains(&found) {
            return Err(Error::StateVersion { found, supported: VERSION });
        }
        let (written, body) = rest.split_first_chunk::<32>().ok_or(Error::StateChecksum)?;
        if *written != checksum(found, body) {
            return Err(Error::StateChecksum);
        }
        let state: Self = ciborium::from_reader(body).map_err(|error| Error::StateContent(error.to_string()))?;
        for slot in &state.profiles {
            let decoded = rsp_asn1::decode::<StoreMetadataRequest>(&slot.metadata);
            decoded.map_err(|error| Error::StateContent(error.to_string()))?;
        }
        Ok(state)
    }
}

/// SHA-256 over the content; from version 2 on, SHA-256 over the version and that.
fn checksum(version: u32, body: &[u8]) -> [u8; 32] {
    match version {
        1 => sha256(body),
        _ => sha256(&[&version.to_be_bytes()[..], &sha256(body)].concat()),
    }
}

/// Byte strings as CBOR byte strings instead of arrays of numbers.
mod bytes {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::fs::Octets;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        Ok(Octets::deserialize(deserializer)?.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_euicc_of_before_goes_on_installing_published_keys_but_does_not_obey_them() {
        let file = include_bytes!("../tests/corpus/release-0-1-form-1.euicc");
        let state = EuiccState::from_bytes(file).unwrap_or_else(|error| panic!("{error}"));
        assert!(state.installs_published_keys() && !state.obeys_published_keys());
    }
}

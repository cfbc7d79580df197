//! transactionIds and serverChallenges that a server recognises without having kept them (SGP.22 5.6.1, 5.6.3).
//!
//! InitiateAuthentication comes from anybody: a server that stored something for each would let anybody fill its
//! database. Here the transactionId says itself until when and under which CIs the session may begin, and the
//! serverChallenge follows from it under a key that only the server has. The first thing to be stored is that an eUICC
//! has proved itself.

use rsp_asn1::{Octet16, SubjectKeyIdentifier, Timestamp, TransactionId};
use rsp_crypto::{Randomness, RandomnessExt, Zeroizing, hash};

use crate::blob::Writer;

/// The CIs that InitiateAuthentication agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms<'a> {
    /// The CI of the certificate that the server shows.
    pub credential_ci: &'a SubjectKeyIdentifier,
    /// The CI under which the eUICC shall sign.
    pub euicc_ci: &'a SubjectKeyIdentifier,
}

/// Where a server's transactionIds and serverChallenges come from. [`DerivedChallenges`] is what a server uses; a replay
/// of a recorded session has another.
pub trait Challenges: Send + Sync {
    /// A new transactionId for a session that must begin by `begins_by`.
    fn transaction_id(&self, terms: &Terms<'_>, begins_by: Timestamp, randomness: &mut dyn Randomness)
    -> TransactionId;

    /// Until when the session may begin. `None` when this transactionId was not given out under these terms.
    fn begins_by(&self, terms: &Terms<'_>, transaction_id: &TransactionId) -> Option<Timestamp>;

    /// The serverChallenge of a session, for the address that the LPA called; each time the same.
    fn server_challenge(&self, terms: &Terms<'_>, transaction_id: &TransactionId, server_address: &str) -> Octet16;
}

/// Challenges under a key that only the server has.
///
/// - transactionId, 16 bytes: `begins_by` (seconds since 1970, 32 bits, big-endian), 6 random bytes, 6 bytes of a MAC over
///   both and the terms.
/// - serverChallenge, 16 bytes: a MAC over transactionId, terms and address. Who has not been given it cannot have it.
///
/// The MAC is HMAC-SHA256, truncated. That of the transactionId is short: it only tells an unknown session from a wrong
/// answer to a known one.
pub struct DerivedChallenges(Zeroizing<[u8; 32]>);

const DEADLINE: usize = 4;
const NONCE: usize = 6;
const UNTAGGED: usize = DEADLINE + NONCE;

impl DerivedChallenges {
    /// Takes the key: 32 bytes that serve nothing else, the same in every process of the server.
    pub fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    fn mac<const N: usize>(&self, purpose: &[u8], terms: &Terms<'_>, parts: [&[u8]; 2]) -> [u8; N] {
        let [first, second] = parts;
        let message = Writer::new(VERSION)
            .field(purpose)
            .field(&terms.credential_ci.0)
            .field(&terms.euicc_ci.0)
            .field(first)
            .field(second)
            .finish();
        let mac = hash::hmac_sha256(&*self.0, &message);
        std::array::from_fn(|index| mac[index])
    }

    fn tag(&self, terms: &Terms<'_>, untagged: &[u8]) -> [u8; 16 - UNTAGGED] {
        self.mac(b"transactionId", terms, [untagged, b""])
    }
}

impl Challenges for DerivedChallenges {
    fn transaction_id(
        &self,
        terms: &Terms<'_>,
        begins_by: Timestamp,
        randomness: &mut dyn Randomness,
    ) -> TransactionId {
        // 32 bits last until 2106; a later time means "never again".
        let deadline = u32::try_from(begins_by.0.max(0)).unwrap_or(u32::MAX);
        let mut id = [0; 16];
        id[..DEADLINE].copy_from_slice(&deadline.to_be_bytes());
        id[DEADLINE..UNTAGGED].copy_from_slice(&randomness.bytes::<NONCE>());
        let tag = self.tag(terms, &id[..UNTAGGED]);
        id[UNTAGGED..].copy_from_slice(&tag);
        TransactionId::from(id)
    }

    fn begins_by(&self, terms: &Terms<'_>, transaction_id: &TransactionId) -> Option<Timestamp> {
        let (untagged, tag) = transaction_id.as_bytes().split_at_checked(UNTAGGED)?;
        let (deadline, _) = untagged.split_first_chunk::<DEADLINE>()?;
        hash::constant_time_eq(&self.tag(terms, untagged), tag)
            .then(|| Timestamp(i64::from(u32::from_be_bytes(*deadline))))
    }

    fn server_challenge(&self, terms: &Terms<'_>, transaction_id: &TransactionId, server_address: &str) -> Octet16 {
        Octet16(self.mac(b"serverChallenge", terms, [transaction_id.as_bytes(), server_address.as_bytes()]))
    }
}

const VERSION: u8 = 1;

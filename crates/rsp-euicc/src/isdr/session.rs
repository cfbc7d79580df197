//! The RSP session context: one at a time, each stage with what the next one needs (SGP.22 3.0.1, 5.7.7).
//!
//! A stage can only be entered with the value that the stage before it left: a check that was skipped is a stage that
//! cannot be built. The context is dropped by a new challenge, CancelSession, a reset, a switch of profiles, a memory
//! reset, and the end of a load.

use rsp_apdu::StatusWord;
use rsp_asn1::{
    GetEuiccChallengeRequest, GetEuiccChallengeResponse, ObjectIdentifier, Octet16, Signature5F37,
    SubjectKeyIdentifier, TransactionId, Unknown,
};
use rsp_crypto::{PublicKey, RandomnessExt, SecretKey};

use super::load::{self, Load};
use super::{decode, encode};
use crate::platform::Platform;

/// The context, from nothing to a load.
#[derive(Default)]
pub(crate) enum Session {
    /// No session.
    #[default]
    None,
    /// A challenge was given out.
    Challenged([u8; 16]),
    /// A server authenticated itself.
    Authenticated(Authenticated),
    /// A download is prepared.
    Prepared(Box<Prepared>),
    /// A Bound Profile Package is being loaded.
    Loading(Box<Load>),
}

/// What AuthenticateServer leaves. Only `authenticate` makes one.
pub(crate) struct Authenticated {
    pub(super) transaction_id: TransactionId,
    pub(super) server_address: String,
    /// subjectAltName registeredID of CERT.DPauth or CERT.DSauth.
    pub(super) server_oid: ObjectIdentifier,
    /// authorityKeyIdentifier of that certificate: CERT.DPpb must have the same.
    pub(super) server_ci_key_id: Vec<u8>,
    /// The CI under which the eUICC signs in this session.
    pub(super) ci_key_id: SubjectKeyIdentifier,
    pub(super) euicc_signature1: Signature5F37,
}

/// What PrepareDownload leaves. Only `prepare_download` makes one.
pub(crate) struct Prepared {
    pub(super) authenticated: Authenticated,
    /// Of CERT.DPpb.
    pub(super) smdp_public_key: PublicKey,
    pub(super) one_time_key: SecretKey,
}

impl Session {
    pub(crate) fn is_loading(&self) -> bool {
        matches!(self, Self::Loading(_))
    }

    /// The transaction, from AuthenticateServer on.
    pub(super) fn authenticated(&self) -> Option<&Authenticated> {
        match self {
            Self::None | Self::Challenged(_) => None,
            Self::Authenticated(authenticated) => Some(authenticated),
            Self::Prepared(prepared) => Some(&prepared.authenticated),
            Self::Loading(load) => Some(load.authenticated()),
        }
    }
}

/// ES10b.GetEUICCChallenge: a new context; what was before is gone, and a load that was going on is reported as
/// interrupted.
pub(super) fn challenge(platform: &mut Platform, session: &mut Session, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    decode::<GetEuiccChallengeRequest>(request)?;
    load::report_interruption(platform);
    let challenge = platform.randomness.bytes::<16>();
    *session = Session::Challenged(challenge);
    encode(&GetEuiccChallengeResponse { euicc_challenge: Octet16(challenge), unknown: Unknown::default() })
}

//! The RSP session context: one at a time (SGP.22 3.0.1, 5.7.7).
//!
//! Its [stages](super::stages) can only be built from the [proofs](super::proofs) that the checks before them left. The
//! context is dropped by a new challenge, CancelSession, a reset, a switch of profiles, a memory
//! reset, and the end of a load.

use rsp_apdu::StatusWord;
use rsp_asn1::{GetEuiccChallengeRequest, GetEuiccChallengeResponse, Octet16, Unknown};
use rsp_crypto::RandomnessExt;

use super::load;
use super::package::Load;
use super::stages::{Authenticated, Prepared};
use super::{decode, encode};
use crate::platform::Platform;

/// The context, from nothing to a load.
#[derive(Default)]
pub(crate) enum Session {
    /// No session.
    #[default]
    None,
    /// A challenge was given out.
    Challenged(Challenge),
    /// A server authenticated itself.
    Authenticated(Authenticated),
    /// A download is prepared.
    Prepared(Box<Prepared>),
    /// A Bound Profile Package is being loaded.
    Loading(Box<Load>),
}

/// A challenge that was given out in this session; only GetEUICCChallenge makes one.
pub(crate) struct Challenge([u8; 16]);

impl Challenge {
    pub(super) fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
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
            Self::Prepared(prepared) => Some(prepared.authenticated()),
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
    *session = Session::Challenged(Challenge(challenge));
    encode(&GetEuiccChallengeResponse { euicc_challenge: Octet16(challenge), unknown: Unknown::default() })
}

//! euiccChallenge in serverSigned1 (SGP.22 5.7.13).

use rsp_asn1::ServerSigned1;
use rsp_crypto::constant_time_eq;

use super::{ServerCertificateVerified, ServerSignature1Verified};
use crate::isdr::session::Challenge;

/// Proof that a server signed the challenge of this session: it authenticated itself.
pub(crate) struct EuiccChallengeMatches<'r>(ServerSignature1Verified<'r>);

impl<'r> EuiccChallengeMatches<'r> {
    /// Compares the signed challenge with the one that was given out; `None` for another.
    pub(crate) fn check(challenge: &Challenge, server: ServerSignature1Verified<'r>) -> Option<Self> {
        constant_time_eq(&server.signed().euicc_challenge.0, challenge.as_bytes()).then_some(Self(server))
    }

    pub(crate) fn certificate(&self) -> &ServerCertificateVerified {
        self.0.certificate()
    }

    pub(crate) fn signed(&self) -> &'r ServerSigned1 {
        self.0.signed()
    }
}

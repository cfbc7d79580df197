//! The eUICC's certificates and euiccSignature1 over euiccSigned1.

use rsp_asn1::{AuthenticateResponseOk, SubjectKeyIdentifier, Timestamp};

use super::TransactionIdMatches;
use crate::authenticator::Authenticator;
use crate::error::Error;
use crate::euicc::Euicc;

/// Proof that the key of a valid eUICC certificate signed euiccSigned1, with whose it is.
pub(crate) struct EuiccSignature1Verified<'r> {
    euicc: Euicc,
    response: &'r AuthenticateResponseOk,
}

impl<'r> EuiccSignature1Verified<'r> {
    /// Validates the certificates under `ci` at the time `now`, then the signature over the bytes as received.
    pub(crate) fn verify(
        authenticator: &Authenticator,
        answer: TransactionIdMatches<'r>,
        ci: &SubjectKeyIdentifier,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let response = answer.response();
        let euicc = authenticator.identify(&response.euicc_certificate, &response.eum_certificate, ci, now)?;
        euicc.verify(authenticator.provider(), response.euicc_signed1.bytes(), &response.euicc_signature1)?;
        Ok(Self { euicc, response })
    }

    pub(crate) fn response(&self) -> &'r AuthenticateResponseOk {
        self.response
    }

    pub(crate) fn into_euicc(self) -> Euicc {
        self.euicc
    }
}

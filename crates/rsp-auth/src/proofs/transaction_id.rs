//! The transactionId in the eUICC's answer.

use rsp_asn1::{AuthenticateResponseOk, AuthenticateServerResponse, TransactionId};

use crate::error::Error;

/// Proof that the eUICC accepted the server and that its answer names this session, with the answer.
pub(crate) struct TransactionIdMatches<'r>(&'r AuthenticateResponseOk);

impl<'r> TransactionIdMatches<'r> {
    /// Compares; what an eUICC says of another session, even a refusal, does not count.
    pub(crate) fn check(session: &TransactionId, response: &'r AuthenticateServerResponse) -> Result<Self, Error> {
        match response {
            AuthenticateServerResponse::Ok(ok) if ok.euicc_signed1.value().transaction_id == *session => Ok(Self(ok)),
            AuthenticateServerResponse::Error(error) if error.transaction_id == *session => {
                Err(Error::RefusedByEuicc(error.authenticate_error_code))
            }
            _ => Err(Error::TransactionIdUnknown),
        }
    }

    pub(crate) fn response(&self) -> &'r AuthenticateResponseOk {
        self.0
    }
}

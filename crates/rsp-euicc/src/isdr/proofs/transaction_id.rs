//! The transactionId in what an SM-DP+ signed (SGP.22 5.5.1, 5.7.5).

use rsp_asn1::TransactionId;

use crate::isdr::stages::Authenticated;

/// Proof that a signed object names this session.
pub(crate) struct TransactionIdMatches(());

impl TransactionIdMatches {
    /// Compares; `None` for another session.
    pub(crate) fn check(session: &Authenticated, received: &TransactionId) -> Option<Self> {
        (received == session.transaction_id()).then_some(Self(()))
    }
}

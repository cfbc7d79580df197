//! The checks of AuthenticateClient, one module each, and the proofs that they leave (SGP.22 5.6.3).
//!
//! A proof has private fields and no constructor but its check, and the next check takes it by value: a check that its
//! caller leaves out does not compile.

mod euicc_authenticated;
mod euicc_signature1;
mod transaction_id;

pub use euicc_authenticated::EuiccAuthenticated;
pub(crate) use euicc_signature1::EuiccSignature1Verified;
pub(crate) use transaction_id::TransactionIdMatches;

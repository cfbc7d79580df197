//! The decisive checks of a download, one module each, and what they leave: a proof.
//!
//! A proof has private fields and no constructor but its check, so code outside the check's module cannot make one. It
//! carries what was checked, and the next check asks for it by value:
//!
//! | proof | rests on | check |
//! |---|---|---|
//! | [`ServerCertificateVerified`] | | CERT.DPauth or CERT.DSauth under a known CI (SGP.22 5.7.13) |
//! | [`ServerSignature1Verified`] | [`ServerCertificateVerified`] | serverSignature1 over serverSigned1 |
//! | [`EuiccChallengeMatches`] | [`ServerSignature1Verified`] | euiccChallenge is the one that was given out |
//! | [`SmdpCertificateVerified`] | a session | CERT.DPpb under a known CI, same CI and SM-DP+ (SGP.22 5.7.5) |
//! | [`SmdpSignature2Verified`] | [`SmdpCertificateVerified`] | smdpSignature2 over smdpSigned2 and euiccSignature1 |
//! | [`TransactionIdMatches`] | a session | the transactionId is the session's |
//! | [`SmdpSignVerified`] | a prepared download | smdpSign of InitialiseSecureChannel (SGP.22 5.5.1) |
//! | [`SecureChannelEstablished`] | [`SmdpSignVerified`], [`TransactionIdMatches`] | one-time keys, CRT, operation |
//! | [`MetadataAccepted`] | | StoreMetadata: form, class, ICCID, RAT and PPR (SGP.22 5.5.3) |
//!
//! The [stages](super::stages) of a session and the [load](super::package) take proofs and nothing else. All of this is
//! private to the crate, where doctests do not reach: what keeps it is the privacy of the fields, and a check that is
//! left out by its caller does not compile. What a check's module does inside is for its tests.

mod euicc_challenge;
mod metadata;
mod secure_channel;
mod server_certificate;
mod server_signature1;
mod smdp_certificate;
mod smdp_sign;
mod smdp_signature2;
mod transaction_id;

pub(super) use euicc_challenge::EuiccChallengeMatches;
pub(super) use metadata::MetadataAccepted;
pub(super) use secure_channel::SecureChannelEstablished;
pub(super) use server_certificate::{Fault, ServerCertificateVerified};
pub(super) use server_signature1::ServerSignature1Verified;
pub(super) use smdp_certificate::SmdpCertificateVerified;
pub(super) use smdp_sign::SmdpSignVerified;
pub(super) use smdp_signature2::{SmdpSignature2Verified, with_signature};
pub(super) use transaction_id::TransactionIdMatches;

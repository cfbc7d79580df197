//! Common mutual authentication, the server's half (SGP.22 3.0.1, 5.6.1, 5.6.3), without I/O.
//!
//! An SM-DP+ and an SM-DS authenticate themselves and the eUICC in the same way:
//!
//! 1. [`Authenticator::initiate`] checks what the LPA sent with InitiateAuthentication, chooses the CI and signs the
//!    eUICC's challenge. It leaves no state behind: see [`DerivedChallenges`].
//! 2. [`Authenticator::awaiting`] recognises the session by its transactionId, and
//!    [`ExpectAuthenticateClient::authenticate`] checks the answer and returns [`EuiccAuthenticated`], a proof that
//!    nothing else can make, with the [`Euicc`] that it speaks about.
//!
//! Time and randomness are arguments; a server has them from a [`Clock`] and a [`SharedRandomness`]. [`blob`] is the plain
//! encoding of what it remembers of a session, [`matching_id`] what the eUICC asks it for.

mod address;
mod authenticate;
mod authenticator;
pub mod blob;
mod challenges;
mod clock;
mod credential;
mod error;
mod euicc;
mod initiate;
pub mod matching_id;
mod proofs;
mod remembering;

pub use address::ServerAddress;
pub use authenticate::{Authenticated, ExpectAuthenticateClient};
pub use authenticator::Authenticator;
pub use challenges::{Challenges, DerivedChallenges, Terms};
pub use clock::{Clock, SharedRandomness};
pub use credential::Credential;
pub use error::Error;
pub use euicc::Euicc;
pub use initiate::Initiated;
pub use proofs::EuiccAuthenticated;

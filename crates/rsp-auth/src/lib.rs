//! Common mutual authentication, the server's half (SGP.22 3.0.1, 5.6.1, 5.6.3), without I/O.
//!
//! An SM-DP+ and an SM-DS authenticate themselves and the eUICC in the same way:
//!
//! 1. [`Authenticator::initiate`] checks what the LPA sent with InitiateAuthentication, chooses the CI, signs the
//!    eUICC's challenge and returns [`ExpectAuthenticateClient`], the state that waits for the answer.
//! 2. [`ExpectAuthenticateClient::authenticate`] checks the answer and returns [`EuiccAuthenticated`], a proof that
//!    nothing else can make, with the [`Euicc`] that it speaks about.
//!
//! Between the two the state may lie in a database ([`ExpectAuthenticateClient::to_bytes`]). Time and randomness are
//! arguments. [`blob`] is the plain encoding of such states.

mod address;
mod authenticate;
mod authenticator;
pub mod blob;
mod credential;
mod error;
mod euicc;
mod initiate;
mod proofs;
mod remembering;

pub use address::ServerAddress;
pub use authenticate::{Authenticated, ExpectAuthenticateClient};
pub use authenticator::Authenticator;
pub use credential::Credential;
pub use error::Error;
pub use euicc::Euicc;
pub use initiate::Initiated;
pub use proofs::EuiccAuthenticated;

//! The SM-DS: what waits for which eUICC, and where (SGP.22 3.6, 5.8 to 5.10).
//!
//! - SM-DP+s register and delete events over ES12: [`Smds`] implements [`rsp_es::server::Es12`]. They are known by the
//!   OID in their TLS certificates, and see nothing of each other's events.
//! - Other SM-DSs do the same over ES15: [`Es15`].
//! - LPAs retrieve the events of their eUICCs over ES11: [`Smds`] implements [`rsp_es::server::Es11`]. The eUICC
//!   authenticates itself first.
//!
//! With a parent, an SM-DS passes on what its registrars want passed on: it registers itself there, under a second EventID
//! that leads the eUICC to it. What it has to tell the parent goes to the outbox of the datastore, in the transaction of
//! what it tells; somebody else delivers it.
//!
//! # What a session leaves behind
//! InitiateAuthentication stores nothing, so that nobody can fill the database: see [`rsp_auth::DerivedChallenges`]. A
//! session ends with its AuthenticateClient. Then, its eUICC having proved itself, its transactionId is stored for as
//! long as it could be begun, and nothing else: who has recorded the eUICC's answer could otherwise send it again and
//! again until then, and watch what is registered meanwhile. Whoever loses the server's answer begins a new session.
//!
//! # Repetitions
//! A registration that is repeated, even an identical one, is refused with 8.9.5/3.3, and a repeated deletion with
//! 8.9.5/3.9. Whoever did not get the first answer reads these as success: the event is there, or gone.

mod authenticate_client;
mod cascade;
mod error;
mod initiate;
mod registrar;
mod registration;
mod services;
mod smds;
mod status;

pub use error::Error;
pub use rsp_auth::{Clock, SharedRandomness};
pub use services::Es15;
pub use smds::{Credentials, Settings, Smds, Swept};

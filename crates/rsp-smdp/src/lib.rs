//! The SM-DP+: profile inventory, orders, download sessions and notifications (SGP.22 3.1, 5.6).
//!
//! - [`Orders`] is what an operator does: import profiles and templates, order, show, cancel. [`order`] holds the one
//!   function that decides which state follows which.
//! - [`Smdp`] is what LPAs talk to: it implements [`rsp_es::server::Es9Plus`]. One file per function: `initiate`,
//!   `authenticate_client`, `get_bound_profile_package`, `notification`, `cancel_session`.
//!
//! Every step reads what it needs, computes, and writes once, in a transaction that checks that nobody else was faster.
//! What the next step needs lies sealed in the database: any server process can take any step. Clock and randomness are
//! given by the caller.

mod authenticate_client;
mod binding;
mod cancel_session;
mod clock;
mod confirmation_code;
mod eligibility;
mod error;
mod get_bound_profile_package;
mod initiate;
mod matching_id;
mod metadata;
mod notification;
pub mod order;
mod orders;
mod personalise;
mod prepare_download;
mod served;
mod session;
mod smdp;
mod status;

pub use clock::{Clock, SharedRandomness};
pub use confirmation_code::ConfirmationCode;
pub use error::Error;
pub use metadata::{Icon, MetadataOptions, Notify};
pub use orders::{Import, Imported, NewOrder, Orders, PlacedOrder};
pub use smdp::{Credentials, Rebinding, Settings, Smdp, UppProtection};

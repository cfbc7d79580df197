//! The SM-DP+: profile inventory, orders, download sessions and notifications (SGP.22 3.1, 5.6).
//!
//! - [`Orders`] is what the one does who runs the server: import profiles and templates, order, show, cancel; and
//!   [`OperatorInterface`] what operators do over ES2+: it implements [`rsp_es::server::Es2Plus`]. Both place orders through
//!   `placing`. [`order`] holds the one function that decides which state follows which.
//! - [`Smdp`] is what LPAs talk to: it implements [`rsp_es::server::Es9Plus`]. One file per function: `initiate`,
//!   `authenticate_client`, `get_bound_profile_package`, `notification`, `cancel_session`.
//!
//! What other servers must hear of a change, operators and SM-DSs, is written with it into the outbox: `notices` makes the
//! messages, a [`Courier`] carries them.
//!
//! Every step reads what it needs, computes, and writes once, in a transaction that checks that nobody else was faster.
//! What the next step needs lies sealed in the database: any server process can take any step. Clock and randomness are
//! given by the caller.

mod authenticate_client;
mod binding;
mod cancel_session;
mod clock;
mod confirmation_code;
mod courier;
mod eligibility;
mod error;
mod es2plus;
mod get_bound_profile_package;
mod initiate;
mod installation;
mod metadata;
mod notices;
mod notification;
mod offline;
pub mod order;
mod orders;
mod personalise;
mod placing;
mod prepare_download;
mod registration;
mod served;
mod session;
mod smdp;
mod status;
mod sweep;
mod throttle;
mod turns;

pub use clock::{Clock, SharedRandomness};
pub use confirmation_code::ConfirmationCode;
pub use courier::{Courier, Undelivered};
pub use eligibility::Eligibility;
pub use error::Error;
pub use es2plus::OperatorInterface;
pub use metadata::{Icon, MetadataOptions, Notify};
pub use notices::Identity;
pub use offline::{OfflineOrder, SignedBatch, write_batch};
pub use orders::{IccidRange, Import, Imported, NewOrder, Orders, PlacedOrder};
pub use smdp::{Credentials, Rebinding, Settings, Smdp, UppProtection};
pub use sweep::Swept;
pub use throttle::{GuessLimits, Rate, Throttle};
pub use turns::{Turn, Turns};

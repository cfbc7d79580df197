//! A software eUICC: ISD-R, ECASD, ISD-Ps, file system and USIM (SGP.22 2.4, 5.5 to 5.7).
//!
//! [`Euicc`] is a [`rsp_apdu::Card`]: power it on and send it APDUs. Behind the logical channels stand the ISD-R, which
//! speaks ES10a, ES10b, ES10c and, inside a Bound Profile Package, ES8+; and the applications of the enabled profile.
//! A command that changes something is answered after the change was committed to the [`StateStore`].
//!
//! Time does not exist here, and randomness comes in as an argument.

mod channel;
mod ecasd;
mod error;
mod euicc;
mod inspect;
mod isdr;
mod manufacture;
mod notifications;
mod platform;
mod profile;
mod rat;
mod state;
mod state_store;
mod toolkit;

pub mod disk;
pub mod fs;
pub mod interpreter;
pub mod ota;
pub mod registry;
pub mod usim;

pub use ecasd::ECASD_AID;
pub use error::Error;
pub use euicc::{ATR, Euicc};
pub use inspect::{
    InspectedApplication, InspectedCredential, InspectedDomain, InspectedFileManagement, InspectedNotification,
    InspectedProfile, Inspection,
};
pub use isdr::ISDR_AID;
pub use manufacture::{Credential, Manufacture};
pub use state::EuiccState;
pub use state_store::{FileStore, MemoryStore, StateStore};

//! The network side of UMTS AKA (3GPP TS 33.102 6.3): what an authentication centre and a VLR do, for demonstrations
//! and tests.
//!
//! A downloaded profile is worth something when a network that knows the same K and OPc accepts it. This crate is that
//! network, and on purpose it shares no code with the software eUICC: two independent implementations that agree prove
//! more than one that agrees with itself.
//!
//! In the order in which the data meets it: a [`Subscriber`] makes a [`Vector`] for a random challenge; its
//! [`Vector::command`] goes to the USIM; the answer is read as an [`Answer`] and judged by [`Vector::verify`]. When the
//! USIM's sequence number is ahead, [`Subscriber::resynchronise`] takes its AUTS and the next challenge fits.
//!
//! A real network asks in its own protocols: [`bridge`] is what stands between the EAP server of hostapd and either the
//! register osmo-hlr or subscribers of ours.
//!
//! What a 5G card conceals of a subscriber, a [`Sidf`] reads.
//!
//! There is no clock and no randomness in here: RAND is an argument, and so are the streams of the bridge.

mod algorithm;
mod answer;
pub mod bridge;
mod error;
mod imsi;
mod sidf;
mod sqn;
mod subscriber;
mod tuak;
mod vector;

pub use answer::{Answer, Auts, Success};
pub use error::Error;
pub use imsi::Imsi;
pub use sidf::{Profile, Sidf, SidfError, Supi};
pub use sqn::Sqn;
pub use subscriber::Subscriber;
pub use tuak::{Tuak, TuakKeys};
pub use vector::Vector;

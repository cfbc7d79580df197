//! The Local Profile Assistant as a library (SGP.22 clause 3, 5.7, 5.9): what stands between an eUICC, the servers and a
//! person, and can read nothing of what it carries.
//!
//! [`Lpa`] holds the ISD-R of one card. Its procedures, in the order in which a profile meets them:
//! - [`Lpa::download`] with a [`DownloadRequest`], asking an [`EndUser`];
//! - [`Lpa::discover`], which finds out what waits for the eUICC, and where;
//! - [`Lpa::process_notifications`], which delivers what the eUICC signed;
//! - local management: [`Lpa::profiles`], [`Lpa::enable_profile`], [`Lpa::disable_profile`], [`Lpa::delete_profile`], …
//!
//! Servers are proven twice: in TLS by [`tls::CiVerifier`], and by the certificates that they sign with, both against the
//! CIs that the caller names. Every failure is an [`Error`] that names its step, its cause and what helps; [`Events`] are
//! told of each step as it happens.

mod authentication;
mod device;
mod discovery;
mod download;
mod end_user;
mod error;
mod event;
mod local;
mod lpa;
mod notifications;
pub mod policy;
pub mod sanitise;
pub mod segments;
mod servers;
pub mod tls;

pub use device::{MalformedImei, device_info};
pub use discovery::{Discovery, Event, Unresolved};
pub use download::{DownloadRequest, Installed, Trust};
pub use end_user::{ConfirmationCode, Decision, EndUser, ProfileOffer};
pub use error::{Blame, Cancelled, Cause, ElementFailure, Error, InstallationFailure, WrongServer};
pub use event::{Events, Interface, Step};
pub use lpa::{ISD_R, Lpa, Options};
pub use notifications::Delivery;
pub use servers::Servers;

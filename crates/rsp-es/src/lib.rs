//! The interfaces between RSP servers and their clients, as far as both sides share them (SGP.22 clause 6).
//!
//! - [`activation_code`]: what a QR code says.
//! - [`status`]: subject and reason codes with their meaning and remedy.
//! - [`es9plus`]: the messages between LPA and SM-DP+ and their JSON form.
//! - [`printable`]: texts of strangers, made safe to print.
//! - `server` (feature): an HTTP router over a trait that the SM-DP+ implements.
//! - `client` (feature): the LPA's side, over the network or a recording.

pub mod activation_code;
#[cfg(feature = "client")]
pub mod client;
pub mod es9plus;
pub mod printable;
#[cfg(feature = "server")]
pub mod server;
pub mod status;

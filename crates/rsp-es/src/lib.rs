//! The interfaces between RSP servers and their clients, as far as both sides share them (SGP.22 clause 6).
//!
//! - [`activation_code`]: what a QR code says.
//! - [`status`]: subject and reason codes with their meaning and remedy.
//! - [`es9plus`]: the messages between LPA and SM-DP+ and their JSON form.
//! - [`es11`]: the messages between LPA and SM-DS.
//! - [`asn1`]: the binding of both to DER instead of JSON.
//! - [`es2plus`]: the messages between operator and SM-DP+.
//! - [`es12`]: the messages with which events are registered at an SM-DS, on ES12 and ES15.
//! - [`printable`]: texts of strangers, made safe to print.
//! - `server` (feature): HTTP routers over traits that an RSP server implements.
//! - `client` (feature): the side that calls, over the network or a recording.

pub mod activation_code;
pub mod asn1;
#[cfg(feature = "client")]
pub mod client;
pub mod es11;
pub mod es12;
pub mod es2plus;
pub mod es9plus;
mod header;
mod json;
pub mod printable;
#[cfg(feature = "server")]
pub mod server;
pub mod status;

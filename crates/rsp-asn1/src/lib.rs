//! RSPDefinitions of GSMA SGP.22 (v2.2 to v2.6) and the PKIX subset it needs.
//!
//! The types are written by hand from the standard's module and keep its names in Rust's case. Each type's doc restates
//! the production it models, with the tag that stands on the wire. Two ideas carry everything that is signed or may grow:
//!
//! - [`Raw`] keeps a value together with the exact bytes that carried it: signatures are checked over what was received.
//! - [`Unknown`] keeps trailing elements of later versions verbatim: the module is "EXTENSIBILITY IMPLIED" (Annex H).
//!
//! [`decode`] and [`encode`] are the only two doors: [`decode`] refuses trailing bytes, indefinite or non-minimal
//! lengths and deep nesting before any type is looked at. No cryptography, no I/O.

mod authenticate;
mod bpp;
mod cancel_session;
mod codec;
mod crl;
mod es11;
mod es9;
mod euicc_info;
mod ids;
mod installation;
mod local;
mod metadata;
mod named;
mod notification;
mod octets;
mod prepare_download;
mod profile_info;
mod raw;
mod text;
mod time;
pub mod tlv;

pub use authenticate::*;
pub use bpp::*;
pub use cancel_session::*;
pub use codec::{DecodeError, EncodeError, decode, decode_command, encode};
pub use crl::*;
pub use es9::*;
pub use es11::*;
pub use euicc_info::*;
pub use ids::*;
pub use installation::*;
pub use local::*;
pub use metadata::*;
pub use notification::*;
pub use octets::*;
pub use prepare_download::*;
pub use profile_info::*;
pub use raw::{Raw, Unknown};
pub use text::Text;
pub use time::Timestamp;

/// X.509 certificates and CRLs (RFC 5280), as SGP.22 imports them.
pub use rasn_pkix as pkix;

pub use rasn::types::{BitString, ObjectIdentifier, OctetString};

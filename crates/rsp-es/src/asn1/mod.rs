//! The ASN.1 binding of ES9+ and ES11: one path, and DER instead of JSON (SGP.22 6.6).
//!
//! The messages are those of [`es9plus`](crate::es9plus) and [`es11`](crate::es11); what was signed keeps its bytes. A
//! function that is not executed is answered with an integer of that function, which says less than subject and reason:
//! [`error_code`] and [`status_code`] are the way from one to the other.

mod code;
mod message;

pub use code::{Server, UNDEFINED_ERROR, error_code, status_code};
pub use message::{MessageError, RequestMessage, ResponseMessage, refusal};

/// The path of the URL of all functions (SGP.22 6.6.1).
pub const PATH: &str = "/gsma/rsp2/asn1";

/// Value of the HTTP header `Content-Type` in both directions.
pub const CONTENT_TYPE: &str = "application/x-gsma-rsp-asn1";

//! The server halves of the interfaces: HTTP routers over traits that an RSP server implements (SGP.22 6.1, 6.5).

mod asn1;
mod caller;
mod es11;
mod es9plus;
mod http;

pub use caller::Caller;
pub use es9plus::{Es9Plus, router};
pub use es11::{Es11, es11_router};
pub use http::{BODY_TIMEOUT, MAX_BODY};

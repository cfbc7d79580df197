//! The server halves of the interfaces: HTTP routers over traits that an RSP server implements (SGP.22 6.1, 6.5).

mod caller;
mod es9plus;
mod http;

pub use caller::Caller;
pub use es9plus::{Es9Plus, router};
pub use http::{BODY_TIMEOUT, MAX_BODY};

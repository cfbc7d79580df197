//! The server halves of the interfaces: HTTP routers over traits that an RSP server implements (SGP.22 6.1, 6.5).

mod caller;
mod es9plus;

pub use caller::Caller;
pub use es9plus::{BODY_TIMEOUT, Es9Plus, MAX_BODY, router};

//! The server halves of the interfaces: HTTP routers over traits that an RSP server implements (SGP.22 6.1, 6.5).

mod asn1;
mod caller;
mod es11;
mod es12;
mod es2plus;
mod es9plus;
mod exchange;
mod http;

pub use caller::Caller;
pub use es2plus::{Es2Plus, OperatorNotifications, es2plus_router, notifications_router};
pub use es9plus::{Es9Plus, router};
pub use es11::{Es11, es11_router};
pub use es12::{Es12, es12_router, es15_router};
pub use http::{BODY_TIMEOUT, MAX_BODY};

//! Handing an eSIM to its user: links that phones understand, a link to a page that works once, and an e-mail to be saved.
//!
//! Consumer phones accept only an SM-DP+ whose certificates stand under a GSMA CI. Under any other PKI all of this ends at the
//! phone's refusal; cards for tests, and LPAs that can be told what to trust, take it.
//!
//! A confirmation code is in none of it: it goes another way (SGP.22 4.7).

mod link;
mod links;
mod mail;
mod page;

pub use link::{HandedOut, Handoffs, LIFETIME, Offered};
pub use links::{Links, links};
pub use mail::Mail;
pub use page::router;

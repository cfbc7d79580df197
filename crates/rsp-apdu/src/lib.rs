//! ISO 7816-4 commands, logical channels, STORE DATA, status words; the traits [`Card`] and [`CardAccess`].
//!
//! The crate holds bytes and rules only: it opens no device. A chip implements [`Card`]; whatever lets a program talk to
//! a chip implements [`CardAccess`].

mod access;
mod command;
pub mod dialogue;
mod error;
mod response;
mod status_word;
pub mod store_data;

pub use access::{Card, CardAccess, exchange};
pub use command::{Class, Command, ParseError, SecureMessaging, close_channel, get_response, open_channel, select};
pub use error::CardError;
pub use response::Response;
pub use status_word::StatusWord;

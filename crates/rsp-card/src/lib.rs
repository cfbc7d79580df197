//! Access to cards: in process, over stdio, over TCP, and in a virtual PC/SC reader.
//!
//! [`InProcess`] gives any [`rsp_apdu::Card`] to a terminal. [`serve`] and [`TcpServer`] offer a card to other programs in
//! the line protocol of lpac's `stdio` driver, and [`LineClient`] uses a card that another program offers so.
//! [`Vpcd`] puts a card into the virtual reader of vsmartcard, where every PC/SC program finds it.
//! With the feature `pcsc`, `PcscCard` uses a card in a PC/SC reader; it needs libpcsclite.
//! [`RecordingCard`], [`RecordingAccess`] and [`Replay`] keep and repeat dialogues.

mod in_process;
mod line_client;
mod line_message;
mod line_server;
mod lines;
#[cfg(feature = "pcsc")]
mod pcsc;
#[cfg(any(feature = "pcsc", test))]
mod readers;
mod record;
mod replay;
mod tcp;
mod vpcd;

pub use in_process::InProcess;
pub use line_client::{ANSWER_TIMEOUT, LineClient};
pub use line_server::serve;
#[cfg(feature = "pcsc")]
pub use pcsc::{PcscCard, PcscError};
pub use record::{RecordingAccess, RecordingCard};
pub use replay::Replay;
pub use tcp::TcpServer;
pub use vpcd::{Vpcd, VpcdEvent, serve_vpcd};

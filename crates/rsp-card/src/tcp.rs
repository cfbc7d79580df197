//! A card offered on a socket.

use std::io::{self, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;

use rsp_apdu::Card;

use crate::line_server::serve;

/// How long a terminal may be silent before the card is taken from it, so that a lost one cannot keep it for ever.
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);

/// Serves one card, one terminal at a time: a connection is one power-on, the next one waits.
///
/// There is no authentication. Bind it to a loopback address unless whoever reaches it may use the card.
pub struct TcpServer {
    listener: TcpListener,
}

impl TcpServer {
    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// What the system says when the address is taken or not ours.
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address)? })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves one connection to its end. That the terminal went away in the middle is no error.
    ///
    /// # Errors
    /// What the system says when no connection can be accepted.
    pub fn serve_one(&self, card: &mut dyn Card) -> io::Result<()> {
        let (stream, _) = self.listener.accept()?;
        // A broken connection ends the terminal's session and nothing else.
        let _ = connection(card, stream);
        Ok(())
    }

    /// Serves connections for ever.
    ///
    /// # Errors
    /// As [`TcpServer::serve_one`].
    pub fn serve(&self, card: &mut dyn Card) -> io::Result<()> {
        loop {
            self.serve_one(card)?;
        }
    }
}

fn connection(card: &mut dyn Card, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(IDLE_TIMEOUT))?;
    serve(card, BufReader::new(stream.try_clone()?), stream)
}

//! osmo-hlr as the network of an operator: who is let in is the access mode of its subscribers.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use async_trait::async_trait;
use rsp_network::Imsi;
use rsp_network::bridge::HlrConsole;
use rsp_operator::NetworkAdapter;

/// How long it may take for an answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Tells an osmo-hlr by its console (VTY) whom to let in. Each time over a connection of its own: operators suspend rarely,
/// and the register may have been started again in between.
pub(crate) struct HlrAdapter {
    console: SocketAddr,
}

impl HlrAdapter {
    /// The osmo-hlr whose console listens here.
    pub(crate) fn new(console: SocketAddr) -> Self {
        Self { console }
    }

    async fn admit(&self, imsi: &str, admitted: bool) -> Result<(), String> {
        let console = self.console;
        let imsi: Imsi = imsi.parse().map_err(|error: rsp_network::Error| error.to_string())?;
        let told = tokio::task::spawn_blocking(move || HlrConsole::new(connect(console)?)?.admit(&imsi, admitted));
        match told.await {
            Ok(told) => told.map_err(|error| format!("osmo-hlr at {console}: {error}")),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[async_trait]
impl NetworkAdapter for HlrAdapter {
    async fn suspend(&self, imsi: &str) -> Result<(), String> {
        self.admit(imsi, false).await
    }

    async fn resume(&self, imsi: &str) -> Result<(), String> {
        self.admit(imsi, true).await
    }
}

/// A connection with a limit for each answer.
pub(super) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, ANSWER)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

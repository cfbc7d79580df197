//! osmo-hlr as the network of an operator: who is let in is the access mode of its subscribers.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use async_trait::async_trait;
use rsp_network::Imsi;
use rsp_network::bridge::{AccessMode, HlrConsole};
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

    async fn ask<T: Send + 'static>(
        &self,
        imsi: &str,
        ask: impl FnOnce(&mut HlrConsole<TcpStream>, &Imsi) -> Result<T, rsp_network::Error> + Send + 'static,
    ) -> Result<T, String> {
        let console = self.console;
        let imsi: Imsi = imsi.parse().map_err(|error: rsp_network::Error| error.to_string())?;
        let asked = tokio::task::spawn_blocking(move || ask(&mut HlrConsole::new(connect(console)?)?, &imsi));
        match asked.await {
            Ok(asked) => asked.map_err(|error| format!("osmo-hlr at {console}: {error}")),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[async_trait]
impl NetworkAdapter for HlrAdapter {
    async fn access(&self, imsi: &str) -> Result<Option<String>, String> {
        let mode = self.ask(imsi, |console, imsi| console.access_mode(imsi)).await?;
        Ok(Some(mode.as_str().to_owned()).filter(|_| mode != AccessMode::None))
    }

    async fn suspend(&self, imsi: &str) -> Result<(), String> {
        self.ask(imsi, |console, imsi| console.set_access_mode(imsi, AccessMode::None)).await
    }

    async fn resume(&self, imsi: &str, access: Option<&str>) -> Result<(), String> {
        let mode = access.map_or(Ok(AccessMode::CsPs), str::parse);
        let mode = mode.map_err(|error: rsp_network::Error| error.to_string())?;
        self.ask(imsi, move |console, imsi| console.set_access_mode(imsi, mode)).await
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

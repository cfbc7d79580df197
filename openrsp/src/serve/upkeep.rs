//! What is done now and then: what is over is swept, and newer CRLs are taken.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rsp_operator::usage::Usage;
use rsp_pki::Crl;
use rsp_pki::directory::PkiDirectory;
use rsp_smdp::Smdp;
use rsp_smds::Smds;

use super::clients::ClientVerifier;
use super::courier::NetworkCourier;
use crate::config::ServerDir;
use crate::system::now;

/// How often.
const INTERVAL: Duration = Duration::from_secs(60);

/// Everything that ages while a server runs.
pub(super) struct Upkeep {
    /// Where the CRLs lie.
    pki: PathBuf,
    crls: Vec<Crl>,
    smdps: Vec<Arc<Smdp>>,
    smds: Option<Arc<Smds>>,
    clients: Vec<Arc<ClientVerifier>>,
    courier: Arc<NetworkCourier>,
    usage: Usage,
}

impl Upkeep {
    /// `smdps` share their database, as do all roles of a server.
    pub(super) fn new(
        server: &ServerDir,
        smdps: Vec<Arc<Smdp>>,
        smds: Option<Arc<Smds>>,
        clients: Vec<Arc<ClientVerifier>>,
        courier: Arc<NetworkCourier>,
        usage: Usage,
    ) -> anyhow::Result<Self> {
        let pki = server.pki()?;
        let (pki, crls) = (pki.root().to_owned(), pki.crls().to_vec());
        Ok(Self { pki, crls, smdps, smds, clients, courier, usage })
    }

    /// Until it is stopped.
    pub(super) async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut ticks = tokio::time::interval(INTERVAL);
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = &mut stop => return,
            }
            self.renew().await;
            self.sweep().await;
        }
    }

    /// Reads the CRLs again. If that fails, the old ones stay, and end when they end.
    pub(super) async fn renew(&mut self) {
        let dir = self.pki.clone();
        let read =
            tokio::task::spawn_blocking(move || PkiDirectory::open(&dir, Some(now())).map(|pki| pki.crls().to_vec()));
        let crls = match read.await {
            Ok(Ok(crls)) => crls,
            Ok(Err(error)) => return tracing::warn!(%error, "reading the CRLs"),
            Err(error) => return tracing::warn!(%error, "reading the CRLs"),
        };
        if crls == self.crls {
            return;
        }
        tracing::info!(lists = crls.len(), "other CRLs than before");
        self.smdps.iter().for_each(|smdp| smdp.renew_crls(crls.clone()));
        self.smds.iter().for_each(|smds| smds.renew_crls(crls.clone()));
        self.clients.iter().for_each(|clients| clients.renew_crls(crls.clone()));
        self.courier.renew_crls(&crls);
        self.crls = crls;
    }

    async fn sweep(&self) {
        // They have one database, so that one of them can do it for all.
        if let Some(smdp) = self.smdps.first() {
            match smdp.sweep().await {
                Ok(swept) => tracing::debug!(sessions = swept.sessions, orders = swept.orders, "swept"),
                Err(error) => tracing::warn!(%error, "sweeping sessions and orders"),
            }
        }
        match self.usage.sweep().await {
            Ok(told) => tracing::debug!(told, "told of validities that end"),
            Err(error) => tracing::warn!(%error, "looking for validities that end"),
        }
        if let Some(smds) = &self.smds {
            match smds.sweep().await {
                Ok(swept) => tracing::debug!(events = swept.events, sessions = swept.sessions, "swept"),
                Err(error) => tracing::warn!(%error, "sweeping events"),
            }
        }
    }
}

//! One interface by itself, with what the interfaces of a server have: mutual TLS, limits, and an orderly end.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use rsp_pki::{Crl, Role, TrustStore};
use tokio::net::TcpListener;

use super::clients::ClientVerifier;
use super::connections::{self, Endpoint};
use super::lingering::Limits;
use super::{stop_signal, tls};
use crate::exit::{Exit, Failure};
use crate::identity::Identity;

/// What is served, and to whom.
pub(crate) struct Single {
    pub(crate) listen: SocketAddr,
    /// What it shows, and by which issuers and lists its clients are judged; plain HTTP without.
    pub(crate) mutual: Option<(Identity, TrustStore, Vec<Crl>)>,
    /// The roles of its clients.
    pub(crate) clients: &'static [Role],
    pub(crate) router: Router,
}

/// Serves until there is enough, or the process is asked to stop. The first line says where it listens.
pub(crate) async fn serve(single: Single, json: bool, enough: impl Future<Output = ()>) -> anyhow::Result<()> {
    let Single { listen, mutual, clients, router } = single;
    let tls = mutual.map(|(identity, anchors, crls)| {
        let verifier = ClientVerifier::new(clients, anchors, crls, rsp_crypto::aws_lc());
        tls::acceptor(&identity, Some(Arc::new(verifier)))
    });
    let tls = tls.transpose()?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| Failure::new(Exit::Network, format!("listening on {listen}: {error}")))?;
    let signal = stop_signal()?;
    let address = listener.local_addr()?;
    if json {
        println!("{}", serde_json::json!({ "listening": address.to_string() }));
    } else {
        println!("{address}");
    }
    let stop = async {
        tokio::select! {
            () = signal => {}
            () = enough => {}
        }
    };
    connections::serve(Endpoint { listener, tls, router }, Limits::DEFAULT, stop).await;
    Ok(())
}

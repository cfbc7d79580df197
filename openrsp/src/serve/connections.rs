//! The accept loop: TLS, HTTP/1.1, limits, and an orderly end.
//!
//! LPAs make few calls on short connections, so the loop is kept lean: no HTTP/2, no copy between layers.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

use super::lingering::Lingering;

/// Connections at the same time; more wait in the kernel's queue.
const CONNECTIONS: usize = 4096;
/// For the TLS handshake, and then for the head of each request.
const PATIENCE: Duration = Duration::from_secs(10);
/// What requests in progress get when the server stops.
const DRAIN: Duration = Duration::from_secs(10);
/// Pause when the process can accept no more connections.
const BACK_OFF: Duration = Duration::from_millis(100);

/// Serves `router` on every connection until `stop` ends, then finishes what is in progress.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    let service = TowerToHyperService::new(router);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut stop => break,
        };
        let Some((stream, place)) = accepted else { continue };
        // Below TLS: what is thrown away need not be decrypted.
        let stream = Lingering::new(stream);
        let connection =
            Connection { http: http.clone(), service: service.clone(), watcher: graceful.watcher(), _place: place };
        match tls.clone() {
            Some(tls) => drop(tokio::spawn(async move {
                match tokio::time::timeout(PATIENCE, tls.accept(stream)).await {
                    Ok(Ok(stream)) => connection.serve(stream).await,
                    Ok(Err(error)) => tracing::debug!(%error, "TLS handshake"),
                    Err(_) => tracing::debug!("TLS handshake: no answer"),
                }
            })),
            None => drop(tokio::spawn(connection.serve(stream))),
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
}

/// The next connection, when there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY");
            }
            Some((stream, place))
        }
        Err(error) => {
            tracing::warn!(%error, "accepting a connection");
            tokio::time::sleep(BACK_OFF).await;
            None
        }
    }
}

/// What serving one connection needs.
struct Connection {
    http: http1::Builder,
    service: TowerToHyperService<Router>,
    watcher: Watcher,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S) {
        let connection = self.http.serve_connection(TokioIo::new(stream), self.service);
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(%error, "connection");
        }
    }
}

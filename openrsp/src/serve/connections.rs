//! The accept loop of one listener: TLS, HTTP/1.1, limits, and an orderly end.
//!
//! LPAs make few calls on short connections, so the loop is kept lean: no HTTP/2, no copy between layers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rsp_es::server::Caller;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

use super::lingering::{Limits, Lingering};

/// Connections at the same time; more wait in the kernel's queue.
const CONNECTIONS: usize = 4096;
/// For the TLS handshake, and then for the head of each request.
const PATIENCE: Duration = Duration::from_secs(10);
/// What requests in progress get when the server stops.
const DRAIN: Duration = Duration::from_secs(10);
// What a connection gets for its farewell must end before that.
const _: () = assert!(Limits::DEFAULT.time.as_secs() <= DRAIN.as_secs());
/// Pause when the process can accept no more connections.
const BACK_OFF: Duration = Duration::from_millis(100);

/// What is served where.
pub(super) struct Endpoint {
    pub(super) listener: TcpListener,
    /// Without it HTTP is spoken as it is, with a proxy on this machine: its address is not that of any caller.
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) router: Router,
}

/// Serves the router on every connection until `stop` ends, then finishes what is in progress.
pub(super) async fn serve(endpoint: Endpoint, limits: Limits, stop: impl Future<Output = ()>) {
    let Endpoint { listener, tls, router } = endpoint;
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
        let Some((stream, peer, place)) = accepted else { continue };
        // Below TLS: what is thrown away need not be decrypted.
        let stream = Lingering::new(stream, limits);
        let connection =
            Connection { http: http.clone(), service: service.clone(), watcher: graceful.watcher(), _place: place };
        match tls.clone() {
            Some(tls) => drop(tokio::spawn(async move {
                match tokio::time::timeout(PATIENCE, tls.accept(stream)).await {
                    Ok(Ok(stream)) => {
                        // TLS has verified what it lets through.
                        let certificates = stream.get_ref().1.peer_certificates();
                        let certificate = certificates.and_then(|shown| shown.first()).map(|shown| Arc::from(&**shown));
                        let caller = Caller { address: Some(peer), certificate, ..Caller::default() };
                        connection.serve(stream, caller).await;
                    }
                    Ok(Err(error)) => tracing::debug!(%error, "TLS handshake"),
                    Err(_) => tracing::debug!("TLS handshake: no answer"),
                }
            })),
            None => drop(tokio::spawn(connection.serve(stream, Caller::default()))),
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
}

/// The next connection, when there is a place for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY");
            }
            Some((stream, peer.ip(), place))
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
    async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S, caller: Caller) {
        let service = Called { service: self.service, caller };
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        if let Err(error) = self.watcher.watch(connection).await {
            tracing::debug!(%error, "connection");
        }
    }
}

/// Tells each request of a connection who calls.
struct Called {
    service: TowerToHyperService<Router>,
    caller: Caller,
}

type Request = hyper::Request<Incoming>;

impl Service<Request> for Called {
    type Response = <TowerToHyperService<Router> as Service<Request>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request>>::Future;

    fn call(&self, mut request: Request) -> Self::Future {
        request.extensions_mut().insert(self.caller.clone());
        self.service.call(request)
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::oneshot;

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    /// Of each answer.
    const BODY: usize = 64 * 1024;
    /// Whose answers no buffers between hold.
    const MANY: usize = 256;

    /// Reads one answer; how long it was. All have the same length.
    async fn read_answer(client: &mut TcpStream) -> usize {
        client.write_all(REQUEST).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        client.read_exact(&mut vec![0; BODY]).await.unwrap();
        head.len() + BODY
    }

    /// Sends many requests at once, and reads as fast as it can.
    async fn read_many(client: &mut TcpStream, length: usize) {
        let (mut answers, mut requests) = client.split();
        let requests_text = REQUEST.repeat(MANY);
        let mut content = vec![0; MANY * length];
        let (sent, read) = tokio::join!(requests.write_all(&requests_text), answers.read_exact(&mut content));
        sent.unwrap();
        read.unwrap();
    }

    #[tokio::test]
    async fn atk_slow_reader() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(async || vec![0; BODY]));
        let limits = Limits { stall: Duration::from_secs(1), ..Limits::DEFAULT };
        let (stop, stopped) = oneshot::channel::<()>();
        let endpoint = Endpoint { listener, tls: None, router };
        let serving = tokio::spawn(serve(endpoint, limits, async { drop(stopped.await) }));

        // Has made the server wait, and then says nothing until the other is cut off.
        let mut patient = TcpStream::connect(address).await.unwrap();
        let length = read_answer(&mut patient).await;
        read_many(&mut patient, length).await;

        let mut slow = TcpStream::connect(address).await.unwrap();
        let cut_off = async {
            loop {
                if let Err(error) = slow.write_all(REQUEST).await {
                    return error.kind();
                }
            }
        };
        // Before the limit for a request's head, which must not be what ends it.
        let kind = tokio::time::timeout(PATIENCE / 2, cut_off).await.expect("the connection is kept");
        assert!(matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{kind:?}");

        read_many(&mut patient, length).await;
        drop(patient);
        drop(stop);
        serving.await.unwrap();
    }
}

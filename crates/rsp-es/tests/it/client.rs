//! The client: over loopback against the router, over recordings, and the faults of the way.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use rsp_es::client::{
    ClientError, Es9PlusClient, Exchange, HttpRequest, HttpTransport, Limits, NetworkTransport, Origin,
    RecordedTransport, Recorder, Resolve, Scheme, TransportError,
};
use rsp_es::es9plus::{Function, Request as _, Response as _, failure};
use rsp_es::status::StatusCode;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpListener;

use crate::fixtures::session;

/// A TLS configuration that trusts nobody.
pub(crate) fn tls() -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

pub(crate) fn origin(address: &str) -> Origin {
    Origin::new(Scheme::PlainHttp, address).unwrap()
}

#[test]
fn reads_addresses() {
    for (address, host, port) in [
        ("smdp.example.com", "smdp.example.com", 443),
        ("smdp.example.com:8443", "smdp.example.com", 8443),
        ("127.0.0.1:1", "127.0.0.1", 1),
        ("[::1]:8443", "::1", 8443),
        ("[::1]", "::1", 443),
    ] {
        let origin = Origin::new(Scheme::Https, address).unwrap();
        assert_eq!((origin.host(), origin.port()), (host, port));
        assert_eq!(origin.authority(), address);
    }
    for address in ["", ":1", "a:0", "a:65536", "a:b", "a/b", "a@b", "a b", "[::1", "::1", "[a]", "a\r\nX: y"] {
        assert!(Origin::new(Scheme::Https, address).is_err(), "{address}");
    }
    assert!(Resolve::parse("a.example:8443=127.0.0.1:9").is_ok());
    for text in ["a.example", "a.example=b.example:1", "=127.0.0.1:9", "a.example=127.0.0.1"] {
        assert!(Resolve::parse(text).is_err(), "{text}");
    }
}

#[tokio::test]
async fn plays_a_recording_and_names_the_first_byte_that_differs() {
    let Some(session) = session() else { return };
    let url = |function: Function| format!("https://smdp.example.com{}", function.path());
    let recording = vec![
        Exchange {
            url: url(Function::InitiateAuthentication),
            request: session.initiate.0.to_json(),
            status: 200,
            response: session.initiate.1.to_json(),
        },
        Exchange {
            url: url(Function::HandleNotification),
            request: session.notification.to_json(),
            status: 204,
            response: String::new(),
        },
    ];
    let lines = Exchange::to_lines(&recording);
    assert_eq!(Exchange::parse_lines(&format!("# a comment\n\n{lines}")).as_ref(), Ok(&recording));
    assert_eq!(Exchange::parse_lines("# a\nno").unwrap_err().line, 2);

    let server = Origin::new(Scheme::Https, "smdp.example.com").unwrap();
    let transport = Arc::new(RecordedTransport::new(recording.clone()));
    let client = Es9PlusClient::new(transport.clone(), server.clone());
    assert_eq!(client.initiate_authentication(&session.initiate.0).await.unwrap(), session.initiate.1);
    client.handle_notification(&session.notification).await.unwrap();
    assert_eq!(transport.remaining(), 0);
    assert!(client.traffic().sent > 300 && client.traffic().received > 900);
    let over = client.handle_notification(&session.notification).await.unwrap_err();
    assert!(matches!(over, ClientError::Transport { source: TransportError::Deviation(_), .. }));

    let client = Es9PlusClient::new(Arc::new(RecordedTransport::new(recording)), server);
    let mut changed = session.initiate.0.clone();
    changed.euicc_challenge.0[15] ^= 0x80;
    let error = client.initiate_authentication(&changed).await.unwrap_err();
    let ClientError::Transport { source: TransportError::Deviation(deviation), .. } = error else {
        panic!("{error}");
    };
    assert_eq!((deviation.number, deviation.part), (1, "body"));
    assert_eq!(deviation.position, r#"{"euiccChallenge":""#.len() + 20);
}

pub(crate) async fn serve(router: Router) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test]
async fn tells_the_faults_of_a_server_apart() {
    let Some(session) = session() else { return };
    let mut response = session.initiate.1.to_json();
    response.truncate(100);
    let router = Router::new()
        .route(Function::InitiateAuthentication.path(), post(move || async move { response }))
        .route(
            Function::AuthenticateClient.path(),
            post(|| async { failure(&StatusCode::EID_REFUSED.with_message("other EID")) }),
        )
        .route(Function::GetBoundProfilePackage.path(), post(|| async { axum::http::StatusCode::BAD_GATEWAY }))
        .route(Function::HandleNotification.path(), post(|| async { failure(&StatusCode::SMDP_EXECUTION_ERROR) }));
    let address = serve(router).await;
    let transport = NetworkTransport::new(tls()).with_resolve(vec![Resolve::new("smdp.example.com", None, address)]);
    let client = Es9PlusClient::new(Arc::new(transport), origin("smdp.example.com"));
    let initiate = client.initiate_authentication(&session.initiate.0).await.unwrap_err();
    assert!(matches!(initiate, ClientError::Malformed { .. }), "{initiate}");
    let authenticate = client.authenticate_client(&session.authenticate.0).await.unwrap_err();
    assert!(matches!(&authenticate, ClientError::Refused { status, .. } if status.is(&StatusCode::EID_REFUSED)));
    let package = client.get_bound_profile_package(&session.package.0).await.unwrap_err();
    assert!(matches!(package, ClientError::HttpStatus { status: 502, .. }), "{package}");
    let notification = client.handle_notification(&session.notification).await.unwrap_err();
    assert!(matches!(notification, ClientError::Refused { .. }), "a refused notification must not be removed");
}

#[cfg(feature = "server")]
#[tokio::test]
async fn meets_the_router_over_one_connection_and_records_it() {
    let Some(session) = session() else { return };
    let fake = Arc::new(crate::server::Fake::new(crate::fixtures::session().unwrap()));
    let address = serve(rsp_es::server::router(fake)).await;
    let network = NetworkTransport::new(tls()).with_resolve(vec![Resolve::new("localhost", Some(1), address)]);
    let recorder = Arc::new(Recorder::new(Arc::new(network)));
    let client = Es9PlusClient::new(recorder.clone(), origin("localhost:1"));
    assert_eq!(client.initiate_authentication(&session.initiate.0).await.unwrap(), session.initiate.1);
    assert_eq!(client.get_bound_profile_package(&session.package.0).await.unwrap(), session.package.1);
    client.handle_notification(&session.notification).await.unwrap();
    let exchanges = recorder.exchanges();
    assert_eq!(exchanges.len(), 3);
    assert_eq!(exchanges[0].url, "http://localhost:1/gsma/rsp2/es9plus/initiateAuthentication");
    assert_eq!(exchanges[2].status, 204);
}

/// A server that closes its connection after each answer: the second request goes over a new one.
#[tokio::test]
async fn a_connection_that_the_server_closed_is_opened_again() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (closed, mut closing) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await.unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            drop(stream);
            closed.send(()).unwrap();
        }
    });
    let transport = NetworkTransport::new(tls());
    for _ in 0..3 {
        let origin = origin(&address.to_string());
        let request = HttpRequest::from_lpa(&origin, Function::HandleNotification.path(), vec![]);
        assert_eq!(transport.post(request).await.unwrap().status, 204);
        closing.recv().await.unwrap();
        // A task that yields goes on after the sockets were looked at: the client has seen the end by then.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    }
}

async fn failure_of(transport: NetworkTransport, origin: &Origin) -> TransportError {
    let request = HttpRequest::from_lpa(origin, Function::InitiateAuthentication.path(), b"{}".to_vec());
    transport.post(request).await.unwrap_err()
}

#[tokio::test]
async fn tells_the_faults_of_the_way_apart() {
    // Nobody listens on the discarded listener's port.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = failure_of(NetworkTransport::new(tls()), &origin(&closed.to_string())).await;
    assert!(matches!(error, TransportError::Connect { .. }), "{error}");

    let name = Origin::new(Scheme::Https, "no-such-host.invalid").unwrap();
    let error = failure_of(NetworkTransport::new(tls()), &name).await;
    assert!(matches!(error, TransportError::Dns { .. }), "{error}");

    let away = Resolve::new("smdp.example.com", None, "192.0.2.1:80".parse().unwrap());
    let error = failure_of(NetworkTransport::new(tls()).with_resolve(vec![away]), &origin("smdp.example.com")).await;
    assert!(matches!(error, TransportError::PlainHttpRefused { .. }), "{error}");

    let plain = serve(Router::new()).await;
    let spoken_to_in_tls = Origin::new(Scheme::Https, &plain.to_string()).unwrap();
    let error = failure_of(NetworkTransport::new(tls()), &spoken_to_in_tls).await;
    assert!(matches!(error, TransportError::Tls { .. }), "{error}");
}

/// The clock stands and jumps to the limit as soon as nothing else is left to do.
#[tokio::test(start_paused = true)]
async fn does_not_wait_for_ever() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let limits = Limits { exchange: Duration::from_secs(3600), ..Limits::default() };
    let address = origin(&silent.local_addr().unwrap().to_string());
    let error = failure_of(NetworkTransport::new(tls()).with_limits(limits), &address).await;
    assert!(matches!(error, TransportError::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn does_not_read_for_ever() {
    let path = Function::InitiateAuthentication.path();
    let large = serve(Router::new().route(path, post(|| async { vec![0_u8; 4096] }))).await;
    let limits = Limits { body: 4095, ..Limits::default() };
    let error = failure_of(NetworkTransport::new(tls()).with_limits(limits), &origin(&large.to_string())).await;
    assert!(matches!(error, TransportError::TooLarge { .. }), "{error}");
}

//! POSTs to servers that speak no interface of RSP.

use std::net::SocketAddr;
use std::time::Duration;

use rsp_es::client::{
    EgressPolicy, Limits, NetworkTransport, Origin, PlainPost, Scheme, TransportError, web_tls_config,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, channel};

use crate::client::tls;

/// Answers every request with the same octets, and tells what it was asked.
async fn listen(answer: &'static [u8]) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, asked) = channel(16);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let sender = sender.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(read) = stream.read(&mut buffer).await
                    && read > 0
                {
                    let _ = sender.send(String::from_utf8_lossy(&buffer[..read]).into_owned()).await;
                    let _ = stream.write_all(answer).await;
                }
            });
        }
    });
    (address, asked)
}

fn transport(address: SocketAddr) -> NetworkTransport {
    let allow = vec![address.to_string().parse().unwrap()];
    let limits = Limits { connect: Duration::from_millis(200), exchange: Duration::from_millis(500), body: 64 };
    NetworkTransport::new(tls()).with_egress(EgressPolicy::Guarded { allow }).with_limits(limits)
}

async fn post(transport: &NetworkTransport, address: SocketAddr) -> Result<u16, TransportError> {
    let origin = Origin::new(Scheme::PlainHttp, &address.to_string()).unwrap();
    let headers = [("Content-Type", "application/json"), ("OpenRSP-Signature", "t=1")];
    transport.post_plain(PlainPost { origin: &origin, target: "/hook?a=b", headers: &headers, body: b"{}" }).await
}

#[tokio::test]
async fn the_request_is_as_it_was_given_and_says_nothing_of_rsp() {
    let (address, mut asked) = listen(b"HTTP/1.1 204 No Content\r\n\r\n").await;
    let transport = transport(address);
    assert_eq!(post(&transport, address).await.unwrap(), 204);
    let request = asked.recv().await.unwrap();
    assert!(request.starts_with("POST /hook?a=b HTTP/1.1\r\n") && request.ends_with("\r\n\r\n{}"), "{request}");
    assert!(request.contains("openrsp-signature: t=1\r\n"), "{request}");
    assert!(!request.to_lowercase().contains("x-admin-protocol"), "{request}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (other, mut reached) = listen(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let location = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{other}/\r\ncontent-length: 0\r\n\r\n");
    let (address, _asked) = listen(location.leak().as_bytes()).await;
    assert_eq!(post(&transport(address), address).await.unwrap(), 307);
    assert!(reached.try_recv().is_err());
}

#[tokio::test]
async fn the_status_counts_whatever_becomes_of_the_body() {
    let endless = format!("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{}", "x".repeat(1000));
    let silent = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx".to_owned();
    for answer in [endless, silent] {
        let (address, _asked) = listen(answer.leak().as_bytes()).await;
        let transport = transport(address);
        assert_eq!(post(&transport, address).await.unwrap(), 200);
        // Not over the connection on which the rest may come.
        assert_eq!(post(&transport, address).await.unwrap(), 200);
    }
}

#[tokio::test]
async fn who_does_not_answer_is_not_waited_for() {
    let (address, _asked) = listen(b"").await;
    assert!(matches!(post(&transport(address), address).await, Err(TransportError::Timeout { .. })));
}

#[tokio::test]
async fn a_target_that_would_be_two_lines_is_not_sent() {
    let (address, mut asked) = listen(b"HTTP/1.1 200 OK\r\n\r\n").await;
    let origin = Origin::new(Scheme::PlainHttp, &address.to_string()).unwrap();
    let post = PlainPost { origin: &origin, target: "/ HTTP/1.1\r\nX: y", headers: &[], body: b"" };
    assert!(transport(address).post_plain(post).await.is_err());
    assert!(asked.try_recv().is_err());
}

#[test]
fn issuers_of_the_web_come_from_pem() {
    for bundle in [&b""[..], b"no PEM", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(web_tls_config(bundle).is_err(), "{:?}", String::from_utf8_lossy(bundle));
    }
}

//! What a guarded transport calls, and what it does not.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use rsp_es::client::{
    AllowedHost, EgressPolicy, HttpRequest, HttpTransport, Limits, NameResolver, NetworkTransport, Origin, Scheme,
    TransportError, is_public, may_be_public,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::client::tls;

/// Callback and SM-DS of a server are called by the same transport; the paths tell the tests apart.
const CALLBACK: &str = "/gsma/rsp2/es2plus/handleDownloadProgressInfo";
const REGISTER: &str = "/gsma/rsp2/es12/registerEvent";

fn guarded(allow: &[&str]) -> EgressPolicy {
    EgressPolicy::Guarded { allow: allow.iter().map(|text| text.parse().unwrap()).collect() }
}

fn transport(policy: EgressPolicy) -> NetworkTransport {
    let limits = Limits { connect: Duration::from_secs(5), ..Limits::default() };
    NetworkTransport::new(tls()).with_limits(limits).with_egress(policy)
}

async fn post(transport: &NetworkTransport, scheme: Scheme, address: &str, path: &'static str) -> Result<u16, String> {
    let origin = Origin::new(scheme, address).map_err(|error| format!("malformed: {error}"))?;
    match transport.post(HttpRequest::from_lpa(&origin, path, b"{}".to_vec())).await {
        Ok(response) => Ok(response.status),
        Err(TransportError::EgressRefused { address, .. }) => Err(format!("refused: {}", address.ip())),
        Err(other) => Err(format!("other: {other}")),
    }
}

/// A server on this machine that counts who connects, and answers with a head of its own.
async fn listen(head: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counter.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(head.as_bytes()).await;
            });
        }
    });
    (address, connections)
}

/// Answers from a script, one answer after the other, and counts who asks.
#[derive(Default)]
struct Script {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    asked: AtomicUsize,
}

impl Script {
    fn new(host: &str, answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        let answers = answers.iter().map(parse).collect();
        Arc::new(Self { answers: Mutex::new([(host.to_owned(), answers)].into()), asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl NameResolver for Script {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answers = answers.get_mut(host).ok_or(io::ErrorKind::NotFound)?;
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Ok(answer.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }
}

const NOT_PUBLIC: &[&str] = &[
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456:789a::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
];

const PUBLIC: &[&str] = &[
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.1",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2001:200::1",
    "2606:4700:4700::1111",
    "2a00:1450::1",
    "3ffe::1",
];

#[test]
fn only_addresses_of_the_public_internet_are_public() {
    for address in NOT_PUBLIC {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
    for address in PUBLIC {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
}

/// Each address as it may stand in an order or an operator's endpoint. Nothing is ever connected to.
#[tokio::test]
async fn atk_ssrf_callback_to_a_private_address() {
    for address in NOT_PUBLIC {
        let written = if address.contains(':') { format!("[{address}]:8443") } else { format!("{address}:8443") };
        let error = post(&transport(guarded(&[])), Scheme::Https, &written, CALLBACK).await.unwrap_err();
        assert_eq!(error, format!("refused: {}", address.parse::<IpAddr>().unwrap()));
    }
}

/// Spellings that only the system's resolver understands: whatever it makes of them, no connection arrives here.
#[tokio::test]
async fn atk_ssrf_callback_in_other_spellings() {
    let (address, connections) = listen("HTTP/1.1 204 No Content\r\n\r\n").await;
    for host in [
        "2130706433",
        "0x7f000001",
        "0x7F.0x0.0x0.0x1",
        "017700000001",
        "0177.0.0.1",
        "0177.0x0.0.01",
        "127.1",
        "127.0.1",
        "127.000.000.001",
        "0",
        "0x0",
        "00.0.0.0",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "ip6-localhost",
        "[::1]",
        "[::]",
        "[::ffff:7f00:1]",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:0:0:1]",
        "[64:ff9b::7f00:1]",
    ] {
        let written = format!("{host}:{}", address.port());
        for scheme in [Scheme::Https, Scheme::PlainHttp] {
            let outcome = post(&transport(guarded(&[])), scheme, &written, CALLBACK).await;
            let error = outcome.unwrap_err();
            // A resolver need not know the spelling at all.
            assert!(error.starts_with("refused: ") || error.contains("could not be resolved"), "{written}: {error}");
        }
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

/// An address is HOST or HOST:PORT: everything else a URL can hold is refused where it is read.
#[test]
fn atk_ssrf_callback_by_url() {
    for address in [
        "gopher://127.0.0.1:70/_x",
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "https://smdp.example.com",
        "ftp://a",
        "dict://127.0.0.1:11211/stat",
        "//127.0.0.1",
        "smdp.example.com/path",
        "smdp.example.com?x",
        "smdp.example.com#x",
        "smdp.example.com\\@127.0.0.1",
        "user@127.0.0.1",
        "user:password@127.0.0.1:443",
        "a.example:443@127.0.0.1",
        "a.example\r\nHost: b.example",
        "a.example%00.b.example",
        "a.example:",
        "a.example:0",
        "a.example:65536",
        "a.example:443:443",
        "[fe80::1%25eth0]",
        "[::1]x",
        "::1",
        "127。0。0。1",
        "１２７.0.0.1",
        "ⓛocalhost",
        " 127.0.0.1",
        "127.0.0.1 ",
        "",
    ] {
        assert!(Origin::new(Scheme::Https, address).is_err(), "{address:?}");
        assert!(address.parse::<AllowedHost>().is_err(), "{address:?}");
    }
}

/// The resolver's choice among several addresses is nobody's decision.
#[tokio::test]
async fn atk_ssrf_smds_name_with_a_public_and_a_private_address() {
    for answer in [&["192.168.0.1", "8.8.8.8"][..], &["8.8.8.8", "192.168.0.1"], &["8.8.8.8", "::1"]] {
        let script = Script::new("smds.example.com", &[answer]);
        let transport = transport(guarded(&[])).with_resolver(script.clone());
        let error = post(&transport, Scheme::Https, "smds.example.com", REGISTER).await.unwrap_err();
        assert!(error.starts_with("refused: "), "{error}");
        assert_eq!(script.asked.load(Ordering::SeqCst), 1);
    }
}

/// A resolver that says something harmless first and something else later is asked once a connection, and judged on what
/// is then called.
#[tokio::test]
async fn atk_ssrf_smds_rebinding() {
    let (address, connections) = listen("HTTP/1.1 204 No Content\r\n\r\n").await;
    // The first answer is judged and called; nobody listens there, and the second answer is not asked for.
    let script = Script::new("smds.example.com", &[&["127.0.0.1"], &["8.8.8.8"]]);
    let guarded_transport = transport(guarded(&[])).with_resolver(script.clone());
    let written = format!("smds.example.com:{}", address.port());
    let error = post(&guarded_transport, Scheme::PlainHttp, &written, REGISTER).await.unwrap_err();
    assert_eq!((error.as_str(), script.asked.load(Ordering::SeqCst)), ("refused: 127.0.0.1", 1));
    assert_eq!(connections.load(Ordering::SeqCst), 0);

    // The other order: public at first. What is called is the public address (nobody may answer there), not loopback.
    let script = Script::new("smds.example.com", &[&["203.0.114.1"], &["127.0.0.1"]]);
    let limits = Limits { connect: Duration::from_millis(50), ..Limits::default() };
    let guarded_transport = transport(guarded(&[])).with_resolver(script.clone()).with_limits(limits);
    let error = post(&guarded_transport, Scheme::PlainHttp, &written, REGISTER).await.unwrap_err();
    assert!(error.contains("203.0.114.1"), "{error}");
    assert_eq!(script.asked.load(Ordering::SeqCst), 1);
    let error = post(&guarded_transport, Scheme::PlainHttp, &written, REGISTER).await.unwrap_err();
    assert_eq!((error.as_str(), script.asked.load(Ordering::SeqCst)), ("refused: 127.0.0.1", 2));
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

/// A host that may be private may not become another private one.
#[tokio::test]
async fn atk_ssrf_smds_allowed_host_that_moves() {
    let (address, connections) = listen("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
    let written = format!("smds.lab:{}", address.port());
    let script = Script::new("smds.lab", &[&["127.0.0.1"], &["127.0.0.1"], &["127.0.0.2"], &["127.0.0.1"]]);
    let transport = transport(guarded(&[&written])).with_resolver(script).without_keep_alive();
    for expected in [Ok(204), Ok(204), Err("refused: 127.0.0.2".to_owned()), Ok(204)] {
        assert_eq!(post(&transport, Scheme::PlainHttp, &written, REGISTER).await, expected);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

/// What it was at first counts as a whole, the public addresses too: it may neither become private later nor leave.
#[tokio::test]
async fn atk_ssrf_smds_allowed_host_that_was_public() {
    let (address, connections) = listen("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
    let written = format!("smds.lab:{}", address.port());
    let limits = Limits { connect: Duration::from_millis(50), ..Limits::default() };
    let answers: &[&[&str]] = &[&["203.0.114.1", "203.0.114.2"], &["127.0.0.1"], &["203.0.114.2", "127.0.0.1"]];
    let transport_of = |answers| {
        let transport = transport(guarded(&[&written])).with_resolver(Script::new("smds.lab", answers));
        transport.with_limits(limits).without_keep_alive()
    };
    let public_first = transport_of(answers);
    let error = post(&public_first, Scheme::PlainHttp, &written, REGISTER).await.unwrap_err();
    assert!(error.starts_with("other: "), "{error}");
    for _ in 0..2 {
        let error = post(&public_first, Scheme::PlainHttp, &written, REGISTER).await.unwrap_err();
        assert_eq!(error, "refused: 127.0.0.1");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);

    let private_first = transport_of(&[&["127.0.0.1"], &["203.0.114.1"]]);
    assert_eq!(post(&private_first, Scheme::PlainHttp, &written, REGISTER).await, Ok(204));
    let error = post(&private_first, Scheme::PlainHttp, &written, REGISTER).await.unwrap_err();
    assert_eq!(error, "refused: 203.0.114.1");
}

#[tokio::test]
async fn a_host_is_allowed_by_name_and_port_together() {
    let (address, connections) = listen("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
    let port = address.port();
    let script = Script::new("Lab.Example", &[&["127.0.0.1"]]);
    let lab = format!("Lab.Example:{port}");
    let post_with = |allow: String| {
        let transport = transport(guarded(&[&allow])).with_resolver(script.clone());
        let lab = lab.clone();
        async move { post(&transport, Scheme::PlainHttp, &lab, CALLBACK).await }
    };
    assert_eq!(post_with(format!("lab.example:{port}")).await, Ok(204));
    for allow in [format!("lab.example:{}", port ^ 1), "lab.example".to_owned(), format!("127.0.0.1:{port}")] {
        assert_eq!(post_with(allow).await.unwrap_err(), "refused: 127.0.0.1");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    // Without a guard, as for an LPA.
    let open = transport(EgressPolicy::Open).with_resolver(script.clone());
    assert_eq!(post(&open, Scheme::PlainHttp, &lab, CALLBACK).await, Ok(204));
}

#[tokio::test]
async fn atk_ssrf_callback_redirect_is_not_followed() {
    let (target, connections) = listen("HTTP/1.1 204 No Content\r\n\r\n").await;
    for status in [301, 302, 303, 307, 308] {
        let head = format!(
            "HTTP/1.1 {status} Elsewhere\r\nLocation: http://{target}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let (address, _) = listen(Box::leak(head.into_boxed_str())).await;
        let written = address.to_string();
        // Even when the target itself is allowed.
        let transport = transport(guarded(&[&written, &target.to_string()]));
        assert_eq!(post(&transport, Scheme::PlainHttp, &written, CALLBACK).await, Ok(status));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[test]
fn allowed_hosts_are_read_as_addresses() {
    assert_eq!("Lab.example:8443".parse(), Ok(AllowedHost::new("lab.example", 8443)));
    assert_eq!("[::1]:8443".parse(), Ok(AllowedHost::new("::1", 8443)));
    assert_eq!("lab.example".parse(), Ok(AllowedHost::new("lab.example", 443)));
}

#[test]
fn names_of_private_networks_and_private_addresses_are_told_apart() {
    for host in ["rsp.example.com", "a.b.example.", "8.8.8.8", "2606:4700::1111", "xn--e1aybc.example"] {
        assert!(may_be_public(host), "{host}");
    }
    for host in [
        "localhost",
        "LOCALHOST.",
        "smdp",
        "smdp.local",
        "db.internal",
        "127.0.0.1",
        "169.254.169.254",
        "10.1.2.3",
        "::1",
        "::ffff:127.0.0.1",
        "fd00::1",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "64:ff9b::7f00:1",
        "router.home.arpa",
        "home.arpa",
        "printer.corp",
        "a.INVALID.",
        "0.0.0.0",
        "",
    ] {
        assert!(!may_be_public(host), "{host}");
    }
}

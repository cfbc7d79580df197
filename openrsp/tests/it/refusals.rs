//! Answers that are given before a request was read to its end: an ordinary client, which sends everything and then
//! reads, gets them.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rsp_es::client::{HttpRequest, HttpTransport as _, NetworkTransport, Origin, Resolve, Scheme};
use rsp_lpa::tls::CiVerifier;
use rsp_pki::directory::PkiDirectory;

use crate::bed::{Bed, HOST, Service};

/// Ten times what the server takes.
const LONG: usize = 640 * 1024;
const PATH: &str = "/gsma/rsp2/es9plus/initiateAuthentication";

fn plain(bed: &Bed) -> Service {
    Service::start(["serve", &bed.path("server"), "--listen", "127.0.0.1:0", "--plain-http"])
}

/// Head of a request whose body has no length, or this one.
fn head(path: &str, length: Option<usize>) -> String {
    let framing = match length {
        Some(length) => format!("Content-Length: {length}"),
        None => "Transfer-Encoding: chunked".to_owned(),
    };
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         X-Admin-Protocol: gsma/rsp/v2.2.0\r\n{framing}\r\n\r\n"
    )
}

/// Sends a head and `count` blocks of 8 KiB, slowly enough that the server has answered and closed before the last.
fn send(stream: &mut TcpStream, head: &str, chunked: bool, count: usize) -> std::io::Result<()> {
    stream.write_all(head.as_bytes())?;
    for _ in 0..count {
        if chunked {
            stream.write_all(b"2000\r\n")?;
        }
        stream.write_all(&[b' '; 8192])?;
        if chunked {
            stream.write_all(b"\r\n")?;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    if chunked { stream.write_all(b"0\r\n\r\n") } else { Ok(()) }
}

#[test]
fn a_client_that_sends_everything_before_it_reads_gets_its_refusal() {
    let bed = Bed::new();
    let server = plain(&bed);
    for (path, length, status) in
        [(PATH, None, "413"), (PATH, Some(LONG), "413"), ("/nothing", None, "404"), ("/nothing", Some(LONG), "404")]
    {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let sent = send(&mut stream, &head(path, length), length.is_none(), LONG / 8192);
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path} {length:?}: {sent:?} {read:?} {answer:?}");
        assert!(sent.is_ok() && read.is_ok(), "{path} {length:?}: {sent:?} {read:?}");
    }
}

#[tokio::test]
async fn an_lpa_gets_the_refusal_of_a_long_request_over_tls() {
    let bed = Bed::new();
    let server = bed.serve();
    let pki = PkiDirectory::open(bed.pki().as_ref(), None).unwrap();
    let verifier = CiVerifier::new(pki.trust_store(), Vec::new(), rsp_crypto::aws_lc());
    let transport = NetworkTransport::new(verifier.tls_config().unwrap());
    let transport = Arc::new(transport.with_resolve(vec![Resolve::new(HOST, None, server.address)]));
    let origin = Origin::new(Scheme::Https, HOST).unwrap();
    for round in 0..8 {
        let request = HttpRequest::from_lpa(&origin, PATH, vec![b' '; LONG]);
        let answer = transport.post(request).await.map(|response| response.status);
        assert!(matches!(answer, Ok(413)), "{round}: {answer:?}");
    }
}

#[test]
fn a_client_that_never_stops_sending_is_cut_off() {
    let bed = Bed::new();
    let server = plain(&bed);
    let mut stream = TcpStream::connect(server.address).unwrap();
    // Far more than the server throws away and all buffers between hold.
    let error = send(&mut stream, &head(PATH, None), true, 64 << 7).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error}");
}

#[test]
fn a_client_that_neither_sends_nor_closes_is_waited_for_briefly() {
    let bed = Bed::new();
    let mut server = plain(&bed);
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(head(PATH, Some(LONG)).as_bytes()).unwrap();
    let mut answer = String::new();
    // The end of the answer comes at once, although the body never does.
    let start = Instant::now();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413") && start.elapsed() < Duration::from_secs(1), "{answer}");
    let id = server.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert!(server.child.wait().unwrap().success());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

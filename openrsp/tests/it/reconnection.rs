//! A secure order whose SM-DP+ spoke TLS 1.3 first, closed the connection in the middle of the order, and offers no more than
//! TLS 1.2 on the next ones.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rsp_crypto::SecretKey;
use rsp_pki::Certificate;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};

use crate::bed::{Bed, command, openrsp};

const EID: &str = "89049032123451234512345678901235";
/// DownloadOrder's answer.
const RESERVED: &str =
    r#"{"header":{"functionExecutionStatus":{"status":"Executed-Success"}},"iccid":"89001012012341234014"}"#;

/// What a connection came to.
#[derive(Debug)]
struct Connection {
    version: Option<rustls::ProtocolVersion>,
    /// Octets inside TLS.
    heard: Vec<u8>,
}

/// An SM-DP+ with the certificate of a bed: one answer over TLS 1.3, and then `later` for whoever comes again.
struct Changing {
    port: u16,
    ended: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Connection>>,
}

impl Changing {
    fn start(bed: &Bed, later: &'static SupportedProtocolVersion) -> Self {
        let configs = [&rustls::version::TLS13, later].map(|version| config(bed, version));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let ended = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&ended);
        let thread = std::thread::spawn(move || {
            let mut connections = Vec::new();
            for stream in listener.incoming() {
                if is_over.load(Ordering::SeqCst) {
                    break;
                }
                let first = connections.is_empty();
                connections.push(answer(stream.unwrap(), &configs[usize::from(!first)], first));
            }
            connections
        });
        Self { port, ended, thread }
    }

    fn end(self) -> Vec<Connection> {
        self.ended.store(true, Ordering::SeqCst);
        // It waits for somebody to come.
        drop(TcpStream::connect(("127.0.0.1", self.port)).unwrap());
        self.thread.join().unwrap()
    }
}

fn config(bed: &Bed, version: &'static SupportedProtocolVersion) -> Arc<ServerConfig> {
    let file = |extension| std::fs::read_to_string(format!("{}/tls.{extension}", bed.path("server"))).unwrap();
    let certificate = Certificate::from_pem(&file("pem")).unwrap().der().to_vec();
    let key = SecretKey::from_pem(&file("key")).unwrap().to_pkcs8_der().unwrap().to_vec();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], PrivatePkcs8KeyDer::from(key).into());
    Arc::new(config.unwrap())
}

/// Hears one request, or whatever comes, and answers the one.
fn answer(mut stream: TcpStream, config: &Arc<ServerConfig>, answers: bool) -> Connection {
    let mut tls = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut heard = Vec::new();
    let mut both = rustls::Stream::new(&mut tls, &mut stream);
    // The body is one JSON object, and its last octet ends it. The other side may also go away, with or without a word.
    while !heard.ends_with(b"}") {
        let mut some = [0; 1024];
        match both.read(&mut some) {
            Ok(count @ 1..) => heard.extend_from_slice(&some[..count]),
            _ => break,
        }
    }
    if answers {
        let length = RESERVED.len();
        let header = "Content-Type: application/json\r\nX-Admin-Protocol: gsma/rsp/v2.2.0\r\nConnection: close";
        write!(both, "HTTP/1.1 200 .\r\n{header}\r\nContent-Length: {length}\r\n\r\n{RESERVED}").unwrap();
        both.conn.send_close_notify();
        both.flush().unwrap();
    }
    Connection { version: tls.protocol_version(), heard }
}

#[test]
fn secure_sends_nothing_over_a_connection_that_has_fallen_back_to_tls_1_2() {
    let bed = Bed::at("localhost");
    let setup = bed.path("setup.toml");
    std::fs::write(&setup, "[[operator]]\nname = \"m\"\nissue = true\n").unwrap();
    bed.smdp(&["load", &setup]).ok();
    let server = bed.path("server");
    let shown = openrsp(["pki", "show", &format!("{server}/tls.pem")]).ok();
    let pin = shown["public_key_sha256"].as_str().unwrap();
    let order = |later| {
        let changing = Changing::start(&bed, later);
        let file = bed.path("provision.toml");
        let config = format!(
            "[carrier.Example]\nplans = {{ \"5GB\" = \"t\" }}\n[[carrier.Example.smdp]]\nurl = \"https://localhost:{}\"\n\
             pki = {:?}\ncert = \"{server}/operators/m.pem\"\nkey = \"{server}/operators/m.key\"\npin = [{pin:?}]\n",
            changing.port,
            bed.pki()
        );
        std::fs::write(&file, config).unwrap();
        let arguments = ["provision-esim", "--config", &file, "--carrier", "Example", "--plan", "5GB"];
        let output = command().args(arguments).args(["--secure", "--eid", EID]).output().unwrap();
        (output, changing.end())
    };

    let (output, connections) = order(&rustls::version::TLS12);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(said.contains("TLS 1.3 is demanded") && !said.contains("activation_code"), "{said}");
    let (first, later) = connections.split_first().unwrap();
    assert_eq!(first.version, Some(rustls::ProtocolVersion::TLSv1_3));
    assert!(String::from_utf8_lossy(&first.heard).contains("/gsma/rsp2/es2plus/downloadOrder"), "{first:?}");
    assert!(!later.is_empty(), "it never came again");
    for connection in later {
        assert_eq!(
            connection.version,
            Some(rustls::ProtocolVersion::TLSv1_2),
            "the handshake was done: {connection:?}"
        );
        assert_eq!(connection.heard, b"", "asked over TLS 1.2");
    }

    // Over TLS 1.3 it goes on where it was.
    let (_, connections) = order(&rustls::version::TLS13);
    assert!(String::from_utf8_lossy(&connections[1].heard).contains("/gsma/rsp2/es2plus/confirmOrder"));
}

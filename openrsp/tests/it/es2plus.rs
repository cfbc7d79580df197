//! ES2+ as operators use it: the program's commands against its server, with certificates that are right and wrong, and
//! the notifications that come back; the SM-DS of the same server on the way to the profile.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use rsp_asn1::Timestamp;
use rsp_crypto::{SecretKey, Zeroizing, hash};
use rsp_pki::Certificate;
use rsp_smdp::{Clock, Identity, Import, MetadataOptions, Orders, SharedRandomness};
use rsp_store::{Datastore, KeyEncryptionKey, Operator};
use rsp_testkit::SeededRandomness;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::Value;

use crate::bed::{Bed, Ended, Service, command, free_ports, openrsp, write_private};

const EID: &str = "89049032123451234512345678901235";

/// The demo's package, made once for all tests here.
static PACKAGE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("demo");
    openrsp(["demo".as_ref(), "--keep".as_ref(), kept.as_os_str()]).ok();
    std::fs::read(kept.join("profile.der")).unwrap()
});

/// A clock for what was there before.
struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp(1_795_176_000)
    }
}

/// A server with an inventory, and operators with their certificates.
struct Market {
    bed: Bed,
    /// Of ES9+; the others follow.
    port: u16,
    server: Service,
}

impl Market {
    fn open() -> Self {
        let port = free_ports();
        let bed = Bed::at(&format!("localhost:{port}"));
        let server = Service::start(["serve", &bed.path("server")]);
        Self { bed, port, server }
    }

    /// An operator that the server knows, with a type of profiles of its own, `t-NAME`.
    fn operator(&self, name: &str, endpoint: Option<String>) {
        self.stranger(name);
        let pem = std::fs::read_to_string(self.file(name, "pem")).unwrap();
        let certificate = hash::sha256(Certificate::from_pem(&pem).unwrap().der());
        let operator = Operator {
            name: name.to_owned(),
            certificate,
            endpoint,
            iccid_prefix: String::new(),
            imsi_prefix: String::new(),
            created_at: Timestamp(0),
        };
        let dir = self.bed.path("server");
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(std::fs::read_to_string(format!("{dir}/kek.key")).unwrap().trim(), &mut *key).unwrap();
        let key = KeyEncryptionKey::new(key);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let file = Path::new(&dir).join("openrsp.db");
            let store = Datastore::open(&file, &key, Box::new(SeededRandomness::new(name))).await.unwrap();
            let store = Arc::new(store);
            let identity = Identity { address: "localhost".to_owned(), oid: "2.999.10".to_owned() };
            let randomness = SharedRandomness::new(Box::new(SeededRandomness::new(name)));
            let orders = Orders::new(Arc::clone(&store), identity, Arc::new(Standing), randomness, "test");
            orders.add_operator(operator).await.unwrap();
            let metadata = MetadataOptions {
                service_provider_name: Some("S".to_owned()),
                profile_name: Some("N".to_owned()),
                ..MetadataOptions::default()
            };
            let import = Import {
                allow_published_keys: false,
                type_name: format!("t-{name}"),
                operator: Some(name.to_owned()),
                package: Zeroizing::new(PACKAGE.clone()),
                template: true,
                iccids: None,
                metadata,
            };
            orders.import(import).await.unwrap();
        });
    }

    /// A certificate of an operator that the server does not know.
    fn stranger(&self, name: &str) {
        let (pki, out) = (self.bed.pki(), self.bed.path("operators"));
        openrsp(["pki", "issue", "operator", name, "--pki", pki, "--out", &out, "--host", "localhost"]).ok();
    }

    fn file(&self, name: &str, extension: &str) -> String {
        format!("{}/{name}.{extension}", self.bed.path("operators"))
    }

    /// One call as an operator.
    fn call(&self, name: &str, arguments: &[&str]) -> Ended {
        self.call_as(&self.file(name, "pem"), &self.file(name, "key"), arguments)
    }

    fn call_as(&self, certificate: &str, key: &str, arguments: &[&str]) -> Ended {
        let url = format!("https://localhost:{}", self.port + 1);
        let connection = ["--url", &url, "--cert", certificate, "--key", key, "--pki", self.bed.pki()];
        openrsp([&["es2plus"], arguments, &connection].concat())
    }

    fn reserve(&self, name: &str, more: &[&str]) -> String {
        let said = self.call(name, &[&["download-order", "--type", &format!("t-{name}")], more].concat()).ok();
        said["iccid"].as_str().unwrap().to_owned()
    }

    fn state(&self, iccid: &str) -> Value {
        self.bed.smdp(&["show", iccid]).ok()["state"].clone()
    }

    fn card(&self, more: &[&str]) -> String {
        format!("file:{}", self.bed.card("card.euicc", "p256", more))
    }

    fn lpa(&self, card: &str, arguments: &[&str]) -> Ended {
        self.bed.lpa(card, self.server.address, arguments)
    }
}

#[track_caller]
fn refused(ended: Ended, subject: &str, reason: &str) {
    let said = ended.lines.last().unwrap();
    assert_eq!((ended.code, &said["subject"], &said["reason"]), (4, &subject.into(), &reason.into()), "{said}");
    assert!(said["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{said}");
    assert!(ended.stderr.contains("remedy: "), "{}", ended.stderr);
}

#[test]
fn an_operator_orders_confirms_and_releases_and_the_profile_is_downloaded() {
    let market = Market::open();
    market.operator("Example Mobile", None);
    let iccid = market.reserve("Example Mobile", &[]);
    assert_eq!(market.state(&iccid), "Allocated");
    let confirm = ["confirm-order", &iccid, "--matching-id", "ES2-1", "--confirmation-code", "auto"];
    let confirmed = market.call("Example Mobile", &confirm).ok();
    assert_eq!((&confirmed["matching_id"], &confirmed["released"]), (&"ES2-1".into(), &false.into()), "{confirmed}");
    let code = confirmed["activation_code"].as_str().unwrap();
    assert_eq!(code, format!("LPA:1$localhost:{}$ES2-1$$1", market.port));
    assert_eq!(market.state(&iccid), "Confirmed");
    market.call("Example Mobile", &["release-profile", &iccid]).ok();
    assert_eq!(market.state(&iccid), "Released");

    let secret = market.bed.path("code");
    write_private(&secret, confirmed["confirmation_code"].as_str().unwrap());
    let secret = format!("@{secret}");
    let download = ["profile", "download", code, "--yes", "--confirmation-code", &secret];
    market.lpa(&market.card(&[]), &download).ok();
    assert_eq!(market.state(&iccid), "Installed");
    refused(market.call("Example Mobile", &["cancel-order", &iccid]), "8.2.1", "3.3");
}

#[test]
fn an_order_is_cancelled_and_ordered_again() {
    let market = Market::open();
    market.operator("m", None);
    let iccid = market.reserve("m", &["--eid", EID]);
    let confirmed = market.call("m", &["confirm-order", &iccid, "--eid", EID, "--release"]).ok();
    let matching_id = confirmed["matching_id"].as_str().unwrap();
    assert_eq!(market.state(&iccid), "Released");
    let cancel = ["cancel-order", &iccid, "--eid", EID, "--matching-id", matching_id];
    let said = market.call("m", &cancel).ok();
    assert_eq!(said["state"], "Available", "{said}");
    assert_eq!(market.call("m", &["download-order", "--iccid", &iccid]).ok()["iccid"], *iccid);
    market.call("m", &["cancel-order", &iccid, "--to", "unavailable"]).ok();
    assert_eq!(market.state(&iccid), "Unavailable");
}

#[test]
fn a_call_is_repeated_under_its_identifier_and_executed_once() {
    let market = Market::open();
    market.operator("m", None);
    let order = ["download-order", "--type", "t-m"];
    let first = market.call("m", &order).ok();
    let id = first["call_id"].as_str().unwrap();
    let again = market.call("m", &[&order[..], &["--call-id", id]].concat()).ok();
    assert_eq!(first["iccid"], again["iccid"], "the same call has the same answer");
    assert_ne!(market.call("m", &order).ok()["iccid"], first["iccid"], "and another call another");
    let iccid = first["iccid"].as_str().unwrap();
    let ended = market.call("m", &["confirm-order", iccid, "--confirmation-code", "auto", "--call-id", "1"]);
    assert!(ended.code == 2 && ended.stderr.contains("another code"), "{}", ended.stderr);
    let ended = market.call("m", &["confirm-order", iccid, "--confirmation-code", "4711"]);
    assert!(ended.code == 2 && !ended.stderr.contains("4711"), "{}", ended.stderr);
}

#[test]
fn atk_tenant_cross_over_the_program_and_tls() {
    let market = Market::open();
    market.operator("a", None);
    market.operator("b", None);
    let iccid = market.reserve("a", &[]);
    for arguments in [
        &["confirm-order", &iccid, "--release"][..],
        &["release-profile", &iccid],
        &["cancel-order", &iccid],
        &["download-order", "--iccid", &iccid],
    ] {
        let ended = market.call("b", arguments);
        assert_eq!(ended.code, 4, "{arguments:?}: {:?}", ended.lines);
    }
    assert_eq!(market.state(&iccid), "Allocated", "nothing has changed");
}

#[test]
fn wrong_client_certificates_end_in_the_handshake_and_unknown_ones_in_a_refusal() {
    let market = Market::open();
    market.stranger("stranger");
    let order = ["download-order", "--type", "t"];
    let ended = market.call("stranger", &order);
    assert_eq!(ended.code, 4, "{:?}", ended.lines);

    let server = market.bed.path("server");
    let dptls = market.call_as(&format!("{server}/tls.pem"), &format!("{server}/tls.key"), &order);
    let other = Bed::new();
    let out = other.path("operators");
    openrsp(["pki", "issue", "operator", "x", "--pki", other.pki(), "--out", &out]).ok();
    let foreign = market.call_as(&format!("{out}/x.pem"), &format!("{out}/x.key"), &order);
    for ended in [dptls, foreign] {
        let said = ended.lines.last().unwrap();
        assert_eq!(ended.code, 6, "{said}");
        assert!(said["remedy"].as_str().unwrap().contains("does not take this client certificate"), "{said}");
    }
    // The other side must prove itself, too.
    let url = format!("https://localhost:{}", market.port + 1);
    let (cert, key) = (market.file("stranger", "pem"), market.file("stranger", "key"));
    let connection = ["--url", &url, "--cert", &cert, "--key", &key, "--pki", other.pki()];
    let ended = openrsp([&["es2plus"], &order[..], &connection].concat());
    assert!(ended.code == 6 && ended.stderr.contains("Name the right issuer"), "{}", ended.stderr);
    let url = format!("https://localhost:{}", market.port + 4);
    let connection = ["--url", &url, "--cert", &cert, "--key", &key, "--pki", market.bed.pki()];
    let ended = openrsp([&["es2plus"], &order[..], &connection].concat());
    assert!(ended.code == 6 && ended.stderr.contains("nothing was ordered"), "{}", ended.stderr);
    for (missing, word) in [("--pki", "--ca"), ("--url", "--url")] {
        let position = connection.iter().position(|argument| *argument == missing).unwrap();
        let mut fewer = connection.to_vec();
        fewer.drain(position..position + 2);
        let ended = openrsp([&["es2plus"], &order[..], &fewer].concat());
        assert!(ended.code == 2 && ended.stderr.contains(word), "{missing}: {}", ended.stderr);
    }
}

/// An SM-DP+ with the market's TLS certificate that gives one answer, whatever it is asked.
fn answering(market: &Market, status: u16, body: &str) -> u16 {
    let file = |extension| std::fs::read_to_string(format!("{}/tls.{extension}", market.bed.path("server"))).unwrap();
    let certificate = Certificate::from_pem(&file("pem")).unwrap().der().to_vec();
    let key = SecretKey::from_pem(&file("key")).unwrap().to_pkcs8_der().unwrap().to_vec();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], PrivatePkcs8KeyDer::from(key).into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let length = body.len();
    let header = "Content-Type: application/json\r\nX-Admin-Protocol: gsma/rsp/v2.2.0\r\nConnection: close";
    let answer = format!("HTTP/1.1 {status} .\r\n{header}\r\nContent-Length: {length}\r\n\r\n{body}");
    std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut tls = rustls::ServerConnection::new(config).unwrap();
        let mut tls = rustls::Stream::new(&mut tls, &mut stream);
        let mut request = Vec::new();
        // The body is one JSON object, and its last octet ends it.
        while !request.ends_with(b"}") {
            let mut some = [0; 1024];
            match tls.read(&mut some) {
                Ok(count @ 1..) => request.extend_from_slice(&some[..count]),
                _ => return,
            }
        }
        tls.write_all(answer.as_bytes()).unwrap();
        tls.conn.send_close_notify();
        tls.flush().unwrap();
    });
    port
}

/// A call as an operator to another server than the market's, and what it prints for people.
fn call_at(market: &Market, port: u16, arguments: &[&str]) -> (Option<i32>, String, String) {
    let url = format!("https://localhost:{port}");
    let (cert, key) = (market.file("m", "pem"), market.file("m", "key"));
    let connection = ["--url", &url, "--cert", &cert, "--key", &key, "--pki", market.bed.pki()];
    let output = Command::new(env!("CARGO_BIN_EXE_openrsp")).arg("es2plus").args(arguments).args(connection).output();
    let output = output.unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code(), stdout, stderr)
}

#[test]
fn an_answer_that_does_not_belong_to_the_call_is_malformed() {
    const ICCID: &str = "89001012012341234014";
    const OTHER: &str = "89001012012341234022";
    let market = Market::open();
    market.stranger("m");
    let answer = |members: &str| {
        let executed = r#"{"header":{"functionExecutionStatus":{"status":"Executed-Success"}},"#;
        format!("{executed}{members}}}")
    };
    let confirm = ["confirm-order", ICCID];
    let chosen = ["confirm-order", ICCID, "--matching-id", "MINE"];
    let bound = ["confirm-order", ICCID, "--eid", EID];
    let download = ["download-order", "--iccid", ICCID];
    let long = format!(r#""matchingId":"{}""#, "A".repeat(256));
    for (arguments, members, member) in [
        (&confirm[..], r#""matchingId":"A\u001b[2J""#, "matchingId"),
        (&confirm, r#""matchingId":"A\nLPA:1$evil.example$B""#, "matchingId"),
        (&confirm, r#""matchingId":"A$B","smdpAddress":"dp.example.com""#, "matchingId"),
        (&confirm, r#""matchingId":"a""#, "matchingId"),
        (&confirm, &long, "matchingId"),
        (&confirm, r#""matchingId":"A","smdpAddress":"dp.example.com\u0007""#, "smdpAddress"),
        (&confirm, r#""matchingId":"A","smdpAddress":"dp.example.com$B""#, "smdpAddress"),
        (&chosen, r#""matchingId":"OTHER""#, "matchingId"),
        (&chosen, r#""matchingId":"""#, "matchingId"),
        (&bound, r#""matchingId":"A","eid":"89049032123451234512345678909978""#, "eid"),
        (&download, &format!(r#""iccid":"{OTHER}""#), "iccid"),
    ] {
        let (code, stdout, stderr) = call_at(&market, answering(&market, 200, &answer(members)), arguments);
        assert_eq!((code, stdout.as_str()), (Some(6), ""), "{members}: {stderr}");
        assert!(stderr.contains("malformed") && stderr.contains(member), "{members}: {stderr}");
        assert!(stderr.contains("--call-id") && !stderr.contains(['\u{1b}', '\u{7}']), "{members}: {stderr:?}");
    }
    for (arguments, members, printed) in [
        (&confirm[..], r#""matchingId":"A-1""#, "A-1\n"),
        (&chosen, r#""matchingId":"MINE","smdpAddress":"dp.example.com""#, "LPA:1$dp.example.com$MINE\n"),
        (&bound, &format!(r#""matchingId":"","eid":"{EID}""#), ""),
        (&download, &format!(r#""iccid":"{ICCID}""#), &format!("{ICCID}\n")),
    ] {
        let (code, stdout, stderr) = call_at(&market, answering(&market, 200, &answer(members)), arguments);
        assert_eq!((code, stdout.as_str()), (Some(0), printed), "{members}: {stderr}");
    }
    let (code, _, stderr) = call_at(&market, answering(&market, 200, "{}"), &confirm);
    assert_eq!(code, Some(6), "one code for whatever is malformed: {stderr}");
}

#[test]
fn what_waits_for_its_next_attempt_is_tried_at_once_on_demand() {
    let market = Market::open();
    market.operator("m", None);
    let order = ["order", "--type", "t-m", "--eid", EID, "--smds", "127.0.0.1:22"];
    let order = market.bed.smdp(&order).ok();
    let outbox = |more: &[&str]| market.bed.smdp(&[&["outbox"], more].concat()).lines;
    let deadline = Instant::now() + Duration::from_secs(60);
    let failed = loop {
        let waiting = outbox(&[]);
        if waiting[0]["problem"].is_string() {
            break waiting;
        }
        assert!(Instant::now() < deadline, "{waiting:?}");
    };
    market.bed.smdp(&["cancel", order["iccid"].as_str().unwrap()]).ok();
    let waiting = outbox(&["--retry"]);
    let behind: Vec<_> = waiting.iter().map(|message| &message["behind"]).collect();
    assert_eq!(behind, [false, true], "{waiting:?}");
    let deadline = Instant::now() + Duration::from_secs(60);
    while outbox(&[])[0]["attempts"] == failed[0]["attempts"] {
        assert!(Instant::now() < deadline, "the server that runs does not try it");
    }
}

#[test]
fn an_order_by_eid_alone_has_the_code_without_matching_id() {
    let market = Market::open();
    market.operator("m", None);
    let confirm =
        |iccid: &str| ["confirm-order", iccid, "--eid", EID, "--matching-id", "", "--release"].map(str::to_owned);
    let code = format!("LPA:1$localhost:{}$", market.port);
    let iccid = market.reserve("m", &["--eid", EID]);
    let said = market.call("m", &confirm(&iccid).each_ref().map(String::as_str)).ok();
    assert_eq!((&said["activation_code"], &said["matching_id"]), (&code.as_str().into(), &"".into()), "{said}");
    let iccid = market.reserve("m", &["--eid", EID]);
    let (exit, stdout, stderr) = call_at(&market, market.port + 1, &confirm(&iccid).each_ref().map(String::as_str));
    assert_eq!((exit, stdout), (Some(0), format!("{code}\n")), "{stderr}");
    assert!(stderr.contains("for an EID alone"), "{stderr}");
}

#[test]
fn where_there_is_no_es2plus_nothing_was_ordered() {
    let market = Market::open();
    market.stranger("m");
    let (code, _, stderr) = call_at(&market, market.port, &["download-order", "--type", "t"]);
    assert_eq!(code, Some(6), "{stderr}");
    assert!(stderr.contains("no ES2+ there: nothing was ordered"), "{stderr}");
    let (code, _, stderr) = call_at(&market, market.port + 1, &["download-order", "--iccid", "890010120123412340"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("19 or 20 digits"), "{stderr}");
}

/// `openrsp es2plus listen`, whose lines are read as they come.
struct Listener {
    child: Child,
    output: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Listener {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command().args(["es2plus", "listen"]).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, output }
    }

    #[track_caller]
    fn next(&mut self) -> Value {
        serde_json::from_str(&self.output.next().unwrap().unwrap()).unwrap()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_operator_is_told_of_a_download_at_its_own_endpoint() {
    let market = Market::open();
    let endpoint = format!("localhost:{}", market.port + 4);
    market.operator("m", Some(endpoint.clone()));
    let iccid = market.reserve("m", &[]);
    let confirmed = market.call("m", &["confirm-order", &iccid, "--release"]).ok();
    let (cert, key) = (market.file("m", "pem"), market.file("m", "key"));
    let address = format!("127.0.0.1:{}", market.port + 4);
    let listen = ["--listen", &address, "--cert", &cert, "--key", &key, "--pki", market.bed.pki(), "--count", "3"];
    let mut listener = Listener::start(&listen);
    assert_eq!(listener.next()["listening"], *address);
    let code = confirmed["activation_code"].as_str().unwrap();
    market.lpa(&market.card(&[]), &["profile", "download", code, "--yes"]).ok();
    let told: Vec<_> = (0..3).map(|_| listener.next()).collect();
    let points: Vec<_> = told.iter().map(|told| told["point"].as_u64().unwrap()).collect();
    assert_eq!(points, [1, 3, 4], "{told:?}");
    for told in &told {
        assert_eq!((&told["iccid"], &told["status"]), (&(*iccid).into(), &"Executed-Success".into()), "{told}");
        assert_eq!(told["eid"], EID);
    }
    assert!(listener.child.wait().unwrap().success(), "it was enough");
    // Whoever is no SM-DP+ gets no answer.
    let mut listener = Listener::start(&listen[..8]);
    listener.next();
    let url = format!("https://{endpoint}");
    let connection = ["--url", &url, "--cert", &cert, "--key", &key, "--pki", market.bed.pki()];
    assert_eq!(openrsp([&["es2plus", "release-profile", &iccid], &connection[..]].concat()).code, 6);
}

#[test]
fn listening_without_tls_is_for_loopback_only() {
    let ended = openrsp(["es2plus", "listen", "--plain-http", "--listen", "0.0.0.0:0"]);
    assert!(ended.code == 2 && ended.stderr.contains("loopback"), "{}", ended.stderr);
    let mut listener = Listener::start(&["--plain-http", "--listen", "127.0.0.1:0"]);
    listener.next()["listening"].as_str().unwrap().parse::<SocketAddr>().unwrap();
}

/// Order, event, discovery, download, and the event is gone: all over the network interfaces of one server.
#[test]
fn an_event_leads_the_euicc_to_its_profile_and_is_deleted_then() {
    let market = Market::open();
    market.operator("m", None);
    let iccid = market.reserve("m", &["--eid", EID]);
    let smds = format!("localhost:{}", market.port + 2);
    market.call("m", &["confirm-order", &iccid, "--eid", EID, "--smds", &smds, "--release"]).ok();
    let card = market.card(&["--root-smds", &smds]);
    let found = market.lpa(&card, &["discover"]).ok();
    assert_eq!(found["events"].as_array().unwrap().len(), 1, "{found}");
    market.lpa(&card, &["discover", "--download", "--yes"]).ok();
    assert_eq!(market.state(&iccid), "Installed");
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let found = market.lpa(&card, &["discover"]).ok();
        if found["events"].as_array().unwrap().is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "the event is still there: {found}");
    }
}

#[test]
fn an_sm_ds_that_cannot_be_reached_or_may_not_be_called_leaves_the_order_as_it_was() {
    let market = Market::open();
    market.operator("m", None);
    let iccid = market.reserve("m", &["--eid", EID]);
    for smds in ["127.0.0.1:22", "localhost:1", "[::ffff:127.0.0.1]:443", "169.254.169.254"] {
        let ended = market.call("m", &["confirm-order", &iccid, "--eid", EID, "--smds", smds, "--release"]);
        assert_eq!(ended.code, 4, "{smds}: {:?}", ended.lines);
        assert_eq!(market.state(&iccid), "Linked", "{smds}");
    }
    market.call("m", &["confirm-order", &iccid, "--eid", EID, "--release"]).ok();
}

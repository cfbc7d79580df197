//! Orders an eSIM over OpenRSP's REST API, over a TLS connection and nothing else.
//!
//! ```sh
//! OPENRSP_URL=https://localhost:8448 OPENRSP_KEY=orsp_… OPENRSP_CA=ci.pem \
//!     cargo run -p openrsp --example sdk -- "Alpha Mobile" "Travel 5 GB" esim.png
//! ```
//!
//! prints the ICCID, writes the QR code, waits a moment for the state to change, and shows how a webhook is believed.

use std::collections::HashSet;
use std::env;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsp_asn1::Timestamp;
use rsp_operator::webhooks::{SIGNATURE_HEADER, TOLERANCE, verify};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

/// For an answer. The server asks SM-DP+s one after the other; after 300 s it holds that none comes any more.
const TIMEOUT: Duration = Duration::from_secs(310);

/// Attempts of a request whose answer is lost, or that comes too early.
const ATTEMPTS: u64 = 4;

/// A client of one tenant.
struct OpenRsp {
    host: String,
    port: u16,
    key: String,
    tls: Arc<ClientConfig>,
}

impl OpenRsp {
    fn new(url: &str, key: String, ca: &str) -> anyhow::Result<Self> {
        let authority = url.strip_prefix("https://").context("an https URL")?.trim_end_matches('/');
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "443"));
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca)? {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let tls = Arc::new(tls.with_root_certificates(roots).with_no_client_auth());
        Ok(Self { host: host.to_owned(), port: port.parse()?, key, tls })
    }

    /// The answer's status and JSON, however often it takes. A POST with the same `once` is done once, for a day: whoever
    /// draws it before and keeps it with what is to be ordered may call again after anything.
    fn call(&self, method: &str, path: &str, body: Option<&Value>, once: &str) -> anyhow::Result<(u16, Value)> {
        let (mut attempts, begun) = (0, Instant::now());
        loop {
            let (status, retry_after, answer) = match self.send(method, path, body, once) {
                Ok(answered) => answered,
                // Whether it was done is not known: asked again with the same key, the server tells.
                Err(error) => {
                    attempts += 1;
                    if attempts == ATTEMPTS {
                        return Err(error);
                    }
                    std::thread::sleep(Duration::from_secs(attempts));
                    continue;
                }
            };
            // The first attempt, whose answer got lost, is still being executed.
            let executing = status == 409 && answer["code"] == "idempotency-key-in-use" && begun.elapsed() < TIMEOUT;
            let early = matches!(status, 429 | 503) && attempts + 1 < ATTEMPTS;
            if !executing && !early {
                return Ok((status, answer));
            }
            attempts += u64::from(early);
            std::thread::sleep(Duration::from_secs(retry_after));
        }
    }

    /// One attempt: status, seconds after which another may be made, JSON.
    fn send(&self, method: &str, path: &str, body: Option<&Value>, once: &str) -> anyhow::Result<(u16, u64, Value)> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let stream = TcpStream::connect((self.host.as_str(), self.port))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let name = ServerName::try_from(self.host.clone())?;
        let mut stream = StreamOwned::new(ClientConnection::new(Arc::clone(&self.tls), name)?, stream);
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nIdempotency-Key: {once}\r\nConnection: close\r\n\r\n{body}",
            self.host,
            self.key,
            body.len()
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8(answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("an answer of HTTP")?;
        let status = head.split(' ').nth(1).context("a status")?.parse()?;
        let retry_after = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("retry-after").then(|| value.trim().parse().ok()).flatten()
        });
        Ok((status, retry_after.unwrap_or(1), serde_json::from_str(body)?))
    }

    /// Orders an eSIM. With the same `once` it is ordered once, however often this is called.
    fn provision(&self, wanted: &Value, once: &str) -> anyhow::Result<(u16, Value)> {
        self.call("POST", "/api/v1/esim/provision", Some(wanted), once)
    }
}

fn main() -> anyhow::Result<()> {
    let [carrier, plan, file] = env::args().skip(1).collect::<Vec<_>>().try_into().ok().context("CARRIER PLAN FILE")?;
    let variable = |name: &str| env::var(name).with_context(|| name.to_owned());
    let api = OpenRsp::new(&variable("OPENRSP_URL")?, variable("OPENRSP_KEY")?, &variable("OPENRSP_CA")?)?;

    // Real programs keep it with the purchase before they order.
    let once = hex::encode(std::array::from_fn::<u8, 16, _>(|_| rand_byte()));
    let wanted = json!({ "carrier": carrier, "plan": plan, "reference": "from Rust" });
    let (status, sold) = api.provision(&wanted, &once)?;
    ensure!(status == 201, "{sold}");
    let iccid = sold["iccid"].as_str().context("an ICCID")?;
    let picture = sold["qr_code_base64"].as_str().context("a QR code")?;
    std::fs::write(&file, STANDARD.decode(picture)?)?;
    println!("{iccid}: QR code in {file}");
    let (_, again) = api.provision(&wanted, &once)?;
    ensure!(again["iccid"] == sold["iccid"], "it was ordered twice");

    for _ in 0..env::var("OPENRSP_POLLS").map_or(Ok(3), |polls| polls.parse())? {
        let (_, esim) = api.call("GET", &format!("/api/v1/esims/{iccid}"), None, "-")?;
        let state = esim["state"].as_str().context("a state")?;
        println!("{iccid}: {state}");
        if state == "Installed" {
            break;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    let (_, problem) = api.provision(&json!({ "carrier": carrier, "plan": "no such plan" }), &format!("{once}-2"))?;
    println!("refused as it should be: {}", problem["code"].as_str().context("a problem")?);

    // Known answer of a message as OpenRSP sends it.
    let mut headers = HeaderMap::new();
    let signature = "t=1790000000,id=evt_1,v1=9fb019fe05cc0bcb5fd293c993b7fd0acc70f13c14a167c9fdac35fb7f492bd1";
    headers.insert(SIGNATURE_HEADER, HeaderValue::from_static(signature));
    let now = Timestamp(1_790_000_000);
    let body = br#"{"id":"evt_1"}"#;
    // Whoever keeps the ids that came notices repetitions.
    let mut seen = HashSet::new();
    let id = verify(&headers, body, &["whsec_abc"], now, TOLERANCE, &mut seen)?;
    println!("webhook {id}: signature right");
    match verify(&headers, br#"{"id":"evt_1"} "#, &["whsec_abc"], now, TOLERANCE, &mut seen) {
        Ok(_) => bail!("a changed webhook was believed"),
        Err(error) => println!("changed webhook: {error}"),
    }
    Ok(())
}

/// Idempotency keys need not be secret, only new.
fn rand_byte() -> u8 {
    let mut byte = [0];
    // Without randomness two orders could be taken for one: better none.
    getrandom::fill(&mut byte).map_or_else(|error| panic!("no randomness: {error}"), |()| byte[0])
}

//! The operator's side of the run: a server whose tenant sells a plan over the REST API, and the program of a partner that
//! orders there, suspends and resumes.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use openrsp::processes::{Openrsp, Service, text};
use openrsp::subscription::Subscription;
use rsp_crypto::RandomnessExt as _;
use rsp_lpa::tls::CiVerifier;
use rsp_network::Subscriber;
use rsp_pki::directory::PkiDirectory;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde_json::{Value, json};

use super::HOST;
use crate::config::CONFIG_FILE;
use crate::system::{OsRandomness, now, write_private};

const TENANT: &str = "lab";
const CARRIER: &str = "Lab Mobile";
const PLAN: &str = "SIM";
/// The type of profiles that is sold for the plan.
const TYPE: &str = "sold";
/// What the server may take for an answer.
const ANSWER: Duration = Duration::from_secs(30);

/// What is sold, and the key of who buys it.
pub(super) struct Shop {
    /// The only one in stock.
    pub(super) imsi: String,
    pub(super) subscriber: Subscriber,
    key: String,
}

/// A program with a key for the REST API of a running server.
pub(super) struct Partner {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    key: String,
}

/// An eSIM that was ordered.
pub(super) struct Sold {
    pub(super) iccid: String,
    pub(super) activation_code: String,
}

impl Shop {
    /// Prepares a server that does not run yet: a tenant with one plan and one subscriber, a key, and the console of the
    /// register in which the server suspends.
    pub(super) fn open(openrsp: &Openrsp, server: &Path, console: SocketAddr) -> anyhow::Result<Self> {
        let file = server.join(CONFIG_FILE);
        let config = std::fs::read_to_string(&file)? + &format!("\n[operator.network]\nhlr_vty = \"{console}\"\n");
        std::fs::write(&file, config).with_context(|| file.display().to_string())?;
        let imsi = Subscription::fresh(&mut OsRandomness)?.imsi().to_owned();
        let (key, opc) = (OsRandomness.bytes(), OsRandomness.bytes());
        let setup = server.join("setup.toml");
        let types = format!(
            "[[operator]]\nname = {TENANT:?}\nissue = true\nimsi_prefix = {:?}\n\
             [[type]]\nname = {TYPE:?}\noperator = {TENANT:?}\nbuiltin = \"demo\"\ntemplate = true\n\
             subscribers = [{{ imsi = \"{imsi}\", k = \"{}\", opc = \"{}\" }}]\n",
            imsi.get(..5).unwrap_or_default(),
            hex::encode_upper(key),
            hex::encode_upper(opc)
        );
        // It holds K and OPc.
        write_private(&setup, types.as_bytes())?;
        let dir = text(server)?;
        openrsp.run(["smdp", "--dir", dir, "load", text(&setup)?])?;
        let operator = |arguments: &[&str]| openrsp.run([&["operator", "--dir", dir], arguments].concat());
        operator(&["plan", "add", TENANT, CARRIER, PLAN, "--type", TYPE, "--country", "DE"])?;
        let added = operator(&["key", "add", TENANT, "partner", "--rights", "read,provision"])?;
        let api_key = added["key"].as_str().context("no key was made")?.to_owned();
        Ok(Self { imsi, subscriber: Subscriber::milenage(key, opc), key: api_key })
    }

    /// A partner of the server, which runs now.
    pub(super) fn partner(&self, server: &Service, pki: &str) -> anyhow::Result<Partner> {
        let address = server.listener("operator").context("the server has no REST API")?;
        let pki = PkiDirectory::open(pki.as_ref(), Some(now()))?;
        let tls = CiVerifier::new(pki.trust_store(), pki.crls().to_vec(), rsp_crypto::aws_lc()).tls_config()?;
        Ok(Partner { address, tls, key: self.key.clone() })
    }
}

impl Partner {
    /// Orders the eSIM.
    pub(super) fn provision(&self) -> anyhow::Result<Sold> {
        let sold = self.post("/api/v1/esim/provision", &json!({ "carrier": CARRIER, "plan": PLAN }))?;
        let member = |name: &str| sold[name].as_str().map(str::to_owned).with_context(|| format!("no {name}: {sold}"));
        Ok(Sold { iccid: member("iccid")?, activation_code: member("activation_code")? })
    }

    /// The network shall let it in no more.
    pub(super) fn suspend(&self, sold: &Sold) -> anyhow::Result<()> {
        self.switch(sold, "suspend", "suspended")
    }

    /// The network shall let it in again.
    pub(super) fn resume(&self, sold: &Sold) -> anyhow::Result<()> {
        self.switch(sold, "resume", "active")
    }

    fn switch(&self, sold: &Sold, what: &str, state: &str) -> anyhow::Result<()> {
        let esim = self.post(&format!("/api/v1/esims/{}/{what}", sold.iccid), &Value::Null)?;
        ensure!(esim["network"] == state, "after {what} the server says {}", esim["network"]);
        Ok(())
    }

    /// A POST that must succeed: the JSON of its answer.
    fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(ANSWER))?;
        let name = ServerName::try_from(HOST)?;
        let mut stream = StreamOwned::new(ClientConnection::new(Arc::clone(&self.tls), name)?, stream);
        let (port, key, length) = (self.address.port(), &self.key, body.len());
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).with_context(|| format!("POST {path}"))?;
        let (head, body) = answer.split_once("\r\n\r\n").with_context(|| format!("POST {path}: no HTTP"))?;
        let status = head.split(' ').nth(1).unwrap_or_default();
        ensure!(matches!(status, "200" | "201"), "POST {path}: HTTP status {status}, {body}");
        serde_json::from_str(body).with_context(|| format!("POST {path}"))
    }
}

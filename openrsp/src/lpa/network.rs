//! How servers are reached, and by which certificate issuers they are judged.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use rsp_es::client::{Binding, HttpTransport, NegotiatedTls, NetworkTransport, Recorder, Resolve, Scheme};
use rsp_lpa::tls::{CiVerifier, Pin, TrustedServer};
use rsp_lpa::{Servers, Trust};
use rsp_pki::{Certificate, Crl, Role, TrustStore};

use crate::euicc::is_full;
use crate::exit::{Exit, Failure};
use crate::system;

/// How deep a directory of certificates is searched: the published set has three levels.
const MAX_DEPTH: usize = 4;

/// Largest file that is looked at for certificates, in bytes.
const MAX_FILE: u64 = 1 << 20;

#[derive(Args)]
pub(super) struct NetworkArgs {
    /// The trusted certificate issuers: a certificate, or a directory that is searched for them; may be given several
    /// times. Servers are verified against these and nothing else.
    #[arg(long, global = true, value_name = "FILE|DIR")]
    ci: Vec<PathBuf>,

    /// The SHA-256 of the public key that servers must have besides a certificate of a trusted issuer, in hexadecimal; may be
    /// given several times. `openrsp pki show` prints it of a certificate.
    #[arg(long, global = true, value_name = "SHA256")]
    pin: Vec<Pin>,

    /// Connect to ADDR:PORT when HOST is called; the name that the server must prove stays HOST.
    #[arg(long, global = true, value_name = "HOST[:PORT]=ADDR:PORT", value_parser = parse_resolve)]
    resolve: Vec<Resolve>,

    /// Speak HTTP without TLS, to a server on this machine only.
    #[arg(long, global = true)]
    plain_http: bool,

    /// Speak the ASN.1 binding to servers instead of JSON.
    #[arg(long, global = true)]
    asn1: bool,

    /// Append what passes between LPA and servers to a file, for a test or a bug report: a line `# now SECONDS`, the Unix
    /// time, and then one JSON object a line. It holds MatchingIDs; whoever reads it while an order waits can download the
    /// profile, and so a file that others can read is refused.
    #[arg(long, global = true, value_name = "FILE")]
    record: Option<PathBuf>,
}

fn parse_resolve(text: &str) -> Result<Resolve, String> {
    Resolve::parse(text).map_err(|error| error.to_string())
}

/// The way to servers, with the issuers that prove them.
pub(super) struct Network {
    pub(super) servers: Servers,
    transport: Arc<NetworkTransport>,
    verifier: Arc<CiVerifier>,
    anchors: TrustStore,
    crls: Vec<Crl>,
}

impl NetworkArgs {
    /// Whether any certificate issuer is named, so that servers can be reached at all.
    pub(super) fn is_given(&self) -> bool {
        !self.ci.is_empty()
    }

    /// Reads the issuers and prepares the way to servers.
    pub(super) fn open(&self) -> anyhow::Result<Network> {
        if self.ci.is_empty() {
            let message = "which certificate issuers are trusted? Give --ci FILE or --ci DIR; \
                           for a test PKI of this program, the directory that was given to `init` or `pki init`";
            return Err(Failure::new(Exit::Usage, message));
        }
        let mut found = Found::default();
        for path in &self.ci {
            found.read(path)?;
        }
        let anchors = TrustStore::new(found.anchors);
        let crls = found.crls;
        let verifier = self.verifier(Role::DpTls, &anchors, &crls);
        let transport = Arc::new(self.transport(&verifier)?);
        let smds_verifier = self.verifier(Role::DsTls, &anchors, &crls);
        let smds_transport = Arc::new(self.transport(&smds_verifier)?);
        let scheme = if self.plain_http { Scheme::PlainHttp } else { Scheme::Https };
        let binding = if self.asn1 { Binding::Asn1 } else { Binding::Json };
        let recording = self.recording()?;
        let servers = Servers::new(recorded(transport.clone(), recording.as_ref())?, scheme)
            .with_smds(recorded(smds_transport, recording.as_ref())?)
            .with_binding(binding);
        Ok(Network { servers, transport, verifier, anchors, crls })
    }
}

impl NetworkArgs {
    fn verifier(&self, role: Role, anchors: &TrustStore, crls: &[Crl]) -> Arc<CiVerifier> {
        CiVerifier::pinned(role, anchors.clone(), crls.to_vec(), rsp_crypto::aws_lc(), self.pin.clone())
    }

    fn transport(&self, verifier: &Arc<CiVerifier>) -> anyhow::Result<NetworkTransport> {
        let tls = verifier.tls_config().context("preparing TLS")?;
        Ok(NetworkTransport::new(tls).with_resolve(self.resolve.clone()))
    }

    /// The file in which is recorded, if there shall be one, with the line that each command begins with.
    fn recording(&self) -> anyhow::Result<Option<File>> {
        let Some(path) = &self.record else { return Ok(None) };
        let failed = |error: io::Error| match is_full(error.kind()) {
            true => Failure::new(Exit::Failed, format!("{}: {error}", path.display())),
            false => bad(path, error),
        };
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(failed)?;
        // An existing one keeps its mode. A pipe or a device keeps nothing.
        if file.metadata().map_err(failed)?.is_file() {
            system::require_private(path)?;
        }
        writeln!(file, "# now {}", system::now().0).map_err(failed)?;
        Ok(Some(file))
    }
}

/// The transport as it is, or with a recorder around it. Recorders of one file append to it in turn.
fn recorded(transport: Arc<NetworkTransport>, recording: Option<&File>) -> anyhow::Result<Arc<dyn HttpTransport>> {
    let Some(file) = recording else { return Ok(transport) };
    let sink = file.try_clone().context("recording")?;
    Ok(Arc::new(Recorder::new(transport).with_sink(sink)))
}

impl Network {
    pub(super) fn trust(&self) -> Trust<'_> {
        Trust { anchors: &self.anchors, crls: &self.crls, provider: rsp_crypto::aws_lc(), now: system::now() }
    }

    /// Whom TLS trusted, and what it agreed on; nothing without TLS.
    pub(super) fn tls(&self) -> Option<(TrustedServer, NegotiatedTls)> {
        Some((self.verifier.trusted()?, self.transport.negotiated()?))
    }
}

/// Certificate issuers and revocation lists that were found.
#[derive(Default)]
struct Found {
    anchors: Vec<Certificate>,
    crls: Vec<Crl>,
}

impl Found {
    fn read(&mut self, path: &Path) -> anyhow::Result<()> {
        let before = self.anchors.len();
        if path.is_dir() {
            self.search(path, MAX_DEPTH)?;
        } else {
            let content = read_certificates(path)?;
            self.take(&content).map_err(|error| bad(path, error))?;
        }
        if self.anchors.len() == before {
            return Err(bad(path, "holds no certificate of a certificate issuer (CI)"));
        }
        Ok(())
    }

    /// Takes what is there and passes over everything else; private keys are not even opened.
    fn search(&mut self, dir: &Path, depth: usize) -> anyhow::Result<()> {
        let entries = std::fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = entries.map_err(|error| bad(dir, error))?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let metadata = std::fs::metadata(&path).map_err(|error| bad(&path, error))?;
            if metadata.is_dir() && depth > 0 {
                self.search(&path, depth - 1)?;
            } else if metadata.is_file() && metadata.len() <= MAX_FILE && may_hold_certificates(&path) {
                // What is neither certificate nor list is none of the LPA's business.
                let _ = self.take(&read_certificates(&path)?);
            }
        }
        Ok(())
    }

    fn take(&mut self, content: &[u8]) -> Result<(), rsp_pki::Error> {
        if let Ok(crl) = Crl::from_file_content(content) {
            self.crls.push(crl);
            return Ok(());
        }
        for part in pem_blocks(content) {
            let certificate = Certificate::from_file_content(part)?;
            let known = |anchor: &Certificate| anchor.der() == certificate.der();
            if certificate.role() == Some(Role::Ci) && !self.anchors.iter().any(known) {
                self.anchors.push(certificate);
            }
        }
        Ok(())
    }
}

/// A file that is not too large to be one of certificates; what it is, a pipe or a device, does not matter.
fn read_certificates(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut content = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut content));
    read.map_err(|error| bad(path, error))?;
    match content.len() as u64 {
        0..=MAX_FILE => Ok(content),
        _ => Err(bad(path, format!("larger than {MAX_FILE} bytes, which no certificate is"))),
    }
}

/// By its name: certificates and lists in the usual endings, but not the published set's private keys (SK_…).
fn may_hold_certificates(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    matches!(extension.to_ascii_lowercase().as_str(), "pem" | "der" | "crt" | "cer" | "crl") && !name.starts_with("SK_")
}

/// Each certificate of a PEM file; a DER file as it is.
fn pem_blocks(content: &[u8]) -> Vec<&[u8]> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    let Ok(text) = std::str::from_utf8(content) else { return vec![content] };
    let starts: Vec<usize> = text.match_indices(BEGIN).map(|(start, _)| start).collect();
    if starts.len() < 2 {
        return vec![content];
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(start, end)| &content[*start..end]).collect()
}

fn bad(path: &Path, problem: impl std::fmt::Display) -> anyhow::Error {
    Failure::new(Exit::Input, format!("{}: {problem}", path.display()))
}

//! The way to an SM-DP+, and what is said when it ends in no answer.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use rsp_asn1::Iccid;
use rsp_crypto::RandomnessExt as _;
use rsp_es::client::{
    ClientError, ClientIdentity, Es2PlusClient, Es2PlusError, NetworkTransport, Origin, Resolve, Scheme,
    TransportError, tls_config_as,
};
use rsp_es::es2plus::RequestHeader;
use rsp_lpa::tls::{CiVerifier, Pin};
use rsp_pki::directory::PkiDirectory;
use rsp_pki::{Certificate, Crl, Role, TrustStore};
use serde_json::{Map, Value, json};

use crate::exit::{Exit, Failure};
use crate::identity::Identity;
use crate::system::{OsRandomness, now};

/// By which certificate issuers the other side is judged.
#[derive(Args)]
pub(super) struct TrustArgs {
    /// A trusted CI certificate; may be given several times.
    #[arg(long, value_name = "FILE")]
    ca: Vec<PathBuf>,

    /// A directory of `openrsp pki init` or SGP.26, whose CIs are trusted and whose CRLs count.
    #[arg(long, value_name = "DIR")]
    pki: Option<PathBuf>,
}

impl TrustArgs {
    /// Reads them; there must be one.
    pub(super) fn read(&self) -> anyhow::Result<(TrustStore, Vec<Crl>)> {
        if self.ca.is_empty() && self.pki.is_none() {
            let problem = "which certificate issuers prove the other side? Give --ca FILE or --pki DIR; for a test PKI of \
                           this program, the directory that was given to `init` or `pki init`";
            return Err(Failure::new(Exit::Usage, problem));
        }
        issuers(&self.ca, self.pki.as_deref())
    }
}

/// The issuers in files of certificates and in a directory of `openrsp pki init`, with its CRLs.
pub(crate) fn issuers(files: &[PathBuf], pki: Option<&Path>) -> anyhow::Result<(TrustStore, Vec<Crl>)> {
    let (mut anchors, mut crls) = (Vec::new(), Vec::new());
    for file in files {
        let bad = |error: String| Failure::new(Exit::Input, format!("{}: {error}", file.display()));
        let content = std::fs::read(file).map_err(|error| bad(error.to_string()))?;
        anchors.push(Certificate::from_file_content(&content).map_err(|error| bad(error.to_string()))?);
    }
    if let Some(dir) = pki {
        let pki = PkiDirectory::open(dir, Some(now())).map_err(|error| Failure::new(Exit::Input, error))?;
        anchors.extend(pki.trust_store().iter().cloned());
        crls.extend_from_slice(pki.crls());
    }
    Ok((TrustStore::new(anchors), crls))
}

/// The way to an SM-DP+ for an operator: how it proves itself, by whom the other side is judged, and where names lead.
pub(crate) fn transport(
    identity: &Identity,
    (anchors, crls): (TrustStore, Vec<Crl>),
    pins: Vec<Pin>,
    resolve: Vec<Resolve>,
) -> anyhow::Result<NetworkTransport> {
    let verifier = CiVerifier::pinned(Role::DpTls, anchors, crls, rsp_crypto::aws_lc(), pins);
    let shown = ClientIdentity { chain: identity.chain(), key: identity.key() };
    let tls = tls_config_as(shown, verifier).with_context(|| identity.certificate().subject())?;
    Ok(NetworkTransport::new(tls).with_resolve(resolve))
}

/// What the four functions have in common.
#[derive(Args)]
pub(super) struct ConnectionArgs {
    /// Where ES2+ of the SM-DP+ is: https://HOST[:PORT].
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    url: Origin,

    /// The operator's certificate, made by `openrsp pki issue operator`.
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,

    /// Its private key; nobody else may be able to read the file.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    #[command(flatten)]
    trust: TrustArgs,

    /// The SHA-256 of the public key that the server must have besides a certificate of a trusted CI, in hexadecimal; may be
    /// given several times. `openrsp pki show` prints it of a certificate.
    #[arg(long, value_name = "SHA256")]
    pin: Vec<Pin>,

    /// Connect to ADDR:PORT when HOST is called; the name that the server must prove stays HOST.
    #[arg(long, value_name = "HOST[:PORT]=ADDR:PORT", value_parser = parse_resolve)]
    resolve: Vec<Resolve>,

    /// The functionRequesterIdentifier; by default the OID in the certificate, or the operator's name there.
    #[arg(long, value_name = "ID")]
    requester: Option<String>,

    /// The functionCallIdentifier; by default a fresh random one. To repeat a call whose answer was lost, give its
    /// identifier and otherwise the same arguments: as long as no other call has moved the order since, the SM-DP+
    /// executes it once.
    #[arg(long, value_name = "ID")]
    call_id: Option<String>,
}

pub(crate) fn parse_url(text: &str) -> Result<Origin, String> {
    let address = text.strip_prefix("https://").ok_or("expected https://HOST[:PORT]: ES2+ is never without TLS")?;
    let address = address.strip_suffix('/').unwrap_or(address);
    Origin::new(Scheme::Https, address).map_err(|error| error.to_string())
}

fn parse_resolve(text: &str) -> Result<Resolve, String> {
    Resolve::parse(text).map_err(|error| error.to_string())
}

/// An ICCID of an order. Shorter ones than the standard's 19 or 20 digits exist on old cards, and no SM-DP+ sells them.
pub(super) fn parse_iccid(text: &str) -> Result<Iccid, String> {
    let iccid = text.parse::<Iccid>().map_err(|error| error.to_string())?;
    match iccid.to_string().len() {
        19.. => Ok(iccid),
        length => Err(format!("{length} digits, an ICCID has 19 or 20 digits")),
    }
}

/// One call to be made.
pub(super) struct Call {
    client: Es2PlusClient,
    header: RequestHeader,
}

impl ConnectionArgs {
    /// Whether a call is repeated, so that what goes with it may not be made anew.
    pub(super) fn is_repetition(&self) -> bool {
        self.call_id.is_some()
    }

    /// Reads certificate, key and issuers.
    pub(super) fn open(&self) -> anyhow::Result<Call> {
        let identity = Identity::read(&self.cert, &self.key)?;
        let transport = transport(&identity, self.trust.read()?, self.pin.clone(), self.resolve.clone())?;
        let header = RequestHeader {
            function_requester_identifier: self.requester.clone().unwrap_or_else(|| requester(identity.certificate())),
            function_call_identifier: self.call_id.clone().unwrap_or_else(|| hex::encode(OsRandomness.bytes::<16>())),
        };
        Ok(Call { client: Es2PlusClient::new(Arc::new(transport), self.url.clone()), header })
    }
}

/// Who calls, by the certificate.
pub(crate) fn requester(certificate: &Certificate) -> String {
    let name = certificate.subject_name();
    let name = name.organisation().or(name.common_name()).map(str::to_owned);
    certificate.oid().map(|oid| oid.to_string()).or(name).unwrap_or_else(|| certificate.subject())
}

impl Call {
    /// The header of the request.
    pub(super) fn header(&self) -> RequestHeader {
        self.header.clone()
    }

    /// Makes the call and says what it came to.
    pub(super) fn run<T>(
        &self,
        call: impl AsyncFnOnce(&Es2PlusClient) -> Result<T, Es2PlusError>,
    ) -> anyhow::Result<T> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(call(&self.client)).map_err(|error| self.failure(&error))
    }

    /// A result, with the identifier of its call.
    pub(super) fn report(&self, mut result: Value, json: bool, text: impl FnOnce()) {
        if json {
            result["call_id"] = self.header.function_call_identifier.as_str().into();
            println!("{result}");
        } else {
            text();
            eprintln!("call {}", self.header.function_call_identifier);
        }
    }

    /// Code, cause and remedy in words.
    fn failure(&self, error: &Es2PlusError) -> anyhow::Error {
        let (exit, status) = match error {
            ClientError::Refused { status, .. } => (Exit::Refused, Some(status)),
            _ => (Exit::Network, None),
        };
        let explanation = status.and_then(|status| status.explanation());
        let remedy = Remedy { call_id: &self.header.function_call_identifier, error }.to_string();
        let mut message = error.to_string();
        if let Some(explanation) = explanation {
            message += &format!("\n  meaning: {}", explanation.meaning);
        }
        message += &format!("\n  remedy: {remedy}");
        let details = [
            ("error", json!(error.to_string())),
            ("subject", json!(status.map(|status| status.subject.as_str()))),
            ("reason", json!(status.map(|status| status.reason.as_str()))),
            ("meaning", json!(explanation.map(|explanation| explanation.meaning))),
            ("remedy", json!(remedy)),
            ("call_id", json!(self.header.function_call_identifier)),
        ];
        let details: Map<_, _> = details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Failure::detailed(exit, message, details)
    }
}

/// What the operator can do.
struct Remedy<'a> {
    call_id: &'a str,
    error: &'a Es2PlusError,
}

impl fmt::Display for Remedy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error {
            ClientError::Refused { status, .. } => f.write_str(match status.explanation() {
                Some(explanation) => explanation.remedy,
                None => "Ask those who run the SM-DP+ what this code of theirs means.",
            }),
            ClientError::Transport { source: TransportError::Certificate { .. }, .. } => {
                f.write_str("Name the right issuer with --ca or --pki, and check this machine's clock.")
            }
            ClientError::Transport { source, .. } if source.to_string().contains("alert") => f.write_str(
                "The SM-DP+ does not take this client certificate: it must be an operator's, valid today, and issued by \
                 the CI that the SM-DP+ trusts.",
            ),
            ClientError::Transport {
                source: TransportError::Dns { .. } | TransportError::Connect { .. } | TransportError::Tls { .. },
                ..
            } => f.write_str("Check host and port of --url: nothing was ordered."),
            ClientError::HttpStatus { status: 404, .. } => {
                f.write_str("Check the port of --url, there is no ES2+ there: nothing was ordered.")
            }
            _ => write!(
                f,
                "The SM-DP+ may have executed it: repeat the same command with --call-id {}",
                self.call_id
            ),
        }
    }
}

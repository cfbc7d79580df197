//! Where an operator orders: the SM-DP+s of its carriers, in the order in which they are tried.
//!
//! ```toml
//! [carrier."Example Mobile"]
//! plans = { "5GB" = "type-at-the-smdp" }
//! iccids = "890010100000000000-890010100000999999"   # for offline batches
//!
//! [[carrier."Example Mobile".smdp]]
//! url = "https://es2.example.com:8444"
//! cert = "operator.pem"
//! key = "operator.key"
//! pki = "pki"
//! pin = ["…"]
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use figment::providers::{Format as _, Toml};
use rsp_es::client::{Es2PlusClient, Origin};
use rsp_lpa::tls::Pin;
use rsp_operator::provisioning::Supplier;
use rsp_smdp::IccidRange;
use serde::Deserialize;

use super::values::{Address, Fixed};
use crate::es2plus::{issuers, parse_url, requester, transport};
use crate::exit::{Exit, Failure};
use crate::identity::Identity;
use crate::provision::Maker;

/// A file of carriers. Paths in it are relative to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CarriersFile {
    #[serde(default)]
    pub(crate) carrier: BTreeMap<String, CarrierSection>,
}

/// What one carrier sells, and where it is ordered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CarrierSection {
    /// From plans to the types of profiles at the SM-DP+s.
    #[serde(default)]
    pub(crate) plans: BTreeMap<String, String>,
    /// The ICCIDs that the operator gives out itself, in offline batches.
    iccids: Option<Iccids>,
    /// In the order in which they are tried.
    #[serde(default)]
    pub(crate) smdp: Vec<SmdpEntry>,
}

/// One SM-DP+.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmdpEntry {
    /// How it is called in messages; its host without it.
    name: Option<String>,
    /// Where its ES2+ is.
    url: Url,
    /// The operator's certificate and key.
    cert: PathBuf,
    key: PathBuf,
    /// By whose certificates it is proved.
    #[serde(default)]
    ca: Vec<PathBuf>,
    pki: Option<PathBuf>,
    /// SHA-256 of public keys of which its own must be one.
    #[serde(default)]
    pin: Vec<PinText>,
    #[serde(default)]
    resolve: Vec<Fixed>,
    /// Its address for activation codes: it must name this one, or none.
    address: Option<Address>,
    requester: Option<String>,
}

/// `https://HOST[:PORT]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Url(Origin);

impl TryFrom<String> for Url {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        parse_url(&text).map(Self)
    }
}

/// 64 hexadecimal digits.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct PinText(Pin);

impl TryFrom<String> for PinText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error: rsp_lpa::tls::MalformedPin| error.to_string())
    }
}

/// `FIRST-LAST`, check digits left out.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Iccids(IccidRange);

impl TryFrom<String> for Iccids {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error: rsp_smdp::Error| error.to_string())
    }
}

impl CarriersFile {
    /// Reads a file.
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        if !file.is_file() {
            return Err(Failure::new(Exit::Input, format!("{}: there is no such file", file.display())));
        }
        super::extract(Toml::file_exact(file))
            .map_err(|problem| Failure::new(Exit::Input, format!("{}: {problem}", file.display())))
    }
}

impl CarrierSection {
    /// Its SM-DP+s, in their order. `dir` is where relative paths begin.
    pub(crate) fn open(&self, dir: &Path) -> anyhow::Result<Vec<Arc<Supplier>>> {
        self.smdp.iter().map(|entry| entry.open(dir).map(Arc::new)).collect()
    }

    /// What makes offline batches for its first SM-DP+, or what is missing for it.
    pub(crate) fn maker(&self, dir: &Path, profile_type: &str) -> Result<Maker, String> {
        let first = self.smdp.first().ok_or("--offline: the carrier has no [[carrier.NAME.smdp]]")?;
        let smdp =
            first.address.as_ref().ok_or("--offline: set the address of the SM-DP+; there is nobody to ask for it")?;
        let iccids = self.iccids.ok_or("--offline: set iccids = \"FIRST-LAST\", the ICCIDs that you may give out")?;
        Ok(Maker {
            smdp: smdp.0.clone(),
            profile_type: profile_type.to_owned(),
            certificate: dir.join(&first.cert),
            key: dir.join(&first.key),
            iccids: iccids.0,
        })
    }
}

impl SmdpEntry {
    /// Reads certificate, key and issuers; connects to nobody.
    pub(crate) fn open(&self, dir: &Path) -> anyhow::Result<Supplier> {
        let name = self.name.clone().unwrap_or_else(|| self.url.0.authority());
        if self.ca.is_empty() && self.pki.is_none() {
            let problem = format!("{name}: which certificate issuers prove it? Set ca = [\"FILE\"] or pki = \"DIR\"");
            return Err(Failure::new(Exit::Input, problem));
        }
        let identity = Identity::read(&dir.join(&self.cert), &dir.join(&self.key))?;
        let files: Vec<_> = self.ca.iter().map(|file| dir.join(file)).collect();
        let issuers = issuers(&files, self.pki.as_ref().map(|pki| dir.join(pki)).as_deref())?;
        let pins: Vec<Pin> = self.pin.iter().map(|pin| pin.0).collect();
        let resolve = self.resolve.iter().map(|fixed| fixed.0.clone()).collect();
        let pin_hashes = pins.iter().map(Pin::sha256).collect();
        let transport = Arc::new(transport(&identity, issuers, pins, resolve)?);
        Ok(Supplier {
            name,
            client: Es2PlusClient::new(Arc::clone(&transport) as _, self.url.0.clone()),
            transport,
            requester: self.requester.clone().unwrap_or_else(|| requester(identity.certificate())),
            address: self.address.as_ref().map(|address| address.0.to_string()),
            pins: pin_hashes,
        })
    }
}

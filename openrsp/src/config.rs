//! A server's directory: its configuration, keys and database.

use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use figment::Figment;
use figment::providers::{Format as _, Toml};
use rsp_asn1::{Timestamp, VersionType};
use rsp_auth::{Credential, ServerAddress};
use rsp_crypto::{Curve, Provider, Zeroizing};
use rsp_es::activation_code::ActivationCode;
use rsp_pki::Role;
use rsp_pki::directory::{Entity, PkiDirectory};
use rsp_smdp::{
    Clock, Credentials, Eligibility, Identity, Orders, Rebinding, Settings, SharedRandomness, UppProtection,
};
use rsp_store::{Datastore, KeyEncryptionKey};
use serde::Deserialize;

use crate::exit::{Exit, Failure};
use crate::system::{OsRandomness, now, require_private};

/// Name of the configuration file in a server's directory.
pub(crate) const CONFIG_FILE: &str = "openrsp.toml";

/// The whole configuration. Paths are relative to the directory of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) smdp: SmdpSection,
    pub(crate) tls: TlsSection,
    pub(crate) store: StoreSection,
    #[serde(default)]
    pub(crate) limits: LimitsSection,
    #[serde(default)]
    pub(crate) binding: BindingSection,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SmdpSection {
    pub(crate) address: String,
    pub(crate) listen: String,
    pub(crate) pki: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsSection {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSection {
    pub(crate) database: PathBuf,
    pub(crate) key_encryption_key: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsSection {
    minimum_svn: Option<String>,
    confirmation_code_tries: Option<u32>,
    downloads: Option<u32>,
    session_seconds: Option<u32>,
    result_days: Option<u32>,
}

impl LimitsSection {
    /// Refuses limits with which no download could succeed, or which protect nothing; names the first one.
    fn check(&self) -> Result<(), String> {
        if let Some(text) = &self.minimum_svn {
            version(text).ok_or_else(|| format!("minimum_svn: {text:?} is no version of SGP.22 such as \"2.2.0\""))?;
        }
        let limits = [
            ("confirmation_code_tries", self.confirmation_code_tries, 3..=10),
            ("downloads", self.downloads, 1..=u32::MAX),
            ("session_seconds", self.session_seconds, 30..=86_400),
        ];
        for (name, value, allowed) in limits {
            if let Some(value) = value.filter(|value| !allowed.contains(value)) {
                let (least, most) = allowed.into_inner();
                let most = if most == u32::MAX { String::new() } else { format!(" and at most {most}") };
                return Err(format!("{name}: {value} is not at least {least}{most}"));
            }
        }
        Ok(())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BindingSection {
    #[serde(default)]
    protection: Protection,
    rebinding: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Protection {
    #[default]
    SessionKeys,
    Ppk,
}

/// A server's directory, read.
pub(crate) struct ServerDir {
    dir: PathBuf,
    pub(crate) config: Config,
}

/// The machine's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        now()
    }
}

impl ServerDir {
    /// Reads the configuration in `dir`.
    pub(crate) fn open(dir: &Path) -> anyhow::Result<Self> {
        let file = dir.join(CONFIG_FILE);
        if !file.is_file() {
            let problem = format!("{}: there is no {CONFIG_FILE}; make one with: openrsp init DIR", dir.display());
            return Err(Failure::new(Exit::Input, problem));
        }
        let config = Figment::from(Toml::file_exact(&file)).extract().map_err(|error| {
            let problems: Vec<_> =
                error.into_iter().map(|error| format!("{}: {}", error.path.join("."), error.kind)).collect();
            Failure::new(Exit::Input, format!("{}: {}", file.display(), problems.join("; ")))
        })?;
        let server = Self { dir: dir.to_owned(), config };
        server.config.limits.check().map_err(|problem| {
            let problem = format!("{}: limits.{problem}", file.display());
            Failure::new(Exit::Input, problem)
        })?;
        Ok(server)
    }

    /// A path of the configuration.
    pub(crate) fn path(&self, relative: &Path) -> PathBuf {
        self.dir.join(relative)
    }

    /// The address that activation codes carry.
    pub(crate) fn address(&self) -> anyhow::Result<ServerAddress> {
        let text = &self.config.smdp.address;
        let address =
            in_brackets(text).as_deref().and_then(ServerAddress::parse).or_else(|| ServerAddress::parse(text));
        address.ok_or_else(|| {
            let file = self.path(Path::new(CONFIG_FILE));
            Failure::new(Exit::Input, format!("{}: smdp.address: {text:?} is no host[:port]", file.display()))
        })
    }

    /// The certificates and keys.
    pub(crate) fn pki(&self) -> anyhow::Result<PkiDirectory> {
        let dir = self.path(&self.config.smdp.pki);
        PkiDirectory::open(&dir, Some(now())).map_err(|error| Failure::new(Exit::Input, error))
    }

    /// Opens the database with its key.
    pub(crate) async fn store(&self) -> anyhow::Result<Arc<Datastore>> {
        let database = self.path(&self.config.store.database);
        require_private(&database)?;
        // What was committed last stands there until SQLite moves it into the database.
        for suffix in ["-wal", "-shm"] {
            let mut side = database.clone().into_os_string();
            side.push(suffix);
            let side = PathBuf::from(side);
            // It comes and goes with those who have the database open.
            if let Err(error) = require_private(&side)
                && side.exists()
            {
                return Err(error);
            }
        }
        let key = read_key(&self.path(&self.config.store.key_encryption_key))?;
        let store = Datastore::open(&database, &key, Box::new(OsRandomness)).await;
        Ok(Arc::new(store.with_context(|| database.display().to_string())?))
    }

    /// The operator's side of the SM-DP+.
    pub(crate) async fn orders(&self, actor: &str) -> anyhow::Result<Orders> {
        let randomness = SharedRandomness::new(Box::new(OsRandomness));
        Ok(Orders::new(self.store().await?, self.identity()?, Arc::new(SystemClock), randomness, actor))
    }

    /// Who the SM-DP+ is to other servers.
    pub(crate) fn identity(&self) -> anyhow::Result<Identity> {
        let pki = self.pki()?;
        let oid = Curve::ALL.into_iter().find_map(|curve| pki.dp_auth(curve)?.certificate().oid());
        let oid = oid.ok_or_else(|| {
            Failure::new(Exit::Input, format!("{}: no DPauth certificate with an OID", pki.root().display()))
        })?;
        Ok(Identity { address: self.address()?.to_string(), oid: oid.to_string() })
    }

    /// Limits and choices, with the defaults of the program where the file is silent.
    pub(crate) fn settings(&self) -> Settings {
        let default = Settings::default();
        let limits = &self.config.limits;
        Settings {
            eligibility: Eligibility {
                minimum_svn: limits.minimum_svn.as_deref().and_then(version).unwrap_or(default.eligibility.minimum_svn),
                ..default.eligibility
            },
            crl_max_age: default.crl_max_age,
            guesses: default.guesses,
            confirmation_code_limit: limits.confirmation_code_tries.unwrap_or(default.confirmation_code_limit),
            download_limit: limits.downloads.unwrap_or(default.download_limit),
            session_seconds: limits.session_seconds.map_or(default.session_seconds, i64::from),
            result_seconds: limits.result_days.map_or(default.result_seconds, |days| i64::from(days) * 86_400),
            protection: match self.config.binding.protection {
                Protection::SessionKeys => UppProtection::SessionKeys,
                Protection::Ppk => UppProtection::Ppk,
            },
            rebinding: match self.config.binding.rebinding {
                Some(false) => Rebinding::Refused,
                _ => Rebinding::Allowed,
            },
            host_id: default.host_id,
        }
    }
}

/// A version of SGP.22: three numbers with points between them.
fn version(text: &str) -> Option<VersionType> {
    let numbers: Option<Vec<u8>> = text.split('.').map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok().map(VersionType)
}

/// An IPv6 address as it stands in activation codes, if the text is one without brackets.
pub(crate) fn in_brackets(text: &str) -> Option<String> {
    text.parse::<Ipv6Addr>().ok().map(|_| format!("[{text}]"))
}

/// Whether an activation code can be made of an address and a matching ID, before anything is done that needs one. No
/// matching ID stands for the random ones.
pub(crate) fn require_code(address: &ServerAddress, matching_id: &str, confirmation: bool) -> anyhow::Result<()> {
    /// As long as those that are made by default.
    const ANY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let matching_id = if matching_id.is_empty() { ANY } else { matching_id };
    ActivationCode::new(&address.to_string(), matching_id, None, confirmation)
        .map(drop)
        .map_err(|error| Failure::new(Exit::Input, format!("no activation code can be made: {error}")))
}

/// Reads a key-encryption key: 64 hexadecimal digits in a file that only its owner can read.
fn read_key(path: &Path) -> anyhow::Result<KeyEncryptionKey> {
    require_private(path)?;
    let text = Zeroizing::new(std::fs::read_to_string(path).with_context(|| path.display().to_string())?);
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), &mut *key).map_err(|_| {
        Failure::new(Exit::Input, format!("{}: a key-encryption key is 64 hexadecimal digits", path.display()))
    })?;
    Ok(KeyEncryptionKey::new(key))
}

/// Every pair of DPauth and DPpb of a directory that has both keys, one for each curve.
pub(crate) fn credentials(pki: &PkiDirectory, provider: &'static dyn Provider) -> anyhow::Result<Credentials> {
    let mut credentials =
        Credentials { dp_auth: Vec::new(), dp_pb: Vec::new(), anchors: pki.trust_store(), crls: pki.crls().to_vec() };
    for curve in Curve::ALL {
        let Some(auth) = pki.dp_auth(curve).filter(|entity| entity.key().is_some()) else { continue };
        let same_server = |entity: &&Entity| {
            entity.key().is_some()
                && entity.certificate().oid() == auth.certificate().oid()
                && entity.certificate().authority_key_identifier() == auth.certificate().authority_key_identifier()
        };
        let Some(pb) = pki.candidates(curve, Role::DpPb).find(same_server) else { continue };
        credentials.dp_auth.push(credential(auth, provider)?);
        credentials.dp_pb.push(credential(pb, provider)?);
    }
    if credentials.dp_auth.is_empty() {
        let problem = format!("{}: no DPauth and DPpb certificate with a key", pki.root().display());
        return Err(Failure::new(Exit::Input, problem));
    }
    Ok(credentials)
}

fn credential(entity: &Entity, provider: &'static dyn Provider) -> anyhow::Result<Credential> {
    let signer = provider.signer(entity.require_key()?)?;
    Credential::new(entity.certificate().clone(), signer).with_context(|| entity.file().display().to_string())
}

#[cfg(test)]
mod tests {
    use super::LimitsSection;

    #[test]
    fn limits_out_of_range_are_refused_by_name() {
        let check = |text: &str| toml_limits(text).check();
        for (text, problem) in [
            ("confirmation_code_tries = 2", "confirmation_code_tries: 2 is not at least 3 and at most 10"),
            ("confirmation_code_tries = 11", "confirmation_code_tries: 11 is not at least 3 and at most 10"),
            ("downloads = 0", "downloads: 0 is not at least 1"),
            ("session_seconds = 29", "session_seconds: 29 is not at least 30 and at most 86400"),
            ("session_seconds = 86401", "session_seconds: 86401 is not at least 30 and at most 86400"),
        ] {
            assert_eq!(check(text), Err(problem.to_owned()), "{text}");
        }
        for text in [
            "",
            "confirmation_code_tries = 3\ndownloads = 1\nsession_seconds = 30",
            "confirmation_code_tries = 10\nsession_seconds = 86400",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    fn toml_limits(text: &str) -> LimitsSection {
        use figment::providers::{Format as _, Toml};
        figment::Figment::from(Toml::string(text)).extract().unwrap()
    }
}

//! A server's directory: its configuration, keys and database.

mod operator;
mod sections;
pub(crate) mod suppliers;
mod values;

use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use figment::providers::{Format as _, Toml};
use figment::{Figment, Provider};
use rsp_asn1::Timestamp;
use rsp_auth::matching_id::Length;
use rsp_auth::{Credential, ServerAddress};
use rsp_crypto::{Curve, Zeroizing};
use rsp_es::activation_code::ActivationCode;
use rsp_pki::directory::{Entity, PkiDirectory};
use rsp_pki::{Crl, Role, TrustStore};
use rsp_smdp::{
    Clock, Credentials, Eligibility, Identity, Orders, Rebinding, Settings, SharedRandomness, UppProtection,
};
use rsp_store::{Datastore, KeyEncryptionKey};
use serde::de::DeserializeOwned;

use crate::exit::{Exit, Failure};
use crate::system::{OsRandomness, now, require_private};
pub(crate) use operator::OperatorSection;
use sections::Protection;
pub(crate) use sections::{Config, Es9PlusEndpoint, TlsSection};
pub(crate) use values::HostPort;
use values::Version;

/// Name of the configuration file in a server's directory.
pub(crate) const CONFIG_FILE: &str = "openrsp.toml";

/// An age in seconds that no CRL reaches: a thousand years.
const ANY_AGE: i64 = 365_000 * 86_400;

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
        let config = extract(Toml::file_exact(&file)).and_then(|config: Config| {
            config.check()?;
            Ok(config)
        });
        let config = config.map_err(|problem| Failure::new(Exit::Input, format!("{}: {problem}", file.display())))?;
        Ok(Self { dir: dir.to_owned(), config })
    }

    /// The same directory, for somebody who keeps it.
    pub(crate) fn again(&self) -> anyhow::Result<Self> {
        Self::open(&self.dir)
    }

    /// A path of the configuration.
    pub(crate) fn path(&self, relative: &Path) -> PathBuf {
        self.dir.join(relative)
    }

    /// The address that activation codes carry.
    pub(crate) fn address(&self) -> anyhow::Result<ServerAddress> {
        let text = &self.config.smdp.address;
        server_address(text).ok_or_else(|| {
            let file = self.path(Path::new(CONFIG_FILE));
            Failure::new(Exit::Input, format!("{}: smdp.address: {text:?} is no host[:port]", file.display()))
        })
    }

    /// The certificates and keys.
    pub(crate) fn pki(&self) -> anyhow::Result<PkiDirectory> {
        let dir = self.path(&self.config.smdp.pki);
        PkiDirectory::open(&dir, Some(now())).map_err(|error| Failure::new(Exit::Input, error))
    }

    /// Whom servers and clients of this directory are proved by: the CIs, and the CRLs.
    pub(crate) fn trust(&self) -> anyhow::Result<(TrustStore, Vec<Crl>)> {
        let pki = self.pki()?;
        Ok((pki.trust_store(), pki.crls().to_vec()))
    }

    /// Every pair of DPauth and DPpb of the PKI on one of these curves that has both keys, one for each curve.
    pub(crate) fn credentials(
        &self,
        curves: &[Curve],
        provider: &'static dyn rsp_crypto::Provider,
    ) -> anyhow::Result<Credentials> {
        let pki = self.pki()?;
        let crls = pki.crls().to_vec();
        let mut credentials = Credentials { dp_auth: Vec::new(), dp_pb: Vec::new(), anchors: pki.trust_store(), crls };
        for curve in Curve::ALL.into_iter().filter(|curve| curves.contains(curve)) {
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
            let curves: Vec<_> = curves.iter().map(Curve::to_string).collect();
            let (root, curves) = (pki.root().display(), curves.join(" or "));
            let problem = format!("{root}: no DPauth and DPpb certificate with a key on {curves}");
            return Err(Failure::new(Exit::Input, problem));
        }
        Ok(credentials)
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

    /// The side of the SM-DP+ of the one who runs it.
    pub(crate) async fn orders(&self, actor: &str) -> anyhow::Result<Orders> {
        let randomness = SharedRandomness::new(Box::new(OsRandomness));
        let orders = Orders::new(self.store().await?, self.identity()?, Arc::new(SystemClock), randomness, actor);
        Ok(orders.with_matching_ids(self.matching_ids()))
    }

    /// Who the SM-DP+ is to other servers: its address, and the OID of its DPauth.
    pub(crate) fn identity(&self) -> anyhow::Result<Identity> {
        let pki = self.pki()?;
        let auth = Curve::ALL.into_iter().filter_map(|curve| pki.dp_auth(curve)).find(|entity| entity.key().is_some());
        let oid = auth.and_then(|entity| entity.certificate().oid()).ok_or_else(|| {
            let problem = format!("{}: no DPauth certificate with a key", pki.root().display());
            Failure::new(Exit::Input, problem)
        })?;
        Ok(Identity { address: self.address()?.to_string(), oid: oid.to_string() })
    }

    /// Seconds for which operators' orders can be downloaded, if there is a limit.
    pub(crate) fn order_seconds(&self) -> Option<i64> {
        self.config.limits.order_days.map(|days| i64::from(days) * 86_400)
    }

    /// How long matching IDs are that nobody chose.
    pub(crate) fn matching_ids(&self) -> Length {
        self.config.limits.matching_id_characters.and_then(Length::of).unwrap_or_default()
    }

    /// What the SM-DS is made of.
    pub(crate) fn smds(
        &self,
        provider: &'static dyn rsp_crypto::Provider,
    ) -> anyhow::Result<(ServerAddress, rsp_smds::Credentials, rsp_smds::Settings)> {
        let bad = |problem: String| {
            Failure::new(Exit::Input, format!("{}: {problem}", self.path(CONFIG_FILE.as_ref()).display()))
        };
        let section = self.config.smds.as_ref().ok_or_else(|| bad("there is no section [smds]".to_owned()))?;
        let pki = self.pki()?;
        let (anchors, crls) = (pki.trust_store(), pki.crls().to_vec());
        let own = section.pki.as_ref().map(|own| PkiDirectory::open(&self.path(own), Some(now())));
        let own = own.transpose().map_err(|error| Failure::new(Exit::Input, error))?;
        let auths = Curve::ALL.into_iter().filter_map(|curve| own.as_ref().unwrap_or(&pki).ds_auth(curve));
        let auths = auths.filter(|entity| entity.key().is_some());
        let ds_auth = auths.map(|entity| credential(entity, provider)).collect::<anyhow::Result<Vec<_>>>()?;
        if ds_auth.is_empty() {
            return Err(bad(
                "smds: there is no DSauth certificate with a key; see `openrsp pki issue dsauth`".to_owned()
            ));
        }
        let parent = section.parent.as_ref().map(|parent| parent.origin().authority());
        let default = rsp_smds::Settings::default();
        let settings = rsp_smds::Settings {
            minimum_svn: self.config.limits.minimum_svn.map_or(default.minimum_svn, Version::version),
            maximum_svn: self.config.limits.maximum_svn.map(Version::version),
            crl_max_age: self.crl_max_age(),
            parent: parent.as_deref().and_then(ServerAddress::parse),
            ..default
        };
        Ok((section.address.0.clone(), rsp_smds::Credentials { ds_auth, anchors, crls }, settings))
    }

    /// The age in seconds beyond which CRLs count no more, if they are demanded at all.
    pub(crate) fn crl_max_age(&self) -> Option<i64> {
        let section = &self.config.crl;
        section.required.then(|| section.max_age_days.map_or(ANY_AGE, |days| i64::from(days) * 86_400))
    }

    /// Limits and choices, with the defaults of the program where the file is silent.
    pub(crate) fn settings(&self) -> Settings {
        let default = Settings::default();
        let limits = &self.config.limits;
        Settings {
            eligibility: Eligibility {
                minimum_svn: limits.minimum_svn.map_or(default.eligibility.minimum_svn, Version::version),
                maximum_svn: limits.maximum_svn.map(Version::version),
                blocked_tacs: self.config.eligibility.blocked_tacs.iter().map(|tac| tac.0).collect(),
            },
            crl_max_age: self.crl_max_age(),
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
            ..default
        }
    }
}

/// Reads a configuration; an error names the keys, not the file.
fn extract<T: DeserializeOwned>(text: impl Provider) -> Result<T, String> {
    Figment::from(text).extract().map_err(|error| {
        let problems: Vec<_> =
            error.into_iter().map(|error| format!("{}: {}", error.path.join("."), error.kind)).collect();
        problems.join("; ")
    })
}

/// A server's own address; an IPv6 address may stand there without brackets.
pub(crate) fn server_address(text: &str) -> Option<ServerAddress> {
    in_brackets(text).as_deref().and_then(ServerAddress::parse).or_else(|| ServerAddress::parse(text))
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

fn credential(entity: &Entity, provider: &'static dyn rsp_crypto::Provider) -> anyhow::Result<Credential> {
    let signer = provider.signer(entity.require_key()?)?;
    Credential::new(entity.certificate().clone(), signer).with_context(|| entity.file().display().to_string())
}

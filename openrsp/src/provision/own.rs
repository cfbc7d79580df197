//! An SM-DP+ of the user's own, made on first use, so that eSIMs can be provisioned before anything is set up.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use openrsp::subscription::Subscription;
use rsp_asn1::ProfileClass;
use rsp_crypto::Zeroizing;
use rsp_smdp::{Import, MetadataOptions};
use rsp_store::{Datastore, Operator};

use super::offline::Maker;
use crate::config::{CONFIG_FILE, ServerDir};
use crate::exit::{Exit, Failure};
use crate::smdp::issue::{files, issue};
use crate::system::{OsRandomness, create_private_dir, now};

/// The operator as whom the user orders there.
pub(super) const TENANT: &str = "own";

/// The type of profiles that is in stock.
pub(super) const PROFILE_TYPE: &str = "demo";

/// How its address stands in activation codes: where `openrsp serve` then listens.
const HOST: &str = "localhost:8443";

/// The ICCIDs that the user gives out there without it, check digits left out.
const ICCIDS: &str = "890010190000000000-890010199999999999";

/// Who acts where the SM-DP+ is set up.
const ACTOR: &str = "openrsp provision-esim";

/// The user's own SM-DP+.
pub(super) struct Own {
    dir: PathBuf,
    server: ServerDir,
    /// Held while it is set up: two commands at once must not make it twice.
    lock: File,
}

/// $XDG_CONFIG_HOME, or ~/.config.
pub(super) fn config_home() -> Option<PathBuf> {
    home("XDG_CONFIG_HOME", ".config")
}

/// A directory that a variable names, if it is an absolute path as it has to be; else one in the user's home.
fn home(variable: &str, fallback: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    named.or_else(|| std::env::home_dir().filter(|home| home.is_absolute()).map(|home| home.join(fallback)))
}

/// Where the user's data lie, for nobody else to enter.
pub(super) fn data_home() -> anyhow::Result<PathBuf> {
    let home = home("XDG_DATA_HOME", ".local/share").ok_or_else(|| {
        Failure::new(Exit::Input, "without $XDG_DATA_HOME or $HOME there is no place for what has to be kept")
    })?;
    let base = home.join("openrsp");
    create_private_dir(&base)?;
    Ok(base)
}

/// Opens it, and makes it if it is not there.
pub(super) fn open() -> anyhow::Result<Own> {
    let base = data_home()?;
    let lock = base.join("smdp.lock");
    let lock = File::options().create(true).append(true).open(&lock).with_context(|| lock.display().to_string())?;
    lock.lock()?;
    let dir = base.join("smdp");
    let shown = dir.display();
    if !dir.join(CONFIG_FILE).is_file() {
        create_private_dir(&dir)?;
        crate::init::server(&dir, HOST)?;
        eprintln!("note: no SM-DP+ is configured; made one of your own in {shown}, with a test PKI and test profiles");
    } else {
        eprintln!("note: no SM-DP+ is configured; using your own in {shown}, with a test PKI and test profiles");
    }
    Ok(Own { server: ServerDir::open(&dir)?, dir, lock })
}

impl Own {
    /// Where it lies.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its directory, read.
    pub(super) fn server(&self) -> &ServerDir {
        &self.server
    }

    /// What makes batches for it.
    pub(super) fn maker(&self) -> anyhow::Result<Maker> {
        let (certificate, key) = files(&self.server, TENANT);
        let (smdp, iccids) = (self.server.address()?, ICCIDS.parse()?);
        Ok(Maker { smdp, profile_type: PROFILE_TYPE.to_owned(), certificate, key, iccids })
    }

    /// Makes the user known to it and fills its stock, as far as that was not done before.
    pub(super) async fn prepare(&self) -> anyhow::Result<Arc<Datastore>> {
        let orders = self.server.orders(ACTOR).await?;
        let issued =
            issue(&self.server, TENANT, None).map_err(|problem| Failure::new(Exit::Failed, problem.message))?;
        let operator = Operator {
            name: TENANT.to_owned(),
            certificate: issued.fingerprint,
            endpoint: None,
            iccid_prefix: String::new(),
            imsi_prefix: String::new(),
            created_at: now(),
        };
        match orders.store().operator(TENANT).await? {
            None => orders.add_operator(operator).await?,
            // A certificate that had expired was made anew.
            Some(known) if known.certificate != operator.certificate => orders.change_operator(operator).await?,
            Some(_) => {}
        }
        if orders.store().profile_type(PROFILE_TYPE).await?.is_none() {
            let package = Subscription::fresh(&mut OsRandomness)?.package().to_vec();
            let metadata = MetadataOptions {
                service_provider_name: Some("OpenRSP".to_owned()),
                profile_name: Some("Demo".to_owned()),
                class: Some(ProfileClass::OPERATIONAL),
                ..MetadataOptions::default()
            };
            let import = Import {
                type_name: PROFILE_TYPE.to_owned(),
                operator: Some(TENANT.to_owned()),
                package: Zeroizing::new(package),
                template: true,
                iccids: None,
                metadata,
                allow_published_keys: false,
            };
            orders.import(import).await?;
        }
        self.lock.unlock()?;
        self.server.store().await
    }
}

//! `openrsp init`: makes the directory of a server.

mod smds;
mod text;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use rsp_auth::ServerAddress;
use rsp_crypto::{Curve, Zeroizing};
use rsp_pki::Role;
use rsp_pki::directory::{Entity, InitOptions, Mint, PkiDirectory};
use rsp_pki::issue::{Host, Minted};
use rsp_store::{Datastore, KeyEncryptionKey};
use serde_json::json;

use crate::config::{CONFIG_FILE, require_code, server_address};
use crate::exit::{Exit, Failure};
use crate::system::{OsRandomness, now, write_private};
use smds::Smds;
use text::Places;

const DATABASE: &str = "openrsp.db";
const KEY_ENCRYPTION_KEY: &str = "kek.key";
const TLS_CERTIFICATE: &str = "tls.pem";
const TLS_KEY: &str = "tls.key";
const PKI: &str = "pki";
const SMDS_CERTIFICATE: &str = "smds-tls.pem";
const SMDS_KEY: &str = "smds-tls.key";
const SMDS_PKI: &str = "smds";

/// Make the directory of a server: configuration, keys, database, and a test PKI if none is given.
///
/// The server is an SM-DP+ with ES9+ for LPAs and ES2+ for operators, and an SM-DS with ES11 for LPAs and ES12 for
/// SM-DP+s. The four listen on one port after the other, beginning with that of --host: 8443 to 8446. openrsp.toml says so
/// and explains itself; take out the sections that you do not want. There is no SM-DS where a PKI that is given has neither
/// DSauth and DStls certificates nor the keys of its CIs to make them with.
#[derive(Args)]
pub(crate) struct InitArgs {
    /// The directory; made if it does not exist. Nothing in it is overwritten.
    dir: PathBuf,
    /// Certificates and keys, in the layout of `openrsp pki init` or of SGP.26. Without it, DIR/pki is made.
    #[arg(long, value_name = "DIR")]
    pki: Option<PathBuf>,
    /// Name or IP address by which LPAs reach the server, as it will stand in activation codes; an IPv6 address in
    /// brackets. The server listens on an IP address itself, and for a name on loopback.
    #[arg(long, value_name = "NAME[:PORT]", default_value = "localhost:8443")]
    host: String,
}

/// Makes everything, the configuration last: a directory without it is not a server's.
pub(crate) fn run(args: InitArgs, json: bool) -> anyhow::Result<ExitCode> {
    let (address, pki, smds) = init(&args)?;
    if json {
        let curves: Vec<_> = pki.curves().iter().map(|curve| format!("{curve:?}")).collect();
        println!("{}", json!({ "dir": args.dir, "address": address.to_string(), "curves": curves, "smds": smds }));
    } else {
        if !smds {
            eprintln!("note: without an SM-DS: the PKI has neither DSauth and DStls with their keys nor keys of CIs");
        }
        println!("{}: ready; start it with: openrsp serve {}", args.dir.display(), args.dir.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// The same without a word, with a PKI of its own.
pub(crate) fn server(dir: &Path, host: &str) -> anyhow::Result<()> {
    init(&InitArgs { dir: dir.to_owned(), pki: None, host: host.to_owned() }).map(drop)
}

/// Returns the server's address, the PKI, and whether there is an SM-DS.
fn init(args: &InitArgs) -> anyhow::Result<(ServerAddress, PkiDirectory, bool)> {
    let (address, host) = parse_host(&args.host)?;
    // Whatever is given is read before anything is made: a command that fails leaves nothing behind.
    let given = args.pki.as_deref().map(|path| Given::read(path, &host)).transpose()?;
    let pki_path = given.as_ref().map_or(Path::new(PKI), |given| &given.path);
    let pki_path = pki_path.to_str().with_context(|| format!("{}: not UTF-8", pki_path.display()))?.to_owned();
    let places = Places::new(&address, &host);
    let place = Place::new(&args.dir, given.is_none())?;
    let made = make(&args.dir, given, &host, |smds| places.config(&address, &pki_path, smds));
    match made {
        Ok((pki, smds)) => Ok((address, pki, smds)),
        Err(error) => {
            place.clear();
            Err(error)
        }
    }
}

/// Returns the PKI, and whether there is an SM-DS.
fn make(
    dir: &Path,
    given: Option<Given>,
    host: &Host,
    config_text: impl FnOnce(Option<&Smds>) -> String,
) -> anyhow::Result<(PkiDirectory, bool)> {
    std::fs::create_dir_all(dir).map_err(|error| Failure::new(Exit::Input, format!("{}: {error}", dir.display())))?;
    let Given { pki, tls, smds, .. } = match given {
        Some(given) => given,
        None => Given::of(PKI.into(), make_pki(dir, host)?, host)?,
    };
    tls.write(&dir.join(TLS_CERTIFICATE), &dir.join(TLS_KEY))?;
    if let Some(smds) = &smds {
        smds.write(dir)?;
    }
    make_database(dir)?;
    let config = dir.join(CONFIG_FILE);
    std::fs::write(&config, config_text(smds.as_ref())).with_context(|| config.display().to_string())?;
    Ok((pki, smds.is_some()))
}

/// Where everything will be made, and where nothing of it is yet.
struct Place {
    /// The directory and those above it that do not exist, the innermost first.
    directories: Vec<PathBuf>,
    files: Vec<PathBuf>,
    pkis: Vec<PathBuf>,
}

impl Place {
    /// Refuses a directory in which something would be overwritten.
    fn new(dir: &Path, with_pki: bool) -> anyhow::Result<Self> {
        let refuse =
            |path: &Path, problem: &str| Err(Failure::new(Exit::Input, format!("{}: {problem}", path.display())));
        if dir.exists() && !dir.is_dir() {
            return refuse(dir, "is no directory");
        }
        let files = [CONFIG_FILE, TLS_CERTIFICATE, TLS_KEY, SMDS_CERTIFICATE, SMDS_KEY, KEY_ENCRYPTION_KEY, DATABASE];
        let files = files.map(str::to_owned);
        let sides = ["-wal", "-shm"].map(|suffix| format!("{DATABASE}{suffix}"));
        let files: Vec<_> = files.iter().chain(&sides).map(|name| dir.join(name)).collect();
        let pkis = [Some(SMDS_PKI), with_pki.then_some(PKI)];
        let pkis: Vec<_> = pkis.into_iter().flatten().map(|name| dir.join(name)).collect();
        for path in files.iter().chain(&pkis) {
            if path.symlink_metadata().is_ok() {
                return refuse(path, "exists already");
            }
        }
        let missing = dir.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists());
        let directories: Vec<_> = missing.map(Path::to_owned).collect();
        for path in &directories {
            // By its components: a slash at the end would ask for what the link leads to.
            if let (Ok(to), Err(error)) = (path.components().as_path().read_link(), path.metadata()) {
                return refuse(path, &format!("is a symbolic link to {}: {error}", to.display()));
            }
        }
        Ok(Self { directories, files, pkis })
    }

    /// Takes back what was made. What cannot be removed is no worse than the failure that is reported.
    fn clear(&self) {
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
        for pki in &self.pkis {
            let _ = std::fs::remove_dir_all(pki);
        }
        for directory in &self.directories {
            let _ = std::fs::remove_dir(directory);
        }
    }
}

/// The address for activation codes, and the same host for the TLS certificate.
fn parse_host(text: &str) -> anyhow::Result<(ServerAddress, Host)> {
    let usage = |problem: String| Failure::new(Exit::Usage, format!("--host {text}: {problem}"));
    let address =
        server_address(text).ok_or_else(|| usage("no NAME[:PORT]; an IPv6 address stands in brackets".to_owned()))?;
    require_code(&address, "", false).map_err(|error| usage(format!("{error:#}")))?;
    let host = address.host().parse().map_err(|error| usage(format!("{error}")))?;
    Ok((address, host))
}

fn make_pki(dir: &Path, host: &Host) -> anyhow::Result<PkiDirectory> {
    let options = InitOptions { dp_host: host.clone(), ds_host: host.clone(), ..InitOptions::default() };
    PkiDirectory::init(&dir.join(PKI), &options, now(), &mut OsRandomness)
        .map_err(|error| Failure::new(Exit::Input, error))
}

/// A PKI with everything that a server needs of it.
struct Given {
    path: PathBuf,
    pki: PkiDirectory,
    tls: Pair,
    smds: Option<Smds>,
}

impl Given {
    /// Somebody else's.
    fn read(path: &Path, host: &Host) -> anyhow::Result<Self> {
        let pki = PkiDirectory::open(path, Some(now())).map_err(|error| Failure::new(Exit::Input, error))?;
        Self::of(path.canonicalize().with_context(|| path.display().to_string())?, pki, host)
    }

    fn of(path: PathBuf, pki: PkiDirectory, host: &Host) -> anyhow::Result<Self> {
        let (tls, smds) = (Pair::dp_tls(&pki, host)?, Smds::of(&pki, host)?);
        Ok(Self { path, pki, tls, smds })
    }
}

/// A certificate and its key, as their files will hold them.
struct Pair {
    certificate: String,
    key: Zeroizing<String>,
}

impl Pair {
    /// CERT.DP.TLS: a fresh certificate where the CI can sign one, for published ones expire; else the one that is there.
    fn dp_tls(pki: &PkiDirectory, host: &Host) -> anyhow::Result<Self> {
        Self::tls(pki, Role::DpTls, host)?.ok_or_else(|| {
            let problem = "neither the key of the P-256 CI nor a DPtls certificate with its key is there";
            Failure::new(Exit::Input, format!("{}: {problem}", pki.root().display()))
        })
    }

    /// The same for either kind of server, if it can be had.
    fn tls(pki: &PkiDirectory, role: Role, host: &Host) -> anyhow::Result<Option<Self>> {
        if pki.ci(Curve::P256).is_some_and(|ci| ci.key().is_some()) {
            let mint = Mint { now: now(), randomness: &mut OsRandomness };
            let minted = pki.mint_tls(role, host, mint).map_err(|error| Failure::new(Exit::Input, error))?;
            return Self::minted(&minted).map(Some);
        }
        let with_key = pki.candidates(Curve::P256, role).find(|entity| entity.key().is_some());
        with_key.map(Self::of).transpose()
    }

    fn of(entity: &Entity) -> anyhow::Result<Self> {
        Ok(Self { certificate: entity.certificate().to_pem(), key: entity.require_key()?.to_pem()? })
    }

    fn minted(minted: &Minted) -> anyhow::Result<Self> {
        Ok(Self { certificate: minted.certificate.to_pem(), key: minted.key.to_pem()? })
    }

    fn write(&self, certificate: &Path, key: &Path) -> anyhow::Result<()> {
        write_private(key, self.key.as_bytes())?;
        std::fs::write(certificate, &self.certificate).with_context(|| certificate.display().to_string())
    }
}

fn make_database(dir: &Path) -> anyhow::Result<()> {
    let key = KeyEncryptionKey::generate(&mut OsRandomness);
    let text = Zeroizing::new(hex::encode(key.as_bytes()) + "\n");
    write_private(&dir.join(KEY_ENCRYPTION_KEY), text.as_bytes())?;
    let database = dir.join(DATABASE);
    // SQLite gives its side files the permissions of this one.
    write_private(&database, b"")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Datastore::create(&database, &key, Box::new(OsRandomness)).await;
        store.with_context(|| database.display().to_string())?.close().await;
        Ok(())
    })
}

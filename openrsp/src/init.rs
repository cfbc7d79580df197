//! `openrsp init`: makes the directory of a server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use rsp_auth::ServerAddress;
use rsp_crypto::{Curve, Zeroizing};
use rsp_pki::Role;
use rsp_pki::directory::{InitOptions, Mint, PkiDirectory};
use rsp_pki::issue::Host;
use rsp_store::{Datastore, KeyEncryptionKey};
use serde_json::json;

use crate::config::{CONFIG_FILE, in_brackets, require_code};
use crate::exit::{Exit, Failure};
use crate::system::{OsRandomness, now, write_private};

const DATABASE: &str = "openrsp.db";
const KEY_ENCRYPTION_KEY: &str = "kek.key";
const TLS_CERTIFICATE: &str = "tls.pem";
const TLS_KEY: &str = "tls.key";
const PKI: &str = "pki";
const DEFAULT_PORT: u16 = 8443;

/// Make the directory of an SM-DP+: configuration, keys, database, and a test PKI if none is given.
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
    let (address, host) = parse_host(&args.host)?;
    // Whatever is given is read before anything is made: a command that fails leaves nothing behind.
    let given = args.pki.as_deref().map(|path| Given::read(path, &host)).transpose()?;
    let pki_path = given.as_ref().map_or(Path::new(PKI), |given| &given.path);
    let config_text = config_text(&address, &host, pki_path)?;
    let place = Place::new(&args.dir, given.is_none())?;
    let pki = match make(&args.dir, given, &host, &config_text) {
        Ok(pki) => pki,
        Err(error) => {
            place.clear();
            return Err(error);
        }
    };
    if json {
        let curves: Vec<_> = pki.curves().iter().map(|curve| format!("{curve:?}")).collect();
        println!("{}", json!({ "dir": args.dir, "address": address.to_string(), "curves": curves }));
    } else {
        println!("{}: ready; start it with: openrsp serve {}", args.dir.display(), args.dir.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn make(dir: &Path, given: Option<Given>, host: &Host, config_text: &str) -> anyhow::Result<PkiDirectory> {
    std::fs::create_dir_all(dir).map_err(|error| Failure::new(Exit::Input, format!("{}: {error}", dir.display())))?;
    let (pki, tls) = match given {
        Some(given) => (given.pki, given.tls),
        None => {
            let pki = make_pki(dir, host)?;
            let tls = Tls::of(&pki, host)?;
            (pki, tls)
        }
    };
    tls.write(dir)?;
    make_database(dir)?;
    let config = dir.join(CONFIG_FILE);
    std::fs::write(&config, config_text).with_context(|| config.display().to_string())?;
    Ok(pki)
}

/// Where everything will be made, and where nothing of it is yet.
struct Place {
    /// The directory and those above it that do not exist, the innermost first.
    directories: Vec<PathBuf>,
    files: Vec<PathBuf>,
    pki: Option<PathBuf>,
}

impl Place {
    /// Refuses a directory in which something would be overwritten.
    fn new(dir: &Path, with_pki: bool) -> anyhow::Result<Self> {
        let refuse =
            |path: &Path, problem: &str| Err(Failure::new(Exit::Input, format!("{}: {problem}", path.display())));
        if dir.exists() && !dir.is_dir() {
            return refuse(dir, "is no directory");
        }
        let files = [CONFIG_FILE, TLS_CERTIFICATE, TLS_KEY, KEY_ENCRYPTION_KEY, DATABASE].map(str::to_owned);
        let sides = ["-wal", "-shm"].map(|suffix| format!("{DATABASE}{suffix}"));
        let files: Vec<_> = files.iter().chain(&sides).map(|name| dir.join(name)).collect();
        let pki = with_pki.then(|| dir.join(PKI));
        for path in files.iter().chain(&pki) {
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
        Ok(Self { directories, files, pki })
    }

    /// Takes back what was made. What cannot be removed is no worse than the failure that is reported.
    fn clear(&self) {
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
        if let Some(pki) = &self.pki {
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
    let address = in_brackets(text).as_deref().and_then(ServerAddress::parse).or_else(|| ServerAddress::parse(text));
    let address = address.ok_or_else(|| usage("no NAME[:PORT]; an IPv6 address stands in brackets".to_owned()))?;
    require_code(&address, "", false).map_err(|error| usage(format!("{error:#}")))?;
    let host = address.host().parse().map_err(|error| usage(format!("{error}")))?;
    Ok((address, host))
}

fn make_pki(dir: &Path, host: &Host) -> anyhow::Result<PkiDirectory> {
    let options = InitOptions { dp_host: host.clone(), ..InitOptions::default() };
    PkiDirectory::init(&dir.join(PKI), &options, now(), &mut OsRandomness)
        .map_err(|error| Failure::new(Exit::Input, error))
}

/// Somebody else's PKI, with everything that a server needs of it.
struct Given {
    path: PathBuf,
    pki: PkiDirectory,
    tls: Tls,
}

impl Given {
    fn read(path: &Path, host: &Host) -> anyhow::Result<Self> {
        let pki = PkiDirectory::open(path, Some(now())).map_err(|error| Failure::new(Exit::Input, error))?;
        let tls = Tls::of(&pki, host)?;
        let path = path.canonicalize().with_context(|| path.display().to_string())?;
        Ok(Self { path, pki, tls })
    }
}

/// CERT.DP.TLS and its key, as their files will hold them.
struct Tls {
    certificate: String,
    key: Zeroizing<String>,
}

impl Tls {
    /// A fresh certificate where the CI can sign one, for published ones expire; else the one that is there.
    fn of(pki: &PkiDirectory, host: &Host) -> anyhow::Result<Self> {
        if pki.ci(Curve::P256).is_some_and(|ci| ci.key().is_some()) {
            let mint = Mint { now: now(), randomness: &mut OsRandomness };
            let minted = pki.mint_dp_tls(host, mint).map_err(|error| Failure::new(Exit::Input, error))?;
            return Ok(Self { certificate: minted.certificate.to_pem(), key: minted.key.to_pem()? });
        }
        let with_key = pki.candidates(Curve::P256, Role::DpTls).find(|entity| entity.key().is_some());
        let entity = with_key.ok_or_else(|| {
            let problem = "neither the key of the P-256 CI nor a DPtls certificate with its key is there";
            Failure::new(Exit::Input, format!("{}: {problem}", pki.root().display()))
        })?;
        Ok(Self { certificate: entity.certificate().to_pem(), key: entity.require_key()?.to_pem()? })
    }

    fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let certificate = dir.join(TLS_CERTIFICATE);
        write_private(&dir.join(TLS_KEY), self.key.as_bytes())?;
        std::fs::write(&certificate, &self.certificate).with_context(|| certificate.display().to_string())
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

/// Where the server listens: an IP address itself. A name may lead to a proxy on this machine, so it is loopback's.
fn listen_address(address: &ServerAddress, host: &Host) -> SocketAddr {
    let ip = match host {
        Host::Ip(ip) => *ip,
        Host::Dns(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    SocketAddr::new(ip, address.port().unwrap_or(DEFAULT_PORT))
}

fn config_text(address: &ServerAddress, host: &Host, pki: &Path) -> anyhow::Result<String> {
    let pki = pki.to_str().with_context(|| format!("{}: not UTF-8", pki.display()))?;
    let listen = listen_address(address, host);
    // Rust's quoting of these characters is also TOML's.
    Ok(format!(
        r#"# Configuration of an OpenRSP SM-DP+. Paths are relative to this file.

[smdp]
# Where LPAs reach the server, as it stands in activation codes: host or host:port. Both forms are accepted in requests.
address = {address:?}
# Where the server listens. Behind a TLS proxy: a loopback address and `openrsp serve --plain-http`.
listen = "{listen}"
# CI, DPauth and DPpb certificates and keys: the layout of `openrsp pki init`, or SGP.26's.
pki = {pki:?}

[tls]
# CERT.DP.TLS and its key. The key file must have mode 0600.
certificate = {TLS_CERTIFICATE:?}
key = {TLS_KEY:?}

[store]
# SQLite database, and the key that opens its sealed columns. Both must have mode 0600. Keep them apart in backups.
database = {DATABASE:?}
key_encryption_key = {KEY_ENCRYPTION_KEY:?}

[limits]
# eUICCs of a lower version of SGP.22 are refused.
minimum_svn = "2.0.0"
# Wrong confirmation codes before an order is closed.
confirmation_code_tries = 5
# Downloads of one order before it is closed.
downloads = 10
# Time for each step of a session; the user reads and confirms in between.
session_seconds = 300
# How long the result of an installation is awaited.
result_days = 180

[binding]
# Keys that protect the profile elements: "session-keys", or "ppk" for random keys of their own.
protection = "session-keys"
# Whether a profile is bound again when the eUICC comes back with another one-time key.
rebinding = true
"#,
        address = address.to_string(),
    ))
}

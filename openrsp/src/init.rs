//! `openrsp init`: makes the directory of a server.

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

use crate::config::CONFIG_FILE;
use crate::exit::{Exit, Failure};
use crate::system::{OsRandomness, now, write_private};

const DATABASE: &str = "openrsp.db";
const KEY_ENCRYPTION_KEY: &str = "kek.key";
const DEFAULT_PORT: u16 = 8443;

/// Make the directory of an SM-DP+: configuration, keys, database, and a test PKI if none is given.
#[derive(Args)]
pub(crate) struct InitArgs {
    /// The directory; made if it does not exist.
    dir: PathBuf,
    /// Certificates and keys, in the layout of `openrsp pki init` or of SGP.26. Without it, DIR/pki is made.
    #[arg(long, value_name = "DIR")]
    pki: Option<PathBuf>,
    /// Name or IP address by which LPAs reach the server, as it will stand in activation codes.
    #[arg(long, value_name = "NAME[:PORT]", default_value = "localhost:8443")]
    host: String,
}

/// Makes everything, the configuration last: a directory without it is not a server's.
pub(crate) fn run(args: InitArgs, json: bool) -> anyhow::Result<ExitCode> {
    let address = ServerAddress::parse(&args.host)
        .ok_or_else(|| Failure::new(Exit::Usage, format!("--host {}: no host[:port]", args.host)))?;
    let host: Host =
        address.host().parse().map_err(|error| Failure::new(Exit::Usage, format!("--host {}: {error}", args.host)))?;
    let config = args.dir.join(CONFIG_FILE);
    if config.exists() {
        return Err(Failure::new(Exit::Input, format!("{}: exists already", config.display())));
    }
    std::fs::create_dir_all(&args.dir).with_context(|| args.dir.display().to_string())?;
    let pki = make_pki(&args, &host)?;
    make_tls(&pki, &host, &args.dir)?;
    make_database(&args.dir)?;
    let pki_path = match &args.pki {
        Some(path) => path.canonicalize().with_context(|| path.display().to_string())?,
        None => PathBuf::from("pki"),
    };
    std::fs::write(&config, config_text(&address, &pki_path)?).with_context(|| config.display().to_string())?;
    if json {
        let curves: Vec<_> = pki.curves().iter().map(|curve| format!("{curve:?}")).collect();
        println!("{}", json!({ "dir": args.dir, "address": address.to_string(), "curves": curves }));
    } else {
        println!("{}: ready; start it with: openrsp serve {}", args.dir.display(), args.dir.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn make_pki(args: &InitArgs, host: &Host) -> anyhow::Result<PkiDirectory> {
    let made = match &args.pki {
        Some(path) => PkiDirectory::open(path, Some(now())),
        None => {
            let options = InitOptions { dp_host: host.clone(), ..InitOptions::default() };
            PkiDirectory::init(&args.dir.join("pki"), &options, now(), &mut OsRandomness)
        }
    };
    made.map_err(|error| Failure::new(Exit::Input, error))
}

/// A fresh certificate where the CI can sign one, for published ones expire; else the one that is there.
fn make_tls(pki: &PkiDirectory, host: &Host, dir: &Path) -> anyhow::Result<()> {
    let can_sign = pki.ci(Curve::P256).is_some_and(|ci| ci.key().is_some());
    let (certificate, key) = if can_sign {
        let mint = Mint { now: now(), randomness: &mut OsRandomness };
        let minted = pki.mint_dp_tls(host, mint).map_err(|error| Failure::new(Exit::Input, error))?;
        (minted.certificate.to_pem(), minted.key.to_pem()?)
    } else {
        let with_key = pki.candidates(Curve::P256, Role::DpTls).find(|entity| entity.key().is_some());
        let entity = with_key.ok_or_else(|| {
            let problem = "neither the key of the P-256 CI nor a DPtls certificate with its key is there";
            Failure::new(Exit::Input, format!("{}: {problem}", pki.root().display()))
        })?;
        (entity.certificate().to_pem(), entity.require_key()?.to_pem()?)
    };
    let certificate_file = dir.join("tls.pem");
    write_private(&dir.join("tls.key"), key.as_bytes())?;
    std::fs::write(&certificate_file, certificate).with_context(|| certificate_file.display().to_string())
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

fn config_text(address: &ServerAddress, pki: &Path) -> anyhow::Result<String> {
    let pki = pki.to_str().with_context(|| format!("{}: not UTF-8", pki.display()))?;
    let port = address.port().unwrap_or(DEFAULT_PORT);
    // Rust's quoting of these characters is also TOML's.
    Ok(format!(
        r#"# Configuration of an OpenRSP SM-DP+. Paths are relative to this file.

[smdp]
# Where LPAs reach the server, as it stands in activation codes: host or host:port. Both forms are accepted in requests.
address = {address:?}
# Where the server listens. Behind a TLS proxy: a loopback address and `openrsp serve --plain-http`.
listen = "127.0.0.1:{port}"
# CI, DPauth and DPpb certificates and keys: the layout of `openrsp pki init`, or SGP.26's.
pki = {pki:?}

[tls]
# CERT.DP.TLS and its key. The key file must have mode 0600.
certificate = "tls.pem"
key = "tls.key"

[store]
# SQLite database, and the key that opens its sealed columns. Both must have mode 0600. Keep them apart in backups.
database = {DATABASE:?}
key_encryption_key = {KEY_ENCRYPTION_KEY:?}

[limits]
# Wrong confirmation codes before an order is closed.
confirmation_code_tries = 5
# Downloads of one order before it is closed.
downloads = 10
# Time for each step of a session; the user reads and confirms in between.
session_seconds = 1800
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

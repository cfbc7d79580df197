//! Profiles from a foreign SM-DP+: downloaded, enabled, authenticated with, and deleted by our LPA and eUICC.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use rsp_crypto::hash;
use serde_json::{Value, json};

use crate::report::Report;
use crate::transcript::Transcript;
use crate::usim;
use openrsp::processes::{Openrsp, Service, text};
use openrsp::subscription;
use rsp_saip::ProfilePackage;

/// Take profiles from a foreign SM-DP+ on this machine with an LPA and an eUICC of ours.
#[derive(Args)]
pub(crate) struct SmdpArgs {
    /// Where the server listens: http://ADDR:PORT without TLS, https://ADDR:PORT with it.
    #[arg(long)]
    url: String,
    /// The server's name in activation codes and certificates; by default what stands in the URL.
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// The PKI of the server, with an eUICC and its key: the directory that SGP.26 publishes, or one of `openrsp pki init`.
    #[arg(long, value_name = "DIR")]
    pki: PathBuf,
    /// What to download; may be given several times.
    #[arg(long, value_name = "ID", required = true)]
    matching_id: Vec<String>,
    /// Where the server's packages lie as ID.der: with them, what the eUICC consumed is compared, and the USIM must
    /// authenticate.
    #[arg(long, value_name = "DIR")]
    packages: Option<PathBuf>,
    /// The curve of the eUICC's identity, p256 or brainpool; by default it has both.
    #[arg(long, value_name = "CURVE")]
    curve: Option<String>,
    /// The openrsp program; by default the one beside this runner.
    #[arg(long, value_name = "FILE")]
    openrsp: Option<PathBuf>,
    /// Write everything that passes, and what it takes to repeat it, into this new directory.
    #[arg(long, value_name = "DIR", requires_all = ["program", "program_version"])]
    record: Option<PathBuf>,
    /// The server's name, for the record.
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
    /// The server's version, for the record.
    #[arg(long, value_name = "VERSION")]
    program_version: Option<String>,
}

/// Runs it all.
pub(crate) fn run(args: &SmdpArgs, report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::tempdir().context("a temporary directory")?;
    let openrsp = Openrsp::find(args.openrsp.as_deref())?;
    let file = dir.path().join("card.euicc");
    let mut new = vec!["euicc", "new", text(&file)?, "--pki", text(&args.pki)?];
    new.extend(args.curve.iter().flat_map(|curve| ["--curve", curve]));
    // The server may sell generic test profiles as operational ones, with keys that everybody knows.
    new.push("--accept-published-keys");
    openrsp.run(new)?;
    let transcript = args.record.as_deref().map(Transcript::create).transpose()?;
    let record = transcript.as_ref().map(|transcript| transcript.raw("card"));
    let mut serve = vec!["euicc", "serve", text(&file)?, "--tcp", "127.0.0.1:0"];
    if let Some(record) = &record {
        serve.extend(["--record", text(record)?]);
    }
    let card = openrsp.serve(serve)?;
    let lpa = lpa_arguments(args, &card, transcript.as_ref())?;
    let mut run = Run { args, openrsp, file, card, lpa, steps: Vec::new(), report };
    for matching_id in &args.matching_id {
        run.life(matching_id)?;
    }
    run.nothing_waits()?;
    let Run { card, steps, .. } = run;
    drop(card);
    match (transcript, &args.program, &args.program_version) {
        (Some(transcript), Some(program), Some(version)) => transcript.keep_smdp(program, version, &args.pki, steps),
        _ => Ok(()),
    }
}

/// How every command of the LPA begins.
fn lpa_arguments(args: &SmdpArgs, card: &Service, transcript: Option<&Transcript>) -> anyhow::Result<Vec<String>> {
    let (scheme, address) = args.url.split_once("://").context("--url: http://ADDR:PORT or https://ADDR:PORT")?;
    let address = address.trim_end_matches('/');
    let card = format!("tcp:{}", card.address());
    let mut lpa = ["lpa", "--card", &card, "--ci", text(&args.pki)?].map(str::to_owned).to_vec();
    match scheme {
        "http" => lpa.push("--plain-http".to_owned()),
        other => ensure!(other == "https", "--url: {other} is neither http nor https"),
    }
    if let Some(host) = &args.host {
        lpa.extend(["--resolve".to_owned(), format!("{host}={address}")]);
    }
    if let Some(transcript) = transcript {
        lpa.extend(["--record".to_owned(), text(&transcript.raw("http.jsonl"))?.to_owned()]);
    }
    Ok(lpa)
}

struct Run<'a> {
    args: &'a SmdpArgs,
    openrsp: Openrsp,
    file: PathBuf,
    card: Service,
    lpa: Vec<String>,
    /// What was done at each power-on of the card.
    steps: Vec<Value>,
    report: &'a mut Report,
}

impl Run<'_> {
    /// Download, enable, authenticate, disable, delete; notifications go out with each.
    fn life(&mut self, matching_id: &str) -> anyhow::Result<()> {
        let address = match (&self.args.host, self.args.url.split_once("://")) {
            (Some(host), _) => host.clone(),
            (None, Some((_, address))) => address.trim_end_matches('/').to_owned(),
            (None, None) => self.args.url.clone(),
        };
        let code = format!("LPA:1${address}${matching_id}");
        let downloaded = self.lpa(json!({ "download": code }), &["profile", "download", &code, "--yes"], |result| {
            let field = |name: &str| result[name].as_str().unwrap_or_default().to_owned();
            Ok(format!(
                "{} “{}”, {} bytes, CI {}",
                field("iccid"),
                field("profile_name"),
                result["bpp_bytes"],
                field("ci_key_id")
            ))
        })?;
        let iccid = downloaded["iccid"].as_str().context("no ICCID")?.to_owned();
        if let Some(directory) = &self.args.packages {
            let package = directory.join(format!("{matching_id}.der"));
            let package = fs::read(&package).with_context(|| package.display().to_string())?;
            self.compare(&iccid, &package)?;
            self.change("enable", &iccid)?;
            self.authenticate(&package)?;
        } else {
            self.change("enable", &iccid)?;
        }
        self.change("disable", &iccid)?;
        self.change("delete", &iccid)
    }

    fn lpa(
        &mut self,
        step: Value,
        arguments: &[&str],
        look: impl FnOnce(&Value) -> anyhow::Result<String>,
    ) -> anyhow::Result<Value> {
        self.steps.push(step);
        let Self { openrsp, lpa, report, .. } = self;
        report.step(&arguments.join(" "), || {
            let result = openrsp.run(lpa.iter().map(String::as_str).chain(arguments.iter().copied()))?;
            let left = result["notifications"]["kept"].as_array().map_or(0, Vec::len);
            ensure!(left == 0, "the server did not take the notifications: {}", result["notifications"]);
            let seen = look(&result)?;
            Ok((result, seen))
        })
    }

    fn change(&mut self, what: &str, iccid: &str) -> anyhow::Result<()> {
        let sure: &[&str] = if what == "delete" { &["--yes"] } else { &[] };
        self.lpa(json!({ what: iccid }), &[&["profile", what, iccid], sure].concat(), |result| {
            Ok(format!("notifications {}", result["notifications"]))
        })
        .map(drop)
    }

    /// The eUICC must have consumed the elements that the server has.
    fn compare(&mut self, iccid: &str, package: &[u8]) -> anyhow::Result<()> {
        let Self { openrsp, file, report, .. } = self;
        report.check("elements as consumed", || {
            let shown = openrsp.run(["euicc", "show", text(file)?])?;
            let profile = shown["profiles"].as_array().into_iter().flatten().find(|p| p["iccid"] == iccid);
            let consumed = profile.and_then(|profile| profile["upp_sha256"].as_str()).unwrap_or_default();
            let expected = hex::encode(hash::sha256(package));
            ensure!(consumed.eq_ignore_ascii_case(&expected), "SHA-256 {consumed} instead of {expected}");
            Ok(format!("{} bytes, SHA-256 {expected}", package.len()))
        })
    }

    fn authenticate(&mut self, package: &[u8]) -> anyhow::Result<()> {
        // The network's commands are replayed as they are: the LPA has no part in them.
        self.steps.push(json!("terminal"));
        let Self { card, report, .. } = self;
        report.check("AUTHENTICATE", || {
            usim::authenticate(card.address(), &mut subscription::subscriber(&ProfilePackage::from_der(package)?)?)?;
            Ok("the network knows its subscriber".to_owned())
        })
    }

    fn nothing_waits(&mut self) -> anyhow::Result<()> {
        self.lpa(json!("terminal"), &["notification", "list"], |result| {
            ensure!(result["notifications"] == json!([]), "{}", result["notifications"]);
            Ok("0 notifications".to_owned())
        })
        .map(drop)
    }
}

/// Every certificate issuer below a directory, as PEM.
///
/// # Errors
/// Those of reading.
pub(crate) fn issuers(directory: &Path) -> anyhow::Result<String> {
    let mut found = String::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).with_context(|| directory.display().to_string())? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if path.is_dir() {
                directories.push(path);
            } else if name == "ci.pem" || (name.starts_with("CERT_CI") && name.ends_with(".pem")) {
                found += fs::read_to_string(&path).with_context(|| path.display().to_string())?.trim();
                found.push('\n');
            }
        }
    }
    ensure!(!found.is_empty(), "{}: no certificate issuer", directory.display());
    Ok(found)
}

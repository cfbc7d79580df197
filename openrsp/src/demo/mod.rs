//! `openrsp demo`: one profile, from the order to the network, in separate processes.
//!
//! Everything that the timeline shows is done by the commands that anyone can run: this module starts them, listens to
//! what they say, and plays the two parts that are not ours in the field: the device that switches the SIM on, and the
//! network that challenges it.

mod network;
mod timeline;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::exit::{Exit, Failure, exit_of};
use crate::system::{OsRandomness, write_private};
use network::Sim;
use openrsp::processes::{Openrsp, text};
use openrsp::subscription::Subscription;
use timeline::{Interface, Timeline};

/// The host name that the activation code carries. SGP.26 reserves it for tests; nothing resolves it.
const HOST: &str = "testsmdpplus1.example.com";

/// Watch one real profile travel from an SM-DP+ into a software eUICC and authenticate.
///
/// Makes a fresh test PKI, starts the SM-DP+ on TLS on a free loopback port, orders a profile, downloads it with the LPA into a
/// software eUICC, enables it, and runs AUTHENTICATE with the keys that came inside. Server, LPA and eUICC are separate
/// processes. Needs no network but loopback, and leaves nothing behind unless told to.
#[derive(Args)]
pub(crate) struct DemoArgs {
    /// A profile package (DER) to send instead of one made for the occasion; it must carry Milenage or XOR test keys.
    #[arg(long, value_name = "FILE.der")]
    profile: Option<PathBuf>,

    /// Keep PKI, database, card and package in this new directory.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,

    /// The curve on which CI, eUICC and SM-DP+ sign.
    #[arg(long, value_enum, default_value = "p256")]
    curve: CurveName,

    /// Let a whole network without a radio authenticate downloaded profiles instead: EAP-AKA and EAP-AKA' with hostapd,
    /// eapol_test and osmo-hlr, over PC/SC. Needs packages of Debian, which it names, and a program built with
    /// --features pcsc.
    #[arg(long, conflicts_with_all = ["profile", "keep", "curve"])]
    network: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum CurveName {
    P256,
    Brainpool,
}

impl CurveName {
    fn argument(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::Brainpool => "brainpool",
        }
    }
}

/// Runs the demo; a failure names its step.
pub(crate) fn run(args: DemoArgs, json: bool) -> anyhow::Result<ExitCode> {
    if args.network {
        return crate::network::run(json);
    }
    let mut timeline = Timeline::new(json);
    match demo(&args, &mut timeline) {
        Ok(summary) => {
            timeline.finish(&summary);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let exit = exit_of(&error);
            timeline.fail(&error, exit);
            Ok(exit.into())
        }
    }
}

fn demo(args: &DemoArgs, timeline: &mut Timeline) -> anyhow::Result<Value> {
    let place = Place::new(args.keep.clone())?;
    let openrsp = Openrsp::this()?;
    let (server, card, package) = (place.path("server"), place.path("card.euicc"), place.path("profile.der"));

    timeline.begin("PrepareProfile", Interface::Local);
    let subscription = match &args.profile {
        Some(file) => Subscription::from_file(file)?,
        None => Subscription::fresh(&mut OsRandomness)?,
    };
    // It holds K and OPc.
    write_private(&package, subscription.package())?;
    timeline.end(subscription.package().len());

    timeline.begin("InitServer", Interface::Local);
    openrsp.run(["init".as_ref(), server.as_os_str(), "--host".as_ref(), HOST.as_ref()])?;
    timeline.end(0);
    let pki = server.join("pki");

    timeline.begin("ImportProfile", Interface::Local);
    let mut import = vec!["smdp", "--dir", text(&server)?, "import", text(&package)?, "--type", "demo"];
    import.extend(["--spn", "OpenRSP", "--profile-name", "Demo", "--class", subscription.class()]);
    if subscription.has_published_keys() {
        // A generic test profile: this server and this card are there for it alone.
        import.push("--allow-published-keys");
    }
    for event in ["install", "enable"] {
        import.extend(["--notify", if event == "install" { NOTIFY_INSTALL } else { NOTIFY_ENABLE }]);
    }
    openrsp.run(&import)?;
    timeline.end(subscription.package().len());

    timeline.begin("OrderProfile", Interface::Local);
    let order = openrsp.run(["smdp", "--dir", text(&server)?, "order", "--type", "demo"])?;
    let code = order["activation_code"].as_str().context("the order has no activation code")?.to_owned();
    timeline.end(0);
    timeline.show_code(&code)?;

    timeline.begin("StartServer", Interface::Local);
    let smdp = openrsp.serve(["serve", text(&server)?, "--listen", "127.0.0.1:0"])?;
    timeline.end(0);

    timeline.begin("MakeEuicc", Interface::Local);
    openrsp.run(["euicc", "new", text(&card)?, "--pki", text(&pki)?, "--curve", args.curve.argument()])?;
    let euicc = openrsp.serve(["euicc", "serve", text(&card)?, "--tcp", "127.0.0.1:0"])?;
    timeline.end(0);

    let spec = format!("tcp:{}", euicc.address());
    let resolve = format!("{HOST}={}", smdp.address());
    let lpa = ["lpa", "--card", &spec, "--ci", text(&pki)?, "--resolve", &resolve];
    let download = [&lpa[..], &["profile", "download", &code, "--yes"]].concat();
    let downloaded = openrsp.follow(&download, |line| timeline.relay(line))?;
    let bpp_bytes = downloaded["bpp_bytes"].as_u64().context("the LPA did not say how large the package was")?;

    timeline.begin("EnableProfile", Interface::Es10c);
    let iccid = subscription.iccid();
    let enabled = openrsp.run([&lpa[..], &["profile", "enable", iccid]].concat())?;
    let bytes = enabled["bytes"].as_u64().and_then(|bytes| usize::try_from(bytes).ok());
    timeline.end(bytes.context("the LPA did not say what it moved")?);

    let mut sim = Sim::connect(&spec)?;
    timeline.begin("ReadEfIccid", Interface::Apdu);
    let read = sim.iccid()?;
    ensure!(read == iccid, "EF_ICCID says {read}, the order {iccid}");
    timeline.end(sim.take_bytes());
    timeline.begin("ReadEfImsi", Interface::Apdu);
    let imsi = sim.imsi()?;
    ensure!(imsi == subscription.imsi(), "EF_IMSI says {imsi}, the package {}", subscription.imsi());
    timeline.end(sim.take_bytes());
    timeline.begin("Authenticate", Interface::Apdu);
    sim.authenticate(&mut subscription.subscriber()?, &mut OsRandomness)?;
    timeline.end(sim.take_bytes());
    drop(sim);

    timeline.begin("CompareElements", Interface::Local);
    let shown = openrsp.run(["euicc", "show", text(&card)?])?;
    let profile = shown["profiles"]
        .as_array()
        .and_then(|profiles| profiles.iter().find(|profile| profile["iccid"] == iccid))
        .context("the card does not show the profile")?;
    let consumed = profile["upp_sha256"].as_str().unwrap_or_default();
    let ordered = subscription.sha256();
    ensure!(consumed.eq_ignore_ascii_case(&ordered), "the eUICC consumed {consumed}, the order was {ordered}");
    timeline.end(subscription.package().len());

    let eid = shown["eid"].as_str().context("the card does not show its EID")?.to_owned();
    Ok(serde_json::json!({
        "result": "ok", "eid": eid, "iccid": iccid, "imsi": imsi, "total_ms": timeline.total_ms(),
        "upp_bytes": subscription.package().len(), "bpp_bytes": bpp_bytes,
    }))
}

const NOTIFY_INSTALL: &str = "install=testsmdpplus1.example.com";
const NOTIFY_ENABLE: &str = "enable=testsmdpplus1.example.com";

/// Where the demo's files are: a directory that is kept, or one that goes with the demo.
enum Place {
    Kept(PathBuf),
    Passing(tempfile::TempDir),
}

impl Place {
    fn new(keep: Option<PathBuf>) -> anyhow::Result<Self> {
        let Some(dir) = keep else {
            return Ok(Self::Passing(tempfile::tempdir().context("a temporary directory")?));
        };
        std::fs::create_dir(&dir)
            .map_err(|error| Failure::new(Exit::Input, format!("--keep {}: {error}", dir.display())))?;
        Ok(Self::Kept(dir))
    }

    fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Kept(dir) => dir.join(name),
            Self::Passing(dir) => dir.path().join(name),
        }
    }
}

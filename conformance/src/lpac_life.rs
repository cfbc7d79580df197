//! The whole life of an unmodified lpac: eUICC on its stdio or in a PC/SC reader, SM-DP+ and SM-DSs on HTTPS, every result checked on both sides.

mod codes;
mod events;
mod random_codes;
mod refusals;

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::bed::{Bed, Holder, Place, Sale, Terms};
use crate::card::{Card, CardInReader, CardProcess};
use crate::lpac::Lpac;
use crate::report::Report;
use crate::transcript::Transcript;
use openrsp::onlookers;
use openrsp::processes::Openrsp;

/// Drive an unmodified lpac through its whole life with an eUICC and an SM-DP+ and two SM-DSs of ours.
#[derive(Args)]
pub(crate) struct LpacArgs {
    /// The lpac program.
    #[arg(long, value_name = "FILE")]
    lpac: PathBuf,
    /// The openrsp program; by default the one beside this runner.
    #[arg(long, value_name = "FILE")]
    openrsp: Option<PathBuf>,
    /// The curve of the eUICC's identity, p256 or brainpool; by default it has both.
    #[arg(long, value_name = "CURVE")]
    curve: Option<String>,
    /// Let lpac find the eUICC in a PC/SC reader instead of on its stdio, and let other PC/SC programs look at it. Needs
    /// Debian's pcscd, vsmartcard-vpcd, opensc and pcsc-tools, and an lpac with its driver for PC/SC.
    #[arg(long)]
    pcsc: bool,
    /// Write everything that passes, and what it takes to repeat it, into this new directory.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Let lpac read so many random activation codes besides: the first of the ten thousand that `cargo xtask qr` draws.
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with_all = ["pcsc", "record"])]
    codes: usize,
}

/// What a wrong confirmation code is answered with, and a right one.
const CONFIRMATION_CODE: &str = "20261120";
const WRONG_CODE: &str = "00000000";

/// Runs it all.
pub(crate) fn run(args: &LpacArgs, report: &mut Report) -> anyhow::Result<()> {
    let lpac = Lpac::new(&args.lpac)?;
    let mut bed = Bed::new(Openrsp::find(args.openrsp.as_deref())?, args.curve.as_deref())?;
    for (name, terms) in offers() {
        bed.sell(name, terms)?;
    }
    let transcript = args.record.as_deref().map(Transcript::create).transpose()?;
    let servers = bed.serve(transcript.as_ref().map(Transcript::dir))?;
    let record = transcript.as_ref().map(|transcript| transcript.raw("card"));
    let card = match args.pcsc {
        true => Card::Reader(CardInReader::start(bed.openrsp(), &bed.card(), &bed.reader(), record.as_deref())?),
        false => Card::Stdio(CardProcess::start(bed.openrsp(), &bed.card(), record.as_deref())?),
    };
    let mut life = Life { lpac, bed, card, report };
    let version = life.version()?;
    life.live()?;
    if args.codes > 0 {
        life.random_codes(args.codes)?;
    }
    let Life { bed, card, .. } = life;
    card.end()?;
    drop(servers);
    match transcript {
        Some(transcript) => transcript.keep_lpac(&bed, &version, if args.pcsc { "PC/SC" } else { "stdio" }),
        None => Ok(()),
    }
}

/// What is on sale, and on which terms.
fn offers() -> [(&'static str, Terms); 10] {
    let anyone = Terms::default();
    let with_code = Terms { confirmation_code: Some(CONFIRMATION_CODE), ..anyone };
    let for_the_card = Terms { eid: Some(Holder::Card), ..anyone };
    [
        ("PLAIN", anyone),
        ("REJECTED", anyone),
        ("CONFIRMED", with_code),
        ("WRONG-CODE", with_code),
        ("EVENT", Terms { smds: Some(Place::Root), ..for_the_card }),
        ("CASCADED", Terms { smds: Some(Place::Alternative), ..for_the_card }),
        ("DEFAULT", Terms { unnamed: true, ..for_the_card }),
        ("EXPIRED", Terms { expired: true, ..anyone }),
        ("HELD", Terms { held: true, ..anyone }),
        ("ANOTHER-EID", Terms { eid: Some(Holder::Another), ..anyone }),
    ]
}

struct Life<'a> {
    lpac: Lpac,
    bed: Bed,
    card: Card,
    report: &'a mut Report,
}

impl Life<'_> {
    fn version(&mut self) -> anyhow::Result<String> {
        let Self { lpac, card, report, .. } = self;
        report.step("version", || {
            let said = lpac.run(card, &["version"], ' ')?.ok()?;
            let version = said.as_str().context("lpac says no version")?.to_owned();
            Ok((version.clone(), version))
        })
    }

    fn live(&mut self) -> anyhow::Result<()> {
        self.chip()?;
        self.download()?;
        self.reject()?;
        self.confirm()?;
        self.wrong_code()?;
        self.manage()?;
        self.notifications()?;
        self.purge()?;
        self.right_code()?;
        self.events()?;
        self.default_smdp()?;
        self.refusals()?;
        self.codes()?;
        self.no_events()
    }

    /// One run of lpac that must succeed, and a look at its data.
    fn must(
        &mut self,
        name: &str,
        arguments: &[&str],
        look: impl FnOnce(&Value) -> anyhow::Result<String>,
    ) -> anyhow::Result<Value> {
        let Self { lpac, card, report, .. } = self;
        report.step(name, || {
            let outcome = lpac.run(card, arguments, 'y')?;
            let apdus = outcome.counted();
            let data = outcome.ok()?;
            let seen = look(&data)?;
            Ok((data, seen + &apdus))
        })
    }

    /// What the server says of a sale must be this state.
    fn server_says(&mut self, name: &str, state: &str) -> anyhow::Result<()> {
        let Self { bed, report, .. } = self;
        report.check(&format!("the server on {name}"), || {
            let shown = bed.state(name)?;
            ensure!(shown["state"] == state, "{} instead of {state}", shown["state"]);
            Ok(state.to_owned())
        })
    }

    /// The profiles that lpac lists must be these: ICCID and state.
    fn lists(&mut self, expected: &[(&str, &str)]) -> anyhow::Result<Value> {
        self.must("profile list", &["profile", "list"], |data| {
            let listed = pairs(data, "iccid", "profileState");
            let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            ensure!(listed == expected, "{listed:?} instead of {expected:?}");
            Ok(format!("{} profiles", listed.len()))
        })
    }

    fn chip(&mut self) -> anyhow::Result<()> {
        let (eid, address, root) = (self.bed.eid.clone(), self.bed.address(), self.bed.smds(Place::Root));
        self.must("chip info", &["chip", "info"], |data| {
            ensure!(data["eidValue"] == eid.as_str(), "EID {} instead of {eid}", data["eidValue"]);
            let version = data["EUICCInfo2"]["svn"].as_str().context("no EUICCInfo2")?;
            Ok(format!("EID {eid}, SGP.22 {version}"))
        })?;
        self.must("chip defaultsmdp", &["chip", "defaultsmdp", &address], |_| Ok(address.clone()))?;
        self.must("chip info", &["chip", "info"], |data| {
            let default = &data["EuiccConfiguredAddresses"]["defaultDpAddress"];
            ensure!(default == address.as_str(), "default SM-DP+ {default} instead of {address}");
            let smds = &data["EuiccConfiguredAddresses"]["rootDsAddress"];
            ensure!(smds == root.as_str(), "root SM-DS {smds} instead of {root}");
            Ok(format!("default SM-DP+ {address}, root SM-DS {root}"))
        })?;
        self.lists(&[]).map(drop)
    }

    fn download(&mut self) -> anyhow::Result<()> {
        let Sale { code, iccid, .. } = self.bed.sale("PLAIN")?;
        let (code, iccid) = (code.clone(), iccid.clone());
        self.must("profile download", &["profile", "download", "-a", &code], |_| Ok(iccid.clone()))?;
        self.server_says("PLAIN", "Downloaded")?;
        self.lists(&[(&iccid, "disabled")])?;
        let again = ["profile", "download", "-a", &code];
        self.fails("profile download, the same code again", &again, None)?;
        self.server_says("PLAIN", "Downloaded")
    }

    /// The user looks at the profile and does not want it.
    fn reject(&mut self) -> anyhow::Result<()> {
        let (code, kept) = (self.bed.sale("REJECTED")?.code.clone(), self.bed.sale("PLAIN")?.iccid.clone());
        let arguments = ["profile", "download", "-a", &code, "-p"];
        let outcome = self.fails("profile download -p, answered no", &arguments, None)?;
        self.server_says("REJECTED", "Error")?;
        for step in ["preview", "es10b_cancel_session", "es9p_cancel_session"] {
            ensure!(outcome.progress.iter().any(|said| said == step), "lpac did not come to {step}");
        }
        self.lists(&[(&kept, "disabled")]).map(drop)
    }

    /// The user looks at the profile, wants it and enters the confirmation code.
    fn confirm(&mut self) -> anyhow::Result<()> {
        let first = self.bed.sale("PLAIN")?.iccid.clone();
        let Sale { code, iccid, .. } = self.bed.sale("CONFIRMED")?;
        let (code, iccid) = (code.clone(), iccid.clone());
        let arguments = ["profile", "download", "-p", "-c", CONFIRMATION_CODE, "-a", &code];
        self.must("profile download -p -c, answered yes", &arguments, |_| Ok(iccid.clone()))?;
        self.server_says("CONFIRMED", "Downloaded")?;
        self.lists(&[(&first, "disabled"), (&iccid, "disabled")]).map(drop)
    }

    /// lpac tries to cancel after every failure, and always says that the user rejected. A refused session is over
    /// already, so that a typing error does not end the order.
    fn wrong_code(&mut self) -> anyhow::Result<()> {
        let code = self.bed.sale("WRONG-CODE")?.code.clone();
        let arguments = ["profile", "download", "-a", &code, "-c", WRONG_CODE];
        self.refused("profile download -c, wrong code", &arguments, "8.2.7/3.8")?;
        self.server_says("WRONG-CODE", "Released")
    }

    /// The order that was left alone is there for the right code.
    fn right_code(&mut self) -> anyhow::Result<()> {
        let code = self.bed.sale("WRONG-CODE")?.code.clone();
        let arguments = ["profile", "download", "-a", &code, "-c", CONFIRMATION_CODE];
        self.downloads("profile download -c, right code", &arguments, "WRONG-CODE")
    }

    fn manage(&mut self) -> anyhow::Result<()> {
        let (first, second) = (self.bed.sale("PLAIN")?.iccid.clone(), self.bed.sale("CONFIRMED")?.iccid.clone());
        self.must("profile enable", &["profile", "enable", &first], |_| Ok(first.clone()))?;
        self.lists(&[(&first, "enabled"), (&second, "disabled")])?;
        self.onlookers()?;
        self.must("profile nickname", &["profile", "nickname", &first, "Reise"], |_| Ok("Reise".to_owned()))?;
        let listed = self.lists(&[(&first, "enabled"), (&second, "disabled")])?;
        ensure!(listed[0]["profileNickname"] == "Reise", "the nickname is {}", listed[0]["profileNickname"]);
        self.must("profile enable, the other", &["profile", "enable", &second], |_| Ok(second.clone()))?;
        self.lists(&[(&first, "disabled"), (&second, "enabled")])?;
        self.must("profile disable", &["profile", "disable", &second], |_| Ok(second.clone()))?;
        self.must("profile delete", &["profile", "delete", &first], |_| Ok(first.clone()))?;
        self.lists(&[(&second, "disabled")]).map(drop)
    }

    /// What other PC/SC programs see while a profile is enabled.
    fn onlookers(&mut self) -> anyhow::Result<()> {
        let Self { card: Card::Reader(card), report, .. } = self else { return Ok(()) };
        report.check("pcsc_scan", || onlookers::pcsc_scan(&card.readers))?;
        report.check("opensc-tool", || onlookers::opensc_tool(&card.readers))?;
        report.check("scriptor", || onlookers::scriptor(&card.readers))
    }

    fn notifications(&mut self) -> anyhow::Result<()> {
        let (first, second) = (self.bed.sale("PLAIN")?.iccid.clone(), self.bed.sale("CONFIRMED")?.iccid.clone());
        // Each installation has its result and the notification that its metadata asks for; the second installation of the
        // first profile failed and has only its result. The second profile pushed the first one out when it was enabled.
        let expected = [
            ("install", &first),
            ("install", &first),
            ("install", &first),
            ("install", &second),
            ("install", &second),
            ("enable", &first),
            ("disable", &first),
            ("enable", &second),
            ("disable", &second),
            ("delete", &first),
        ];
        let list = self.must("notification list", &["notification", "list"], |data| {
            let listed = pairs(data, "profileManagementOperation", "iccid");
            let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            ensure!(listed == expected, "{listed:?} instead of {expected:?}");
            Ok(format!("{} notifications", listed.len()))
        })?;
        let number = list[0]["seqNumber"].to_string();
        self.must("notification process, one", &["notification", "process", &number], |_| Ok(number.clone()))?;
        self.server_says("PLAIN", "Installed")?;
        self.must("notification remove", &["notification", "remove", &number], |_| Ok(number.clone()))?;
        self.must("notification list", &["notification", "list"], |data| {
            let left = pairs(data, "profileManagementOperation", "iccid").len();
            ensure!(left + 1 == expected.len(), "{left} notifications");
            Ok(format!("{left} notifications"))
        })?;
        self.must("notification process, all", &["notification", "process", "-a", "-r"], |_| Ok("sent".to_owned()))?;
        self.no_notifications()?;
        self.server_says("PLAIN", "Deleted")?;
        self.server_says("CONFIRMED", "Installed")
    }

    fn no_notifications(&mut self) -> anyhow::Result<()> {
        let list = ["notification", "list"];
        let none = |data: &Value| {
            ensure!(*data == json!([]), "{data}");
            Ok("0 notifications".to_owned())
        };
        self.must("notification list", &list, none).map(drop)
    }

    fn purge(&mut self) -> anyhow::Result<()> {
        self.must("chip purge", &["chip", "purge", "yes"], |_| Ok("eUICCMemoryReset".to_owned()))?;
        self.lists(&[])?;
        self.must("notification process, all", &["notification", "process", "-a", "-r"], |_| Ok("sent".to_owned()))?;
        self.no_notifications()?;
        self.server_says("CONFIRMED", "Deleted")
    }
}

/// Two members of each object of a list.
fn pairs(list: &Value, first: &str, second: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    list.as_array().into_iter().flatten().map(|object| (text(&object[first]), text(&object[second]))).collect()
}

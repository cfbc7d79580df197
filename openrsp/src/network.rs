//! `openrsp demo --network`: downloaded profiles authenticate to a real network without a radio.
//!
//! ```text
//! openrsp serve ── openrsp lpa ──┐
//!    │                           ├── pcscd ── openrsp euicc serve --vpcd
//!    │              eapol_test ──┘
//!    │                   └─RADIUS─ hostapd ── bridge of rsp-network ──GSUP─ osmo-hlr
//!    └──────────────────────────── suspend, resume ─────────────────────VTY────┘
//! ```
//!
//! Everything but the card, the LPA, the SM-DP+ and the bridge is Debian's. Readers, ports and addresses are the run's own,
//! so that it disturbs nothing else on the machine; all processes end with it.

pub(crate) mod adapter;
mod eap;
mod gateway;
mod hlr;
mod partner;
mod steps;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use openrsp::onlookers;
use openrsp::processes::{Openrsp, Service, text};
use openrsp::programs;
use openrsp::readers::{self, Readers};
use openrsp::subscription::Subscription;
use rsp_crypto::RandomnessExt as _;
use rsp_network::bridge::{OwnCentre, Passed};
use rsp_network::{Imsi, Subscriber};
use serde_json::Value;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::{Exit, Failure, exit_of, report_of};
use crate::system::{OsRandomness, write_private};
use eap::{Method, Radius};
use gateway::Gateway;
use hlr::Hlr;
use partner::{Partner, Shop, Sold};
use steps::Steps;

/// The host name that activation codes carry. SGP.26 reserves it for tests; nothing resolves it.
const HOST: &str = "testsmdpplus1.example.com";
/// Attempts to remove the files of a run that is told to end.
const CLEANING: usize = 50;

/// Runs it all; a failure names its step.
pub(crate) fn run(json: bool) -> anyhow::Result<ExitCode> {
    let mut steps = Steps::new(json);
    match story(&mut steps) {
        Ok(()) => {
            steps.finish();
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            if json {
                println!("{}", report_of(&error));
            }
            eprintln!("error: {error:#}");
            Ok(exit_of(&error).into())
        }
    }
}

fn story(steps: &mut Steps) -> anyhow::Result<()> {
    steps.step("Programs", installed)?;
    let place = tempfile::tempdir().context("a temporary directory")?;
    end_on_signal(place.path().to_owned());
    let hlr = steps.step("StartHlr", || {
        let hlr = Hlr::start(&place.path().join("hlr"))?;
        let address = hlr.address();
        Ok((hlr, format!("osmo-hlr on {address}")))
    })?;
    let mut lab = Lab::new(steps, place.path(), &hlr)?;
    lab.card(steps)?;
    lab.downloads(steps)?;
    lab.onlookers(steps)?;
    let mut network = Network::new(steps, place.path(), &lab, hlr)?;
    let [first, second, test] = &lab.profiles;
    network.accepts(steps, "EapAka", Method::Aka, first.imsi())?;
    network.accepts(steps, "EapAkaPrime", Method::AkaPrime, first.imsi())?;
    network.resynchronises(steps, first)?;
    network.refuses_wrong_key(steps, first)?;
    lab.enable(steps, second.iccid(), second.imsi())?;
    network.accepts(steps, "EapAkaSecond", Method::Aka, second.imsi())?;
    network.accepts(steps, "EapAkaPrimeSecond", Method::AkaPrime, second.imsi())?;
    network.refuses_former(steps, first)?;
    lab.enable(steps, test.iccid(), test.imsi())?;
    network.accepts(steps, "EapAkaXor", Method::Aka, test.imsi())?;
    network.accepts(steps, "EapAkaPrimeXor", Method::AkaPrime, test.imsi())?;
    let sold = lab.buy(steps)?;
    lab.enable(steps, &sold.iccid, &lab.shop.imsi)?;
    network.suspends(steps, &lab, &sold)?;
    lab.enable(steps, first.iccid(), first.imsi())?;
    network.own_centre(steps, first)?;
    let reader = lab.readers.address();
    steps.step("End", move || {
        drop(network);
        drop(lab);
        ensure!(std::net::TcpStream::connect(&reader).is_err(), "the virtual reader is still there");
        place.close().context("the temporary directory")?;
        Ok(((), "every process ended, every file gone".to_owned()))
    })
}

/// Leaves nothing behind when the run is told to end: the files go here, and all processes end with this one.
fn end_on_signal(place: PathBuf) {
    std::thread::spawn(move || {
        let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
        let told = runtime.block_on(async {
            let mut terminate = signal(SignalKind::terminate())?;
            tokio::select! {
                interrupted = tokio::signal::ctrl_c() => interrupted,
                _ = terminate.recv() => Ok(()),
            }
        });
        if told.is_ok() {
            // What still runs may put a file there in the meantime.
            for _ in 0..CLEANING {
                if std::fs::remove_dir_all(&place).is_ok() {
                    break;
                }
            }
            std::process::exit(Exit::Failed as i32);
        }
    });
}

/// What must be there besides this program.
fn installed() -> anyhow::Result<((), String)> {
    let needed = [&readers::NEEDED[..], &onlookers::NEEDED, &[hlr::OSMO_HLR, eap::HOSTAPD, eap::EAPOL_TEST]].concat();
    let missing = programs::missing(&needed);
    if !missing.is_empty() {
        let missing = missing.join(" ");
        return Err(Failure::new(
            Exit::Failed,
            format!("missing packages of Debian: {missing}\n  apt-get install {missing}"),
        ));
    }
    #[cfg(not(feature = "pcsc"))]
    return Err(Failure::new(Exit::Failed, crate::system::WITHOUT_PCSC));
    #[cfg(feature = "pcsc")]
    Ok(((), format!("{} of Debian are there", needed.len())))
}

/// Our side: server, reader, card.
struct Lab {
    /// Two with Milenage, one with the XOR algorithm of test profiles.
    profiles: [Subscription; 3],
    codes: Vec<String>,
    /// A fourth, with Milenage, is sold over the REST API.
    shop: Shop,
    smdp: Service,
    /// Ended before its reader, which it would wait for.
    card: Option<Service>,
    readers: Readers,
    /// With the variable that leads to the reader.
    openrsp: Openrsp,
    pki: String,
    euicc: String,
}

impl Lab {
    fn new(steps: &mut Steps, place: &Path, hlr: &Hlr) -> anyhow::Result<Self> {
        let openrsp = Openrsp::this()?.bound();
        let server = place.join("server");
        let shop = steps.step("OpenShop", || {
            openrsp.run(["init", text(&server)?, "--host", HOST])?;
            let shop = Shop::open(&openrsp, &server, hlr.console_address())?;
            Ok((shop, "a plan, a key for the REST API, and the console of osmo-hlr".to_owned()))
        })?;
        let (profiles, codes) = steps.step("OrderProfiles", || {
            let fresh = || Subscription::fresh(&mut OsRandomness);
            let profiles = [fresh()?, fresh()?, fresh()?.into_usim_test()?];
            let mut codes = Vec::new();
            for (number, subscription) in profiles.iter().enumerate() {
                codes.push(order(&openrsp, &server, place, number, subscription)?);
            }
            Ok(((profiles, codes), "two with Milenage, one with XOR".to_owned()))
        })?;
        let smdp = steps.step("StartServer", || {
            let smdp = openrsp.serve(["serve", text(&server)?, "--listen", "127.0.0.1:0"])?;
            let address = smdp.address().to_string();
            Ok((smdp, address))
        })?;
        let readers = steps.step("StartPcscd", || {
            let directory = place.join("pcsc");
            std::fs::create_dir(&directory)?;
            let readers = Readers::start(&directory)?;
            let whose = if readers.is_private() { "seen by nobody else" } else { "seen by the whole machine" };
            let said = format!("{}, {whose}", readers.name());
            Ok((readers, said))
        })?;
        let (variable, socket) = readers.variable();
        let openrsp = openrsp.with_variable(variable, socket);
        let pki = text(&server.join("pki"))?.to_owned();
        let euicc = text(&place.join("card.euicc"))?.to_owned();
        Ok(Self { profiles, codes, shop, readers, smdp, card: None, openrsp, pki, euicc })
    }

    /// A device without a card says so; then the card comes.
    fn card(&mut self, steps: &mut Steps) -> anyhow::Result<()> {
        steps.step("NoCard", || match self.lpa(&["chip", "info"]) {
            Err(error) if error.to_string().contains("eSIM not supported") => Ok(((), error.to_string())),
            Err(error) => Err(error),
            Ok(_) => Err(anyhow::anyhow!("there is a card already")),
        })?;
        self.card = Some(steps.step("InsertCard", || {
            self.openrsp.run(["euicc", "new", &self.euicc, "--pki", &self.pki])?;
            let card = self.openrsp.serve(["euicc", "serve", &self.euicc, "--vpcd", &self.readers.address()])?;
            Ok((card, format!("in {}", self.readers.name())))
        })?);
        // The service looks for cards now and then.
        steps.step("ChipInfo", || {
            let mut seen = self.lpa(&["chip", "info"]);
            for _ in 0..50 {
                if !matches!(&seen, Err(error) if error.to_string().contains("no card")) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(100));
                seen = self.lpa(&["chip", "info"]);
            }
            let eid = seen?["eid"].as_str().context("no EID")?.to_owned();
            Ok(((), format!("EID {eid}")))
        })
    }

    /// All profiles over PC/SC; the first is enabled.
    fn downloads(&self, steps: &mut Steps) -> anyhow::Result<()> {
        for (code, name) in self.codes.iter().zip(["DownloadFirst", "DownloadSecond", "DownloadXor"]) {
            steps.step(name, || {
                let downloaded = self.lpa(&["profile", "download", code, "--yes"])?;
                Ok((
                    (),
                    format!(
                        "ICCID {}, {} bytes",
                        downloaded["iccid"].as_str().unwrap_or_default(),
                        downloaded["bpp_bytes"]
                    ),
                ))
            })?;
        }
        self.enable(steps, self.profiles[0].iccid(), self.profiles[0].imsi())
    }

    /// A partner's program orders over the REST API, and the eSIM is downloaded with the code that it was told.
    fn buy(&self, steps: &mut Steps) -> anyhow::Result<Sold> {
        let sold = steps.step("ApiProvision", || {
            let sold = self.partner()?.provision()?;
            let said = format!("POST /api/v1/esim/provision: ICCID {}", sold.iccid);
            Ok((sold, said))
        })?;
        steps.step("DownloadSold", || {
            let downloaded = self.lpa(&["profile", "download", &sold.activation_code, "--yes"])?;
            ensure!(downloaded["iccid"] == sold.iccid.as_str(), "downloaded was {}", downloaded["iccid"]);
            Ok(((), format!("ICCID {}, {} bytes", sold.iccid, downloaded["bpp_bytes"])))
        })?;
        Ok(sold)
    }

    fn partner(&self) -> anyhow::Result<Partner> {
        self.shop.partner(&self.smdp, &self.pki)
    }

    fn enable(&self, steps: &mut Steps, iccid: &str, imsi: &str) -> anyhow::Result<()> {
        steps.step("EnableProfile", || {
            self.lpa(&["profile", "enable", iccid])?;
            let listed = self.lpa(&["profile", "list"])?;
            let enabled = |profile: &&Value| profile["state"] == "enabled";
            let iccids: Vec<&Value> =
                listed["profiles"].as_array().into_iter().flatten().filter(enabled).map(|p| &p["iccid"]).collect();
            ensure!(iccids == [iccid], "enabled are {iccids:?}");
            Ok(((), format!("IMSI {imsi}")))
        })
    }

    /// What PC/SC programs of others see, and that the card answers as T=0 wants it.
    fn onlookers(&self, steps: &mut Steps) -> anyhow::Result<()> {
        steps.step("PcscScan", || Ok(((), onlookers::pcsc_scan(&self.readers)?)))?;
        steps.step("OpenscTool", || Ok(((), onlookers::opensc_tool(&self.readers)?)))?;
        steps.step("Scriptor", || Ok(((), onlookers::scriptor(&self.readers)?)))
    }

    fn lpa(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let spec = format!("pcsc:{}", self.readers.name());
        let resolve = format!("{HOST}={}", self.smdp.address());
        let lpa = ["lpa", "--card", &spec, "--ci", &self.pki, "--resolve", &resolve];
        self.openrsp.run([&lpa[..], arguments].concat())
    }
}

/// Imports a profile under a type of its own and orders it: the activation code.
fn order(
    openrsp: &Openrsp,
    server: &Path,
    place: &Path,
    number: usize,
    subscription: &Subscription,
) -> anyhow::Result<String> {
    let package = place.join(format!("profile-{number}.der"));
    // It holds K and OPc.
    write_private(&package, subscription.package())?;
    let (name, server) = (format!("network-{number}"), text(server)?);
    let import = ["smdp", "--dir", server, "import", text(&package)?, "--type", &name];
    openrsp.run([&import[..], &["--spn", "OpenRSP", "--profile-name", &name, "--class", "operational"]].concat())?;
    let order = openrsp.run(["smdp", "--dir", server, "order", "--type", &name])?;
    Ok(order["activation_code"].as_str().context("the order has no activation code")?.to_owned())
}

/// The network's side.
struct Network {
    hlr: Hlr,
    gateway: Gateway,
    radius: Radius,
}

impl Network {
    fn new(steps: &mut Steps, place: &Path, lab: &Lab, mut hlr: Hlr) -> anyhow::Result<Self> {
        steps.step("AddSubscribers", || {
            for profile in &lab.profiles {
                hlr.add(&imsi(profile)?, &profile.subscriber()?)?;
            }
            hlr.add(&lab.shop.imsi.parse()?, &lab.shop.subscriber)?;
            Ok(((), "four, with the keys of their profiles".to_owned()))
        })?;
        let (gateway, radius) = steps.step("StartHostapd", || {
            let directory = place.join("eap");
            std::fs::create_dir(&directory)?;
            let gateway = Gateway::start(&directory.join("gateway"), Box::new(hlr.client()))?;
            let radius = Radius::start(&directory, gateway.path(), lab.readers.variable())?;
            let said = format!("RADIUS on port {}, vectors from osmo-hlr", radius.port());
            Ok(((gateway, radius), said))
        })?;
        Ok(Self { hlr, gateway, radius })
    }

    /// The card authenticates as this subscriber, with a vector made for it.
    fn accepts(&self, steps: &mut Steps, name: &str, method: Method, imsi: &str) -> anyhow::Result<()> {
        steps.step(name, || {
            let passed = self.succeeds(method, imsi)?;
            let auts = passed.iter().any(|passed| matches!(passed, Passed::Resynchronised(_)));
            let after = if auts { ", after AUTS" } else { "" };
            Ok(((), format!("SUCCESS as {imsi}{after}")))
        })
    }

    /// What passed the bridge in an authentication that must succeed.
    fn succeeds(&self, method: Method, imsi: &str) -> anyhow::Result<Vec<Passed>> {
        let imsi: Imsi = imsi.parse()?;
        let attempt = self.radius.attempt(method, None)?;
        let passed = self.gateway.take_passed();
        ensure!(attempt.success, "{method} failed ({passed:?}): {}", attempt.end());
        let others: Vec<&Passed> = passed
            .iter()
            .filter(|passed| ![Passed::Vector(imsi.clone()), Passed::Resynchronised(imsi.clone())].contains(passed))
            .collect();
        ensure!(others.is_empty(), "something else passed the bridge: {others:?}");
        ensure!(passed.contains(&Passed::Vector(imsi)), "no vector passed the bridge");
        Ok(passed)
    }

    /// An authentication that must fail although the network has a vector for this subscriber.
    fn fails(&self, method: Method, profile: &Subscription, identity: Option<&str>) -> anyhow::Result<((), String)> {
        let attempt = self.radius.attempt(method, identity)?;
        let passed = self.gateway.take_passed();
        ensure!(!attempt.success, "{method} succeeded as {}", profile.imsi());
        ensure!(passed == [Passed::Vector(imsi(profile)?)], "not one vector passed the bridge, but {passed:?}");
        Ok(((), format!("FAILURE as {}, as it must be", profile.imsi())))
    }

    /// The register forgets how far it has counted: the card's AUTS tells it.
    fn resynchronises(&mut self, steps: &mut Steps, profile: &Subscription) -> anyhow::Result<()> {
        steps.step("Resynchronise", || {
            let imsi = imsi(profile)?;
            self.hlr.replace(&imsi, &profile.subscriber()?)?;
            let passed = self.succeeds(Method::Aka, profile.imsi())?;
            let expected = [Passed::Vector(imsi.clone()), Passed::Resynchronised(imsi.clone()), Passed::Vector(imsi)];
            ensure!(passed == expected, "AUTS was not seen: {passed:?}");
            Ok(((), "vector, AUTS, vector, SUCCESS: osmo-hlr had lost count, the card had not".to_owned()))
        })
    }

    /// With another K in the register, the card does not believe the network.
    fn refuses_wrong_key(&mut self, steps: &mut Steps, profile: &Subscription) -> anyhow::Result<()> {
        let imsi = imsi(profile)?;
        steps.step("WrongKey", || {
            let wrong = Subscriber::milenage(OsRandomness.bytes(), OsRandomness.bytes());
            self.hlr.replace(&imsi, &wrong)?;
            self.fails(Method::Aka, profile, None)
        })?;
        steps.step("RightKey", || {
            self.hlr.replace(&imsi, &profile.subscriber()?)?;
            self.succeeds(Method::Aka, profile.imsi())?;
            Ok(((), format!("SUCCESS as {}", profile.imsi())))
        })
    }

    /// What a partner does over the REST API of an operator's server, seen from the card.
    fn suspends(&self, steps: &mut Steps, lab: &Lab, sold: &Sold) -> anyhow::Result<()> {
        let (partner, imsi) = (lab.partner()?, &lab.shop.imsi);
        self.accepts(steps, "EapAkaSold", Method::Aka, imsi)?;
        steps.step("ApiSuspend", || {
            partner.suspend(sold)?;
            for method in [Method::Aka, Method::AkaPrime] {
                let attempt = self.radius.attempt(method, None)?;
                let passed = self.gateway.take_passed();
                ensure!(!attempt.success, "{method} succeeded as {imsi}, who is suspended");
                let refused = Passed::Refused(Some(imsi.parse()?), rsp_network::Error::NotAdmitted);
                let all = !passed.is_empty() && passed.iter().all(|passed| *passed == refused);
                ensure!(all, "something else than refusals passed the bridge: {passed:?}");
            }
            Ok(((), format!("POST …/suspend; EAP-AKA and EAP-AKA': FAILURE as {imsi}, whom osmo-hlr lets in no more")))
        })?;
        steps.step("ApiResume", || {
            partner.resume(sold)?;
            for method in [Method::Aka, Method::AkaPrime] {
                self.succeeds(method, imsi)?;
            }
            Ok(((), format!("POST …/resume; EAP-AKA and EAP-AKA': SUCCESS as {imsi}")))
        })
    }

    /// Who claims to be the subscriber of a profile that is no longer enabled.
    fn refuses_former(&self, steps: &mut Steps, former: &Subscription) -> anyhow::Result<()> {
        let realm = "wlan.mnc001.mcc001.3gppnetwork.org";
        for (name, method) in [("FormerIdentity", Method::Aka), ("FormerIdentityPrime", Method::AkaPrime)] {
            let identity = format!("{}{}@{realm}", method.prefix(), former.imsi());
            steps.step(name, || self.fails(method, former, Some(&identity)))?;
        }
        Ok(())
    }

    /// The same without osmo-hlr: the bridge answers from subscribers of this process.
    fn own_centre(&mut self, steps: &mut Steps, profile: &Subscription) -> anyhow::Result<()> {
        steps.step("OwnCentre", || {
            let mut centre = OwnCentre::new(|| OsRandomness.bytes());
            centre.insert(imsi(profile)?, profile.subscriber()?);
            self.gateway.exchange(Box::new(centre));
            Ok(((), "vectors from this process".to_owned()))
        })?;
        self.accepts(steps, "EapAkaOwn", Method::Aka, profile.imsi())?;
        self.accepts(steps, "EapAkaPrimeOwn", Method::AkaPrime, profile.imsi())
    }
}

fn imsi(profile: &Subscription) -> anyhow::Result<Imsi> {
    Ok(profile.imsi().parse()?)
}

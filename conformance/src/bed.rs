//! Our side of a run of lpac: an SM-DP+ with profiles on sale, two SM-DSs in cascade, and an eUICC, all of one PKI.

use std::fmt;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use openrsp::processes::{Openrsp, Service, text};
use rsp_asn1::Iccid;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::package;
use crate::site::Site;

/// What an order says besides the type of the profile.
#[derive(Clone, Copy, Default)]
pub(crate) struct Terms {
    pub(crate) confirmation_code: Option<&'static str>,
    /// The only eUICC that may download.
    pub(crate) eid: Option<Holder>,
    /// Whether the order has no matching ID: the eUICC asks for it by its EID.
    pub(crate) unnamed: bool,
    /// Where an event tells the eUICC of it.
    pub(crate) smds: Option<Place>,
    /// Whether its time was over before it was placed.
    pub(crate) expired: bool,
    /// Whether it is confirmed only.
    pub(crate) held: bool,
}

/// For whom an order is.
#[derive(Clone, Copy)]
pub(crate) enum Holder {
    /// The eUICC of the bed.
    Card,
    /// An eUICC that is not there.
    Another,
}

/// An SM-DS.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// The one that stands alone.
    Root,
    /// That of the SM-DP+'s process, below the root.
    Alternative,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "root SM-DS",
            Self::Alternative => "alternative SM-DS",
        })
    }
}

/// A profile on sale: imported under a type of its own, and ordered once.
pub(crate) struct Sale {
    /// Type, and matching ID if the order has one.
    pub(crate) name: &'static str,
    /// Its ICCID, as the server says it.
    pub(crate) iccid: String,
    /// The activation code.
    pub(crate) code: String,
    terms: Terms,
    package: Vec<u8>,
}

/// A test bed in a directory that goes with it.
pub(crate) struct Bed {
    dir: TempDir,
    openrsp: Openrsp,
    /// SM-DP+ and alternative SM-DS.
    server: Site,
    /// The root SM-DS.
    root: Site,
    /// The eUICC's EID.
    pub(crate) eid: String,
    sales: Vec<Sale>,
}

/// The running servers.
pub(crate) struct Servers {
    _server: Service,
    _root: Service,
}

/// Which events have notifications, besides the installation's result.
const NOTIFIED: [&str; 4] = ["install", "enable", "disable", "delete"];
const SPN: &str = "OpenRSP";
/// When an order ends that is over from the beginning.
const LONG_AGO: &str = "2026-01-01T00:00:00Z";
/// An eUICC that takes no part.
const ANOTHER_EID: &str = "89049032123451234512345678909965";

impl Bed {
    /// Makes PKI, servers and card, on these curves or on both.
    pub(crate) fn new(openrsp: Openrsp, curve: Option<&str>) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir().context("a temporary directory")?;
        let server = Site::init(&openrsp, dir.path().join("server"), None)?;
        let pki = server.path("pki");
        let root = Site::init(&openrsp, dir.path().join("root"), Some(&pki))?;
        root.serve_smds_only()?;
        server.put_below(&root)?;
        let card = dir.path().join("card.euicc");
        let root_address = root.es11();
        let mut new = vec!["euicc", "new", text(&card)?, "--pki", text(&pki)?, "--root-smds", &root_address];
        new.extend(curve.iter().flat_map(|curve| ["--curve", curve]));
        let made = openrsp.run(new)?;
        let eid = made["eid"].as_str().context("a new eUICC has no EID")?.to_owned();
        Ok(Self { dir, openrsp, server, root, eid, sales: Vec::new() })
    }

    pub(crate) fn card(&self) -> PathBuf {
        self.dir.path().join("card.euicc")
    }

    /// Where a reader can have its files.
    pub(crate) fn reader(&self) -> PathBuf {
        self.dir.path().join("reader")
    }

    /// The SM-DP+ and the alternative SM-DS.
    pub(crate) fn server(&self) -> &Site {
        &self.server
    }

    /// The root SM-DS.
    pub(crate) fn root(&self) -> &Site {
        &self.root
    }

    /// What activation codes carry: host and port.
    pub(crate) fn address(&self) -> String {
        self.server.es9plus()
    }

    /// Where LPAs find an SM-DS.
    pub(crate) fn smds(&self, place: Place) -> String {
        match place {
            Place::Root => self.root.es11(),
            Place::Alternative => self.server.es11(),
        }
    }

    pub(crate) fn openrsp(&self) -> &Openrsp {
        &self.openrsp
    }

    /// Starts the servers, recorded into new directories of this one if it is given.
    pub(crate) fn serve(&self, record: Option<&Path>) -> anyhow::Result<Servers> {
        let record = |part: &str| record.map(|directory| directory.join(part));
        // The root first: it is called from the beginning.
        let root = self.root.serve(&self.openrsp, record("root").as_deref())?;
        let server = self.server.serve(&self.openrsp, record("server").as_deref())?;
        Ok(Servers { _server: server, _root: root })
    }

    /// Imports a profile and orders it; its number among all sales makes its ICCID and keys.
    pub(crate) fn sell(&mut self, name: &'static str, terms: Terms) -> anyhow::Result<()> {
        let number = u8::try_from(self.sales.len() + 1).context("too many sales")?;
        let digits = format!("8900101000000000{number:02}");
        let check = Iccid::luhn_digit(&digits).context("digits have a check digit")?;
        let package = package::build(number, &format!("{digits}{check}"))?;
        let file = self.dir.path().join(format!("{name}.der"));
        std::fs::write(&file, &package).with_context(|| file.display().to_string())?;
        let address = self.address();
        let mut import = vec!["import".to_owned(), text(&file)?.to_owned()];
        import.extend(["--type", name, "--spn", SPN, "--profile-name", name].map(str::to_owned));
        import.extend(NOTIFIED.iter().flat_map(|event| ["--notify".to_owned(), format!("{event}={address}")]));
        self.smdp(&import)?;

        let placed = self.smdp(&self.order(name, terms)?)?;
        let field = |name: &str| placed[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
        let (code, iccid) = (field("activation_code")?, field("iccid")?);
        self.sales.push(Sale { name, iccid, code, terms, package });
        Ok(())
    }

    /// The command that places an order.
    fn order(&self, name: &str, terms: Terms) -> anyhow::Result<Vec<String>> {
        let mut order = ["order", "--type", name, "--matching-id"].map(str::to_owned).to_vec();
        order.push(if terms.unnamed { String::new() } else { name.to_owned() });
        if let Some(code) = terms.confirmation_code {
            let file = self.dir.path().join(format!("{name}.code"));
            let written = std::fs::write(&file, code)
                .and_then(|()| std::fs::set_permissions(&file, Permissions::from_mode(0o600)));
            written.with_context(|| file.display().to_string())?;
            order.extend(["--confirmation-code".to_owned(), format!("@{}", text(&file)?)]);
        }
        if let Some(holder) = terms.eid {
            order.extend(["--eid".to_owned(), self.eid_of(holder).to_owned()]);
        }
        if let Some(place) = terms.smds {
            order.extend(["--smds".to_owned(), self.smds(place)]);
        }
        if terms.expired {
            order.extend(["--expires", LONG_AGO].map(str::to_owned));
        }
        if terms.held {
            order.push("--hold".to_owned());
        }
        Ok(order)
    }

    fn eid_of(&self, holder: Holder) -> &str {
        match holder {
            Holder::Card => &self.eid,
            Holder::Another => ANOTHER_EID,
        }
    }

    /// A sale by its name.
    pub(crate) fn sale(&self, name: &str) -> anyhow::Result<&Sale> {
        self.sales.iter().find(|sale| sale.name == name).with_context(|| format!("no sale {name}"))
    }

    /// What the server says of a sale.
    pub(crate) fn state(&self, name: &str) -> anyhow::Result<Value> {
        self.show(self.sale(name)?)
    }

    fn show(&self, sale: &Sale) -> anyhow::Result<Value> {
        self.smdp(&["show".to_owned(), sale.iccid.clone()])
    }

    /// Everything that was imported and ordered, in order, so that another server can be given the same.
    pub(crate) fn sales_as_json(&self) -> Value {
        let address = self.address();
        let notify: Vec<Value> = NOTIFIED.iter().map(|event| json!([event, address])).collect();
        let sales = self.sales.iter().map(|sale| {
            let Sale { name, terms, package, .. } = sale;
            json!({
                "type": name, "spn": SPN, "profile_name": name, "notify": notify,
                "matching_id": if terms.unnamed { "" } else { name },
                "confirmation_code": terms.confirmation_code,
                "eid": terms.eid.map(|holder| self.eid_of(holder)),
                "smds_address": terms.smds.map(|place| self.smds(place)),
                "expired": terms.expired,
                "held": terms.held,
                "package": hex::encode_upper(package),
            })
        });
        sales.collect()
    }

    /// What became of each sale, without the times.
    pub(crate) fn outcome_as_json(&self) -> anyhow::Result<Value> {
        let outcome = |sale: &Sale| {
            let shown = self.show(sale)?;
            let notifications = shown["notifications"].as_array().into_iter().flatten();
            let notifications: Vec<Value> = notifications.map(|n| json!([n["seq"], n["event"]])).collect();
            Ok(json!({
                "iccid": sale.iccid, "state": shown["state"], "notifications": notifications,
                "download_tries": shown["download_tries"], "confirmation_tries": shown["confirmation_tries"],
            }))
        };
        self.sales.iter().map(outcome).collect()
    }

    fn smdp(&self, arguments: &[String]) -> anyhow::Result<Value> {
        let mut all = vec!["smdp".to_owned(), "--dir".to_owned(), text(self.server.dir())?.to_owned()];
        all.extend_from_slice(arguments);
        self.openrsp.run(all)
    }
}

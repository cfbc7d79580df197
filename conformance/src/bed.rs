//! Our side of a run of lpac: an SM-DP+ with a PKI of its own and profiles on sale, and an eUICC of that PKI.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rsp_asn1::Iccid;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::package;
use openrsp::processes::{Openrsp, Service, text};

/// A profile on sale: imported under a type of its own, and ordered once.
pub(crate) struct Sale {
    /// Type and matching ID.
    pub(crate) name: &'static str,
    /// Its ICCID, as the server says it.
    pub(crate) iccid: String,
    /// The activation code.
    pub(crate) code: String,
    confirmation_code: Option<&'static str>,
    package: Vec<u8>,
}

/// A test bed in a directory that goes with it.
pub(crate) struct Bed {
    dir: TempDir,
    openrsp: Openrsp,
    /// What activation codes carry: host and port.
    pub(crate) address: String,
    /// The eUICC's EID.
    pub(crate) eid: String,
    sales: Vec<Sale>,
}

/// Which events have notifications, besides the installation's result.
const NOTIFIED: [&str; 4] = ["install", "enable", "disable", "delete"];

impl Bed {
    /// Makes PKI, server and card, on these curves or on both.
    pub(crate) fn new(openrsp: Openrsp, curve: Option<&str>) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir().context("a temporary directory")?;
        // Free now; the server asks for exactly this port, since activation codes name it.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let server = dir.path().join("server");
        openrsp.run(["init", text(&server)?, "--host", &address])?;
        let card = dir.path().join("card.euicc");
        let pki = server.join("pki");
        let mut new = vec!["euicc", "new", text(&card)?, "--pki", text(&pki)?];
        new.extend(curve.iter().flat_map(|curve| ["--curve", curve]));
        let made = openrsp.run(new)?;
        let eid = made["eid"].as_str().context("a new eUICC has no EID")?.to_owned();
        Ok(Self { dir, openrsp, address, eid, sales: Vec::new() })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn card(&self) -> PathBuf {
        self.path("card.euicc")
    }

    pub(crate) fn pki(&self) -> PathBuf {
        self.path("server/pki")
    }

    pub(crate) fn openrsp(&self) -> &Openrsp {
        &self.openrsp
    }

    /// Starts the server, recorded into a new directory if one is given.
    pub(crate) fn serve(&self, record: Option<&Path>) -> anyhow::Result<Service> {
        let server = self.path("server");
        let mut arguments = vec!["serve", text(&server)?, "--listen", &self.address];
        if let Some(record) = record {
            arguments.extend(["--record", text(record)?]);
        }
        self.openrsp.serve(arguments)
    }

    /// Imports a profile and orders it; its number among all sales makes its ICCID and keys.
    pub(crate) fn sell(&mut self, name: &'static str, confirmation_code: Option<&'static str>) -> anyhow::Result<()> {
        let number = u8::try_from(self.sales.len() + 1).context("too many sales")?;
        let digits = format!("8900101000000000{number:02}");
        let check = Iccid::luhn_digit(&digits).context("digits have a check digit")?;
        let package = package::build(number, &format!("{digits}{check}"))?;
        let file = self.path(&format!("{name}.der"));
        std::fs::write(&file, &package).with_context(|| file.display().to_string())?;
        let mut import = vec!["import".to_owned(), text(&file)?.to_owned()];
        import.extend(["--type", name, "--spn", SPN, "--profile-name", name].map(str::to_owned));
        import.extend(NOTIFIED.iter().flat_map(|event| ["--notify".to_owned(), format!("{event}={}", self.address)]));
        self.smdp(&import)?;

        let mut order = ["order", "--type", name, "--matching-id", name].map(str::to_owned).to_vec();
        if let Some(code) = confirmation_code {
            let file = self.path(&format!("{name}.code"));
            std::fs::write(&file, code).with_context(|| file.display().to_string())?;
            order.extend(["--confirmation-code".to_owned(), format!("@{}", text(&file)?)]);
        }
        let placed = self.smdp(&order)?;
        let field = |name: &str| placed[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
        let (code, iccid) = (field("activation_code")?, field("iccid")?);
        self.sales.push(Sale { name, iccid, code, confirmation_code, package });
        Ok(())
    }

    /// A sale by its name.
    pub(crate) fn sale(&self, name: &str) -> anyhow::Result<&Sale> {
        self.sales.iter().find(|sale| sale.name == name).with_context(|| format!("no sale {name}"))
    }

    /// What the server says of a sale.
    pub(crate) fn state(&self, matching_id: &str) -> anyhow::Result<Value> {
        self.smdp(&["show".to_owned(), matching_id.to_owned()])
    }

    /// Everything that was imported and ordered, in order, so that another server can be given the same.
    pub(crate) fn sales_as_json(&self) -> Value {
        let notify: Vec<Value> = NOTIFIED.iter().map(|event| json!([event, self.address])).collect();
        let sales = self.sales.iter().map(|sale| {
            json!({
                "type": sale.name, "spn": SPN, "profile_name": sale.name, "notify": notify,
                "matching_id": sale.name, "confirmation_code": sale.confirmation_code,
                "package": hex::encode_upper(&sale.package),
            })
        });
        sales.collect()
    }

    /// What became of each sale, without the times.
    pub(crate) fn outcome_as_json(&self) -> anyhow::Result<Value> {
        let outcome = |sale: &Sale| {
            let shown = self.state(sale.name)?;
            let notifications = shown["notifications"].as_array().into_iter().flatten();
            let notifications: Vec<Value> = notifications.map(|n| json!([n["seq"], n["event"]])).collect();
            Ok(json!({
                "matching_id": sale.name, "state": shown["state"], "notifications": notifications,
                "download_tries": shown["download_tries"], "confirmation_tries": shown["confirmation_tries"],
            }))
        };
        self.sales.iter().map(outcome).collect()
    }

    fn smdp(&self, arguments: &[String]) -> anyhow::Result<Value> {
        let server = self.path("server");
        let mut all = vec!["smdp".to_owned(), "--dir".to_owned(), text(&server)?.to_owned()];
        all.extend_from_slice(arguments);
        self.openrsp.run(all)
    }
}

const SPN: &str = "OpenRSP";

//! One server of a test bed: a directory that `openrsp init` made, on ports that were free.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use openrsp::ports;
use openrsp::processes::{Openrsp, Service, text};
use toml::{Table, Value};

/// Interfaces that `openrsp init` puts on one port after the other: ES9+, ES2+, ES11, ES12, an operator's endpoint, and the
/// operator's portal.
const PORTS: u16 = 6;

/// A server's directory, and where its interfaces are.
pub(crate) struct Site {
    dir: PathBuf,
    first_port: u16,
}

impl Site {
    /// Makes the directory, with a PKI of its own or with one that is there.
    pub(crate) fn init(openrsp: &Openrsp, dir: PathBuf, pki: Option<&Path>) -> anyhow::Result<Self> {
        let site = Self { first_port: ports::in_a_row(PORTS)?, dir };
        let host = site.es9plus();
        let mut init = vec!["init", text(&site.dir)?, "--host", &host];
        if let Some(pki) = pki {
            init.extend(["--pki", text(pki)?]);
        }
        openrsp.run(init)?;
        Ok(site)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where LPAs reach the SM-DP+; what activation codes carry.
    pub(crate) fn es9plus(&self) -> String {
        self.address(0)
    }

    /// Where LPAs reach the SM-DS; what orders name.
    pub(crate) fn es11(&self) -> String {
        self.address(2)
    }

    /// Where events are registered at the SM-DS.
    pub(crate) fn es12(&self) -> String {
        self.address(3)
    }

    fn address(&self, number: u16) -> String {
        format!("127.0.0.1:{}", self.first_port + number)
    }

    /// Leaves the SM-DS alone: no SM-DP+ is served.
    pub(crate) fn serve_smds_only(&self) -> anyhow::Result<()> {
        self.configure(|config| {
            config.remove("es9plus");
            config.remove("es2plus");
            // It orders over ES2+.
            config.remove("operator");
            Ok(())
        })
    }

    /// Lets the SM-DP+ register events at a root SM-DS, and makes its own SM-DS an alternative one below that.
    pub(crate) fn put_below(&self, root: &Self) -> anyhow::Result<()> {
        self.configure(|config| {
            member(config, "smds")?.insert("parent".to_owned(), root.es12().into());
            let client = member(member(config, "es12")?, "client")?;
            member(client, "endpoints")?.insert(root.es11(), root.es12().into());
            let allow = member(config, "egress")?.get_mut("allow").and_then(Value::as_array_mut);
            allow.context("no egress.allow")?.push(root.es12().into());
            Ok(())
        })
    }

    fn configure(&self, change: impl FnOnce(&mut Table) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let file = self.path("openrsp.toml");
        let name = || file.display().to_string();
        let mut config: Table = fs::read_to_string(&file).with_context(name)?.parse().with_context(name)?;
        change(&mut config).with_context(name)?;
        fs::write(&file, toml::to_string(&config)?).with_context(name)
    }

    /// Starts the server, recorded into a new directory if one is given.
    pub(crate) fn serve(&self, openrsp: &Openrsp, record: Option<&Path>) -> anyhow::Result<Service> {
        let mut arguments = vec!["serve", text(&self.dir)?];
        if let Some(record) = record {
            arguments.extend(["--record", text(record)?]);
        }
        openrsp.serve(arguments)
    }
}

fn member<'a>(table: &'a mut Table, name: &str) -> anyhow::Result<&'a mut Table> {
    table.get_mut(name).and_then(Value::as_table_mut).with_context(|| format!("no section {name}"))
}

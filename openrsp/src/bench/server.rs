//! A server process of the benchmark's own, how it is reached, and the eUICCs that call it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use rsp_asn1::Eid;
use rsp_crypto::Curve;
use rsp_es::client::{Es9PlusClient, NetworkTransport, Origin, Resolve, Scheme};
use rsp_lpa::tls::CiVerifier;
use rsp_pki::directory::{Mint, PkiDirectory};
use serde_json::Value;

use super::card::BenchCard;
use crate::system::{OsRandomness, now};
use openrsp::processes::{Openrsp, Service, text};
use openrsp::subscription::Subscription;

/// The host name in the orders of the server that is measured.
pub(super) const HOST: &str = "testsmdpplus1.example.com";
/// Size of the profile package that is downloaded, in bytes: that of a TS.48 test profile.
pub(super) const PACKAGE_SIZE: usize = 12_000;
/// Name of the profile type in its inventory.
pub(super) const TYPE: &str = "bench";

/// How clients reach a server.
pub(super) struct Link {
    pub(super) origin: Origin,
    /// The SM-DP+ address that eUICCs tell it.
    pub(super) address: String,
    pub(super) resolve: Vec<Resolve>,
    pub(super) tls: Arc<rustls::ClientConfig>,
}

impl Link {
    /// A client with one connection that it keeps, or with one for each call.
    pub(super) fn client(&self, keep: bool) -> Es9PlusClient {
        let transport = NetworkTransport::new(Arc::clone(&self.tls)).with_resolve(self.resolve.clone());
        let transport = if keep { transport } else { transport.without_keep_alive() };
        Es9PlusClient::new(Arc::new(transport), self.origin.clone())
    }
}

/// What clients of a PKI believe servers by.
pub(super) fn tls(pki: &PkiDirectory) -> anyhow::Result<Arc<rustls::ClientConfig>> {
    let verifier = CiVerifier::new(pki.trust_store(), pki.crls().to_vec(), rsp_crypto::aws_lc());
    Ok(verifier.tls_config()?)
}

/// The eUICC of a PKI.
pub(super) fn card(pki: &PkiDirectory) -> anyhow::Result<BenchCard> {
    let euicc = pki.require(Curve::P256, rsp_pki::Role::Euicc)?;
    let eum = pki.require(Curve::P256, rsp_pki::Role::Eum)?;
    BenchCard::new(euicc.require_key()?, euicc.certificate(), eum.certificate())
}

/// Further eUICCs under the EUM of a PKI, each with a key and an EID of its own, numbered from `first`.
pub(super) fn mint(pki: &PkiDirectory, first: u64, count: u64) -> anyhow::Result<Vec<BenchCard>> {
    let eum = pki.require(Curve::P256, rsp_pki::Role::Eum)?;
    let own = pki.require(Curve::P256, rsp_pki::Role::Euicc)?.certificate().eid();
    // The first eight digits are the manufacturer's: its certificate permits no others.
    let manufacturer = own.context("the eUICC certificate has no EID")?.to_string()[..8].to_owned();
    let card = |number: u64| {
        let eid: Eid = format!("{manufacturer}{number:022}00").parse()?;
        let mint = Mint { now: now(), randomness: &mut OsRandomness };
        let minted = pki.mint_euicc(Curve::P256, eid.with_check_digits(), mint)?;
        BenchCard::new(&minted.key, &minted.certificate, eum.certificate())
    };
    (first..first + count).map(card).collect()
}

/// A server's directory with one profile template, and the commands of its operator.
pub(super) struct Shop {
    openrsp: Openrsp,
    dir: PathBuf,
}

impl Shop {
    /// Makes the directory `server` in `place`.
    pub(super) fn open(place: &Path) -> anyhow::Result<Self> {
        let shop = Self { openrsp: Openrsp::this()?, dir: place.join("server") };
        shop.openrsp.run(["init", text(&shop.dir)?, "--host", HOST])?;
        shop.import(place, TYPE, PACKAGE_SIZE)?;
        Ok(shop)
    }

    /// Adds a template whose package has at least `size` bytes; it is kept in `place`.
    pub(super) fn import(&self, place: &Path, kind: &str, size: usize) -> anyhow::Result<()> {
        let package = place.join(format!("{kind}.der"));
        let profile = Subscription::fresh_of_size(&mut OsRandomness, size)?;
        std::fs::write(&package, profile.package()).with_context(|| package.display().to_string())?;
        let import = ["import", text(&package)?, "--type", kind, "--template"];
        self.smdp(&[&import[..], &["--spn", "OpenRSP", "--profile-name", "Bench"]].concat(), |_| ())
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn pki(&self) -> anyhow::Result<PkiDirectory> {
        Ok(PkiDirectory::open(&self.dir.join("pki"), Some(now()))?)
    }

    /// Places so many orders for whoever comes first; the answer is their MatchingIDs.
    pub(super) fn order(&self, count: u32) -> anyhow::Result<VecDeque<String>> {
        self.order_with(&["--count", &count.to_string()])
    }

    /// Places orders with further arguments.
    pub(super) fn order_with(&self, more: &[&str]) -> anyhow::Result<VecDeque<String>> {
        self.order_of(TYPE, more)
    }

    /// Places orders of a type.
    pub(super) fn order_of(&self, kind: &str, more: &[&str]) -> anyhow::Result<VecDeque<String>> {
        let mut codes = VecDeque::new();
        self.smdp(&[&["order", "--type", kind], more].concat(), |line| {
            codes.extend(line["matching_id"].as_str().map(str::to_owned));
        })?;
        ensure!(!codes.is_empty(), "no order was placed");
        Ok(codes)
    }

    /// Cancels an order.
    pub(super) fn cancel(&self, matching_id: &str) -> anyhow::Result<()> {
        self.smdp(&["cancel", matching_id], |_| ())
    }

    /// Every profile with its order, as `openrsp smdp orders` shows them.
    pub(super) fn orders(&self) -> anyhow::Result<Vec<Value>> {
        let mut orders = Vec::new();
        self.smdp(&["orders"], |line| orders.push(line.clone()))?;
        Ok(orders)
    }

    fn smdp(&self, arguments: &[&str], each: impl FnMut(&Value)) -> anyhow::Result<()> {
        self.openrsp.follow([&["smdp", "--dir", text(&self.dir)?], arguments].concat(), each).map(drop)
    }

    /// Starts the server, with so many threads or with one for each processor.
    pub(super) fn serve(&self, workers: Option<usize>) -> anyhow::Result<(Service, Link)> {
        let workers = workers.map(|workers| workers.to_string());
        let mut arguments = vec!["serve", text(&self.dir)?, "--listen", "127.0.0.1:0"];
        arguments.extend(workers.iter().flat_map(|workers| ["--workers", workers]));
        let service = self.openrsp.serve(arguments)?;
        let link = Link {
            origin: Origin::new(Scheme::Https, HOST)?,
            address: HOST.to_owned(),
            resolve: vec![Resolve::new(HOST, None, service.address())],
            tls: tls(&self.pki()?)?,
        };
        Ok((service, link))
    }
}

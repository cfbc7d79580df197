//! `openrsp bench euicc`: what a software eUICC costs: reading a package, installing it from a file's card by STORE DATA
//! commands of 120 bytes, and how many large profiles find room.

use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use rsp_crypto::hash::sha256;
use rsp_saip::ProfilePackage;
use serde_json::{Value, json};

use super::server::{HOST, PACKAGE_SIZE, Shop, TYPE};
use openrsp::processes::{Openrsp, Service, text};
use openrsp::subscription::Subscription;

/// Name of the type of large profiles.
const LARGE: &str = "large";
/// Bytes of data in one STORE DATA command.
const BLOCK: &str = "120";

/// A software eUICC: reading a 12 kB package, installing it through 120-byte STORE DATA commands, and room for ten profiles
/// of 200 kB.
///
/// The package is read in this process, and as a measure beside it hashed once with SHA-256. The installations are real
/// downloads by `openrsp lpa --card file:… --block 120`; what counts is the step LoadBoundProfilePackage, with every commit
/// flushed to the disk, beside which the flushes alone are measured.
#[derive(Args)]
pub(super) struct EuiccArgs {
    /// How many packages to install, each on a card of its own.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=1000))]
    installations: u16,

    /// How many large profiles to put into one card.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    large: u16,

    /// Size of the packages of large profiles in bytes.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1000..=1_000_000))]
    large_size: u32,

    /// A further package to read, DER; may be given more than once. One that a card maker wrote has more and smaller elements
    /// than the one that is made here.
    #[arg(long, value_name = "FILE")]
    package: Vec<std::path::PathBuf>,

    /// Where cards and server are kept while it runs, instead of the system's directory for temporary files: the disk there
    /// is what the flushes measure.
    #[arg(long, value_name = "DIR")]
    place: Option<std::path::PathBuf>,
}

/// Runs the benchmark and prints a line for each figure.
///
/// # Errors
/// When something cannot be started, or an installation fails.
pub(super) fn run(args: &EuiccArgs, json: bool) -> anyhow::Result<()> {
    let place = match &args.place {
        Some(place) => tempfile::tempdir_in(place),
        None => tempfile::tempdir(),
    }
    .context("a temporary directory")?;
    let tell = |line: &Value, text: String| match json {
        true => println!("{line}"),
        false => println!("{text}"),
    };
    let own = Subscription::fresh_of_size(&mut crate::system::OsRandomness, PACKAGE_SIZE)?;
    let named = args.package.iter().map(|file| Subscription::from_file(file)).collect::<anyhow::Result<Vec<_>>>()?;
    for subscription in std::iter::once(&own).chain(&named) {
        let parsing = parsing(subscription.package())?;
        tell(
            &parsing.line(),
            format!(
                "reading a package of {:6} bytes      {:8.3} ms  ({:.1} times SHA-256 over it)",
                parsing.bytes,
                milliseconds(parsing.parse),
                parsing.ratio()
            ),
        );
    }
    let shop = Shop::open(place.path())?;
    let (service, _) = shop.serve(None)?;
    let bench = Bench { openrsp: Openrsp::this()?, shop, service, place: place.path() };
    let flush = flush(place.path(), 64 * 1024)?;
    let mut loads = Vec::new();
    for number in 0..args.installations {
        let card = bench.card(&format!("card{number}"))?;
        loads.push(bench.install(&card, TYPE)?);
    }
    loads.sort_by(f64::total_cmp);
    let (median, slowest) = (loads[loads.len() / 2], loads[loads.len() - 1]);
    let flush = milliseconds(flush);
    tell(
        &json!({"what": "install", "block": 120, "median_ms": median, "slowest_ms": slowest, "flush_ms": flush}),
        format!(
            "installing it, {} times             {median:8.3} ms  (slowest {slowest:.3}; a write of 64 kB with its flushes \
             {flush:.3})",
            args.installations
        ),
    );
    let (free, took) = bench.fill(args.large, args.large_size)?;
    tell(
        &json!({"what": "large", "profiles": args.large, "bytes": args.large_size, "free": free, "slowest_ms": took}),
        format!(
            "{} profiles of {} bytes in one card: installed; {free} bytes are free (slowest {took:.3} ms)",
            args.large, args.large_size
        ),
    );
    if json {
        println!("{}", json!({"result": "ok"}));
    }
    Ok(())
}

/// What reading a package takes.
struct Parsing {
    bytes: usize,
    parse: Duration,
    hash: Duration,
}

impl Parsing {
    fn ratio(&self) -> f64 {
        self.parse.as_secs_f64() / self.hash.as_secs_f64().max(1e-9)
    }

    fn line(&self) -> Value {
        let (parse, ratio) = (milliseconds(self.parse), self.ratio());
        json!({"what": "parse", "bytes": self.bytes, "median_ms": parse, "times_sha256": ratio})
    }
}

fn parsing(package: &[u8]) -> anyhow::Result<Parsing> {
    ensure!(ProfilePackage::from_der(package)?.to_der().as_slice() == package, "a package is read as it was written");
    Ok(Parsing {
        bytes: package.len(),
        parse: median(|| drop(black_box(ProfilePackage::from_der(black_box(package))))),
        hash: median(|| {
            black_box(sha256(black_box(package)));
        }),
    })
}

/// The median of a thousand runs.
fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..1000)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

/// What one commit of so many bytes cannot do without on this disk: a new file, flushed, renamed, its directory flushed.
fn flush(place: &Path, bytes: usize) -> anyhow::Result<Duration> {
    let (written, name) = (place.join("flush.new"), place.join("flush"));
    let content = vec![0x5A; bytes];
    let mut times = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        let mut file = std::fs::File::create(&written)?;
        file.write_all(&content)?;
        file.sync_all()?;
        std::fs::rename(&written, &name)?;
        std::fs::File::open(place)?.sync_all()?;
        times.push(start.elapsed());
    }
    times.sort();
    Ok(times[times.len() / 2])
}

/// A server, and what makes cards and downloads.
struct Bench<'a> {
    openrsp: Openrsp,
    shop: Shop,
    service: Service,
    place: &'a Path,
}

impl Bench<'_> {
    /// A new card; the answer is how `--card` names it.
    fn card(&self, name: &str) -> anyhow::Result<String> {
        let file = self.place.join(name);
        let pki = self.shop.dir().join("pki");
        self.openrsp.run(["euicc", "new", text(&file)?, "--pki", text(&pki)?])?;
        Ok(format!("file:{}", text(&file)?))
    }

    /// Downloads a profile of a type; the answer is how long LoadBoundProfilePackage took, in milliseconds.
    fn install(&self, card: &str, kind: &str) -> anyhow::Result<f64> {
        let matching_id = self.shop.order_of(kind, &[])?.pop_front().context("an order has a MatchingID")?;
        let mut took = None;
        let code = format!("LPA:1${HOST}${matching_id}");
        self.lpa(card, &["profile", "download", &code, "--yes"], |line| {
            if line["step"] == "LoadBoundProfilePackage" {
                took = line["ms"].as_f64();
            }
        })?;
        took.context("the LPA did not say how long LoadBoundProfilePackage took")
    }

    /// Puts large profiles into one card: the memory that is left, and how long the slowest took.
    fn fill(&self, count: u16, size: u32) -> anyhow::Result<(u64, f64)> {
        self.shop.import(self.place, LARGE, usize::try_from(size)?)?;
        let card = self.card("large")?;
        let mut slowest = 0f64;
        for number in 1..=count {
            let took = self.install(&card, LARGE).with_context(|| format!("profile {number} of {size} bytes"))?;
            slowest = slowest.max(took);
        }
        let list = self.lpa(&card, &["profile", "list"], |_| ())?;
        let installed = list["profiles"].as_array().map_or(0, Vec::len);
        ensure!(installed == usize::from(count), "{installed} of {count} profiles are installed");
        let info = self.lpa(&card, &["chip", "info"], |_| ())?;
        let free =
            info["free_non_volatile_memory"].as_u64().context("the eUICC did not say how much memory is free")?;
        Ok((free, slowest))
    }

    fn lpa(&self, card: &str, arguments: &[&str], each: impl FnMut(&Value)) -> anyhow::Result<Value> {
        let pki = self.shop.dir().join("pki");
        let resolve = format!("{HOST}={}", self.service.address());
        let connection = ["lpa", "--card", card, "--block", BLOCK, "--ci", text(&pki)?, "--resolve", &resolve];
        self.openrsp.follow([&connection[..], arguments].concat(), each)
    }
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

//! `openrsp bench`: what a download costs the server, beside what its public-key operations alone would cost; what a package
//! costs the eUICC; and attacks on the server that run for long.

mod attacks;
mod card;
mod cpu;
mod euicc;
mod floor;
mod portal;
mod server;
mod webhooks;

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use rsp_es::client::{Origin, Scheme};
use rsp_pki::directory::PkiDirectory;
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::system::{OsRandomness, now};
use card::BenchCard;
use openrsp::processes::Service;
use server::{Link, Shop};

/// Measure what this software costs, and what it withstands.
#[derive(Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Downloads(DownloadsArgs),
    Attacks(attacks::AttacksArgs),
    Euicc(euicc::EuiccArgs),
    Portal(portal::PortalArgs),
    Webhooks(webhooks::WebhooksArgs),
}

/// Full downloads against a server process of its own, with an eUICC's real cryptography.
///
/// Prints downloads per second, the server's processor time for one, latencies, and the ratio of that time to the public-key
/// floor measured in the same run (P-256, AWS-LC). Two lines: TLS 1.3 with one connection per download, and with one
/// handshake per call. SQLite runs with synchronous=FULL.
///
/// The ratio depends on the load: downloads side by side share commits, and the server gets half the processors here, where
/// `serve` takes all of them. See --clients and --workers; docs/performance.md has the figures by load.
#[derive(Args)]
struct DownloadsArgs {
    /// How long to measure each of the two ways.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,

    /// How many downloads to run side by side.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=256))]
    clients: u32,

    /// Measure a server that is already running, for example http://127.0.0.1:8000. Loopback only.
    #[arg(long, requires_all = ["pki", "matching_id"])]
    url: Option<String>,

    /// The PKI that this server and its eUICCs belong to.
    #[arg(long, value_name = "DIR", requires = "url")]
    pki: Option<PathBuf>,

    /// The MatchingID to ask for; the server must deliver it again and again.
    #[arg(long, value_name = "ID", requires = "url")]
    matching_id: Option<String>,

    /// The SM-DP+ address that eUICCs tell this server, if it is not the one in the URL.
    #[arg(long, value_name = "HOST", requires = "url")]
    smdp_address: Option<String>,

    /// The process whose processor time is the server's.
    #[arg(long, value_name = "PID", requires = "url")]
    server_pid: Option<u32>,

    /// Threads of the server; without it half the processors. The other half is for the clients.
    #[arg(long, value_name = "N", conflicts_with = "url", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
}

/// Half of this machine's processors, at least one.
fn half() -> usize {
    (std::thread::available_parallelism().map_or(1, usize::from) / 2).max(1)
}

pub(crate) fn run(args: BenchArgs, json: bool) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(half()).enable_all().build()?;
    match args.what {
        What::Downloads(args) => runtime.block_on(downloads(args, json))?,
        What::Attacks(args) => attacks::run(&args, &runtime, json)?,
        What::Euicc(args) => euicc::run(&args, json)?,
        What::Portal(args) => runtime.block_on(portal::run(&args, json))?,
        What::Webhooks(args) => runtime.block_on(webhooks::run(&args, json))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What is measured: a server, how to reach it, and what to ask it for.
struct Target {
    link: Link,
    card: BenchCard,
    orders: Orders,
    server: Option<u32>,
}

/// MatchingIDs: one for each download, or one for all.
enum Orders {
    Once(Mutex<VecDeque<String>>),
    Again(String),
}

impl Orders {
    fn next(&self) -> Option<String> {
        match self {
            Self::Once(queue) => queue.lock().ok()?.pop_front(),
            Self::Again(matching_id) => Some(matching_id.clone()),
        }
    }
}

/// How many downloads ended, how long each took, and what they cost the server.
struct Measurement {
    latencies: Vec<Duration>,
    elapsed: Duration,
    server_cpu: Option<Duration>,
    package: usize,
}

async fn downloads(args: DownloadsArgs, json: bool) -> anyhow::Result<()> {
    let verifications = floor::VERIFICATIONS - usize::from(args.url.is_none());
    let floor = tokio::task::spawn_blocking(move || floor::measure(verifications)).await??;
    let place = tempfile::tempdir().context("a temporary directory")?;
    let mut own_server = None;
    let target = Arc::new(match &args.url {
        Some(url) => foreign(url, &args)?,
        None => {
            let (service, target) = own(place.path(), &args)?;
            own_server = Some(service);
            target
        }
    });
    let mut last = Value::Null;
    for keep in [true, false] {
        // The first download of a connection and of the server's caches is not what is measured.
        measure(&target, Duration::from_millis(300), args.clients, keep).await?;
        let measurement = measure(&target, Duration::from_secs(args.seconds.into()), args.clients, keep).await?;
        let way = if keep { "one connection per download" } else { "one handshake per call" };
        let result = report(&measurement, floor, way);
        if json {
            println!("{result}");
        } else {
            println!("{}", describe(&result, &measurement, verifications));
        }
        if keep {
            last = result;
        }
    }
    if json {
        println!("{last}");
    }
    drop(own_server);
    Ok(())
}

/// A server of our own with enough orders for both measurements.
fn own(place: &Path, args: &DownloadsArgs) -> anyhow::Result<(Service, Target)> {
    let shop = Shop::open(place)?;
    // More than the fastest server that the floor allows could deliver.
    let codes = shop.order((args.seconds * 2 + 1) * 2000)?;
    let (service, link) = shop.serve(Some(args.workers.map_or(half(), usize::from)))?;
    let target = Target {
        link,
        card: server::card(&shop.pki()?)?,
        orders: Orders::Once(Mutex::new(codes)),
        server: Some(service.id()),
    };
    Ok((service, target))
}

/// A server that somebody else started, on this machine.
fn foreign(url: &str, args: &DownloadsArgs) -> anyhow::Result<Target> {
    let (scheme, authority) = match url.trim_end_matches('/').split_once("://") {
        Some(("https", authority)) => (Scheme::Https, authority),
        Some(("http", authority)) => (Scheme::PlainHttp, authority),
        _ => return Err(Failure::new(Exit::Usage, format!("--url {url}: http:// or https:// and an address"))),
    };
    let origin = Origin::new(scheme, authority)?;
    let loopback = origin.host() == "localhost"
        || origin.host().trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if !loopback {
        let problem = format!("--url {url}: a benchmark is load; only a server on loopback may be its target");
        return Err(Failure::new(Exit::Usage, problem));
    }
    let pki = args.pki.as_deref().context("--pki is needed")?;
    let pki = PkiDirectory::open(pki, Some(now()))?;
    let address = args.smdp_address.clone().unwrap_or_else(|| authority.to_owned());
    Ok(Target {
        link: Link { origin, address, resolve: Vec::new(), tls: server::tls(&pki)? },
        card: server::card(&pki)?,
        orders: Orders::Again(args.matching_id.clone().context("--matching-id is needed")?),
        server: args.server_pid,
    })
}

async fn measure(target: &Arc<Target>, time: Duration, clients: u32, keep: bool) -> anyhow::Result<Measurement> {
    let cpu_before = target.server.map(cpu::cpu_of).transpose()?;
    let start = Instant::now();
    let workers: Vec<_> = (0..clients)
        .map(|_| {
            let target = Arc::clone(target);
            tokio::spawn(async move { work(&target, start + time, keep).await })
        })
        .collect();
    let mut latencies = Vec::new();
    let mut package = 0;
    for worker in workers {
        let (times, size) = worker.await??;
        latencies.extend(times);
        package = package.max(size);
    }
    let elapsed = start.elapsed();
    let cpu_after = target.server.map(cpu::cpu_of).transpose()?;
    let server_cpu = cpu_after.zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
    latencies.sort_unstable();
    ensure!(!latencies.is_empty(), "no download ended in {} ms", time.as_millis());
    Ok(Measurement { latencies, elapsed, server_cpu, package })
}

/// Downloads one profile after another until `end`.
async fn work(target: &Target, end: Instant, keep: bool) -> anyhow::Result<(Vec<Duration>, usize)> {
    let mut times = Vec::new();
    let mut size = 0;
    while Instant::now() < end {
        let matching_id = target.orders.next().context("the orders ran out before the time did")?;
        let client = target.link.client(keep);
        let start = Instant::now();
        size = target.card.download(&client, &target.link.address, &matching_id, &mut OsRandomness).await?;
        times.push(start.elapsed());
    }
    Ok((times, size))
}

fn report(measurement: &Measurement, floor: Duration, way: &str) -> Value {
    let count = measurement.latencies.len();
    let percentile = |share: f64| millis(measurement.latencies[((count - 1) as f64 * share) as usize]);
    let cpu = measurement.server_cpu.map(|cpu| millis(cpu) / count as f64);
    json!({
        "connections": way,
        "downloads": count,
        "downloads_per_s": round(count as f64 / measurement.elapsed.as_secs_f64()),
        "server_cpu_ms": cpu.map(round),
        "floor_ms": round(millis(floor)),
        "floor_ratio": cpu.map(|cpu| round(cpu / millis(floor))),
        "p50_ms": round(percentile(0.5)),
        "p99_ms": round(percentile(0.99)),
    })
}

fn describe(result: &Value, measurement: &Measurement, verifications: usize) -> String {
    let mut text = format!("{} (package bound: {} bytes)\n", result["connections"], measurement.package);
    let _ = write!(
        text,
        "  {} downloads/s, p50 {} ms, p99 {} ms",
        result["downloads_per_s"], result["p50_ms"], result["p99_ms"]
    );
    if measurement.server_cpu.is_some() {
        let _ = write!(
            text,
            "\n  server CPU {} ms per download: {} times the public-key floor of {} ms\n  ({} signatures, {verifications} verifications, \
             one key generation, one key agreement; P-256, AWS-LC)",
            result["server_cpu_ms"],
            result["floor_ratio"],
            result["floor_ms"],
            floor::SIGNATURES
        );
    }
    text
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

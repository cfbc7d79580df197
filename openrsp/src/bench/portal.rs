//! `openrsp bench portal`: how long the portal's pages take when many orders are stored.
//!
//! It fills a database with operators, plans, orders in every state, and what happened to them, through the same statements
//! that real orders run through; starts the server; signs in; and calls every page that a link leads to.

mod browser;
mod fill;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use rsp_crypto::{RandomnessExt as _, Zeroizing};
use rsp_operator::account::{Accounts, Add, NewPassword, Origin, Role};
use rsp_operator::{Actor, Rights};
use rsp_smdp::SharedRandomness;
use serde_json::json;

use super::{millis, round};
use crate::config::{ServerDir, SystemClock};
use crate::system::OsRandomness;
use browser::Browser;
use fill::{fill, operator_name};
use openrsp::processes::{Openrsp, text};

/// How the portal's pages fare with many orders.
///
/// Fills a database (a million orders take some minutes), starts a server of its own on loopback, signs in as an operator's
/// administrator and as the server's, and calls every page that a link leads to, and the parts of pages that follow what happens,
/// each again and again on one connection; a page that nothing leads to any more is an error. Prints the median and the 99th
/// percentile of each kind of page, as its caller sees them, and beside them those of a page that does nothing but ask the
/// database whether it is there. Fails when a page takes longer than it may.
#[derive(Args)]
pub(crate) struct PortalArgs {
    /// Orders to store.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    orders: u32,

    /// Calls of each page that count; a tenth of them go before, and do not.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    calls: u32,

    /// Milliseconds that 99 of 100 calls of each page may take at most.
    #[arg(long, default_value_t = 20, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..))]
    within: u32,

    /// Keep the server's directory here, or measure the one that was kept; without it, it goes with the benchmark.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

pub(crate) async fn run(args: &PortalArgs, json: bool) -> anyhow::Result<()> {
    let passing = tempfile::tempdir().context("a temporary directory")?;
    let dir = args.keep.clone().unwrap_or_else(|| passing.path().join("server"));
    let openrsp = Openrsp::this()?;
    if !dir.exists() {
        openrsp.run(["init".as_ref(), dir.as_os_str()])?;
        let start = Instant::now();
        fill(&dir, args.orders, json).await?;
        let seconds = start.elapsed().as_secs_f64();
        if !json {
            eprintln!("{} orders stored in {seconds:.0} s", args.orders);
        }
    }
    let users = users(&dir).await?;
    let server = openrsp.serve(["serve", text(&dir)?, "--listen", "127.0.0.1:0", "--plain-http"])?;
    let address = server.listener("operator").context("the server has no portal")?;
    let (mut slowest, mut slow) = (Duration::ZERO, Vec::new());
    let within = Duration::from_millis(args.within.into());
    for (who, cookie) in users {
        let mut browser = Browser::connect(address, cookie).await?;
        let floor = browser.measure("/healthz", args.calls).await?;
        report(who, "/healthz", &floor, &floor, json);
        for (kind, paths) in browser.explore().await? {
            let mut times = Vec::new();
            for path in &paths {
                times.extend(browser.measure(path, args.calls.div_ceil(paths.len() as u32)).await?);
            }
            times.sort_unstable();
            let most = percentile(&times, 99);
            slowest = slowest.max(most);
            if most > within {
                slow.push(format!("{kind} as {who} ({:.1} ms)", millis(most)));
            }
            report(who, &kind, &times, &floor, json);
        }
    }
    if json {
        println!("{}", json!({ "orders": args.orders, "slowest_p99_ms": round(millis(slowest)) }));
    } else {
        println!("slowest page: {:.2} ms at the 99th percentile", millis(slowest));
    }
    ensure!(slow.is_empty(), "over {} ms at the 99th percentile: {}", args.within, slow.join(", "));
    Ok(())
}

fn report(who: &str, kind: &str, times: &[Duration], floor: &[Duration], json: bool) {
    let (p50, p99) = (percentile(times, 50), percentile(times, 99));
    let ratio = millis(p50) / millis(percentile(floor, 50)).max(f64::EPSILON);
    if json {
        let line = json!({
            "user": who, "page": kind, "calls": times.len(), "p50_ms": round(millis(p50)), "p99_ms": round(millis(p99)),
            "floor_ratio": round(ratio),
        });
        println!("{line}");
    } else {
        println!("{who:8} {:8.2} ms {:8.2} ms {ratio:8.1}x  {kind}", millis(p50), millis(p99));
    }
}

/// `times` are sorted.
fn percentile(times: &[Duration], share: usize) -> Duration {
    times.get((times.len() * share).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
}

/// Signs in without a browser; what it is told goes for the server that is started next.
async fn users(dir: &Path) -> anyhow::Result<Vec<(&'static str, String)>> {
    let server = ServerDir::open(dir)?;
    let store = server.store().await?;
    let origin = Origin::of("http://localhost")?;
    let randomness = SharedRandomness::new(Box::new(OsRandomness));
    let accounts = Accounts::new(Arc::clone(&store), Arc::new(SystemClock), randomness, origin);
    let me = Actor::new(None, "bench", Rights::ALL);
    let mut users = Vec::new();
    for (who, operator) in [("operator", Some(operator_name(0))), ("server", None)] {
        let name = format!("{who}-{}", hex::encode(OsRandomness.bytes::<4>()));
        let password = NewPassword::generated(&mut OsRandomness);
        let typed = Zeroizing::new(password.reveal().to_owned());
        let add = Add { name, operator, role: Role::Admin, password: Some(password) };
        let name = accounts.add_user(&me, add).await?.name;
        let signed_in = accounts.sign_in(&name, typed, None).await?;
        // The cookie has one of two names, by whether the portal is on HTTPS; a server takes its own.
        let cookies = ["https://localhost", "http://localhost"]
            .map(|url| Origin::of(url).map(|origin| format!("{}={}", origin.cookie(), signed_in.token.as_str())));
        let cookies = cookies.into_iter().collect::<Result<Vec<_>, _>>()?;
        users.push((who, cookies.join("; ")));
    }
    drop(accounts);
    if let Some(store) = Arc::into_inner(store) {
        store.close().await;
    }
    Ok(users)
}

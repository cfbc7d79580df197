//! `openrsp bench portal`: how long the portal's pages take when many orders are stored.
//!
//! It fills a database with operators, plans, orders in every state, and what happened to them, through the same statements
//! that real orders run through; starts the server; signs in; and calls every page that a link leads to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use rsp_asn1::{Eid, Iccid, Timestamp};
use rsp_crypto::{Randomness, RandomnessExt as _, Zeroizing};
use rsp_operator::account::{Accounts, Add, NewPassword, Origin, Role};
use rsp_operator::{Actor, Rights};
use rsp_smdp::SharedRandomness;
use rsp_store::{
    Error, Esim, EventKind, NetworkState, NewEvent, NewProfile, NewProfileType, Operator, Plan, ProfileChange,
    ProfileState,
};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::{millis, round};
use crate::config::{ServerDir, SystemClock};
use crate::system::{OsRandomness, now};
use openrsp::processes::{Openrsp, text};

/// Operators, and the plans of each.
const OPERATORS: u32 = 10;
const PLANS: u32 = 5;

/// Orders that are written in one transaction.
const TOGETHER: u32 = 500;

/// Pages of one kind that are called: they differ in what they show.
const OF_A_KIND: usize = 3;

/// How the portal's pages fare with many orders.
///
/// Fills a database (a million orders take some minutes), starts a server of its own on loopback, signs in as an operator's
/// administrator and as the server's, and calls every page that a link leads to, each again and again on one connection. Prints
/// the median and the 99th percentile of each kind of page, as its caller sees them, and beside them those of a page that does
/// nothing but ask the database whether it is there.
#[derive(Args)]
pub(crate) struct PortalArgs {
    /// Orders to store.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    orders: u32,

    /// Calls of each page that count; a tenth of them go before, and do not.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    calls: u32,

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
    let mut slowest = Duration::ZERO;
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
            slowest = slowest.max(percentile(&times, 99));
            report(who, &kind, &times, &floor, json);
        }
    }
    if json {
        println!("{}", json!({ "orders": args.orders, "slowest_p99_ms": round(millis(slowest)) }));
    } else {
        println!("slowest page: {:.2} ms at the 99th percentile", millis(slowest));
    }
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
        let add = Add { name: name.clone(), operator, role: Role::Admin, password: Some(password) };
        accounts.add_user(&me, add).await?;
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

/// One connection to the portal, signed in.
struct Browser {
    stream: BufReader<TcpStream>,
    cookie: String,
}

struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Browser {
    async fn connect(address: std::net::SocketAddr, cookie: String) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), cookie })
    }

    async fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\nAccept: text/html\r\n\r\n", self.cookie);
        self.stream.get_mut().write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            ensure!(head.len() < 64 * 1024, "{path}: the head of the answer does not end");
            head.push(self.stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("{path}: no HTTP"))?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let mut body = vec![0; length.unwrap_or_default()];
        self.stream.read_exact(&mut body).await?;
        Ok(Answer { status, body })
    }

    /// Every page that links lead to, by its kind.
    async fn explore(&mut self) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
        let mut kinds = BTreeMap::<String, Vec<String>>::new();
        let (mut known, mut waiting) = (BTreeSet::from(["/".to_owned()]), VecDeque::from(["/".to_owned()]));
        while let Some(path) = waiting.pop_front() {
            let of_kind = kinds.entry(kind_of(&path)).or_default();
            if of_kind.len() >= OF_A_KIND {
                continue;
            }
            let answer = self.get(&path).await?;
            ensure!(answer.status == 200, "{path}: HTTP status {}", answer.status);
            of_kind.push(path);
            let page = String::from_utf8_lossy(&answer.body);
            for link in links(&page) {
                if known.insert(link.clone()) {
                    waiting.push_back(link);
                }
            }
        }
        ensure!(kinds.len() > 1, "nobody is signed in, or the first page has no links");
        Ok(kinds)
    }

    /// The times of some calls of a page, sorted.
    async fn measure(&mut self, path: &str, calls: u32) -> anyhow::Result<Vec<Duration>> {
        for _ in 0..calls.div_ceil(10) {
            self.get(path).await?;
        }
        let mut times = Vec::new();
        for _ in 0..calls {
            let start = Instant::now();
            let answer = self.get(path).await?;
            times.push(start.elapsed());
            ensure!(answer.status == 200, "{path}: HTTP status {}", answer.status);
        }
        times.sort_unstable();
        Ok(times)
    }
}

/// A page by what it shows, whatever of: names and numbers in its path are left out.
fn kind_of(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let segment = |segment: &str| {
        let named = segment.len() > 14 || segment.contains('%') || segment.bytes().any(|byte| byte.is_ascii_digit());
        if named { "*".to_owned() } else { segment.to_owned() }
    };
    let path: Vec<_> = path.split('/').map(segment).collect();
    let mut keys: Vec<_> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    keys.sort_unstable();
    format!("{}?{}", path.join("/"), keys.join("&")).trim_end_matches('?').to_owned()
}

/// Where the links of a page lead that show pages: neither files to be saved, nor what is not the portal's.
fn links(page: &str) -> Vec<String> {
    let files = [".csv", ".zip", ".pdf", ".png", ".svg", ".eml", ".css", ".js", ".json", ".txt"];
    let mut links = Vec::new();
    for tag in page.split("<a ").skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        let Some((_, rest)) = tag.split_once("href=\"") else { continue };
        let Some((link, _)) = rest.split_once('"') else { continue };
        let link = link.replace("&amp;", "&").replace("&#38;", "&");
        let path = link.split(['?', '#']).next().unwrap_or_default();
        let page = link.starts_with('/') && !link.starts_with("//") && !tag.contains("download");
        if page && !files.iter().any(|file| path.ends_with(file)) && !path.starts_with("/docs") {
            links.push(link.split('#').next().unwrap_or_default().to_owned());
        }
    }
    links
}

fn operator_name(number: u32) -> String {
    format!("Operator {number}")
}

fn type_name(operator: u32, plan: u32) -> String {
    format!("type-{operator}-{plan}")
}

/// Fills the database of a new server.
async fn fill(dir: &Path, orders: u32, json: bool) -> anyhow::Result<()> {
    let server = ServerDir::open(dir)?;
    let store = server.store().await?;
    let end = now();
    let done: Result<(), Error> = store.run_tx("catalogue", move |tx| catalogue(tx, end)).await;
    done?;
    // The newest order is as old as the benchmark, the oldest a month.
    let begin = end.plus_seconds(-30 * 86_400);
    let step = |number: u32| i64::from(number) * 30 * 86_400 / i64::from(orders);
    let mut first = 0;
    while first < orders {
        let last = orders.min(first + TOGETHER);
        let salt = u64::from_be_bytes(OsRandomness.bytes());
        let drawn: Vec<_> = (first..last).map(|number| (number, begin.plus_seconds(step(number)))).collect();
        let done: Result<(), Error> = store
            .run_tx("orders", move |tx| drawn.iter().try_for_each(|(number, at)| order(tx, *number, *at, salt)))
            .await;
        done?;
        first = last;
        if first % 100_000 == 0 && !json {
            eprintln!("{first} orders");
        }
    }
    if let Some(store) = Arc::into_inner(store) {
        store.close().await;
    }
    Ok(())
}

fn catalogue(tx: &mut rsp_store::Transaction, at: Timestamp) -> Result<(), Error> {
    let countries = ["DE", "FR", "ES", "IT", "PL", "SE", "US", "BR", "JP", "IN"];
    for operator in 0..OPERATORS {
        tx.insert_operator(&Operator {
            name: operator_name(operator),
            certificate: rsp_crypto::hash::sha256(&operator.to_be_bytes()),
            endpoint: None,
            iccid_prefix: String::new(),
            created_at: at,
        })?;
        for plan in 0..PLANS {
            let profile_type = type_name(operator, plan);
            tx.insert_profile_type(&NewProfileType {
                name: profile_type.clone(),
                operator: Some(operator_name(operator)),
                iccids: None,
                metadata: vec![0],
                template: None,
                created_at: at,
            })?;
            tx.insert_plan(&Plan {
                operator: operator_name(operator),
                carrier: format!("Carrier {}", plan % 3),
                name: format!("Plan {plan}"),
                profile_type,
                country: countries[((operator + plan % 3) % 10) as usize].to_owned(),
                coverage: vec!["DE".to_owned()],
                data_bytes: Some(5_000_000_000),
                voice_seconds: None,
                messages: None,
                validity_days: Some(30),
                throttle_kbps: None,
                price: None,
                currency: None,
                closed: false,
                created_at: at,
            })?;
        }
    }
    Ok(())
}

/// One order with everything that happened to it.
fn order(tx: &mut rsp_store::Transaction, number: u32, at: Timestamp, salt: u64) -> Result<(), Error> {
    let (operator, plan) = (number % OPERATORS, number / OPERATORS % PLANS);
    let iccid = iccid(number);
    let profile_type = type_name(operator, plan);
    tx.insert_profile(&NewProfile {
        iccid,
        profile_type: profile_type.clone(),
        operator: Some(operator_name(operator)),
        state: ProfileState::Available,
        metadata: vec![0],
        // What is in it no page shows.
        package: Zeroizing::new(vec![0; 16]),
        at,
        by: "import".to_owned(),
    })?;
    let mut eid = [0; 16];
    Mixed(salt ^ u64::from(number)).fill(&mut eid);
    eid.iter_mut().for_each(|octet| *octet = (((*octet >> 4) % 10) << 4) | (*octet % 10));
    let mut random = [0; 16];
    Mixed(salt.rotate_left(17) ^ u64::from(number)).fill(&mut random);
    let matching_id = hex::encode_upper(random);
    let step = |step: &str, at: Timestamp, refused: Option<(&str, &str)>| NewEvent {
        at,
        operator: Some(operator_name(operator)),
        iccid: Some(iccid),
        profile_type: Some(profile_type.clone()),
        kind: EventKind::Step,
        actor: "LPA".to_owned(),
        step: Some(step.to_owned()),
        refused: refused.map(|(subject, reason)| (subject.to_owned(), reason.to_owned())),
        detail: None,
    };
    let go = |tx: &mut rsp_store::Transaction, to: ProfileState, at: Timestamp, more: &dyn Fn(&mut ProfileChange)| {
        let Some(profile) = tx.profile(&iccid)? else { return Ok(()) };
        let mut change = profile.change("bench", at);
        change.state = to;
        more(&mut change);
        tx.change_profile(&change).map(drop)
    };
    go(tx, ProfileState::Released, at, &|change| change.matching_id = Some(matching_id.clone()))?;
    let (authenticated, delivered) = (at.plus_seconds(60), at.plus_seconds(63));
    match number % 10 {
        0 => {}
        1 => go(tx, ProfileState::Unavailable, at.plus_seconds(600), &|change| change.matching_id = None)?,
        2 => {
            tx.record_event(&step("AuthenticateClient", authenticated, Some(("8.8.5", "6.4"))))?;
            go(tx, ProfileState::Error, authenticated, &|_| {})?;
        }
        3 => {
            tx.record_event(&step("AuthenticateClient", authenticated, None))?;
            tx.record_event(&step("GetBoundProfilePackage", delivered, Some(("8.2.7", "3.8"))))?;
        }
        _ => {
            tx.record_event(&step("AuthenticateClient", authenticated, None))?;
            tx.record_event(&step("GetBoundProfilePackage", delivered, None))?;
            go(tx, ProfileState::Downloaded, delivered, &|change| change.eid = Some(Eid(eid)))?;
            go(tx, ProfileState::Installed, at.plus_seconds(70), &|_| {})?;
        }
    }
    tx.insert_esim(&Esim {
        operator: operator_name(operator),
        iccid,
        carrier: format!("Carrier {}", plan % 3),
        plan: format!("Plan {plan}"),
        profile_type: profile_type.clone(),
        country: "DE".to_owned(),
        smdp: "own".to_owned(),
        own: true,
        activation_code: Zeroizing::new(format!("LPA:1$localhost:8443${matching_id}")),
        confirmation_code_required: false,
        eid: None,
        device_id: None,
        reference: Some(format!("customer {number}")),
        network: NetworkState::Active,
        cancelled: false,
        created_at: at,
        created_by: "key bench".to_owned(),
    })
}

/// 8949 and the number, with its check digit.
fn iccid(number: u32) -> Iccid {
    let digits = format!("894900{number:012}");
    let check = Iccid::luhn_digit(&digits).map(|digit| digit.to_string()).unwrap_or_default();
    format!("{digits}{check}").parse().unwrap_or(Iccid([0; 10]))
}

/// Numbers that look random and cost nothing.
struct Mixed(u64);

impl Randomness for Mixed {
    fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            // SplitMix64.
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = self.0;
            mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            chunk.copy_from_slice(&(mixed ^ mixed >> 31).to_be_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{kind_of, links};

    #[test]
    fn pages_are_of_one_kind_whatever_they_are_about() {
        assert_eq!(kind_of("/orders/8949000000000000018"), kind_of("/orders/8949000000000000026"));
        assert_eq!(kind_of("/orders?state=Installed&after=9"), "/orders?after&state");
        assert_eq!(kind_of("/plans"), "/plans");
    }

    #[test]
    fn only_links_to_pages_are_followed() {
        let page = r##"<a class="x" href="/orders?state=A&amp;after=1">a</a> <a href="https://example.com">b</a>
            <a href="/orders.csv">c</a> <a href="/x" download>d</a> <a href="/docs">e</a> <a href="/events#top">f</a>"##;
        assert_eq!(links(page), ["/orders?state=A&after=1", "/events"]);
    }
}

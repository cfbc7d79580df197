//! `openrsp bench webhooks`: what happens to events when their receiver is down half of the time.
//!
//! Journal, outbox, courier, signatures and HTTP are the server's own; only its clock is the run's, so that pauses of minutes
//! take none. The receiver is a TCP server on loopback, which checks each message as a partner would.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use clap::Args;
use rsp_asn1::{Iccid, Timestamp};
use rsp_crypto::{RandomnessExt as _, Zeroizing};
use rsp_es::client::{AllowedHost, EgressPolicy, NetworkTransport, Origin, Scheme};
use rsp_lpa::tls::CiVerifier;
use rsp_operator::webhooks::{AddressRules, NetworkSender, TOLERANCE, VerifyError, WantedWebhook, Webhooks, verify};
use rsp_operator::{Actor, Rights};
use rsp_pki::TrustStore;
use rsp_smdp::{Clock, SharedRandomness};
use rsp_store::{Datastore, EventKind, KeyEncryptionKey, NewEvent, Operator};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::serve::courier::NetworkCourier;
use crate::system::OsRandomness;

const TENANT: &str = "bench";
/// When the run's clock begins.
const BEGIN: i64 = 1_790_000_000;
/// For so many seconds the receiver is there, and then for as many it is not.
const PHASE: i64 = 30;
/// Of so many messages that the receiver takes, the answer to one is lost.
const LOSES_ONE_OF: usize = 20;
/// Events in a second of the run's clock.
const A_SECOND: usize = 20;
/// After so many seconds of the run's clock it has failed.
const PATIENCE: i64 = 30 * 86_400;
/// The longest request.
const LONGEST: usize = 64 * 1024;

/// Events to a receiver that is down half of the time (goal R10).
///
/// Prints how many arrived, how often, and whether those of each ICCID came in their order; fails if one did not.
#[derive(Args)]
pub(super) struct WebhooksArgs {
    /// How many events.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    events: u32,
    /// How many profiles they are about.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=9999))]
    profiles: u16,
}

/// The run's clock.
struct Stepped(AtomicI64);

impl Clock for Stepped {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

impl Stepped {
    fn is_receiver_down(&self) -> bool {
        (self.now().0 - BEGIN) / PHASE % 2 == 1
    }
}

/// What the receiver has seen.
#[derive(Default)]
struct Seen {
    ids: HashSet<String>,
    /// Numbers of the events of each ICCID, in the order in which they came first.
    orders: HashMap<String, Vec<u64>>,
    taken: usize,
    repeated: usize,
    refused: usize,
    turned_away: usize,
}

/// What came of a run.
struct Outcome {
    events: usize,
    attempts: u64,
    seen: Seen,
    given_up: u64,
    clock: i64,
    down: i64,
    elapsed: Duration,
}

pub(super) async fn run(args: &WebhooksArgs, json: bool) -> anyhow::Result<()> {
    let outcome = measure(args.events as usize, args.profiles).await?;
    let result = report(&outcome);
    if json {
        println!("{result}");
    } else {
        println!(
            "{} events about {} profiles: {} arrived, each at least once; {} came again with the same id\n  \
             {} attempts in {} s of the run's clock, {} s of which the receiver was down; {} messages without their answer\n  \
             {} out of order, {} forged, {} given up; {} deliveries/s ({} s)",
            result["events"],
            args.profiles,
            result["arrived"],
            result["repeated"],
            result["attempts"],
            result["clock_s"],
            result["down_s"],
            result["repeated"],
            result["out_of_order"],
            result["refused"],
            result["given_up"],
            result["per_s"],
            result["elapsed_s"],
        );
    }
    check(&outcome)
}

/// What the goal demands.
fn check(outcome: &Outcome) -> anyhow::Result<()> {
    ensure!(
        outcome.seen.ids.len() == outcome.events,
        "{} of {} events arrived",
        outcome.seen.ids.len(),
        outcome.events
    );
    ensure!(out_of_order(outcome) == 0, "events came out of order");
    ensure!(outcome.seen.refused == 0, "the receiver refused messages");
    ensure!(outcome.given_up == 0, "messages were given up");
    Ok(())
}

fn out_of_order(outcome: &Outcome) -> usize {
    outcome.seen.orders.values().map(|numbers| numbers.windows(2).filter(|pair| pair[0] >= pair[1]).count()).sum()
}

fn report(outcome: &Outcome) -> Value {
    let seconds = outcome.elapsed.as_secs_f64();
    json!({
        "events": outcome.events,
        "arrived": outcome.seen.ids.len(),
        "taken": outcome.seen.taken,
        "repeated": outcome.seen.repeated,
        "turned_away": outcome.seen.turned_away,
        "attempts": outcome.attempts,
        "out_of_order": out_of_order(outcome),
        "refused": outcome.seen.refused,
        "given_up": outcome.given_up,
        "clock_s": outcome.clock,
        "down_s": outcome.down,
        "elapsed_s": super::round(seconds),
        "per_s": super::round(outcome.seen.taken as f64 / seconds),
    })
}

async fn measure(events: usize, profiles: u16) -> anyhow::Result<Outcome> {
    let place = tempfile::tempdir().context("a temporary directory")?;
    let key = KeyEncryptionKey::new(Zeroizing::new(OsRandomness.bytes()));
    let store = Arc::new(Datastore::create(&place.path().join("bench.db"), &key, Box::new(OsRandomness)).await?);
    let operator = Operator {
        name: TENANT.to_owned(),
        certificate: [0; 32],
        endpoint: None,
        iccid_prefix: String::new(),
        imsi_prefix: String::new(),
        created_at: Timestamp(BEGIN),
    };
    store.run_tx("add a tenant", move |tx| tx.insert_operator(&operator)).await?;
    let clock = Arc::new(Stepped(AtomicI64::new(BEGIN)));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (webhooks, sender) = webhooks(&store, &clock, address)?;
    let actor = Actor::new(Some(TENANT.to_owned()), "bench", Rights::ALL);
    let wanted = WantedWebhook { tenant: None, url: format!("http://{address}/events"), kinds: vec![EventKind::Step] };
    let added = webhooks.add(&actor, &wanted).await?;
    let seen = Arc::new(Mutex::new(Seen::default()));
    let receiver = Receiver { clock: Arc::clone(&clock), secret: added.secret, seen: Arc::clone(&seen) };
    let receiving = tokio::spawn(receive(listener, Arc::new(receiver)));

    let courier_clock: Arc<dyn Clock> = Arc::clone(&clock) as _;
    let courier = Arc::new(NetworkCourier::for_webhooks(Arc::clone(&store), courier_clock, webhooks, Box::new(sender)));
    let iccids = iccids(profiles)?;
    let (begun, mut happened, mut down) = (Instant::now(), 0, 0);
    loop {
        let more = A_SECOND.min(events - happened);
        happen(&store, &clock, &iccids, happened..happened + more).await?;
        happened += more;
        // Everything that is due in this second.
        while courier.deliver_some().await.0 > 0 {}
        if happened == events && store.waiting_messages().await?.is_empty() {
            break;
        }
        down += i64::from(clock.is_receiver_down());
        let now = clock.0.fetch_add(1, Ordering::SeqCst);
        ensure!(now - BEGIN < PATIENCE, "messages still wait after {PATIENCE} s");
    }
    let elapsed = begun.elapsed();
    receiving.abort();
    let shown = shown(&store, &clock, &actor, address).await?;
    let seen = std::mem::take(&mut *lock(&seen));
    Ok(Outcome { events, attempts: shown.0, seen, given_up: shown.1, clock: clock.now().0 - BEGIN, down, elapsed })
}

/// Attempts, and what was given up, as the tenant sees them.
async fn shown(
    store: &Arc<Datastore>,
    clock: &Arc<Stepped>,
    actor: &Actor,
    at: SocketAddr,
) -> anyhow::Result<(u64, u64)> {
    let (webhooks, _) = webhooks(store, clock, at)?;
    let list = webhooks.list(actor, None).await?;
    let webhook = list.first().context("the webhook is gone")?;
    Ok((webhook.attempts, webhook.given_up))
}

/// The webhooks of a server that lets its receiver be on this machine.
fn webhooks(
    store: &Arc<Datastore>,
    clock: &Arc<Stepped>,
    receiver: SocketAddr,
) -> anyhow::Result<(Webhooks, NetworkSender)> {
    let origin = Origin::new(Scheme::PlainHttp, &receiver.to_string())?;
    let allowed = AllowedHost::new(origin.host(), origin.port());
    // Nobody is proved, as nothing here is TLS.
    let tls = CiVerifier::new(TrustStore::new(Vec::new()), Vec::new(), rsp_crypto::aws_lc()).tls_config()?;
    let fresh = move || {
        let policy = EgressPolicy::Guarded { allow: vec![allowed.clone()] };
        NetworkTransport::new(Arc::clone(&tls)).with_egress(policy)
    };
    let rules = AddressRules::new([origin.clone()]);
    let randomness = SharedRandomness::new(Box::new(OsRandomness));
    let webhooks = Webhooks::new(Arc::clone(store), Arc::clone(clock) as _, randomness, rules);
    Ok((webhooks, NetworkSender::new(fresh, [origin])))
}

fn iccids(count: u16) -> anyhow::Result<Vec<Iccid>> {
    let of = |number: u16| {
        let digits = format!("89010000000000{number:04}");
        let found = (0..10).find_map(|check| format!("{digits}{check}").parse().ok());
        found.context("no ICCID")
    };
    (0..count).map(of).collect()
}

async fn happen(
    store: &Datastore,
    clock: &Stepped,
    iccids: &[Iccid],
    numbers: std::ops::Range<usize>,
) -> anyhow::Result<()> {
    let at = clock.now();
    let event = |number: usize| NewEvent {
        at,
        operator: Some(TENANT.to_owned()),
        iccid: Some(iccids[number % iccids.len()]),
        profile_type: None,
        kind: EventKind::Step,
        actor: "bench".to_owned(),
        step: Some("AuthenticateClient".to_owned()),
        refused: None,
        detail: Some(number.to_string()),
    };
    let events: Vec<_> = numbers.map(event).collect();
    Ok(store.run_tx("happen", move |tx| events.iter().try_for_each(|event| tx.record_event(event))).await?)
}

/// The partner's side.
struct Receiver {
    clock: Arc<Stepped>,
    secret: Zeroizing<String>,
    seen: Arc<Mutex<Seen>>,
}

async fn receive(listener: TcpListener, receiver: Arc<Receiver>) {
    while let Ok((stream, _)) = listener.accept().await {
        let receiver = Arc::clone(&receiver);
        tokio::spawn(async move { receiver.serve(stream).await });
    }
}

impl Receiver {
    /// Request after request, until the connection or the receiver ends.
    async fn serve(&self, mut stream: TcpStream) {
        while let Some((headers, body)) = read(&mut stream).await {
            // Whoever is down neither reads nor answers.
            if self.clock.is_receiver_down() {
                lock(&self.seen).turned_away += 1;
                return;
            }
            let answer = match self.take(&headers, &body) {
                Some(true) => "HTTP/1.1 204 No Content\r\n\r\n",
                Some(false) => "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n",
                // It was taken, and the connection breaks before anybody learns that.
                None => return,
            };
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    /// Whether a message is genuine; nothing, if its answer is lost.
    fn take(&self, headers: &HeaderMap, body: &[u8]) -> Option<bool> {
        let mut seen = lock(&self.seen);
        let verified = verify(headers, body, &[self.secret.as_str()], self.clock.now(), TOLERANCE, &mut seen.ids);
        match verified {
            Ok(_) => {
                let told: Value = serde_json::from_slice(body).unwrap_or_default();
                let data = &told["data"];
                let number = data["detail"].as_str().and_then(|number| number.parse().ok());
                if let (Some(iccid), Some(number)) = (data["iccid"].as_str(), number) {
                    seen.orders.entry(iccid.to_owned()).or_default().push(number);
                }
            }
            Err(VerifyError::Seen) => seen.repeated += 1,
            Err(_) => {
                seen.refused += 1;
                return Some(false);
            }
        }
        seen.taken += 1;
        (!seen.taken.is_multiple_of(LOSES_ONE_OF)).then_some(true)
    }
}

/// One request of HTTP/1.1 with a length.
async fn read(stream: &mut TcpStream) -> Option<(HeaderMap, Vec<u8>)> {
    let mut received = Vec::new();
    let end = loop {
        if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if received.len() > LONGEST || stream.read_buf(&mut received).await.ok()? == 0 {
            return None;
        }
    };
    let head = std::str::from_utf8(&received[..end]).ok()?;
    let mut headers = HeaderMap::new();
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(':')?;
        headers.append(name.parse::<HeaderName>().ok()?, value.trim().parse::<HeaderValue>().ok()?);
    }
    let length: usize =
        headers.get("content-length")?.to_str().ok()?.parse().ok().filter(|length| *length < LONGEST)?;
    let mut body = received.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some((headers, body))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    /// Goal R10 at a hundredth, over the network.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_receiver_that_is_down_half_of_the_time_gets_everything_in_its_order() {
        let outcome = super::measure(1000, 10).await;
        let outcome = outcome.unwrap();
        super::check(&outcome).unwrap();
        assert!(outcome.seen.repeated > 0 && outcome.seen.turned_away > 0);
    }
}

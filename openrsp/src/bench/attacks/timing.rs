//! `atk_timing_cc_mid`: whether the server's time tells how wrong a confirmation code is, or whether a MatchingID is known.
//!
//! The server's code runs in this process, on a database in memory where there is one: a network and a disk would hide
//! differences from the test that they do not hide from a patient attacker.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use rsp_asn1::Octet32;
use rsp_crypto::{RandomnessExt as _, SecretKey, aws_lc, hash};
use rsp_es::es9plus::InitiateAuthenticationResponse;
use rsp_es::server::{Caller, Es9Plus as _};
use rsp_es::status::StatusCode;
use rsp_smdp::{GuessLimits, Rate, Settings, SharedRandomness, Smdp};
use rsp_store::Datastore;
use serde_json::json;
use tempfile::TempDir;

use super::Outcome;
use super::welch::{THRESHOLD, Times};
use crate::bench::card::{BenchCard, Offer, check_server};
use crate::bench::round;
use crate::bench::server::{HOST, Shop, card, mint};
use crate::config::{ServerDir, SystemClock};
use crate::system::{OsRandomness, write_private};

/// Confirmation codes of this order are guessed.
const CODE: &str = "12345678";
/// MatchingIDs of each kind.
const IDS: u32 = 16;
/// AuthenticateClient requests in one session.
const PER_SESSION: u32 = 50;
/// Comparisons in one sample: one alone is shorter than the clock's tick.
const COMPARISONS: u32 = 100;

pub(super) fn run(samples: u32) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let place = in_memory()?;
    let lab = Lab::open(place.path(), &runtime)?;
    let mut outcome = Outcome::new();
    // What is seen of each kind is answered alike, so that only time could tell them apart.
    judge(&mut outcome, "confirmation_code", &runtime.block_on(lab.confirmation_codes(samples))?);
    judge(&mut outcome, "comparison_alone", &comparisons(samples));
    let [unknown, used_up, foreign] = [&lab.unknown, &lab.used_up, &lab.foreign];
    let open = lab.smdp(unlimited())?;
    let refused = || StatusCode::MATCHING_ID_REFUSED;
    let pair = lab.matching_ids(&open, samples, [unknown, used_up], [refused(), refused()]);
    judge(&mut outcome, "unknown_and_used_up", &runtime.block_on(pair)?);
    let throttling = lab.smdp(exhausted())?;
    runtime.block_on(lab.exhaust(&throttling))?;
    let pair = lab.matching_ids(&throttling, samples, [unknown, foreign], [refused(), refused()]);
    judge(&mut outcome, "unknown_and_foreign_when_throttled", &runtime.block_on(pair)?);
    // Here the answers differ, as the standard demands: the time has nothing left to tell.
    let pair = lab.matching_ids(&open, samples, [unknown, foreign], [refused(), StatusCode::EID_REFUSED]);
    let answered_apart = runtime.block_on(pair)?;
    outcome.figure("unknown_and_foreign_whose_answers_differ", describe(&answered_apart));
    Ok(outcome)
}

fn judge(outcome: &mut Outcome, name: &str, times: &Times) {
    let t = times.largest_t();
    outcome.figure(name, describe(times));
    outcome.expect(t < THRESHOLD, format!("{name}: |t| is {t:.2}, not below {THRESHOLD}"));
}

fn describe(times: &Times) -> serde_json::Value {
    let medians = [times.median(false), times.median(true)].map(|time| round(time / 1000.0));
    json!({ "t": round(times.largest_t()), "median_us": medians })
}

/// A directory in memory if the system has one, else among temporary files.
fn in_memory() -> anyhow::Result<TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).context("a temporary directory")
}

/// As many wrong MatchingIDs as anybody likes.
fn unlimited() -> GuessLimits {
    let rate = Rate { burst: u32::MAX, seconds: 1 };
    GuessLimits { per_address: rate, per_eid: rate, per_second: u32::MAX }
}

/// None after the first one, for longer than the samples take.
fn exhausted() -> GuessLimits {
    let rate = Rate { burst: 0, seconds: 86_400 };
    GuessLimits { per_address: rate, per_eid: rate, per_second: u32::MAX }
}

/// One bit.
fn coin() -> bool {
    let [byte] = OsRandomness.bytes::<1>();
    byte & 1 == 1
}

/// A server's code on its database, an eUICC, and what it asks for.
struct Lab {
    dir: ServerDir,
    store: Arc<Datastore>,
    card: BenchCard,
    /// The order that needs [`CODE`].
    confirmed: String,
    unknown: Vec<String>,
    used_up: Vec<String>,
    foreign: Vec<String>,
}

impl Lab {
    fn open(place: &Path, runtime: &tokio::runtime::Runtime) -> anyhow::Result<Self> {
        let shop = Shop::open(place)?;
        let code = place.join("code");
        write_private(&code, CODE.as_bytes())?;
        let from_file = format!("@{}", openrsp::processes::text(&code)?);
        let confirmed = shop.order_with(&["--confirmation-code", &from_file])?.pop_front().context("an order")?;
        let used_up: Vec<String> = shop.order(IDS)?.into();
        used_up.iter().try_for_each(|matching_id| shop.cancel(matching_id))?;
        let owner = mint(&shop.pki()?, 1, 1)?.pop().context("one eUICC was minted")?.eid().to_string();
        let foreign = shop.order_with(&["--count", &IDS.to_string(), "--eid", &owner])?.into();
        let unknown = (0..IDS).map(|_| super::guessing::random_id()).collect();
        let dir = ServerDir::open(shop.dir())?;
        let store = runtime.block_on(dir.store())?;
        Ok(Self { dir, store, card: card(&shop.pki()?)?, confirmed, unknown, used_up, foreign })
    }

    /// The server's code as `serve` puts it together, with other limits.
    fn smdp(&self, guesses: GuessLimits) -> anyhow::Result<Smdp> {
        let settings = Settings { guesses, confirmation_code_limit: u32::MAX, ..self.dir.settings() };
        let credentials = self.dir.credentials(&rsp_crypto::Curve::ALL, aws_lc())?;
        let (clock, randomness) = (Arc::new(SystemClock), SharedRandomness::new(Box::new(OsRandomness)));
        let store = Arc::clone(&self.store);
        Ok(Smdp::new(store, self.dir.address()?, credentials, aws_lc(), clock, randomness, settings)?)
    }

    async fn session(&self, smdp: &Smdp) -> anyhow::Result<InitiateAuthenticationResponse> {
        let request = self.card.initiate_request(HOST, &mut OsRandomness);
        let server = smdp.initiate_authentication(&Caller::default(), request).await?;
        check_server(&server)?;
        Ok(server)
    }

    /// GetBoundProfilePackage with a wrong hash: of the second kind, the first 31 bytes are those of the right one, of the
    /// first kind, none are compared before the first that differs.
    async fn confirmation_codes(&self, samples: u32) -> anyhow::Result<Times> {
        let smdp = self.smdp(unlimited())?;
        let mut times = Times::default();
        let mut otsk = None;
        for number in 0..=samples {
            let session = self.session(&smdp).await?;
            let (request, signature) = self.card.authenticate_request(&session, &self.confirmed)?;
            let offer = Offer::new(smdp.authenticate_client(&Caller::default(), request).await?, &signature)?;
            let curve = offer.curve()?;
            let otsk = otsk.get_or_insert_with(|| SecretKey::generate(curve, &mut OsRandomness));
            let second = coin();
            let wrong = wrong_hash(offer.hash_cc(CODE), second);
            let request = self.card.package_request(&offer, Some(wrong), otsk)?;
            let start = Instant::now();
            let answer = smdp.get_bound_profile_package(&Caller::default(), request).await;
            let time = start.elapsed();
            let Err(status) = answer else { bail!("a wrong confirmation code got a package") };
            ensure!(status.is(&StatusCode::CONFIRMATION_CODE_REFUSED), "a wrong confirmation code got {status}");
            // The first call of all finds cold caches.
            if number > 0 {
                times.push(second, time.as_nanos() as f64);
            }
        }
        Ok(times)
    }

    /// AuthenticateClient with one of two kinds of MatchingIDs, which must be answered as given.
    async fn matching_ids(
        &self,
        smdp: &Smdp,
        samples: u32,
        kinds: [&Vec<String>; 2],
        answers: [StatusCode; 2],
    ) -> anyhow::Result<Times> {
        let mut times = Times::default();
        let mut session = self.session(smdp).await?;
        for number in 0..=samples {
            if number % PER_SESSION == 0 {
                session = self.session(smdp).await?;
            }
            let second = coin();
            let ids = kinds[usize::from(second)];
            let [which] = OsRandomness.bytes::<1>();
            let (request, _) = self.card.authenticate_request(&session, &ids[usize::from(which) % ids.len()])?;
            let start = Instant::now();
            let answer = smdp.authenticate_client(&Caller::default(), request).await;
            let time = start.elapsed();
            let Err(status) = answer else { bail!("a MatchingID was accepted that must not be") };
            let expected = &answers[usize::from(second)];
            ensure!(status.is(expected), "a MatchingID got {status}, and {expected} was expected");
            if number > 0 {
                times.push(second, time.as_nanos() as f64);
            }
        }
        Ok(times)
    }

    /// Guesses once, which is once too often.
    async fn exhaust(&self, smdp: &Smdp) -> anyhow::Result<()> {
        let session = self.session(smdp).await?;
        let (request, _) = self.card.authenticate_request(&session, &self.unknown[0])?;
        let answer = smdp.authenticate_client(&Caller::default(), request).await;
        ensure!(answer.is_err(), "an unknown MatchingID was accepted");
        Ok(())
    }
}

/// The right hash with its last byte changed, or its first.
fn wrong_hash(mut right: Octet32, last: bool) -> Octet32 {
    right.0[if last { 31 } else { 0 }] ^= 0xFF;
    right
}

/// The comparison by itself, without the cryptography and the database around it, which scatter a hundred times more than it
/// takes.
fn comparisons(samples: u32) -> Times {
    let mut times = Times::default();
    for _ in 0..samples {
        let right = Octet32(OsRandomness.bytes());
        let second = coin();
        let wrong = wrong_hash(Octet32(right.0), second);
        let start = Instant::now();
        for _ in 0..COMPARISONS {
            black_box(hash::constant_time_eq(black_box(&right.0), black_box(&wrong.0)));
        }
        times.push(second, start.elapsed().as_nanos() as f64 / f64::from(COMPARISONS));
    }
    times
}

//! `atk_mid_bruteforce`: guessing MatchingIDs with many eUICCs, and what the answers' latencies say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rsp_crypto::RandomnessExt as _;
use rsp_es::client::Es9PlusClient;
use rsp_es::es9plus::InitiateAuthenticationResponse;
use rsp_es::status::StatusCode;
use serde_json::json;

use super::answers::{Answers, PACKAGE};
use super::samples::Samples;
use super::{Bed, Outcome};
use crate::bench::card::BenchCard;
use crate::system::OsRandomness;

/// Guessers at a time.
const WORKERS: usize = 16;
/// Orders that wait to be found.
const WAITING: u32 = 64;
/// Downloads of somebody who knows the MatchingID, at most, while others guess.
const HONEST: u32 = 500;
/// Guesses in one session: a refused one does not begin it, so that the next needs no InitiateAuthentication.
const PER_SESSION: u32 = 50;
/// Wrong MatchingIDs of one eUICC that the server looks up at once, by default.
const BURST: u32 = 20;

pub(super) async fn run(bed: &Bed, guesses: u32) -> anyhow::Result<Outcome> {
    let waiting: Arc<Vec<String>> = Arc::new(bed.shop.order(WAITING)?.into());
    let mut outcome = Outcome::new();
    guess(bed, guesses, &waiting, &mut outcome).await?;
    compare(bed, (guesses / 50).clamp(20, 2_000), &mut outcome).await?;
    let touched = bed.shop.orders()?.iter().filter(|order| is_waiting(order, &waiting) && !is_untouched(order)).count();
    outcome.expect(touched == 0, format!("{touched} orders that were found"));
    Ok(outcome)
}

fn is_waiting(order: &serde_json::Value, waiting: &[String]) -> bool {
    waiting.iter().any(|matching_id| order["matching_id"] == matching_id.as_str())
}

fn is_untouched(order: &serde_json::Value) -> bool {
    order["state"] == "Released" && order["eid"].is_null()
}

async fn guess(bed: &Bed, guesses: u32, waiting: &Arc<Vec<String>>, outcome: &mut Outcome) -> anyhow::Result<()> {
    // Enough of them that not all guesses are throttled: each has a burst of its own.
    let guessers = (guesses / 200).clamp(64, 5_000);
    let cards = Arc::new(bed.cards(1, guessers.into())?);
    let orders = bed.shop.order((guesses / 100).clamp(5, HONEST))?;
    let start = Instant::now();
    let tasks: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let (cards, waiting) = (Arc::clone(&cards), Arc::clone(waiting));
            let (client, address) = (bed.link.client(true), bed.link.address.clone());
            tokio::spawn(async move {
                let mut answers = Answers::default();
                for (number, card) in cards.iter().enumerate().filter(|(number, _)| number % WORKERS == worker) {
                    let share = guesses / guessers + u32::from((number as u32) < guesses % guessers);
                    guess_with(card, &client, &address, &waiting, share, &mut answers).await?;
                }
                anyhow::Ok(answers)
            })
        })
        .collect();
    let (honest, client) = (bed.cards(8_001, 1)?.pop().context("one eUICC was minted")?, bed.link.client(true));
    let mut downloads = Answers::default();
    for matching_id in &orders {
        if tasks.iter().all(|task| task.is_finished()) {
            break;
        }
        let download = honest.download(&client, &bed.link.address, matching_id, &mut OsRandomness).await;
        downloads.count(PACKAGE, &download);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut answers = Answers::default();
    for task in tasks {
        answers.merge(task.await??);
    }
    outcome.figure("guessers", guessers);
    outcome.figure("guesses_per_s", (f64::from(guesses) / start.elapsed().as_secs_f64()).round());
    outcome.figure("hits", answers.of(PACKAGE));
    outcome.figure("honest_downloads_meanwhile", downloads.to_json());
    outcome.figure("answers", answers.to_json());
    let besides = answers.besides(&[], &[&StatusCode::MATCHING_ID_REFUSED]);
    outcome.expect(besides.is_empty(), format!("other answers to guesses: {besides}"));
    Ok(())
}

/// Half of the guesses are random, half are one character away from an order that waits.
async fn guess_with(
    card: &BenchCard,
    client: &Es9PlusClient,
    address: &str,
    waiting: &[String],
    guesses: u32,
    answers: &mut Answers,
) -> anyhow::Result<()> {
    let mut session = None;
    for number in 0..guesses {
        if number % PER_SESSION == 0 {
            session = Some(card.open_session(client, address, &mut OsRandomness).await?);
        }
        let session = session.as_ref().context("the first guess opens a session")?;
        let matching_id = if number % 2 == 0 { random_id() } else { neighbour(waiting) };
        answers.count(PACKAGE, &card.authenticate(client, session, &matching_id).await);
    }
    Ok(())
}

/// A MatchingID as the server makes them.
pub(super) fn random_id() -> String {
    OsRandomness.bytes::<26>().map(letter).iter().collect()
}

fn letter(byte: u8) -> char {
    char::from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[usize::from(byte % 32)])
}

/// A MatchingID that differs from an order's in one character.
fn neighbour(waiting: &[String]) -> String {
    let [which, position, other] = OsRandomness.bytes::<3>();
    let mut characters: Vec<char> = waiting[usize::from(which) % waiting.len()].chars().collect();
    let position = usize::from(position) % characters.len();
    let other = letter(other);
    // U is none of the letters.
    characters[position] = if characters[position] == other { 'U' } else { other };
    characters.into_iter().collect()
}

/// What is asked for, and by whom.
#[derive(Clone, Copy)]
enum Kind {
    /// An ID that no order ever had.
    Unknown,
    /// The ID of an order that was cancelled.
    UsedUp,
    /// Any ID, by an eUICC that has guessed too often.
    Throttled,
    /// The ID of an order for another eUICC: what the server then says tells them apart, whatever time it takes.
    Foreign,
}

const KINDS: [Kind; 4] = [Kind::Unknown, Kind::UsedUp, Kind::Throttled, Kind::Foreign];

/// Latencies of AuthenticateClient, one call after the other, the kinds by turns.
async fn compare(bed: &Bed, samples: u32, outcome: &mut Outcome) -> anyhow::Result<()> {
    /// Unknown and used-up IDs are counted; one eUICC has so many pairs of them before it is throttled.
    const PAIRS: u32 = BURST / 2 - 1;
    let fresh = bed.cards(10_001, (samples / PAIRS + 1).into())?;
    let mut prober = Prober::new(bed).await?;
    let mut answers = Answers::default();
    let mut taken = Answers::default();
    let mut times: [Samples; KINDS.len()] = Default::default();
    // Below the limit for all eUICCs together, of which each round takes two.
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    for (card, first) in fresh.iter().zip((0..samples).step_by(PAIRS as usize)) {
        prober.renew(bed).await?;
        let session = card.open_session(&prober.client, &bed.link.address, &mut OsRandomness).await?;
        for round in first..(first + PAIRS).min(samples) {
            pace.tick().await;
            for turn in 0..KINDS.len() {
                let which = (round as usize + turn) % KINDS.len();
                let kind = KINDS[which];
                let (answer, time) = prober.probe(kind, card, &session).await?;
                times[which].push(time);
                if matches!(kind, Kind::Foreign) { &mut taken } else { &mut answers }.count(PACKAGE, &answer);
            }
        }
    }
    let [unknown, used_up, throttled, foreign] = &times;
    outcome.figure(
        "latency",
        json!({
            "unknown": unknown.to_json(),
            "used_up": used_up.to_json(),
            "throttled": throttled.to_json(),
            "for_another_euicc": foreign.to_json(),
            "used_up_to_unknown": used_up.ratio_to(unknown),
            "throttled_to_unknown": throttled.ratio_to(unknown),
        }),
    );
    let besides = answers.besides(&[], &[&StatusCode::MATCHING_ID_REFUSED]);
    outcome.expect(besides.is_empty(), format!("other answers to unknown, used-up and throttled: {besides}"));
    let besides = taken.besides(&[], &[&StatusCode::EID_REFUSED]);
    outcome.expect(besides.is_empty(), format!("other answers to an order for another eUICC: {besides}"));
    Ok(())
}

/// An eUICC that has guessed too often, and so for a while.
struct Spent {
    card: BenchCard,
    session: InitiateAuthenticationResponse,
    since: Instant,
    number: u64,
}

impl Spent {
    /// One guess in 60 seconds is forgiven.
    const LASTS: Duration = Duration::from_secs(30);

    async fn new(bed: &Bed, client: &Es9PlusClient, number: u64) -> anyhow::Result<Self> {
        let card = bed.cards(number, 1)?.pop().context("one eUICC was minted")?;
        let session = card.open_session(client, &bed.link.address, &mut OsRandomness).await?;
        let since = Instant::now();
        // The first of the next minute is forgiven when the second has passed in which the burst began; it is spent too.
        // What is answered here is counted elsewhere.
        for _ in 0..BURST {
            drop(card.authenticate(client, &session, &random_id()).await);
        }
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        for _ in 0..2 {
            drop(card.authenticate(client, &session, &random_id()).await);
        }
        Ok(Self { card, session, since, number })
    }
}

struct Prober {
    client: Es9PlusClient,
    used_up: String,
    foreign: String,
    spent: Spent,
}

impl Prober {
    async fn new(bed: &Bed) -> anyhow::Result<Self> {
        let client = bed.link.client(true);
        let used_up = bed.shop.order(1)?.pop_front().context("one order was placed")?;
        bed.shop.cancel(&used_up)?;
        let owner = bed.cards(9_000, 1)?.pop().context("one eUICC was minted")?.eid().to_string();
        let foreign = bed.shop.order_with(&["--eid", &owner])?.pop_front().context("one order was placed")?;
        let spent = Spent::new(bed, &client, 9_001).await?;
        Ok(Self { client, used_up, foreign, spent })
    }

    async fn renew(&mut self, bed: &Bed) -> anyhow::Result<()> {
        if self.spent.since.elapsed() > Spent::LASTS {
            self.spent = Spent::new(bed, &self.client, self.spent.number + 1).await?;
        }
        Ok(())
    }

    async fn probe(
        &self,
        kind: Kind,
        card: &BenchCard,
        session: &InitiateAuthenticationResponse,
    ) -> anyhow::Result<(anyhow::Result<()>, Duration)> {
        let (card, session, matching_id) = match kind {
            Kind::Unknown => (card, session, random_id()),
            Kind::UsedUp => (card, session, self.used_up.clone()),
            // Half of them ask for what is there, and must not learn that it is.
            Kind::Throttled => {
                let [coin] = OsRandomness.bytes::<1>();
                let matching_id = if coin % 2 == 0 { random_id() } else { self.foreign.clone() };
                (&self.spent.card, &self.spent.session, matching_id)
            }
            Kind::Foreign => (card, session, self.foreign.clone()),
        };
        let (request, _) = card.authenticate_request(session, &matching_id)?;
        let start = Instant::now();
        let answer = self.client.authenticate_client(&request).await;
        let time = start.elapsed();
        Ok((answer.map(drop).map_err(Into::into), time))
    }
}

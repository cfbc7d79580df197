//! `openrsp bench attacks`: attacks on the SM-DP+ that need many rounds, many eUICCs or many samples.
//!
//! One file per attack. Each runs against a server process of its own, on SQLite over HTTPS, with eUICCs that have real keys
//! and certificates; only [`timing`] calls the server's code in this process, since a network would hide what it looks for.

mod answers;
mod code_race;
mod confirmation;
mod flood;
mod guessing;
mod samples;
mod timing;
mod welch;

use std::fmt;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

use super::card::BenchCard;
use super::server::{Link, Shop, mint};
use crate::exit::{Exit, Failure};
use openrsp::processes::Service;

/// Attack a server process of its own for long, and say what it withstood.
///
/// One line per attack with its counts and the verdict `held` or `broken`; a broken one makes the command fail. Latencies and
/// their ratios are figures of this machine and no part of a verdict; docs/attacks.md says what each attack is.
#[derive(Args)]
pub(super) struct AttacksArgs {
    /// Only these attacks; without it all of them.
    #[arg(long, value_name = "NAME", value_enum, num_args = 1..)]
    row: Vec<Row>,

    /// Rounds, guesses, samples or requests of each attack, instead of its usual number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rounds: Option<u32>,

    /// The full number: 1,000 rounds of a race, 1,000,000 guesses, 100,000 samples. Takes a quarter of an hour or more.
    #[arg(long, conflicts_with = "rounds")]
    full: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Row {
    /// 64 eUICCs race for one activation code.
    CodeRace,
    /// 32 sessions at once try wrong confirmation codes.
    CcBruteforce,
    /// Many eUICCs guess MatchingIDs.
    MidBruteforce,
    /// Timing of confirmation codes and MatchingIDs (dudect).
    CcTiming,
    /// InitiateAuthentication again and again.
    SessionFlood,
}

impl Row {
    fn name(self) -> &'static str {
        match self {
            Self::CodeRace => "code-race",
            Self::CcBruteforce => "cc-bruteforce",
            Self::MidBruteforce => "mid-bruteforce",
            Self::CcTiming => "cc-timing",
            Self::SessionFlood => "session-flood",
        }
    }

    /// How often by default, and in the full run.
    fn rounds(self) -> (u32, u32) {
        match self {
            Self::CodeRace | Self::CcBruteforce => (10, 1_000),
            Self::MidBruteforce => (10_000, 1_000_000),
            Self::CcTiming => (1_000, 100_000),
            Self::SessionFlood => (10_000, 100_000),
        }
    }

    fn run(self, runtime: &Runtime, rounds: u32) -> anyhow::Result<Outcome> {
        match self {
            Self::CodeRace => runtime.block_on(code_race::run(&Bed::new()?, rounds)),
            Self::CcBruteforce => runtime.block_on(confirmation::run(&Bed::new()?, rounds)),
            Self::MidBruteforce => runtime.block_on(guessing::run(&Bed::new()?, rounds)),
            Self::CcTiming => timing::run(rounds),
            Self::SessionFlood => runtime.block_on(flood::run(&Bed::new()?, rounds)),
        }
    }
}

/// What became of an attack.
struct Outcome {
    /// What the attack achieved that it must not; none if the server held.
    broken: Vec<String>,
    /// Counts and times, by name.
    figures: Map<String, Value>,
}

impl Outcome {
    fn new() -> Self {
        Self { broken: Vec::new(), figures: Map::new() }
    }

    fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }

    /// What must hold, and what is said if it does not.
    fn expect(&mut self, holds: bool, otherwise: impl fmt::Display) {
        if !holds {
            self.broken.push(otherwise.to_string());
        }
    }

    fn held(&self) -> bool {
        self.broken.is_empty()
    }

    fn verdict(&self) -> &'static str {
        if self.held() { "held" } else { "broken" }
    }

    fn to_json(&self, row: Row, rounds: u32) -> Value {
        let mut object = Map::new();
        object.insert("row".to_owned(), row.name().into());
        object.insert("verdict".to_owned(), self.verdict().into());
        object.insert("rounds".to_owned(), rounds.into());
        object.extend(self.figures.clone());
        object.insert("broken".to_owned(), self.broken.clone().into());
        Value::Object(object)
    }

    fn to_text(&self, row: Row, rounds: u32) -> String {
        let figures: Vec<_> = self.figures.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let broken: String = self.broken.iter().map(|problem| format!("\n  {problem}")).collect();
        format!("{}: {} (rounds {rounds}; {}){broken}", row.name(), self.verdict(), figures.join("; "))
    }
}

/// Runs the attacks one after the other. Fails when one of them succeeded.
pub(super) fn run(args: &AttacksArgs, runtime: &Runtime, json: bool) -> anyhow::Result<()> {
    let rows = if args.row.is_empty() { Row::value_variants() } else { &args.row };
    let mut succeeded = Vec::new();
    for row in rows {
        let (usual, full) = row.rounds();
        let rounds = args.rounds.unwrap_or(if args.full { full } else { usual });
        let outcome = row.run(runtime, rounds).with_context(|| format!("attack {}", row.name()))?;
        if json {
            println!("{}", outcome.to_json(*row, rounds));
        } else {
            println!("{}", outcome.to_text(*row, rounds));
        }
        if !outcome.held() {
            succeeded.push(row.name());
        }
    }
    if succeeded.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Exit::Failed, format!("the server did not withstand: {}", succeeded.join(", "))))
}

/// A running server, and the operator's side of it.
struct Bed {
    service: Service,
    link: Link,
    shop: Shop,
    /// Declared last: the directory goes when the server has ended.
    _place: tempfile::TempDir,
}

impl Bed {
    fn new() -> anyhow::Result<Self> {
        let place = tempfile::tempdir().context("a temporary directory")?;
        let shop = Shop::open(place.path())?;
        let (service, link) = shop.serve(None)?;
        Ok(Self { service, link, shop, _place: place })
    }

    /// eUICCs numbered from `first`, each with an EID, a key and a certificate of its own.
    fn cards(&self, first: u64, count: u64) -> anyhow::Result<Vec<BenchCard>> {
        mint(&self.shop.pki()?, first, count)
    }
}

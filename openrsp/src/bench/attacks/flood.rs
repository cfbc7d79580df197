//! `atk_session_flood`: InitiateAuthentication again and again, without ever going on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;

use super::answers::Answers;
use super::samples::Samples;
use super::{Bed, Outcome};
use crate::bench::cpu::resident;
use crate::bench::round;
use crate::system::OsRandomness;

/// Flooders at a time.
const WORKERS: u32 = 16;
/// What the server's memory may grow by.
const GROWTH: u64 = 64 << 20;
/// Honest downloads before the flood.
const HONEST: u32 = 100;

/// Every request is answered, nothing is kept of it in memory or on disk, and honest downloads go on.
pub(super) async fn run(bed: &Bed, requests: u32) -> anyhow::Result<Outcome> {
    let mut codes = bed.shop.order(2 * HONEST)?;
    let mut cards = bed.cards(1, 2)?;
    let honest = cards.pop().context("two eUICCs were minted")?;
    let flooder = Arc::new(cards.pop().context("two eUICCs were minted")?);
    let client = bed.link.client(true);
    let mut before = Samples::default();
    for matching_id in codes.drain(..HONEST as usize) {
        let start = Instant::now();
        honest.download(&client, &bed.link.address, &matching_id, &mut OsRandomness).await?;
        before.push(start.elapsed());
    }
    let memory = resident(bed.service.id())?;

    let flood_start = Instant::now();
    let tasks: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let (flooder, client) = (Arc::clone(&flooder), bed.link.client(true));
            let address = bed.link.address.clone();
            let share = requests / WORKERS + u32::from(worker < requests % WORKERS);
            tokio::spawn(async move {
                let mut answers = Answers::default();
                for _ in 0..share {
                    let request = flooder.initiate_request(&address, &mut OsRandomness);
                    let answer = client.initiate_authentication(&request).await;
                    answers.count("session", &answer.map_err(Into::into));
                }
                answers
            })
        })
        .collect();
    let mut during = Samples::default();
    let mut failed = 0;
    while let Some(matching_id) = codes.pop_front().filter(|_| !tasks.iter().all(|task| task.is_finished())) {
        let start = Instant::now();
        let download = honest.download(&client, &bed.link.address, &matching_id, &mut OsRandomness).await;
        failed += u32::from(download.is_err());
        during.push(start.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut answers = Answers::default();
    for task in tasks {
        answers.merge(task.await?);
    }
    let seconds = flood_start.elapsed().as_secs_f64();
    let growth = resident(bed.service.id())?.saturating_sub(memory);

    let mut outcome = Outcome::new();
    outcome.figure("requests_per_s", (f64::from(requests) / seconds).round());
    outcome.figure("answers", answers.to_json());
    outcome.figure("memory_growth_mb", round(growth as f64 / f64::from(1 << 20)));
    outcome.figure(
        "honest_download",
        json!({ "before": before.to_json(), "during": during.to_json(), "ratio": during.ratio_to(&before) }),
    );
    outcome.expect(growth <= GROWTH, format!("the server's memory grew by {growth} bytes"));
    let besides = answers.besides(&["session"], &[]);
    outcome.expect(besides.is_empty(), format!("other answers: {besides}"));
    outcome.expect(failed == 0, format!("{failed} honest downloads failed"));
    Ok(outcome)
}

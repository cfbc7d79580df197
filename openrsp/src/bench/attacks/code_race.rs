//! `atk_code_race`: 64 eUICCs with one activation code, all at once, each going the whole way.

use std::collections::HashMap;
use std::sync::Arc;

use rsp_asn1::Eid;
use rsp_es::client::Es9PlusClient;
use rsp_es::status::StatusCode;
use tokio::sync::Barrier;

use super::answers::{Answers, PACKAGE};
use super::{Bed, Outcome};
use crate::bench::card::BenchCard;
use crate::system::OsRandomness;

const RACERS: u64 = 64;

struct Racer {
    card: BenchCard,
    client: Es9PlusClient,
}

impl Racer {
    /// A download that waits for the others before AuthenticateClient. Nobody may leave early: the rest would wait for ever.
    async fn race(&self, address: &str, matching_id: &str, others: &Barrier) -> anyhow::Result<()> {
        let session = self.card.open_session(&self.client, address, &mut OsRandomness).await;
        others.wait().await;
        let offer = self.card.authenticate(&self.client, &session?, matching_id).await?;
        self.card.fetch(&self.client, &offer, None, &mut OsRandomness).await?;
        self.card.report(&self.client, address, &offer).await
    }
}

/// Exactly one gets the package in each round, the order is its eUICC's, and the others learn nothing but that.
pub(super) async fn run(bed: &Bed, rounds: u32) -> anyhow::Result<Outcome> {
    let cards = bed.cards(1, RACERS)?.into_iter();
    let racers: Vec<_> = cards.map(|card| Arc::new(Racer { card, client: bed.link.client(true) })).collect();
    let mut answers = Answers::default();
    let mut winners: HashMap<String, Vec<Eid>> = HashMap::new();
    for matching_id in bed.shop.order(rounds)? {
        let barrier = Arc::new(Barrier::new(racers.len()));
        let tasks: Vec<_> = racers
            .iter()
            .map(|racer| {
                let (racer, barrier) = (Arc::clone(racer), Arc::clone(&barrier));
                let (address, matching_id) = (bed.link.address.clone(), matching_id.clone());
                tokio::spawn(async move {
                    let answer = racer.race(&address, &matching_id, &barrier).await;
                    (racer.card.eid(), answer)
                })
            })
            .collect();
        let won = winners.entry(matching_id).or_default();
        for task in tasks {
            let (eid, answer) = task.await?;
            answers.count(PACKAGE, &answer);
            won.extend(answer.is_ok().then_some(eid));
        }
    }

    let mut outcome = Outcome::new();
    outcome.figure("racers", RACERS);
    outcome.figure("answers", answers.to_json());
    let besides = answers.besides(&[PACKAGE], &[&StatusCode::MATCHING_ID_REFUSED, &StatusCode::EID_REFUSED]);
    outcome.expect(besides.is_empty(), format!("other answers: {besides}"));
    judge(bed, &winners, &mut outcome)?;
    Ok(outcome)
}

fn judge(bed: &Bed, winners: &HashMap<String, Vec<Eid>>, outcome: &mut Outcome) -> anyhow::Result<()> {
    let wrong = winners.values().filter(|won| won.len() != 1).count();
    outcome.figure("winners", winners.values().map(Vec::len).sum::<usize>());
    outcome.expect(wrong == 0, format!("{wrong} rounds without exactly one winner"));
    let orders = bed.shop.orders()?;
    let is_the_winners = |(matching_id, won): (&String, &Vec<Eid>)| {
        let mut of_code = orders.iter().filter(|order| order["matching_id"] == matching_id.as_str());
        let (order, another) = (of_code.next(), of_code.next());
        another.is_none()
            && order.is_some_and(|order| {
                order["state"] == "Installed" && won.iter().any(|eid| order["eid"] == eid.to_string())
            })
    };
    let others = winners.iter().filter(|round| !is_the_winners(*round)).count();
    outcome.expect(others == 0, format!("{others} orders that are not installed on the eUICC that won them"));
    Ok(())
}

//! `atk_cc_bruteforce`: wrong confirmation codes in 32 sessions at once, all of the eUICC that the order is for.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use rsp_crypto::RandomnessExt as _;
use rsp_es::client::Es9PlusClient;
use rsp_es::status::StatusCode;
use tokio::sync::Barrier;

use super::answers::{Answers, PACKAGE};
use super::{Bed, Outcome};
use crate::bench::card::BenchCard;
use crate::system::{OsRandomness, write_private};

const SESSIONS: usize = 32;
/// Wrong codes that are told to be wrong; the server's default.
const LIMIT: u64 = 5;

/// Half of the sessions have seen the offer when the attack begins, and half begin with it.
pub(super) async fn run(bed: &Bed, rounds: u32) -> anyhow::Result<Outcome> {
    let card = Arc::new(bed.cards(1, 1)?.pop().context("one eUICC was minted")?);
    let clients: Vec<_> = (0..SESSIONS).map(|_| Arc::new(bed.link.client(true))).collect();
    let mut outcome = Outcome::new();
    let (mut answers, mut late, mut wrong_counts) = (Answers::default(), Answers::default(), 0);
    let place = tempfile::tempdir().context("a temporary directory")?;
    for round in 0..rounds {
        let code = eight_digits();
        let matching_id = order(bed, &place.path().join(round.to_string()), &code)?;
        let of_round = attack(bed, &card, &clients, &matching_id, &code).await?;
        wrong_counts += u32::from(of_round.refused(&StatusCode::CONFIRMATION_CODE_REFUSED) != LIMIT);
        answers.merge(of_round);
        // Even the right code comes too late.
        late.count(PACKAGE, &try_code(&card, &clients[0], &bed.link.address, &matching_id, &code).await);
    }
    outcome.figure("sessions", SESSIONS);
    outcome.figure("answers", answers.to_json());
    outcome.figure("right_code_afterwards", late.to_json());
    outcome.expect(wrong_counts == 0, format!("{wrong_counts} rounds without exactly {LIMIT} answers 8.2.7/3.8"));
    let allowed = [
        &StatusCode::CONFIRMATION_CODE_REFUSED,
        &StatusCode::CONFIRMATION_CODE_RETRIES_EXCEEDED,
        &StatusCode::PROFILE_NOT_RELEASED,
    ];
    let besides = answers.besides(&[], &allowed);
    outcome.expect(besides.is_empty(), format!("other answers: {besides}"));
    let besides = late.besides(&[], &[&StatusCode::PROFILE_NOT_RELEASED]);
    outcome.expect(besides.is_empty(), format!("answers to the right code afterwards: {besides}"));
    let alive = bed.shop.orders()?.iter().filter(|order| order["state"] != "Error").count();
    outcome.expect(alive == 0, format!("{alive} orders that are not in the state Error"));
    Ok(outcome)
}

fn order(bed: &Bed, file: &Path, code: &str) -> anyhow::Result<String> {
    write_private(file, code.as_bytes())?;
    let from_file = format!("@{}", openrsp::processes::text(file)?);
    bed.shop.order_with(&["--confirmation-code", &from_file])?.pop_front().context("an order has a MatchingID")
}

async fn attack(
    bed: &Bed,
    card: &Arc<BenchCard>,
    clients: &[Arc<Es9PlusClient>],
    matching_id: &str,
    code: &str,
) -> anyhow::Result<Answers> {
    let barrier = Arc::new(Barrier::new(clients.len()));
    let tasks: Vec<_> = clients
        .iter()
        .enumerate()
        .map(|(number, client)| {
            let (card, client, barrier) = (Arc::clone(card), Arc::clone(client), Arc::clone(&barrier));
            let (address, matching_id, right) = (bed.link.address.clone(), matching_id.to_owned(), code.to_owned());
            tokio::spawn(async move {
                let wrong = std::iter::repeat_with(eight_digits).find(|code| *code != right).unwrap_or_default();
                if number % 2 == 0 {
                    barrier.wait().await;
                    return try_code(&card, &client, &address, &matching_id, &wrong).await;
                }
                let session = card.open_session(&client, &address, &mut OsRandomness).await;
                let offer = match session {
                    Ok(session) => card.authenticate(&client, &session, &matching_id).await,
                    Err(error) => Err(error),
                };
                barrier.wait().await;
                let offer = offer?;
                card.fetch(&client, &offer, Some(offer.hash_cc(&wrong)), &mut OsRandomness).await
            })
        })
        .collect();
    let mut answers = Answers::default();
    for task in tasks {
        answers.count(PACKAGE, &task.await?);
    }
    Ok(answers)
}

/// One download up to the package; the answer is its number of bytes.
async fn try_code(
    card: &BenchCard,
    client: &Es9PlusClient,
    address: &str,
    matching_id: &str,
    code: &str,
) -> anyhow::Result<usize> {
    let session = card.open_session(client, address, &mut OsRandomness).await?;
    let offer = card.authenticate(client, &session, matching_id).await?;
    card.fetch(client, &offer, Some(offer.hash_cc(code)), &mut OsRandomness).await
}

fn eight_digits() -> String {
    format!("{:08}", u64::from_be_bytes(OsRandomness.bytes()) % 100_000_000)
}

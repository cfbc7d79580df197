//! Our LPA and eUICC with osmo-smdpp: every request to the server, every command to the card and every answer of the card.

use std::io::Write;
use std::sync::{Arc, Mutex};

use rsp_apdu::Card;
use rsp_apdu::dialogue::{Step, parse};
use rsp_asn1::{Iccid, ProfileIdentifier};
use rsp_card::{InProcess, RecordingCard};
use rsp_crypto::rust_crypto;
use rsp_es::activation_code::diagnose;
use rsp_es::client::{Exchange, RecordedTransport, Scheme};
use rsp_euicc::{Euicc, MemoryStore};
use rsp_lpa::{
    ConfirmationCode, Decision, DownloadRequest, EndUser, Lpa, Options, ProfileOffer, Servers, Trust, device_info,
};
use rsp_pki::{Certificate, TrustStore};
use serde_json::Value;

use super::card::CardRecord;
use super::{Header, OSMO_SMDPP, flip, read};

type RecordedCard = RecordingCard<Euicc<MemoryStore>, Log>;

/// The dialogue as it happens.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Somebody who wants every profile.
struct Willing;

impl EndUser for Willing {
    fn consent(&mut self, _: &ProfileOffer) -> Decision {
        Decision::Install
    }

    fn confirmation_code(&mut self, _: &ProfileOffer) -> Option<ConfirmationCode> {
        None
    }
}

/// An LPA's transcript.
#[derive(Clone)]
struct LpaRecord {
    card: CardRecord,
    exchanges: Vec<Exchange>,
}

impl LpaRecord {
    fn of(transcript: &str) -> Self {
        let exchanges = Exchange::parse_lines(&read(transcript, "http.jsonl")).unwrap();
        Self { card: CardRecord::of(transcript), exchanges }
    }

    /// Does once more what was done.
    ///
    /// # Errors
    /// What failed or deviates.
    async fn replay(&self) -> Result<usize, String> {
        let log = Log::default();
        let mut card = RecordingCard::new(self.card.card(), log.clone());
        let transport = Arc::new(RecordedTransport::new(self.exchanges.iter().cloned()));
        let servers = Servers::new(transport.clone(), Scheme::PlainHttp);
        let header = Header::of(OSMO_SMDPP);
        let is_power_on = |step: &Step| matches!(step, Step::PowerOn(_));
        let mut recorded = self.card.steps.split(is_power_on).skip(1);
        for step in header.0["steps"].as_array().unwrap() {
            let commands = recorded.next().ok_or("the dialogue has fewer power-ons than the header steps")?;
            card = match step {
                Value::Object(step) => lpa_step(card, &servers, &header, step).await?,
                _ => terminal_step(card, commands),
            };
        }
        if transport.remaining() > 0 {
            return Err(format!("{} requests were not made", transport.remaining()));
        }
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let steps = parse(&text).map_err(|error| error.to_string())?;
        match steps.iter().zip(&self.card.steps).position(|(ours, recorded)| ours != recorded) {
            Some(index) => Err(format!("step {} of the dialogue deviates", index + 1)),
            None if steps.len() != self.card.steps.len() => Err("the dialogue has another length".to_owned()),
            None => Ok(steps.len()),
        }
    }
}

/// One power-on in which the LPA does something, and sends the notifications of it.
async fn lpa_step(
    card: RecordedCard,
    servers: &Servers,
    header: &Header,
    step: &serde_json::Map<String, Value>,
) -> Result<RecordedCard, String> {
    let mut access = InProcess::new(card);
    let mut events = ();
    let mut lpa = Lpa::open(&mut access, &mut events, &Options::default()).map_err(|error| error.to_string())?;
    let (what, argument) = step.iter().next().unwrap();
    let argument = argument.as_str().unwrap();
    let profile = || ProfileIdentifier::Iccid(argument.parse::<Iccid>().unwrap());
    match what.as_str() {
        "download" => download(&mut lpa, servers, header, argument).await?,
        "enable" => lpa.enable_profile(&profile(), false).map_err(|error| error.to_string())?,
        "disable" => lpa.disable_profile(&profile(), false).map_err(|error| error.to_string())?,
        "delete" => lpa.delete_profile(&profile()).map_err(|error| error.to_string())?,
        other => panic!("no step {other}"),
    }
    let delivery = lpa.process_notifications(servers).await.map_err(|error| error.to_string())?;
    drop(lpa);
    if !delivery.kept.is_empty() {
        return Err(format!("{what}: notifications are left"));
    }
    Ok(access.into_card())
}

async fn download(lpa: &mut Lpa<'_>, servers: &Servers, header: &Header, code: &str) -> Result<(), String> {
    lpa.eid().map_err(|error| error.to_string())?;
    let code = diagnose(code).into_code().unwrap();
    let request = DownloadRequest::from_activation_code(&code, device_info(None).unwrap());
    let anchors = issuers();
    let trust = Trust { anchors: &anchors, crls: &[], provider: rust_crypto(), now: header.clock() };
    lpa.download(servers, &request, &trust, &mut Willing).await.map(drop).map_err(|error| error.to_string())
}

/// One power-on in which somebody else uses the card.
fn terminal_step(mut card: RecordedCard, commands: &[Step]) -> RecordedCard {
    card.power_on();
    for step in commands {
        if let Step::Apdu { command, .. } = step {
            card.transmit(command);
        }
    }
    card
}

fn issuers() -> TrustStore {
    const END: &str = "-----END CERTIFICATE-----";
    let file = read(OSMO_SMDPP, "ci.pem");
    let blocks = file.split_inclusive(END).filter(|block| block.contains(END));
    TrustStore::new(blocks.map(|block| Certificate::from_pem(block.trim()).unwrap()).collect())
}

#[tokio::test]
async fn an_lpa_and_an_euicc_ask_osmo_smdpp_as_recorded() {
    let record = LpaRecord::of(OSMO_SMDPP);
    assert!(record.exchanges.len() >= 20, "{}", record.exchanges.len());
    assert_eq!(record.replay().await, Ok(record.card.steps.len()));
}

#[tokio::test]
async fn the_replay_sees_one_changed_byte_of_a_message() {
    let record = LpaRecord::of(OSMO_SMDPP);
    for index in (0..record.exchanges.len()).step_by(5) {
        let mut changed = record.clone();
        changed.exchanges[index].request = changed_text(&record.exchanges[index].request);
        assert!(changed.replay().await.is_err(), "request {}", index + 1);
        if !record.exchanges[index].response.is_empty() {
            let mut changed = record.clone();
            changed.exchanges[index].response = changed_text(&record.exchanges[index].response);
            assert!(changed.replay().await.is_err(), "response {}", index + 1);
        }
    }
}

#[tokio::test]
async fn the_replay_sees_one_changed_byte_of_a_draw() {
    let record = LpaRecord::of(OSMO_SMDPP);
    for number in 0..record.card.draws.0.len() {
        let mut changed = record.clone();
        flip(&mut changed.card.draws.0[number]);
        assert!(changed.replay().await.is_err(), "draw {number}");
    }
}

#[tokio::test]
async fn the_replay_sees_one_changed_byte_of_the_dialogue() {
    let record = LpaRecord::of(OSMO_SMDPP);
    for index in [3, record.card.steps.len() / 2, record.card.steps.len() - 1] {
        let mut changed = record.clone();
        if let Step::Apdu { command, answer } = &mut changed.card.steps[index] {
            flip(if index % 2 == 0 { command } else { answer });
        }
        assert!(changed.replay().await.is_err(), "step {}", index + 1);
    }
}

/// The same text with another character in its middle.
fn changed_text(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    flip(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

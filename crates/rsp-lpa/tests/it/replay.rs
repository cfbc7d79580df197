//! A download that an unmodified osmo-smdpp served, replayed: every byte of ours must be the recorded one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rsp_apdu::{Card, CardAccess};
use rsp_asn1::Timestamp;
use rsp_card::{InProcess, RecordingCard, Replay};
use rsp_crypto::Randomness;
use rsp_es::activation_code::ActivationCode;
use rsp_es::client::{Exchange, RecordedTransport, Scheme};
use rsp_euicc::{Euicc, FileStore};
use rsp_lpa::{DownloadRequest, Error, Installed, Lpa, Options, Servers, Trust, device_info};
use rsp_pki::{Certificate, TrustStore};

use crate::{FakeUser, block_on};

const CODE: &str = "LPA:1$testsmdpplus1.example.com$TS48V5-SAIP2-3-NOBERTLV-UNIQUE";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/osmo-smdpp").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap()
}

/// When it was recorded: certificates are judged by that time.
fn recorded_at(transcript: &str) -> Timestamp {
    let first = transcript.lines().next().unwrap();
    Timestamp(first.strip_prefix("# now ").unwrap().parse().unwrap())
}

/// What the recorded command did: EID, download, notifications.
fn download(card: &mut dyn CardAccess, transcript: &str) -> (Result<Installed, Error>, usize) {
    let transport = Arc::new(RecordedTransport::new(Exchange::parse_lines(transcript).unwrap()));
    let servers = Servers::new(transport.clone(), Scheme::PlainHttp);
    let anchors = TrustStore::new(vec![Certificate::from_der(&fs::read(file("ci.der")).unwrap()).unwrap()]);
    let now = recorded_at(transcript);
    let trust = Trust { anchors: &anchors, crls: &[], provider: rsp_crypto::rust_crypto(), now };
    let code = ActivationCode::parse_strict(CODE).ok().unwrap();
    let request = DownloadRequest::from_activation_code(&code, device_info(None).unwrap()).with_sessions(1);
    let mut events = ();
    let run = |lpa: &mut Lpa<'_>| {
        lpa.eid()?;
        let installed = block_on(lpa.download(&servers, &request, &trust, &mut FakeUser::default()))?;
        let delivery = block_on(lpa.process_notifications(&servers))?;
        match delivery.kept.into_iter().find_map(|(_, error)| error) {
            Some(error) => Err(error),
            None => Ok(installed),
        }
    };
    let outcome = Lpa::open(card, &mut events, &Options::default()).and_then(|mut lpa| run(&mut lpa));
    (outcome, transport.remaining())
}

/// The recorded card, played back to the LPA.
fn against_recorded_card(dialogue: &str, transcript: &str) -> Result<Installed, Error> {
    let mut card = InProcess::new(Replay::new(dialogue).unwrap());
    let (outcome, remaining) = download(&mut card, transcript);
    let installed = outcome?;
    assert_eq!(remaining, 0, "every recorded request was made");
    assert!(card.card().is_finished(), "{:?}", card.card().deviation());
    Ok(installed)
}

#[test]
fn the_lpa_sends_the_recorded_bytes_to_card_and_server() {
    let installed = against_recorded_card(&text("dialogue"), &text("es9plus.jsonl")).unwrap();
    assert_eq!(installed.iccid.to_string(), "8949449999999990171");
    assert_eq!(installed.smdp_oid, "2.999.10");
}

/// Draws what was drawn, and nothing else.
struct RecordedRandomness(std::vec::IntoIter<Vec<u8>>);

impl Randomness for RecordedRandomness {
    fn fill(&mut self, buffer: &mut [u8]) {
        let draw = self.0.next().expect("no more was drawn when it was recorded");
        buffer.copy_from_slice(&draw);
    }
}

/// Keeps what is written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn recorded_euicc(dir: &Path) -> impl Card + Send {
    let state = dir.join("euicc");
    fs::copy(file("initial.euicc"), &state).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o600)).unwrap();
    let (store, state) = FileStore::open(&state).unwrap();
    let draws: Vec<Vec<u8>> = text("randomness").lines().map(|line| hex::decode(line).unwrap()).collect();
    Euicc::new(state, store, Box::new(RecordedRandomness(draws.into_iter()))).unwrap()
}

#[test]
fn the_euicc_answers_with_the_recorded_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let written = Written::default();
    let mut card = InProcess::new(RecordingCard::new(recorded_euicc(dir.path()), written.clone()));
    let (outcome, remaining) = download(&mut card, &text("es9plus.jsonl"));
    outcome.unwrap();
    assert_eq!(remaining, 0);
    let dialogue = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert_eq!(dialogue, text("dialogue"));
}

/// The last digit of the text at `position` or before it, changed.
fn change(text: &str, position: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let place = (0..=position).rev().find(|place| bytes[*place].is_ascii_alphanumeric()).unwrap();
    bytes[place] = if bytes[place] == b'1' { b'2' } else { b'1' };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn one_changed_byte_of_any_recorded_command_is_noticed() {
    let (dialogue, transcript) = (text("dialogue"), text("es9plus.jsonl"));
    let ends: Vec<usize> = dialogue
        .match_indices("\n>")
        .filter_map(|(begin, _)| dialogue[begin + 1..].find('\n').map(|length| begin + length))
        .collect();
    assert!(ends.len() > 90);
    // The first is TERMINAL CAPABILITY and the last closes the channel: their answers are nobody's concern.
    for end in &ends[1..ends.len() - 1] {
        assert!(against_recorded_card(&change(&dialogue, *end), &transcript).is_err(), "byte {end}");
    }
}

#[test]
fn one_changed_byte_of_any_recorded_request_is_noticed() {
    let (dialogue, transcript) = (text("dialogue"), text("es9plus.jsonl"));
    let now = transcript.lines().next().unwrap();
    let exchanges = Exchange::parse_lines(&transcript).unwrap();
    for number in 0..exchanges.len() {
        for place in 0..4 {
            let mut changed = exchanges.clone();
            let request = &mut changed[number].request;
            *request = change(request, 8 + (request.len() - 9) * place / 3);
            let changed = format!("{now}\n{}", Exchange::to_lines(&changed));
            let error = against_recorded_card(&dialogue, &changed).expect_err("a changed request");
            assert!(error.to_string().contains("deviates from the recording"), "{number}: {error}");
        }
    }
}

//! What is recorded replays, and a deviation is refused by name.

use rsp_apdu::{Card, CardAccess, CardError, store_data};
use rsp_card::{InProcess, RecordingAccess, RecordingCard, Replay};
use rsp_testkit::standards;

use crate::toy::{AID, Toy};

fn use_card(access: &mut dyn CardAccess) -> Result<(), CardError> {
    let channel = access.open_channel(&AID)?;
    store_data::send(access, channel, &[0xBF, 0x3E, 0x03, 0x5C, 0x01, 0x5A], 4)?;
    access.close_channel(channel)
}

#[test]
fn a_recorded_card_replays() {
    let mut written = Vec::new();
    use_card(&mut InProcess::new(RecordingCard::new(Toy::default(), &mut written))).unwrap();
    let text = String::from_utf8(written).unwrap();
    assert!(text.starts_with("! power-on 3B00\n> 0070000001\n< 019000\n"), "{text}");
    let mut replay = InProcess::new(Replay::new(&text).unwrap());
    use_card(&mut replay).unwrap();
    assert!(replay.card().is_finished());
}

#[test]
fn a_recorded_terminal_replays() {
    let mut written = Vec::new();
    use_card(&mut RecordingAccess::new(InProcess::new(Toy::default()), &mut written)).unwrap();
    let text = String::from_utf8(written).unwrap();
    let mut replay = Replay::new(&text).unwrap();
    use_card(&mut replay).unwrap();
    assert!(replay.is_finished());
}

#[test]
fn a_deviating_command_is_refused_by_name() {
    let mut replay = Replay::new("> 00A40000\n< 9000\n> 80E2910003BF2E00\n< 9000\n").unwrap();
    assert_eq!(replay.raw_card(&[0, 0xA4, 0, 0]), [0x90, 0]);
    assert_eq!(replay.raw_card(&[0, 0xB0, 0, 0]), [0x6F, 0]);
    let deviation = "step 2 deviates from the recorded dialogue: expected 80E2910003BF2E00, got 00B00000";
    assert_eq!(replay.deviation().unwrap().to_string(), deviation);
    assert_eq!(CardAccess::transmit(&mut replay, &[0x80, 0xE2, 0x91, 0, 0]).unwrap_err().to_string(), deviation);
    assert!(!replay.is_finished());
}

trait RawCard {
    fn raw_card(&mut self, command: &[u8]) -> Vec<u8>;
}

impl RawCard for Replay {
    fn raw_card(&mut self, command: &[u8]) -> Vec<u8> {
        Card::transmit(self, command)
    }
}

#[test]
fn a_real_card_log_replays_through_a_terminal() {
    let Some(log) = standards("vectors/card-logs/omnikey-info.log") else { return };
    let mut replay = Replay::new(&String::from_utf8(log).unwrap()).unwrap();
    let select = hex::decode("00A4040010A0000005591010FFFFFFFF890000010000").unwrap();
    let fci = CardAccess::transmit(&mut replay, &select).unwrap();
    assert_eq!(fci.data.len(), 0x21);
    let eid_before_info = hex::decode("80E2910006BF3E035C015A00").unwrap();
    let refused = CardAccess::transmit(&mut replay, &eid_before_info).unwrap_err();
    assert!(refused.to_string().contains("expected 80E2910003BF220000"), "{refused}");
}

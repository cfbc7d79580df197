//! State files of every release still open: `tests/corpus` keeps some of each, written by the stories below at that release; names
//! with "later" tell the second one.
//!
//! Before a release, and whenever the form of the state changed, `OPENRSP_KEEP_STATE=NAME.euicc cargo test -p rsp-euicc corpus`
//! writes `tests/corpus/NAME.euicc`. A file that is there is never written again.

use std::fs;
use std::path::PathBuf;

use rsp_apdu::{CardAccess, StatusWord};
use rsp_asn1::{Iccid, NotificationEvent, ProfileClass, ProfileState};
use rsp_euicc::EuiccState;

use crate::enabled_profile::authenticate;
use crate::load::setup;
use crate::operator::{self, Operator};
use crate::server::{Order, World};
use crate::sgp23::g4_2_17_load_crl::{list, load_signed, revoking, verdict};
use crate::terminal::{Terminal, segments};

const ALL: [usize; 4] =
    [NotificationEvent::INSTALL, NotificationEvent::ENABLE, NotificationEvent::DISABLE, NotificationEvent::DELETE];
const USIM: [u8; 7] = [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02];

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn order(number: u8) -> Order {
    match number {
        3 => Order::number(3).class(ProfileClass::TEST),
        _ => Order::number(number).notify(&ALL),
    }
}

/// A card that has lived: three profiles, one of them enabled, named, authenticated once and with a wrong ADM1 counted;
/// notifications that nobody fetched; a default SM-DP+; and power was lost in the middle of a fourth download.
fn story() -> Vec<u8> {
    let (_, mut server, mut terminal) = setup();
    for number in 1..=3 {
        terminal.install(&mut server, &order(number));
    }
    terminal.hex("BF3F088006612E622E6364").unwrap();
    assert_eq!(terminal.enable(order(1).iccid()), 0);
    let channel = terminal.access.open_channel(&USIM).unwrap();
    let command = |rest: &str| hex::decode(format!("{channel:02X}{rest}")).unwrap();
    assert!(authenticate(&mut terminal, channel, 0x20).0.starts_with("DB08"));
    let wrong_code = terminal.access.transmit(&command("20000A083939393939393939")).unwrap();
    assert_eq!(wrong_code.sw, StatusWord(0x63C9));
    let name = "BF29165A0A".to_owned() + &hex::encode(order(1).iccid().0) + "9008" + &hex::encode("My phone");
    terminal.hex(&name).unwrap();
    let prepared = terminal.prepare(&mut server, None);
    let package = server.bind(terminal.state().eid(), &prepared, &order(4));
    let cut = segments(&package);
    assert_eq!(terminal.load_segments(&cut[..cut.len() - 2]), Ok(None));
    terminal.store.contents().to_vec()
}

/// A card with what came later: a security domain that took a message over the air, a test profile in the place of the
/// operational one, and a revocation list that names the SM-DP+.
fn later_story() -> Vec<u8> {
    let (world, mut server, mut terminal) = setup();
    let (operational, test) = (operator::order(1, operator::CIPHERING, operator::CHECKSUM), order(3));
    terminal.install(&mut server, &operational);
    terminal.install(&mut server, &test);
    assert_eq!(terminal.enable(operational.iccid()), 0);
    let mut operator = Operator::new(operator::CIPHERING, operator::CHECKSUM);
    let packet = operator.packet(operator::USIM_FILES, operator::SELECT_SPN);
    assert_eq!(operator.read(&operator::deliver(&mut terminal, &packet)), (0x00, "019000".to_owned()));
    assert_eq!(terminal.enable(test.iccid()), 0);
    let list = revoking(list(&world, 7), &server.auth.certificate);
    assert_eq!(load_signed(&mut terminal, &world, &list), Ok(Vec::new()));
    terminal.store.contents().to_vec()
}

/// Whether a file tells the later story, by its name.
fn is_later(name: &str) -> bool {
    name.contains("later")
}

#[test]
fn a_state_can_be_kept() {
    let Some(name) = std::env::var_os("OPENRSP_KEEP_STATE") else {
        has_the_story(EuiccState::from_bytes(&story()).unwrap(), "today's");
        has_the_later_story(EuiccState::from_bytes(&later_story()).unwrap(), "today's");
        return;
    };
    let path = directory().join(name);
    assert!(!path.exists(), "{} is kept already", path.display());
    let told = if is_later(&path.display().to_string()) { later_story() } else { story() };
    fs::write(path, told).unwrap();
}

#[test]
fn states_of_every_release_still_open() {
    let mut names: Vec<PathBuf> = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(names.len() >= 3, "the corpus is kept beside the tests");
    for path in names {
        let state = EuiccState::from_bytes(&fs::read(&path).unwrap());
        let state = state.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.display().to_string();
        match is_later(&name) {
            true => has_the_later_story(state, &name),
            false => has_the_story(state, &name),
        }
    }
}

fn has_the_later_story(state: EuiccState, name: &str) {
    let (_, mut server, _) = setup();
    let mut terminal = Terminal::new(state);
    let states = |terminal: &mut Terminal| -> Vec<Option<ProfileState>> {
        terminal.profiles().iter().map(|profile| profile.profile_state).collect()
    };
    assert_eq!(states(&mut terminal), [Some(ProfileState::DISABLED), Some(ProfileState::ENABLED)], "{name}");
    assert!(verdict(&mut terminal, &mut server).is_err(), "{name}: the list still revokes");
    assert_eq!(terminal.disable(order(3).iccid()), 0, "{name}");
    assert_eq!(states(&mut terminal), [Some(ProfileState::ENABLED), Some(ProfileState::DISABLED)], "{name}");
    let mut operator = Operator::new(operator::CIPHERING, operator::CHECKSUM);
    for (status, said) in [(0x02, ""), (0x00, "019000")] {
        let packet = operator.packet(operator::USIM_FILES, operator::SELECT_SPN);
        let answer = operator.read(&operator::deliver(&mut terminal, &packet));
        assert_eq!(answer, (status, said.to_owned()), "{name}: the counter is stored");
    }
}

/// Everything that the story put into the card is there, and works.
fn has_the_story(state: EuiccState, name: &str) {
    assert_eq!(state.eid(), World::eid(1), "{name}");
    let mut terminal = Terminal::new(state);
    let states: Vec<(Option<Iccid>, Option<ProfileState>)> =
        terminal.profiles().iter().map(|profile| (profile.iccid, profile.profile_state)).collect();
    let expected = [(1, ProfileState::ENABLED), (2, ProfileState::DISABLED), (3, ProfileState::DISABLED)];
    assert_eq!(states, expected.map(|(number, state)| (Some(order(number).iccid()), Some(state))), "{name}");
    assert_eq!(terminal.profiles()[0].profile_nickname, Some("My phone".into()), "{name}");
    assert!(terminal.hex("BF3C00").unwrap().contains("8006612E622E6364"), "{name}: the default SM-DP+");

    // Three results, an installation each of the two that report, one enabling, and the interrupted download.
    let events: Vec<u64> = terminal.notifications().iter().map(|notification| notification.seq_number).collect();
    assert_eq!(events, (1..=7).collect::<Vec<u64>>(), "{name}");
    let last = terminal.hex("BF2B05A003800107").unwrap();
    assert!(last.contains("A10680010581010B"), "{name}: not an interruption: {last}");

    let channel = terminal.access.open_channel(&USIM).unwrap();
    let mut send = |rest: &str| {
        let command = hex::decode(format!("{channel:02X}{rest}")).unwrap();
        terminal.access.transmit(&command).unwrap()
    };
    assert_eq!(send("20000A").sw, StatusWord(0x63C9), "{name}: the wrong code is still counted");
    assert_eq!(send("20000A083535353535353535").sw, StatusWord::OK, "{name}");
    assert!(authenticate(&mut terminal, channel, 0x20).0.starts_with("DC0E"), "{name}: the sequence number is used");

    assert_eq!(terminal.enable(order(2).iccid()), 0, "{name}");
    assert_eq!(terminal.delete(order(1).iccid()), 0, "{name}");
    let again = EuiccState::from_bytes(&terminal.store.contents()).unwrap();
    assert_eq!(again.inspect().unwrap().profiles.len(), 2, "{name}: stored in today's form");
}

//! A terminal that sends whatever it likes to a card with an enabled profile: only status words of ISO/IEC 7816-4 and at
//! most 256 bytes come back, the state stays whole, and no answer carries a secret.

use std::sync::OnceLock;

use proptest::prelude::*;
use rsp_apdu::{Card, Command, SecureMessaging};
use rsp_asn1::OctetString;
use rsp_crypto::Randomness;
use rsp_euicc::interpreter::ProfileContents;
use rsp_euicc::usim::Session;
use rsp_euicc::{Euicc, EuiccState, ISDR_AID, MemoryStore};
use rsp_saip::application::{KeyComponent, KeyObject};
use rsp_saip::builder::{Codes, ProfileBuilder};
use rsp_saip::{Element, ProfileElement, Secret};
use rsp_testkit::SeededRandomness;

use crate::load::setup;
use crate::profile::install;
use crate::server::Order;

const KEY: [u8; 16] = *b"\xD1\x7A\x03\x9C\x55\xE8\x21\xB6\x4F\x90\x0D\xC3\x72\xAE\x18\xF4";
const OPC: [u8; 16] = *b"\x2E\x85\xFC\x41\x96\x0B\xD7\x63\xBA\x1F\xC8\x34\x79\xE2\x5D\xA0";
const OTA_KEYS: [[u8; 16]; 2] = [
    *b"\x93\xCE\x0F\x71\xB2\x48\xDA\x66\x1B\xF5\x3C\x87\xE0\x29\x54\xBD",
    *b"\x6A\x37\xD8\xC1\x4E\x9F\x02\xB5\x78\xE3\x26\x8D\xF0\x1C\xAB\x45",
];
const PIN1: &str = "7391";
const PIN2: &str = "84026";
const PUK1: &str = "83629417";
const PUK2: &str = "26018574";
const ADM1: &str = "55019283";
/// Instructions whose data are codes.
const CODE_INSTRUCTIONS: [u8; 5] = [0x20, 0x24, 0x26, 0x28, 0x2C];

/// Everything that must stay inside.
fn secrets() -> Vec<Vec<u8>> {
    let mut secrets: Vec<Vec<u8>> = [KEY, OPC].into_iter().chain(OTA_KEYS).map(|key| key.to_vec()).collect();
    for code in [PIN1, PIN2, PUK1, PUK2, ADM1] {
        let mut padded = code.as_bytes().to_vec();
        padded.resize(8, 0xFF);
        secrets.push(padded);
    }
    secrets
}

/// A package of the builder's with an ISIM and keys for messages over the air, and the order for it.
fn order() -> Order {
    let code = |digits: &str| Secret::from(digits.as_bytes());
    let mut order = Order::number(1);
    let package = ProfileBuilder {
        iccid: "8900101234567800001".to_owned(),
        imsi: "001010000000001".to_owned(),
        mnc_length: 2,
        spn: "OpenRSP".to_owned(),
        profile_type: "canary".to_owned(),
        msisdn: Some("+9997000000001".to_owned()),
        gid1: Some(vec![0x1A]),
        gid2: None,
        key: Secret::from(&KEY[..]),
        opc: Secret::from(&OPC[..]),
        codes: Codes { pin1: code(PIN1), puk1: code(PUK1), pin2: code(PIN2), puk2: code(PUK2), adm1: code(ADM1) },
        isim: true,
        pad_to: 0,
    };
    order.elements = package
        .build()
        .expect("valid values")
        .elements()
        .iter()
        .flat_map(|element| ProfileElement::new(with_ota_keys(element.element())).expect("it encodes").bytes().to_vec())
        .collect();
    order
}

fn with_ota_keys(element: &Element) -> Element {
    let mut element = element.clone();
    if let Element::SecurityDomain(domain) = &mut element {
        let key = |(identifier, key): (u8, &[u8; 16])| KeyObject {
            usage_qualifier: OctetString::from_static(&[0x38]),
            access: None,
            identifier: OctetString::from(vec![identifier]),
            version_number: OctetString::from_static(&[0x01]),
            counter_value: None,
            components: vec![KeyComponent {
                key_type: OctetString::from_static(&[0x88]),
                key_data: Secret::from(&key[..]),
                mac_length: None,
                unknown: Default::default(),
            }],
            unknown: Default::default(),
        };
        domain.key_list = Some((1..).zip(&OTA_KEYS).map(key).collect());
    }
    element
}

/// The state of a card on which the profile is installed and enabled.
fn state() -> EuiccState {
    static STATE: OnceLock<Vec<u8>> = OnceLock::new();
    let bytes = STATE.get_or_init(|| {
        let (_, mut server, mut terminal) = setup();
        let order = order();
        terminal.install(&mut server, &order);
        assert_eq!(terminal.enable(order.iccid()), 0);
        terminal.state().to_bytes().expect("a state").to_vec()
    });
    EuiccState::from_bytes(bytes).expect("the state was just made")
}

fn card() -> (Euicc<MemoryStore>, MemoryStore) {
    let store = MemoryStore::default();
    let mut card = Euicc::new(state(), store.clone(), Box::new(SeededRandomness::new("fuzz"))).expect("a sound state");
    card.power_on();
    (card, store)
}

/// What a sane terminal would send, to begin with.
fn sensible() -> Vec<Vec<u8>> {
    let select = |p1: u8, data: &[u8]| [&[0x00, 0xA4, p1, 0x04, data.len() as u8], data, &[0x00]].concat();
    let mut commands = vec![
        select(0x04, &ISDR_AID),
        select(0x04, &[0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02]),
        select(0x04, &[0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x04]),
        select(0x04, &[0xA0, 0x00, 0x00, 0x00, 0x87]),
        select(0x08, &[0x7F, 0xFF, 0x6F, 0x07]),
        select(0x08, &[0x7F, 0x10, 0x5F, 0x3A]),
        select(0x03, &[0x3F, 0x00]),
        [&[0x00, 0x88, 0x00, 0x81, 0x22, 0x10][..], &[0x23; 16], &[0x10], &[0x55; 16], &[0x00]].concat(),
        [&[0x00, 0x88, 0x00, 0x80, 0x11, 0x10][..], &[0x23; 16]].concat(),
    ];
    for file in
        [0x3F00u16, 0x2F00, 0x2F06, 0x2FE2, 0x7FFF, 0x6F07, 0x6F38, 0x6F3C, 0x6F42, 0x6F46, 0x6F7E, 0x6FAD, 0x7F10]
    {
        commands.push(select(0x00, &file.to_be_bytes()));
    }
    for (reference, code) in [(0x01, PIN1), (0x81, PIN2), (0x0A, ADM1)] {
        let mut padded = code.as_bytes().to_vec();
        padded.resize(8, 0xFF);
        for instruction in [0x20, 0x26, 0x28] {
            commands.push([&[0x00, instruction, 0x00, reference, 0x08], &padded[..]].concat());
        }
        commands.push([&[0x00, 0x24, 0x00, reference, 0x10], &padded[..], &padded].concat());
        commands.push(vec![0x00, 0x20, 0x00, reference]);
        commands.push(vec![0x00, 0x2C, 0x00, reference]);
    }
    let puk = [PUK1.as_bytes(), PIN1.as_bytes(), &[0xFF; 4]].concat();
    commands.push([&[0x00, 0x2C, 0x00, 0x01, 0x10], &puk[..]].concat());
    for short in [
        "00B0000000",
        "00B0870009",
        "00B2010400",
        "00B2000200",
        "00B2000300",
        "00B2010420",
        "00C0000000",
        "00C0000010",
        "80F2000000",
        "80F2000100",
        "80F2000C",
        "0070000001",
        "00708001",
        "0084000008",
        "8078000100",
        "00040000",
        "00440000",
        "80120000FF",
        "00D6000002AABB",
        "00D600000108",
        "00DC010401FF",
        "00DC0003010A",
        "00A2010401FF",
        "00A201060304000A",
        "803200000301020300",
        "80CB0080015C00",
        "80CB000000",
        "80DB00800380010A",
        "80DB00000401020304",
        "8010000004FFFFFFFF",
        "80AA000005A903830107",
        "80C2000003D60100",
        "801400000481030100",
        "80E2910003BF2000",
        "80E2910003BF2200",
        "80E2910003BF2D00",
        "80E2910003BF2E00",
        "80E2910006BF3E035C015A",
        "80E2910003BF3C00",
        "80E2910003BF2800",
        "80E2910003BF2B00",
        "80E2910003BF4300",
        "80E2110003BF2D00",
        "80E2910007BF3404820206C0",
        "80E2910006BF2903800120",
        "80E2910011BF320EA00C5A0A98001021436587000010810100",
    ] {
        commands.push(hex::decode(short).expect("hexadecimal"));
    }
    commands
}

/// What a hostile terminal makes of it.
#[derive(Debug, Clone)]
enum Mutation {
    None,
    Flip(prop::sample::Index, u8),
    Replace(prop::sample::Index, u8),
    Truncate(prop::sample::Index),
    Append(Vec<u8>),
    Channel(u8),
}

impl Mutation {
    fn apply(&self, command: &mut Vec<u8>) {
        match self {
            Self::None => {}
            Self::Flip(at, bit) => *at.get_mut(command) ^= 1 << (bit % 8),
            Self::Replace(at, value) => *at.get_mut(command) = *value,
            Self::Truncate(at) => command.truncate(at.index(command.len()) + 1),
            Self::Append(bytes) => command.extend(bytes),
            Self::Channel(channel) if *channel < 4 => command[0] = command[0] & 0xFC | channel,
            Self::Channel(channel) => command[0] = command[0] & 0x80 | 0x40 | (channel - 4),
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        4 => Just(Mutation::None),
        2 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        1 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, value)| Mutation::Replace(at, value)),
        1 => any::<prop::sample::Index>().prop_map(Mutation::Truncate),
        1 => prop::collection::vec(any::<u8>(), 1..8).prop_map(Mutation::Append),
        1 => (0u8..20).prop_map(Mutation::Channel),
    ]
}

fn commands() -> impl Strategy<Value = Vec<u8>> {
    let mutated = (prop::sample::select(sensible()), mutation()).prop_map(|(mut command, mutation)| {
        mutation.apply(&mut command);
        command
    });
    prop_oneof![8 => mutated, 1 => prop::collection::vec(any::<u8>(), 0..24), 1 => prop::collection::vec(any::<u8>(), 0..270)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn atk_apdu_fuzz_sequences(script in prop::collection::vec(commands(), 1..40)) {
        let (mut card, store) = card();
        let secrets = secrets();
        for command in &script {
            let answer = card.transmit(command);
            prop_assert!((2..=258).contains(&answer.len()), "{} bytes to {}", answer.len(), hex::encode_upper(command));
            let sw1 = answer[answer.len() - 2];
            prop_assert!(matches!(sw1, 0x61..=0x6F | 0x90..=0x9F), "{sw1:02X} to {}", hex::encode_upper(command));
            for secret in &secrets {
                let found = answer.windows(secret.len()).any(|window| window == secret);
                // A code that the terminal itself wrote into a file is no secret any more.
                let told = script.iter().any(|sent| {
                    sent.get(1).is_some_and(|instruction| !CODE_INSTRUCTIONS.contains(instruction))
                        && sent.windows(secret.len()).any(|window| window == secret)
                });
                prop_assert!(!found || told, "a secret in the answer to {}", hex::encode_upper(command));
            }
        }
        // What was stored last opens, and is a card whose profile answers.
        let stored = EuiccState::from_bytes(&store.contents());
        prop_assert!(stored.is_ok());
        let again = Euicc::new(stored.expect("checked"), MemoryStore::default(), Box::new(SeededRandomness::new("again")));
        let mut again = again.expect("a sound state");
        again.power_on();
        prop_assert_eq!(again.transmit(&[0x00, 0xA4, 0x00, 0x04, 0x02, 0x3F, 0x00])[0], 0x61);
    }
}

/// The profile in front of one channel, with nothing between.
struct Counting(u8);

impl Randomness for Counting {
    fn fill(&mut self, buffer: &mut [u8]) {
        buffer.fill_with(|| {
            self.0 = self.0.wrapping_add(1);
            self.0
        });
    }
}

fn send(session: &mut Session, contents: &mut ProfileContents, bytes: &[u8]) -> Option<rsp_apdu::Response> {
    let command =
        Command::parse(bytes).ok().filter(|command| command.class.secure_messaging == SecureMessaging::None)?;
    Some(session.process(contents, &command, &mut Counting(0)).response)
}

/// Every instruction with edge values of its parameters on every file, with all codes verified: neither K, OPc, a code nor
/// a key for messages over the air comes out.
#[test]
fn no_instruction_on_any_file_gives_a_secret_away() {
    let (mut contents, _) = install(&order().elements).expect("it installs");
    let mut session = Session::new();
    for apdu in [vec![0x00, 0xA4, 0x04, 0x0C, 0x07, 0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02]].into_iter().chain(
        [(0x0A, ADM1), (0x81, PIN2)].map(|(reference, code)| {
            let mut padded = code.as_bytes().to_vec();
            padded.resize(8, 0xFF);
            [&[0x00, 0x20, 0x00, reference, 0x08], &padded[..]].concat()
        }),
    ) {
        assert_eq!(send(&mut session, &mut contents, &apdu).expect("a command").sw.0, 0x9000);
    }
    let secrets = secrets();
    let files = selections(&contents);
    assert!(files.len() > 40, "{} files", files.len());
    let (mut answers, mut bytes) = (0u32, 0usize);
    for file in &files {
        let mut on_file = session.clone();
        if send(&mut on_file, &mut contents.clone(), file).is_none_or(|response| !response.sw.is_success()) {
            continue;
        }
        for instruction in 0x00..=0xFF {
            // What one instruction does to the profile does not matter for the next.
            let (mut on_file, mut contents) = (on_file.clone(), contents.clone());
            for (class, p1, p2) in edges() {
                for rest in [&[0x00][..], &[0x02, 0x80, 0x00], &[]] {
                    let command = [&[class, instruction, p1, p2], rest].concat();
                    let Some(response) = send(&mut on_file, &mut contents, &command) else { continue };
                    answers += 1;
                    bytes += response.data.len();
                    for secret in &secrets {
                        let found = response.data.windows(secret.len()).any(|window| window == secret);
                        assert!(!found, "{} after {}", hex::encode_upper(&command), hex::encode_upper(file));
                    }
                }
            }
        }
    }
    assert!(answers > 2_500_000 && bytes > 20_000, "{answers} answers, {bytes} bytes");
}

/// Class, P1 and P2 at their edges: none, the first records, modes, short identifiers, all bits.
fn edges() -> impl Iterator<Item = (u8, u8, u8)> {
    let values = [0x00, 0x01, 0x04, 0x0C, 0x80, 0x81, 0xFF];
    [0x00, 0x80]
        .into_iter()
        .flat_map(move |class| values.into_iter().flat_map(move |p1| values.into_iter().map(move |p2| (class, p1, p2))))
}

/// SELECT by path for every file of the MF and of the USIM.
fn selections(contents: &ProfileContents) -> Vec<Vec<u8>> {
    let fs = contents.files();
    let mut selections = Vec::new();
    for (id, _) in fs.iter() {
        let mut path: Vec<u16> = Vec::new();
        for above in fs.ancestors(id) {
            path.push(if fs.is_adf(above) { 0x7FFF } else { fs.node(above).file_id });
        }
        path.pop();
        let path: Vec<u8> = path.iter().rev().flat_map(|id| id.to_be_bytes()).collect();
        if !path.is_empty() {
            selections.push([&[0x00, 0xA4, 0x08, 0x0C, path.len() as u8], &path[..]].concat());
        }
    }
    selections
}

/// A warning comes first, and GET RESPONSE fetches what goes with it.
#[test]
fn a_deactivated_file_is_described_after_the_warning() {
    let (mut card, _) = card();
    let mut send = |apdu: &str| hex::encode_upper(card.transmit(&hex::decode(apdu).expect("hexadecimal")));
    send("00A4040C07A0000000871002");
    assert_eq!(send(&format!("0020000A08{}", hex::encode(ADM1))), "9000");
    assert_eq!(send("00040800047FFF6F46"), "9000");
    assert_eq!(send("00A40804047FFF6F4600"), "6283");
    let described = send("00C0000000");
    assert!(described.starts_with("62") && described.contains("8A0104") && described.ends_with("9000"), "{described}");
}

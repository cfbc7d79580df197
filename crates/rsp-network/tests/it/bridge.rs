//! The bridge between hostapd's gateway protocol and authentication centres.
//!
//! `osmo-hlr-1.5.0.txt` holds what passed between a client and osmo-hlr 1.5.0 (Debian 12): its greeting, a subscriber with
//! Milenage, one with XOR, one that it does not know, a resynchronisation, and a ping. `<` is from osmo-hlr.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

use rsp_network::bridge::{
    AccessMode, Admission, AuthenticationCentre, Bridge, HlrClient, HlrConsole, OwnCentre, Passed, Triplet,
};
use rsp_network::{Auts, Error, Imsi, Sqn, Subscriber, Vector};

const RECORDED: &str = include_str!("osmo-hlr-1.5.0.txt");
const MILENAGE: &str = "001010123456789";
const XOR: &str = "001010000000002";
const UNKNOWN: &str = "001019999999999";
const RAND: [u8; 16] = [0x23, 0x55, 0x3C, 0xBE, 0x96, 0x37, 0xA8, 0x9D, 0x21, 0x8A, 0xE6, 0x4D, 0xAE, 0x47, 0xBF, 0x35];
/// Of a USIM whose sequence number is 5000000, for [`RAND`].
const AUTS: [u8; 14] = [0x45, 0x1E, 0x8B, 0xA0, 0xEF, 0x7B, 0x26, 0x5C, 0x65, 0x64, 0xA2, 0xFF, 0x5D, 0xFF];

/// The keys of test set 1 of 3GPP TS 35.208.
fn milenage() -> Subscriber {
    let k = hex::decode("465b5ce8b199b49faa5f0a2ee238a6bc").unwrap();
    let opc = hex::decode("cd63cb71954a9f4e48a5994e37a02baf").unwrap();
    Subscriber::milenage(k.try_into().unwrap(), opc.try_into().unwrap())
}

/// The key of the published test profiles.
fn usim_test() -> Subscriber {
    Subscriber::usim_test(std::array::from_fn(|i| i as u8))
}

fn imsi(digits: &str) -> Imsi {
    digits.parse().unwrap()
}

fn frames(direction: char) -> Vec<Vec<u8>> {
    let lines = RECORDED.lines().filter_map(|line| line.strip_prefix(direction));
    lines.map(|line| hex::decode(line.trim()).unwrap()).collect()
}

/// A register that says what it was given to say, and keeps what it hears.
#[derive(Clone, Default)]
struct Register {
    says: Arc<Mutex<io::Cursor<Vec<u8>>>>,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Register {
    fn new(says: &[Vec<u8>]) -> Self {
        Self { says: Arc::new(Mutex::new(io::Cursor::new(says.concat()))), ..Self::default() }
    }

    fn client(&self) -> HlrClient<Self, impl FnMut() -> io::Result<Self> + use<>> {
        let register = self.clone();
        HlrClient::new("OPENRSP", move || Ok(register.clone()))
    }

    fn heard(&self) -> Vec<u8> {
        self.heard.lock().unwrap().clone()
    }
}

impl Read for Register {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.says.lock().unwrap().read(buffer)
    }
}

impl Write for Register {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The sequence number in a vector of this subscriber's, found by asking for the vector with SQN 0.
fn sqn_of(subscriber: &Subscriber, vector: &Vector) -> Sqn {
    let with_zero = subscriber.vector(*vector.rand(), Sqn::default());
    Sqn::from_bytes(std::array::from_fn(|i| vector.autn()[i] ^ with_zero.autn()[i]))
}

fn assert_same(ours: &Vector, theirs: &Vector) {
    assert_eq!(ours.autn(), theirs.autn());
    assert_eq!(ours.xres(), theirs.xres());
    assert_eq!(ours.ck(), theirs.ck());
    assert_eq!(ours.ik(), theirs.ik());
}

#[test]
fn speaks_to_osmo_hlr_as_recorded_and_computes_the_same_vectors() {
    let register = Register::new(&frames('<'));
    let mut hlr = register.client();

    let theirs = hlr.vector(&imsi(MILENAGE)).unwrap();
    let sqn = sqn_of(&milenage(), &theirs);
    assert_eq!(sqn.seq(), 1);
    assert_same(&milenage().vector(*theirs.rand(), sqn), &theirs);

    let theirs = hlr.vector(&imsi(XOR)).unwrap();
    let sqn = sqn_of(&usim_test(), &theirs);
    // With XOR, osmo-hlr begins with the count 0, which a new USIM has seen: it will ask for resynchronisation.
    assert_eq!(sqn.seq(), 0);
    assert_same(&usim_test().vector(*theirs.rand(), sqn), &theirs);

    assert_eq!(hlr.vector(&imsi(UNKNOWN)).err(), Some(Error::HlrRefused(2)));
    hlr.resynchronise(&imsi(MILENAGE), &RAND, &Auts::from_bytes(&AUTS)).unwrap();

    let mut asked = frames('>');
    asked.pop();
    assert_eq!(register.heard(), asked.concat());
}

#[test]
fn after_auts_osmo_hlr_goes_on_from_the_sequence_number_of_the_usim() {
    let [greeting, .., resynchronised, _] = &frames('<')[..] else { panic!("no frames") };
    let mut hlr = Register::new(&[greeting.clone(), resynchronised.clone()]).client();
    let theirs = hlr.vector(&imsi(MILENAGE)).unwrap();
    let sqn = sqn_of(&milenage(), &theirs);
    let mut ours = milenage();
    let of_usim = ours.resynchronise(&RAND, &Auts::from_bytes(&AUTS)).unwrap();
    assert_eq!(u64::from(of_usim), 5_000_000);
    assert_eq!(sqn.seq(), of_usim.seq() + 1);
    assert_same(&ours.vector(*theirs.rand(), sqn), &theirs);
}

#[test]
fn triplets_follow_from_vectors_as_in_osmo_hlr() {
    for (number, who, subscriber) in [(1, MILENAGE, milenage()), (2, XOR, usim_test())] {
        let says = [frames('<')[0].clone(), frames('<')[number].clone()];
        let theirs = Register::new(&says).client().triplets(&imsi(who), 3).unwrap();
        assert_eq!(theirs.len(), 3);
        for triplet in &theirs {
            let ours = Triplet::from(&subscriber.vector(triplet.rand, Sqn::default()));
            assert_eq!((ours.sres, ours.kc), (triplet.sres, triplet.kc), "{who}");
        }
        let many = Register::new(&says).client().triplets(&imsi(who), 6).err();
        assert_eq!(many, Some(Error::HlrAnswer("fewer tuples than needed")));
    }
}

#[test]
fn answers_to_pings_and_skips_messages_for_others() {
    let [greeting, answer, xor, ..] = &frames('<')[..] else { panic!("no frames") };
    let ping = vec![0x00, 0x01, 0xFE, 0x00];
    let unknown_protocol = vec![0x00, 0x01, 0x77, 0x00];
    let acknowledged = vec![0x00, 0x01, 0xFE, 0x06];
    let says = [&ping, greeting, &acknowledged, &ping, &unknown_protocol, xor, answer].map(Clone::clone);
    let register = Register::new(&says);
    let theirs = register.client().vector(&imsi(MILENAGE)).unwrap();
    assert_same(&milenage().vector(*theirs.rand(), sqn_of(&milenage(), &theirs)), &theirs);
    let pong = [0x00, 0x01, 0xFE, 0x01];
    assert_eq!(register.heard().windows(4).filter(|bytes| *bytes == pong).count(), 2);
}

#[test]
fn connects_again_after_a_broken_link_but_not_after_a_refusal() {
    let all = frames('<');
    let mut connections = vec![
        Register::new(&[all[0].clone(), all[3].clone(), all[1].clone()]),
        // Cut off in the middle of an answer.
        Register::new(&[all[0].clone(), all[1][..40].to_vec()]),
    ];
    let mut made = 0;
    let mut hlr = HlrClient::new("OPENRSP", || {
        made += 1;
        connections.pop().ok_or_else(|| io::ErrorKind::ConnectionRefused.into())
    });
    assert_eq!(hlr.vector(&imsi(MILENAGE)).err(), Some(Error::HlrLink(io::ErrorKind::UnexpectedEof)));
    assert_eq!(hlr.vector(&imsi(UNKNOWN)).err(), Some(Error::HlrRefused(2)));
    assert!(hlr.vector(&imsi(MILENAGE)).is_ok());
    assert_eq!(hlr.vector(&imsi(MILENAGE)).err(), Some(Error::HlrLink(io::ErrorKind::UnexpectedEof)));
    assert_eq!(hlr.vector(&imsi(MILENAGE)).err(), Some(Error::HlrLink(io::ErrorKind::ConnectionRefused)));
    drop(hlr);
    assert_eq!(made, 3);
}

#[test]
fn refuses_every_answer_of_osmo_hlr_that_is_cut_off() {
    let [greeting, answer, ..] = &frames('<')[..] else { panic!("no frames") };
    let content = &answer[3..];
    for length in 1..content.len() {
        let mut frame = (length as u16).to_be_bytes().to_vec();
        frame.push(0xEE);
        frame.extend_from_slice(&content[..length]);
        let asked = Register::new(&[greeting.clone(), frame]).client().vector(&imsi(MILENAGE));
        // Whole tuples may be left: then the first is what it was.
        match asked {
            Ok(vector) => assert_eq!(vector.rand()[..], content[16..32]),
            Err(Error::HlrAnswer(_) | Error::HlrLink(_) | Error::Imsi) => {}
            Err(error) => panic!("{length}: {error}"),
        }
    }
}

/// An answer of the register for the subscriber with Milenage, with these elements in a tuple.
fn answer_with(tuple: &[u8]) -> Vec<u8> {
    let mut message = [&[0x05, 0x0A, 0x01, 0x08][..], &imsi(MILENAGE).to_tbcd()].concat();
    if !tuple.is_empty() {
        message.extend([0x03, tuple.len() as u8]);
        message.extend(tuple);
    }
    [&[0x00, message.len() as u8, 0xEE][..], &message].concat()
}

#[test]
fn refuses_answers_without_tuples_and_parts_of_a_wrong_length() {
    let greeting = || frames('<')[0].clone();
    let mut hlr = Register::new(&[greeting(), answer_with(&[])]).client();
    let resynchronised = hlr.resynchronise(&imsi(MILENAGE), &RAND, &Auts::from_bytes(&AUTS));
    assert_eq!(resynchronised, Err(Error::HlrAnswer("no tuple")));

    // RAND, IK, CK, AUTN and RES.
    let asked = |lengths: [u8; 5]| {
        let element = |(tag, length): (u8, u8)| [&[tag, length][..], &vec![0; length.into()]].concat();
        let tuple: Vec<u8> = [0x20, 0x23, 0x24, 0x25, 0x27].into_iter().zip(lengths).flat_map(element).collect();
        Register::new(&[greeting(), answer_with(&tuple)]).client().vector(&imsi(MILENAGE))
    };
    for res in [4, 16] {
        assert!(asked([16, 16, 16, 16, res]).is_ok());
    }
    for place in 0..4 {
        for length in [15, 17] {
            let mut lengths = [16; 5];
            lengths[place] = length;
            assert_eq!(asked(lengths).err(), Some(Error::HlrAnswer("a part of a tuple has a wrong length")));
        }
    }
    for res in [0, 3, 17] {
        assert_eq!(asked([16, 16, 16, 16, res]).err(), Some(Error::HlrAnswer("RES is not of 4 to 16 bytes")));
    }
}

fn own() -> Bridge<OwnCentre<impl FnMut() -> [u8; 16]>> {
    let mut centre = OwnCentre::new(|| RAND);
    centre.insert(imsi(MILENAGE), milenage());
    Bridge::new(centre)
}

fn ask(bridge: &mut Bridge<impl AuthenticationCentre>, request: &str) -> (String, Passed) {
    let (answer, passed) = bridge.answer(request.as_bytes());
    (String::from_utf8(answer.unwrap_or_default()).unwrap(), passed)
}

#[test]
fn hostapd_gets_the_vectors_of_our_own_subscribers() {
    let mut bridge = own();
    let (answer, passed) = ask(&mut bridge, "AKA-REQ-AUTH 001010123456789");
    let expected = milenage().challenge(RAND);
    let hex = |bytes: &[u8]| hex::encode(bytes);
    let (rand, autn) = (hex(&RAND), hex(expected.autn()));
    let (ik, ck, res) = (hex(expected.ik()), hex(expected.ck()), hex(expected.xres()));
    assert_eq!(answer, format!("AKA-RESP-AUTH 001010123456789 {rand} {autn} {ik} {ck} {res}"));
    // f2 to f4 of test set 1 of 3GPP TS 35.208.
    assert!(answer.ends_with("f769bcd751044604127672711c6d3441 b40ba9a3c58b2a05bbf0d987b21bf8cb a54211d5e3ba50bf"));
    assert_eq!(passed, Passed::Vector(imsi(MILENAGE)));

    let (answer, passed) = ask(&mut bridge, "SIM-REQ-AUTH 001010123456789 2");
    // Kc by c3 is that of the same test set; SRES by c2 is the two halves of RES, exclusive or.
    let triplet = format!("eae4be823af9a08b:46f8416a:{rand}");
    assert_eq!(answer, format!("SIM-RESP-AUTH 001010123456789 {triplet} {triplet}"));
    assert_eq!(passed, Passed::Triplets(imsi(MILENAGE), 2));
}

#[test]
fn auts_of_our_own_subscribers_moves_the_sequence_number_and_has_no_answer() {
    let mut bridge = own();
    let request = format!("AKA-AUTS {MILENAGE} {} {}", hex::encode(AUTS), hex::encode(RAND));
    let (answer, passed) = ask(&mut bridge, &request);
    assert_eq!((answer.as_str(), passed), ("", Passed::Resynchronised(imsi(MILENAGE))));
    let expected = milenage().with_sqn(Sqn::from_bytes([0, 0, 0, 0x4C, 0x4B, 0x40])).challenge(RAND);
    let (answer, _) = ask(&mut bridge, "AKA-REQ-AUTH 001010123456789");
    assert!(answer.contains(&hex::encode(expected.autn())), "{answer}");

    let mut wrong = AUTS;
    wrong[13] ^= 1;
    let request = format!("AKA-AUTS {MILENAGE} {} {}", hex::encode(wrong), hex::encode(RAND));
    let (answer, passed) = ask(&mut bridge, &request);
    assert_eq!((answer.as_str(), passed), ("", Passed::Refused(Some(imsi(MILENAGE)), Error::WrongMacS)));
}

#[test]
fn hostapd_is_told_of_failures_and_hears_nothing_of_nonsense() {
    let mut bridge = own();
    let refused = |error| Passed::Refused(Some(imsi(UNKNOWN)), error);
    let (answer, passed) = ask(&mut bridge, "AKA-REQ-AUTH 001019999999999");
    assert_eq!(answer, "AKA-RESP-AUTH 001019999999999 FAILURE");
    assert_eq!(passed, refused(Error::UnknownSubscriber));
    let (answer, passed) = ask(&mut bridge, "SIM-REQ-AUTH 001019999999999 3");
    assert_eq!(answer, "SIM-RESP-AUTH 001019999999999 FAILURE");
    assert_eq!(passed, refused(Error::UnknownSubscriber));
    let (answer, passed) = ask(&mut bridge, "HELLO");
    assert!(answer.is_empty());
    assert!(matches!(passed, Passed::Refused(None, Error::Gateway(_))));
}

/// A console that answers each line with the next of its answers.
struct Console<'a> {
    says: VecDeque<&'a [u8]>,
    heard: &'a mut Vec<u8>,
}

impl Read for Console<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let answer = self.says.pop_front().unwrap_or_default();
        let now = answer.len().min(buffer.len());
        buffer[..now].copy_from_slice(&answer[..now]);
        if now < answer.len() {
            self.says.push_front(&answer[now..]);
        }
        Ok(now)
    }
}

impl Write for Console<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was played with a console that says this, and what it heard.
fn with_console(
    says: &[&str],
    play: impl FnOnce(&mut HlrConsole<Console<'_>>) -> Result<(), Error>,
) -> (Result<(), Error>, String) {
    let mut heard = Vec::new();
    let says = says.iter().map(|answer| answer.as_bytes()).collect();
    let played = HlrConsole::new(Console { says, heard: &mut heard }).and_then(|mut console| play(&mut console));
    (played, String::from_utf8(heard).unwrap())
}

/// As osmo-hlr 1.5.0 says it.
const GREETING: &str = "Welcome to the OsmoHLR VTY interface\r\n\r\n\u{1}OsmoHLR> ";
const ENABLED: &str = "enable\r\nOsmoHLR# ";
const CREATED: &str =
    "subscriber imsi 001010123456789 create\r\n% Created subscriber 001010123456789\r\n    ID: 1\r\nOsmoHLR# ";
const SILENT: &str = "subscriber imsi 001010123456789 update …\r\nOsmoHLR# ";

#[test]
fn subscribers_are_added_and_removed_by_the_console_of_osmo_hlr() {
    let (done, heard) =
        with_console(&[GREETING, ENABLED, CREATED, SILENT], |console| console.add(&imsi(MILENAGE), &milenage()));
    assert_eq!(done, Ok(()));
    assert_eq!(
        heard,
        "enable\nsubscriber imsi 001010123456789 create\n\
         subscriber imsi 001010123456789 update aud3g milenage k 465b5ce8b199b49faa5f0a2ee238a6bc \
         opc cd63cb71954a9f4e48a5994e37a02baf ind-bitlen 5\n"
    );
    let (_, heard) =
        with_console(&[GREETING, ENABLED, CREATED, SILENT], |console| console.add(&imsi(MILENAGE), &usim_test()));
    assert!(heard.ends_with("aud3g xor k 000102030405060708090a0b0c0d0e0f ind-bitlen 5\n"), "{heard}");

    let deleted =
        "subscriber imsi 001010123456789 delete\r\n% Deleted subscriber for IMSI '001010123456789'\r\nOsmoHLR# ";
    let (done, heard) = with_console(&[GREETING, ENABLED, deleted], |console| console.remove(&imsi(MILENAGE)));
    assert_eq!(done, Ok(()));
    assert!(heard.ends_with("subscriber imsi 001010123456789 delete\n"), "{heard}");
}

/// As osmo-hlr 1.5.0 shows a subscriber that is not let in, and one that is.
const BARRED: &str = "subscriber imsi 001010123456789 show\r\n    ID: 1\r\n    IMSI: 001010123456789\r\n    MSISDN: none\r\n    \
                      CS disabled\r\n    PS disabled\r\nOsmoHLR# ";
const ADMITTED: &str = "subscriber imsi 001010123456789 show\r\n    ID: 1\r\n    IMSI: 001010123456789\r\n    MSISDN: none\r\n\
                        OsmoHLR# ";

#[test]
fn subscribers_are_let_in_by_their_access_mode_and_it_is_looked_at_afterwards() {
    let unchanged = Err(Error::HlrAnswer("it has not changed the access mode"));
    let without = |line: &str| BARRED.replace(line, "");
    let (cs_alone, ps_alone) = (without("    CS disabled\r\n"), without("    PS disabled\r\n"));
    let (ps_alone, cs_alone) = (ps_alone.as_str(), cs_alone.as_str());
    for (to, shown, mode, expected) in [
        (AccessMode::None, BARRED, "none", Ok(())),
        (AccessMode::CsPs, ADMITTED, "cs+ps", Ok(())),
        (AccessMode::Ps, ps_alone, "ps", Ok(())),
        (AccessMode::Cs, cs_alone, "cs", Ok(())),
        (AccessMode::None, ADMITTED, "none", unchanged.clone()),
        (AccessMode::CsPs, ps_alone, "cs+ps", unchanged.clone()),
        (AccessMode::CsPs, BARRED, "cs+ps", unchanged),
    ] {
        assert_eq!(mode.parse(), Ok(to));
        let says = [GREETING, ENABLED, SILENT, shown];
        let (done, heard) = with_console(&says, |console| console.set_access_mode(&imsi(MILENAGE), to));
        assert_eq!(done, expected);
        let asked = format!(
            "enable\nsubscriber imsi 001010123456789 update network-access-mode {mode}\n\
             subscriber imsi 001010123456789 show\n"
        );
        assert_eq!(heard, asked);
    }
    let other = ADMITTED.replace("IMSI: 001010123456789", "IMSI: 001010123456780");
    let (done, _) =
        with_console(&[GREETING, ENABLED, &other], |console| console.is_admitted(&imsi(MILENAGE)).map(drop));
    assert_eq!(done, Err(Error::HlrAnswer("its console does not show the subscriber")));
}

#[test]
fn who_is_not_let_in_gets_no_vector_and_nobody_does_where_that_is_not_known() {
    for (known, expected) in [
        (Ok(true), None),
        (Ok(false), Some(Error::NotAdmitted)),
        (Err(Error::HlrLink(io::ErrorKind::TimedOut)), Some(Error::HlrLink(io::ErrorKind::TimedOut))),
    ] {
        let mut centre = OwnCentre::new(|| [7; 16]);
        centre.insert(imsi(MILENAGE), milenage());
        let mut centre = Admission::new(centre, |_: &_| known.clone());
        assert_eq!(centre.vector(&imsi(MILENAGE)).err(), expected);
        assert_eq!(centre.triplets(&imsi(MILENAGE), 1).err(), expected);
        let auts = Auts::from_bytes(&[0; 14]);
        let expected = expected.or(Some(Error::WrongMacS));
        assert_eq!(centre.resynchronise(&imsi(MILENAGE), &[7; 16], &auts).err(), expected);
    }
}

#[test]
fn a_console_that_refuses_ends_or_does_not_stop_is_an_error() {
    let refused = "subscriber imsi 001010123456789 delete\r\n% No subscriber for imsi = '001010123456789'\r\nOsmoHLR# ";
    let endless = "x".repeat(1 << 17);
    for (says, error) in [
        (&[GREETING, ENABLED, refused][..], Error::HlrAnswer("its console refuses a command")),
        (&[GREETING, ENABLED], Error::HlrLink(io::ErrorKind::UnexpectedEof)),
        (&[GREETING, ENABLED, "subscriber imsi"], Error::HlrLink(io::ErrorKind::UnexpectedEof)),
        (&[&endless], Error::HlrAnswer("its console does not stop")),
        (&[], Error::HlrLink(io::ErrorKind::UnexpectedEof)),
    ] {
        assert_eq!(with_console(says, |console| console.remove(&imsi(MILENAGE))).0, Err(error));
    }
}

proptest::proptest! {
    #[test]
    fn never_panics_on_any_datagram(datagram: Vec<u8>, text in "(AKA|SIM)-(REQ-AUTH|AUTS) [0-9a-f ]{0,80}") {
        own().answer(&datagram);
        own().answer(text.as_bytes());
    }

    #[test]
    fn never_panics_on_any_register(says: Vec<u8>, message: Vec<u8>) {
        let _ = Register::new(&[says]).client().vector(&imsi(MILENAGE));
        let message = [&[0x05, 0x0A, 0x01, 0x08][..], &imsi(MILENAGE).to_tbcd(), &message].concat();
        let mut frame = (message.len() as u16).to_be_bytes().to_vec();
        frame.push(0xEE);
        let says = [frames('<')[0].clone(), frame, message];
        let _ = Register::new(&says).client().vector(&imsi(MILENAGE));
    }
}

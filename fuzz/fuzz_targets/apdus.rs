//! Command APDUs (ISO 7816-4), each after its length in two bytes: the parser, a whole eUICC with ISD-R and ECASD, and the
//! network access applications of an installed profile.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use rsp_apdu::store_data::Assembler;
use rsp_apdu::{Card, Command, Response};
use rsp_asn1::{Eid, ObjectIdentifier, Timestamp};
use rsp_crypto::{Curve, Randomness, SecretKey, rust_crypto};
use rsp_euicc::interpreter::{ProfileContents, install};
use rsp_euicc::usim::Session;
use rsp_euicc::{Credential, Euicc, EuiccState, Manufacture, MemoryStore};
use rsp_pki::issue::{Authority, Subject, Template, Validity};
use rsp_saip::Secret;
use rsp_saip::builder::{Codes, ProfileBuilder};

/// Longer scripts find nothing that shorter ones do not.
const MAX_COMMANDS: usize = 64;

/// The same numbers in every run, so that a find can be repeated.
struct Counting(u8);

impl Randomness for Counting {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let mut assembler = Assembler::default();
    let state = EuiccState::from_bytes(new_euicc()).expect("the state was just made");
    let mut euicc = Euicc::new(state, MemoryStore::default(), Box::new(Counting(0))).expect("the state is sound");
    euicc.power_on();
    let mut contents = new_profile().clone();
    let mut session = Session::new();
    for apdu in script(data).take(MAX_COMMANDS) {
        let answer = euicc.transmit(apdu);
        assert!((2..=258).contains(&answer.len()), "an answer is at most 256 bytes and a status word");
        let Ok(command) = Command::parse(apdu) else { continue };
        if let Ok(bytes) = command.to_bytes() {
            assert!(Command::parse(&bytes).is_ok_and(|again| again == command), "a command keeps its meaning");
        }
        let _ = assembler.push(command.p1, command.p2, &command.data);
        let answer = session.process(&mut contents, &command, &mut Counting(0)).response.to_bytes();
        assert!(Response::from_bytes(&answer).is_ok());
        for secret in [KEY, OPC] {
            assert!(!answer.windows(16).any(|window| window == secret), "no command reads a key back");
        }
    }
    let _ = euicc.reset();
});

/// Cuts the input into APDUs; the last one may be shorter than its length says.
fn script(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = data.split_first_chunk::<2>()?;
        let (apdu, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
        data = rest;
        Some(apdu)
    })
}

const KEY: [u8; 16] = *b"\xD1\x7A\x03\x9C\x55\xE8\x21\xB6\x4F\x90\x0D\xC3\x72\xAE\x18\xF4";
const OPC: [u8; 16] = *b"\x2E\x85\xFC\x41\x96\x0B\xD7\x63\xBA\x1F\xC8\x34\x79\xE2\x5D\xA0";

/// The state file of an eUICC fresh from the factory.
fn new_euicc() -> &'static [u8] {
    static STATE: OnceLock<Vec<u8>> = OnceLock::new();
    STATE.get_or_init(|| {
        let provider = rust_crypto();
        let key = |byte: u8| SecretKey::from_bytes(Curve::P256, &[byte; 32]).expect("a scalar below the order");
        let (ci_key, eum_key, euicc_key) = (key(1), key(2), key(3));
        let validity = Validity { not_before: Timestamp(1_577_836_800), not_after: Timestamp(4_102_444_800) };
        let oid = |last| ObjectIdentifier::new(vec![2u32, 999, last]).expect("an OID of three arcs");
        let ci_name = Subject::new().common_name("Fuzz CI");
        let ci_signer = provider.signer(&ci_key).expect("a P-256 key");
        let ci = Template::ci(&ci_name, ci_key.public_key(), &oid(1), &[], [1; 8], validity)
            .sign(&*ci_signer)
            .expect("a complete template");
        let ci_authority = Authority::new(provider, &ci, &ci_key).expect("certificate and key belong together");
        let eum_public = eum_key.public_key();
        let eum = Template::eum(&ci_authority, eum_public, "Fuzz", "Fuzz EUM", "89049032", &oid(2), [2; 8], validity)
            .sign(ci_authority.signer())
            .expect("a complete template");
        let eid: Eid = "89049032000000000000000000000000".parse().expect("32 digits");
        let euicc = Authority::new(provider, &eum, &eum_key)
            .and_then(|eum| eum.euicc(euicc_key.public_key(), eid.with_check_digits(), [3; 8], validity))
            .expect("an EID that the EUM may use");
        Manufacture::new(vec![Credential { ci, eum, euicc, key: euicc_key }])
            .build(provider)
            .and_then(|state| state.to_bytes())
            .expect("keys and certificates belong together")
            .to_vec()
    })
}

/// A profile of the builder's, installed.
fn new_profile() -> &'static ProfileContents {
    static CONTENTS: OnceLock<ProfileContents> = OnceLock::new();
    CONTENTS.get_or_init(|| {
        let digits = |text: &str| Secret::from(text.as_bytes());
        let package = ProfileBuilder {
            iccid: "8988211000000000005".into(),
            imsi: "001010123456789".into(),
            mnc_length: 2,
            spn: "Fuzz".into(),
            profile_type: "Fuzz".into(),
            msisdn: None,
            gid1: Some(vec![1]),
            gid2: None,
            key: Secret::from(&KEY[..]),
            opc: Secret::from(&OPC[..]),
            codes: Codes {
                pin1: digits("0000"),
                puk1: digits("11111111"),
                pin2: digits("0000"),
                puk2: digits("22222222"),
                adm1: digits("55555555"),
            },
            isim: true,
            pad_to: 0,
        };
        let package = package.build().unwrap_or_else(|error| panic!("{error}"));
        install(package.elements()).unwrap_or_else(|error| panic!("{error}")).0
    })
}

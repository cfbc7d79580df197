//! Command APDUs (ISO 7816-4), each after its length in two bytes: the parser, a whole eUICC with ISD-R and ECASD, and the
//! network access applications of an installed profile.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use rsp_apdu::store_data::Assembler;
use rsp_apdu::{Card, Command, Response};
use rsp_asn1::{Eid, ObjectIdentifier, OctetString, Timestamp};
use rsp_crypto::{Curve, Randomness, SecretKey, rust_crypto};
use rsp_euicc::interpreter::{ProfileContents, install};
use rsp_euicc::usim::Session;
use rsp_euicc::{Credential, Euicc, EuiccState, Manufacture, MemoryStore};
use rsp_pki::issue::{Authority, Subject, Template, Validity};
use rsp_saip::builder::{Codes, ProfileBuilder};
use rsp_saip::file::{Fcp, File, FileItem};
use rsp_saip::gfm::{FileCommand, GenericFileManagement};
use rsp_saip::header::PeHeader;
use rsp_saip::{Element, ProfileElement, Secret};

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
        let mut elements: Vec<Element> = package.elements().iter().map(|element| element.element().clone()).collect();
        elements.iter_mut().for_each(with_all_services);
        elements.insert(elements.len() - 1, Element::GenericFileManagement(more_files()));
        let elements: Result<Vec<_>, _> = elements.into_iter().map(ProfileElement::new).collect();
        let elements = elements.unwrap_or_else(|error| panic!("{error}"));
        install(&elements).unwrap_or_else(|error| panic!("{error}")).0
    })
}

/// The GSM context and the concealment of the subscriber among them.
fn with_all_services(element: &mut Element) {
    let Element::Template(template) = element else { return };
    let Some(table) = template.file_mut("ef-ust") else { return };
    let fcp = Fcp { ef_file_size: Some(OctetString::from_static(&[17])), ..Fcp::default() };
    *table =
        File(vec![FileItem::FileDescriptor(fcp), FileItem::FillFileContent(OctetString::from_static(&[0xFF; 17]))]);
}

/// A BER-TLV file, a cyclic one, and what the SUCI is calculated from, all of which everybody may read and write.
fn more_files() -> GenericFileManagement {
    let path = |path: &'static [u8]| FileCommand::FilePath(OctetString::from_static(path));
    let content = |bytes: &'static [u8]| FileCommand::FillFileContent(OctetString::from_static(bytes));
    let create = |descriptor: &'static [u8], id: [u8; 2], size: Option<&'static [u8]>| {
        FileCommand::CreateFcp(Fcp {
            file_descriptor: Some(OctetString::from_static(descriptor)),
            file_id: Some(OctetString::from(id)),
            // The rule of the builder's EF_ARR that asks for PIN 1, which is disabled.
            security_attributes_referenced: Some(OctetString::from_static(&[0x6F, 0x06, 0x05])),
            ef_file_size: size.map(OctetString::from_static),
            ..Fcp::default()
        })
    };
    let commands = vec![
        path(&[0x7F, 0xF0]),
        create(&[0x79, 0x21], [0x6F, 0x12], Some(&[0x01, 0x00])),
        content(b"\x80\x02\x11\x22\x9F\x20\x01\xAA"),
        path(&[0x7F, 0xF0]),
        create(&[0x46, 0x21, 0x00, 0x03], [0x6F, 0x39], Some(&[9])),
        path(&[0x7F, 0xF0]),
        create(&[0x78, 0x21], [0x5F, 0xC0], None),
        create(&[0x41, 0x21], [0x4F, 0x0A], Some(&[4])),
        content(b"\x76\xF8\x00\x00"),
        path(&[0x7F, 0xF0]),
        create(&[0x78, 0x21], [0x5F, 0xD0], None),
        create(&[0x41, 0x21], [0x4F, 0x01], Some(&[0x76])),
        content(SUCI_CALC_INFO),
    ];
    let header = PeHeader { mandated: None, identification: 0x1000, unknown: Default::default() };
    GenericFileManagement { header, commands: vec![commands], unknown: Default::default() }
}

/// Profile B, then profile A, with the keys of 3GPP TS 33.501 C.4.
const SUCI_CALC_INFO: &[u8] = b"\xA0\x06\x02\x01\x01\x02\x00\x00\xA1\x4B\x80\x01\x1B\x81\x21\
    \x02\x72\xDA\x71\x97\x62\x34\xCE\x83\x3A\x69\x07\x42\x58\x67\xB8\x2E\
    \x07\x4D\x44\xEF\x90\x7D\xFB\x4B\x3E\x21\xC1\xC2\x25\x6E\xBC\xD1\
    \x80\x01\x1E\x81\x20\
    \x5A\x8D\x38\x86\x48\x20\x19\x7C\x33\x94\xB9\x26\x13\xB2\x0B\x91\
    \x63\x3C\xBD\x89\x71\x19\x27\x3B\xF8\xE4\xA6\xF4\xEE\xC0\xA6\x50";

//! Profiles for tests: the generic test profiles, one that the builder makes, and a terminal in front of them.

use rsp_apdu::{Command, Response, StatusWord};
use rsp_crypto::Randomness;
use rsp_euicc::interpreter::{self, InstallError, ProfileContents};
use rsp_euicc::usim::Session;
use rsp_saip::builder::{Codes, ProfileBuilder};
use rsp_saip::status::PeStatus;
use rsp_saip::{Element, ProfileElement, ProfilePackage, Secret};

pub(crate) const KEY: [u8; 16] = *b"K of the example";
pub(crate) const OPC: [u8; 16] = *b"OPc of this one.";
pub(crate) const ICCID: &str = "89999012345678901236";
pub(crate) const IMSI: &str = "999700123456785";

/// A profile with an ISIM and all optional fields.
pub(crate) fn builder() -> ProfileBuilder {
    let code = |digits: &str| Secret::from(digits.as_bytes());
    ProfileBuilder {
        iccid: ICCID.to_owned(),
        imsi: IMSI.to_owned(),
        mnc_length: 2,
        spn: "OpenRSP".to_owned(),
        profile_type: "test of rsp-euicc".to_owned(),
        msisdn: Some("+9997000000001".to_owned()),
        gid1: Some(vec![0x1A]),
        gid2: None,
        key: Secret::from(&KEY[..]),
        opc: Secret::from(&OPC[..]),
        codes: Codes {
            pin1: code("1234"),
            puk1: code("12345678"),
            pin2: code("5678"),
            puk2: code("87654321"),
            adm1: code("11223344"),
        },
        isim: true,
        pad_to: 6000,
    }
}

/// The built profile, installed.
pub(crate) fn built() -> ProfileContents {
    let package = builder().build().expect("valid values");
    install(&package.to_der()).expect("it installs").0
}

/// The latest generic test profile, installed; `None` without the published data.
pub(crate) fn generic() -> Option<ProfileContents> {
    let bytes = rsp_testkit::standards("ts48/TS48_v7_SAIP2.3_BERTLV_SUCI.der")?;
    Some(install(&bytes).expect("it installs").0)
}

pub(crate) fn install(bytes: &[u8]) -> Result<(ProfileContents, Vec<PeStatus>), InstallError> {
    interpreter::install(ProfilePackage::from_der(bytes).expect("a package").elements())
}

/// The elements of the built package, to be changed one by one.
pub(crate) fn elements() -> Vec<Element> {
    let package = ProfileBuilder { pad_to: 0, ..builder() }.build().expect("valid values");
    package.elements().iter().map(|element| element.element().clone()).collect()
}

pub(crate) fn install_elements(elements: Vec<Element>) -> Result<(ProfileContents, Vec<PeStatus>), InstallError> {
    let elements: Vec<ProfileElement> =
        elements.into_iter().map(|element| ProfileElement::new(element).expect("it encodes")).collect();
    interpreter::install(&elements)
}

/// A terminal that speaks to one channel of a profile.
pub(crate) struct Terminal {
    pub(crate) contents: ProfileContents,
    pub(crate) session: Session,
    /// Whether the last command changed the profile.
    pub(crate) changed: bool,
}

/// Counts up: nothing here depends on the randomness.
struct Counting(u8);

impl Randomness for Counting {
    fn fill(&mut self, buffer: &mut [u8]) {
        buffer.fill_with(|| {
            self.0 = self.0.wrapping_add(1);
            self.0
        });
    }
}

impl Terminal {
    pub(crate) fn new(contents: ProfileContents) -> Self {
        Self { contents, session: Session::new(), changed: false }
    }

    /// Sends a command in hexadecimal.
    pub(crate) fn send(&mut self, apdu: &str) -> Response {
        let bytes = hex::decode(apdu.replace(' ', "")).expect("hexadecimal");
        let command = Command::parse(&bytes).expect("a command");
        // SELECT, STATUS, and what reads or searches change nothing.
        let reads = matches!(command.ins, 0xA4 | 0xF2 | 0xB0 | 0xB2 | 0xA2 | 0xCB);
        let before = (!reads).then(|| self.stored());
        let answer = self.session.process(&mut self.contents, &command, &mut Counting(0));
        assert!(answer.changed || before.is_none_or(|before| before == self.stored()), "{apdu}: a change to be stored");
        self.changed = answer.changed;
        answer.response
    }

    /// The profile as it is stored.
    fn stored(&self) -> Vec<u8> {
        let mut stored = Vec::new();
        ciborium::into_writer(&self.contents, &mut stored).expect("it can be stored");
        stored
    }

    /// Sends a command that must succeed, and returns its data in hexadecimal.
    pub(crate) fn ok(&mut self, apdu: &str) -> String {
        let response = self.send(apdu);
        assert_eq!(response.sw, StatusWord::OK, "{apdu}");
        hex::encode_upper(response.data)
    }

    /// Sends a command that must be answered by a status word alone.
    pub(crate) fn status(&mut self, apdu: &str) -> String {
        let response = self.send(apdu);
        assert!(response.data.is_empty(), "{apdu}");
        format!("{:04X}", response.sw.0)
    }

    /// Selects the first USIM.
    pub(crate) fn usim(mut self) -> Self {
        self.ok("00A4040C07A0000000871002");
        self
    }

    /// AUTHENTICATE in the 3G context.
    pub(crate) fn authenticate(&mut self, rand: &[u8], autn: &[u8]) -> Response {
        self.send(&format!("00880081 22 10{} 10{} 00", hex::encode(rand), hex::encode(autn)))
    }
}

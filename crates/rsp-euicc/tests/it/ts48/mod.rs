//! The generic test profiles of GSMA TS.48: every file that a package describes is selected and read back through APDUs, and
//! compared with what the value notation and the templates' defaults say.
//!
//! That their elements are encoded again to the byte is a test of rsp-saip.
//!
//! Not compared, as no source but the interpreter would say it: SFIs that the templates of CSIM give to fifteen files. Files
//! that nobody may read are refused with 6982, and compared where they lie. No file is edited by this eUICC: no generic test
//! profile has the services that it switches off in EF_UST, GBA and MBMS.

mod expected;
mod notation;
mod rows;

use rsp_apdu::CardAccess;
use rsp_euicc::interpreter::ProfileContents;

use crate::load::setup;
use crate::profile::{Terminal, install};
use crate::server::Order;
use expected::{Expected, Profile};

/// Each file with how many EFs it has, and how many of them are links, cannot be read by anybody, hold BER-TLV objects, and
/// have an SFI that is not compared.
const COUNTS: [(&str, [usize; 5]); 26] = [
    ("TS48_v1_A", [223, 29, 0, 0, 15]),
    ("TS48_v1_B", [223, 29, 0, 0, 15]),
    ("TS48_v2_SAIP2.1_BERTLV", [237, 29, 0, 2, 15]),
    ("TS48_v2_SAIP2.1_NoBERTLV", [235, 29, 0, 0, 15]),
    ("TS48_v2_SAIP2.3_BERTLV", [237, 29, 0, 2, 15]),
    ("TS48_v2_SAIP2.3_NoBERTLV", [235, 29, 0, 0, 15]),
    ("TS48_v3_SAIP2.1_BERTLV", [238, 29, 2, 2, 15]),
    ("TS48_v3_SAIP2.1_NoBERTLV", [236, 29, 2, 0, 15]),
    ("TS48_v3_SAIP2.3_BERTLV", [238, 29, 2, 2, 15]),
    ("TS48_v3_SAIP2.3_NoBERTLV", [236, 29, 2, 0, 15]),
    ("TS48_v4_SAIP2.1A_NoBERTLV", [236, 29, 2, 0, 15]),
    ("TS48_v4_SAIP2.1B_NoBERTLV", [236, 29, 2, 0, 15]),
    ("TS48_v4_SAIP2.3_BERTLV", [238, 29, 2, 2, 15]),
    ("TS48_v4_SAIP2.3_NoBERTLV", [236, 29, 2, 0, 15]),
    ("TS48_v5_SAIP2.1A_NoBERTLV", [235, 29, 1, 0, 15]),
    ("TS48_v5_SAIP2.1B_NoBERTLV", [236, 29, 1, 0, 15]),
    ("TS48_v5_SAIP2.3_BERTLV_SUCI", [240, 29, 1, 4, 15]),
    ("TS48_v5_SAIP2.3_NoBERTLV", [236, 29, 1, 0, 15]),
    ("TS48_v6_SAIP2.1A_NoBERTLV", [235, 29, 1, 0, 15]),
    ("TS48_v6_SAIP2.1B_NoBERTLV", [236, 29, 1, 0, 15]),
    ("TS48_v6_SAIP2.3_BERTLV_SUCI", [240, 29, 1, 4, 15]),
    ("TS48_v6_SAIP2.3_NoBERTLV", [236, 29, 1, 0, 15]),
    ("TS48_v7_SAIP2.3_BERTLV_SUCI", [241, 29, 1, 4, 15]),
    ("TS48_v7_SAIP2.3_BERTLV_SUCI_NoRAMRFM", [241, 29, 1, 4, 15]),
    ("TS48_v7_SAIP2.3_NoBERTLV", [237, 29, 1, 0, 15]),
    ("TS48_v7_SAIP2.3_NoBERTLV_NoRAMRFM", [237, 29, 1, 0, 15]),
];

/// A card that answers commands with data and a status word, whatever lies between.
trait Card {
    fn transmit(&mut self, command: &[u8]) -> (Vec<u8>, u16);

    /// The profile, to look at a file that no command reads.
    fn inside(&self) -> Option<&ProfileContents>;
}

/// The interpreter's result behind one logical channel.
impl Card for Terminal {
    fn transmit(&mut self, command: &[u8]) -> (Vec<u8>, u16) {
        let response = self.send(&hex::encode(command));
        (response.data, response.sw.0)
    }

    fn inside(&self) -> Option<&ProfileContents> {
        Some(&self.contents)
    }
}

/// A whole eUICC that loaded the profile.
impl Card for crate::terminal::Terminal {
    fn transmit(&mut self, command: &[u8]) -> (Vec<u8>, u16) {
        let response = self.access.transmit(command).expect("an answer");
        (response.data, response.sw.0)
    }

    fn inside(&self) -> Option<&ProfileContents> {
        None
    }
}

fn files(name: &str) -> Option<(Vec<u8>, Profile)> {
    let package = rsp_testkit::standards(&format!("ts48/{name}.der"))?;
    let text = rsp_testkit::standards(&format!("ts48/value-notation/{name}.txt"))?;
    let elements = notation::read(std::str::from_utf8(&text).expect("UTF-8"));
    Some((package, Profile::of(&elements)))
}

/// Compares all files of a profile on a card.
struct Comparison<'a, C> {
    name: &'a str,
    card: &'a mut C,
    profile: &'a Profile,
    /// As in [`COUNTS`].
    counts: [usize; 5],
}

impl<C: Card> Comparison<'_, C> {
    fn run(mut self) -> [usize; 5] {
        for (path, file) in &self.profile.files {
            if file.kind == "DF" {
                self.enter(path, file);
                let here = |other: &&Vec<u16>| other.len() == path.len() + 1 && other.starts_with(path);
                for ef in self.profile.files.keys().filter(here) {
                    if self.profile.files[ef].kind != "DF" {
                        self.elementary_file(ef);
                    }
                }
            }
        }
        self.counts
    }

    fn ok(&mut self, command: &[u8]) -> Vec<u8> {
        let (data, sw) = self.card.transmit(command);
        assert_eq!(sw, 0x9000, "{}: {}", self.name, hex::encode_upper(command));
        data
    }

    /// SELECT by path, or in an application by its AID and the path from there: the FCP.
    fn select(&mut self, path: &[u16]) -> Vec<u8> {
        let adf = (1..=path.len()).find(|length| self.profile.files[&path[..*length]].aid.is_some());
        let rest = match adf {
            None => path.to_vec(),
            Some(length) => {
                let aid = self.profile.files[&path[..length]].aid.clone().expect("an AID");
                let fcp = self.ok(&[&[0x00, 0xA4, 0x04, 0x04, aid.len() as u8][..], &aid].concat());
                if length == path.len() {
                    return fcp;
                }
                [&[0x7FFF], &path[length..]].concat()
            }
        };
        if rest.is_empty() {
            return self.ok(&[0x00, 0xA4, 0x00, 0x04, 0x02, 0x3F, 0x00]);
        }
        let bytes: Vec<u8> = rest.iter().flat_map(|id| id.to_be_bytes()).collect();
        self.ok(&[&[0x00, 0xA4, 0x08, 0x04, bytes.len() as u8][..], &bytes].concat())
    }

    /// Selects a DF, compares its FCP, and presents all codes that count in it.
    fn enter(&mut self, path: &[u16], file: &Expected) {
        let fcp = Fcp::of(&self.select(path));
        let place = format!("{} {path:04X?} {}", self.name, file.name);
        assert_eq!(fcp.get(0x82)[0] & 0x3F, 0x38, "{place}");
        match &file.aid {
            Some(aid) => assert_eq!(fcp.get(0x84), aid, "{place}"),
            None => assert_eq!(fcp.get(0x83), path.last().unwrap_or(&0x3F00).to_be_bytes(), "{place}"),
        }
        self.administration(&fcp, file, &place);
        // Behind the bits of `90` one `83` for each key.
        let status = fcp.get(0xC6);
        let keys: Vec<u8> = status[2 + usize::from(status[1])..].chunks(3).map(|key| key[2]).collect();
        assert_eq!(keys, file.pin_references, "{place}");
        for (df, reference, value) in &self.profile.codes {
            if path.starts_with(df) {
                let (_, sw) = self.card.transmit(&[&[0x00, 0x20, 0x00, *reference, 0x08][..], value].concat());
                // 6984: PIN1 of the generic test profiles is disabled.
                assert!(sw == 0x9000 || (*reference, sw) == (0x01, 0x6984), "{place}: VERIFY {reference:02X} {sw:04X}");
            }
        }
    }

    fn administration(&self, fcp: &Fcp, file: &Expected, place: &str) {
        assert_eq!(fcp.get(0x8A), [file.life_cycle], "{place}");
        if let Some((arr, record)) = file.rule {
            let [high, low] = arr.to_be_bytes();
            assert_eq!(fcp.get(0x8B), [high, low, record], "{place}");
        }
    }

    fn elementary_file(&mut self, path: &[u16]) {
        let profile = self.profile;
        let (file, source) = (&profile.files[path], profile.source(path));
        let place = format!("{} {path:04X?} {}", self.name, file.name);
        let fcp = Fcp::of(&self.select(path));
        self.counts[0] += 1;
        self.counts[1] += usize::from(file.link.is_some());
        self.administration(&fcp, file, &place);
        assert_eq!(fcp.get(0x83), path.last().expect("an identifier").to_be_bytes(), "{place}");
        let record = [source.record as u16].map(u16::to_be_bytes)[0];
        let descriptor = match source.kind {
            "TR" => vec![0x41, 0x21],
            "BT" => vec![0x79, 0x21],
            kind => {
                let count = source.content.len() / source.record;
                vec![if kind == "LF" { 0x42 } else { 0x46 }, 0x21, record[0], record[1], count as u8]
            }
        };
        assert_eq!(fcp.get(0x82), descriptor, "{place}");
        let size = fcp.get(0x80).iter().fold(0usize, |size, byte| size << 8 | usize::from(*byte));
        assert_eq!(size, source.content.len(), "{place}");
        match file.sfi {
            Some(sfi) => assert_eq!(fcp.get(0x88), Vec::from_iter(sfi.map(|sfi| sfi << 3)), "{place}"),
            None => self.counts[4] += 1,
        }
        let proprietary = fcp.get(0xA5);
        let special = proprietary.windows(3).find(|window| window[..2] == [0xC0, 0x01]).expect("C0");
        assert_eq!(special[2], source.special, "{place}");
        if source.kind == "BT" {
            self.counts[3] += 1;
            assert!(source.content.iter().all(|byte| *byte == 0xFF), "{place}: no package writes objects");
            // RETRIEVE DATA, first block: the list of tags.
            let answer = self.card.transmit(&[0x80, 0xCB, 0x00, 0x80, 0x01, 0x5C, 0x00]);
            let expected = if profile.may_be_read(path) { (vec![0x5C, 0x00], 0x9000) } else { (Vec::new(), 0x6982) };
            assert_eq!(answer, expected, "{place}");
            return;
        }
        let read = self.read(source);
        assert_eq!(read.is_some(), profile.may_be_read(path), "{place}");
        let content = read.or_else(|| {
            self.counts[2] += 1;
            let files = self.card.inside()?.files();
            Some(files.ef(files.by_package_path(path)?)?.body.to_vec())
        });
        if let Some(content) = content {
            assert_eq!(hex::encode_upper(content), hex::encode_upper(&source.content), "{place}");
        }
    }

    /// Reads the selected file; `None` when nobody may.
    fn read(&mut self, source: &Expected) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        while content.len() < source.content.len() {
            let command = if source.kind == "TR" {
                let [high, low] = (content.len() as u16).to_be_bytes();
                [0x00, 0xB0, high, low, (source.content.len() - content.len()).min(255) as u8]
            } else {
                [0x00, 0xB2, (content.len() / source.record) as u8 + 1, 0x04, source.record as u8]
            };
            match self.card.transmit(&command) {
                (data, 0x9000) => content.extend(data),
                (_, 0x6982) if content.is_empty() => return None,
                (_, sw) => panic!("{}: {} {sw:04X}", self.name, hex::encode_upper(command)),
            }
        }
        Some(content)
    }
}

/// A file control parameters template.
struct Fcp(Vec<(u8, Vec<u8>)>);

impl Fcp {
    fn of(answer: &[u8]) -> Self {
        let [0x62, length, rest @ ..] = answer else { panic!("{answer:02X?}") };
        assert_eq!(rest.len(), usize::from(*length), "shorter than 128 bytes");
        let mut objects = Vec::new();
        let mut rest = rest;
        while let [tag, length, value @ ..] = rest {
            let (value, next) = value.split_at(usize::from(*length));
            objects.push((*tag, value.to_vec()));
            rest = next;
        }
        Self(objects)
    }

    fn get(&self, tag: u8) -> &[u8] {
        let found = self.0.iter().find(|(other, _)| *other == tag);
        found.map(|(_, value)| &value[..]).unwrap_or_else(|| panic!("no {tag:02X} in the FCP"))
    }
}

#[test]
fn every_file_of_every_generic_test_profile_reads_back() {
    let mut counts = Vec::new();
    for (name, _) in COUNTS {
        let Some((package, profile)) = files(name) else { return };
        let (contents, _) = install(&package).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut card = Terminal::new(contents);
        let found = Comparison { name, card: &mut card, profile: &profile, counts: [0; 5] }.run();
        let [all, links, closed, objects, without_sfi] = found;
        println!(
            "{name}: {all} EFs, {links} links, {closed} closed, {objects} BER-TLV, {without_sfi} SFIs not compared"
        );
        let files = card.contents.files();
        let dfs = files.iter().filter(|(id, _)| files.df(*id).is_some()).count();
        assert_eq!(files.iter().count() - dfs, all, "{name}: and there are no others");
        assert_eq!(profile.files.len() - all, dfs, "{name}");
        counts.push((name, found));
    }
    assert_eq!(counts, COUNTS);
}

#[test]
fn a_generic_test_profile_that_was_loaded_reads_back() {
    for name in ["TS48_v1_A", "TS48_v5_SAIP2.3_NoBERTLV", "TS48_v7_SAIP2.3_BERTLV_SUCI"] {
        let Some((elements, profile)) = files(name) else { return };
        let (_, mut server, mut terminal) = setup();
        let iccid = rsp_asn1::Iccid(profile.files[&vec![0x2FE2]].content[..].try_into().expect("ten bytes"));
        let order = Order { elements, ..Order::number(1) }.with(|metadata| {
            metadata.iccid = iccid;
            metadata.profile_owner = None;
            metadata.profile_class = rsp_asn1::ProfileClass::TEST;
        });
        let success = terminal.install(&mut server, &order);
        assert_eq!(hex::encode_upper(&success.sima_response), "3007A0053003800100", "one ok speaks for all");
        assert_eq!(terminal.enable(iccid), 0);
        let found = Comparison { name, card: &mut terminal, profile: &profile, counts: [0; 5] }.run();
        assert_eq!(Some(&(name, found)), COUNTS.iter().find(|(other, _)| *other == name));
    }
}

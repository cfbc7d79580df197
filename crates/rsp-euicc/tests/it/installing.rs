//! From profile elements to an installed profile, and everything that must be refused.

use rsp_asn1::{ObjectIdentifier, OctetString};
use rsp_euicc::interpreter::{InstallError, Owner, ProfileContents};
use rsp_saip::aka::{AlgoParameter, AlgorithmConfiguration, MappingParameter};
use rsp_saip::codes::PinCodesChoice;
use rsp_saip::file::{Fcp, FileItem, ProprietaryInfo};
use rsp_saip::gfm::{FileCommand, GenericFileManagement};
use rsp_saip::header::{PeHeader, Service};
use rsp_saip::status::PeStatusCode;
use rsp_saip::{Element, ElementKind, ProfilePackage, TemplateElement};

use crate::profile::{ICCID, IMSI, Terminal, built, elements, install, install_elements};

fn ts48() -> Vec<String> {
    let Some(dir) = rsp_testkit::standards_dir() else {
        rsp_testkit::standards("ts48");
        return Vec::new();
    };
    let entries = std::fs::read_dir(dir.join("ts48")).expect("the directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let names: Vec<String> = names.filter(|name| name.ends_with(".der")).map(|name| format!("ts48/{name}")).collect();
    assert_eq!(names.len(), 26);
    names
}

#[test]
fn every_generic_test_profile_installs_and_reads_back() {
    for name in ts48() {
        let bytes = rsp_testkit::standards(&name).expect("listed");
        let (contents, statuses) = install(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(statuses.iter().all(|status| status.status == PeStatusCode::OK), "{name}");
        let summary = ProfilePackage::from_der(&bytes).expect("a package").summary();
        assert_eq!(contents.imsi_digits(), summary.imsi, "{name}");
        assert!(contents.has_only_test_keys() && contents.uses_test_algorithm(), "{name}");
        assert!(contents.size_bytes() > 5_000 && contents.size_bytes() < 60_000, "{name}: {}", contents.size_bytes());
        let mut terminal = Terminal::new(contents);
        terminal.ok("00A4000C022FE2");
        assert_eq!(terminal.ok("00B000000A"), "98001032547698103214", "{name}");
        terminal = terminal.usim();
        terminal.ok("00A4000C026F07");
        let imsi = terminal.ok("00B0000009");
        let content = rsp_saip::digits::imsi_content(summary.imsi.as_deref().expect("an IMSI")).expect("digits");
        assert_eq!(imsi, hex::encode_upper(content), "{name}");
    }
}

#[test]
fn the_built_profile_installs_and_survives_storing() {
    let contents = built();
    assert_eq!(contents.iccid().map(|iccid| rsp_saip::digits::from_swapped(&iccid)).as_deref(), Some(ICCID));
    assert_eq!(contents.imsi_digits().as_deref(), Some(IMSI));
    assert_eq!(contents.gid1(), Some(&[0x1A][..]));
    assert_eq!(contents.gid2(), None);
    assert!(!contents.has_only_test_keys() && !contents.uses_test_algorithm());
    let mut stored = Vec::new();
    ciborium::into_writer(&contents, &mut stored).expect("it can be stored");
    assert!(stored.len() < 2 * contents.size_bytes(), "{} bytes of {}", stored.len(), contents.size_bytes());
    let again: ProfileContents = ciborium::from_reader(&stored[..]).expect("it can be read");
    assert_eq!(again.imsi_digits().as_deref(), Some(IMSI));
    let mut rewritten = Vec::new();
    ciborium::into_writer(&again, &mut rewritten).expect("it can be stored");
    assert!(stored == rewritten);
}

#[test]
fn the_owner_is_compared_with_the_files() {
    let contents = built();
    let owner = Owner { mcc_mnc: [0x99, 0xF9, 0x07], gid1: None, gid2: None };
    assert!(contents.belongs_to(&owner));
    assert!(contents.belongs_to(&Owner { gid1: Some(&[0x1A]), ..owner }));
    assert!(!contents.belongs_to(&Owner { gid1: Some(&[0x1B]), ..owner }));
    assert!(!contents.belongs_to(&Owner { gid2: Some(&[0x01]), ..owner }), "there is no EF_GID2");
    assert!(!contents.belongs_to(&Owner { mcc_mnc: [0x99, 0xF9, 0x17], ..owner }));
    assert!(contents.belongs_to(&Owner { mcc_mnc: [0x99, 0x09, 0x07], ..owner }), "999-700 begins the IMSI too");
    assert!(!contents.belongs_to(&Owner { mcc_mnc: [0xFF, 0xFF, 0xFF], ..owner }));
}

fn refusal(elements: Vec<Element>) -> InstallError {
    match install_elements(elements) {
        Ok(_) => panic!("the package must be refused"),
        Err(error) => error,
    }
}

fn position(elements: &[Element], kind: ElementKind) -> usize {
    elements.iter().position(|element| element.kind() == kind).expect("the element is there")
}

fn header() -> PeHeader {
    PeHeader::mandated(999)
}

#[test]
fn the_order_of_elements_matters() {
    let format = PeStatusCode::INVALID_REQUEST_FORMAT;
    let swapped = |left: usize, right: usize| {
        let mut elements = elements();
        elements.swap(left, right);
        elements
    };
    let without = |kind| {
        let mut elements = elements();
        elements.remove(position(&elements, kind));
        elements
    };
    let twice = |kind| {
        let mut elements = elements();
        let at = position(&elements, kind);
        elements.insert(at, elements[at].clone());
        elements
    };
    for (name, elements) in [
        ("mf before header", swapped(0, 1)),
        ("puk before mf", swapped(1, 2)),
        ("usim before mf", swapped(1, 4)),
        ("no header", without(ElementKind::Header)),
        ("no mf", without(ElementKind::Mf)),
        ("no end", without(ElementKind::End)),
        ("two headers", twice(ElementKind::Header)),
        ("two ends", twice(ElementKind::End)),
        ("opt-usim without usim", without(ElementKind::Usim)),
        ("nothing", Vec::new()),
    ] {
        assert_eq!(refusal(elements).status(), format, "{name}");
    }
    assert_eq!(refusal(twice(ElementKind::Mf)).status(), format);
}

#[test]
fn identifications_are_unique() {
    let mut elements = elements();
    let at = position(&elements, ElementKind::Usim);
    let Element::Template(usim) = &mut elements[at] else { panic!("a template") };
    usim.header_mut().identification = 1;
    let error = refusal(elements);
    assert_eq!((error.status(), error.number, error.kind), (PeStatusCode::BAD_VALUES, at + 1, Some(ElementKind::Usim)));
    assert_eq!(error.statuses.last().and_then(|status| status.identification), Some(1));
}

#[test]
fn codes_that_are_referred_to_must_exist() {
    // Without PE-PINCodes the MF's template names keys that nothing defines.
    let mut no_pins = elements();
    no_pins.remove(position(&no_pins, ElementKind::PinCodes));
    assert_eq!(refusal(no_pins).status(), PeStatusCode::PIN_CODE_MISSING);
    // Without PE-PUKCodes the PINs name a PUK that nothing defines.
    let mut no_puks = elements();
    no_puks.remove(position(&no_puks, ElementKind::PukCodes));
    assert_eq!(refusal(no_puks).status(), PeStatusCode::PIN_CODE_MISSING);
}

#[test]
fn pins_belong_to_their_place() {
    let mut local_in_mf = elements();
    let at = position(&local_in_mf, ElementKind::PinCodes);
    let Element::PinCodes(pins) = &mut local_in_mf[at] else { panic!("PINs") };
    let PinCodesChoice::PinConfig(codes) = &mut pins.codes else { panic!("PINs of its own") };
    codes[0].key_reference = 0x81;
    assert_eq!(refusal(local_in_mf).status(), PeStatusCode::BAD_VALUES);
    let mut twice = elements();
    let Element::PinCodes(pins) = &mut twice[at] else { panic!("PINs") };
    let PinCodesChoice::PinConfig(codes) = &mut pins.codes else { panic!("PINs of its own") };
    codes[1].key_reference = 0x01;
    assert_eq!(refusal(twice).status(), PeStatusCode::BAD_VALUES);
}

#[test]
fn an_application_has_local_pins_only_and_no_more_attempts_are_left_than_there_are() {
    let mut global = elements();
    let at = global.iter().rposition(|element| element.kind() == ElementKind::PinCodes).expect("PINs of the ISIM");
    let Element::PinCodes(pins) = &mut global[at] else { panic!("PINs") };
    let PinCodesChoice::PinConfig(codes) = &mut pins.codes else { panic!("PINs of its own") };
    codes[0].key_reference = 0x02;
    assert_eq!(refusal(global).status(), PeStatusCode::BAD_VALUES);
    for attempts in [0x34, 0x03, 0x00] {
        let mut elements = elements();
        let at = position(&elements, ElementKind::PinCodes);
        let Element::PinCodes(pins) = &mut elements[at] else { panic!("PINs") };
        let PinCodesChoice::PinConfig(codes) = &mut pins.codes else { panic!("PINs of its own") };
        codes[0].attempts = Some(attempts);
        assert_eq!(refusal(elements).status(), PeStatusCode::BAD_VALUES, "{attempts:02X}");
    }
}

#[test]
fn pins_can_be_shared_by_path() {
    let mut elements = elements();
    let at = elements.iter().rposition(|element| element.kind() == ElementKind::PinCodes).expect("PINs of the ISIM");
    let Element::PinCodes(pins) = &mut elements[at] else { panic!("PINs") };
    pins.codes = PinCodesChoice::FilePath(OctetString::from_static(&[0x7F, 0xF0]));
    let (contents, _) = install_elements(elements.clone()).expect("it installs");
    let mut terminal = Terminal::new(contents);
    terminal.ok("00A4040C07A0000000871004");
    assert_eq!(terminal.status("00200081"), "63C3");
    let Element::PinCodes(pins) = &mut elements[at] else { panic!("PINs") };
    pins.codes = PinCodesChoice::FilePath(OctetString::from_static(&[0x7F, 0xF9]));
    assert_eq!(refusal(elements).status(), PeStatusCode::PIN_CODE_MISSING);
}

#[test]
fn the_header_says_what_the_euicc_must_have() {
    let with = |change: fn(&mut rsp_saip::header::ProfileHeader)| {
        let mut elements = elements();
        let Element::Header(header) = &mut elements[0] else { panic!("the header") };
        change(header);
        refusal(elements).status()
    };
    assert_eq!(with(|header| header.major_version = 4), PeStatusCode::UNSUPPORTED_PROFILE_VERSION);
    assert_eq!(with(|header| header.mandatory_services.0.push(Service::GBA_USIM)), PeStatusCode::FEATURE_NOT_SUPPORTED);
    assert_eq!(with(|header| header.mandatory_services.0.push(Service(77))), PeStatusCode::FEATURE_NOT_SUPPORTED);
    let unknown = |header: &mut rsp_saip::header::ProfileHeader| {
        header.mandatory_templates.push(ObjectIdentifier::new(vec![2, 23, 143, 1, 2, 99]).expect("arcs"));
    };
    assert_eq!(with(unknown), PeStatusCode::TEMPLATE_NOT_SUPPORTED);
    let package = |header: &mut rsp_saip::header::ProfileHeader| {
        header.mandatory_aids = Some(vec![rsp_saip::header::MandatoryAid {
            aid: OctetString::from_static(b"\xA0package"),
            version: OctetString::from_static(&[1, 0]),
            unknown: Default::default(),
        }]);
    };
    assert_eq!(with(package), PeStatusCode::LIB_NOT_SUPPORTED);
    assert_eq!(
        with(|header| {
            header.iot_options = Some(rsp_saip::header::IotOptions {
                pix: OctetString::from_static(&[0; 7]),
                unknown: Default::default(),
            });
        }),
        PeStatusCode::FEATURE_NOT_SUPPORTED
    );
}

#[test]
fn a_template_of_another_element_is_not_supported() {
    let mut elements = elements();
    let at = position(&elements, ElementKind::OptUsim);
    let template = ObjectIdentifier::new(vec![2, 23, 143, 1, 2, 4]).expect("arcs");
    elements[at] = Element::Template(TemplateElement::new(ElementKind::OptUsim, header(), template).expect("files"));
    assert_eq!(refusal(elements).status(), PeStatusCode::TEMPLATE_NOT_SUPPORTED);
}

#[test]
fn an_unknown_element_is_left_out_unless_it_is_mandated() {
    let other = |mandated: &str| {
        let contents = hex::decode(format!("A0{mandated}")).expect("hex").into();
        Element::Other { kind: ElementKind::Other(60), contents }
    };
    let mut elements = elements();
    let end = elements.len() - 1;
    elements.insert(end, other("0481020400"));
    let (_, statuses) = install_elements(elements.clone()).expect("it installs");
    assert_eq!(statuses.len(), elements.len() - 1, "of all but the header");
    let (left_out, done): (Vec<_>, Vec<_>) =
        statuses.into_iter().partition(|status| status.identification == Some(0x0400));
    assert_eq!(left_out[0].status, PeStatusCode::PE_NOT_SUPPORTED);
    assert!(done.iter().all(|status| status.status == PeStatusCode::OK && status.identification.is_some()));
    elements[end] = other("06800081020400");
    assert_eq!(refusal(elements).status(), PeStatusCode::PE_NOT_SUPPORTED);
}

#[test]
fn keys_must_be_of_a_known_algorithm_and_length() {
    let with = |change: fn(&mut AlgoParameter)| {
        let mut elements = elements();
        let at = position(&elements, ElementKind::AkaParameter);
        let Element::AkaParameter(aka) = &mut elements[at] else { panic!("keys") };
        let AlgorithmConfiguration::Algorithm(algorithm) = &mut aka.algorithm else { panic!("keys of its own") };
        change(algorithm);
        refusal(elements).status()
    };
    assert_eq!(with(|algorithm| algorithm.algorithm_id = 2), PeStatusCode::BAD_VALUES, "TOPc of 16 bytes");
    assert_eq!(with(|algorithm| algorithm.algorithm_id = 9), PeStatusCode::BAD_VALUES);
    assert_eq!(with(|algorithm| algorithm.key = rsp_saip::Secret::from(&[0; 15][..])), PeStatusCode::BAD_VALUES);
    assert_eq!(with(|algorithm| algorithm.opc = rsp_saip::Secret::from(&[][..])), PeStatusCode::BAD_VALUES);
}

#[test]
fn an_isim_can_use_the_keys_of_the_usim() {
    let mut elements = elements();
    let at = elements.iter().rposition(|element| element.kind() == ElementKind::AkaParameter).expect("keys");
    let Element::AkaParameter(aka) = &mut elements[at] else { panic!("keys") };
    let mapping = |source: &'static [u8]| {
        AlgorithmConfiguration::Mapping(MappingParameter {
            options: OctetString::from_static(&[0]),
            source: OctetString::from_static(source),
            unknown: Default::default(),
        })
    };
    aka.algorithm = mapping(&rsp_saip::builder::USIM_AID);
    install_elements(elements.clone()).expect("it installs");
    let Element::AkaParameter(aka) = &mut elements[at] else { panic!("keys") };
    aka.algorithm = mapping(&[0xA0, 0, 0, 0, 1]);
    assert_eq!(refusal(elements).status(), PeStatusCode::INVALID_PARAMETER);
}

fn with_commands(commands: Vec<FileCommand>) -> Vec<Element> {
    let mut elements = elements();
    let gfm = GenericFileManagement { header: header(), commands: vec![commands], unknown: Default::default() };
    elements.insert(elements.len() - 1, Element::GenericFileManagement(gfm));
    elements
}

fn ef(file_id: [u8; 2], size: &'static [u8]) -> Fcp {
    Fcp {
        file_descriptor: Some(OctetString::from_static(&[0x41, 0x21])),
        file_id: Some(OctetString::from(file_id)),
        security_attributes_referenced: Some(OctetString::from_static(&[10])),
        ef_file_size: Some(OctetString::from_static(size)),
        ..Fcp::default()
    }
}

#[test]
fn generic_commands_create_and_fill_files() {
    let usim = FileCommand::FilePath(OctetString::from_static(&[0x7F, 0xF0]));
    let file = ef([0x6F, 0x99], &[6]);
    let contents = |bytes: &'static [u8]| FileCommand::FillFileContent(OctetString::from_static(bytes));
    let commands = vec![
        usim,
        FileCommand::CreateFcp(file),
        contents(&[1, 2]),
        FileCommand::FillFileOffset(2),
        contents(&[3]),
        FileCommand::FilePath(OctetString::from_static(&[0x7F, 0xF0, 0x6F, 0x99])),
        FileCommand::FillFileOffset(1),
        contents(&[9]),
    ];
    let (contents, _) = install_elements(with_commands(commands)).expect("it installs");
    let mut terminal = Terminal::new(contents).usim();
    terminal.ok("00A4000C026F99");
    assert_eq!(terminal.ok("00B0000000"), "0109FFFF03FF");
}

#[test]
fn generic_commands_that_cannot_work_are_refused() {
    let bad = PeStatusCode::BAD_VALUES;
    let create = |fcp| vec![FileCommand::CreateFcp(fcp)];
    let content = FileCommand::FillFileContent(OctetString::from_static(&[1, 2, 3]));
    let big = ef([0x2F, 0x50], &[0x7F, 0xFF, 0xFF, 0xFF]);
    let huge = ef([0x2F, 0x50], &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
    let records =
        Fcp { file_descriptor: Some(OctetString::from_static(&[0x42, 0x21, 0x00, 0x07])), ..ef([0x2F, 0x50], &[0x0A]) };
    let sfi = |byte: u8| create(Fcp { short_ef_id: Some(vec![byte].into()), ..ef([0x2F, 0x50], &[2]) });
    let many =
        Fcp { file_descriptor: Some(OctetString::from_static(&[0x42, 0x21, 0x00, 0x01])), ..ef([0x2F, 0x50], &[0xFF]) };
    let pattern = || Some(OctetString::from_static(&[0xAA]));
    let both = ProprietaryInfo {
        special_file_information: None,
        fill_pattern: pattern(),
        repeat_pattern: pattern(),
        maximum_file_size: None,
        file_details: None,
        unknown: Default::default(),
    };
    let linked = Fcp {
        file_descriptor: Some(OctetString::from_static(&[0x78, 0x21])),
        link_path: Some(OctetString::from_static(&[0x7F, 0x10])),
        ef_file_size: None,
        ..ef([0x5F, 0x50], &[])
    };
    let of_records = Fcp {
        file_descriptor: Some(OctetString::from_static(&[0x42, 0x21, 0x00, 0x09])),
        link_path: Some(OctetString::from_static(&[0x7F, 0xF0, 0x6F, 0x07])),
        ef_file_size: None,
        ..ef([0x2F, 0x50], &[])
    };
    for (name, commands, expected) in [
        ("an SFI in the low bits", sfi(0x39), bad),
        ("SFI 0", sfi(0x00), bad),
        ("SFI 31", sfi(0xF8), bad),
        ("255 records", create(many), bad),
        ("two patterns", create(Fcp { proprietary_ef_info: Some(both), ..ef([0x2F, 0x50], &[2]) }), bad),
        (
            "a file in a DF that is a link",
            vec![FileCommand::CreateFcp(linked), FileCommand::CreateFcp(ef([0x4F, 0x50], &[2]))],
            bad,
        ),
        ("a link to a file of another structure", create(of_records), bad),
        ("a path to nothing", vec![FileCommand::FilePath(OctetString::from_static(&[0x7F, 0xEE]))], bad),
        ("half an identifier", vec![FileCommand::FilePath(OctetString::from_static(&[0x7F]))], bad),
        ("content without a file", vec![content.clone()], bad),
        ("content beyond the end", vec![FileCommand::CreateFcp(ef([0x2F, 0x50], &[2])), content], bad),
        ("a file that exists", create(ef([0x2F, 0xE2], &[2])), bad),
        ("no size", create(Fcp { ef_file_size: None, ..ef([0x2F, 0x50], &[2]) }), bad),
        ("no identifier", create(Fcp { file_id: None, ..ef([0x2F, 0x50], &[2]) }), bad),
        ("half a record", create(records), bad),
        ("two gigabytes", create(big), PeStatusCode::NOT_ENOUGH_MEMORY),
        ("five bytes of size", create(huge), PeStatusCode::NOT_ENOUGH_MEMORY),
    ] {
        assert_eq!(refusal(with_commands(commands)).status(), expected, "{name}");
    }
}

#[test]
fn many_files_are_refused_before_they_take_long() {
    let commands = (0..6000u16).map(|index| FileCommand::CreateFcp(ef((0x4000 + index).to_be_bytes(), &[1]))).collect();
    assert_eq!(refusal(with_commands(commands)).status(), PeStatusCode::NOT_ENOUGH_MEMORY);
}

#[test]
fn a_file_of_a_by_default_template_can_be_left_out() {
    let mut elements = elements();
    let at = position(&elements, ElementKind::Usim);
    let Element::Template(usim) = &mut elements[at] else { panic!("a template") };
    usim.set_file("ef-hpplmn", rsp_saip::file::File(vec![FileItem::DoNotCreate(())])).expect("a field");
    let (contents, _) = install_elements(elements).expect("it installs");
    let mut terminal = Terminal::new(contents).usim();
    assert_eq!(terminal.status("00A4000C026F31"), "6A82");
    // Not mentioned, but of a template whose files are created by default.
    terminal.ok("00A4000C026F3B");
}

#[test]
fn links_share_the_content_of_their_target() {
    let commands = vec![FileCommand::CreateFcp(Fcp {
        link_path: Some(OctetString::from_static(&[0x7F, 0xF0, 0x6F, 0x07])),
        ef_file_size: None,
        ..ef([0x2F, 0x51], &[])
    })];
    let (contents, _) = install_elements(with_commands(commands)).expect("it installs");
    let mut terminal = Terminal::new(contents);
    terminal.ok("00A4000C022F51");
    assert_eq!(terminal.ok("00B0000000"), hex::encode_upper(rsp_saip::digits::imsi_content(IMSI).expect("digits")));
}

#[test]
fn without_a_profile_there_is_only_the_mf() {
    let mut terminal = Terminal::new(ProfileContents::without_profile());
    assert!(terminal.ok("00A40004023F00").contains("83023F00"));
    assert!(terminal.ok("00A40004022F08").contains("8C020100"));
    assert_eq!(terminal.ok("00B0000005"), "3CFF000000");
    assert_eq!(terminal.status("00D600000100"), "6982");
    assert_eq!(terminal.status("00A4000C022FE2"), "6A82");
    assert_eq!(terminal.status("00A4040005A000000087"), "6A82");
    assert_eq!(terminal.status("00200001"), "6A88");
}

#[test]
fn a_df_with_more_keys_than_exist_is_refused() {
    let df = Fcp {
        file_descriptor: Some(OctetString::from_static(&[0x78, 0x21])),
        file_id: Some(OctetString::from_static(&[0x7F, 0x20])),
        pin_status_template_do: Some(OctetString::from_static(&[1; 27])),
        ..Fcp::default()
    };
    assert_eq!(refusal(with_commands(vec![FileCommand::CreateFcp(df)])).status(), PeStatusCode::BAD_VALUES);
}

#[test]
fn services_that_the_usim_lacks_are_switched_off() {
    let mut elements = elements();
    let at = position(&elements, ElementKind::Usim);
    let Element::Template(usim) = &mut elements[at] else { panic!("a template") };
    usim.file_mut("ef-ust").expect("EF_UST").set_content(&[0xFF; 14]);
    let (contents, _) = install_elements(elements).expect("it installs");
    let mut terminal = Terminal::new(contents).usim();
    terminal.ok("00A4000C026F38");
    // n°68 and n°69 are bits 4 and 5 of the ninth byte.
    assert_eq!(terminal.ok("00B0000800"), "E7FFFFFFFFFF");
}

#[test]
fn an_application_needs_an_aid() {
    let mut elements = elements();
    let at = position(&elements, ElementKind::Usim);
    let Element::Template(usim) = &mut elements[at] else { panic!("a template") };
    let adf = usim.file_mut("adf-usim").expect("its ADF");
    for item in &mut adf.0 {
        if let FileItem::FileDescriptor(fcp) = item {
            fcp.df_name = None;
        }
    }
    assert_eq!(refusal(elements).status(), PeStatusCode::BAD_VALUES);
}

#[test]
fn files_begin_in_the_state_that_the_package_gives_them() {
    let file = |number: u8, state: u8, special: u8| {
        FileCommand::CreateFcp(Fcp {
            lcsi: Some(vec![state].into()),
            proprietary_ef_info: Some(ProprietaryInfo {
                special_file_information: Some(vec![special].into()),
                fill_pattern: None,
                repeat_pattern: None,
                maximum_file_size: None,
                file_details: None,
                unknown: Default::default(),
            }),
            ..ef([0x6F, number], &[1])
        })
    };
    let path = FileCommand::FilePath(OctetString::from_static(&[0x7F, 0xF0]));
    let commands = vec![path, file(0x91, 0x05, 0), file(0x92, 0x04, 0), file(0x93, 0x04, 0x40), file(0x94, 0x0C, 0)];
    let (contents, _) = install_elements(with_commands(commands)).expect("it installs");
    let mut terminal = Terminal::new(contents).usim();
    terminal.ok("0020000A083131323233333434");
    for (file, selected, read) in
        [("91", "9000", "9000"), ("92", "6283", "6984"), ("93", "6283", "9000"), ("94", "9000", "6985")]
    {
        assert_eq!(terminal.status(&format!("00A4000C026F{file}")), selected, "6F{file}");
        assert_eq!(format!("{:04X}", terminal.send("00B0000001").sw.0), read, "6F{file}");
    }
    assert_eq!(terminal.status("00440000"), "6985", "what is terminated stays so");
    assert_eq!(terminal.status("00040000"), "6985");
}

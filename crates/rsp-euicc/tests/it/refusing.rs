//! What the interpreter refuses, what it leaves out, and what remains then.

use rsp_asn1::{ObjectIdentifier, OctetString};
use rsp_euicc::interpreter::InstallError;
use rsp_saip::application::{Application, ApplicationInstance, ApplicationLoadPackage};
use rsp_saip::file::{Fcp, File, FileItem, ProprietaryInfo};
use rsp_saip::gfm::{FileCommand, GenericFileManagement};
use rsp_saip::header::PeHeader;
use rsp_saip::status::{EuiccResponse, PeStatus, PeStatusCode};
use rsp_saip::{Element, ElementKind, ProfileElement, ProfilePackage, Secret, TemplateElement};

use crate::load::setup;
use crate::profile::{Terminal, elements, install_elements};
use crate::server::Order;

const USIM: [u8; 2] = [0x7F, 0xF0];

fn refusal(elements: Vec<Element>) -> InstallError {
    match install_elements(elements) {
        Ok(_) => panic!("the package must be refused"),
        Err(error) => error,
    }
}

fn position(elements: &[Element], kind: ElementKind) -> usize {
    elements.iter().position(|element| element.kind() == kind).expect("the element is there")
}

fn optional(identification: u16) -> PeHeader {
    PeHeader { mandated: None, ..PeHeader::mandated(identification) }
}

fn fcp(descriptor: &'static [u8], file_id: [u8; 2], size: &'static [u8]) -> Fcp {
    Fcp {
        file_descriptor: Some(OctetString::from_static(descriptor)),
        file_id: Some(OctetString::from(file_id)),
        security_attributes_referenced: Some(OctetString::from_static(&[10])),
        ef_file_size: (!size.is_empty()).then(|| OctetString::from_static(size)),
        ..Fcp::default()
    }
}

fn link(descriptor: &'static [u8], file_id: [u8; 2], path: &'static [u8]) -> FileCommand {
    FileCommand::CreateFcp(Fcp { link_path: Some(OctetString::from_static(path)), ..fcp(descriptor, file_id, &[]) })
}

fn content(bytes: &'static [u8]) -> FileCommand {
    FileCommand::FillFileContent(OctetString::from_static(bytes))
}

/// The built package with these commands in an element of its own, identification 999, before the last one.
fn with_commands(commands: Vec<FileCommand>) -> Vec<Element> {
    let mut elements = elements();
    let gfm = GenericFileManagement {
        header: PeHeader::mandated(999),
        commands: vec![commands],
        unknown: Default::default(),
    };
    elements.insert(elements.len() - 1, Element::GenericFileManagement(gfm));
    elements
}

/// An element whose template is of a version to come.
fn of_the_future(kind: ElementKind, number: u32, header: PeHeader) -> Element {
    let template = ObjectIdentifier::new(vec![2, 23, 143, 1, 2, number, 77]).expect("arcs");
    let mut element = TemplateElement::new(kind, header, template).expect("it has files");
    while let Some(name) = element.missing_file() {
        element.set_file(name, File::from_template()).expect("a field");
    }
    Element::Template(element)
}

#[test]
fn links_must_lead_to_files_of_their_kind() {
    const EF: &[u8] = &[0x41, 0x21];
    const RECORDS: &[u8] = &[0x42, 0x21, 0x00, 0x04];
    const DF: &[u8] = &[0x78, 0x21];
    for (name, commands) in [
        ("to nothing", vec![link(EF, [0x2F, 0x51], &[0x7F, 0xF0, 0x6F, 0xEE])]),
        ("to itself", vec![link(EF, [0x2F, 0x51], &[0x2F, 0x51])]),
        ("in a circle", vec![link(EF, [0x2F, 0x51], &[0x2F, 0x52]), link(EF, [0x2F, 0x52], &[0x2F, 0x51])]),
        ("from an EF to a DF", vec![link(EF, [0x2F, 0x51], &USIM)]),
        ("from a DF to an EF", vec![link(DF, [0x7F, 0x51], &[0x2F, 0xE2])]),
        ("from records to bytes", vec![link(RECORDS, [0x2F, 0x51], &[0x2F, 0xE2])]),
        ("of a DF through itself", vec![link(DF, [0x7F, 0x51], &[0x7F, 0x51, 0x6F, 0x01])]),
        (
            "of DFs through each other",
            vec![link(DF, [0x7F, 0x51], &[0x7F, 0x52, 0x6F, 0x01]), link(DF, [0x7F, 0x52], &[0x7F, 0x51, 0x6F, 0x01])],
        ),
        ("of half an identifier", vec![link(EF, [0x2F, 0x51], &[0x2F, 0xE2, 0x00])]),
    ] {
        let error = refusal(with_commands(commands));
        assert_eq!(error.status(), PeStatusCode::BAD_VALUES, "{name}");
        assert_eq!(error.kind, Some(ElementKind::GenericFileManagement), "{name}");
        let of_the_element: Vec<&PeStatus> =
            error.statuses.iter().filter(|status| status.identification == Some(999)).collect();
        assert_eq!(of_the_element.len(), 1, "{name}: not well and wrong at once");
    }
}

#[test]
fn links_may_lead_to_what_comes_later_and_to_whole_dfs() {
    let commands = vec![
        link(&[0x41, 0x21], [0x2F, 0x51], &[0x2F, 0x52]),
        link(&[0x78, 0x21], [0x7F, 0x51], &USIM),
        FileCommand::FilePath(OctetString::from_static(&[])),
        FileCommand::CreateFcp(fcp(&[0x41, 0x21], [0x2F, 0x52], &[2])),
        content(&[7, 8]),
    ];
    let (contents, _) = install_elements(with_commands(commands)).expect("it installs");
    let mut terminal = Terminal::new(contents);
    terminal.ok("00A40804022F51");
    assert_eq!(terminal.ok("00B0000000"), "0708");
    terminal.ok("00A40804047F516F07");
}

#[test]
fn a_df_that_is_a_link_has_no_files_of_its_own() {
    let commands =
        vec![link(&[0x78, 0x21], [0x7F, 0x51], &USIM), FileCommand::CreateFcp(fcp(&[0x41, 0x21], [0x6F, 0x99], &[2]))];
    assert_eq!(refusal(with_commands(commands)).status(), PeStatusCode::BAD_VALUES);
}

#[test]
fn a_command_selects_the_file_that_it_describes_as_it_is() {
    let same = || FileCommand::CreateFcp(fcp(&[0x41, 0x21], [0x2F, 0x52], &[3]));
    let without_size = FileCommand::CreateFcp(fcp(&[0x41, 0x21], [0x2F, 0x52], &[]));
    let commands =
        vec![same(), content(&[1, 2, 3]), same(), content(&[9]), without_size, FileCommand::FillFileOffset(1)];
    let commands = [commands, vec![content(&[8])]].concat();
    let (contents, _) = install_elements(with_commands(commands)).expect("it installs");
    let mut terminal = Terminal::new(contents);
    terminal.ok("00A40804022F52");
    assert_eq!(terminal.ok("00B0000000"), "090803");
    for (name, other) in [
        ("another size", fcp(&[0x41, 0x21], [0x2F, 0x52], &[4])),
        ("records", fcp(&[0x42, 0x21, 0x00, 0x03], [0x2F, 0x52], &[3])),
        ("a DF", fcp(&[0x78, 0x21], [0x2F, 0x52], &[])),
    ] {
        let error = refusal(with_commands(vec![same(), FileCommand::CreateFcp(other)]));
        assert_eq!(error.status(), PeStatusCode::BAD_VALUES, "{name}");
    }
}

#[test]
fn applications_have_aids_of_their_own() {
    let adf = |aid: &[u8]| {
        let df = Fcp { df_name: Some(OctetString::from_slice(aid)), ..fcp(&[0x78, 0x21], [0x7F, 0xEE], &[]) };
        with_commands(vec![FileCommand::CreateFcp(df)])
    };
    install_elements(adf(&[0xA0, 0, 0, 0, 1])).expect("it installs");
    assert_eq!(refusal(adf(&rsp_saip::builder::USIM_AID)).status(), PeStatusCode::BAD_VALUES);
}

#[test]
fn rules_without_a_file_are_those_of_the_place() {
    let rule = |file_id, record: &'static [u8]| {
        let rule = Some(OctetString::from_static(record));
        FileCommand::CreateFcp(Fcp { security_attributes_referenced: rule, ..fcp(&[0x41, 0x21], file_id, &[2]) })
    };
    let usim = FileCommand::FilePath(OctetString::from_static(&USIM));
    let none = Fcp { security_attributes_referenced: None, ..fcp(&[0x41, 0x21], [0x2F, 0x54], &[2]) };
    let commands = vec![
        rule([0x2F, 0x52], &[3]),
        rule([0x2F, 0x53], &[0x6F, 0x06, 4]),
        FileCommand::CreateFcp(none),
        usim,
        rule([0x6F, 0x99], &[5]),
    ];
    let (contents, _) = install_elements(with_commands(commands)).expect("it installs");
    let mut terminal = Terminal::new(contents);
    assert!(terminal.ok("00A40804022F52").contains("8B032F0603"));
    assert!(terminal.ok("00A40804022F53").contains("8B036F0604"));
    assert!(!terminal.ok("00A40804022F54").contains("8B03"));
    assert_eq!(terminal.status("00B0000000"), "6982", "a file without a rule is closed");
    assert!(terminal.usim().ok("00A40904026F99").contains("8B036F0605"));
    let error = refusal(with_commands(vec![rule([0x2F, 0x52], &[0x2F, 0x06])]));
    assert_eq!(error.status(), PeStatusCode::BAD_VALUES);
}

#[test]
fn files_can_come_deactivated() {
    let lcsi = Some(OctetString::from_static(&[0x04]));
    let file = Fcp { lcsi, ..fcp(&[0x41, 0x21], [0x2F, 0x52], &[2]) };
    let (contents, _) = install_elements(with_commands(vec![FileCommand::CreateFcp(file)])).expect("it installs");
    let answer = Terminal::new(contents).send("00A40804022F52");
    assert_eq!(answer.sw.0, 0x6283);
    assert!(hex::encode_upper(answer.data).contains("8A0104"));
}

#[test]
fn a_file_has_one_pattern_at_most() {
    let info = ProprietaryInfo {
        fill_pattern: Some(OctetString::from_static(&[1])),
        repeat_pattern: Some(OctetString::from_static(&[2])),
        ..Default::default()
    };
    let file = Fcp { proprietary_ef_info: Some(info), ..fcp(&[0x41, 0x21], [0x2F, 0x52], &[3]) };
    assert_eq!(refusal(with_commands(vec![FileCommand::CreateFcp(file)])).status(), PeStatusCode::BAD_VALUES);
}

#[test]
fn files_of_the_mf_are_created_in_any_case() {
    let mut elements = elements();
    let at = position(&elements, ElementKind::Mf);
    let Element::Template(mf) = &mut elements[at] else { panic!("a template") };
    mf.set_file("ef-pl", File(vec![FileItem::DoNotCreate(())])).expect("a field");
    let (contents, _) = install_elements(elements).expect("it installs");
    Terminal::new(contents).ok("00A40804022F05");
}

#[test]
fn a_refusal_reports_what_was_done_before() {
    let mut elements = elements();
    let at = position(&elements, ElementKind::Usim);
    let identification = |element: &Element| element.pe_header().map(|header| header.identification);
    let before: Vec<(u32, Option<u16>)> = elements[1..at].iter().map(|element| (0, identification(element))).collect();
    let header = PeHeader::mandated(777);
    elements[at] = of_the_future(ElementKind::Usim, 4, header);
    let error = refusal(elements);
    let statuses: Vec<(u32, Option<u16>)> =
        error.statuses.iter().map(|status| (status.status.0, status.identification)).collect();
    let expected = [before, vec![(PeStatusCode::TEMPLATE_NOT_SUPPORTED.0, Some(777))]].concat();
    assert_eq!(statuses, expected);
}

/// The package without what follows the ISIM, and the ISIM of a template to come.
fn future_isim(isim: PeHeader) -> (Vec<Element>, usize) {
    let mut elements = elements();
    let at = position(&elements, ElementKind::Isim);
    elements[at] = of_the_future(ElementKind::Isim, 8, isim);
    (elements, at)
}

#[test]
fn what_belongs_to_an_application_that_is_left_out_is_left_out_too() {
    let (mut elements, at) = future_isim(optional(500));
    let mut expected = vec![(500, PeStatusCode::TEMPLATE_NOT_SUPPORTED)];
    let end = elements.len() - 1;
    elements.insert(end, of_the_future(ElementKind::OptIsim, 9, optional(501)));
    for element in &mut elements[at + 1..end] {
        let header = match element {
            Element::PinCodes(pins) => &mut pins.header,
            Element::AkaParameter(aka) => &mut aka.header,
            Element::Template(template) => template.header_mut(),
            // The rest of the profile does not belong to the ISIM.
            _ => continue,
        };
        header.mandated = None;
        expected.push((header.identification, PeStatusCode::PE_NOT_SUPPORTED));
    }
    assert!(expected.len() > 2, "PINs and keys follow");
    // Of two reasons the template's comes first.
    expected.push((501, PeStatusCode::TEMPLATE_NOT_SUPPORTED));
    let (contents, statuses) = install_elements(elements.clone()).expect("it installs");
    let left_out: Vec<(u16, PeStatusCode)> = statuses
        .iter()
        .filter(|status| status.status != PeStatusCode::OK)
        .map(|status| (status.identification.expect("an identification"), status.status))
        .collect();
    assert_eq!(left_out, expected);
    assert_eq!(statuses.len(), elements.len() - 1, "each element but the header has a status");
    let mut terminal = Terminal::new(contents);
    assert_eq!(terminal.status("00A4040C07A0000000871004"), "6A82");
    terminal.ok("00A4040C07A0000000871002");

    // Keys that the package insists on have no place to go.
    let (elements, _) = future_isim(optional(500));
    assert_eq!(refusal(elements).status(), PeStatusCode::PE_NOT_SUPPORTED);
    let (elements, _) = future_isim(PeHeader::mandated(500));
    assert_eq!(refusal(elements).status(), PeStatusCode::TEMPLATE_NOT_SUPPORTED);
}

#[test]
fn an_application_without_its_library_leaves_nothing_behind() {
    let aid = |last| OctetString::from([0xA0, 0x00, 0x00, 0x09, 0x99, last]);
    let application = |header: PeHeader, package: u8| {
        let block = ApplicationLoadPackage {
            load_package_aid: aid(1),
            security_domain_aid: None,
            non_volatile_code_limit: None,
            volatile_data_limit: None,
            non_volatile_data_limit: None,
            hash_value: None,
            load_block_object: OctetString::from_static(&[0x01; 50]),
            unknown: Default::default(),
        };
        let instance = ApplicationInstance {
            load_package_aid: aid(package),
            class_aid: aid(3),
            instance_aid: aid(4),
            extradite_security_domain_aid: None,
            privileges: OctetString::from_static(&[0, 0, 0]),
            life_cycle_state: None,
            specific_parameters: Secret::from(&[0xC9, 0x00][..]),
            system_parameters: None,
            uicc_parameters: None,
            process_data: None,
            control_reference_template: None,
            unknown: Default::default(),
        };
        let instances = Some(vec![instance]);
        let application = Application { header, load_block: Some(block), instances, unknown: Default::default() };
        let mut elements = elements();
        elements.insert(elements.len() - 1, Element::Application(application));
        elements
    };
    let stored = |elements| {
        let (contents, statuses) = install_elements(elements).expect("it installs");
        let mut bytes = Vec::new();
        ciborium::into_writer(&contents, &mut bytes).expect("it can be stored");
        let last: Vec<PeStatusCode> = statuses.iter().rev().take(2).map(|status| status.status).collect();
        (bytes, last)
    };
    let (without, _) = stored(elements());
    let (with, statuses) = stored(application(optional(700), 1));
    assert!(with.len() > without.len() + 50 && statuses == [PeStatusCode::OK; 2]);
    let (left_out, statuses) = stored(application(optional(700), 2));
    assert!(left_out == without, "neither the package nor the instance");
    assert_eq!(statuses, [PeStatusCode::OK, PeStatusCode::LIB_NOT_SUPPORTED], "of the end, and of what is before it");
    assert_eq!(refusal(application(PeHeader::mandated(700), 2)).status(), PeStatusCode::LIB_NOT_SUPPORTED);
}

#[test]
fn an_element_that_is_wrong_is_refused_even_if_it_is_optional() {
    let commands = vec![FileCommand::FilePath(OctetString::from_static(&[0x7F, 0xEE]))];
    let mut elements = with_commands(commands);
    let at = position(&elements, ElementKind::End) - 1;
    let Element::GenericFileManagement(gfm) = &mut elements[at] else { panic!("commands") };
    gfm.header.mandated = None;
    assert_eq!(refusal(elements).status(), PeStatusCode::BAD_VALUES);
}

fn package(elements: Vec<Element>) -> Vec<u8> {
    let elements = elements.into_iter().map(|element| ProfileElement::new(element).expect("it encodes")).collect();
    ProfilePackage::new(elements).to_der().to_vec()
}

#[test]
fn the_result_of_an_installation_names_what_was_left_out_or_refused() {
    let order = Order::number(1);
    let built = ProfilePackage::from_der(&order.elements).expect("a package");
    let with = |header: PeHeader| {
        let mut elements: Vec<Element> = built.elements().iter().map(|element| element.element().clone()).collect();
        elements.insert(elements.len() - 1, of_the_future(ElementKind::Df5gprose, 16, header));
        (elements.len(), Order { elements: package(elements), ..Order::number(1) })
    };
    let resource = |terminal: &mut crate::terminal::Terminal| {
        let answer = terminal.es10(&[0xBF, 0x22, 0x00]).expect("an answer");
        let info: rsp_asn1::EuiccInfo2 = rsp_asn1::decode(&answer).expect("information");
        info.ext_card_resource
    };
    let (_, mut server, mut terminal) = setup();
    let before = resource(&mut terminal);
    let (_, order) = with(PeHeader::mandated(600));
    let error = terminal.refuse(&mut server, &order);
    let response = EuiccResponse::from_der(&error.sima_response.expect("a response")).expect("it can be read");
    let last = response.pe_status.last().expect("a status");
    assert_eq!((last.status, last.identification), (PeStatusCode::TEMPLATE_NOT_SUPPORTED, Some(600)));
    assert!(response.profile_installation_aborted.is_some() && terminal.profiles().is_empty());
    assert!(resource(&mut terminal) == before, "all memory is free again");

    let (count, order) = with(optional(600));
    let success = terminal.install(&mut server, &order);
    let response = EuiccResponse::from_der(&success.sima_response).expect("it can be read");
    assert_eq!(response.pe_status.len(), count - 1, "one for each element with an identification");
    let left_out: Vec<&PeStatus> =
        response.pe_status.iter().filter(|status| status.status != PeStatusCode::OK).collect();
    assert_eq!(left_out.len(), 1);
    assert_eq!(left_out[0].identification, Some(600));
    assert!(response.profile_installation_aborted.is_none());
}

#[test]
fn memory_is_counted_to_the_byte() {
    let plain = install_elements(elements()).expect("it installs").0.size_bytes();
    for size in [&[1u8][..], &[0x12, 0x34], &[0x0E, 0x00, 0x00]] {
        let bytes = size.iter().fold(0usize, |size, byte| size << 8 | usize::from(*byte));
        let file = Fcp { ef_file_size: Some(OctetString::from_slice(size)), ..fcp(&[0x41, 0x21], [0x2F, 0x52], &[]) };
        let (contents, _) = install_elements(with_commands(vec![FileCommand::CreateFcp(file)])).expect("it installs");
        assert_eq!(contents.size_bytes(), plain + bytes + 32, "its body, and its administration");
    }
}

/// The most memory that the process ever took, in kB.
fn peak() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn atk_mem_exhaust_huge_files_are_refused_before_anything_is_reserved() {
    let before = peak();
    const HUGE: &[u8] = &[0xFF, 0xFF, 0xFF, 0xFE];
    let one = |descriptor, size| vec![FileCommand::CreateFcp(fcp(descriptor, [0x2F, 0x52], size))];
    // Together more than there is, each for itself less.
    let many =
        (0..40u8).map(|index| FileCommand::CreateFcp(fcp(&[0x41, 0x21], [0x4F, index], &[0xFF, 0xFF]))).collect();
    for (name, commands) in [
        ("bytes", one(&[0x41, 0x21], HUGE)),
        ("records", one(&[0x42, 0x21, 0x00, 0x02], HUGE)),
        ("a cycle", one(&[0x46, 0x21, 0xFF, 0xFF], HUGE)),
        ("objects", one(&[0x79, 0x21], HUGE)),
        ("one byte too much", one(&[0x41, 0x21], &[0x10, 0x00, 0x01])),
        ("40 files of 64 kB", many),
    ] {
        let error = refusal(with_commands(commands));
        let expected = if name == "records" || name == "a cycle" {
            PeStatusCode::BAD_VALUES
        } else {
            PeStatusCode::NOT_ENOUGH_MEMORY
        };
        assert_eq!(error.status(), expected, "{name}");
    }
    let mut elements = elements();
    let at = position(&elements, ElementKind::Usim);
    let Element::Template(usim) = &mut elements[at] else { panic!("a template") };
    let size = Fcp { ef_file_size: Some(OctetString::from_static(HUGE)), ..Fcp::default() };
    usim.set_file("ef-netpar", File::new(size, &[])).expect("a field");
    assert_eq!(refusal(elements).status(), PeStatusCode::NOT_ENOUGH_MEMORY);
    if let (Some(before), Some(after)) = (before, peak()) {
        assert!(after < before + (1 << 20), "{before} kB before, {after} kB after: other tests do not take a gigabyte");
    }
}

#[test]
fn atk_many_optional_elements_are_not_slow() {
    let mut files: Vec<FileCommand> = (0..3800u16)
        .map(|index| FileCommand::CreateFcp(fcp(&[0x41, 0x21], (0x4000 + index).to_be_bytes(), &[1])))
        .collect();
    files.extend((0..13u8).map(|index| FileCommand::CreateFcp(fcp(&[0x41, 0x21], [0x5F, index], &[0xFF, 0xFF]))));
    let mut elements = with_commands(files);
    let end = elements.pop().expect("the end");
    for identification in 1000..4000 {
        let commands = vec![vec![FileCommand::FilePath(OctetString::from_static(&USIM))]];
        let gfm = GenericFileManagement { header: optional(identification), commands, unknown: Default::default() };
        elements.push(Element::GenericFileManagement(gfm));
    }
    elements.push(end);
    let start = std::time::Instant::now();
    let (_, statuses) = install_elements(elements).expect("it installs");
    let time = start.elapsed();
    assert!(statuses.len() > 3000 && time.as_secs() < 20, "{time:?}, though nothing is copied");
}

fn directory(file_id: [u8; 2]) -> FileCommand {
    FileCommand::CreateFcp(fcp(&[0x78, 0x21], file_id, &[]))
}

/// Each link goes through the one before it twice: all of them together would double the way with each.
#[test]
fn atk_mem_exhaust_euicc_by_links_that_go_through_links() {
    let into = || FileCommand::FilePath(OctetString::from_static(&[0x7F, 0x60]));
    let through = |file_id: [u8; 2], path: [u8; 4]| {
        let path = Some(OctetString::from(path.to_vec()));
        FileCommand::CreateFcp(Fcp { link_path: path, ..fcp(&[0x78, 0x21], file_id, &[]) })
    };
    let mut commands = vec![directory([0x7F, 0x60]), link(&[0x78, 0x21], [0x70, 0x00], &[0x7F, 0x60])];
    for number in 1..=60 {
        commands.push(FileCommand::FilePath(OctetString::from_static(&[])));
        commands.push(through([0x70, number], [0x70, number - 1, 0x71, number]));
        commands.push(into());
        commands.push(through([0x71, number], [0x70, number - 1, 0x72, number]));
        commands.push(into());
        commands.push(link(&[0x78, 0x21], [0x72, number], &[0x7F, 0x60]));
    }
    assert_eq!(refusal(with_commands(commands)).status(), PeStatusCode::BAD_VALUES);
}

#[test]
fn atk_mem_exhaust_euicc_by_dfs_in_dfs() {
    let nested = |depth: u8| with_commands((0..depth).map(|number| directory([0x5F, number])).collect());
    assert!(install_elements(nested(15)).is_ok());
    assert_eq!(refusal(nested(16)).status(), PeStatusCode::BAD_VALUES);
}

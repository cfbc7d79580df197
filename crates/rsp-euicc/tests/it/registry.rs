//! The registry of a profile: what its security domains, applications and remote file management become, and which
//! elements contradict one another.

use rsp_euicc::registry::{AccessDomain, Registry};
use rsp_saip::application::{
    Application, ApplicationInstance, ApplicationLoadPackage, KeyComponent, KeyObject, OpenPersoData, Rfm,
    SecurityDomain, UiccApplicationParameters,
};
use rsp_saip::header::PeHeader;
use rsp_saip::status::PeStatusCode;
use rsp_saip::{Element, Secret, Unknown};

use crate::profile::{elements, generic, install_elements};

const DOMAIN: [u8; 8] = [0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00];
const PACKAGE: &[u8] = b"\xA0package";

/// What the value notation of the package says.
#[test]
fn the_generic_test_profile_brings_a_security_domain_and_four_file_managers() {
    let Some(profile) = generic() else { return };
    let registry = profile.registry();
    let [domain] = registry.domains() else { panic!("one security domain") };
    assert_eq!(domain.aid, DOMAIN);
    assert_eq!((&domain.privileges[..], domain.life_cycle), (&[0x82, 0xDC, 0x00][..], 0x0F));
    assert_eq!(domain.address.tars, [[0xB2, 0x01, 0x00], [0, 0, 0]]);
    assert_eq!(domain.address.minimum_security_level, 0x02);
    for (set, (version, key_type)) in domain.key_sets.iter().zip([(1, 0x80), (2, 0x88)]) {
        assert_eq!((set.version, set.counter), (version, 0));
        let usages: Vec<_> = set.keys.iter().map(|key| (key.identifier, key.usage[0])).collect();
        assert_eq!(usages, [(1, 0x18), (2, 0x14), (3, 0x48)]);
        let component = set.key(1).unwrap();
        assert_eq!((component.key_type, component.value.len(), component.mac_length), (key_type, 16, 8));
    }
    assert_eq!(domain.key_sets.len(), 2);
    let tars: Vec<_> = registry.file_management().iter().flat_map(|instance| instance.address.tars.clone()).collect();
    assert_eq!(tars, [[0xB0, 0x01, 0x20], [0xB0, 0x01, 0x40], [0xB0, 0x01, 0x41], [0xB0, 0x01, 0x42]]);
    for instance in registry.file_management() {
        assert_eq!((&instance.domain[..], &instance.shared_files), (&DOMAIN[..], &AccessDomain::Full));
        assert_eq!(instance.address.minimum_security_level, 0x02);
    }
    let (adf, access) = registry.file_management()[1].adf.clone().unwrap();
    assert_eq!(hex::encode_upper(adf), "A0000000871002FF49FF0589");
    assert_eq!(access, AccessDomain::Full);
}

/// The elements of the built package, without its end, with others behind them.
fn with(further: Vec<Element>) -> Vec<Element> {
    let mut all = elements();
    let end = all.pop().unwrap();
    all.extend(further);
    all.push(end);
    all
}

fn registry(further: Vec<Element>) -> Registry {
    install_elements(with(further)).unwrap_or_else(|error| panic!("{error}")).0.registry().clone()
}

/// The status with which a package is refused.
fn refusal(elements: Vec<Element>) -> PeStatusCode {
    install_elements(elements).err().expect("it contradicts itself").status()
}

fn header(identification: u16) -> PeHeader {
    PeHeader::mandated(100 + identification)
}

fn instance(package: &[u8], aid: &[u8]) -> ApplicationInstance {
    ApplicationInstance {
        load_package_aid: package.to_vec().into(),
        class_aid: b"\xA0class".to_vec().into(),
        instance_aid: aid.to_vec().into(),
        extradite_security_domain_aid: None,
        privileges: vec![0x00].into(),
        life_cycle_state: None,
        specific_parameters: Secret::from(&[][..]),
        system_parameters: None,
        uicc_parameters: None,
        process_data: None,
        control_reference_template: None,
        unknown: Unknown::default(),
    }
}

fn application(identification: u16, package: Option<&[u8]>, instances: &[&[u8]]) -> Application {
    let load_block = package.map(|aid| ApplicationLoadPackage {
        load_package_aid: aid.to_vec().into(),
        security_domain_aid: None,
        non_volatile_code_limit: None,
        volatile_data_limit: None,
        non_volatile_data_limit: None,
        hash_value: None,
        load_block_object: vec![0xCA, 0xFE].into(),
        unknown: Unknown::default(),
    });
    Application {
        header: header(identification),
        load_block,
        instances: Some(instances.iter().map(|aid| instance(PACKAGE, aid)).collect()),
        unknown: Unknown::default(),
    }
}

fn rfm(identification: u16) -> Rfm {
    Rfm {
        header: header(identification),
        instance_aid: format!("RFM {identification}").into_bytes().into(),
        security_domain_aid: None,
        tar_list: None,
        minimum_security_level: vec![0x16].into(),
        uicc_access_domain: vec![0x00].into(),
        uicc_admin_access_domain: vec![0x00].into(),
        adf_rfm_access: None,
        unknown: Unknown::default(),
    }
}

fn domain(identification: u16) -> SecurityDomain {
    let standard = elements().into_iter().find_map(|element| match element {
        Element::SecurityDomain(domain) => Some(domain),
        _ => None,
    });
    let mut domain = standard.unwrap();
    domain.header = header(identification);
    domain.instance.instance_aid = format!("domain {identification}").into_bytes().into();
    domain
}

fn key(identifier: u8, version: u8, key_type: u8, length: usize) -> KeyObject {
    KeyObject {
        usage_qualifier: vec![0x18].into(),
        access: None,
        identifier: vec![identifier].into(),
        version_number: vec![version].into(),
        counter_value: None,
        components: vec![KeyComponent {
            key_type: vec![key_type].into(),
            key_data: Secret::from(&vec![0x5A; length][..]),
            mac_length: None,
            unknown: Unknown::default(),
        }],
        unknown: Unknown::default(),
    }
}

fn with_keys(keys: Vec<KeyObject>) -> Element {
    let mut domain = domain(1);
    domain.key_list = Some(keys);
    Element::SecurityDomain(domain)
}

fn with_toolkit(parameters: &str) -> Element {
    let mut domain = domain(1);
    domain.instance.uicc_parameters = Some(UiccApplicationParameters {
        toolkit: Some(hex::decode(parameters.replace(' ', "")).unwrap().into()),
        access: None,
        administrative_access: None,
        unknown: Unknown::default(),
    });
    Element::SecurityDomain(domain)
}

#[test]
fn applications_are_listed_with_their_package_and_owner() {
    let registry = registry(vec![Element::Application(application(1, Some(PACKAGE), &[b"first", b"second"]))]);
    let [package] = registry.packages() else { panic!("one package") };
    assert_eq!((&package.aid[..], &package.domain[..], package.code_bytes), (PACKAGE, &DOMAIN[..], 2));
    let aids: Vec<_> = registry.applications().iter().map(|application| application.aid.clone()).collect();
    assert_eq!(aids, [b"first".to_vec(), b"second".to_vec()]);
    let first = &registry.applications()[0];
    assert_eq!((&first.package[..], &first.domain[..], first.life_cycle), (PACKAGE, &DOMAIN[..], 0x07));
}

#[test]
fn counters_and_keys_of_a_version_stand_together() {
    let mut keys = vec![key(1, 1, 0x88, 32), key(2, 1, 0x88, 16), key(1, 2, 0x80, 24)];
    keys[0].counter_value = Some(vec![0x02].into());
    keys[1].counter_value = Some(vec![0xFF, 0, 0, 0, 1].into());
    let registry = registry(vec![with_keys(keys)]);
    let sets = &registry.domains()[1].key_sets;
    assert_eq!(
        sets.iter().map(|set| (set.version, set.counter, set.keys.len())).collect::<Vec<_>>(),
        [(1, 0xFF_0000_0001, 2), (2, 0, 1)]
    );
}

#[test]
fn toolkit_parameters_say_who_is_reached_and_how() {
    // Two menu entries, counter and checksum and ciphering at least, one TAR.
    let registry = registry(vec![with_toolkit("0100 20 02 0102 0304 00 02 0116 03 B00010 00")]);
    let address = &registry.domains()[1].address;
    assert_eq!((&address.tars[..], address.minimum_security_level), (&[[0xB0, 0x00, 0x10]][..], 0x16));
    for short in ["", "01", "0100000000 02", "0100000000 0201", "0100000000 020216 03B00010", "0100000000 00 02B000"] {
        let elements = with(vec![with_toolkit(short)]);
        assert_eq!(refusal(elements), PeStatusCode::INVALID_PARAMETER, "{short}");
    }
}

#[test]
fn file_management_without_a_list_has_the_tar_in_its_aid() {
    let mut element = rfm(1);
    element.instance_aid = hex::decode("A0000000090002FFFFFFFF89B0001000").unwrap().into();
    let registry = registry(vec![Element::Rfm(element)]);
    assert_eq!(registry.file_management()[0].address.tars, [[0xB0, 0x00, 0x10]]);
}

#[test]
fn access_domains_are_full_none_or_of_administrative_codes() {
    assert_eq!(AccessDomain::read(&[0x00]), Some(AccessDomain::Full));
    assert_eq!(AccessDomain::read(&[0xFF]), Some(AccessDomain::None));
    let first = AccessDomain::read(&[0x02, 0x00, 0x01, 0x00]).unwrap();
    assert!(first.satisfies(0x0A) && !first.satisfies(0x0B) && !first.satisfies(0x01));
    for wrong in [&[][..], &[0x01], &[0x02], &[0x02, 0, 1], &[0x00, 0x00]] {
        assert_eq!(AccessDomain::read(wrong), None);
    }
    let mut element = rfm(1);
    element.uicc_access_domain = vec![0x03].into();
    assert_eq!(refusal(with(vec![Element::Rfm(element)])), PeStatusCode::INVALID_PARAMETER);
    let mut element = rfm(1);
    element.uicc_admin_access_domain = vec![0x03].into();
    assert_eq!(refusal(with(vec![Element::Rfm(element)])), PeStatusCode::INVALID_PARAMETER);
}

#[test]
fn refuses_card_content_before_the_first_security_domain() {
    for element in [Element::Rfm(rfm(1)), Element::Application(application(1, Some(PACKAGE), &[]))] {
        let mut all = elements();
        all.retain(|element| !matches!(element, Element::SecurityDomain(_)));
        all.insert(all.len() - 1, element);
        assert_eq!(refusal(all), PeStatusCode::INVALID_REQUEST_FORMAT);
    }
}

#[test]
fn refuses_a_security_domain_that_is_not_there() {
    let mut element = rfm(1);
    element.security_domain_aid = Some(b"nobody".to_vec().into());
    assert_eq!(refusal(with(vec![Element::Rfm(element)])), PeStatusCode::INVALID_PARAMETER);
    let mut element = domain(1);
    element.instance.extradite_security_domain_aid = Some(b"nobody".to_vec().into());
    assert_eq!(refusal(with(vec![Element::SecurityDomain(element)])), PeStatusCode::INVALID_PARAMETER);
}

#[test]
fn refuses_an_instance_of_a_package_that_is_not_there() {
    let orphan = Element::Application(application(1, None, &[b"orphan"]));
    assert_eq!(refusal(with(vec![orphan])), PeStatusCode::LIB_NOT_SUPPORTED);
    let mut element = domain(1);
    element.instance.load_package_aid = b"nowhere".to_vec().into();
    assert_eq!(refusal(with(vec![Element::SecurityDomain(element)])), PeStatusCode::LIB_NOT_SUPPORTED);
}

#[test]
fn refuses_what_is_there_already() {
    let mut again = domain(1);
    again.instance.instance_aid = DOMAIN.to_vec().into();
    let twice = Element::Application(application(1, Some(PACKAGE), &[b"twice", b"twice"]));
    let tars = [1, 2].map(|number| {
        let mut element = rfm(number);
        element.tar_list = Some(vec![vec![0xB0, 0x00, 0x10].into()]);
        Element::Rfm(element)
    });
    let keys = with_keys(vec![key(1, 1, 0x88, 16), key(1, 1, 0x80, 16)]);
    for elements in [vec![Element::SecurityDomain(again)], vec![twice], tars.to_vec(), vec![keys]] {
        assert_eq!(refusal(with(elements)), PeStatusCode::BAD_VALUES);
    }
}

#[test]
fn refuses_keys_and_counters_of_wrong_length() {
    for (key_type, length) in [(0x80, 7), (0x80, 32), (0x88, 8), (0x88, 17), (0xA1, 0)] {
        let elements = with(vec![with_keys(vec![key(1, 1, key_type, length)])]);
        assert_eq!(refusal(elements), PeStatusCode::BAD_VALUES, "{key_type:02X}, {length} bytes");
    }
    let mut counted = key(1, 1, 0x88, 16);
    counted.counter_value = Some(vec![1, 0, 0, 0, 0, 0].into());
    assert_eq!(refusal(with(vec![with_keys(vec![counted])])), PeStatusCode::BAD_VALUES);
}

#[test]
fn refuses_a_security_domain_that_is_none_or_wants_what_is_the_first_ones() {
    let mut powerless = domain(1);
    powerless.instance.privileges = vec![0x02].into();
    assert_eq!(refusal(with(vec![Element::SecurityDomain(powerless)])), PeStatusCode::INVALID_PARAMETER);
    let mut greedy = domain(1);
    greedy.open_perso_data = Some(OpenPersoData {
        restrict_parameter: None,
        contactless_protocol_parameters: None,
        unknown: Unknown::default(),
    });
    assert_eq!(refusal(with(vec![Element::SecurityDomain(greedy)])), PeStatusCode::BAD_VALUES);
}

#[test]
fn atk_mem_exhaust_euicc_by_targets_and_instances() {
    let rfm = |identification: u16, tars: u32| {
        Element::Rfm(Rfm {
            header: header(identification),
            instance_aid: format!("RFM {identification:04}").into_bytes().into(),
            security_domain_aid: None,
            tar_list: Some((0..tars).map(|number| number.to_be_bytes()[1..].to_vec().into()).collect()),
            minimum_security_level: vec![0x16].into(),
            uicc_access_domain: vec![0x00].into(),
            uicc_admin_access_domain: vec![0x00].into(),
            adf_rfm_access: None,
            unknown: Unknown::default(),
        })
    };
    assert_eq!(registry(vec![rfm(1, 85)]).file_management()[0].address.tars.len(), 85);
    assert_eq!(refusal(with(vec![rfm(1, 86)])), PeStatusCode::NOT_ENOUGH_MEMORY);
    let there = registry(Vec::new()).domains().len();
    let many = |count: u16| with((0..count).map(|number| rfm(number, 0)).collect());
    let room = u16::try_from(255 - there).unwrap();
    assert!(install_elements(many(room)).is_ok());
    assert_eq!(refusal(many(room + 1)), PeStatusCode::NOT_ENOUGH_MEMORY);
}

#[test]
fn code_takes_the_memory_of_its_profile() {
    let with_code = |length: usize| {
        let mut element = application(1, Some(PACKAGE), &[]);
        element.load_block.as_mut().unwrap().load_block_object = vec![0; length].into();
        install_elements(with(vec![Element::Application(element)]))
    };
    let size = |length: usize| with_code(length).unwrap_or_else(|error| panic!("{error}")).0.size_bytes();
    assert!(size(50_000) >= size(0) + 50_000);
    assert_eq!(with_code(1 << 20).err().map(|error| error.status()), Some(PeStatusCode::NOT_ENOUGH_MEMORY));
}

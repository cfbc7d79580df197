//! The carrier directory: complete, searchable, and nothing in it without a source.

use std::collections::BTreeSet;

use rsp_operator::carriers::{Carrier, Directory};

const DEBIAN: &str = "mobile-broadband-provider-info";
const NPM: &str = "mcc-mnc-list";

fn lists(carrier: &Carrier) -> Vec<&'static str> {
    let names: BTreeSet<_> = carrier.names().iter().map(|name| name.source.name).collect();
    names.into_iter().filter(|list| [DEBIAN, NPM].contains(list)).collect()
}

#[test]
fn all_networks_of_both_lists_are_there() {
    let directory = Directory::embedded();
    let networks = || directory.carriers().iter().flat_map(Carrier::networks);
    let of = |list| networks().filter(move |network| network.source.name == list);
    let pairs = |list| of(list).map(|network| (network.mcc, network.mnc)).collect::<BTreeSet<_>>().len();
    assert_eq!((of(DEBIAN).count(), pairs(DEBIAN)), (984, 818));
    assert_eq!((of(NPM).count(), pairs(NPM)), (3094, 3046));
    let countries = |list| {
        let codes = directory.carriers().iter().flat_map(Carrier::countries).filter(|code| code.source.name == list);
        codes.map(|code| code.value).collect::<BTreeSet<_>>().len()
    };
    assert_eq!((countries(DEBIAN), countries(NPM)), (153, 239));
}

#[test]
fn everything_has_a_source_with_a_date() {
    for carrier in Directory::embedded().carriers() {
        assert!(!carrier.names().is_empty() && !carrier.name().is_empty());
        let fields = carrier.names().iter().chain(carrier.countries()).chain(carrier.smdp_addresses());
        let sources = fields.map(|field| field.source);
        let sources = sources.chain(carrier.networks().iter().map(|network| network.source));
        let sources = sources.chain(carrier.apns().iter().map(|apn| apn.source));
        for source in sources.chain(carrier.country_name().map(|name| name.source)) {
            assert!(!source.name.is_empty(), "{}", carrier.name());
            let date: Vec<_> = source.date.split('-').map(str::len).collect();
            assert_eq!(date, [4, 2, 2], "{}: {source}", carrier.name());
        }
    }
}

/// Addresses are host names as an activation code takes them, and only those that somebody published.
#[test]
fn addresses_are_those_of_the_list_by_hand() {
    let directory = Directory::embedded();
    let with = directory.carriers().iter().filter(|carrier| !carrier.smdp_addresses().is_empty());
    let mut addresses = BTreeSet::new();
    for address in with.flat_map(Carrier::smdp_addresses) {
        assert!(
            rsp_es::activation_code::ActivationCode::new(address.value, "A", None, false).is_ok(),
            "{}",
            address.value
        );
        assert!(![DEBIAN, NPM].contains(&address.source.name));
        addresses.insert(address.value);
    }
    assert_eq!(addresses.len(), 10);
    let of = |name, country| {
        let carrier = directory.named(name, country).next().unwrap();
        carrier.smdp_addresses().iter().map(|address| address.value).collect::<Vec<_>>()
    };
    assert_eq!(of("Verizon", Some("us")), ["2.vzw.otgeuicc.com"]);
    assert_eq!(of("Vodafone UK", None), ["vfgb.idemia.io", "vuk-gto.prod.ondemandconnectivity.com"]);
    assert_eq!(of("Vodafone", Some("DE")), [""; 0]);
    assert_eq!(of("1global", None).len(), of("Truphone", Some("GB")).len());
    // Many name one for it, nobody with a source that can be cited.
    assert!(directory.named("CMLink", None).all(|carrier| carrier.smdp_addresses().is_empty()));
}

/// Thirty carriers that people ask for: in which list each is, how many networks and APNs are known of it, and whether its
/// SM-DP+ is. Of Google Fi there is the company alone, and Visible is in neither list.
#[test]
fn thirty_carriers_are_there_with_what_is_known_of_them() {
    type Known = (&'static str, &'static str, &'static [&'static str], usize, usize, bool);
    let both: &[&str] = &[NPM, DEBIAN];
    let known: &[Known] = &[
        ("US", "Verizon", both, 56, 3, true),
        ("US", "AT&T", both, 42, 5, true),
        ("US", "T-Mobile", both, 41, 6, true),
        ("US", "Sprint", both, 1, 0, false),
        ("US", "Cricket Communications", &[DEBIAN], 1, 0, false),
        ("US", "US Cellular", both, 4, 0, false),
        ("US", "Google LLC", &[NPM], 1, 0, false),
        ("US", "Mint Mobile", &[DEBIAN], 1, 1, false),
        ("GB", "EE", both, 12, 2, false),
        ("GB", "Vodafone", &[DEBIAN], 1, 4, true),
        ("GB", "O2", &[DEBIAN], 3, 6, false),
        ("GB", "Truphone", &[NPM], 1, 0, true),
        ("DE", "Telekom", &[NPM], 3, 0, false),
        ("DE", "Vodafone", both, 6, 2, false),
        ("CA", "Rogers", &[DEBIAN], 1, 4, false),
        ("CA", "Bell Mobility", both, 5, 4, false),
        ("CA", "Telus Mobility", &[DEBIAN], 3, 5, false),
        ("AU", "Telstra", both, 6, 7, false),
        ("AU", "Optus", both, 5, 6, false),
        ("JP", "NTT docomo", both, 48, 2, false),
        ("JP", "SoftBank", &[NPM], 3, 0, false),
        ("CN", "China Mobile", both, 7, 3, false),
        ("CN", "China Unicom", both, 4, 2, false),
        ("FR", "Orange", both, 5, 6, false),
        ("IT", "TIM", both, 4, 2, false),
        ("ES", "Movistar", &[NPM], 2, 0, false),
        ("KR", "SK Telecom", both, 3, 3, false),
        ("IN", "Jio", &[NPM], 22, 0, false),
        ("BR", "Vivo", both, 8, 2, false),
    ];
    let directory = Directory::embedded();
    let found: Vec<_> = known
        .iter()
        .map(|(country, name, ..)| {
            let carrier = directory.named(name, Some(country)).next();
            carrier.map(|it| (lists(it), it.networks().len(), it.apns().len(), !it.smdp_addresses().is_empty()))
        })
        .collect();
    let expected: Vec<_> =
        known.iter().map(|(.., lists, nets, apns, smdp)| Some((lists.to_vec(), *nets, *apns, *smdp))).collect();
    for ((known, found), expected) in known.iter().zip(found).zip(expected) {
        assert_eq!(found, expected, "{} {}", known.0, known.1);
    }
    assert_eq!(directory.search("visible", Some("US")).len(), 0, "in neither list");
    assert_eq!(directory.search("google fi", None).len(), 0, "only its company has a network");
}

#[test]
fn is_searched_by_part_of_a_name_by_country_and_by_network() {
    let directory = Directory::embedded();
    let names = |text: &str, country| directory.search(text, country).iter().map(|it| it.name()).collect::<Vec<_>>();
    assert!(names("telekom deutschland", None).contains(&"Telekom"), "by company");
    assert!(names("VODAFONE", Some("de")).contains(&"Vodafone"));
    for text in ["26202", "262-02", "262 02", " 262/02 "] {
        assert!(names(text, None).contains(&"Vodafone"), "{text}");
        assert!(!names(text, None).contains(&"Telekom"), "{text}");
    }
    assert!(names("262", None).contains(&"Telekom"));
    assert!(names("262002", None).is_empty(), "an MNC of three digits is another");
    for nothing in ["", "  ", "no such carrier", "2620", "\u{202e}"] {
        assert!(names(nothing, None).is_empty(), "{nothing:?}");
    }
    assert!(directory.named("", None).next().is_none());
    assert!(directory.of_country(Some("zz")).next().is_none());
    let sorted: Vec<_> = directory.of_country(None).map(|it| it.countries().first().map(|code| code.value)).collect();
    assert!(sorted.iter().flatten().is_sorted());
}

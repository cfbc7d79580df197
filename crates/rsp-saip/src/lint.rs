//! What is dangerous about a package although it is valid: doors that anybody can open, since their keys are published or
//! none is asked for.
//!
//! The generic test profiles (TS.48) up to version 6 let everybody who has read them load applications and change files
//! over the air; of version 7 that holds for all but those without remote management.

use std::fmt;

use crate::aka::{AkaParameter, AlgorithmConfiguration};
use crate::application::{KeyObject, SecurityDomain};
use crate::element::Element;
use crate::package::ProfilePackage;
use crate::toolkit::ToolkitParameters;

/// Keys of TS.48 versions 1 to 3 for their security domain.
const TS48_KEYS: [[u8; 16]; 3] = [
    [0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0x11, 0x22, 0x33, 0x44, 0x55, 0xEE, 0xFF, 0x10],
    [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0x10],
    [0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0x10, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88],
];
/// First bytes of keys that count up: those of TS.48 from version 4 on, and GlobalPlatform's default.
const COUNTING_FROM: [u8; 2] = [0x00, 0x40];
/// Versions of keys for messages over the air (GlobalPlatform UICC Configuration 4.6). Keys of other versions open the
/// security domain to whoever selects it.
pub const OVER_THE_AIR: std::ops::RangeInclusive<u8> = 0x01..=0x0F;

/// A door that stands open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Number of the element in the package, from 1.
    pub number: usize,
    /// What is wrong.
    pub reason: Reason,
}

/// Why a door is open.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Keys of a security domain that can be reached are published.
    PublishedKeys {
        /// AID of the security domain.
        domain: Vec<u8>,
        /// Versions of such keys.
        versions: Vec<u8>,
        /// Toolkit application references under which it and its remote file management are reached.
        tars: Vec<[u8; 3]>,
    },
    /// The minimum security level asks for no cryptographic checksum.
    Unauthenticated {
        /// AID of the instance.
        instance: Vec<u8>,
        /// Toolkit application references under which it is reached.
        tars: Vec<[u8; 3]>,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "profile element {}: {}", self.number, self.reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tars = match self {
            Self::PublishedKeys { domain, versions, tars } => {
                write!(f, "the keys of security domain {} are published (version", Hex(domain))?;
                versions.iter().try_for_each(|version| write!(f, " {version:02X}"))?;
                f.write_str(")")?;
                tars
            }
            Self::Unauthenticated { instance, tars } => {
                write!(f, "{} takes messages without a checksum", Hex(instance))?;
                tars
            }
        };
        if tars.is_empty() {
            return Ok(());
        }
        f.write_str(", and it is reached over the air (TAR")?;
        tars.iter().try_for_each(|tar| write!(f, " {}", Hex(tar)))?;
        f.write_str(")")
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// Whether a key is one that everybody knows: those of TS.48, GlobalPlatform's default, those that count up from 00, and
/// those of 00 or FF alone. A triple DES key that repeats its first part is taken for one of two parts.
pub fn is_published_key(key: &[u8]) -> bool {
    let key = match key.split_at_checked(16) {
        Some((first, rest)) if rest.len() == 8 && first.starts_with(rest) => first,
        _ => key,
    };
    let counts_up = || key.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1));
    let first = key.first().copied().unwrap_or_default();
    key.iter().all(|byte| *byte == 0x00)
        || key.iter().all(|byte| *byte == 0xFF)
        || (COUNTING_FROM.contains(&first) && counts_up())
        || TS48_KEYS.iter().any(|known| known == key)
}

/// Everything that is open in a package, in the order of its elements.
pub fn findings(package: &ProfilePackage) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, element) in package.elements().iter().enumerate() {
        let number = index + 1;
        match element.element() {
            Element::SecurityDomain(domain) => {
                findings.extend(published_keys(package, domain).map(|reason| Finding { number, reason }));
                let own = ToolkitParameters::of_instance(&domain.instance).unwrap_or_default();
                findings.extend(
                    unauthenticated(&domain.instance.instance_aid, own).map(|reason| Finding { number, reason }),
                );
            }
            Element::Rfm(rfm) => {
                let own = ToolkitParameters::of_file_management(rfm).unwrap_or_default();
                findings.extend(unauthenticated(&rfm.instance_aid, own).map(|reason| Finding { number, reason }));
            }
            _ => {}
        }
    }
    findings
}

/// Keys of network access applications that test profiles may have (SGP.22 2.4.5.3): zero, and that of 3GPP TS 34.108 8.2.
pub const TEST_KEYS: [[u8; 16]; 2] = [[0; 16], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]];

/// The number of the first element, from 1, with the key of a network access application that is none for tests: eUICCs refuse
/// such a package as a test profile.
pub fn key_not_for_tests(package: &ProfilePackage) -> Option<usize> {
    let position = package.elements().iter().position(|element| match element.element() {
        Element::AkaParameter(AkaParameter { algorithm: AlgorithmConfiguration::Algorithm(parameter), .. }) => {
            !TEST_KEYS.iter().any(|key| parameter.key.expose() == key)
        }
        _ => false,
    });
    position.map(|position| position + 1)
}

fn published_keys(package: &ProfilePackage, domain: &SecurityDomain) -> Option<Reason> {
    let tars = reached_by(package, domain);
    let published = domain.key_list.iter().flatten().filter(|key| {
        let counts = !tars.is_empty() || !OVER_THE_AIR.contains(&version(key));
        counts && key.components.iter().any(|component| is_published_key(component.key_data.expose()))
    });
    let mut versions: Vec<u8> = published.map(version).collect();
    versions.dedup();
    (!versions.is_empty()).then(|| Reason::PublishedKeys {
        domain: domain.instance.instance_aid.to_vec(),
        versions,
        tars,
    })
}

fn version(key: &KeyObject) -> u8 {
    key.version_number.first().copied().unwrap_or_default()
}

/// The TARs under which messages with keys of a security domain are taken: its own, and those of its remote file management.
fn reached_by(package: &ProfilePackage, domain: &SecurityDomain) -> Vec<[u8; 3]> {
    let elements = || package.elements().iter().map(|element| element.element());
    let first = elements().find_map(|element| match element {
        Element::SecurityDomain(first) => Some(&first.instance.instance_aid),
        _ => None,
    });
    let aid = &domain.instance.instance_aid;
    let mut tars = ToolkitParameters::of_instance(&domain.instance).unwrap_or_default().tars;
    for element in elements() {
        // Without a security domain of its own it belongs to the first.
        if let Element::Rfm(rfm) = element
            && rfm.security_domain_aid.as_ref().or(first) == Some(aid)
        {
            tars.extend(ToolkitParameters::of_file_management(rfm).unwrap_or_default().tars);
        }
    }
    tars
}

fn unauthenticated(instance: &[u8], parameters: ToolkitParameters) -> Option<Reason> {
    let checked = parameters.minimum_security_level & 0x02 != 0;
    let open = !checked && !parameters.tars.is_empty();
    open.then(|| Reason::Unauthenticated { instance: instance.to_vec(), tars: parameters.tars })
}

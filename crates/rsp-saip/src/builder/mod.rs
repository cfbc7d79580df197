//! Builds a package from nothing: a full profile with a USIM, an ISIM when asked for, and Milenage.
//!
//! The files are those of the interoperable format's own templates, with its access rules (TCA profile package annex A and
//! 9.9), so that any eUICC of version 2.1 or later can install the package.

mod access_rules;
mod files;

use rasn::types::{ObjectIdentifier, OctetString};

use crate::aka::{AkaParameter, AlgoParameter, AlgorithmConfiguration};
use crate::application::{ApplicationInstance, End, SecurityDomain};
use crate::asn1::{Secret, Text, Unknown};
use crate::codes::{PinCodes, PinCodesChoice, PinConfiguration, PukCodes, PukConfiguration};
use crate::digits;
use crate::element::{Element, ElementKind, ProfileElement};
use crate::error::Error;
use crate::header::{PeHeader, ProfileHeader, Service, ServicesList};
use crate::package::ProfilePackage;
use crate::template::TemplateElement;
use crate::text;

/// AID of the USIM that is built (3GPP TS 31.101: application 1002, no country, no provider data).
pub const USIM_AID: [u8; 16] =
    [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x02, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x03, 0x02, 0x00, 0x00];
/// AID of the ISIM that is built (application 1004).
pub const ISIM_AID: [u8; 16] =
    [0xA0, 0x00, 0x00, 0x00, 0x87, 0x10, 0x04, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x03, 0x02, 0x00, 0x00];

/// Temporary identifiers of the ADFs within the package.
const USIM_FILE_ID: u16 = 0x7FF0;
const ISIM_FILE_ID: u16 = 0x7FF1;

/// Everything that makes one profile. It holds keys and codes and cannot be printed.
#[derive(Clone)]
pub struct ProfileBuilder {
    /// ICCID, 18 to 20 digits.
    pub iccid: String,
    /// IMSI, 6 to 15 digits.
    pub imsi: String,
    /// Count of the MNC's digits, 2 or 3.
    pub mnc_length: u8,
    /// Service provider name: 1 to 16 letters, digits and common punctuation of ASCII.
    pub spn: String,
    /// Text in the header.
    pub profile_type: String,
    /// Telephone number, digits with an optional `+`.
    pub msisdn: Option<String>,
    /// Group identifier level 1.
    pub gid1: Option<Vec<u8>>,
    /// Group identifier level 2.
    pub gid2: Option<Vec<u8>>,
    /// K.
    pub key: Secret,
    /// OPc of Milenage.
    pub opc: Secret,
    /// PINs and PUKs.
    pub codes: Codes,
    /// Whether an ISIM is added, with identities made of the IMSI and the same keys.
    pub isim: bool,
    /// Entries are added to a telephone book, then images to DF.GRAPHICS, until the package has at least this many bytes: up
    /// to 2 MB.
    pub pad_to: usize,
}

/// Codes of 4 to 8 digits (PUKs and ADM1: 8).
#[derive(Clone)]
pub struct Codes {
    /// PIN 1; the profile is built with it disabled.
    pub pin1: Secret,
    /// PUK of PIN 1.
    pub puk1: Secret,
    /// PIN 2.
    pub pin2: Secret,
    /// PUK of PIN 2.
    pub puk2: Secret,
    /// Administrative code 1.
    pub adm1: Secret,
}

impl ProfileBuilder {
    /// Builds the package.
    ///
    /// # Errors
    /// [`Error::InvalidValue`] naming the field that is not of the form that its documentation demands.
    pub fn build(&self) -> Result<ProfilePackage, Error> {
        let mut elements = self.elements(0)?;
        let size: usize = elements.iter().map(|element| element.bytes().len()).sum();
        if let Some(missing) = self.pad_to.checked_sub(size).filter(|missing| *missing > 0) {
            elements = self.elements(missing)?;
        }
        Ok(ProfilePackage::new(elements))
    }

    fn elements(&self, padding: usize) -> Result<Vec<ProfileElement>, Error> {
        self.check()?;
        let mut identification = 0;
        let mut next = || {
            identification += 1;
            PeHeader::mandated(identification)
        };
        let mut elements = vec![
            self.header()?,
            Element::Template(files::mf(next(), self)?),
            self.puk_codes(next())?,
            self.global_pin_codes(next())?,
            Element::Template(files::usim(next(), self)?),
            Element::Template(files::opt_usim(next(), self)?),
            self.local_pin_codes(next())?,
            self.aka(next())?,
        ];
        if self.isim {
            elements.push(Element::Template(files::isim(next(), self)?));
            elements.push(self.local_pin_codes(next())?);
            elements.push(self.aka(next())?);
        }
        if padding > 0 {
            elements.push(Element::GenericFileManagement(files::telephone_book(next(), padding)));
        }
        elements.push(Element::SecurityDomain(mno_security_domain(next())));
        elements.push(Element::End(End { header: next(), unknown: Unknown::default() }));
        elements.into_iter().map(ProfileElement::new).collect()
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |field, problem: &str| Err(Error::InvalidValue { field, problem: problem.to_owned() });
        digits::imsi_content(&self.imsi)?;
        if !matches!(self.mnc_length, 2 | 3) {
            return refuse("MNC length", "2 or 3 digits");
        }
        if !(1..=16).contains(&self.spn.len()) || text::encode(&self.spn).is_none() {
            return refuse("SPN", "1 to 16 letters, digits and common punctuation of ASCII are needed");
        }
        if self.profile_type.is_empty() || self.profile_type.chars().count() > 100 {
            return refuse("profile type", "1 to 100 characters are needed");
        }
        for (field, secret) in [("K", &self.key), ("OPc", &self.opc)] {
            if secret.len() != 16 {
                return refuse(field, "16 bytes are needed");
            }
        }
        for (field, gid) in [("GID1", &self.gid1), ("GID2", &self.gid2)] {
            if gid.as_ref().is_some_and(|gid| gid.is_empty() || gid.len() > 32) {
                return refuse(field, "1 to 32 bytes are needed");
            }
        }
        Ok(())
    }

    fn header(&self) -> Result<Element, Error> {
        let mut services = vec![Service::USIM];
        let mut templates = vec![template_id(1), template_id(4), template_id(5)];
        if self.isim {
            services.push(Service::ISIM);
            templates.push(template_id(8));
        }
        services.push(Service::MILENAGE);
        Ok(Element::Header(ProfileHeader {
            major_version: 2,
            minor_version: 1,
            profile_type: Some(Text(self.profile_type.clone())),
            iccid: OctetString::from(digits::iccid_plain(&self.iccid)?),
            pol: None,
            mandatory_services: ServicesList(services),
            mandatory_templates: templates,
            connectivity_parameters: None,
            mandatory_aids: None,
            iot_options: None,
            unknown: Unknown::default(),
        }))
    }

    fn puk_codes(&self, header: PeHeader) -> Result<Element, Error> {
        let puk = |field, key_reference, code: &Secret| {
            Ok::<_, Error>(PukConfiguration {
                key_reference,
                value: padded_code(field, code, 8)?,
                attempts: None,
                unknown: Unknown::default(),
            })
        };
        Ok(Element::PukCodes(PukCodes {
            header,
            codes: vec![puk("PUK1", 0x01, &self.codes.puk1)?, puk("PUK2", 0x81, &self.codes.puk2)?],
            unknown: Unknown::default(),
        }))
    }

    fn global_pin_codes(&self, header: PeHeader) -> Result<Element, Error> {
        // Disabled, may be changed and enabled: a terminal asks for nothing after the download.
        let pin1 = pin("PIN1", 0x01, &self.codes.pin1, 4, Some(0x01), Some(6))?;
        let adm1 = pin("ADM1", 0x0A, &self.codes.adm1, 8, None, Some(3))?;
        Ok(pin_codes(header, vec![pin1, PinConfiguration { attempts: Some(0xAA), ..adm1 }]))
    }

    fn local_pin_codes(&self, header: PeHeader) -> Result<Element, Error> {
        Ok(pin_codes(header, vec![pin("PIN2", 0x81, &self.codes.pin2, 4, Some(0x81), Some(3))?]))
    }

    fn aka(&self, header: PeHeader) -> Result<Element, Error> {
        Ok(Element::AkaParameter(AkaParameter {
            header,
            algorithm: AlgorithmConfiguration::Algorithm(AlgoParameter {
                algorithm_id: AlgoParameter::MILENAGE,
                // RES of 64 bits, MAC of 64 bits.
                options: OctetString::from_static(&[0x01]),
                key: self.key.clone(),
                opc: self.opc.clone(),
                rotation_constants: None,
                xoring_constants: None,
                auth_counter_max: None,
                number_of_keccak: None,
                unknown: Unknown::default(),
            }),
            sqn_options: None,
            sqn_delta: None,
            sqn_age_limit: None,
            sqn_init: None,
            unknown: Unknown::default(),
        }))
    }
}

/// The operator's security domain, which every full profile has. It comes without keys, so that nothing can reach it
/// over the air.
fn mno_security_domain(header: PeHeader) -> SecurityDomain {
    SecurityDomain {
        header,
        instance: ApplicationInstance {
            load_package_aid: OctetString::from_static(&[0xA0, 0x00, 0x00, 0x01, 0x51, 0x53, 0x50]),
            class_aid: OctetString::from_static(&[0xA0, 0x00, 0x00, 0x01, 0x51, 0x53, 0x50, 0x41]),
            instance_aid: OctetString::from_static(&[0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00]),
            extradite_security_domain_aid: None,
            privileges: OctetString::from_static(&[0x82, 0xDC, 0x00]),
            life_cycle_state: Some(OctetString::from_static(&[0x0F])),
            // SCP80 (GlobalPlatform Amendment B).
            specific_parameters: Secret::from(&[0x81, 0x02, 0x80, 0x00][..]),
            system_parameters: None,
            uicc_parameters: None,
            process_data: None,
            control_reference_template: None,
            unknown: Unknown::default(),
        },
        key_list: None,
        perso_data: None,
        open_perso_data: None,
        cat_tp_parameters: None,
        unknown: Unknown::default(),
    }
}

/// A template of the interoperable format: 2.23.143.1.2.x.
fn template_id(number: u32) -> ObjectIdentifier {
    ObjectIdentifier::new(vec![2, 23, 143, 1, 2, number]).expect("invariant: every arc after 2.23 is free")
}

/// An element for files of the template.
fn template(kind: ElementKind, header: PeHeader, number: u32) -> TemplateElement {
    TemplateElement::new(kind, header, template_id(number)).expect("invariant: called for kinds with files only")
}

fn pin_codes(header: PeHeader, codes: Vec<PinConfiguration>) -> Element {
    Element::PinCodes(PinCodes { header, codes: PinCodesChoice::PinConfig(codes), unknown: Unknown::default() })
}

fn pin(
    field: &'static str,
    key_reference: u8,
    code: &Secret,
    at_least: usize,
    unblocking_reference: Option<u8>,
    attributes: Option<u8>,
) -> Result<PinConfiguration, Error> {
    Ok(PinConfiguration {
        key_reference,
        value: padded_code(field, code, at_least)?,
        unblocking_reference,
        attributes,
        attempts: None,
        unknown: Unknown::default(),
    })
}

/// Eight bytes: the digits of the code, then FF.
fn padded_code(field: &'static str, code: &Secret, at_least: usize) -> Result<Secret, Error> {
    let digits = code.expose();
    if digits.len() < at_least || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Error::InvalidValue { field, problem: format!("{at_least} to 8 digits are needed") });
    }
    let mut padded = zeroize::Zeroizing::new([0xFF; 8]);
    padded[..digits.len()].copy_from_slice(digits);
    Ok(Secret::from(&padded[..]))
}

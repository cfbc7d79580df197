//! Giving a package another subscriber: ICCID, IMSI and keys are changed in the typed elements.

use rasn::types::OctetString;

use crate::aka::{AkaParameter, AlgoParameter, AlgorithmConfiguration};
use crate::asn1::Secret;
use crate::digits;
use crate::element::{Element, ElementKind};
use crate::error::Error;
use crate::file::{File, FileItem};
use crate::header::{ProfileHeader, Service};
use crate::package::ProfilePackage;
use crate::template::TemplateElement;

/// The new subscriber. What is `None` stays as it is.
#[derive(Clone, Copy, Default)]
pub struct Personalisation<'a> {
    /// ICCID, 18 to 20 digits: goes into the header and into EF_ICCID.
    pub iccid: Option<&'a str>,
    /// IMSI, 6 to 15 digits: goes into EF_IMSI and EF_ACC, and into the identities of the ISIM that contain the old one.
    pub imsi: Option<&'a str>,
    /// K of every application that has its own.
    pub key: Option<&'a [u8; 16]>,
    /// OPc of every application that has its own.
    pub opc: Option<&'a [u8; 16]>,
    /// Algorithm of every application that has its own, for example [`AlgoParameter::MILENAGE`].
    pub algorithm: Option<u8>,
}

impl ProfilePackage {
    /// Changes the subscriber. Elements that need no change keep their bytes.
    ///
    /// # Errors
    /// [`Error::Missing`] when the package has no place for a value, [`Error::InvalidValue`] when the value does not fit
    /// there. On an error the package stays as it was.
    pub fn personalise(&mut self, with: &Personalisation<'_>) -> Result<(), Error> {
        let plan = Plan::new(self, with)?;
        let mut changed = self.clone();
        for (index, received) in self.elements().iter().enumerate() {
            let mut element = received.element().clone();
            plan.apply(&mut element)?;
            if element != *received.element() {
                changed.replace(index, element)?;
            }
        }
        *self = changed;
        Ok(())
    }
}

/// The changes, worked out once for the whole package.
struct Plan<'a> {
    with: &'a Personalisation<'a>,
    old_imsi: Option<String>,
}

impl<'a> Plan<'a> {
    fn new(package: &ProfilePackage, with: &'a Personalisation<'a>) -> Result<Self, Error> {
        let has = |kind| package.elements().iter().any(|element| element.kind() == kind);
        if with.iccid.is_some() && !has(ElementKind::Mf) {
            return Err(Error::Missing("PE-MF"));
        }
        if with.imsi.is_some() && !has(ElementKind::Usim) {
            return Err(Error::Missing("PE-USIM"));
        }
        let own_algorithm = |element: &Element| {
            matches!(
                element,
                Element::AkaParameter(AkaParameter { algorithm: AlgorithmConfiguration::Algorithm(_), .. })
            )
        };
        let wants_aka = with.key.is_some() || with.opc.is_some() || with.algorithm.is_some();
        if wants_aka && !package.elements().iter().any(|element| own_algorithm(element.element())) {
            return Err(Error::Missing("PE-AKAParameter"));
        }
        Ok(Self { with, old_imsi: package.summary().imsi })
    }

    fn apply(&self, element: &mut Element) -> Result<(), Error> {
        match element {
            Element::Header(header) => self.apply_to_header(header),
            Element::AkaParameter(AkaParameter { algorithm: AlgorithmConfiguration::Algorithm(algorithm), .. }) => {
                self.apply_to_algorithm(algorithm);
                Ok(())
            }
            Element::Template(template) => match template.kind() {
                ElementKind::Mf => self.apply_to_mf(template),
                ElementKind::Usim => self.apply_to_usim(template),
                ElementKind::Isim => self.apply_to_isim(template),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn apply_to_header(&self, header: &mut ProfileHeader) -> Result<(), Error> {
        if let Some(iccid) = self.with.iccid {
            header.iccid = OctetString::from(digits::iccid_plain(iccid)?);
        }
        let service = match self.with.algorithm {
            Some(AlgoParameter::MILENAGE) => Service::MILENAGE,
            Some(AlgoParameter::TUAK) => Service::TUAK128,
            Some(AlgoParameter::USIM_TEST) => Service::USIM_TEST_ALGORITHM,
            Some(_) => {
                let problem = "only milenage, tuak and usim-test-algorithm are known".to_owned();
                return Err(Error::InvalidValue { field: "algorithm", problem });
            }
            None => return Ok(()),
        };
        let services = &mut header.mandatory_services.0;
        let algorithms = [Service::MILENAGE, Service::TUAK128, Service::TUAK256, Service::USIM_TEST_ALGORITHM];
        services.retain(|service| !algorithms.contains(service));
        services.push(service);
        services.sort();
        Ok(())
    }

    fn apply_to_algorithm(&self, algorithm: &mut AlgoParameter) {
        if let Some(key) = self.with.key {
            algorithm.key = Secret::from(&key[..]);
        }
        if let Some(opc) = self.with.opc {
            algorithm.opc = Secret::from(&opc[..]);
        }
        if let Some(id) = self.with.algorithm {
            algorithm.algorithm_id = id;
        }
    }

    fn apply_to_mf(&self, mf: &mut TemplateElement) -> Result<(), Error> {
        let Some(iccid) = self.with.iccid else { return Ok(()) };
        let file = mf.file_mut("ef-iccid").ok_or(Error::Missing("EF_ICCID"))?;
        file.set_content(&digits::iccid_swapped(iccid)?);
        Ok(())
    }

    fn apply_to_usim(&self, usim: &mut TemplateElement) -> Result<(), Error> {
        let Some(imsi) = self.with.imsi else { return Ok(()) };
        let file = usim.file_mut("ef-imsi").ok_or(Error::Missing("EF_IMSI"))?;
        file.set_content(&digits::imsi_content(imsi)?);
        let file = usim.file_mut("ef-acc").ok_or(Error::Missing("EF_ACC"))?;
        file.set_content(&digits::access_class(imsi));
        Ok(())
    }

    /// The private and public identities are often made of the IMSI (3GPP TS 23.003 13.3): the old digits become the
    /// new ones, and so do MCC and MNC in the home domain. The old digits are those of EF_IMSI, and those of the private
    /// identity, which some packages keep apart.
    fn apply_to_isim(&self, isim: &mut TemplateElement) -> Result<(), Error> {
        let Some(new) = self.with.imsi else { return Ok(()) };
        let private = isim.file("ef-impi").and_then(private_digits);
        let old: Vec<String> = self.old_imsi.iter().cloned().chain(private).collect();
        for name in ["ef-impi", "ef-impu", "ef-domain"] {
            let Some(file) = isim.file_mut(name) else { continue };
            for old in &old {
                if old.len() != new.len() && contents(file).any(|content| find(content, old.as_bytes()).is_some()) {
                    let problem =
                        format!("{} digits are needed, as the identities of the ISIM contain the IMSI", old.len());
                    return Err(Error::InvalidValue { field: "IMSI", problem });
                }
                contents_mut(file).for_each(|content| *content = renamed(content, old, new));
            }
        }
        Ok(())
    }
}

/// The content with the old subscriber's digits and home domain replaced.
fn renamed(content: &[u8], old: &str, new: &str) -> OctetString {
    let mut bytes = content.to_vec();
    if new.len() == old.len() {
        replace_all(&mut bytes, old.as_bytes(), new.as_bytes());
    }
    for mnc_length in [2, 3] {
        replace_all(&mut bytes, realm(old, mnc_length).as_bytes(), realm(new, mnc_length).as_bytes());
    }
    OctetString::from(bytes)
}

/// The digits before the `@` of EF_IMPI, if they can be an IMSI.
fn private_digits(file: &File) -> Option<String> {
    let object = contents(file).find(|content| content.first() == Some(&0x80))?;
    let text = std::str::from_utf8(object.get(2..2 + usize::from(*object.get(1)?))?).ok()?;
    let (digits, _) = text.split_once('@')?;
    digits::imsi_content(digits).is_ok().then(|| digits.to_owned())
}

/// The labels of the home domain that name network and country: always of the same length.
fn realm(imsi: &str, mnc_length: usize) -> String {
    let (mcc, rest) = imsi.split_at_checked(3).unwrap_or((imsi, ""));
    format!("mnc{:0>3}.mcc{mcc}", rest.get(..mnc_length).unwrap_or(rest))
}

fn contents(file: &File) -> impl Iterator<Item = &[u8]> {
    file.0.iter().filter_map(|item| match item {
        FileItem::FillFileContent(content) => Some(&content[..]),
        FileItem::FileDescriptor(fcp) => fcp.proprietary_ef_info.as_ref()?.fill_pattern.as_deref(),
        _ => None,
    })
}

fn contents_mut(file: &mut File) -> impl Iterator<Item = &mut OctetString> {
    file.0.iter_mut().filter_map(|item| match item {
        FileItem::FillFileContent(content) => Some(content),
        FileItem::FileDescriptor(fcp) => fcp.proprietary_ef_info.as_mut()?.fill_pattern.as_mut(),
        _ => None,
    })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    (!needle.is_empty()).then(|| haystack.windows(needle.len()).position(|window| window == needle)).flatten()
}

/// Replaces every occurrence of `old` by `new`, which is as long.
fn replace_all(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    let mut from = 0;
    while let Some(at) = find(&bytes[from..], old) {
        bytes[from + at..from + at + old.len()].copy_from_slice(new);
        from += at + old.len();
    }
}

//! What a package is, in words that may be shown: no keys, no codes.

use crate::aka::AlgorithmConfiguration;
use crate::asn1::Text;
use crate::digits;
use crate::element::{Element, ElementKind};
use crate::header::Service;
use crate::package::ProfilePackage;
use crate::text;

/// A package at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Major and minor version of the interoperable format.
    pub version: (u8, u8),
    /// Free text in the header.
    pub profile_type: Option<String>,
    /// ICCID of the header.
    pub header_iccid: Option<String>,
    /// ICCID of EF_ICCID, which is the profile's.
    pub iccid: Option<String>,
    /// IMSI of the first USIM.
    pub imsi: Option<String>,
    /// Count of the MNC's digits according to EF_AD.
    pub mnc_length: Option<u8>,
    /// Service provider name of EF_SPN, when it is plain text.
    pub spn: Option<String>,
    /// Authentication algorithm of the first application.
    pub algorithm: Option<&'static str>,
    /// Services that the eUICC must have.
    pub services: Vec<Service>,
    /// Types of the elements, in order.
    pub elements: Vec<ElementKind>,
    /// Size of the package in bytes.
    pub size: usize,
}

impl ProfilePackage {
    /// Summarises the package.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary {
            version: (0, 0),
            profile_type: None,
            header_iccid: None,
            iccid: None,
            imsi: None,
            mnc_length: None,
            spn: None,
            algorithm: None,
            services: Vec::new(),
            elements: self.elements().iter().map(|element| element.kind()).collect(),
            size: self.elements().iter().map(|element| element.bytes().len()).sum(),
        };
        for element in self.elements() {
            match element.element() {
                Element::Header(header) => {
                    summary.version = (header.major_version, header.minor_version);
                    summary.profile_type = header.profile_type.as_ref().map(|Text(text)| text.clone());
                    summary.header_iccid = Some(digits::from_plain(&header.iccid));
                    summary.services.clone_from(&header.mandatory_services.0);
                }
                Element::AkaParameter(aka) if summary.algorithm.is_none() => {
                    if let AlgorithmConfiguration::Algorithm(algorithm) = &aka.algorithm {
                        summary.algorithm = Some(algorithm.name());
                    }
                }
                _ => {}
            }
        }
        summary.iccid = self
            .template_file(ElementKind::Mf, "ef-iccid")
            .and_then(|file| file.content(10))
            .map(|content| digits::from_swapped(&content));
        let usim = |name| self.template_file(ElementKind::Usim, name);
        summary.imsi = usim("ef-imsi").and_then(|file| digits::imsi_from_content(&file.content(9)?));
        // A template that is not overridden says two digits.
        summary.mnc_length = usim("ef-ad").and_then(|file| file.content(4)).map(|content| content[3] & 0x0F);
        summary.spn = usim("ef-spn").and_then(|file| text::decode(&file.rendered(17)[1..]));
        summary
    }

    /// A file of the first element of that kind.
    fn template_file(&self, kind: ElementKind, name: &str) -> Option<&crate::file::File> {
        self.elements().iter().find_map(|element| match element.element() {
            Element::Template(template) if template.kind() == kind => template.file(name),
            _ => None,
        })
    }
}

//! Which files a template defines, and how they look before anything is written into them.

mod csim;
mod tables;

use crate::element::ElementKind;

/// A file of a template.
#[derive(Debug, Clone, Copy)]
pub struct FileTemplate {
    /// Name of the field in the profile element.
    pub name: &'static str,
    /// File identifier; 0 when the package must give it.
    pub file_id: u16,
    /// Kind and size.
    pub shape: Shape,
    /// Record of EF_ARR.
    pub rule: u8,
    /// Short file identifier.
    pub sfi: Option<u8>,
    /// Content before anything is written.
    pub fill: Fill,
    /// Special file information: 80 for high update activity (ETSI TS 102 222 6.3.2.2.1).
    pub special: u8,
}

/// Kind and size of a file; a size or count of zero must be given by the package.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// MF, DF or ADF.
    Df,
    /// Size.
    Transparent(u16),
    /// Count and length of records.
    LinearFixed(u8, u8),
    /// Count and length of records.
    Cyclic(u8, u8),
    /// Size.
    BerTlv(u16),
}

/// What an unwritten file, or each of its records, holds.
#[derive(Debug, Clone, Copy)]
pub enum Fill {
    /// These bytes, of which the last repeats to the end.
    Pattern(&'static [u8]),
    /// These bytes again and again.
    Repeat(&'static [u8]),
    /// The first bytes, of which the last repeats, and the second ones at the end.
    Between(&'static [u8], &'static [u8]),
}

/// All FF.
pub const FF: Fill = Fill::Pattern(&[0xFF]);
/// All 00.
pub const ZERO: Fill = Fill::Pattern(&[0x00]);

impl Fill {
    /// `length` bytes.
    pub fn bytes(self, length: usize) -> Vec<u8> {
        let stretched = |pattern: &'static [u8], length| {
            let last = pattern.last().copied().unwrap_or(0xFF);
            pattern.iter().copied().chain(std::iter::repeat(last)).take(length)
        };
        match self {
            Self::Pattern(pattern) => stretched(pattern, length).collect(),
            Self::Repeat(pattern) => pattern.iter().copied().cycle().take(length).collect(),
            Self::Between(first, last) => {
                let middle = length.saturating_sub(last.len());
                stretched(first, middle).chain(last.iter().copied()).take(length).collect()
            }
        }
    }
}

/// A template as a profile element names it by its object identifier, 2.23.143.1.2.`number`, or 2.23.143.1.2.`number`.`version`.
pub struct Template {
    files: &'static [FileTemplate],
    kind: ElementKind,
    version: u32,
    /// Whether files that the element does not mention are created too.
    pub by_default: bool,
}

impl Template {
    /// The template of an element, if the object identifier is one of those defined for it and its files are known.
    pub fn find(kind: ElementKind, template_id: &[u32]) -> Option<Self> {
        let version = version(kind, template_id)?;
        let files = match kind {
            ElementKind::Mf => tables::MF,
            ElementKind::Cd => tables::CD,
            ElementKind::Telecom => tables::TELECOM,
            ElementKind::Usim => tables::USIM,
            ElementKind::OptUsim => tables::OPT_USIM,
            ElementKind::Isim => tables::ISIM,
            ElementKind::OptIsim => tables::OPT_ISIM,
            ElementKind::Phonebook => tables::PHONEBOOK,
            ElementKind::GsmAccess => tables::GSM_ACCESS,
            ElementKind::Eap => tables::EAP,
            ElementKind::Df5gs => tables::DF_5GS,
            ElementKind::DfSaip => tables::DF_SAIP,
            ElementKind::DfSnpn => tables::DF_SNPN,
            ElementKind::Df5gprose => tables::DF_5GPROSE,
            ElementKind::Csim => csim::CSIM,
            ElementKind::OptCsim => csim::OPT_CSIM,
            _ => return None,
        };
        let by_default = matches!(kind, ElementKind::Mf | ElementKind::Usim | ElementKind::Isim | ElementKind::Csim);
        Some(Self { files, kind, version, by_default })
    }

    /// The template's files in order, each with the field of the DF that it lies in; the first DF has none.
    pub fn files(&self) -> impl Iterator<Item = (FileTemplate, Option<&'static str>)> + '_ {
        let base = self.files.first().filter(|file| matches!(file.shape, Shape::Df)).map(|file| file.name);
        self.files.iter().scan(None, move |df, file| {
            let parent = if matches!(file.shape, Shape::Df) {
                *df = Some(file.name);
                base.filter(|base| *base != file.name)
            } else {
                *df
            };
            Some((self.adjusted(*file), parent))
        })
    }

    /// The tables are those of the newest version, but for the USIM's, where later versions only made EF_UST larger.
    fn adjusted(&self, file: FileTemplate) -> FileTemplate {
        let (shape, fill) = match (self.kind, self.version, file.name) {
            (ElementKind::Usim, 2.., "ef-ust") => (Shape::Transparent(17), file.fill),
            (ElementKind::Df5gs, ..3, "ef-5gs3gppnsc" | "ef-5gsn3gppnsc") => (Shape::LinearFixed(1, 57), file.fill),
            (ElementKind::Df5gs, ..4, "ef-routing-indicator") => (file.shape, Fill::Pattern(&[0xF0, 0xFF])),
            _ => return file,
        };
        FileTemplate { shape, fill, ..file }
    }
}

/// Last arc of each element's template, and its newest version (TCA profile package annex A).
const IDENTIFIERS: &[(ElementKind, u32, u32)] = &[
    (ElementKind::Mf, 1, 1),
    (ElementKind::Cd, 2, 1),
    (ElementKind::Telecom, 3, 2),
    (ElementKind::Usim, 4, 3),
    (ElementKind::OptUsim, 5, 3),
    (ElementKind::Phonebook, 6, 1),
    (ElementKind::GsmAccess, 7, 1),
    (ElementKind::Isim, 8, 1),
    (ElementKind::OptIsim, 9, 2),
    (ElementKind::Csim, 10, 2),
    (ElementKind::OptCsim, 11, 2),
    (ElementKind::Eap, 12, 1),
    (ElementKind::Df5gs, 13, 4),
    (ElementKind::DfSaip, 14, 1),
    (ElementKind::DfSnpn, 15, 1),
    (ElementKind::Df5gprose, 16, 1),
];

/// Whether an eUICC-Mandatory-GFSTEList may name this template.
pub fn is_known(template_id: &[u32]) -> bool {
    IDENTIFIERS.iter().any(|(kind, ..)| version(*kind, template_id).is_some())
}

/// Version of the template, from 1, if it belongs to the element.
pub fn version(kind: ElementKind, template_id: &[u32]) -> Option<u32> {
    let (_, number, newest) = IDENTIFIERS.iter().find(|(other, ..)| *other == kind)?;
    let version = match template_id {
        [2, 23, 143, 1, 2, last] if last == number => 1,
        [2, 23, 143, 1, 2, last, version] if last == number => *version,
        _ => return None,
    };
    (1..=*newest).contains(&version).then_some(version)
}

const fn df(name: &'static str, file_id: u16, rule: u8) -> FileTemplate {
    FileTemplate { name, file_id, shape: Shape::Df, rule, sfi: None, fill: FF, special: 0 }
}

const fn transparent(name: &'static str, file_id: u16, size: u16, rule: u8, sfi: u8, fill: Fill) -> FileTemplate {
    FileTemplate { name, file_id, shape: Shape::Transparent(size), rule, sfi: short(sfi), fill, special: 0 }
}

const fn linear(
    name: &'static str,
    file_id: u16,
    count: u8,
    length: u8,
    rule: u8,
    sfi: u8,
    fill: Fill,
) -> FileTemplate {
    FileTemplate { name, file_id, shape: Shape::LinearFixed(count, length), rule, sfi: short(sfi), fill, special: 0 }
}

const fn cyclic(
    name: &'static str,
    file_id: u16,
    count: u8,
    length: u8,
    rule: u8,
    sfi: u8,
    fill: Fill,
) -> FileTemplate {
    FileTemplate { name, file_id, shape: Shape::Cyclic(count, length), rule, sfi: short(sfi), fill, special: 0 }
}

const fn ber_tlv(name: &'static str, file_id: u16, size: u16, rule: u8, sfi: u8) -> FileTemplate {
    FileTemplate { name, file_id, shape: Shape::BerTlv(size), rule, sfi: short(sfi), fill: FF, special: 0 }
}

/// The same file, of which the template says that it is updated often.
const fn high(file: FileTemplate) -> FileTemplate {
    FileTemplate { special: 0x80, ..file }
}

const fn short(sfi: u8) -> Option<u8> {
    if sfi == 0 { None } else { Some(sfi) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_stretch_to_the_file() {
        assert_eq!(Fill::Pattern(&[7, 0xFF]).bytes(4), [7, 0xFF, 0xFF, 0xFF]);
        assert_eq!(Fill::Repeat(&[1, 2]).bytes(5), [1, 2, 1, 2, 1]);
        assert_eq!(Fill::Between(&[0xFF], &[0, 7]).bytes(4), [0xFF, 0xFF, 0, 7]);
        assert_eq!(Fill::Between(&[0xFF], &[0, 7]).bytes(1), [0]);
    }

    #[test]
    fn templates_are_known_by_kind_and_version() {
        assert!(Template::find(ElementKind::Usim, &[2, 23, 143, 1, 2, 4, 3]).is_some());
        assert!(Template::find(ElementKind::Usim, &[2, 23, 143, 1, 2, 4, 4]).is_none());
        assert!(Template::find(ElementKind::Usim, &[2, 23, 143, 1, 2, 5]).is_none());
        assert!(is_known(&[2, 23, 143, 1, 2, 10]) && !is_known(&[2, 23, 143, 1, 2, 19]));
    }

    #[test]
    fn every_field_of_a_template_belongs_to_its_element() {
        for (kind, number, _) in IDENTIFIERS {
            let id = rsp_saip_oid(*number);
            let template = Template::find(*kind, &id).expect("every identifier has files");
            for (file, df) in template.files() {
                let header = crate::header::PeHeader::mandated(1);
                let oid = rasn_oid(&id);
                let mut element = crate::TemplateElement::new(*kind, header, oid).expect("it has files");
                assert!(element.set_file(file.name, Default::default()).is_some(), "{kind}: {}", file.name);
                assert!(df.is_none_or(|df| df != file.name));
            }
        }
    }

    fn rsp_saip_oid(number: u32) -> Vec<u32> {
        vec![2, 23, 143, 1, 2, number]
    }

    fn rasn_oid(arcs: &[u32]) -> rasn::types::ObjectIdentifier {
        rasn::types::ObjectIdentifier::new(arcs.to_vec()).expect("arcs")
    }
}

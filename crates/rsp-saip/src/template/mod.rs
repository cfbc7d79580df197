//! Profile elements that create files from a template: PE-MF to PE-OPT-IoT (TCA profile package 8.3, annex A).
//!
//! All of them have one shape: a header, the template's object identifier, and one tagged [`File`] for each file that the
//! template knows. One type carries them all; which file stands behind which tag is a table.

mod fields;

use rasn::prelude::*;

use crate::asn1::{Unknown, decode_tagged, encode_tagged};
use crate::element::ElementKind;
use crate::error::Fault;
use crate::file::File;
use crate::header::PeHeader;
use crate::tlv;

/// Tag number of the first file: `[0]` is the header, `[1]` the template's identifier.
const FIRST_FILE: u32 = 2;

/// ```text
/// PE-… ::= SEQUENCE { header [0] PEHeader, templateID [1] OBJECT IDENTIFIER, file [2] File, … [n] File OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateElement {
    kind: ElementKind,
    header: PeHeader,
    template_id: ObjectIdentifier,
    /// Index in the table of fields and file, in ascending order.
    files: Vec<(usize, File)>,
    unknown: Unknown,
}

impl TemplateElement {
    /// An element without files. Returns `None` when `kind` creates no files from a template.
    pub fn new(kind: ElementKind, header: PeHeader, template_id: ObjectIdentifier) -> Option<Self> {
        fields_of(kind)?;
        Some(Self { kind, header, template_id, files: Vec::new(), unknown: Unknown::default() })
    }

    /// Which of the elements this is.
    pub fn kind(&self) -> ElementKind {
        self.kind
    }

    /// The element's header.
    pub fn header(&self) -> &PeHeader {
        &self.header
    }

    /// The element's header, to change its identification.
    pub fn header_mut(&mut self) -> &mut PeHeader {
        &mut self.header
    }

    /// Template that the files are based on.
    pub fn template_id(&self) -> &ObjectIdentifier {
        &self.template_id
    }

    /// Present files with the names that the standard gives their fields, for example `ef-imsi`.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &File)> {
        self.files.iter().filter_map(|(index, file)| Some((name_at(self.kind, *index)?, file)))
    }

    /// The file of that field.
    pub fn file(&self, name: &str) -> Option<&File> {
        self.files().find_map(|(other, file)| (other == name).then_some(file))
    }

    /// The file of that field, to change it.
    pub fn file_mut(&mut self, name: &str) -> Option<&mut File> {
        let index = index_of(self.kind, name)?;
        self.files.iter_mut().find_map(|(other, file)| (*other == index).then_some(file))
    }

    /// Puts `file` into its field. Returns `None`, and changes nothing, when the element has no such field.
    pub fn set_file(&mut self, name: &str, file: File) -> Option<()> {
        let index = index_of(self.kind, name)?;
        match self.files.binary_search_by_key(&index, |(other, _)| *other) {
            Ok(at) => self.files[at].1 = file,
            Err(at) => self.files.insert(at, (index, file)),
        }
        Some(())
    }

    /// The first field that must be present and is not.
    pub fn missing_file(&self) -> Option<&'static str> {
        let fields = fields_of(self.kind)?;
        let mut required = fields.iter().enumerate().filter(|(_, field)| field.starts_with('+'));
        required.find(|(index, _)| !self.files.iter().any(|(other, _)| other == index)).map(|(_, field)| &field[1..])
    }

    /// Decodes the element's contents; an error says at which offset in them.
    pub(crate) fn decode(kind: ElementKind, contents: &[u8]) -> Result<Self, Fault> {
        let mut fields = Fields { contents, offset: 0, last: None };
        let header = fields.required(0, "header")?;
        let template_id = fields.required(1, "templateID")?;
        let mut files = Vec::new();
        let mut unknown = Unknown::default();
        let known = fields_of(kind).map_or(0, <[_]>::len);
        while let Some(field) = fields.next()? {
            let index = field.number.and_then(|number| usize::try_from(number.checked_sub(FIRST_FILE)?).ok());
            match index.zip(field.number).filter(|(index, _)| *index < known) {
                Some((index, number)) => {
                    let file = decode_tagged(Tag::new(Class::Context, number), field.raw).map_err(|error| {
                        let name = name_at(kind, index).unwrap_or("file");
                        Fault::at(fields.offset, format!("{name}: {error}"))
                    })?;
                    files.push((index, file));
                }
                None => unknown.push(field.raw),
            }
            fields.offset += field.raw.len();
        }
        let element = Self { kind, header, template_id, files, unknown };
        match element.missing_file() {
            Some(name) => Err(Fault::at(contents.len(), format!("{name} is missing"))),
            None => Ok(element),
        }
    }

    /// Encodes the element's contents.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, rasn::error::EncodeError> {
        let mut contents = encode_tagged(Tag::new(Class::Context, 0), &self.header)?;
        contents.extend(encode_tagged(Tag::new(Class::Context, 1), &self.template_id)?);
        for (index, file) in &self.files {
            // The index came from a table of less than two hundred fields.
            let number = FIRST_FILE + *index as u32;
            contents.extend(encode_tagged(Tag::new(Class::Context, number), file)?);
        }
        self.unknown.iter().for_each(|tlv| contents.extend_from_slice(tlv));
        Ok(contents)
    }
}

/// Walks the fields of an element; tags must ascend.
struct Fields<'a> {
    contents: &'a [u8],
    offset: usize,
    last: Option<u32>,
}

/// One field: the number of its context-specific tag, and its bytes.
struct Field<'a> {
    number: Option<u32>,
    raw: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The field at the offset, which the caller then moves.
    fn next(&mut self) -> Result<Option<Field<'a>>, Fault> {
        let rest = &self.contents[self.offset..];
        if rest.is_empty() {
            return Ok(None);
        }
        let tlv = tlv::first(rest).map_err(|error| Fault::at(self.offset + error.offset, error.problem))?;
        let number = tlv.context_number();
        if number.is_some() && number <= self.last {
            return Err(Fault::at(self.offset, "a field is repeated or out of order"));
        }
        self.last = number.or(self.last);
        Ok(Some(Field { number, raw: tlv.raw }))
    }

    fn required<T: Decode>(&mut self, expected: u32, name: &str) -> Result<T, Fault> {
        match self.next()? {
            Some(Field { number: Some(number), raw }) if number == expected => {
                let value = decode_tagged(Tag::new(Class::Context, expected), raw)
                    .map_err(|error| Fault::at(self.offset, format!("{name}: {error}")))?;
                self.offset += raw.len();
                Ok(value)
            }
            _ => Err(Fault::at(self.offset, format!("{name} is missing"))),
        }
    }
}

fn name_at(kind: ElementKind, index: usize) -> Option<&'static str> {
    fields_of(kind)?.get(index).map(|field| &field[1..])
}

fn index_of(kind: ElementKind, name: &str) -> Option<usize> {
    fields_of(kind)?.iter().position(|field| &field[1..] == name)
}

/// The table of fields of an element that creates files from a template.
pub(crate) fn fields_of(kind: ElementKind) -> Option<&'static [&'static str]> {
    Some(match kind {
        ElementKind::Mf => fields::MF,
        ElementKind::Cd => fields::CD,
        ElementKind::Telecom => fields::TELECOM,
        ElementKind::Usim => fields::USIM,
        ElementKind::OptUsim => fields::OPT_USIM,
        ElementKind::Isim => fields::ISIM,
        ElementKind::OptIsim => fields::OPT_ISIM,
        ElementKind::Phonebook => fields::PHONEBOOK,
        ElementKind::GsmAccess => fields::GSM_ACCESS,
        ElementKind::Csim => fields::CSIM,
        ElementKind::OptCsim => fields::OPT_CSIM,
        ElementKind::Eap => fields::EAP,
        ElementKind::Df5gs => fields::DF_5GS,
        ElementKind::DfSaip => fields::DF_SAIP,
        ElementKind::DfSnpn => fields::DF_SNPN,
        ElementKind::Df5gprose => fields::DF_5GPROSE,
        ElementKind::Iot => fields::IOT,
        ElementKind::OptIot => fields::OPT_IOT,
        _ => return None,
    })
}

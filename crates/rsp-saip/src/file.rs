//! Files as profile elements describe them: File, Fcp and ProprietaryInfo (TCA profile package 8.3).

use rasn::prelude::*;

use crate::asn1::Unknown;

/// ```text
/// ProprietaryInfo ::= SEQUENCE {
///     specialFileInformation [PRIVATE 0] OCTET STRING (1) DEFAULT '00'H,
///     fillPattern [PRIVATE 1] OCTET STRING (1..200) OPTIONAL, repeatPattern [PRIVATE 2] OCTET STRING (1..200) OPTIONAL,
///     maximumFileSize [6] OCTET STRING OPTIONAL, fileDetails [4] OCTET STRING (1) DEFAULT '01'H }
/// ```
/// Values with a default are optional here, so that a value that was sent explicitly is encoded again explicitly.
#[derive(AsnType, Debug, Clone, Default, PartialEq, Eq, Decode, Encode)]
pub struct ProprietaryInfo {
    /// Bit 8: high update activity; bit 7: readable and updatable when deactivated. Default 00.
    #[rasn(tag(private, 0), size("1"))]
    pub special_file_information: Option<OctetString>,
    /// Content whose last byte repeats to the end of the file or of each record.
    #[rasn(tag(private, 1), size("1..=200"))]
    pub fill_pattern: Option<OctetString>,
    /// Content that repeats as a whole.
    #[rasn(tag(private, 2), size("1..=200"))]
    pub repeat_pattern: Option<OctetString>,
    /// Largest size of a BER-TLV file, big-endian.
    #[rasn(tag(context, 6))]
    pub maximum_file_size: Option<OctetString>,
    /// Coding of a BER-TLV file. Default 01.
    #[rasn(tag(context, 4), size("1"))]
    pub file_details: Option<OctetString>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

impl ProprietaryInfo {
    /// `length` bytes filled by the fill or repeat pattern (ETSI TS 102 222 6.3.2.2), or `None` without one.
    pub fn pattern(&self, length: usize) -> Option<Vec<u8>> {
        if let Some((last, _)) = self.fill_pattern.as_deref().and_then(<[u8]>::split_last) {
            let pattern = self.fill_pattern.as_deref().unwrap_or_default().iter().copied();
            return Some(pattern.chain(std::iter::repeat(*last)).take(length).collect());
        }
        let pattern = self.repeat_pattern.as_deref()?;
        Some(pattern.iter().copied().cycle().take(length).collect())
    }
}

/// ```text
/// Fcp ::= SEQUENCE {
///     fileDescriptor [2] OCTET STRING (2..4) OPTIONAL, fileID [3] OCTET STRING (2) OPTIONAL,
///     dfName [4] ApplicationIdentifier OPTIONAL, lcsi [10] OCTET STRING (1) DEFAULT '05'H,
///     securityAttributesReferenced [11] OCTET STRING (1..3) OPTIONAL, efFileSize [0] OCTET STRING OPTIONAL,
///     pinStatusTemplateDO [PRIVATE 6] OCTET STRING OPTIONAL, shortEFID [8] OCTET STRING (0..1) OPTIONAL,
///     proprietaryEFInfo [5] ProprietaryInfo OPTIONAL, linkPath [PRIVATE 7] OCTET STRING (0..8) OPTIONAL }
/// ```
#[derive(AsnType, Debug, Clone, Default, PartialEq, Eq, Decode, Encode)]
pub struct Fcp {
    /// File descriptor byte, data coding byte, and for records their length (ETSI TS 102 222).
    #[rasn(tag(context, 2), size("2..=4"))]
    pub file_descriptor: Option<OctetString>,
    /// File identifier; of an ADF a temporary one that paths within the package use.
    #[rasn(tag(context, 3), size("2"))]
    pub file_id: Option<OctetString>,
    /// AID of an ADF.
    #[rasn(tag(context, 4), size("5..=16"))]
    pub df_name: Option<OctetString>,
    /// Life cycle status. Default 05, operational and activated.
    #[rasn(tag(context, 10), size("1"))]
    pub lcsi: Option<OctetString>,
    /// EF_ARR and record, or record alone.
    #[rasn(tag(context, 11), size("1..=3"))]
    pub security_attributes_referenced: Option<OctetString>,
    /// Size of the body of an EF, big-endian.
    #[rasn(tag(context, 0))]
    pub ef_file_size: Option<OctetString>,
    /// Key references that a DF uses.
    #[rasn(tag(private, 6))]
    pub pin_status_template_do: Option<OctetString>,
    /// SFI in bits 8 to 4; empty means none; absent means the template's.
    #[rasn(tag(context, 8), size("0..=1"))]
    pub short_ef_id: Option<OctetString>,
    /// Fill patterns and special information.
    #[rasn(tag(context, 5))]
    pub proprietary_ef_info: Option<ProprietaryInfo>,
    /// Path of the file that this one links to; empty turns a template's link into a file of its own.
    #[rasn(tag(private, 7), size("0..=8"))]
    pub link_path: Option<OctetString>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

impl Fcp {
    /// Size of the body, if given in at most four bytes.
    pub fn size(&self) -> Option<usize> {
        let bytes = self.ef_file_size.as_ref()?;
        (bytes.len() <= 4).then(|| bytes.iter().fold(0, |size, byte| (size << 8) | usize::from(*byte)))
    }

    /// File identifier as a number.
    pub fn file_id(&self) -> Option<u16> {
        self.file_id.as_ref().map(|id| id.iter().fold(0, |id, byte| (id << 8) | u16::from(*byte)))
    }

    /// Record length of a linear fixed or cyclic file.
    pub fn record_length(&self) -> Option<usize> {
        match self.file_descriptor.as_deref() {
            Some([_, _, length]) => Some(usize::from(*length)),
            Some([_, _, high, low]) => Some((usize::from(*high) << 8) | usize::from(*low)),
            _ => None,
        }
    }
}

/// One step of a file's description.
/// ```text
/// CHOICE { doNotCreate [0] NULL, fileDescriptor [1] Fcp, fillFileOffset [2] UInt16, fillFileContent [3] OCTET STRING }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
#[rasn(choice)]
#[allow(clippy::large_enum_variant, reason = "the large variant is the common one")]
pub enum FileItem {
    /// The template's file is not to be created.
    #[rasn(tag(context, 0))]
    DoNotCreate(()),
    /// Where the file differs from its template.
    #[rasn(tag(context, 1))]
    FileDescriptor(Fcp),
    /// Bytes to skip before the next content.
    #[rasn(tag(context, 2))]
    FillFileOffset(u16),
    /// Content, written behind what was written before.
    #[rasn(tag(context, 3))]
    FillFileContent(OctetString),
}

/// `File ::= SEQUENCE OF CHOICE …`, the same for all file elements.
#[derive(AsnType, Debug, Clone, Default, PartialEq, Eq, Decode, Encode)]
#[rasn(delegate)]
pub struct File(pub Vec<FileItem>);

impl File {
    /// A file that its template describes wholly.
    pub fn from_template() -> Self {
        Self::default()
    }

    /// A file with its descriptor and content.
    pub fn new(fcp: Fcp, content: &[u8]) -> Self {
        let mut items = vec![FileItem::FileDescriptor(fcp)];
        if !content.is_empty() {
            items.push(FileItem::FillFileContent(OctetString::from(content)));
        }
        Self(items)
    }

    /// The descriptor, if one is given.
    pub fn descriptor(&self) -> Option<&Fcp> {
        self.0.iter().find_map(|item| match item {
            FileItem::FileDescriptor(fcp) => Some(fcp),
            _ => None,
        })
    }

    /// Offset and bytes of each piece of content. A fill offset counts from the end of the piece before it.
    pub fn pieces(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.0
            .iter()
            .scan(0usize, |position, item| {
                Some(match item {
                    FileItem::FillFileOffset(offset) => {
                        *position += usize::from(*offset);
                        None
                    }
                    FileItem::FillFileContent(content) => {
                        let start = *position;
                        *position += content.len();
                        Some((start, &content[..]))
                    }
                    _ => None,
                })
            })
            .flatten()
    }

    /// The first `length` bytes of the content that is given, if all of them are.
    pub fn content(&self, length: usize) -> Option<Vec<u8>> {
        let mut content = vec![None; length];
        for (offset, bytes) in self.pieces() {
            for (slot, byte) in content.iter_mut().skip(offset).zip(bytes) {
                *slot = Some(*byte);
            }
        }
        content.into_iter().collect()
    }

    /// The first `length` bytes of a transparent file: its pattern (FF without one), and over it the content.
    pub fn rendered(&self, length: usize) -> Vec<u8> {
        let info = self.descriptor().and_then(|fcp| fcp.proprietary_ef_info.as_ref());
        let mut body = info.and_then(|info| info.pattern(length)).unwrap_or_else(|| vec![0xFF; length]);
        for (offset, bytes) in self.pieces() {
            body.iter_mut().skip(offset).zip(bytes).for_each(|(slot, byte)| *slot = *byte);
        }
        body
    }

    /// Replaces whatever content is given by one piece at offset 0. The descriptor stays, but for a fill pattern, which
    /// would otherwise compete with the content.
    pub fn set_content(&mut self, content: &[u8]) {
        self.0.retain(|item| !matches!(item, FileItem::FillFileOffset(_) | FileItem::FillFileContent(_)));
        for item in &mut self.0 {
            if let FileItem::FileDescriptor(Fcp { proprietary_ef_info: Some(info), .. }) = item {
                info.fill_pattern = None;
                info.repeat_pattern = None;
            }
        }
        self.0.push(FileItem::FillFileContent(OctetString::from(content)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_count_from_the_piece_before() {
        let file = File(vec![
            FileItem::FillFileContent(OctetString::from_static(&[1, 2])),
            FileItem::FillFileOffset(3),
            FileItem::FillFileContent(OctetString::from_static(&[3])),
        ]);
        assert_eq!(file.pieces().collect::<Vec<_>>(), [(0, &[1u8, 2][..]), (5, &[3][..])]);
        assert_eq!(file.content(6), None);
        assert_eq!(file.rendered(7), [1, 2, 0xFF, 0xFF, 0xFF, 3, 0xFF]);
    }

    #[test]
    fn a_fill_pattern_lies_under_the_content() {
        let info = ProprietaryInfo { fill_pattern: Some(OctetString::from_static(&[7, 0])), ..Default::default() };
        let fcp = Fcp { proprietary_ef_info: Some(info), ..Default::default() };
        let mut file = File::new(fcp, &[9]);
        assert_eq!(file.rendered(4), [9, 0, 0, 0]);
        file.set_content(&[5]);
        assert_eq!(file.rendered(2), [5, 0xFF]);
    }
}

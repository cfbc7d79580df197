//! PE-GenericFileManagement: files outside the templates (TCA profile package 8.4).

use rasn::prelude::*;

use crate::asn1::Unknown;
use crate::file::Fcp;
use crate::header::PeHeader;

/// ```text
/// PE-GenericFileManagement ::= SEQUENCE { gfm-header [0] PEHeader, fileManagementCMD [1] SEQUENCE OF FileManagement }
/// FileManagement ::= SEQUENCE OF CHOICE …
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
pub struct GenericFileManagement {
    /// The element's header.
    #[rasn(tag(context, 0))]
    pub header: PeHeader,
    /// Lists of commands, carried out one after the other.
    #[rasn(tag(context, 1))]
    pub commands: Vec<Vec<FileCommand>>,
    /// Elements of a later version.
    pub unknown: Unknown,
}

/// ```text
/// CHOICE { filePath [0] OCTET STRING (0..8), createFCP [APPLICATION 2] Fcp, fillFileOffset UInt16,
///          fillFileContent [1] OCTET STRING }
/// ```
#[derive(AsnType, Debug, Clone, PartialEq, Eq, Decode, Encode)]
#[rasn(choice)]
#[allow(clippy::large_enum_variant, reason = "the large variant is the common one")]
pub enum FileCommand {
    /// Selects a DF or EF by its path from the MF, ADFs by their temporary identifiers; empty selects the MF.
    #[rasn(tag(context, 0), size("0..=8"))]
    FilePath(OctetString),
    /// Creates a file under the selected DF; an EF becomes the one that is filled.
    #[rasn(tag(application, 2))]
    CreateFcp(Fcp),
    /// Bytes to skip before the next content.
    #[rasn(tag(universal, 2))]
    FillFileOffset(u16),
    /// Content, written behind what was written before.
    #[rasn(tag(context, 1))]
    FillFileContent(OctetString),
}

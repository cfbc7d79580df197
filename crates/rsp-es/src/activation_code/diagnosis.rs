//! What the reader of activation codes says about each field.

use std::fmt;

use super::{ActivationCode, Error};

/// A field of an activation code (SGP.22 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldName {
    /// `LPA:`, only in a QR code.
    Prefix,
    /// Version of the format, always `1`.
    Format,
    /// Address of the SM-DP+.
    SmdpAddress,
    /// MatchingID (AC_Token).
    MatchingId,
    /// OID of the SM-DP+.
    SmdpOid,
    /// `1` when a confirmation code will be asked for.
    ConfirmationCodeRequired,
    /// A field of a later version, by its number from 1.
    Further(usize),
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix => f.write_str("prefix"),
            Self::Format => f.write_str("field 1 (format)"),
            Self::SmdpAddress => f.write_str("field 2 (SM-DP+ address)"),
            Self::MatchingId => f.write_str("field 3 (MatchingID)"),
            Self::SmdpOid => f.write_str("field 4 (SM-DP+ OID)"),
            Self::ConfirmationCodeRequired => f.write_str("field 5 (confirmation code required)"),
            Self::Further(number) => write!(f, "field {number} (later version)"),
        }
    }
}

/// One field with what it says.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// Which field.
    pub name: FieldName,
    /// Its text; masked where a confirmation code stands in a place that is none for it.
    pub value: String,
    /// What it says, in a few words.
    pub meaning: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; the code is as the standard writes it, or as a later version does.
    Note,
    /// Not as the standard writes it, but understood.
    Deviation,
    /// The code cannot be used.
    Error,
}

/// Something that the reader noticed. The text never repeats a MatchingID or a confirmation code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where, if it belongs to one field.
    pub field: Option<FieldName>,
    /// What, and what helps.
    pub text: String,
}

impl Finding {
    pub(super) fn note(field: impl Into<Option<FieldName>>, text: impl Into<String>) -> Self {
        Self { severity: Severity::Note, field: field.into(), text: text.into() }
    }

    pub(super) fn deviation(field: impl Into<Option<FieldName>>, text: impl Into<String>) -> Self {
        Self { severity: Severity::Deviation, field: field.into(), text: text.into() }
    }

    pub(super) fn error(field: impl Into<Option<FieldName>>, text: impl Into<String>) -> Self {
        Self { severity: Severity::Error, field: field.into(), text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            Some(field) => write!(f, "{field}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Everything that can be said about a text that should be an activation code.
pub struct Diagnosis {
    /// The fields that were found, in order.
    pub fields: Vec<Field>,
    /// What is to be said about them.
    pub findings: Vec<Finding>,
    pub(super) code: Option<ActivationCode>,
}

impl Diagnosis {
    /// The code, if it can be used.
    pub fn code(&self) -> Option<&ActivationCode> {
        self.code.as_ref()
    }

    /// The code, or the first error.
    ///
    /// # Errors
    /// When the code cannot be used.
    pub fn into_code(self) -> Result<ActivationCode, Error> {
        let error = self.findings.into_iter().find(|finding| finding.severity == Severity::Error);
        match (self.code, error) {
            (Some(code), None) => Ok(code),
            (_, Some(finding)) => Err(Error { finding }),
            (None, None) => Err(Error { finding: Finding::error(None, "no activation code was found") }),
        }
    }
}

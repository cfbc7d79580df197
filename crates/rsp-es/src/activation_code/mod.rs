//! Activation codes, as text and as the content of a QR code (SGP.22 4.1).
//!
//! ```text
//! LPA:1$<SM-DP+ address>$<MatchingID>[$[<SM-DP+ OID>][$<1 = confirmation code required>]]
//! ```
//! [`ActivationCode::parse_strict`] takes what the standard allows. [`diagnose`] takes what people paste (blanks, quotes,
//! backslashes of a shell, a lower-case prefix), and says field by field what it found and what it had to forgive.

mod diagnosis;
mod parser;

pub use diagnosis::{Diagnosis, Field, FieldName, Finding, Severity};

use std::fmt::Write as _;

use zeroize::Zeroizing;

/// Longest activation code, without the prefix `LPA:` (SGP.22 4.1).
pub const MAX_LENGTH: usize = 255;

/// What an activation code says: where to download, and what.
///
/// Whoever holds the code can download the profile, so this type is neither `Debug` nor `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct ActivationCode {
    smdp_address: String,
    matching_id: Zeroizing<String>,
    smdp_oid: Option<String>,
    confirmation_code_required: bool,
    further: Vec<String>,
}

/// Why a text is no activation code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{finding}")]
pub struct Error {
    /// The first thing that is wrong.
    pub finding: Finding,
}

impl ActivationCode {
    /// Makes the code of an order.
    ///
    /// `matching_id` may be empty: then the SM-DP+ looks for an order of the EID. `smdp_oid` is in dotted form.
    ///
    /// # Errors
    /// When a part is not well-formed or the whole would be longer than [`MAX_LENGTH`].
    pub fn new(
        smdp_address: &str,
        matching_id: &str,
        smdp_oid: Option<&str>,
        confirmation_code_required: bool,
    ) -> Result<Self, Error> {
        let code = Self {
            smdp_address: smdp_address.to_owned(),
            matching_id: Zeroizing::new(matching_id.to_owned()),
            smdp_oid: smdp_oid.map(str::to_owned),
            confirmation_code_required,
            further: Vec::new(),
        };
        // Through the reader, so that nothing is written which this crate would not read again as the same code.
        let read = Self::parse_strict(&code.to_text())?;
        if read == code {
            Ok(read)
        } else {
            Err(Error { finding: Finding::error(None, "a part of the code contains the separator $") })
        }
    }

    /// Reads a code exactly as the standard writes it, with or without the prefix `LPA:`.
    ///
    /// # Errors
    /// The first deviation from SGP.22 4.1. Lower-case letters in the address are none, for a host name has no case.
    pub fn parse_strict(text: &str) -> Result<Self, Error> {
        let diagnosis = diagnose(text);
        match diagnosis.findings.iter().find(|finding| finding.severity > Severity::Note) {
            Some(finding) => Err(Error { finding: finding.clone() }),
            None => diagnosis.into_code(),
        }
    }

    /// Reads a code the way people paste it; [`diagnose`] says what was forgiven.
    ///
    /// # Errors
    /// When no address and MatchingID can be made out.
    pub fn parse_lenient(text: &str) -> Result<Self, Error> {
        diagnose(text).into_code()
    }

    /// Host name, IPv4 address or IPv6 address in brackets of the SM-DP+, as written in the code, with the port if there is
    /// one.
    pub fn smdp_address(&self) -> &str {
        &self.smdp_address
    }

    /// The MatchingID; empty when the SM-DP+ shall look for an order of the EID.
    pub fn matching_id(&self) -> &str {
        &self.matching_id
    }

    /// The OID, in dotted form, that the certificate CERT.DPauth must carry.
    pub fn smdp_oid(&self) -> Option<&str> {
        self.smdp_oid.as_deref()
    }

    /// Whether the code announces that a confirmation code will be asked for.
    pub fn confirmation_code_required(&self) -> bool {
        self.confirmation_code_required
    }

    /// Fields of later versions of the standard, verbatim.
    pub fn further_fields(&self) -> &[String] {
        &self.further
    }

    /// The code for manual entry, `1$…`.
    pub fn to_text(&self) -> Zeroizing<String> {
        self.write("")
    }

    /// The content of the QR code, `LPA:1$…`.
    pub fn to_uri(&self) -> Zeroizing<String> {
        self.write(parser::PREFIX)
    }

    fn write(&self, prefix: &str) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(MAX_LENGTH + prefix.len()));
        let oid = self.smdp_oid.as_deref().unwrap_or_default();
        let flag = if self.confirmation_code_required { "1" } else { "" };
        // Writing into a String cannot fail.
        let _ = write!(text, "{prefix}1${}${}${oid}${flag}", self.smdp_address, self.matching_id.as_str());
        for field in &self.further {
            let _ = write!(text, "${field}");
        }
        // The third separator and those after it are written only when something follows.
        if self.further.is_empty() {
            for _ in 0..2 {
                if text.ends_with('$') {
                    text.pop();
                }
            }
        }
        text
    }
}

/// Reads a code as leniently as is safe and reports, field by field, what was found.
pub fn diagnose(text: &str) -> Diagnosis {
    parser::diagnose(text)
}

//! Subject and reason codes: what an RSP server says went wrong (SGP.22 5.2.6).
//!
//! Codes are compared as text, never as numbers: reason "3.10" is not reason "3.1".

use std::borrow::Cow;
use std::fmt;

use crate::printable::printable;

/// What a status code speaks about, for example "8.2.6" (MatchingID); SGP.22 5.2.6.1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject(Cow<'static, str>);

/// What is the matter with the subject, for example "3.8" (refused); SGP.22 5.2.6.2.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reason(Cow<'static, str>);

/// A subject or reason code that is no dotted list of numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a status code: expected numbers joined by dots, such as 8.2.6")]
pub struct MalformedCode(String);

/// Longest dotted code that is read: the longest of the standard has seven characters.
const MAX_CODE_LENGTH: usize = 32;

/// Longest part of the server's own words that is shown, in characters.
const MAX_MESSAGE: usize = 200;

/// Longest part of an identifier that is shown, in characters: OIDs and addresses fit.
const MAX_IDENTIFIER: usize = 64;

fn checked(code: &str) -> Result<Cow<'static, str>, MalformedCode> {
    let well_formed = code.len() <= MAX_CODE_LENGTH
        && code.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    if well_formed {
        Ok(Cow::Owned(code.to_owned()))
    } else {
        Err(MalformedCode(code.chars().take(MAX_CODE_LENGTH).collect()))
    }
}

impl Subject {
    /// Reads a subject code that came from a peer; also codes that this table does not know.
    ///
    /// # Errors
    /// [`MalformedCode`] when the text is not numbers joined by dots.
    pub fn parse(code: &str) -> Result<Self, MalformedCode> {
        checked(code).map(Self)
    }

    /// The code as it stands on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The standard's name of the subject, if this version knows it.
    pub fn name(&self) -> Option<&'static str> {
        name_of(SUBJECTS, &self.0)
    }
}

impl Reason {
    /// Reads a reason code that came from a peer; also codes that this table does not know.
    ///
    /// # Errors
    /// [`MalformedCode`] when the text is not numbers joined by dots.
    pub fn parse(code: &str) -> Result<Self, MalformedCode> {
        checked(code).map(Self)
    }

    /// The code as it stands on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The standard's name of the reason, if this version knows it.
    pub fn name(&self) -> Option<&'static str> {
        name_of(REASONS, &self.0)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a function failed, as `statusCodeData` carries it (SGP.22 6.5.1.4).
///
/// Subject and reason are for programs, [`explanation`](Self::explanation) is for people, and `message` is what the server
/// added in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusCode {
    /// What the code speaks about.
    pub subject: Subject,
    /// What is the matter with it.
    pub reason: Reason,
    /// Which instance of the subject, for example the EID or the name of a JSON member.
    pub subject_identifier: Option<String>,
    /// Free text of the server.
    pub message: Option<String>,
}

/// What a pair of subject and reason means to a person, and what helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// What happened.
    pub meaning: &'static str,
    /// What the person who sees it can do.
    pub remedy: &'static str,
}

impl StatusCode {
    const fn known(subject: &'static str, reason: &'static str) -> Self {
        Self {
            subject: Subject(Cow::Borrowed(subject)),
            reason: Reason(Cow::Borrowed(reason)),
            subject_identifier: None,
            message: None,
        }
    }

    /// The same code with the server's own words added.
    #[must_use]
    pub fn with_message(self, message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..self }
    }

    /// The same code with the instance that it speaks about.
    #[must_use]
    pub fn with_subject_identifier(self, identifier: impl Into<String>) -> Self {
        Self { subject_identifier: Some(identifier.into()), ..self }
    }

    /// Whether subject and reason are those of `other`, whatever the texts say.
    pub fn is(&self, other: &StatusCode) -> bool {
        self.subject == other.subject && self.reason == other.reason
    }

    /// What this pair means and what helps, if the standard knows the pair.
    pub fn explanation(&self) -> Option<&'static Explanation> {
        TABLE.iter().find(|row| row.code.is(self)).map(|row| &row.explanation)
    }
}

/// `8.2.6/3.8 (MatchingID: refused)`, and what the server added, cut and escaped: it is the text of a stranger.
impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.subject, self.reason)?;
        match (self.subject.name(), self.reason.name()) {
            (Some(subject), Some(reason)) => write!(f, " ({subject}: {reason})")?,
            (Some(subject), None) => write!(f, " ({subject})")?,
            (None, Some(reason)) => write!(f, " ({reason})")?,
            (None, None) => {}
        }
        if let Some(identifier) = &self.subject_identifier {
            write!(f, " [{}]", printable(identifier, MAX_IDENTIFIER))?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {}", printable(message, MAX_MESSAGE))?;
        }
        Ok(())
    }
}

impl std::error::Error for StatusCode {}

/// One pair that the standard defines.
#[derive(Debug)]
pub struct Row {
    /// The constant's name.
    pub name: &'static str,
    /// Subject and reason.
    pub code: StatusCode,
    /// What it means.
    pub explanation: Explanation,
}

macro_rules! status_codes {
    ($($name:ident = $subject:literal / $reason:literal, $meaning:literal, $remedy:literal;)*) => {
        impl StatusCode {
            $(
                #[doc = concat!("`", $subject, "/", $reason, "`: ", $meaning)]
                pub const $name: StatusCode = StatusCode::known($subject, $reason);
            )*
        }

        /// Every pair of subject and reason that SGP.22 gives a meaning to on the interfaces of this crate.
        pub static TABLE: &[Row] = &[
            $(Row {
                name: stringify!($name),
                code: StatusCode::$name,
                explanation: Explanation { meaning: $meaning, remedy: $remedy },
            },)*
        ];
    };
}

status_codes! {
    // Generic.
    FUNCTION_REQUESTER_NOT_ALLOWED = "1.1"/"1.2", "The caller is known to the server, but not allowed to call this function.",
        "Call with the client certificate that was registered for this interface.";
    FUNCTION_REQUESTER_UNKNOWN = "1.1"/"3.9", "The caller is unknown to the server.",
        "Have the operator of the server register the client certificate, and call with it.";
    FUNCTION_PROVIDER_INVALID = "1.2"/"2.1", "The function provider's identification is not valid.",
        "Check the address of the server and the identifiers in the request header.";
    CONTENT_TYPE_INVALID = "1.2.1"/"2.1", "The HTTP header Content-Type is missing or is not JSON.",
        "Send Content-Type: application/json;charset=UTF-8.";
    ADMIN_PROTOCOL_INVALID = "1.2.2"/"2.1", "The HTTP header X-Admin-Protocol is missing or names no gsma/rsp version 2.",
        "Send X-Admin-Protocol: gsma/rsp/v2.x.y.";
    FORMAT_INVALID = "1.3.1"/"2.1", "The message is not well-formed.",
        "The text names the member that cannot be read; report it to the maker of the sending program.";
    FORMAT_ELEMENT_MISSING = "1.3.1"/"2.2", "A mandatory element of the message is missing.",
        "The text names the member; report it to the maker of the sending program.";
    PROTOCOL_VERSION_UNSUPPORTED = "1.3.2"/"3.1", "The version of the protocol is not supported.",
        "Use a program of a version that both sides speak.";
    FUNCTION_UNKNOWN = "1.6"/"3.9", "The server does not know this function.",
        "Check that the address is an SM-DP+ that speaks SGP.22 version 2.";
    FUNCTION_EXECUTION_ERROR = "1.6"/"4.2", "The server failed while it executed the function.",
        "Try again later; if it persists, the operator of the server has to look into its log.";
    UNDEFINED_EXECUTION_ERROR = "8"/"4.2", "The session was ended for a reason that has no name of its own.",
        "Ask the operator for a new code.";
    // eUICC.
    EUICC_INSUFFICIENT_MEMORY = "8.1"/"4.8", "The eUICC has not enough memory for this profile.",
        "Delete a profile that is no longer needed and start the download again with the same code.";
    EUICC_VERIFICATION_FAILED = "8.1"/"6.1", "The eUICC's signature or its answer to the server's challenge is invalid.",
        "Start the download again; if it persists, the eUICC or the path to it alters data.";
    EID_MISSING = "8.1.1"/"2.2", "The order needs an EID and has none.",
        "Give the EID with the order: it is needed with an SM-DS address or with an empty MatchingID.";
    EID_REFUSED = "8.1.1"/"3.8", "The order is bound to another eUICC, or no order waits for this EID.",
        "Use the device for which the code was issued, or ask the operator to issue the code for this EID.";
    EID_INVALID_ASSOCIATION = "8.1.1"/"3.10", "The order is already associated with another EID.",
        "Order with the same EID as before, or cancel the order first.";
    EUM_CERTIFICATE_VERIFICATION_FAILED = "8.1.2"/"6.1", "The certificate of the eUICC's manufacturer is invalid.",
        "The eUICC does not belong to a manufacturer that this server trusts.";
    EUM_CERTIFICATE_EXPIRED = "8.1.2"/"6.3", "The certificate of the eUICC's manufacturer has expired.",
        "The eUICC cannot be used with this server any more; check the server's clock first.";
    EUICC_CERTIFICATE_VERIFICATION_FAILED = "8.1.3"/"6.1", "The certificate of the eUICC is invalid.",
        "The eUICC's identity could not be proven; try another eUICC.";
    EUICC_CERTIFICATE_EXPIRED = "8.1.3"/"6.3", "The certificate of the eUICC has expired.",
        "The eUICC cannot be used with this server any more; check the server's clock first.";
    EID_RANGE_INVALID = "8.1.4"/"6.1", "The EID is outside the range that the manufacturer's certificate permits.",
        "The eUICC's identity could not be proven; try another eUICC.";
    // Profile.
    PROFILE_NOT_RELEASED = "8.2"/"1.2", "The profile has not been released for download, or has already been installed.",
        "Ask the operator to release the profile, or for a new code if this one was used before.";
    PROFILE_UNAVAILABLE = "8.2"/"3.7", "The profile was bound to another one-time key and is not available for a new binding.",
        "Ask the operator for a new code.";
    ICCID_NOT_ALLOWED = "8.2.1"/"1.2", "The caller is not allowed to use this ICCID.",
        "Use an ICCID of your own range.";
    ICCID_MISSING = "8.2.1"/"2.2", "The ICCID or the final profile status is missing.",
        "Give the ICCID, and with CancelOrder the final profile status.";
    ICCID_ALREADY_IN_USE = "8.2.1"/"3.3", "The profile of this ICCID is not available, or has already been downloaded.",
        "Choose another profile, or another profile type.";
    ICCID_INVALID_TRANSITION = "8.2.1"/"3.5", "The profile of this ICCID cannot be released in its present state.",
        "Confirm the order first; a profile that was released needs no second release.";
    ICCID_UNKNOWN = "8.2.1"/"3.9", "The ICCID is unknown.",
        "Check the ICCID's digits.";
    ICCID_INVALID_ASSOCIATION = "8.2.1"/"3.10", "The profile of this ICCID belongs to another EID.",
        "Give the EID of the order.";
    PROFILE_TYPE_NOT_ALLOWED = "8.2.5"/"1.2", "The caller is not allowed to use this profile type.",
        "Use a profile type of your own.";
    PROFILE_TYPE_UNAVAILABLE = "8.2.5"/"3.7", "No profile of this type is left.",
        "Import more profiles of this type, or choose another.";
    PROFILE_TYPE_REFUSED = "8.2.5"/"3.8", "The profile type is not the one of the ICCID.",
        "Give either the ICCID or the profile type.";
    PROFILE_TYPE_UNKNOWN = "8.2.5"/"3.9", "The profile type is unknown.",
        "Check the name of the profile type.";
    PROFILE_TYPE_NOT_ELIGIBLE = "8.2.5"/"4.3", "No profile of this type suits this eUICC or device.",
        "The device lacks something that the profile needs; ask the operator which devices are supported.";
    MATCHING_ID_INVALID = "8.2.6"/"2.1", "The MatchingID is not well-formed.",
        "A MatchingID has only digits, upper-case letters and hyphens.";
    MATCHING_ID_MISSING = "8.2.6"/"2.2", "The order has a MatchingID and the request has none.",
        "Give the MatchingID of the order.";
    MATCHING_ID_ALREADY_IN_USE = "8.2.6"/"3.3", "The MatchingID is already in use.",
        "Choose another MatchingID, or let the server choose.";
    MATCHING_ID_REFUSED = "8.2.6"/"3.8", "No order waits under this activation code.",
        "Check the activation code letter by letter; if it was used or cancelled, ask the operator for a new one.";
    MATCHING_ID_INVALID_ASSOCIATION = "8.2.6"/"3.10", "The order has another MatchingID.",
        "Give the MatchingID of the order.";
    CONFIRMATION_CODE_INVALID = "8.2.7"/"2.1", "The confirmation code of the order is not one that can be entered.",
        "Confirm the order with a code that a person can type: it must not be empty.";
    CONFIRMATION_CODE_MISSING = "8.2.7"/"2.2", "The download needs a confirmation code and none was given.",
        "Start again and enter the confirmation code, which the operator gives separately from the activation code.";
    CONFIRMATION_CODE_REFUSED = "8.2.7"/"3.8", "The confirmation code is wrong.",
        "Start again with the right confirmation code; the number of attempts is limited.";
    CONFIRMATION_CODE_RETRIES_EXCEEDED = "8.2.7"/"6.4", "The confirmation code was wrong too often; the order is closed.",
        "Ask the operator for a new activation code.";
    PPR_NOT_ALLOWED = "8.2.8"/"1.2", "The profile's policy rules are not allowed on this eUICC.",
        "Ask the operator for a profile without these rules, or use another device.";
    METADATA_VALUE_CHANGED = "8.2.9"/"3.11", "The metadata inside the package differ from what was shown.",
        "Do not repeat the download; report it to the operator.";
    BPP_EXECUTION_ERROR = "8.2.10"/"4.2", "The eUICC could not install the profile package.",
        "Report the installation result to the operator: the package does not suit the eUICC.";
    // SM-DP+.
    SMDP_EXECUTION_ERROR = "8.8"/"4.2", "The SM-DP+ failed.",
        "Try again later.";
    SMDP_INVALID_ASSOCIATION = "8.8"/"3.10", "The message was signed for an SM-DP+ with another OID.",
        "Start the download again; the answers of two servers were mixed.";
    SMDP_ADDRESS_REFUSED = "8.8.1"/"3.8", "The address in the request is not an address of this SM-DP+.",
        "Check the address in the activation code; with a proxy, the server has to know its public name.";
    SMDP_SECURITY_UNSUPPORTED = "8.8.2"/"3.1", "The eUICC and the SM-DP+ trust no common certificate issuer.",
        "A test eUICC works only with a test server, and a live one only with live servers.";
    SMDP_SVN_UNSUPPORTED = "8.8.3"/"3.1", "The version of the eUICC is not supported by the SM-DP+.",
        "Use an eUICC of SGP.22 version 2, or another server.";
    SMDP_CERTIFICATE_UNAVAILABLE = "8.8.4"/"3.7", "The SM-DP+ has no certificate under an issuer that the eUICC accepts.",
        "The operator has to install a certificate for the curve and issuer of this eUICC.";
    DOWNLOAD_ORDER_EXPIRED = "8.8.5"/"4.10", "The order has expired.",
        "Ask the operator for a new code.";
    DOWNLOAD_ORDER_RETRIES_EXCEEDED = "8.8.5"/"6.4", "The download was attempted too often; the order is closed.",
        "Ask the operator for a new code.";
    DOWNLOAD_ORDER_REFUSED = "8.8.5"/"3.8", "The download was refused by the end user.",
        "Order again if the profile is wanted after all.";
    // SM-DS.
    SMDS_EXECUTION_ERROR = "8.9"/"4.2", "The SM-DS failed.",
        "Try again later.";
    SMDS_INACCESSIBLE = "8.9"/"5.1", "The SM-DS could not be reached.",
        "Check the SM-DS address, and try again later.";
    SMDS_ADDRESS_REFUSED = "8.9.1"/"3.8", "The address in the request is not an address of this SM-DS.",
        "Check the SM-DS address.";
    SMDS_SECURITY_UNSUPPORTED = "8.9.2"/"3.1", "The eUICC and the SM-DS trust no common certificate issuer.",
        "A test eUICC works only with a test server, and a live one only with live servers.";
    SMDS_SVN_UNSUPPORTED = "8.9.3"/"3.1", "The version of the eUICC is not supported by the SM-DS.",
        "Use an eUICC of SGP.22 version 2, or another server.";
    SMDS_CERTIFICATE_UNAVAILABLE = "8.9.4"/"3.7", "The SM-DS has no certificate under an issuer that the eUICC accepts.",
        "The operator has to install a certificate for the curve and issuer of this eUICC.";
    EVENT_RECORD_ALREADY_IN_USE = "8.9.5"/"3.3", "The event is already registered.",
        "Delete the event first, or choose another event identifier.";
    EVENT_RECORD_UNKNOWN = "8.9.5"/"3.9", "The event is not registered.",
        "Nothing has to be deleted.";
    // RSP operation and certificate issuer.
    TRANSACTION_ID_UNKNOWN = "8.10.1"/"3.9", "The session is unknown to the server, or has timed out.",
        "Start the download again with the same code.";
    CI_PUBLIC_KEY_UNKNOWN = "8.11.1"/"3.9", "The certificate issuer of the eUICC is unknown to the server.",
        "A test eUICC works only with a test server, and a live one only with live servers.";
}

const SUBJECTS: &[(&str, &str)] = &[
    ("1", "generic"),
    ("1.1", "function requester"),
    ("1.2", "function provider"),
    ("1.2.1", "content type"),
    ("1.2.2", "admin protocol"),
    ("1.3", "protocol"),
    ("1.3.1", "protocol format"),
    ("1.3.2", "protocol version"),
    ("1.6", "function"),
    ("8", "eUICC remote provisioning"),
    ("8.1", "eUICC"),
    ("8.1.1", "EID"),
    ("8.1.2", "EUM certificate"),
    ("8.1.3", "eUICC certificate"),
    ("8.1.4", "EID range"),
    ("8.2", "profile"),
    ("8.2.1", "ICCID"),
    ("8.2.5", "profile type"),
    ("8.2.6", "MatchingID"),
    ("8.2.7", "confirmation code"),
    ("8.2.8", "profile policy rules"),
    ("8.2.9", "profile metadata"),
    ("8.2.10", "bound profile package"),
    ("8.8", "SM-DP+"),
    ("8.8.1", "SM-DP+ address"),
    ("8.8.2", "security configuration of the SM-DP+"),
    ("8.8.3", "version of the SM-DP+"),
    ("8.8.4", "SM-DP+ certificate"),
    ("8.8.5", "download order"),
    ("8.9", "SM-DS"),
    ("8.9.1", "SM-DS address"),
    ("8.9.2", "security configuration of the SM-DS"),
    ("8.9.3", "version of the SM-DS"),
    ("8.9.4", "SM-DS certificate"),
    ("8.9.5", "event record"),
    ("8.10", "RSP operation"),
    ("8.10.1", "TransactionID"),
    ("8.11", "certificate issuer"),
    ("8.11.1", "public key of the certificate issuer"),
];

const REASONS: &[(&str, &str)] = &[
    ("1.1", "unknown identification"),
    ("1.2", "not allowed"),
    ("2.1", "invalid"),
    ("2.2", "mandatory element missing"),
    ("2.3", "conditional element missing"),
    ("3.1", "unsupported"),
    ("3.3", "already in use"),
    ("3.4", "invalid destination"),
    ("3.5", "invalid transition"),
    ("3.7", "unavailable"),
    ("3.8", "refused"),
    ("3.9", "unknown"),
    ("3.10", "invalid association"),
    ("3.11", "value has changed"),
    ("3.12", "invalid match"),
    ("4.2", "execution error"),
    ("4.3", "stopped on warning"),
    ("4.8", "insufficient memory"),
    ("4.10", "time to live expired"),
    ("5.1", "inaccessible"),
    ("6.1", "verification failed"),
    ("6.3", "expired"),
    ("6.4", "maximum number of retries exceeded"),
];

fn name_of(table: &[(&str, &'static str)], code: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

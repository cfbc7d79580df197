//! Why a procedure ended: in which step, by whose fault, and what helps.

use rsp_apdu::CardError;
use rsp_asn1::{BppCommandId, CancelSessionReason, DecodeError, EncodeError, ErrorReason};
use rsp_es::client::{ClientError, MalformedAddress, TransportError};
use rsp_es::es9plus::Function;
use rsp_es::printable::printable;
use rsp_es::status::StatusCode;
use rsp_pki::PathError;

use crate::end_user::Decision;
use crate::event::{Interface, Step};
use crate::policy::PolicyRefusal;
use crate::segments::SegmentError;

/// Longest text of an error, in characters: each of its causes fits with the longest words of a server.
const MAX_TEXT: usize = 1000;

/// A procedure that did not reach its end.
///
/// As text it is fit for a terminal, whatever words of servers and cards are in it: cut, and without control characters.
#[derive(Debug, thiserror::Error)]
#[error("{}", printable(&format!("{step}: {cause}"), MAX_TEXT))]
pub struct Error {
    /// The step that failed.
    pub step: Step,
    /// Why.
    pub cause: Box<Cause>,
    /// How the session was cancelled, if it was.
    pub cancelled: Option<Box<Cancelled>>,
}

/// What became of a session that the LPA gave up.
#[derive(Debug)]
pub struct Cancelled {
    /// What eUICC and server were told.
    pub reason: CancelSessionReason,
    /// Why one of them could not be told; nothing if both were.
    pub failure: Option<Error>,
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// The way to the card broke, or the card refused the command as such.
    #[error("{0}")]
    Card(#[from] CardError),
    /// The card has no ISD-R under any AID that is known.
    #[error(
        "eSIM not supported: the card has no ISD-R, so it is no eUICC or hides it (AIDs tried: {tried}; the first: {first})"
    )]
    NoIsdR {
        /// How many AIDs were tried.
        tried: usize,
        /// What the card said to the first.
        first: CardError,
    },
    /// The eUICC executed the command and answered nothing.
    #[error("the eUICC gave an empty answer: it does not know this function")]
    EmptyAnswer,
    /// The eUICC's answer cannot be read.
    #[error("the eUICC's answer is malformed: {0}")]
    MalformedAnswer(DecodeError),
    /// The eUICC refused with a code of the function.
    #[error("the eUICC refused: {code}")]
    EuiccRefused {
        /// The standard's name and number.
        code: String,
        /// What helps.
        remedy: &'static str,
    },
    /// A message could not be built from what was given.
    #[error("{0}")]
    Encoding(#[from] EncodeError),
    /// The server was not reached, refused or answered nonsense.
    #[error("{0}")]
    Server(ClientError),
    /// The eUICC names no SM-DS, and nobody else did.
    #[error("the eUICC holds no address of an SM-DS")]
    NoSmds,
    /// More servers, or longer chains of them, than a discovery has.
    #[error("the SM-DSs name more servers, one behind the other, than are asked")]
    EndlessDiscovery,
    /// The address is none.
    #[error("{0}")]
    Address(#[from] MalformedAddress),
    /// The profile's owner wants a notification at an address that is none.
    #[error("the notification cannot be delivered: {0}")]
    UndeliverableNotification(MalformedAddress),
    /// A certificate of the server is not one at all.
    #[error("the server's certificate cannot be read: {0}")]
    MalformedCertificate(#[from] rsp_pki::Error),
    /// A certificate of the server does not prove what it should.
    #[error("the server is not trusted: {0}")]
    UntrustedServer(#[from] PathError),
    /// The server signed something that does not belong to this session.
    #[error("{0}")]
    WrongServer(#[from] WrongServer),
    /// The profile's policy rules are not allowed on this eUICC.
    #[error("{0}")]
    Policy(#[from] PolicyRefusal),
    /// The End User did not agree.
    #[error("{}", declined(.0))]
    EndUser(Decision),
    /// A confirmation code is needed, and there is none.
    #[error("the download needs a confirmation code and none was given")]
    NoConfirmationCode,
    /// What the server sent as a package is none.
    #[error("{0}")]
    Package(#[from] SegmentError),
    /// The metadata in the package cannot be read.
    #[error("the metadata inside the package are malformed: {0}")]
    MalformedMetadata(DecodeError),
    /// The package carries other metadata than were agreed to.
    #[error("the metadata inside the package differ from what was shown: {0}")]
    MetadataMismatch(&'static str),
    /// The eUICC took the package to its end and gave no result.
    #[error("the eUICC gave no ProfileInstallationResult")]
    NoInstallationResult,
    /// The eUICC could not install the profile; nothing of it remains there.
    #[error("{0}")]
    Installation(#[from] InstallationFailure),
}

fn declined(decision: &Decision) -> &'static str {
    match decision {
        Decision::Postpone => "the End User postponed the installation",
        Decision::NoAnswer => "the End User did not answer",
        Decision::Reject | Decision::Install => "the End User rejected the profile",
    }
}

/// What a server signed that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WrongServer {
    /// The server calls itself something else.
    #[error("the server signed for the address {signed:?}, but {used:?} was called")]
    Address {
        /// The address that was called.
        used: String,
        /// The address that was signed.
        signed: String,
    },
    /// The certificate has another OID than the activation code demands.
    #[error("the activation code is for the SM-DP+ with OID {expected}, but the server's certificate has {found}")]
    Oid {
        /// From the activation code.
        expected: String,
        /// From the certificate.
        found: String,
    },
    /// The server signed another challenge.
    #[error("the server signed another challenge than the eUICC's")]
    Challenge,
    /// The parts of an answer belong to different sessions.
    #[error("the server mixed two sessions: the TransactionID in {0} is another")]
    TransactionId(&'static str),
    /// The certificate for binding is another server's than the one for authentication.
    #[error("the binding certificate belongs to another SM-DP+ than the one that authenticated itself")]
    OtherSmdp,
    /// The certificate for binding is under another CI than the one for authentication.
    #[error("the binding certificate is under another CI than the one for authentication")]
    OtherCi,
}

/// What an eUICC reported about a failed installation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the eUICC could not install the profile: {reason} in {command}{}", element.as_ref().map(|e| format!(", {e}")).unwrap_or_default())]
pub struct InstallationFailure {
    /// The command of the package that failed.
    pub command: BppCommandId,
    /// Why.
    pub reason: ErrorReason,
    /// The profile element at fault, if the eUICC named one.
    pub element: Option<ElementFailure>,
}

/// A profile element that an eUICC refused, out of the EUICCResponse of the TCA profile package specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementFailure {
    /// The code, for example 4 for not-enough-memory.
    pub status: u64,
    /// The identification number in the element's header.
    pub identification: Option<u64>,
}

impl std::fmt::Display for ElementFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.status {
            1 => "pe-not-supported",
            2 => "memory-failure",
            3 => "bad-values",
            4 => "not-enough-memory",
            5 => "invalid-request-format",
            6 => "invalid-parameter",
            7 => "runtime-not-supported",
            8 => "lib-not-supported",
            9 => "template-not-supported",
            10 => "feature-not-supported",
            11 => "pin-code-missing",
            31 => "unsupported-profile-version",
            _ => "unknown",
        };
        match self.identification {
            Some(number) => write!(f, "profile element {number}: {name}({})", self.status),
            None => write!(f, "profile element without number: {name}({})", self.status),
        }
    }
}

/// On whose side the cause of a failure lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The input: an address, a value.
    Input,
    /// The card, or the way to it.
    Card,
    /// The network, or the proof of the server's identity.
    Network,
    /// The server refused.
    Server,
    /// The End User, or a policy.
    Decision,
}

impl Error {
    pub(crate) fn new(step: Step, cause: impl Into<Cause>) -> Self {
        Self { step, cause: Box::new(cause.into()), cancelled: None }
    }

    /// On whose side the cause lies.
    pub fn blame(&self) -> Blame {
        match &*self.cause {
            Cause::Card(_)
            | Cause::NoIsdR { .. }
            | Cause::EmptyAnswer
            | Cause::MalformedAnswer(_)
            | Cause::EuiccRefused { .. }
            | Cause::NoInstallationResult
            | Cause::Installation(_) => Blame::Card,
            Cause::Server(ClientError::Refused { .. }) => Blame::Server,
            Cause::Server(_) | Cause::MalformedCertificate(_) | Cause::UntrustedServer(_) | Cause::WrongServer(_) => {
                Blame::Network
            }
            Cause::Package(_) | Cause::MalformedMetadata(_) | Cause::MetadataMismatch(_) | Cause::EndlessDiscovery => {
                Blame::Server
            }
            Cause::Policy(_) | Cause::EndUser(_) | Cause::NoConfirmationCode => Blame::Decision,
            Cause::NoSmds | Cause::Encoding(_) | Cause::Address(_) | Cause::UndeliverableNotification(_) => {
                Blame::Input
            }
        }
    }

    /// Subject and reason, if a server refused.
    pub fn status(&self) -> Option<&StatusCode> {
        match &*self.cause {
            Cause::Server(ClientError::Refused { status, .. }) => Some(status),
            _ => None,
        }
    }

    /// What the person who sees this can do.
    pub fn remedy(&self) -> &'static str {
        match &*self.cause {
            Cause::Card(CardError::NoApplication { .. }) | Cause::NoIsdR { .. } => {
                "Insert an eUICC; if it is one, name the AID of its ISD-R, which on removable eUICCs may differ."
            }
            Cause::Card(CardError::Refused { .. }) => "Reset the card and try again.",
            Cause::Card(_) => "Check the connection to the card and try again; what was installed before is untouched.",
            Cause::EmptyAnswer | Cause::MalformedAnswer(_) | Cause::NoInstallationResult => {
                "Reset the card and list its profiles; if it persists, the eUICC does not follow SGP.22."
            }
            Cause::EuiccRefused { remedy, .. } => remedy,
            Cause::Server(ClientError::Transport { source: TransportError::Dns { .. }, .. })
                if self.step.interface() == Interface::Es11 =>
            {
                "Check the address of the SM-DS, given with --smds or held by the eUICC (euicc new --root-smds), and the \
                 network connection."
            }
            Cause::Server(error) => server_remedy(error),
            Cause::NoSmds => "Give the address of an SM-DS.",
            Cause::EndlessDiscovery => "Report it to the operator of the SM-DS.",
            Cause::Address(_) => "Give the address as HOST or HOST:PORT.",
            Cause::UndeliverableNotification(_) => {
                "It stays on the eUICC: report the address to the profile's operator, or remove the notification."
            }
            Cause::Encoding(_) => "Check the values that were given.",
            Cause::MalformedCertificate(_) | Cause::UntrustedServer(_) => {
                "Name the right certificate issuer, and check this machine's clock; do not go on if they are right."
            }
            Cause::WrongServer(WrongServer::Oid { .. }) => {
                "This is not the server that the code was made for: check the address and ask the operator."
            }
            Cause::WrongServer(_) => "Do not go on: another server answers in place of the one that was called.",
            Cause::Policy(PolicyRefusal::NotTheFirst) => "Delete the other operational profiles first.",
            Cause::Policy(_) => "Ask the operator for a profile without these rules.",
            Cause::EndUser(Decision::Postpone | Decision::NoAnswer) => {
                "Start again with the same code when you want it."
            }
            Cause::EndUser(_) => "Ask the operator for a new code if the profile is wanted after all.",
            Cause::NoConfirmationCode => {
                "Start again with the same code and give the confirmation code that the operator sent separately."
            }
            Cause::Package(_) | Cause::MalformedMetadata(_) | Cause::MetadataMismatch(_) => {
                "Report it to the operator of the SM-DP+; nothing was installed."
            }
            Cause::Installation(failure) => installation_remedy(failure),
        }
    }

    /// Whether a new session with the same code may succeed where this one was cut.
    pub fn is_retryable(&self) -> bool {
        match &*self.cause {
            Cause::Server(ClientError::Transport { source, .. }) => matches!(
                source,
                TransportError::Interrupted { .. } | TransportError::Timeout { .. } | TransportError::Connect { .. }
            ),
            Cause::Server(ClientError::HttpStatus { status, .. }) => matches!(status, 408 | 429 | 502 | 503 | 504),
            Cause::Server(ClientError::Refused { status, function }) => {
                *function != Function::InitiateAuthentication && status.is(&StatusCode::TRANSACTION_ID_UNKNOWN)
            }
            _ => false,
        }
    }
}

fn server_remedy(error: &ClientError) -> &'static str {
    match error {
        ClientError::Refused { status, .. } => match status.explanation() {
            Some(explanation) => explanation.remedy,
            None => "Report the code to the operator of the server.",
        },
        ClientError::Transport { source: TransportError::Dns { .. }, .. } => {
            "Check the address in the activation code, and the network connection."
        }
        ClientError::Transport { source: TransportError::Certificate { .. }, .. } => {
            "Name the certificate issuer of this server, and check this machine's clock; do not go on if they are right."
        }
        ClientError::Transport { source: TransportError::Tls { .. }, .. } => {
            "Check address and port of the server; the option for plain HTTP is for one that speaks it, and only for it."
        }
        ClientError::Transport { source: TransportError::PlainHttpRefused { .. }, .. } => {
            "Leave out the option for plain HTTP: it is for a server on the same machine."
        }
        ClientError::Transport { .. } => "Check the network connection and try again with the same code.",
        ClientError::HttpStatus { status: 404 | 405, .. } => "Check the address: this server is no SM-DP+.",
        _ => "Try again later with the same code; if it persists, report it to the operator of the server.",
    }
}

fn installation_remedy(failure: &InstallationFailure) -> &'static str {
    match failure.reason {
        ErrorReason::INSTALL_FAILED_DUE_TO_ICCID_ALREADY_EXISTS_ON_EUICC => {
            "The profile is already installed: enable it, or delete it first."
        }
        ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE => {
            "Delete a profile that is no longer needed and start again with the same code."
        }
        ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION => "Start again with the same code.",
        ErrorReason::INSTALL_FAILED_DUE_TO_PE_PROCESSING_ERROR | ErrorReason::INSTALL_FAILED_DUE_TO_DATA_MISMATCH => {
            "The profile does not suit this eUICC: report the element to the operator."
        }
        ErrorReason::PPR_NOT_ALLOWED => "Ask the operator for a profile without policy rules.",
        _ => "Report the reason to the operator of the SM-DP+.",
    }
}

impl From<ClientError> for Cause {
    fn from(error: ClientError) -> Self {
        Self::Server(error)
    }
}

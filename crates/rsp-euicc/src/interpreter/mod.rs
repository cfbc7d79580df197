//! The profile package interpreter: profile elements become files, codes and keys (TCA profile package 8; SGP.22 2.5.6).
//!
//! Headers, files from templates and generic file management, PINs, PUKs, AKA parameters, security domains and remote file
//! management take effect. Applications are listed in the registry but not run; CDMA parameters are kept with the profile.
//!
//! An element that this eUICC cannot do is left out as a whole and reported, unless the package mandates it: then nothing
//! is installed.

mod card_content;
mod contents;
mod creation;
mod generic;
mod install;
mod keys;
mod requirements;

use rsp_saip::status::{PeStatus, PeStatusCode};
use rsp_saip::{ElementKind, ProfileElement};

pub use contents::{KeptElement, Owner, ProfileContents};

/// Why a package is not installed: nothing of it remains.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("profile element {number}{}: {}: {message}", kind.map_or_else(String::new, |kind| format!(" ({kind})")), self.status())]
pub struct InstallError {
    /// Number of the element in the package, from 1.
    pub number: usize,
    /// Type of the element, unless the package was empty.
    pub kind: Option<ElementKind>,
    /// Status of each element that was processed, and last that of the element that cannot be installed.
    pub statuses: Vec<PeStatus>,
    /// What is wrong, in words.
    pub message: String,
}

impl InstallError {
    /// Status of the element that cannot be installed.
    pub fn status(&self) -> PeStatusCode {
        self.statuses.last().map_or(PeStatusCode::INVALID_REQUEST_FORMAT, |status| status.status)
    }
}

/// What is wrong with an element, before its place is known.
pub(crate) struct Fault {
    status: PeStatusCode,
    message: String,
}

impl Fault {
    fn new(status: PeStatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// Whether the eUICC lacks what the element needs; then a profile may do without the element.
    fn is_lack(&self) -> bool {
        [
            PeStatusCode::PE_NOT_SUPPORTED,
            PeStatusCode::RUNTIME_NOT_SUPPORTED,
            PeStatusCode::LIB_NOT_SUPPORTED,
            PeStatusCode::TEMPLATE_NOT_SUPPORTED,
            PeStatusCode::FEATURE_NOT_SUPPORTED,
        ]
        .contains(&self.status)
    }
}

/// Installs a package that was already read.
///
/// The statuses name each element that has an identification: those that were processed or kept, and those that this eUICC
/// leaves out.
///
/// # Errors
/// [`InstallError`] for the first element that cannot be installed.
pub fn install(elements: &[ProfileElement]) -> Result<(ProfileContents, Vec<PeStatus>), InstallError> {
    install::Installer::default().run(elements)
}

/// A path of the package as file identifiers.
fn path(bytes: &[u8]) -> Result<Vec<u16>, Fault> {
    if !bytes.len().is_multiple_of(2) {
        return Err(Fault::new(PeStatusCode::BAD_VALUES, "a path of an odd count of bytes"));
    }
    Ok(bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect())
}

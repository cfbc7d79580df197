//! A Bound Profile Package inside its secure channel: sequences, segments and the commands in them (SGP.22 2.5.4, 2.5.5,
//! 5.5).

use rsp_asn1::{BppCommandId, ErrorReason, tlv};
use rsp_bpp::{Bsp, BspError};
use rsp_crypto::{PublicKey, Zeroizing};

use super::install::{self, Contents};
use super::proofs::SecureChannelEstablished;
use super::stages::{Authenticated, Prepared};
use crate::platform::Platform;
use crate::profile::Refusal;

/// A load in progress. Only an established secure channel makes one.
pub(crate) struct Load {
    authenticated: Authenticated,
    one_time_public_key: PublicKey,
    bsp: Bsp,
    /// Bytes of the package that have not come yet.
    package_left: usize,
    sequence: Sequence,
    /// Bytes of the open sequence that have not come yet; `None` between sequences.
    sequence_left: Option<usize>,
    /// What the open sequence has said so far.
    plaintext: Zeroizing<Vec<u8>>,
    contents: Contents,
}

/// The sequences of a package; between two, the one that ended last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sequence {
    /// Nothing after InitialiseSecureChannel yet.
    Begin,
    ConfigureIsdp,
    StoreMetadata,
    ReplaceSessionKeys,
    ProfileElements,
}

impl Sequence {
    /// The sequence that a header opens, if it may follow this one.
    fn next(self, tag: u8) -> Option<Self> {
        match (self, tag) {
            (Self::Begin, 0xA0) => Some(Self::ConfigureIsdp),
            (Self::ConfigureIsdp, 0xA1) => Some(Self::StoreMetadata),
            (Self::StoreMetadata, 0xA2) => Some(Self::ReplaceSessionKeys),
            (Self::StoreMetadata | Self::ReplaceSessionKeys, 0xA3) => Some(Self::ProfileElements),
            _ => None,
        }
    }

    /// The tag of its protected segments.
    fn segment_tag(self) -> u8 {
        match self {
            Self::Begin | Self::ConfigureIsdp | Self::ReplaceSessionKeys => 0x87,
            Self::StoreMetadata => 0x88,
            Self::ProfileElements => 0x86,
        }
    }

    fn command(self) -> BppCommandId {
        match self {
            Self::Begin | Self::ConfigureIsdp => BppCommandId::CONFIGURE_ISDP,
            Self::StoreMetadata => BppCommandId::STORE_METADATA,
            Self::ReplaceSessionKeys => BppCommandId::REPLACE_SESSION_KEYS,
            Self::ProfileElements => BppCommandId::LOAD_PROFILE_ELEMENTS,
        }
    }
}

/// Why a load ends.
pub(super) struct Failure {
    pub(super) reason: ErrorReason,
    /// EUICCResponse, when profile elements were reached.
    pub(super) sima_response: Option<Vec<u8>>,
}

impl From<ErrorReason> for Failure {
    fn from(reason: ErrorReason) -> Self {
        Self { reason, sima_response: None }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self { reason: refusal.reason, sima_response: refusal.sima_response }
    }
}

impl From<BspError> for Failure {
    fn from(error: BspError) -> Self {
        Self::from(match error {
            BspError::Security { .. } => ErrorReason::SCP03T_SECURITY_ERROR,
            _ => ErrorReason::SCP03T_STRUCTURE_ERROR,
        })
    }
}

/// What a segment led to.
pub(super) enum Step {
    /// The next segment is due.
    More,
    /// The profile elements are complete.
    Complete,
}

impl Load {
    /// What the channel protects is about to come: `package_left` bytes.
    pub(super) fn new(prepared: Prepared, channel: SecureChannelEstablished, package_left: usize) -> Self {
        Self {
            one_time_public_key: *prepared.one_time_key().public_key(),
            authenticated: prepared.into_authenticated(),
            bsp: Bsp::new(channel.into_keys()),
            package_left,
            sequence: Sequence::Begin,
            sequence_left: None,
            plaintext: Zeroizing::default(),
            contents: Contents::default(),
        }
    }

    pub(super) fn authenticated(&self) -> &Authenticated {
        &self.authenticated
    }

    pub(super) fn one_time_public_key(&self) -> &[u8; 65] {
        self.one_time_public_key.as_bytes()
    }

    /// What the package has said so far.
    pub(super) fn contents(&self) -> &Contents {
        &self.contents
    }

    /// The command that is being received or carried out.
    pub(super) fn command(&self) -> BppCommandId {
        self.sequence.command()
    }

    /// Whether a segment that begins with this tag may come now.
    pub(super) fn is_due(&self, tag: u8) -> bool {
        let is_header = matches!(tag, 0xA0..=0xA3);
        match self.sequence_left {
            None => is_header && self.sequence.next(tag).is_some(),
            Some(_) => !is_header,
        }
    }

    /// Takes one segment: a header, protected segments, or a header with protected segments behind it.
    pub(super) fn take(&mut self, platform: &mut Platform, mut segment: &[u8]) -> Result<Step, Failure> {
        while !segment.is_empty() {
            match self.sequence_left {
                None => segment = self.open(segment)?,
                Some(left) => {
                    let structure = Failure::from(ErrorReason::SCP03T_STRUCTURE_ERROR);
                    let Ok((tlv, rest)) = tlv::first(segment) else { return Err(structure) };
                    let Some(left) = left.checked_sub(tlv.raw().len()) else { return Err(structure) };
                    self.read(platform, tlv.raw())?;
                    self.sequence_left = Some(left);
                    segment = rest;
                }
            }
            if self.sequence_left == Some(0) {
                self.sequence_left = None;
                if self.close(platform)? {
                    // Nothing may follow the profile elements.
                    let end = segment.is_empty() && self.package_left == 0;
                    return if end { Ok(Step::Complete) } else { Err(ErrorReason::SCP03T_STRUCTURE_ERROR.into()) };
                }
            }
        }
        Ok(Step::More)
    }

    /// Reads the header of the next sequence.
    fn open<'a>(&mut self, segment: &'a [u8]) -> Result<&'a [u8], Failure> {
        let structure = || Failure::from(ErrorReason::SCP03T_STRUCTURE_ERROR);
        let (length, rest) = segment.get(1..).and_then(length_of).ok_or_else(structure)?;
        let sequence = self.sequence.next(segment[0]).ok_or_else(structure)?;
        let total = (segment.len() - rest.len()).saturating_add(length);
        self.package_left = self.package_left.checked_sub(total).ok_or_else(structure)?;
        self.sequence = sequence;
        self.sequence_left = Some(length);
        Ok(rest)
    }

    /// Opens one protected segment.
    fn read(&mut self, platform: &Platform, segment: &[u8]) -> Result<(), Failure> {
        let tag = self.sequence.segment_tag();
        match self.sequence {
            Sequence::StoreMetadata => {
                self.plaintext.extend_from_slice(self.bsp.unprotect_mac_only(tag, segment)?);
            }
            _ => self.plaintext.extend_from_slice(&self.bsp.unprotect(tag, segment)?),
        }
        let fits = install::fits(platform, self.plaintext.len());
        if fits { Ok(()) } else { Err(ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE.into()) }
    }

    /// Carries out the command that a complete sequence contains; true after the last one.
    fn close(&mut self, platform: &mut Platform) -> Result<bool, Failure> {
        let plaintext = std::mem::take(&mut self.plaintext);
        match self.sequence {
            Sequence::Begin => {}
            Sequence::ConfigureIsdp => self.contents.configure_isdp(&plaintext)?,
            Sequence::StoreMetadata => {
                let iccid = self.contents.store_metadata(platform, &plaintext)?;
                if let Some(pending) = &mut platform.state.pending_load {
                    pending.iccid = Some(iccid.0);
                    pending.command = BppCommandId::LOAD_PROFILE_ELEMENTS.0;
                    platform.changed = true;
                }
            }
            Sequence::ReplaceSessionKeys => self.bsp = Bsp::new(install::profile_keys(&plaintext)?),
            Sequence::ProfileElements => {
                self.contents.load_profile_elements(plaintext);
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A DER length and what follows it; unlike a whole TLV, the value need not be there.
pub(super) fn length_of(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let count = match first {
        0..=0x7F => return Some((usize::from(first), rest)),
        0x81..=0x84 => usize::from(first & 0x7F),
        _ => return None,
    };
    let (digits, rest) = rest.split_at_checked(count)?;
    let length = digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit));
    (tlv::length_size(length) == count + 1).then_some((length, rest))
}

//! The Bound Profile Package and the ES8+ commands inside it (SGP.22 2.5.4, 5.5).

use crate::named::named_integer;
use crate::{DpProprietaryData, OctetString, OneTimePublicKey, Raw, Signature5F37, TransactionId, Unknown, tlv};
use rasn::prelude::*;

/// A profile package bound to one eUICC and one session.
/// ```text
/// BoundProfilePackage ::= [54] SEQUENCE {                                                         -- BF36
///     initialiseSecureChannelRequest [35], firstSequenceOf87 [0] SEQUENCE OF [7], sequenceOf88 [1] SEQUENCE OF [8],
///     secondSequenceOf87 [2] SEQUENCE OF [7] OPTIONAL, sequenceOf86 [3] SEQUENCE OF [6] }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 54))]
pub struct BoundProfilePackage {
    /// Opens the channel.
    pub initialise_secure_channel_request: Raw<InitialiseSecureChannelRequest>,
    /// ConfigureISDP, encrypted.
    #[rasn(tag(context, 0))]
    pub first_sequence_of_87: Vec<Segment87>,
    /// StoreMetadata, authenticated only.
    #[rasn(tag(context, 1))]
    pub sequence_of_88: Vec<Segment88>,
    /// ReplaceSessionKeys, encrypted.
    #[rasn(tag(context, 2))]
    pub second_sequence_of_87: Option<Vec<Segment87>>,
    /// The profile elements, encrypted.
    #[rasn(tag(context, 3))]
    pub sequence_of_86: Vec<Segment86>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// One encrypted and authenticated command segment, tag `87`, without its tag and length.
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(delegate, tag(context, 7))]
pub struct Segment87(pub OctetString);

/// One authenticated command segment, tag `88`, without its tag and length: the data, then 8 bytes of MAC.
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(delegate, tag(context, 8))]
pub struct Segment88(pub OctetString);

/// One encrypted and authenticated segment of profile elements, tag `86`, without its tag and length.
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(delegate, tag(context, 6))]
pub struct Segment86(pub OctetString);

/// What makes a well-encoded Bound Profile Package one that no eUICC can open. The sender's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BppStructureError {
    /// The value of a segment is itself a whole segment: it was wrapped twice.
    #[error("segment {index} of {sequence}: a second wrapper, tag {tag:02X}, stands inside the {tag:02X} segment")]
    SecondWrapper {
        /// Which member of the package.
        sequence: &'static str,
        /// Which segment, counted from 0.
        index: usize,
        /// The tag that stands twice.
        tag: u8,
    },
    /// A segment whose length cannot be cipher blocks and a MAC, or only a MAC.
    #[error("segment {index} of {sequence} has {length} bytes, which is not cipher blocks and an 8-byte MAC")]
    SegmentLength {
        /// Which member of the package.
        sequence: &'static str,
        /// Which segment, counted from 0.
        index: usize,
        /// Its length without tag and length.
        length: usize,
    },
    /// A sequence that must hold at least one segment is empty.
    #[error("{sequence} is empty")]
    Empty {
        /// Which member of the package.
        sequence: &'static str,
    },
}

/// Bytes of MAC at the end of each segment.
const MAC_SIZE: usize = 8;

impl BoundProfilePackage {
    /// Checks what the encoding alone does not: that each segment has a length that SCP03t can produce (SGP.22 2.5.2).
    ///
    /// # Errors
    /// [`BppStructureError`] naming the first segment at fault.
    pub fn check_structure(&self) -> Result<(), BppStructureError> {
        encrypted("firstSequenceOf87", 0x87, self.first_sequence_of_87.iter().map(|segment| &segment.0))?;
        authenticated("sequenceOf88", 0x88, self.sequence_of_88.iter().map(|segment| &segment.0))?;
        if let Some(segments) = &self.second_sequence_of_87 {
            encrypted("secondSequenceOf87", 0x87, segments.iter().map(|segment| &segment.0))?;
        }
        encrypted("sequenceOf86", 0x86, self.sequence_of_86.iter().map(|segment| &segment.0))
    }
}

fn encrypted<'a>(
    sequence: &'static str,
    tag: u8,
    segments: impl Iterator<Item = &'a OctetString>,
) -> Result<(), BppStructureError> {
    let mut count = 0;
    for (index, segment) in segments.enumerate() {
        count += 1;
        let length = segment.len();
        if length < MAC_SIZE + 16 || length % 16 != MAC_SIZE {
            return Err(fault(sequence, tag, index, segment));
        }
    }
    if count == 0 { Err(BppStructureError::Empty { sequence }) } else { Ok(()) }
}

fn authenticated<'a>(
    sequence: &'static str,
    tag: u8,
    segments: impl Iterator<Item = &'a OctetString>,
) -> Result<(), BppStructureError> {
    let mut count = 0;
    for (index, segment) in segments.enumerate() {
        count += 1;
        if segment.len() < MAC_SIZE {
            return Err(fault(sequence, tag, index, segment));
        }
    }
    if count == 0 { Err(BppStructureError::Empty { sequence }) } else { Ok(()) }
}

fn fault(sequence: &'static str, tag: u8, index: usize, segment: &OctetString) -> BppStructureError {
    match tlv::first(segment) {
        Ok((inner, [])) if inner.tag() == [tag] => BppStructureError::SecondWrapper { sequence, index, tag },
        _ => BppStructureError::SegmentLength { sequence, index, length: segment.len() },
    }
}

/// ```text
/// InitialiseSecureChannelRequest ::= [35] SEQUENCE {                                              -- BF23
///     remoteOpId [2] INTEGER, transactionId [0], controlRefTemplate [6], smdpOtpk [APPLICATION 73], smdpSign [APPLICATION 55] }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
#[rasn(tag(context, 35))]
pub struct InitialiseSecureChannelRequest {
    /// What is to be done; only installBoundProfilePackage exists.
    #[rasn(tag(context, 2))]
    pub remote_op_id: RemoteOpId,
    /// The session.
    #[rasn(tag(context, 0))]
    pub transaction_id: TransactionId,
    /// Which keys to derive.
    #[rasn(tag(context, 6))]
    pub control_ref_template: ControlRefTemplate,
    /// otPK.DP.ECKA.
    pub smdp_otpk: OneTimePublicKey,
    /// By SK.DPpb over the four elements above and otPK.EUICC.ECKA.
    pub smdp_sign: Signature5F37,
    /// Elements of later versions.
    pub unknown: Unknown,
}

named_integer! {
    /// Type of a remote operation.
    pub RemoteOpId {
        /// Install a Bound Profile Package.
        INSTALL_BOUND_PROFILE_PACKAGE = 1 => "installBoundProfilePackage",
    }
}

/// ```text
/// ControlRefTemplate ::= SEQUENCE { keyType [0] Octet1, keyLen [1] Octet1, hostId [4] OctetTo16 }
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, PartialEq, Eq)]
pub struct ControlRefTemplate {
    /// `88` is AES.
    #[rasn(tag(context, 0), size("1"))]
    pub key_type: OctetString,
    /// Length of each key in bytes: `10`.
    #[rasn(tag(context, 1), size("1"))]
    pub key_len: OctetString,
    /// Chosen by the SM-DP+; 1 to 16 bytes.
    #[rasn(tag(context, 4), size("1..=16"))]
    pub host_id: OctetString,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// ConfigureISDPRequest ::= [36] SEQUENCE { dpProprietaryData [24] OPTIONAL }                      -- BF24
/// ```
#[derive(AsnType, Encode, Decode, Debug, Clone, Default, PartialEq, Eq)]
#[rasn(tag(context, 36))]
pub struct ConfigureIsdpRequest {
    /// Data of the SM-DP+ that the ISD-P keeps; at most 128 bytes with tag and length.
    #[rasn(tag(context, 24))]
    pub dp_proprietary_data: Option<DpProprietaryData>,
    /// Elements of later versions.
    pub unknown: Unknown,
}

/// ```text
/// ReplaceSessionKeysRequest ::= [38] SEQUENCE { initialMacChainingValue [0], ppkEnc [1], ppkCmac [2] }        -- BF26
/// ```
/// Holds keys: it has neither Debug nor Display.
#[derive(AsnType, Encode, Decode, Clone, PartialEq, Eq)]
#[rasn(tag(context, 38))]
pub struct ReplaceSessionKeysRequest {
    /// The MAC chaining value to begin with, 16 bytes.
    #[rasn(tag(context, 0))]
    pub initial_mac_chaining_value: OctetString,
    /// PPK-ENC, 16 bytes.
    #[rasn(tag(context, 1))]
    pub ppk_enc: OctetString,
    /// PPK-MAC, 16 bytes.
    #[rasn(tag(context, 2))]
    pub ppk_cmac: OctetString,
    /// Elements of later versions.
    pub unknown: Unknown,
}

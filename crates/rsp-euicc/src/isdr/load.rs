//! ES10b.LoadBoundProfilePackage: the package segment by segment (SGP.22 2.5.4, 2.5.5, 5.5, 5.7.6).
//!
//! `BF36 { BF23, A0 { 87 }, A1 { 88… }, A2 { 87 } optional, A3 { 86… } }` arrives as one STORE DATA chain for the head with
//! BF23, and then a header or a protected segment at a time. A segment that is not due at all is refused by a status word
//! and changes nothing; whatever is wrong inside ends the load with a signed ProfileInstallationResult.

use rsp_apdu::StatusWord;
use rsp_asn1::{
    BppCommandId, ErrorReason, ErrorResult, FinalResult, Iccid, InitialiseSecureChannelRequest, IsdpAid,
    NotificationEvent, ObjectIdentifier, Raw, RemoteOpId, SuccessResult, TransactionId, Unknown, tlv,
};
use rsp_bpp::{Bsp, BspError, BspKeys, verify_initialise_secure_channel};
use rsp_crypto::{PublicKey, SecretKey, Zeroizing};

use super::install::{self, Contents, Installed};
use super::session::{Authenticated, Prepared};
use super::{Session, one_time_keys};
use crate::notifications::{Installation, ProfileNotice, installation_result, profile_event};
use crate::platform::Platform;
use crate::profile::Refusal;
use crate::state::PendingLoad;

/// A load in progress. Only a verified InitialiseSecureChannel makes one.
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
enum Step {
    /// The next segment is due.
    More,
    /// The profile elements are complete.
    Complete,
}

impl Load {
    pub(super) fn authenticated(&self) -> &Authenticated {
        &self.authenticated
    }

    pub(super) fn one_time_public_key(&self) -> &[u8; 65] {
        self.one_time_public_key.as_bytes()
    }

    /// Takes one segment: a header, protected segments, or a header with protected segments behind it.
    fn take(&mut self, platform: &mut Platform, mut segment: &[u8]) -> Result<Step, Failure> {
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
                self.contents.profile_elements = plaintext;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn installation(&self) -> Installation<'_> {
        Installation {
            transaction_id: &self.authenticated.transaction_id,
            smdp_oid: &self.authenticated.server_oid,
            smdp_address: &self.authenticated.server_address,
            ci_key_id: &self.authenticated.ci_key_id.0,
            iccid: self.contents.iccid(),
        }
    }
}

/// Whether a request belongs to a Bound Profile Package: its head, or any of the tags inside it.
pub(super) fn is_segment(session: &Session, request: &[u8]) -> bool {
    request.starts_with(&[0xBF, 0x36])
        || matches!(request.first(), Some(0xA0..=0xA3 | 0x86..=0x88))
        || (session.is_loading() && request.is_empty())
}

/// Takes one segment of a package.
///
/// # Errors
/// 6985 when no package, or already one, is being loaded; 6A88 for a segment that is not due; the session stays.
pub(super) fn segment(platform: &mut Platform, session: &mut Session, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    if request.starts_with(&[0xBF, 0x36]) {
        return begin(platform, session, request);
    }
    let Session::Loading(load) = session else { return Err(StatusWord::CONDITIONS_NOT_SATISFIED) };
    let first = request.first().copied().unwrap_or_default();
    let is_header = matches!(first, 0xA0..=0xA3);
    let is_due = match load.sequence_left {
        None => is_header && load.sequence.next(first).is_some(),
        Some(_) => !is_header,
    };
    if !is_due {
        return Err(StatusWord::REFERENCED_DATA_NOT_FOUND);
    }
    let step = load.take(platform, request);
    if matches!(step, Ok(Step::More)) {
        return Ok(Vec::new());
    }
    let Session::Loading(load) = std::mem::take(session) else { return Err(StatusWord::NO_DIAGNOSIS) };
    match step.and_then(|_| install::prepare(platform, &load.contents, &load.authenticated.ci_key_id.0)) {
        Ok(installed) => succeed(platform, &load, installed),
        Err(failure) => fail(platform, &load, load.sequence.command(), failure),
    }
}

/// The head of a package: `BF36`, its length, and the whole InitialiseSecureChannel.
fn begin(platform: &mut Platform, session: &mut Session, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    if !matches!(session, Session::Prepared(_)) {
        return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
    }
    let (length, head) = length_of(&request[2..]).ok_or(StatusWord::WRONG_DATA)?;
    let (tlv, rest) = tlv::first(head).map_err(|_| StatusWord::WRONG_DATA)?;
    if tlv.tag() != [0xBF, 0x23] {
        return Err(StatusWord::REFERENCED_DATA_NOT_FOUND);
    }
    let Session::Prepared(prepared) = std::mem::take(session) else { return Err(StatusWord::NO_DIAGNOSIS) };
    let Prepared { authenticated, smdp_public_key, one_time_key } = *prepared;
    let channel = Raw::<InitialiseSecureChannelRequest>::from_der(tlv.raw());
    let keys = match &channel {
        Ok(channel) => session_keys(platform, &authenticated, &smdp_public_key, &one_time_key, channel),
        Err(_) => Err(ErrorReason::INCORRECT_INPUT_VALUES),
    };
    let package_left = if rest.is_empty() { length.checked_sub(tlv.raw().len()) } else { None };
    let (keys, failure) = match (keys, package_left) {
        (Ok(keys), Some(_)) => (keys, None),
        // Keys that nobody uses: the load ends before its first segment.
        (Ok(keys), None) => (keys, Some(ErrorReason::SCP03T_STRUCTURE_ERROR)),
        (Err(reason), _) => (BspKeys::from_parts([0; 16], [0; 16], [0; 16]), Some(reason)),
    };
    let load = Load {
        authenticated,
        one_time_public_key: *one_time_key.public_key(),
        bsp: Bsp::new(keys),
        package_left: package_left.unwrap_or_default(),
        sequence: Sequence::Begin,
        sequence_left: None,
        plaintext: Zeroizing::default(),
        contents: Contents::default(),
    };
    if let Some(reason) = failure {
        return fail(platform, &load, BppCommandId::INITIALISE_SECURE_CHANNEL, reason.into());
    }
    platform.state.pending_load = Some(PendingLoad {
        transaction_id: load.authenticated.transaction_id.as_bytes().to_vec(),
        smdp_oid: rsp_asn1::encode(&load.authenticated.server_oid).map_err(|_| StatusWord::NO_DIAGNOSIS)?,
        smdp_address: load.authenticated.server_address.clone(),
        ci_key_id: load.authenticated.ci_key_id.0.to_vec(),
        iccid: None,
        command: BppCommandId::CONFIGURE_ISDP.0,
    });
    platform.changed = true;
    *session = Session::Loading(Box::new(load));
    Ok(Vec::new())
}

/// ES8+.InitialiseSecureChannel: the checks of SGP.22 5.5.1, then ECKA.
fn session_keys(
    platform: &Platform,
    authenticated: &Authenticated,
    smdp_public_key: &PublicKey,
    one_time_key: &SecretKey,
    channel: &Raw<InitialiseSecureChannelRequest>,
) -> Result<BspKeys, ErrorReason> {
    let euicc_otpk = one_time_key.public_key();
    verify_initialise_secure_channel(platform.provider, smdp_public_key, channel, euicc_otpk)
        .map_err(|_| ErrorReason::INVALID_SIGNATURE)?;
    let channel = channel.value();
    if channel.transaction_id != authenticated.transaction_id {
        return Err(ErrorReason::INVALID_TRANSACTION_ID);
    }
    let smdp_otpk = PublicKey::from_uncompressed(one_time_key.curve(), &channel.smdp_otpk.0)
        .map_err(|_| ErrorReason::INCORRECT_INPUT_VALUES)?;
    let shared = platform
        .provider
        .agree(one_time_key, &smdp_otpk)
        .map_err(|_| ErrorReason::INSTALL_FAILED_DUE_TO_UNKNOWN_ERROR)?;
    let keys = BspKeys::derive(&shared, &channel.control_ref_template, &platform.state.eid())
        .map_err(|_| ErrorReason::UNSUPPORTED_CRT_VALUES)?;
    if channel.remote_op_id != RemoteOpId::INSTALL_BOUND_PROFILE_PACKAGE {
        return Err(ErrorReason::UNSUPPORTED_REMOTE_OPERATION_TYPE);
    }
    Ok(keys)
}

/// Puts the profile into a new ISD-P, signs the result and reports the installation.
fn succeed(platform: &mut Platform, load: &Load, installed: Installed) -> Result<Vec<u8>, StatusWord> {
    let result = FinalResult::Success(SuccessResult {
        aid: IsdpAid(installed.slot.isdp_aid.to_vec().into()),
        sima_response: installed.sima_response.into(),
        unknown: Unknown::default(),
    });
    platform.state.pending_load = None;
    one_time_keys::erase(platform, load.one_time_public_key());
    let pir = installation_result(platform, &load.installation(), result).ok_or(StatusWord::NO_DIAGNOSIS)?;
    platform.state.next_isdp = platform.state.next_isdp.saturating_add(1);
    let notice = ProfileNotice::from(&installed.slot);
    platform.state.profiles.push(installed.slot);
    profile_event(platform, &notice, NotificationEvent::INSTALL);
    Ok(pir)
}

/// Ends a load: nothing of it remains but a signed result.
fn fail(
    platform: &mut Platform,
    load: &Load,
    bpp_command_id: BppCommandId,
    failure: Failure,
) -> Result<Vec<u8>, StatusWord> {
    platform.state.pending_load = None;
    platform.changed = true;
    // Too little memory can pass; what else is wrong with the package stays wrong (SGP.22 2.5.6.1).
    if failure.reason != ErrorReason::INSTALL_FAILED_DUE_TO_INSUFFICIENT_MEMORY_FOR_PROFILE {
        one_time_keys::erase(platform, load.one_time_public_key());
    }
    let result = FinalResult::Error(ErrorResult {
        bpp_command_id,
        error_reason: failure.reason,
        sima_response: failure.sima_response.map(Into::into),
        unknown: Unknown::default(),
    });
    installation_result(platform, &load.installation(), result).ok_or(StatusWord::NO_DIAGNOSIS)
}

/// Reports a load that a loss of power, a reset or a new session has ended (SGP.22 3.1.3.3). Its one-time key stays: the
/// same package can be sent again.
pub(crate) fn report_interruption(platform: &mut Platform) {
    let Some(pending) = platform.state.pending_load.take() else { return };
    platform.changed = true;
    let (Some(transaction_id), Ok(smdp_oid)) =
        (TransactionId::new(&pending.transaction_id), rsp_asn1::decode::<ObjectIdentifier>(&pending.smdp_oid))
    else {
        return;
    };
    let installation = Installation {
        transaction_id: &transaction_id,
        smdp_oid: &smdp_oid,
        smdp_address: &pending.smdp_address,
        ci_key_id: &pending.ci_key_id,
        iccid: pending.iccid.map(Iccid),
    };
    let result = FinalResult::Error(ErrorResult {
        bpp_command_id: BppCommandId(pending.command),
        error_reason: ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION,
        sima_response: None,
        unknown: Unknown::default(),
    });
    // It goes into the list; there is no command whose answer could carry it.
    let _ = installation_result(platform, &installation, result);
}

/// A DER length and what follows it; unlike a whole TLV, the value need not be there.
fn length_of(bytes: &[u8]) -> Option<(usize, &[u8])> {
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

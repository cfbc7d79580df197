//! Binding: from an Unprotected Profile Package to a Bound Profile Package, and the check of what binds it
//! (SGP.22 2.5.3, 2.5.4, 5.5.1).

use crate::bsp::{Bsp, MAX_AUTHENTICATED, MAX_ENCRYPTED};
use crate::keys::{BspKeys, aes_128_template};
use rsp_asn1::{ControlRefTemplate, InitialiseSecureChannelRequest, Raw, TransactionId, tlv};
use rsp_crypto::{Error as CryptoError, Provider, PublicKey, Signature, Signer};

/// What ES8+ will do on the eUICC, in plain.
#[derive(Clone, Copy)]
pub struct UnprotectedProfile<'a> {
    /// ConfigureISDPRequest, DER (tag `BF24`).
    pub configure_isdp: &'a [u8],
    /// StoreMetadataRequest, DER (tag `BF25`).
    pub store_metadata: &'a [u8],
    /// The profile elements, one TLV after another.
    pub profile_elements: &'a [u8],
}

/// Under which keys the profile elements travel.
pub enum Protection {
    /// The session keys, like everything else.
    SessionKeys,
    /// Keys of the profile's own, sent before by ReplaceSessionKeys.
    Ppk(BspKeys),
}

/// Protects a profile for one session: the sequences `A0`, `A1`, `A2` with a PPK, and `A3` of the Bound Profile Package.
///
/// They stay valid for as long as the one-time keys of both sides do, so a retry sends them again unchanged.
pub fn protect(session_keys: BspKeys, profile: UnprotectedProfile<'_>, protection: Protection) -> Vec<u8> {
    let mut bsp = Bsp::new(session_keys);
    let mut body = Vec::with_capacity(profile.profile_elements.len() * 103 / 100 + profile.store_metadata.len() + 256);
    let mut segments = Vec::with_capacity(profile.profile_elements.len() * 103 / 100 + 64);
    // An empty ConfigureISDP would leave the sequence without a segment: the request is sent even if it says nothing.
    profile.configure_isdp.chunks(MAX_ENCRYPTED).for_each(|part| bsp.protect(0x87, part, &mut segments));
    flush(&mut body, 0xA0, &mut segments);
    profile.store_metadata.chunks(MAX_AUTHENTICATED).for_each(|part| bsp.protect_mac_only(0x88, part, &mut segments));
    flush(&mut body, 0xA1, &mut segments);
    if let Protection::Ppk(keys) = protection {
        bsp.protect(0x87, &keys.to_request(), &mut segments);
        flush(&mut body, 0xA2, &mut segments);
        bsp = Bsp::new(keys);
    }
    profile.profile_elements.chunks(MAX_ENCRYPTED).for_each(|part| bsp.protect(0x86, part, &mut segments));
    flush(&mut body, 0xA3, &mut segments);
    body
}

/// The signed InitialiseSecureChannel (tag `BF23`) that binds protected segments to a session and an eUICC's key.
///
/// `host_id` has 1 to 16 bytes; the keys of [`BspKeys::derive`] must have been made with the template returned beside it.
///
/// # Errors
/// Only if the signer fails.
pub fn initialise_secure_channel(
    signer: &dyn Signer,
    transaction_id: &TransactionId,
    host_id: &[u8],
    smdp_otpk: &PublicKey,
    euicc_otpk: &PublicKey,
) -> Result<(Vec<u8>, ControlRefTemplate), CryptoError> {
    let crt = aes_128_template(host_id);
    let mut template = Vec::with_capacity(24);
    tlv::write(&mut template, &[0x80], &crt.key_type);
    tlv::write(&mut template, &[0x81], &crt.key_len);
    tlv::write(&mut template, &[0x84], &crt.host_id);
    let mut signed = Vec::with_capacity(256);
    tlv::write(&mut signed, &[0x82], &[0x01]);
    tlv::write(&mut signed, &[0x80], transaction_id.as_bytes());
    tlv::write(&mut signed, &[0xA6], &template);
    tlv::write(&mut signed, &[0x5F, 0x49], smdp_otpk.as_bytes());
    let own = signed.len();
    tlv::write(&mut signed, &[0x5F, 0x49], euicc_otpk.as_bytes());
    let signature = signer.sign(&signed)?;
    signed.truncate(own);
    tlv::write(&mut signed, &[0x5F, 0x37], signature.as_bytes());
    let mut request = Vec::with_capacity(signed.len() + 4);
    tlv::write(&mut request, &[0xBF, 0x23], &signed);
    Ok((request, crt))
}

/// Puts a Bound Profile Package together (tag `BF36`).
pub fn assemble(initialise_secure_channel: &[u8], protected: &[u8]) -> Vec<u8> {
    let length = initialise_secure_channel.len() + protected.len();
    let mut package = Vec::with_capacity(length + 6);
    tlv::write_header(&mut package, &[0xBF, 0x36], length);
    package.extend_from_slice(initialise_secure_channel);
    package.extend_from_slice(protected);
    package
}

/// Checks smdpSign: over remoteOpId ‖ transactionId ‖ controlRefTemplate ‖ otPK.DP as received, then the eUICC's own otPK.
///
/// # Errors
/// [`CryptoError::InvalidSignatureEncoding`] or [`CryptoError::SignatureMismatch`].
pub fn verify_initialise_secure_channel(
    provider: &dyn Provider,
    dp_pb: &PublicKey,
    request: &Raw<InitialiseSecureChannelRequest>,
    euicc_otpk: &PublicKey,
) -> Result<(), CryptoError> {
    let encoding = CryptoError::InvalidSignatureEncoding;
    let signature = Signature::from_slice(&request.value().smdp_sign.0)?;
    let (whole, _) = tlv::first(request.bytes()).map_err(|_| encoding)?;
    let mut signed = Vec::with_capacity(256);
    for element in whole.children() {
        let element = element.map_err(|_| encoding)?;
        if element.tag() == [0x5F, 0x37] {
            break;
        }
        signed.extend_from_slice(element.raw());
    }
    tlv::write(&mut signed, &[0x5F, 0x49], euicc_otpk.as_bytes());
    provider.verify(dp_pb, &signed, &signature)
}

/// Wraps the segments collected so far in the tag of their sequence.
fn flush(body: &mut Vec<u8>, tag: u8, segments: &mut Vec<u8>) {
    tlv::write(body, &[tag], segments);
    segments.clear();
}

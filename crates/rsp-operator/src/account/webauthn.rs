//! Verifying what an authenticator answers (WebAuthn level 2, 7.1 and 7.2): ES256 only, without attestation, with user
//! verification.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value;
use rsp_crypto::{Curve, PublicKey, Signature, constant_time_eq, hash};
use serde::Deserialize;

/// Octets that no honest answer has: the longest credential identifier is 1023 octets.
const LONGEST: usize = 8 * 1024;
/// Flags of the authenticator data.
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

/// What is wrong with an answer. All of it is the browser's or the authenticator's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Too long, no JSON, no CBOR, or members are missing.
    #[error("the answer of the authenticator cannot be read")]
    Malformed,
    /// Another ceremony: signing in instead of registering, or the reverse.
    #[error("the answer is of another kind")]
    Type,
    /// The challenge is not ours, or too old.
    #[error("the challenge is not one of ours, or it has expired")]
    Challenge,
    /// It was made on a page of another site, or inside of one.
    #[error("the answer was made on another site's page")]
    Origin,
    /// The authenticator made it for another site.
    #[error("the answer was made for another site")]
    RelyingParty,
    /// Nobody touched the authenticator.
    #[error("the authenticator saw nobody")]
    NotPresent,
    /// The authenticator did not verify who it was.
    #[error("the authenticator did not verify the user")]
    NotVerified,
    /// An attestation, which is neither asked for nor checked.
    #[error("the answer has an attestation, which was not asked for")]
    Attestation,
    /// A key of another kind than ES256.
    #[error("the key is not for ES256")]
    Algorithm,
    /// The signature does not fit the key.
    #[error("the signature is wrong")]
    Signature,
}

/// What a page must have been, and for whom the authenticator signs.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The origin of the page.
    pub origin: &'a str,
    /// The relying party's identifier: the host.
    pub relying_party: &'a str,
}

/// A credential that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its identifier.
    pub credential: Vec<u8>,
    /// Its public key.
    pub public_key: [u8; 65],
    /// The signature counter.
    pub counter: u32,
}

/// CollectedClientData, as far as it is looked at (5.8.1).
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
}

/// The challenge that an answer names, before anything is known of it.
///
/// # Errors
/// [`Error::Malformed`].
pub fn challenge(client_data: &[u8]) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD.decode(parse(client_data)?.challenge).map_err(|_| Error::Malformed)
}

/// Verifies the answer of `navigator.credentials.create` (7.1); whether its challenge is ours is for the caller to say, by
/// [`challenge`].
///
/// # Errors
/// What is wrong with it.
pub fn register(client_data: &[u8], attestation: &[u8], expected: Expected<'_>) -> Result<Registered, Error> {
    check_client_data(client_data, "webauthn.create", expected)?;
    if attestation.len() > LONGEST {
        return Err(Error::Malformed);
    }
    let object: Value = ciborium::from_reader(attestation).map_err(|_| Error::Malformed)?;
    let member = |name: &str| text_member(&object, name).ok_or(Error::Malformed);
    if member("fmt")?.as_text() != Some("none") || member("attStmt")?.as_map().is_none_or(|map| !map.is_empty()) {
        return Err(Error::Attestation);
    }
    let data = member("authData")?.as_bytes().ok_or(Error::Malformed)?;
    let (flags, counter, rest) = authenticator_data(data, expected)?;
    if flags & ATTESTED == 0 {
        return Err(Error::Malformed);
    }
    // AAGUID of 16 octets, length of the identifier, the identifier, the key; extensions may follow.
    let (_, rest) = rest.split_first_chunk::<16>().ok_or(Error::Malformed)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(Error::Malformed)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (credential, key) = rest.split_at_checked(length).ok_or(Error::Malformed)?;
    if credential.is_empty() || length > 1023 {
        return Err(Error::Malformed);
    }
    Ok(Registered { credential: credential.to_vec(), public_key: cose_key(key)?, counter })
}

/// Verifies the answer of `navigator.credentials.get` (7.2) by the key that was registered, and returns the counter. Whether
/// the challenge is ours, and the counter has grown, is for the caller to say.
///
/// # Errors
/// What is wrong with it.
pub fn assert(
    client_data: &[u8],
    data: &[u8],
    signature: &[u8],
    public_key: &[u8; 65],
    expected: Expected<'_>,
) -> Result<u32, Error> {
    check_client_data(client_data, "webauthn.get", expected)?;
    let (_, counter, _) = authenticator_data(data, expected)?;
    let key = PublicKey::from_uncompressed(Curve::P256, public_key).map_err(|_| Error::Algorithm)?;
    let signature = Signature::from_der(signature).map_err(|_| Error::Signature)?;
    let signed = [data, &hash::sha256(client_data)].concat();
    rsp_crypto::aws_lc().verify(&key, &signed, &signature).map_err(|_| Error::Signature)?;
    Ok(counter)
}

fn parse(client_data: &[u8]) -> Result<ClientData, Error> {
    if client_data.len() > LONGEST {
        return Err(Error::Malformed);
    }
    serde_json::from_slice(client_data).map_err(|_| Error::Malformed)
}

fn check_client_data(client_data: &[u8], kind: &str, expected: Expected<'_>) -> Result<(), Error> {
    let parsed = parse(client_data)?;
    if parsed.kind != kind {
        return Err(Error::Type);
    }
    if parsed.origin != expected.origin || parsed.cross_origin {
        return Err(Error::Origin);
    }
    Ok(())
}

/// Flags, counter, and what follows them, of authenticator data for us that somebody was verified for (6.1).
fn authenticator_data<'d>(data: &'d [u8], expected: Expected<'_>) -> Result<(u8, u32, &'d [u8]), Error> {
    if data.len() > LONGEST {
        return Err(Error::Malformed);
    }
    let (relying_party, rest) = data.split_first_chunk::<32>().ok_or(Error::Malformed)?;
    let (flags, rest) = rest.split_first().ok_or(Error::Malformed)?;
    let (counter, rest) = rest.split_first_chunk::<4>().ok_or(Error::Malformed)?;
    if !constant_time_eq(relying_party, &hash::sha256(expected.relying_party.as_bytes())) {
        return Err(Error::RelyingParty);
    }
    if flags & USER_PRESENT == 0 {
        return Err(Error::NotPresent);
    }
    if flags & USER_VERIFIED == 0 {
        return Err(Error::NotVerified);
    }
    Ok((*flags, u32::from_be_bytes(*counter), rest))
}

/// A COSE key for ES256 (RFC 9053 2.1, 7.1.1): kty 2, alg -7, crv 1, x and y of 32 octets.
fn cose_key(encoded: &[u8]) -> Result<[u8; 65], Error> {
    // One item; what follows are extensions.
    let key: Value = ciborium::from_reader(encoded).map_err(|_| Error::Malformed)?;
    let number = |label: i64| integer_member(&key, label).and_then(Value::as_integer).map(i128::from);
    if (number(1), number(3), number(-1)) != (Some(2), Some(-7), Some(1)) {
        return Err(Error::Algorithm);
    }
    let coordinate = |label| integer_member(&key, label).and_then(Value::as_bytes).filter(|bytes| bytes.len() == 32);
    let (x, y) = (coordinate(-2).ok_or(Error::Malformed)?, coordinate(-3).ok_or(Error::Malformed)?);
    let mut point = [4; 65];
    point[1..33].copy_from_slice(x);
    point[33..].copy_from_slice(y);
    PublicKey::from_uncompressed(Curve::P256, &point).map_err(|_| Error::Algorithm)?;
    Ok(point)
}

fn text_member<'v>(map: &'v Value, name: &str) -> Option<&'v Value> {
    map.as_map()?.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}

fn integer_member(map: &Value, label: i64) -> Option<&Value> {
    let is = |key: &Value| key.as_integer().map(i128::from) == Some(i128::from(label));
    map.as_map()?.iter().find(|(key, _)| is(key)).map(|(_, value)| value)
}

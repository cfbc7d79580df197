//! The signature of a webhook's message, and how a receiver checks it.
//!
//! ```text
//! OpenRSP-Signature: t=1790000000,id=evt_…,v1=HEX[,v1=HEX…]
//! HEX = HMAC-SHA256(secret, id "." t "." body)
//! ```
//!
//! There is one `v1` for each secret that counts, so that a receiver which knows one of them accepts the message while they
//! are rotated. The key is the secret as it was shown, all of it, in ASCII.

use axum::http::HeaderMap;
use rsp_asn1::Timestamp;
use rsp_crypto::hash;

/// Name of the HTTP header.
pub const SIGNATURE_HEADER: &str = "OpenRSP-Signature";
/// How far the time of a message may be from the receiver's, in seconds.
pub const TOLERANCE: i64 = 300;
/// The longest header that is looked at.
const LONGEST: usize = 2048;
/// More signatures than secrets that count at once.
const MOST: usize = 16;

/// Where a receiver remembers which events it has had. It must do so for longer than messages are retried.
pub trait SeenIds {
    /// Remembers an id; false when it was known already.
    fn remember(&mut self, id: &str) -> bool;
}

impl SeenIds for std::collections::HashSet<String> {
    fn remember(&mut self, id: &str) -> bool {
        self.insert(id.to_owned())
    }
}

/// Why a message is not acted upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// There is not exactly one signature header.
    #[error("there is not exactly one {SIGNATURE_HEADER}")]
    Missing,
    /// The header is not as it should be.
    #[error("the {SIGNATURE_HEADER} is malformed")]
    Malformed,
    /// The message is too old, or from the future: perhaps somebody sends a recorded one again.
    #[error("the message was signed at another time")]
    Stale,
    /// None of the signatures is by one of the secrets.
    #[error("the message is not signed with a known secret")]
    Forged,
    /// The message is genuine, and has been here before. It is answered with success and not acted upon.
    #[error("the event was received before")]
    Seen,
}

/// The value of the header for a message, signed with each of `secrets`.
pub fn sign<S: AsRef<str>>(secrets: &[S], id: &str, at: Timestamp, body: &[u8]) -> String {
    let signatures = secrets.iter().map(|secret| format!(",v1={}", hex::encode(mac(secret.as_ref(), id, at.0, body))));
    format!("t={},id={id}{}", at.0, signatures.collect::<String>())
}

/// Whether a message comes from whoever has one of `secrets`, is of this time, and was not received before; returns its id.
///
/// `body` is what was received, octet by octet, before anything has parsed it.
///
/// # Errors
/// [`VerifyError`]; only [`VerifyError::Seen`] is of a genuine message.
pub fn verify<S: AsRef<str>>(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[S],
    now: Timestamp,
    tolerance: i64,
    seen: &mut dyn SeenIds,
) -> Result<String, VerifyError> {
    let mut values = headers.get_all(SIGNATURE_HEADER).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(VerifyError::Missing) };
    let (at, id, signatures) =
        parse(value.to_str().map_err(|_| VerifyError::Malformed)?).ok_or(VerifyError::Malformed)?;
    if now.0.abs_diff(at) > tolerance.unsigned_abs() {
        return Err(VerifyError::Stale);
    }
    let mut genuine = false;
    for secret in secrets {
        let expected = mac(secret.as_ref(), id, at, body);
        for signature in &signatures {
            genuine |= hash::constant_time_eq(&expected, signature);
        }
    }
    match (genuine, genuine && seen.remember(id)) {
        (true, true) => Ok(id.to_owned()),
        (true, false) => Err(VerifyError::Seen),
        (false, _) => Err(VerifyError::Forged),
    }
}

fn mac(secret: &str, id: &str, at: i64, body: &[u8]) -> [u8; 32] {
    let signed = [id.as_bytes(), b".", at.to_string().as_bytes(), b".", body].concat();
    hash::hmac_sha256(secret.as_bytes(), &signed)
}

/// Time, id and signatures. Each of the first two stands there once; versions that are not known are passed over.
fn parse(value: &str) -> Option<(i64, &str, Vec<[u8; 32]>)> {
    if value.len() > LONGEST {
        return None;
    }
    let (mut at, mut id, mut signatures) = (None, None, Vec::new());
    for part in value.split(',') {
        match part.split_once('=')? {
            // As it was signed: without sign or leading zeros.
            ("t", text) => {
                let number: i64 = text.parse().ok().filter(|number: &i64| number.to_string() == text)?;
                at.replace(number).is_none().then_some(())?;
            }
            ("id", text) => {
                let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
                (!text.is_empty() && text.bytes().all(known) && id.replace(text).is_none()).then_some(())?;
            }
            ("v1", text) => {
                let mut signature = [0; 32];
                hex::decode_to_slice(text, &mut signature).ok()?;
                signatures.push(signature);
            }
            _ => {}
        }
    }
    (!signatures.is_empty() && signatures.len() <= MOST).then_some(())?;
    Some((at?, id?, signatures))
}

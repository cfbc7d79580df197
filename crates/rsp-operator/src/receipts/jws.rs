//! JWS in its compact form (RFC 7515) by ES256, and the keys that check it (RFC 7517).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsp_crypto::{Curve, Provider, PublicKey, Signature, hash};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Longest text that is looked at as a receipt, in octets.
const LONGEST: usize = 1024 * 1024;

/// A public key that checks receipts, as RFC 7517 writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwk {
    /// `EC`.
    pub kty: String,
    /// `P-256`.
    pub crv: String,
    /// Abscissa, base64url.
    pub x: String,
    /// Ordinate, base64url.
    pub y: String,
    /// Its thumbprint (RFC 7638).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// `ES256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// `sig`.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "use")]
    pub purpose: Option<String>,
}

/// The keys of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwks {
    /// The newest first.
    pub keys: Vec<Jwk>,
}

/// Why a receipt is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// It is no compact JWS in base64url.
    #[error("it is no receipt: {0}")]
    Malformed(&'static str),
    /// Its header names another algorithm, type or extension than receipts have.
    #[error("its header is not one of a receipt: {0}")]
    Header(&'static str),
    /// None of the keys made it.
    #[error("it names a key that is not among the published ones")]
    UnknownKey,
    /// A published key cannot be read.
    #[error("the published key cannot be used")]
    BadKey,
    /// The signature is wrong: it was changed, or signed by somebody else.
    #[error("the signature is wrong: the receipt was changed, or is not this server's")]
    Signature,
    /// What is signed is not what a receipt says.
    #[error("it was signed by the server, and is no receipt")]
    Claims,
}

/// What stands before what is signed.
#[derive(Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    #[serde(default)]
    pub(super) kid: Option<String>,
    #[serde(default)]
    pub(super) typ: Option<String>,
    #[serde(flatten)]
    pub(super) others: serde_json::Map<String, Value>,
}

pub(super) fn verify_jws(jws: &str, keys: &Jwks, provider: &dyn Provider) -> Result<(Header, Vec<u8>), ReceiptError> {
    if jws.len() > LONGEST {
        return Err(ReceiptError::Malformed("it is too long"));
    }
    let (signed, signature) = jws.rsplit_once('.').ok_or(ReceiptError::Malformed("it has no three parts"))?;
    let (header, payload) = signed.split_once('.').ok_or(ReceiptError::Malformed("it has no three parts"))?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| ReceiptError::Malformed("it is no base64url"));
    let (header, payload, signature) = (decode(header)?, decode(payload)?, decode(signature)?);
    let header: Header =
        serde_json::from_slice(&header).map_err(|_| ReceiptError::Malformed("its header is no JSON"))?;
    if header.alg != "ES256" {
        return Err(ReceiptError::Header("another algorithm"));
    }
    if !header.others.is_empty() {
        return Err(ReceiptError::Header("something that is not known"));
    }
    let signature = Signature::from_slice(&signature).map_err(|_| ReceiptError::Signature)?;
    let mut candidates = keys.keys.iter().filter(|key| header.kid.is_none() || key.kid == header.kid).peekable();
    if candidates.peek().is_none() {
        return Err(ReceiptError::UnknownKey);
    }
    for key in candidates {
        let key = public_key_of(key)?;
        if provider.verify(&key, signed.as_bytes(), &signature).is_ok() {
            return Ok((header, payload));
        }
    }
    Err(ReceiptError::Signature)
}

pub(super) fn jwk_of(key: &PublicKey) -> Jwk {
    let point = key.as_bytes();
    let coordinate = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
    let (x, y) = (coordinate(&point[1..33]), coordinate(&point[33..]));
    // RFC 7638 3.2: the required members in the order of their names, without blanks.
    let thumbprint = hash::sha256(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#).as_bytes());
    let text = |text: &str| text.to_owned();
    Jwk {
        kty: text("EC"),
        crv: text("P-256"),
        x,
        y,
        kid: Some(URL_SAFE_NO_PAD.encode(thumbprint)),
        alg: Some(text("ES256")),
        purpose: Some(text("sig")),
    }
}

fn public_key_of(key: &Jwk) -> Result<PublicKey, ReceiptError> {
    if key.kty != "EC" || key.crv != "P-256" || key.alg.as_ref().is_some_and(|alg| alg != "ES256") {
        return Err(ReceiptError::BadKey);
    }
    let coordinate = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| ReceiptError::BadKey);
    let point = [vec![4], coordinate(&key.x)?, coordinate(&key.y)?].concat();
    PublicKey::from_uncompressed(Curve::P256, &point).map_err(|_| ReceiptError::BadKey)
}

#[cfg(test)]
mod tests {
    use rsp_crypto::{aws_lc, rust_crypto};

    use super::{Jwk, Jwks, ReceiptError, jwk_of, public_key_of, verify_jws};
    use crate::receipts::verify;

    /// RFC 7515 A.3.
    const JWS: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    fn keys() -> Jwks {
        let text = |text: &str| text.to_owned();
        Jwks {
            keys: vec![Jwk {
                kty: text("EC"),
                crv: text("P-256"),
                x: text("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
                y: text("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
                kid: None,
                alg: None,
                purpose: None,
            }],
        }
    }

    #[test]
    fn the_signature_of_the_rfc_is_right_by_both_libraries_and_is_no_receipt() {
        for provider in [aws_lc(), rust_crypto()] {
            let (_, payload) = verify_jws(JWS, &keys(), provider).unwrap();
            assert!(payload.starts_with(b"{\"iss\":\"joe\""));
        }
        assert_eq!(verify(JWS, &keys(), aws_lc()).unwrap_err(), ReceiptError::Header("another type"));
    }

    #[test]
    fn every_changed_character_is_noticed() {
        for at in 0..JWS.len() {
            for other in ["A", "B", "_", ".", "="] {
                if &JWS[at..=at] == other {
                    continue;
                }
                let mut changed = JWS.to_owned();
                changed.replace_range(at..=at, other);
                assert!(verify_jws(&changed, &keys(), aws_lc()).is_err(), "{at}: {other}");
            }
        }
        assert!(verify_jws(&JWS[..JWS.len() - 1], &keys(), aws_lc()).is_err());
        assert!(verify_jws(&format!("{JWS}A"), &keys(), aws_lc()).is_err());
    }

    #[test]
    fn other_algorithms_and_unknown_extensions_are_refused() {
        use base64::Engine as _;
        let (_, rest) = JWS.split_once('.').unwrap();
        for (header, expected) in [
            (r#"{"alg":"none"}"#, ReceiptError::Header("another algorithm")),
            (r#"{"alg":"HS256"}"#, ReceiptError::Header("another algorithm")),
            (r#"{"alg":"ES256","crit":["b64"]}"#, ReceiptError::Header("something that is not known")),
            (r#"{"alg":"ES256","jwk":{}}"#, ReceiptError::Header("something that is not known")),
            (r#"{"alg":"ES256","kid":"another"}"#, ReceiptError::UnknownKey),
            (r#"{"alg":"ES256" }"#, ReceiptError::Signature),
        ] {
            let header = super::URL_SAFE_NO_PAD.encode(header);
            let refused = verify_jws(&format!("{header}.{rest}"), &keys(), aws_lc());
            assert_eq!(refused.map(drop).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_published_key_is_read_as_it_was_written() {
        let key = public_key_of(&keys().keys[0]).unwrap();
        let jwk = jwk_of(&key);
        assert_eq!((&jwk.x, &jwk.y), (&keys().keys[0].x, &keys().keys[0].y));
        let off_the_curve = Jwk { x: jwk.y.clone(), ..jwk };
        assert_eq!(public_key_of(&off_the_curve).unwrap_err(), ReceiptError::BadKey);
    }
}

//! Signed receipts of what happened to an eSIM: a JWS (RFC 7515) by ES256, which anybody can check with the server's
//! published key.
//!
//! Whoever was refused can show what the server said, and why; the server cannot take it back, nor anybody change it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsp_asn1::Timestamp;
use rsp_crypto::{Curve, Provider, PublicKey, SecretKey, Signature, hash};
use rsp_es::status::{Reason, StatusCode, Subject};
use rsp_smdp::SharedRandomness;
use rsp_store::{Datastore, Event};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::desk::Esim;
use crate::error::Error;

/// What the header calls a receipt.
const TYPE: &str = "receipt+jwt";

/// Longest text that is looked at as a receipt, in octets.
const LONGEST: usize = 1024 * 1024;

/// What a receipt says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Claims {
    /// OID of the SM-DP+ whose server says it.
    pub iss: String,
    /// When it says so, in seconds since 1970.
    pub iat: i64,
    /// The address of the SM-DP+ that has the order; not there when it is another one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server: Option<String>,
    /// Whose eSIM it is.
    pub tenant: Option<String>,
    /// The eSIM.
    pub iccid: String,
    /// The eUICC that it is for, once that is known.
    pub eid: Option<String>,
    /// Whether the SM-DP+ that says it has the order. Of an order elsewhere it knows no state.
    pub state_known: bool,
    /// Where its order stands, if that is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<String>,
    /// What happened, oldest first.
    pub history: Vec<Happened>,
    /// What was refused last, if anything was.
    pub last_refusal: Option<Refused>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Happened {
    /// When (RFC 3339).
    pub at: String,
    /// `State`, `Step`, `Usage` or `Network`.
    pub kind: String,
    /// The state before, of a change of state.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<String>,
    /// The state after.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<String>,
    /// The function of a session (SGP.22), of a step.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub step: Option<String>,
    /// Subject code, of a step that was refused.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject_code: Option<String>,
    /// Reason code.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason_code: Option<String>,
}

/// What was refused, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refused {
    /// When (RFC 3339).
    pub at: String,
    /// The function.
    pub step: Option<String>,
    /// Subject code (SGP.22 5.2.6.1).
    pub subject_code: String,
    /// Reason code (SGP.22 5.2.6.2).
    pub reason_code: String,
    /// What the codes mean, if the standard knows them.
    pub meaning: Option<String>,
    /// What can be done.
    pub remedy: Option<String>,
}

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

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(flatten)]
    others: serde_json::Map<String, Value>,
}

/// Makes receipts.
pub struct Receipts {
    store: Arc<Datastore>,
    provider: &'static dyn Provider,
    randomness: SharedRandomness,
}

impl Receipts {
    /// Receipts by the key that lies sealed in the datastore; it is made when it is needed first.
    pub fn new(store: Arc<Datastore>, provider: &'static dyn Provider, randomness: SharedRandomness) -> Self {
        Self { store, provider, randomness }
    }

    /// Signs what is to be said.
    ///
    /// # Errors
    /// The store's own failures, and those of the library of cryptography.
    pub async fn sign(&self, claims: &Claims, now: Timestamp) -> Result<String, Error> {
        let keys = self.keys(now).await?;
        let key = keys.first().ok_or(Error::Store(rsp_store::Error::Closed))?;
        let kid = jwk_of(key.public_key()).kid;
        let header =
            Header { alg: "ES256".to_owned(), kid, typ: Some(TYPE.to_owned()), others: serde_json::Map::new() };
        let part = |value: serde_json::Result<Vec<u8>>| URL_SAFE_NO_PAD.encode(value.unwrap_or_default());
        let signed = format!("{}.{}", part(serde_json::to_vec(&header)), part(serde_json::to_vec(claims)));
        let signature = self.provider.signer(key).and_then(|signer| signer.sign(signed.as_bytes()));
        let signature = signature.map_err(Error::Crypto)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_bytes())))
    }

    /// The keys that check receipts.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn jwks(&self, now: Timestamp) -> Result<Jwks, Error> {
        Ok(Jwks { keys: self.keys(now).await?.iter().map(|key| jwk_of(key.public_key())).collect() })
    }

    async fn keys(&self, now: Timestamp) -> Result<Vec<SecretKey>, Error> {
        let mut found = self.store.receipt_keys().await?;
        if found.is_empty() {
            let new = SecretKey::generate(Curve::P256, &mut self.randomness.clone());
            let (kid, secret) = (jwk_of(new.public_key()).kid.unwrap_or_default(), new.to_bytes());
            let made = self
                .store
                .run_tx("make receipt key", move |tx| tx.insert_first_receipt_key(&kid, secret.as_slice(), now));
            made.await?;
            // Another process may have been quicker.
            found = self.store.receipt_keys().await?;
        }
        let damaged = || rsp_store::Error::InvalidValue { table: "receipt_keys", column: "secret" };
        found
            .iter()
            .map(|key| {
                let scalar: &[u8; 32] = key.secret.as_slice().try_into().map_err(|_| damaged())?;
                SecretKey::from_bytes(Curve::P256, scalar).map_err(|_| damaged().into())
            })
            .collect()
    }
}

/// What a receipt of an eSIM says now.
pub fn claims_of(esim: &Esim, history: &[Event], server: &rsp_smdp::Identity, now: Timestamp) -> Claims {
    let refused = |event: &Event| {
        let (subject_code, reason_code) = (event.subject.clone()?, event.reason.clone()?);
        let explanation = explanation(&subject_code, &reason_code);
        Some(Refused {
            at: event.at.to_string(),
            step: event.step.clone(),
            subject_code,
            reason_code,
            meaning: explanation.map(|explanation| explanation.meaning.to_owned()),
            remedy: explanation.map(|explanation| explanation.remedy.to_owned()),
        })
    };
    Claims {
        iss: server.oid.clone(),
        iat: now.0,
        server: esim.own.then(|| server.address.clone()),
        tenant: esim.operator.clone(),
        iccid: esim.iccid.to_string(),
        eid: esim.eid.map(|eid| eid.to_string()),
        state_known: esim.own,
        state: esim.own.then(|| esim.state.to_string()),
        history: history
            .iter()
            .map(|event| Happened {
                at: event.at.to_string(),
                kind: event.kind.to_string(),
                from: event.from.map(|state| state.to_string()),
                to: event.to.map(|state| state.to_string()),
                step: event.step.clone(),
                subject_code: event.subject.clone(),
                reason_code: event.reason.clone(),
            })
            .collect(),
        last_refusal: history.iter().rev().find_map(refused),
    }
}

/// What a pair of codes means, if the standard knows it.
pub(crate) fn explanation(subject: &str, reason: &str) -> Option<&'static rsp_es::status::Explanation> {
    let (subject, reason) = (Subject::parse(subject).ok()?, Reason::parse(reason).ok()?);
    StatusCode { subject, reason, subject_identifier: None, message: None }.explanation()
}

/// Checks a receipt with the published keys of the server that made it.
///
/// # Errors
/// [`ReceiptError`].
pub fn verify(receipt: &str, keys: &Jwks, provider: &dyn Provider) -> Result<Claims, ReceiptError> {
    let (header, payload) = verify_jws(receipt.trim_end(), keys, provider)?;
    if header.typ.as_deref() != Some(TYPE) {
        return Err(ReceiptError::Header("another type"));
    }
    serde_json::from_slice(&payload).map_err(|_| ReceiptError::Claims)
}

fn verify_jws(jws: &str, keys: &Jwks, provider: &dyn Provider) -> Result<(Header, Vec<u8>), ReceiptError> {
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

fn jwk_of(key: &PublicKey) -> Jwk {
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

    use super::{Jwk, Jwks, ReceiptError, jwk_of, public_key_of, verify, verify_jws};

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

//! Signed receipts of what happened to an eSIM: a JWS (RFC 7515) by ES256, which anybody can check with the server's
//! published key.
//!
//! Whoever was refused can show what the server said, and why; the server cannot take it back, nor anybody change it.

mod jws;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsp_asn1::Timestamp;
use rsp_crypto::{Curve, Provider, SecretKey};
use rsp_es::status::{Reason, StatusCode, Subject};
use rsp_smdp::SharedRandomness;
use rsp_store::{Datastore, Event};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::desk::Esim;
use crate::error::Error;
use jws::{Header, jwk_of, verify_jws};
pub use jws::{Jwk, Jwks, ReceiptError};

/// What the header calls a receipt.
const TYPE: &str = "receipt+jwt";

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
    /// What happened, oldest first: a thousand events at most, the last ones.
    pub history: Vec<Happened>,
    /// Whether nothing else happened before; false if the oldest events were left out.
    #[serde(default)]
    pub history_complete: bool,
    /// What was refused last, if anything in the history was.
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
    /// More: what was used, whether the network lets the subscriber in (`active`, `suspended`), why a session was cancelled.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
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

/// What a receipt of an eSIM says now. `is_all` tells whether nothing happened before the history.
pub fn claims_of(
    esim: &Esim,
    (history, is_all): (&[Event], bool),
    server: &rsp_smdp::Identity,
    now: Timestamp,
) -> Claims {
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
                detail: event.detail.clone(),
            })
            .collect(),
        history_complete: is_all,
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

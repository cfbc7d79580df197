//! What is known of how an order was placed: what the TLS handshake agreed on, which pin the server's key is, and what the
//! order is bound to by the server's own answer. Nothing else is said.

use std::fmt;
use std::sync::Arc;

use rsp_asn1::Eid;
use rsp_es::client::{Es2PlusClient, TransportError};
use rsp_es::es2plus::ConfirmOrderResponse;
use rsp_es::printable::printable;
use rsp_pki::Certificate;

use super::{Error, MAX_TEXT, Order, Supplier};

/// The version that a secure order demands, as rustls writes it.
const TLS_1_3: &str = "TLSv1_3";

/// The facts of one order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Security {
    /// The TLS version of the connection to the SM-DP+, for example `TLSv1_3`.
    pub tls_version: Option<String>,
    /// Its cipher suite.
    pub cipher_suite: Option<String>,
    /// The pin that the server's public key is, if pins were given.
    pub pin: Option<[u8; 32]>,
    /// What somebody needs besides the activation code.
    pub binding: Binding,
}

/// What an order is bound to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Binding {
    /// The eUICC that the SM-DP+ named in its answer. One that was only asked for is none: SGP.22 5.3.2 lets the answer leave it
    /// out, and then nothing says that the order is bound.
    pub eid: Option<Eid>,
    /// Whether the SM-DP+ took a confirmation code with the order.
    pub confirmation_code: bool,
}

impl Binding {
    /// Whether the activation code alone is worth nothing.
    pub fn is_there(&self) -> bool {
        self.eid.is_some() || self.confirmation_code
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.eid, self.confirmation_code) {
            (Some(eid), true) => write!(f, "EID {eid} and confirmation code"),
            (Some(eid), false) => write!(f, "EID {eid}"),
            (None, true) => f.write_str("confirmation code"),
            (None, false) => f.write_str("none"),
        }
    }
}

/// What a secure order demands and does not get.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Insecure {
    /// Another version of TLS.
    #[error("TLS 1.3 is demanded, and the server agreed on {0}")]
    TlsVersion(String),
    /// There is no pin to compare the server's key with.
    #[error("a pin is demanded, and none is configured for this server")]
    NoPin,
    /// The server's key is none of the pinned ones.
    #[error("the server's key is none of the pinned ones: {0}")]
    WrongPin(String),
    /// The activation code alone would be enough to download the profile.
    #[error("the order must be bound to an EID or a confirmation code, and is bound to neither")]
    Unbound,
}

impl Security {
    /// What of a secure order is missing, if anything is.
    pub fn lacks(&self) -> Option<Insecure> {
        match self.tls_version.as_deref() {
            Some(TLS_1_3) => {}
            other => return Some(Insecure::TlsVersion(other.unwrap_or("nothing").to_owned())),
        }
        if self.pin.is_none() {
            return Some(Insecure::WrongPin("it was not compared".to_owned()));
        }
        (!self.binding.is_there()).then_some(Insecure::Unbound)
    }
}

impl Supplier {
    /// The same supplier over a transport of its own, which sends nothing over TLS of another version than 1.3.
    pub(super) fn over_fresh_tls_1_3(&self) -> Self {
        let transport = Arc::new(self.transport.fresh_tls_1_3());
        Self {
            name: self.name.clone(),
            client: Es2PlusClient::new(Arc::clone(&transport) as _, self.client.origin().clone()),
            transport,
            requester: self.requester.clone(),
            address: self.address.clone(),
            pins: self.pins.clone(),
        }
    }

    /// Opens a connection, and refuses what a secure order may not go over. Asks for nothing.
    pub(super) async fn require_secure(&self, wanted: &Order) -> Result<(), Error> {
        let insecure = |reason| Error::Insecure { supplier: self.name.clone(), reason };
        if self.pins.is_empty() {
            return Err(insecure(Insecure::NoPin));
        }
        if wanted.eid.is_none() && wanted.confirmation_code.is_none() {
            return Err(insecure(Insecure::Unbound));
        }
        self.transport.open(self.client.origin()).await.map_err(|error| match self.insecure(&error) {
            Some(reason) => insecure(reason),
            None => self.unreachable(printable(&error.to_string(), MAX_TEXT)),
        })?;
        let binding = Binding { eid: wanted.eid, confirmation_code: wanted.confirmation_code.is_some() };
        match self.facts(binding).lacks() {
            Some(reason) => Err(insecure(reason)),
            None => Ok(()),
        }
    }

    /// What of a connection that was not made does not suffice for a secure order, if it is that.
    pub(super) fn insecure(&self, error: &TransportError) -> Option<Insecure> {
        match error {
            TransportError::Tls { .. } => {
                let agreed = self.transport.negotiated().map(|negotiated| negotiated.version);
                agreed.filter(|version| version != TLS_1_3).map(Insecure::TlsVersion)
            }
            TransportError::Certificate { reason, .. } if reason.contains("pinned") => {
                Some(Insecure::WrongPin(printable(reason, MAX_TEXT)))
            }
            _ => None,
        }
    }

    /// What is known after the answer.
    pub(super) fn security(&self, wanted: &Order, answer: &ConfirmOrderResponse) -> Security {
        let binding = Binding { eid: answer.eid, confirmation_code: wanted.confirmation_code.is_some() };
        self.facts(binding)
    }

    /// What the last handshake agreed on: before anything is asked for that of the connection which was just opened, and after
    /// the answer that of the one over which it came.
    fn facts(&self, binding: Binding) -> Security {
        let negotiated = self.transport.negotiated();
        let pin = negotiated.as_ref().and_then(|negotiated| {
            let certificate = Certificate::from_der(negotiated.certificate.as_deref()?).ok()?;
            Some(certificate.public_key_sha256()).filter(|key| self.pins.contains(key))
        });
        let (tls_version, cipher_suite) = negotiated.map(|it| (it.version, it.cipher_suite)).unzip();
        Security { tls_version, cipher_suite, pin, binding }
    }
}

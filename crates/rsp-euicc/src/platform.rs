//! What every function of the eUICC works with: state, keys, randomness.

use std::sync::Arc;

use rsp_asn1::{Raw, Signature5F37, SubjectKeyIdentifier, pkix};
use rsp_crypto::{Curve, Provider, Randomness, SecretKey, Signer};
use rsp_pki::{Certificate, TrustStore};

use crate::ota::Concatenation;
use crate::state::StoredCredential;
use crate::toolkit::Toolkit;
use crate::{Error, EuiccState};

/// The eUICC's identity under one CI, ready to sign.
pub(crate) struct Credential {
    pub(crate) ci_key_id: SubjectKeyIdentifier,
    pub(crate) euicc_certificate: Raw<pkix::Certificate>,
    pub(crate) eum_certificate: Raw<pkix::Certificate>,
    signer: Arc<dyn Signer>,
}

impl Credential {
    fn load(stored: &StoredCredential, provider: &dyn Provider) -> Result<(Self, Certificate), Error> {
        let bad = |what: &str, error: &dyn std::fmt::Display| Error::StateContent(format!("{what}: {error}"));
        let certificate =
            |what: &'static str, der: &[u8]| Certificate::from_der(der).map_err(|error| bad(what, &error));
        let ci = certificate("CI certificate", &stored.ci_certificate)?;
        let eum = certificate("EUM certificate", &stored.eum_certificate)?;
        let euicc = certificate("eUICC certificate", &stored.euicc_certificate)?;
        let public_key = *euicc.public_key().map_err(|error| bad("eUICC certificate", &error))?;
        let key = SecretKey::from_bytes(public_key.curve(), &stored.secret_key.0)
            .map_err(|error| bad("eUICC key", &error))?;
        if *key.public_key() != public_key {
            return Err(Error::StateContent("the eUICC's key is not the one of its certificate".into()));
        }
        let ci_key_id = ci.subject_key_identifier().ok_or_else(|| bad("CI certificate", &"no key identifier"))?;
        let credential = Self {
            ci_key_id: SubjectKeyIdentifier(ci_key_id.to_vec().into()),
            euicc_certificate: euicc.raw().clone(),
            eum_certificate: eum.raw().clone(),
            signer: provider.signer(&key).map_err(|error| bad("eUICC key", &error))?,
        };
        Ok((credential, ci))
    }

    /// The curve of the CI, and so of everything under it.
    pub(crate) fn curve(&self) -> Curve {
        self.signer.public_key().curve()
    }

    /// Signs with SK.EUICC; `None` when the library fails, which leaves nothing but an unknown error to report.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Signature5F37> {
        let signature = self.signer.sign(message).ok()?;
        Some(Signature5F37(signature.as_bytes().to_vec().into()))
    }
}

/// The parts that outlive a reset, and what the terminal said since.
pub(crate) struct Platform {
    pub(crate) state: EuiccState,
    /// By preference, as in the state.
    pub(crate) credentials: Vec<Credential>,
    pub(crate) anchors: TrustStore,
    pub(crate) provider: &'static dyn Provider,
    pub(crate) randomness: Box<dyn Randomness>,
    /// Set by whoever changed `state`: it is committed before the answer leaves.
    pub(crate) changed: bool,
    /// Set when another profile was enabled, or none: the UICC side starts anew.
    pub(crate) switched: bool,
    /// Short messages that are parts of one that is not whole yet.
    pub(crate) concatenation: Concatenation,
    /// What the terminal can do, and what it was asked to.
    pub(crate) toolkit: Toolkit,
}

impl Platform {
    pub(crate) fn new(
        state: EuiccState,
        provider: &'static dyn Provider,
        randomness: Box<dyn Randomness>,
    ) -> Result<Self, Error> {
        let mut credentials = Vec::new();
        let mut anchors = Vec::new();
        for stored in &state.credentials {
            let (credential, anchor) = Credential::load(stored, provider)?;
            credentials.push(credential);
            anchors.push(anchor);
        }
        let anchors = TrustStore::new(anchors);
        let toolkit = Toolkit::default();
        Ok(Self {
            state,
            credentials,
            anchors,
            provider,
            randomness,
            changed: false,
            switched: false,
            toolkit,
            concatenation: Concatenation::default(),
        })
    }

    pub(crate) fn credential(&self, ci_key_id: &[u8]) -> Option<&Credential> {
        self.credentials.iter().find(|credential| credential.ci_key_id.0.as_ref() == ci_key_id)
    }

    /// CI keys in order of preference: the same for verification and for signing.
    pub(crate) fn ci_key_ids(&self) -> Vec<SubjectKeyIdentifier> {
        self.credentials.iter().map(|credential| credential.ci_key_id.clone()).collect()
    }
}

//! Making an eUICC: what the EUM puts into it (SGP.22 2.4.2, 4.5.2).

use rsp_asn1::{Eid, GetRatResponse};
use rsp_crypto::{Provider, SecretKey};
use rsp_pki::{Certificate, TrustStore, Validation, validate_euicc};

use crate::state::{FIRST_ISDP, StoredCredential, StoredSecret};
use crate::{Error, EuiccState, rat};

/// Memory for profiles, in bytes.
const CAPACITY: u32 = 10_000_000;

/// The eUICC's identity under one CI.
pub struct Credential {
    /// CERT.CI.ECDSA: servers under it are believed.
    pub ci: Certificate,
    /// CERT.EUM.ECDSA.
    pub eum: Certificate,
    /// CERT.EUICC.ECDSA.
    pub euicc: Certificate,
    /// SK.EUICC.ECDSA.
    pub key: SecretKey,
}

/// What distinguishes one eUICC from another.
pub struct Manufacture {
    credentials: Vec<Credential>,
    default_dp_address: String,
    root_ds_address: String,
    capacity: u32,
    accept_published_keys: bool,
    rat: GetRatResponse,
}

impl Manufacture {
    /// An eUICC with one identity per CI, in order of preference.
    pub fn new(credentials: Vec<Credential>) -> Self {
        Self {
            credentials,
            default_dp_address: String::new(),
            root_ds_address: "lpa.ds.gsma.com".into(),
            capacity: CAPACITY,
            accept_published_keys: false,
            rat: rat::default_table(),
        }
    }

    /// The default SM-DP+ address that it leaves the factory with, and that a memory reset restores; none if empty.
    pub fn default_dp_address(mut self, address: impl Into<String>) -> Self {
        self.default_dp_address = address.into();
        self
    }

    /// The address of the root SM-DS, instead of GSMA's.
    pub fn root_ds_address(mut self, address: impl Into<String>) -> Self {
        self.root_ds_address = address.into();
        self
    }

    /// Memory for profiles in bytes, instead of 10,000,000.
    pub fn capacity(mut self, bytes: u32) -> Self {
        self.capacity = bytes;
        self
    }

    /// Whether published keys, such as those of the generic test profiles, are as good as others. By default they are not: a
    /// profile whose security domain opens with them is installed for tests only, and messages over the air that are
    /// protected with them do not count.
    pub fn accept_published_keys(mut self, accept: bool) -> Self {
        self.accept_published_keys = accept;
        self
    }

    /// The Rules Authorisation Table (SGP.22 2.9.2), instead of one that lets every operator set PPR1 and PPR2 with the End
    /// User's consent. Nothing changes it later.
    pub fn rat(mut self, table: GetRatResponse) -> Self {
        self.rat = table;
        self
    }

    /// Checks that keys and certificates belong together, under one EID, and makes the state of a new eUICC.
    ///
    /// # Errors
    /// [`Error::Manufacture`] naming what does not fit.
    pub fn build(self, provider: &dyn Provider) -> Result<EuiccState, Error> {
        let bad = |what: String| Err(Error::Manufacture(what));
        let mut eid: Option<Eid> = None;
        let mut stored = Vec::new();
        for credential in &self.credentials {
            // Without a date: an eUICC does not know it, and published test certificates have expired.
            let validation = Validation { provider, now: None, crls: &[], crl_max_age: None };
            let anchors = TrustStore::new(vec![credential.ci.clone()]);
            let identity = validate_euicc(&validation, &credential.euicc, &credential.eum, &anchors)
                .map_err(|error| Error::Manufacture(error.to_string()))?;
            if credential.key.public_key() != identity.public_key() {
                return bad("the private key is not the one of the eUICC's certificate".into());
            }
            match eid {
                Some(eid) if eid != identity.eid() => {
                    return bad(format!("the certificates are for two EIDs: {eid} and {}", identity.eid()));
                }
                _ => eid = Some(identity.eid()),
            }
            stored.push(StoredCredential {
                ci_certificate: credential.ci.der().to_vec(),
                eum_certificate: credential.eum.der().to_vec(),
                euicc_certificate: credential.euicc.der().to_vec(),
                secret_key: StoredSecret(*credential.key.to_bytes()),
            });
        }
        let Some(eid) = eid else { return bad("no certificate".into()) };
        Ok(EuiccState {
            eid: eid.0,
            credentials: stored,
            default_dp_address: self.default_dp_address.clone(),
            initial_dp_address: self.default_dp_address,
            root_ds_address: self.root_ds_address,
            rat: rsp_asn1::encode(&self.rat).map_err(|error| Error::Manufacture(error.to_string()))?,
            capacity: self.capacity,
            profiles: Vec::new(),
            next_isdp: FIRST_ISDP,
            enabled_before_test: None,
            displaced: None,
            notifications: Vec::new(),
            next_sequence_number: 1,
            pending_load: None,
            one_time_keys: Vec::new(),
            accept_published_keys: Some(self.accept_published_keys),
            crls: Vec::new(),
        })
    }
}

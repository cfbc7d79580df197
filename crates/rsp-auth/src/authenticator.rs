//! What a server authenticates with: its address, its credentials and the CIs that it trusts.

use std::sync::{Arc, PoisonError, RwLock};

use rsp_asn1::{Raw, SubjectKeyIdentifier, Timestamp, TransactionId, VersionType, pkix};
use rsp_crypto::Provider;
use rsp_pki::{
    Certificate, Crl, Failure, PathError, Role, TrustStore, ValidPath, Validation, validate, validate_euicc,
};

use crate::address::ServerAddress;
use crate::authenticate::ExpectAuthenticateClient;
use crate::challenges::{Challenges, Terms};
use crate::credential::Credential;
use crate::error::Error;
use crate::euicc::Euicc;
use crate::remembering::Remembering;

/// The lowest version of SGP.22 whose messages are those of this program.
const MINIMUM_SVN: VersionType = VersionType([2, 0, 0]);

/// A server's part in common mutual authentication.
pub struct Authenticator {
    pub(crate) address: ServerAddress,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) minimum_svn: VersionType,
    pub(crate) challenges: Box<dyn Challenges>,
    anchors: TrustStore,
    crls: RwLock<Arc<[Crl]>>,
    crl_max_age: Option<i64>,
    pub(crate) maximum_svn: Option<VersionType>,
    provider: Remembering,
}

impl Authenticator {
    /// Takes the server's credentials for authentication, one per CI, and checks that each is of `role` (DPauth or
    /// DSauth) under a trusted CI. Whether it has expired is looked at when it is used.
    ///
    /// # Errors
    /// [`Error::OwnCertificateInvalid`].
    pub fn new(
        address: ServerAddress,
        role: Role,
        credentials: Vec<Credential>,
        anchors: TrustStore,
        crls: Vec<Crl>,
        provider: &'static dyn Provider,
        challenges: Box<dyn Challenges>,
    ) -> Result<Self, Error> {
        let keys = anchors.iter().filter_map(|anchor| anchor.public_key().ok().copied()).collect();
        let authenticator = Self {
            address,
            credentials,
            minimum_svn: MINIMUM_SVN,
            challenges,
            anchors,
            crls: RwLock::new(crls.into()),
            crl_max_age: None,
            maximum_svn: None,
            provider: Remembering::new(provider, keys),
        };
        authenticator.credentials.iter().try_for_each(|credential| authenticator.check_own(role, credential))?;
        Ok(authenticator)
    }

    /// Refuses eUICCs below this version from now on.
    #[must_use]
    pub fn with_minimum_svn(self, minimum_svn: VersionType) -> Self {
        Self { minimum_svn, ..self }
    }

    /// Refuses eUICCs above this version from now on.
    #[must_use]
    pub fn with_maximum_svn(self, maximum_svn: Option<VersionType>) -> Self {
        Self { maximum_svn, ..self }
    }

    /// Refuses eUICCs from now on whose EUM is on no CRL, or on one that is older than so many seconds.
    #[must_use]
    pub fn with_crl_max_age(self, crl_max_age: Option<i64>) -> Self {
        Self { crl_max_age, ..self }
    }

    /// Takes newer CRLs.
    pub fn renew_crls(&self, crls: Vec<Crl>) {
        *self.crls.write().unwrap_or_else(PoisonError::into_inner) = crls.into();
    }

    fn crls(&self) -> Arc<[Crl]> {
        Arc::clone(&self.crls.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes transactionIds and serverChallenges from elsewhere from now on.
    #[must_use]
    pub fn with_challenges(self, challenges: Box<dyn Challenges>) -> Self {
        Self { challenges, ..self }
    }

    /// Checks that a credential of this server is of `role` under a trusted CI, whatever its dates.
    ///
    /// # Errors
    /// [`Error::OwnCertificateInvalid`].
    pub fn check_own(&self, role: Role, credential: &Credential) -> Result<(), Error> {
        let crls = self.crls();
        let validation = Validation { provider: &self.provider, now: None, crls: &crls, crl_max_age: None };
        validate(&validation, role, credential.certificate(), &[], &self.anchors)
            .map(drop)
            .map_err(Error::OwnCertificateInvalid)
    }

    /// Validates the certificate of another server, or of an operator, that must be of `role` under a trusted CI, now.
    ///
    /// # Errors
    /// Why it is not.
    pub fn identify_server(
        &self,
        role: Role,
        certificate: &Certificate,
        now: Timestamp,
    ) -> Result<ValidPath, PathError> {
        let (crls, crl_max_age) = (self.crls(), self.crl_max_age);
        let validation = Validation { provider: &self.provider, now: Some(now), crls: &crls, crl_max_age };
        validate(&validation, role, certificate, &[], &self.anchors)
    }

    /// The session that waits for AuthenticateClient under this transactionId. `None` when this server gave it to nobody,
    /// or when its time is over; whether it has begun already only the caller knows.
    pub fn awaiting(&self, transaction_id: &TransactionId, now: Timestamp) -> Option<ExpectAuthenticateClient> {
        let anchors: Vec<_> = self.anchors.iter().filter_map(Certificate::subject_key_identifier).collect();
        let (credential_ci, euicc_ci, begins_by) = self.credentials.iter().find_map(|credential| {
            anchors.iter().find_map(|anchor| {
                let euicc_ci = SubjectKeyIdentifier(anchor.to_vec().into());
                let terms = Terms { credential_ci: credential.ci(), euicc_ci: &euicc_ci };
                let begins_by = self.challenges.begins_by(&terms, transaction_id)?;
                Some((credential.ci().clone(), euicc_ci, begins_by))
            })
        })?;
        (now <= begins_by).then(|| ExpectAuthenticateClient {
            transaction_id: transaction_id.clone(),
            begins_by,
            credential_ci,
            euicc_ci,
        })
    }

    /// The credential under this CI.
    pub fn credential(&self, ci: &SubjectKeyIdentifier) -> Option<&Credential> {
        self.credentials.iter().find(|credential| credential.ci() == ci)
    }

    /// The provider of the public-key operations.
    pub fn provider(&self) -> &'static dyn Provider {
        self.provider.provider()
    }

    /// Whether the CI with this key identifier is trusted.
    pub(crate) fn trusts(&self, ci: &SubjectKeyIdentifier) -> bool {
        self.anchors.get(&ci.0).is_some()
    }

    /// Validates the certificates of an eUICC that may be under any trusted CI.
    ///
    /// # Errors
    /// [`Error::CiUnknown`] and the certificate errors.
    pub fn identify_any(
        &self,
        euicc: &Raw<pkix::Certificate>,
        eum: &Raw<pkix::Certificate>,
        now: Timestamp,
    ) -> Result<Euicc, Error> {
        let euicc = Certificate::from_raw(euicc.clone());
        let eum = Certificate::from_raw(eum.clone());
        let (crls, crl_max_age) = (self.crls(), self.crl_max_age);
        let validation = Validation { provider: &self.provider, now: Some(now), crls: &crls, crl_max_age };
        let identity = validate_euicc(&validation, &euicc, &eum, &self.anchors).map_err(refused)?;
        Ok(Euicc {
            eid: identity.eid(),
            public_key: *identity.public_key(),
            ci: SubjectKeyIdentifier(identity.ci_key_id().to_vec().into()),
        })
    }

    /// Validates the certificates of an eUICC that must be under `ci`.
    pub(crate) fn identify(
        &self,
        euicc: &Raw<pkix::Certificate>,
        eum: &Raw<pkix::Certificate>,
        ci: &SubjectKeyIdentifier,
        now: Timestamp,
    ) -> Result<Euicc, Error> {
        let identified = self.identify_any(euicc, eum, now)?;
        // Another CI than the one asked for, trusted or not, is none that this session knows.
        if identified.ci == *ci { Ok(identified) } else { Err(Error::CiUnknown) }
    }
}

/// Sorts a refused path by the certificate at fault.
fn refused(error: PathError) -> Error {
    match (error.failure(), error.certificate) {
        (Failure::UnknownCi, _) => Error::CiUnknown,
        (Failure::Expired, Role::Euicc) => Error::EuiccCertificateExpired(error),
        (Failure::Expired, _) => Error::EumCertificateExpired(error),
        (_, Role::Euicc) => Error::EuiccCertificateInvalid(error),
        _ => Error::EumCertificateInvalid(error),
    }
}

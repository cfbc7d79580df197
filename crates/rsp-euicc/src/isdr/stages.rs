//! The stages of a session, each with what the next one needs (SGP.22 3.0.1, 3.1.3).
//!
//! Fields are private and constructors take [proofs](super::proofs), so no stage exists without the checks that lead to
//! it. The last one, the [load](super::package), has a module of its own.

use rsp_asn1::{ObjectIdentifier, Signature5F37, SubjectKeyIdentifier, TransactionId};
use rsp_crypto::{PublicKey, SecretKey};
use rsp_pki::Role;

use super::proofs::{EuiccChallengeMatches, SmdpSignature2Verified, TransactionIdMatches};

/// What AuthenticateServer leaves.
pub(crate) struct Authenticated {
    transaction_id: TransactionId,
    server_address: String,
    server_role: Role,
    server_oid: ObjectIdentifier,
    server_ci_key_id: Vec<u8>,
    ci_key_id: SubjectKeyIdentifier,
    euicc_signature1: Signature5F37,
}

impl Authenticated {
    /// A server authenticated itself; the eUICC answers under the CI `ci_key_id` with `euicc_signature1`.
    pub(super) fn new(
        server: &EuiccChallengeMatches<'_>,
        ci_key_id: SubjectKeyIdentifier,
        euicc_signature1: Signature5F37,
    ) -> Self {
        Self {
            transaction_id: server.signed().transaction_id.clone(),
            server_address: server.signed().server_address.clone(),
            server_role: server.certificate().role(),
            server_oid: server.certificate().oid().clone(),
            server_ci_key_id: server.certificate().ci_key_id().to_vec(),
            ci_key_id,
            euicc_signature1,
        }
    }

    pub(super) fn transaction_id(&self) -> &TransactionId {
        &self.transaction_id
    }

    pub(super) fn server_address(&self) -> &str {
        &self.server_address
    }

    /// DPauth or DSauth: only an SM-DP+ has profiles to give.
    pub(super) fn server_role(&self) -> Role {
        self.server_role
    }

    /// subjectAltName registeredID of CERT.DPauth or CERT.DSauth.
    pub(super) fn server_oid(&self) -> &ObjectIdentifier {
        &self.server_oid
    }

    /// authorityKeyIdentifier of that certificate: CERT.DPpb must have the same.
    pub(super) fn server_ci_key_id(&self) -> &[u8] {
        &self.server_ci_key_id
    }

    /// The CI under which the eUICC signs in this session.
    pub(super) fn ci_key_id(&self) -> &SubjectKeyIdentifier {
        &self.ci_key_id
    }

    pub(super) fn euicc_signature1(&self) -> &Signature5F37 {
        &self.euicc_signature1
    }
}

/// What PrepareDownload leaves.
pub(crate) struct Prepared {
    authenticated: Authenticated,
    smdp_public_key: PublicKey,
    one_time_key: SecretKey,
}

impl Prepared {
    /// The server of the session signed smdpSigned2 for it.
    pub(super) fn new(authenticated: Authenticated, accepted: Accepted) -> Self {
        Self { authenticated, smdp_public_key: accepted.smdp_public_key, one_time_key: accepted.one_time_key }
    }

    pub(super) fn authenticated(&self) -> &Authenticated {
        &self.authenticated
    }

    pub(super) fn into_authenticated(self) -> Authenticated {
        self.authenticated
    }

    /// PK.DPpb.ECDSA.
    pub(super) fn smdp_public_key(&self) -> &PublicKey {
        &self.smdp_public_key
    }

    /// otSK.EUICC.ECKA.
    pub(super) fn one_time_key(&self) -> &SecretKey {
        &self.one_time_key
    }
}

/// A download that was accepted and answered, before the session moves on to [`Prepared`].
pub(crate) struct Accepted {
    smdp_public_key: PublicKey,
    one_time_key: SecretKey,
}

impl Accepted {
    /// smdpSigned2 is the server's and speaks of this session; the eUICC answers with `one_time_key`.
    pub(super) fn new(smdp: &SmdpSignature2Verified<'_>, _: TransactionIdMatches, one_time_key: SecretKey) -> Self {
        Self { smdp_public_key: *smdp.public_key(), one_time_key }
    }
}

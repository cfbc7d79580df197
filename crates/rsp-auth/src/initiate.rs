//! InitiateAuthentication: the server signs the eUICC's challenge (SGP.22 5.6.1, 5.8.1).

use rsp_asn1::{
    EuiccInfo1, Octet16, Raw, ServerSigned1, Signature5F37, SubjectKeyIdentifier, Timestamp, TransactionId, Unknown,
    VersionType, pkix,
};
use rsp_crypto::Randomness;

use crate::authenticator::Authenticator;
use crate::challenges::Terms;
use crate::credential::Credential;
use crate::error::Error;

/// What the server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initiated {
    /// Names the session.
    pub transaction_id: TransactionId,
    /// What the server signed.
    pub server_signed1: Raw<ServerSigned1>,
    /// By SK.DPauth or SK.DSauth over `server_signed1`.
    pub server_signature1: Signature5F37,
    /// The CI under which the eUICC shall sign.
    pub euicc_ci_pk_id_to_be_used: SubjectKeyIdentifier,
    /// The server's certificate for authentication.
    pub server_certificate: Raw<pkix::Certificate>,
}

impl Authenticator {
    /// Checks the request, in the order of SGP.22 5.6.1: address, version, CI, certificate; and answers it.
    ///
    /// `server_address` is what the LPA called; the signed data repeat it as it stands. Nothing has to be remembered:
    /// [`Authenticator::awaiting`] recognises the session when the eUICC answers, until `begins_by`.
    ///
    /// # Errors
    /// [`Error::AddressRefused`], [`Error::SvnUnsupported`], [`Error::CiUnsupported`],
    /// [`Error::CertificateUnavailable`].
    pub fn initiate(
        &self,
        euicc_challenge: Octet16,
        euicc_info1: &EuiccInfo1,
        server_address: &str,
        now: Timestamp,
        begins_by: Timestamp,
        randomness: &mut dyn Randomness,
    ) -> Result<Initiated, Error> {
        if !self.address.is(server_address) {
            return Err(Error::AddressRefused);
        }
        self.check_svn(euicc_info1.svn)?;
        let (credential, ci) = self.choose(euicc_info1, now)?;
        let terms = Terms { credential_ci: credential.ci(), euicc_ci: &ci };
        let transaction_id = self.challenges.transaction_id(&terms, begins_by, randomness);
        let server_challenge = self.challenges.server_challenge(&terms, &transaction_id, server_address);
        let server_signed1 = Raw::new(ServerSigned1 {
            transaction_id: transaction_id.clone(),
            euicc_challenge,
            server_address: server_address.to_owned(),
            server_challenge,
            unknown: Unknown::default(),
        })?;
        let signature = credential.sign(server_signed1.bytes())?;
        Ok(Initiated {
            transaction_id,
            server_signed1,
            server_signature1: signature,
            server_certificate: credential.certificate().raw().clone(),
            euicc_ci_pk_id_to_be_used: ci,
        })
    }

    /// Same major version as SGP.22 version 2, not below the configured minimum and not above the maximum.
    pub(crate) fn check_svn(&self, svn: VersionType) -> Result<(), Error> {
        let served =
            svn.0[0] == SVN_MAJOR && svn >= self.minimum_svn && self.maximum_svn.is_none_or(|maximum| svn <= maximum);
        if served { Ok(()) } else { Err(Error::SvnUnsupported(svn)) }
    }

    /// The credential with which the server signs, and the CI under which the eUICC shall.
    ///
    /// Both lists are in the eUICC's order of preference. If it can sign under the CI of the chosen credential, it
    /// shall: then the whole session stays on one curve.
    fn choose<'a>(
        &'a self,
        info: &EuiccInfo1,
        now: Timestamp,
    ) -> Result<(&'a Credential, SubjectKeyIdentifier), Error> {
        let verification = &info.euicc_ci_pk_id_list_for_verification;
        if !verification.iter().any(|ci| self.trusts(ci)) {
            return Err(Error::CiUnsupported);
        }
        let credential = verification
            .iter()
            .find_map(|ci| self.credentials.iter().find(|credential| credential.serves(ci, now)))
            .ok_or(Error::CertificateUnavailable)?;
        let signing = &info.euicc_ci_pk_id_list_for_signing;
        let ci = signing
            .iter()
            .find(|ci| *ci == credential.ci())
            .or_else(|| signing.iter().find(|ci| self.trusts(ci)))
            .ok_or(Error::CertificateUnavailable)?;
        Ok((credential, ci.clone()))
    }
}

/// The major version of SGP.22 that this server speaks.
const SVN_MAJOR: u8 = 2;

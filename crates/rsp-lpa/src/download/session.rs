//! The states of a download session after the common mutual authentication: each owns what the next step needs, and is consumed by taking it.

use rsp_apdu::CardError;
use rsp_asn1::{
    CancelSessionReason, DownloadErrorCode, FinalResult, Octet32, PendingNotification, PrepareDownloadRequest,
    PrepareDownloadResponse, Raw, StoreMetadataRequest, TransactionId, Unknown,
};
use rsp_es::client::Es9PlusClient;
use rsp_es::es9plus::{AuthenticateClientResponse, GetBoundProfilePackageRequest};

use super::checks;
use super::{Installed, Remembered, Trust};
use crate::authentication::{EuiccAnswer, ServerIdentity};
use crate::end_user::{Decision, EndUser, ProfileOffer};
use crate::error::{Cause, Error, InstallationFailure, WrongServer};
use crate::event::Step;
use crate::local::refused;
use crate::lpa::Lpa;
use crate::policy::{self, AllowedRule};
use crate::segments::SegmentedPackage;

/// Why a session ends early, and what eUICC and server are to be told.
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) cancel: Option<CancelSessionReason>,
}

impl Failure {
    fn cancelling(reason: CancelSessionReason) -> impl Fn(Error) -> Self {
        move |error| Self { error, cancel: Some(reason) }
    }
}

/// An error that leaves nothing to cancel: the other side has ended the session, or cannot be reached.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, cancel: None }
    }
}

/// Proof that the End User agreed to the metadata. Only [`Offered::ask`] makes one.
struct EndUserConsent(());

/// Proof that the package carries the metadata that the End User agreed to. Only [`ExpectPackage::fetch`] makes one.
struct MetadataVerified(());

/// Waiting for ES9+.AuthenticateClient: the eUICC has authenticated itself.
pub(super) struct ExpectMetadata(EuiccAnswer);

impl ExpectMetadata {
    pub(super) fn new(answer: EuiccAnswer) -> Self {
        Self(answer)
    }

    pub(super) async fn authenticate_client(
        self,
        lpa: &mut Lpa<'_>,
        server: &Es9PlusClient,
        trust: &Trust<'_>,
    ) -> Result<Offered, Failure> {
        let Self(EuiccAnswer { message, server: smdp }) = self;
        let call = server.authenticate_client(&message);
        let answer = lpa.server_step(Step::AuthenticateClient, server, call).await?;
        lpa.step(Step::VerifyServer, |_| {
            checks::binding_certificate(&answer, &message.transaction_id, &smdp, trust)?;
            Ok(((), 0))
        })
        // The fault is the server's and may be mended: the order is left as it is.
        .map_err(Failure::cancelling(CancelSessionReason::POSTPONED))?;
        Ok(Offered { answer, smdp, smdp_address: server.origin().authority() })
    }
}

/// Waiting for the End User: the server has said what it would deliver.
pub(super) struct Offered {
    answer: AuthenticateClientResponse,
    smdp: ServerIdentity,
    smdp_address: String,
}

impl Offered {
    pub(super) fn ask(
        self,
        lpa: &mut Lpa<'_>,
        end_user: &mut dyn EndUser,
        remembered: &mut Remembered,
    ) -> Result<Agreed, Failure> {
        let metadata = &self.answer.profile_metadata;
        let rules = self.policy(lpa)?;
        let code_required = self.answer.smdp_signed2.value().cc_required_flag;
        let offer = ProfileOffer::new(metadata.value(), rules, &self.smdp_address, code_required);

        if remembered.agreed.as_deref() != Some(metadata.bytes()) {
            *remembered = Remembered::default();
            let decision = lpa.step(Step::EndUserConsent, |_| Ok((end_user.consent(&offer), 0)))?;
            let reason = match decision {
                Decision::Install => None,
                Decision::Reject => Some(CancelSessionReason::END_USER_REJECTION),
                Decision::Postpone => Some(CancelSessionReason::POSTPONED),
                Decision::NoAnswer => Some(CancelSessionReason::TIMEOUT),
            };
            if let Some(reason) = reason {
                return Err(Failure::cancelling(reason)(Error::new(Step::EndUserConsent, Cause::EndUser(decision))));
            }
            remembered.agreed = Some(metadata.bytes().to_vec());
        }

        let hash_cc = if code_required {
            if remembered.code.is_none() {
                remembered.code = lpa.step(Step::ConfirmationCode, |_| Ok((end_user.confirmation_code(&offer), 0)))?;
            }
            // Without a code nothing is decided yet: the order stays as it is.
            let code = remembered.code.as_ref().ok_or_else(|| {
                let error = Error::new(Step::ConfirmationCode, Cause::NoConfirmationCode);
                Failure::cancelling(CancelSessionReason::POSTPONED)(error)
            })?;
            Some(Octet32(code.hash(&self.answer.transaction_id)))
        } else {
            None
        };
        Ok(Agreed { answer: self.answer, smdp: self.smdp, offer, hash_cc, consent: EndUserConsent(()) })
    }

    /// The profile's policy rules, if this eUICC allows them. The eUICC is asked only when there are any.
    fn policy(&self, lpa: &mut Lpa<'_>) -> Result<Vec<AllowedRule>, Failure> {
        let metadata = self.answer.profile_metadata.value();
        let has_rules = metadata.profile_policy_rules.as_ref().is_some_and(|rules| rules.bits().next().is_some());
        if !has_rules {
            return Ok(Vec::new());
        }
        let rat = lpa.rules_authorisation_table()?;
        let installed = lpa.profiles()?;
        policy::check(metadata, &rat, &installed).map_err(|refusal| {
            Failure::cancelling(CancelSessionReason::PPR_NOT_ALLOWED)(Error::new(Step::VerifyMetadata, refusal))
        })
    }
}

/// Waiting for ES10b.PrepareDownload: the End User has agreed.
pub(super) struct Agreed {
    answer: AuthenticateClientResponse,
    smdp: ServerIdentity,
    offer: ProfileOffer,
    hash_cc: Option<Octet32>,
    consent: EndUserConsent,
}

impl Agreed {
    pub(super) async fn prepare(self, lpa: &mut Lpa<'_>, server: &Es9PlusClient) -> Result<ExpectPackage, Failure> {
        let Self { answer, smdp, offer, hash_cc, consent: EndUserConsent(()) } = self;
        let message = PrepareDownloadRequest {
            smdp_signed2: answer.smdp_signed2,
            smdp_signature2: answer.smdp_signature2,
            hash_cc,
            smdp_certificate: answer.smdp_certificate,
            unknown: Unknown::default(),
        };
        let prepare_download_response: Raw<PrepareDownloadResponse> = lpa.call(Step::PrepareDownload, &message)?;
        let refusal = match prepare_download_response.value() {
            PrepareDownloadResponse::Ok(_) => None,
            PrepareDownloadResponse::Error(error) => Some(error.download_error_code),
        };
        let message =
            GetBoundProfilePackageRequest { transaction_id: answer.transaction_id, prepare_download_response };
        if let Some(code) = refusal {
            // The server is told, so that its session ends too; what it answers changes nothing.
            let call = server.get_bound_profile_package(&message);
            let _ = lpa.server_step(Step::GetBoundProfilePackage, server, call).await;
            let remedy = match code {
                DownloadErrorCode::NO_SESSION_CONTEXT => "Another program used the eUICC meanwhile: start again.",
                _ => "The eUICC does not accept the server's signature: report it to the operator.",
            };
            return Err(refused(Step::PrepareDownload, code.to_string(), remedy).into());
        }
        Ok(ExpectPackage { message, smdp, offer, metadata: answer.profile_metadata })
    }
}

/// Waiting for ES9+.GetBoundProfilePackage: the eUICC has given its one-time key.
pub(super) struct ExpectPackage {
    message: GetBoundProfilePackageRequest,
    smdp: ServerIdentity,
    offer: ProfileOffer,
    metadata: Raw<StoreMetadataRequest>,
}

impl ExpectPackage {
    pub(super) async fn fetch(self, lpa: &mut Lpa<'_>, server: &Es9PlusClient) -> Result<Loadable, Failure> {
        let call = server.get_bound_profile_package(&self.message);
        let answer = lpa.server_step(Step::GetBoundProfilePackage, server, call).await?;
        if answer.transaction_id != self.message.transaction_id {
            let wrong = WrongServer::TransactionId("the answer to GetBoundProfilePackage");
            let error = Error::new(Step::GetBoundProfilePackage, wrong);
            // As with the binding certificate: the fault is the server's, and the order is left as it is.
            return Err(Failure::cancelling(CancelSessionReason::POSTPONED)(error));
        }
        let package = SegmentedPackage::cut(answer.bound_profile_package).map_err(|error| {
            let error = Error::new(Step::GetBoundProfilePackage, error);
            Failure::cancelling(CancelSessionReason::LOAD_BPP_EXECUTION_ERROR)(error)
        })?;
        lpa.step(Step::VerifyMetadata, |_| {
            checks::metadata(&self.metadata, package.metadata())?;
            Ok(((), 0))
        })
        .map_err(Failure::cancelling(CancelSessionReason::METADATA_MISMATCH))?;
        Ok(Loadable {
            package,
            transaction_id: self.message.transaction_id,
            smdp: self.smdp,
            offer: self.offer,
            metadata: self.metadata,
            verified: MetadataVerified(()),
        })
    }
}

/// Ready for ES10b.LoadBoundProfilePackage.
pub(super) struct Loadable {
    package: SegmentedPackage,
    transaction_id: TransactionId,
    smdp: ServerIdentity,
    offer: ProfileOffer,
    metadata: Raw<StoreMetadataRequest>,
    verified: MetadataVerified,
}

impl Loadable {
    pub(super) fn load(self, lpa: &mut Lpa<'_>) -> Result<Installed, Failure> {
        let MetadataVerified(()) = self.verified;
        let result = lpa
            .step(Step::LoadBoundProfilePackage, |lpa| {
                let (answer, bytes) = send(lpa, &self.package)?;
                Ok((Raw::<PendingNotification>::from_der(&answer).map_err(Cause::MalformedAnswer)?, bytes))
            })
            .map_err(|error| {
                // A card that answered has a session to end; with one that did not there is nobody to talk to.
                let answered = matches!(
                    *error.cause,
                    Cause::Card(CardError::Refused { .. }) | Cause::NoInstallationResult | Cause::MalformedAnswer(_)
                );
                let cancel = answered.then_some(CancelSessionReason::LOAD_BPP_EXECUTION_ERROR);
                Failure { error, cancel }
            })?;
        let PendingNotification::ProfileInstallationResult(result) = result.value() else {
            return Err(Error::new(Step::LoadBoundProfilePackage, Cause::NoInstallationResult).into());
        };
        let data = result.profile_installation_result_data.value();
        match &data.final_result {
            FinalResult::Success(success) => Ok(Installed {
                iccid: self.metadata.value().iccid,
                isdp_aid: success.aid.0.to_vec(),
                offer: self.offer,
                seq_number: data.notification_metadata.seq_number,
                bpp_bytes: self.package.len(),
                transaction_id: self.transaction_id,
                ci_key_id: self.smdp.ci_key_id,
                smdp_oid: self.smdp.oid,
            }),
            // The result ends the session on both sides; it goes to the server as a notification.
            FinalResult::Error(error) => {
                let failure = InstallationFailure {
                    command: error.bpp_command_id,
                    reason: error.error_reason,
                    element: error.sima_response.as_deref().and_then(checks::failed_element),
                };
                Err(Error::new(Step::LoadBoundProfilePackage, failure).into())
            }
        }
    }
}

/// Sends segment by segment until the eUICC gives its result. The result, and the bytes of both directions.
fn send(lpa: &mut Lpa<'_>, package: &SegmentedPackage) -> Result<(Vec<u8>, u64), Cause> {
    let mut total = 0;
    for segment in package.segments() {
        let (answer, bytes) = lpa.exchange(segment)?;
        total += bytes;
        if !answer.is_empty() {
            return Ok((answer, total));
        }
    }
    Err(Cause::NoInstallationResult)
}

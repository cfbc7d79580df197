//! ES9+.CancelSession (SGP.22 5.6.5): the device gives up and says why.

use rsp_asn1::{CancelSessionReason, CancelSessionResponse, CancelSessionResponseError, Timestamp};
use rsp_es::es2plus::NotificationPoint;
use rsp_es::es9plus::CancelSessionRequest;
use rsp_es::status::StatusCode;
use rsp_store::{DownloadSession, NewEvent, Profile, ProfileChange, SessionAdvance, SessionState};

use crate::authenticate_client::ATTEMPTS;
use crate::error::Error;
use crate::notices::{Progress, step};
use crate::order::Event;
use crate::session::{ExpectGetBoundProfilePackage, ExpectResult, Party};
use crate::smdp::{Smdp, expect};

const WHO: &str = "CancelSession";

impl Smdp {
    pub(crate) async fn cancel(&self, request: &CancelSessionRequest) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let now = self.clock.now();
            let (session, profile) =
                self.store.session_and_profile(&request.transaction_id).await?.ok_or(Error::TransactionIdUnknown)?;
            expect(&session, &[SessionState::ExpectGetBoundProfilePackage, SessionState::ExpectResult], now)?;
            let party = party_of(&session)?;
            let reason = self.verify_cancel(request, &party)?;
            let profile = profile.ok_or(Error::Damaged("session"))?;
            // An order that is not this session's any more is none of its business.
            let usable_later = matches!(reason, CancelSessionReason::POSTPONED | CancelSessionReason::TIMEOUT);
            let ended = match party.has(&profile) {
                true if usable_later => Some(postponed(&profile, reason, now)),
                true => self.ended(&profile, &session, &party, reason, now),
                false => None,
            };
            if self.close_session(request, &session, ended, now).await? {
                tracing::info!(session = %request.transaction_id, iccid = %profile.iccid, %reason, "session cancelled");
                return Ok(());
            }
        }
        Err(Error::Contention)
    }

    /// Session, signature and OID, in this order; nothing is believed before.
    fn verify_cancel(&self, request: &CancelSessionRequest, party: &Party) -> Result<CancelSessionReason, Error> {
        let ok = match request.cancel_session_response.value() {
            CancelSessionResponse::Ok(ok) => ok,
            CancelSessionResponse::Error(CancelSessionResponseError::INVALID_TRANSACTION_ID) => {
                return Err(Error::TransactionIdUnknown);
            }
            // Without a signature nothing says that the eUICC wants it.
            CancelSessionResponse::Error(_) => return Err(rsp_auth::Error::SignatureInvalid.into()),
        };
        let signed = &ok.euicc_cancel_session_signed;
        if signed.value().transaction_id != request.transaction_id {
            return Err(Error::TransactionIdUnknown);
        }
        party.euicc.verify(self.authenticator.provider(), signed.bytes(), &ok.euicc_cancel_session_signature)?;
        if signed.value().smdp_oid != *self.binding_credential(&party.credential_ci)?.oid() {
            return Err(Error::OidMismatch);
        }
        Ok(signed.value().reason)
    }

    /// What becomes of the order, and what its operator is told. An order that has ended meanwhile (installed, cancelled)
    /// stays as it is.
    fn ended(
        &self,
        profile: &Profile,
        session: &DownloadSession,
        party: &Party,
        reason: CancelSessionReason,
        now: Timestamp,
    ) -> Option<ProfileChange> {
        let mut change = self.notices.moved(profile, Event::SessionCancelled, WHO, now).ok()?;
        let (point, status) = match reason {
            CancelSessionReason::END_USER_REJECTION => {
                (NotificationPoint::ConfirmationFailure, StatusCode::DOWNLOAD_ORDER_REFUSED)
            }
            CancelSessionReason::PPR_NOT_ALLOWED => {
                (NotificationPoint::ConfirmationFailure, StatusCode::PPR_NOT_ALLOWED)
            }
            CancelSessionReason::METADATA_MISMATCH => {
                (NotificationPoint::BppDownload, StatusCode::METADATA_VALUE_CHANGED)
            }
            CancelSessionReason::LOAD_BPP_EXECUTION_ERROR => {
                (NotificationPoint::BppInstallation, StatusCode::BPP_EXECUTION_ERROR)
            }
            _ if session.state == SessionState::ExpectResult => {
                (NotificationPoint::BppInstallation, StatusCode::UNDEFINED_EXECUTION_ERROR)
            }
            _ => (NotificationPoint::ConfirmationFailure, StatusCode::UNDEFINED_EXECUTION_ERROR),
        };
        let progress = Progress { point, outcome: Err(status), eid: Some(party.euicc.eid), result: None };
        self.notices.tell(profile, &mut change, progress);
        Some(change)
    }

    /// False when somebody else changed session or order meanwhile.
    async fn close_session(
        &self,
        request: &CancelSessionRequest,
        session: &DownloadSession,
        change: Option<ProfileChange>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let advance = SessionAdvance {
            transaction_id: request.transaction_id.clone(),
            from: session.state,
            to: SessionState::Closed,
            data: None,
            expires_at: now,
        };
        self.advance(advance, change).await
    }
}

/// The order stays as it is; that somebody did not want it now stands in the journal.
fn postponed(profile: &Profile, reason: CancelSessionReason, now: Timestamp) -> ProfileChange {
    let mut change = profile.change(WHO, now);
    change.steps.push(NewEvent { detail: Some(reason.to_string()), ..step(profile, &change) });
    change
}

/// The eUICC and the order of a session that knows them.
fn party_of(session: &DownloadSession) -> Result<Party, Error> {
    match session.state {
        SessionState::ExpectGetBoundProfilePackage => {
            Ok(ExpectGetBoundProfilePackage::from_bytes(&session.data)?.party)
        }
        SessionState::ExpectResult => Ok(ExpectResult::from_bytes(&session.data)?.party),
        SessionState::Closed => Err(Error::TransactionIdUnknown),
    }
}

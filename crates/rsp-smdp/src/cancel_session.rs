//! ES9+.CancelSession (SGP.22 5.6.5): the device gives up and says why.

use rsp_asn1::{
    CancelSessionReason, CancelSessionResponse, CancelSessionResponseError, SubjectKeyIdentifier, Timestamp,
};
use rsp_auth::Euicc;
use rsp_es::es9plus::CancelSessionRequest;
use rsp_store::{DownloadSession, Profile, SessionAdvance, SessionState};

use crate::authenticate_client::ATTEMPTS;
use crate::error::Error;
use crate::order::{Event, transition};
use crate::session::{ExpectGetBoundProfilePackage, ExpectResult};
use crate::smdp::{Smdp, expect};

impl Smdp {
    pub(crate) async fn cancel(&self, request: &CancelSessionRequest) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let now = self.clock.now();
            let (session, profile) =
                self.store.session_and_profile(&request.transaction_id).await?.ok_or(Error::TransactionIdUnknown)?;
            expect(&session, &[SessionState::ExpectGetBoundProfilePackage, SessionState::ExpectResult], now)?;
            let reason = self.verify_cancel(request, &session)?;
            let profile = profile.ok_or(Error::Damaged("session"))?;
            if self.close_session(request, &session, &profile, reason, now).await? {
                tracing::info!(session = %request.transaction_id, iccid = %profile.iccid, %reason, "session cancelled");
                return Ok(());
            }
        }
        Err(Error::Contention)
    }

    /// Session, signature and OID, in this order; nothing is believed before.
    fn verify_cancel(
        &self,
        request: &CancelSessionRequest,
        session: &DownloadSession,
    ) -> Result<CancelSessionReason, Error> {
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
        let (euicc, ci) = euicc_of(session)?;
        euicc.verify(self.authenticator.provider(), signed.bytes(), &ok.euicc_cancel_session_signature)?;
        if signed.value().smdp_oid != *self.binding_credential(&ci)?.oid() {
            return Err(Error::OidMismatch);
        }
        Ok(signed.value().reason)
    }

    /// False when somebody else changed session or order meanwhile.
    async fn close_session(
        &self,
        request: &CancelSessionRequest,
        session: &DownloadSession,
        profile: &Profile,
        reason: CancelSessionReason,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let advance = SessionAdvance {
            transaction_id: request.transaction_id.clone(),
            from: session.state,
            to: SessionState::Closed,
            data: None,
            iccid: Some(profile.iccid),
            expires_at: now,
        };
        let usable_later = matches!(reason, CancelSessionReason::POSTPONED | CancelSessionReason::TIMEOUT);
        // An order that has ended meanwhile (installed, cancelled) stays as it is.
        let next = transition(profile.state, Event::SessionCancelled).ok().filter(|_| !usable_later);
        let change = next.map(|state| {
            let mut change = profile.change("CancelSession", now);
            change.state = state;
            change
        });
        self.advance(advance, change).await
    }
}

/// The eUICC of a session that knows one, and the CI of the server's certificates.
pub(crate) fn euicc_of(session: &DownloadSession) -> Result<(Euicc, SubjectKeyIdentifier), Error> {
    match session.state {
        SessionState::ExpectGetBoundProfilePackage => {
            let state = ExpectGetBoundProfilePackage::from_bytes(&session.data)?;
            Ok((state.euicc, state.credential_ci))
        }
        SessionState::ExpectResult => {
            let state = ExpectResult::from_bytes(&session.data)?;
            Ok((state.euicc, state.credential_ci))
        }
        SessionState::ExpectAuthenticateClient | SessionState::Closed => Err(Error::TransactionIdUnknown),
    }
}

//! ES9+.GetBoundProfilePackage (SGP.22 5.6.2): the eUICC is ready, the profile is bound to it.

use rsp_asn1::{Timestamp, TransactionId};
use rsp_crypto::{PublicKey, Zeroizing};
use rsp_es::es2plus::NotificationPoint;
use rsp_es::es9plus::{GetBoundProfilePackageRequest, GetBoundProfilePackageResponse};
use rsp_es::status::StatusCode;
use rsp_store::{DownloadSession, OrderPolicy, Profile, SealedChange, SessionAdvance, SessionState};

use crate::authenticate_client::ATTEMPTS;
use crate::binding::{Binding, BoundSession, Plain};
use crate::error::Error;
use crate::notices::Progress;
use crate::order::Event;
use crate::session::{ExpectGetBoundProfilePackage, ExpectResult, Party};
use crate::smdp::{Rebinding, Smdp, expect};
use crate::{confirmation_code, prepare_download};

const WHO: &str = "GetBoundProfilePackage";

impl Smdp {
    pub(crate) async fn bind(
        &self,
        request: &GetBoundProfilePackageRequest,
    ) -> Result<GetBoundProfilePackageResponse, Error> {
        for _ in 0..ATTEMPTS {
            let now = self.clock.now();
            let (session, order) = self
                .store
                .session_profile_and_package(&request.transaction_id)
                .await?
                .ok_or(Error::TransactionIdUnknown)?;
            expect(&session, &[SessionState::ExpectGetBoundProfilePackage, SessionState::ExpectResult], now)?;
            let (profile, package) = order.ok_or(Error::Damaged("session"))?;
            let bound = match session.state {
                SessionState::ExpectResult => Some(self.repeat(request, &session, &profile, &package, now).await?),
                _ => self.bind_now(request, &session, &profile, &package, now).await?,
            };
            if let Some(bound_profile_package) = bound {
                let transaction_id = request.transaction_id.clone();
                return Ok(GetBoundProfilePackageResponse { transaction_id, bound_profile_package });
            }
        }
        Err(Error::Contention)
    }

    /// The first answer of a session. `None` when session or order changed meanwhile.
    async fn bind_now(
        &self,
        request: &GetBoundProfilePackageRequest,
        session: &DownloadSession,
        profile: &Profile,
        package: &[u8],
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, Error> {
        let state = ExpectGetBoundProfilePackage::from_bytes(&session.data)?;
        let provider = self.authenticator.provider();
        let (verified, signed) = prepare_download::verify(provider, &state, request)?;
        let served = self.check_still_served(profile, &state.party, now).await?;
        let counted = self.check_deliveries_left(profile, WHO, now).await?;
        let stored = profile.confirmation_code.as_ref().map(|code| code.as_slice());
        let confirmed = match confirmation_code::verify(stored, signed.hash_cc.as_ref(), &request.transaction_id) {
            Ok(confirmed) => confirmed,
            Err(Error::ConfirmationCodeRefused) => {
                return Err(self.count_wrong_code(&request.transaction_id, profile, state.party, now).await?);
            }
            Err(other) => return Err(other),
        };

        let credential = self.binding_credential(&state.party.credential_ci)?;
        let curve = credential.signer().public_key().curve();
        let euicc_otpk =
            PublicKey::from_uncompressed(curve, &signed.euicc_otpk.0).map_err(|_| Error::OneTimeKeyInvalid)?;
        let binding = self.binding_for(profile, euicc_otpk)?;
        let plain = Plain { provider, eid: state.party.euicc.eid, metadata: &profile.metadata, package };
        let bound_session =
            BoundSession { credential, transaction_id: &request.transaction_id, host_id: &self.settings.host_id };
        let bound = binding.bind((&verified, &served, &counted, &confirmed), &bound_session, &plain)?;

        let mut change = self.notices.moved(profile, Event::Delivered, WHO, now)?;
        change.download_tries = profile.download_tries.saturating_add(1);
        // One for all would be of no use to any of many eUICCs.
        if profile.policy != OrderPolicy::Reusable {
            change.binding = SealedChange::Set(binding.to_bytes());
        }
        let eid = Some(state.party.euicc.eid);
        let progress = Progress { point: NotificationPoint::BppDownload, outcome: Ok(()), eid, result: None };
        self.notices.tell(profile, &mut change, progress);
        let next = ExpectResult {
            party: state.party,
            delivery: change.download_tries,
            binding: binding.identity(),
            request: ExpectResult::request_of(request.prepare_download_response.bytes()),
            initialise_secure_channel: bound.initialise_secure_channel,
        };
        let advance = SessionAdvance {
            transaction_id: request.transaction_id.clone(),
            from: SessionState::ExpectGetBoundProfilePackage,
            to: SessionState::ExpectResult,
            data: Some(next.to_bytes()),
            expires_at: now.plus_seconds(self.settings.result_seconds),
        };
        if !self.advance(advance, Some(change)).await? {
            return Ok(None);
        }
        tracing::info!(session = %request.transaction_id, iccid = %profile.iccid, "profile delivered");
        Ok(Some(bound.package))
    }

    /// The same request in the same session gets the same bytes: the first answer may have been lost on its way. It is
    /// no delivery of its own, so it does not count as one.
    async fn repeat(
        &self,
        request: &GetBoundProfilePackageRequest,
        session: &DownloadSession,
        profile: &Profile,
        package: &[u8],
        now: Timestamp,
    ) -> Result<Vec<u8>, Error> {
        let state = ExpectResult::from_bytes(&session.data)?;
        let repeated = state.repeats(request.prepare_download_response.bytes())?;
        let served = self.check_still_served(profile, &state.party, now).await?;
        let binding = Binding::from_bytes(profile.binding.as_ref().ok_or(Error::RebindingRefused)?)?;
        // Another session may have bound the profile again: what it made would not fit this session's message.
        if binding.identity() != state.binding {
            return Err(Error::RebindingRefused);
        }
        let provider = self.authenticator.provider();
        let plain = Plain { provider, eid: state.party.euicc.eid, metadata: &profile.metadata, package };
        binding.repeat((&repeated, &served), &state.initialise_secure_channel, &plain)
    }

    /// Counts a wrong confirmation code and ends the session, in one transaction with the limit's check: however many
    /// sessions try at once, no more than the limit are told that their code is wrong.
    async fn count_wrong_code(
        &self,
        transaction_id: &TransactionId,
        profile: &Profile,
        party: Party,
        now: Timestamp,
    ) -> Result<Error, Error> {
        let (iccid, limit, notices) = (profile.iccid, self.confirmation_limit(profile), self.notices.clone());
        let advance = SessionAdvance {
            transaction_id: transaction_id.clone(),
            from: SessionState::ExpectGetBoundProfilePackage,
            to: SessionState::Closed,
            data: None,
            expires_at: now,
        };
        self.store
            .run_tx("count wrong confirmation code", move |tx| {
                let profile = tx.profile(&iccid)?.ok_or(Error::Damaged("session"))?;
                if !party.has(&profile) {
                    // The order was cancelled meanwhile; the next one of this profile has a code of its own.
                    return Err(Error::MatchingIdRefused);
                }
                let (mut change, refusal) = if profile.confirmation_tries >= limit {
                    // The order may have been closed by the try before this one.
                    let closed = notices.moved(&profile, Event::ConfirmationCodeRetriesExceeded, WHO, now);
                    (closed.unwrap_or_else(|_| profile.change(WHO, now)), Error::ConfirmationCodeRetriesExceeded)
                } else {
                    let mut change = profile.change(WHO, now);
                    change.confirmation_tries += 1;
                    (change, Error::ConfirmationCodeRefused)
                };
                let progress = Progress {
                    point: NotificationPoint::ConfirmationFailure,
                    outcome: Err(StatusCode::from(&refusal)),
                    eid: Some(party.euicc.eid),
                    result: None,
                };
                notices.tell(&profile, &mut change, progress);
                if tx.advance_session_and_profile(&advance, &change)? {
                    Ok(refusal)
                } else {
                    // Another request of this session was faster; this one must not count twice.
                    Err(Error::TransactionIdUnknown)
                }
            })
            .await
    }

    /// The binding of the order if it is to the same one-time key, else a new one if the operator allows it.
    fn binding_for(&self, profile: &Profile, euicc_otpk: PublicKey) -> Result<Binding, Error> {
        let kept = profile.binding.as_ref().map(|bytes: &Zeroizing<Vec<u8>>| Binding::from_bytes(bytes)).transpose()?;
        let kept = kept.filter(|_| profile.policy != OrderPolicy::Reusable);
        match (kept, self.settings.rebinding) {
            (Some(binding), _) if binding.euicc_otpk == euicc_otpk => Ok(binding),
            (Some(_), Rebinding::Refused) => Err(Error::RebindingRefused),
            _ => Ok(Binding::new(euicc_otpk, self.settings.protection, &mut self.randomness.clone())),
        }
    }
}

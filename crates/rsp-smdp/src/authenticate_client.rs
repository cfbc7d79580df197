//! ES9+.AuthenticateClient (SGP.22 5.6.3): the eUICC proves itself, and its order is found.

use rsp_asn1::{
    AuthenticateServerResponse, CtxParams1, Eid, OneTimePublicKey, Raw, Signature5F37, SmdpSigned2,
    StoreMetadataRequest, Timestamp, TransactionId, Unknown, tlv,
};
use rsp_auth::{Authenticated, Credential, matching_id};
use rsp_es::es2plus::NotificationPoint;
use rsp_es::es9plus::{AuthenticateClientRequest, AuthenticateClientResponse};
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;
use rsp_pki::Certificate;
use rsp_store::{NewSession, OrderFound, OrderKey, OrderPolicy, Profile, ProfileChange, SessionAdvance, Step, Stepped};

use crate::binding::Binding;
use crate::eligibility;
use crate::error::Error;
use crate::notices::Progress;
use crate::order::Event;
use crate::session::{ExpectGetBoundProfilePackage, Party};
use crate::smdp::Smdp;

const WHO: &str = "AuthenticateClient";

/// How often a step is repeated when others change the same order at the same time.
pub(crate) const ATTEMPTS: usize = 64;

impl Smdp {
    pub(crate) async fn authenticate(
        &self,
        caller: &Caller,
        request: &AuthenticateClientRequest,
    ) -> Result<AuthenticateClientResponse, Error> {
        let response = request.authenticate_server_response.value();
        let lookup = order_key(response);
        for _ in 0..ATTEMPTS {
            let now = self.clock.now();
            let state = self.authenticator.awaiting(&request.transaction_id, now).ok_or(Error::TransactionIdUnknown)?;
            let guessing = matches!(lookup, OrderKey::MatchingId(_));
            let throttled = guessing && !self.throttle.allows(caller.address, claimed_eid(response), now);
            let found = if throttled {
                OrderFound { begun: false, profile: None }
            } else {
                self.store.order_for_session(&request.transaction_id, &lookup, now).await?
            };
            if found.begun {
                return Err(Error::TransactionIdUnknown);
            }
            let credential = self.binding_credential(state.credential_ci())?;
            let authenticated = state.authenticate(&self.authenticator, response, now)?;
            // What was not looked up was no guess: it takes nobody's chances for later.
            let judged = guessing && !throttled;
            let (hit, eid) = (found.profile.is_some(), authenticated.euicc.eid);
            let answered = !judged || self.throttle.settles(caller.address, eid, hit, now);
            let Some(profile) = found.profile.filter(|_| answered) else { return Err(unknown_order(&lookup)) };
            let answer = self.answer(&request.transaction_id, &authenticated, credential, &profile, now).await?;
            if let Some(answer) = answer {
                tracing::info!(
                    session = %request.transaction_id,
                    eid = %authenticated.euicc.eid,
                    iccid = %profile.iccid,
                    "eUICC authenticated"
                );
                return Ok(answer);
            }
        }
        Err(Error::Contention)
    }

    /// Checks the order, signs smdpSigned2 and begins the session. `None` when it began or the order changed meanwhile.
    async fn answer(
        &self,
        transaction_id: &TransactionId,
        authenticated: &Authenticated<'_>,
        credential: &Credential,
        profile: &Profile,
        now: Timestamp,
    ) -> Result<Option<AuthenticateClientResponse>, Error> {
        let offered = self.check_offered(profile, &authenticated.euicc, now);
        let offered = self.reporting(profile, authenticated, now, offered).await?;
        self.check_deliveries_left(profile, WHO, now).await?;
        let metadata: Raw<StoreMetadataRequest> =
            Raw::from_der(&profile.metadata).map_err(|_| Error::Damaged("metadata"))?;
        let CtxParams1::CommonAuthentication(context) = &authenticated.signed.ctx_params1;
        let (rules, info, device) =
            (&self.settings.eligibility, &authenticated.signed.euicc_info2, &context.device_info);
        let eligible = eligibility::check(rules, info, device, metadata.value(), profile.package_size);
        let eligible = self.reporting(profile, authenticated, now, eligible).await?;

        let smdp_signed2 = Raw::new(SmdpSigned2 {
            transaction_id: transaction_id.clone(),
            cc_required_flag: profile.confirmation_code.is_some(),
            bpp_euicc_otpk: bound_key(profile)?,
            unknown: Unknown::default(),
        })?;
        let smdp_signature2 = sign_after(credential, smdp_signed2.bytes(), &authenticated.response.euicc_signature1)?;
        let next = ExpectGetBoundProfilePackage::new(
            (&authenticated.proof, &offered, &eligible),
            Party {
                euicc: authenticated.euicc.clone(),
                credential_ci: credential.ci().clone(),
                matching_id: profile.matching_id.clone(),
            },
            smdp_signature2.clone(),
        );
        let session = NewSession {
            transaction_id: transaction_id.clone(),
            data: next.to_bytes(),
            iccid: profile.iccid,
            begins_by: authenticated.begins_by,
            expires_at: self.session_end(now),
        };
        let step = Step::Open(session, Some(self.offered_change(profile, authenticated, now)));
        if self.store.step("begin session", step).await? != Stepped::Done {
            return Ok(None);
        }
        Ok(Some(AuthenticateClientResponse {
            transaction_id: transaction_id.clone(),
            profile_metadata: metadata,
            smdp_signed2,
            smdp_signature2,
            smdp_certificate: credential.certificate().raw().clone(),
        }))
    }

    /// What becomes of an order that is offered. The first eUICC that authenticates itself for it is the only one that may
    /// have it, unless any may.
    fn offered_change(&self, profile: &Profile, authenticated: &Authenticated<'_>, now: Timestamp) -> ProfileChange {
        let locks = profile.eid.is_none() && profile.policy != OrderPolicy::Reusable;
        let mut change = profile.change(WHO, now);
        let eid = authenticated.euicc.eid;
        if locks {
            change.eid = Some(eid);
        }
        let point = NotificationPoint::EligibilityAndRetryLimitCheck;
        let progress = Progress { point, outcome: Ok(()), eid: Some(eid), result: None };
        self.notices.tell(profile, &mut change, progress);
        change
    }

    /// Tells the operator why its order is not offered to an eUICC that it is for.
    async fn reporting<T>(
        &self,
        profile: &Profile,
        authenticated: &Authenticated<'_>,
        now: Timestamp,
        outcome: Result<T, Error>,
    ) -> Result<T, Error> {
        let status = match &outcome {
            Err(Error::EidRefused) | Ok(_) => return outcome,
            // Nobody is told, and a code that is used up takes no longer than one that never was.
            Err(_) if profile.operator.is_none() => return outcome,
            Err(error) => StatusCode::from(error),
        };
        let point = NotificationPoint::EligibilityAndRetryLimitCheck;
        let eid = Some(authenticated.euicc.eid);
        let mut change = profile.change(WHO, now);
        let progress = Progress { point, outcome: Err(status), eid, result: None };
        self.notices.tell(profile, &mut change, progress);
        // If somebody else changes the order at the same time, this refusal is not worth another one.
        self.store.run_tx("report refusal", move |tx| tx.change_profile(&change)).await?;
        outcome
    }

    /// Ends an order for good, and tells its operator why. If somebody else changes it at the same time, the next attempt
    /// ends it; an order that has ended stays as it is.
    pub(crate) async fn close_order(
        &self,
        profile: &Profile,
        event: Event,
        (why, by): (Error, &str),
        now: Timestamp,
    ) -> Result<(), Error> {
        let point = match event {
            Event::ConfirmationCodeRetriesExceeded => NotificationPoint::ConfirmationFailure,
            _ => NotificationPoint::EligibilityAndRetryLimitCheck,
        };
        let Ok(mut change) = self.notices.moved(profile, event, by, now) else { return Ok(()) };
        let progress = Progress { point, outcome: Err(why.into()), eid: profile.eid, result: None };
        self.notices.tell(profile, &mut change, progress);
        self.store.run_tx("close order", move |tx| tx.change_profile(&change)).await?;
        tracing::info!(iccid = %profile.iccid, ?event, "order closed");
        Ok(())
    }

    /// Advances a session, with the profile's change if there is one. False when somebody else was faster.
    pub(crate) async fn advance(&self, advance: SessionAdvance, change: Option<ProfileChange>) -> Result<bool, Error> {
        Ok(self.store.step("advance session", Step::Advance(advance, change)).await? == Stepped::Done)
    }
}

/// How the eUICC asks for its order: by matching ID, or by itself when that is absent or empty. An error of the eUICC, and
/// a certificate without EID, ask for the empty matching ID, which no order has: they are refused by what they are.
///
/// Nothing is verified yet; what is found is used only after verification.
fn order_key(response: &AuthenticateServerResponse) -> OrderKey {
    let AuthenticateServerResponse::Ok(ok) = response else { return OrderKey::MatchingId(String::new()) };
    let CtxParams1::CommonAuthentication(context) = &ok.euicc_signed1.value().ctx_params1;
    match context.matching_id.as_deref() {
        Some(id) if !id.is_empty() => OrderKey::MatchingId(id.to_owned()),
        _ => match claimed_eid(response) {
            Some(eid) => OrderKey::Eid(eid),
            None => OrderKey::MatchingId(String::new()),
        },
    }
}

fn unknown_order(key: &OrderKey) -> Error {
    match key {
        OrderKey::MatchingId(id) => {
            tracing::info!(matching_id = matching_id::fingerprint(id), "no order has this matching ID");
            Error::MatchingIdRefused
        }
        OrderKey::Eid(_) => Error::EidRefused,
    }
}

/// Who the eUICC says that it is. Nothing is verified yet.
fn claimed_eid(response: &AuthenticateServerResponse) -> Option<Eid> {
    let AuthenticateServerResponse::Ok(ok) = response else { return None };
    Certificate::from_raw(ok.euicc_certificate.clone()).eid()
}

/// The one-time key of the eUICC that a package is already bound to.
fn bound_key(profile: &Profile) -> Result<Option<OneTimePublicKey>, Error> {
    let Some(bytes) = profile.binding.as_ref().filter(|_| profile.policy != OrderPolicy::Reusable) else {
        return Ok(None);
    };
    let binding = Binding::from_bytes(bytes)?;
    Ok(Some(OneTimePublicKey(binding.euicc_otpk.as_bytes().to_vec().into())))
}

/// Signs `data` followed by the TLV of the signature that it answers.
fn sign_after(credential: &Credential, data: &[u8], answered: &Signature5F37) -> Result<Signature5F37, Error> {
    Ok(credential.sign(&followed_by(data, answered))?)
}

/// `data` followed by a whole signature object, as the signatures of a download chain (SGP.22 5.6.3, 5.7.5).
pub(crate) fn followed_by(data: &[u8], signature: &Signature5F37) -> Vec<u8> {
    let mut chained = Vec::with_capacity(data.len() + signature.0.len() + 3);
    chained.extend_from_slice(data);
    tlv::write(&mut chained, &[0x5F, 0x37], &signature.0);
    chained
}

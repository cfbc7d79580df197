//! ES2+ (SGP.22 5.3): what an operator does with its own orders, and with nobody else's.
//!
//! Who calls is its TLS client certificate, and nothing else. A function takes effect in one transaction, which also
//! remembers the answer: a call that is repeated, because its answer was lost, gets the same one. It is a repetition only
//! as long as no other call has moved its order since: some callers give all their calls the same identifier.

use std::sync::Arc;

use async_trait::async_trait;
use rsp_asn1::{Iccid, Timestamp};
use rsp_crypto::{Zeroizing, hash};
use rsp_es::es2plus::{
    CancelOrderRequest, ConfirmOrderRequest, ConfirmOrderResponse, DownloadOrderRequest, DownloadOrderResponse,
    FinalProfileStatus, ReleaseProfileRequest, Request, RequestHeader, Response,
};
use rsp_es::server::{Caller, Es2Plus};
use rsp_es::status::StatusCode;
use rsp_store::{CallKey, Datastore, Front, OrderPolicy, Profile, ProfileState, Transaction};

use crate::clock::{Clock, SharedRandomness};
use crate::confirmation_code::ConfirmationCode;
use crate::courier::{Courier, Undelivered};
use crate::error::Error;
use crate::notices::{Identity, Notices, event_lane};
use crate::placing::{Confirmed, Placing, Scope, Terms, Wanted, find, require_event_registered};

/// How long the answer of an SM-DS is waited for before somebody else may ask it, in seconds.
const LEASE: i64 = 60;
/// How often a function is repeated when others change the same order, or a random matching ID exists.
const ATTEMPTS: usize = 16;

/// The SM-DP+ as operators see it.
pub struct OperatorInterface {
    store: Arc<Datastore>,
    notices: Notices,
    clock: Arc<dyn Clock>,
    randomness: SharedRandomness,
    courier: Arc<dyn Courier>,
    /// Keys the fingerprints of calls: they cover Confirmation Codes, which could be found by trying.
    fingerprints: Zeroizing<[u8; 32]>,
    order_seconds: Option<i64>,
}

/// A call that was let in.
struct Call {
    scope: Scope,
    actor: String,
    key: CallKey,
}

/// What a function did: its answer, whose order it was about, and the order before and after if it was released.
struct Done<A> {
    answer: A,
    iccid: Iccid,
    released: Option<(Profile, Profile)>,
}

impl OperatorInterface {
    /// Puts the interface together. Orders end `order_seconds` after their confirmation, or never.
    pub fn new(
        store: Arc<Datastore>,
        identity: Identity,
        clock: Arc<dyn Clock>,
        randomness: SharedRandomness,
        courier: Arc<dyn Courier>,
        order_seconds: Option<i64>,
    ) -> Self {
        let fingerprints = store.derive_key("ES2+ calls");
        Self { store, notices: Notices::new(identity), clock, randomness, courier, fingerprints, order_seconds }
    }

    /// Finds out whose call it is.
    async fn admit<R: Request>(&self, caller: &Caller, request: &R) -> Result<Call, Error> {
        let certificate = caller.certificate.as_deref().ok_or(Error::OperatorUnknown)?;
        let fingerprint = hash::sha256(certificate);
        let operator = self.store.operator_by_certificate(&fingerprint).await?.ok_or(Error::OperatorUnknown)?;
        let RequestHeader { function_requester_identifier: requester, function_call_identifier: call_id } =
            request.header();
        let actor = format!("{} by {} ({requester}, {call_id})", R::FUNCTION, operator.name);
        let message = [R::FUNCTION.name().as_bytes(), b"\0", request.to_json().as_bytes()].concat();
        let key = CallKey {
            operator: operator.name.clone(),
            call_id: call_id.clone(),
            request: hash::hmac_sha256(&*self.fingerprints, &Zeroizing::new(message)),
        };
        Ok(Call { scope: Scope::Operator { name: operator.name, iccid_prefix: operator.iccid_prefix }, actor, key })
    }

    /// Executes a function, or repeats its answer. `releases` is the order that it may have released.
    async fn execute<R, A, F>(
        &self,
        caller: &Caller,
        request: &R,
        releases: Option<Iccid>,
        function: F,
    ) -> Result<A, Error>
    where
        R: Request,
        A: Response + 'static,
        F: Fn(&mut Transaction, &Placing<'_>, &Scope) -> Result<Done<A>, Error> + Send + Sync + 'static,
    {
        let call = Arc::new(self.admit(caller, request).await?);
        let function = Arc::new(function);
        for _ in 0..ATTEMPTS {
            let (shared, function) = (Arc::clone(&call), Arc::clone(&function));
            let (notices, randomness, now) = (self.notices.clone(), self.randomness.clone(), self.clock.now());
            let done = self.store.run_tx(R::FUNCTION.name(), move |tx| {
                if let Some(answer) = tx.executed_call(&shared.key)? {
                    if let Some(iccid) = releases {
                        let profile = find(tx, &shared.scope, iccid)?;
                        require_event_registered(tx, &profile)?;
                    }
                    let answer = A::from_json(&answer).map_err(|_| Error::Damaged("answer"))?;
                    return Ok((answer, None));
                }
                let placing = Placing { notices: &notices, randomness: &randomness, actor: &shared.actor, now };
                let done = function(tx, &placing, &shared.scope)?;
                tx.remember_call(&shared.key, Zeroizing::new(done.answer.to_json()).as_bytes(), &done.iccid, now)?;
                Ok((done.answer, done.released))
            });
            match done.await {
                // A random matching ID or ICCID that exists, or another change of the same order.
                Err(Error::Store(rsp_store::Error::Duplicate { .. }) | Error::Contention) => {}
                Err(other) => return Err(other),
                Ok((answer, None)) => return Ok(answer),
                Ok((answer, Some((before, after)))) => {
                    self.register_event(&call, before, after).await?;
                    return Ok(answer);
                }
            }
        }
        Err(Error::Contention)
    }

    /// Has the SM-DS take the event of an order that was released, before the operator is told that it was. If it does not,
    /// the order is as it was before.
    async fn register_event(&self, call: &Arc<Call>, before: Profile, after: Profile) -> Result<(), Error> {
        let (Some(address), Some(event_id)) = (&after.smds_address, &after.matching_id) else { return Ok(()) };
        let lane = event_lane(address, event_id);
        let Err(undelivered) = self.deliver_lane(&lane).await? else { return Ok(()) };
        let (call, notices, randomness) = (Arc::clone(call), self.notices.clone(), self.randomness.clone());
        let now = self.clock.now();
        let taken_back = self.store.run_tx("take back release", move |tx| {
            let placing = Placing { notices: &notices, randomness: &randomness, actor: &call.actor, now };
            let taken_back = placing.take_back_release(tx, &before, &after)?;
            if taken_back {
                tx.forget_call(&call.key)?;
            }
            Ok::<_, Error>(taken_back)
        });
        if !taken_back.await? {
            // A device was faster than the SM-DS: the order is under way, and the event will follow.
            tracing::warn!(%undelivered, "the event of an order that is under way is not registered yet");
            return Ok(());
        }
        Err(match undelivered {
            Undelivered::Inaccessible(why) => Error::SmdsInaccessible(why),
            Undelivered::Refused(status) => Error::SmdsRefused(status),
        })
    }

    /// Delivers everything in a lane, now. What could not be delivered stays there, to be tried again by others.
    async fn deliver_lane(&self, lane: &str) -> Result<Result<(), Undelivered>, Error> {
        loop {
            let now = self.clock.now();
            let message = match self.store.claim_lane(lane, now, now.plus_seconds(LEASE)).await? {
                Front::Empty => return Ok(Ok(())),
                Front::Taken => {
                    return Ok(Err(Undelivered::Inaccessible("an earlier message is under way".to_owned())));
                }
                Front::Message(message) => message,
            };
            if let Err(undelivered) = self.courier.deliver(&message).await {
                // Not at once: the caller may take it back.
                let retry_at = self.clock.now().plus_seconds(LEASE);
                self.store.message_failed(&message, retry_at, &undelivered.to_string()).await?;
                return Ok(Err(undelivered));
            }
            self.store.message_delivered(&message).await?;
        }
    }

    fn order_end(&self, now: Timestamp) -> Option<Timestamp> {
        self.order_seconds.map(|seconds| now.plus_seconds(seconds))
    }
}

/// Logs an answer that is no success.
fn refused(function: &'static str, error: Error) -> StatusCode {
    tracing::info!(function, %error, "refused");
    error.into()
}

#[async_trait]
impl Es2Plus for OperatorInterface {
    async fn download_order(
        &self,
        caller: &Caller,
        request: DownloadOrderRequest,
    ) -> Result<DownloadOrderResponse, StatusCode> {
        let wanted = Wanted { iccid: request.iccid, profile_type: request.profile_type.clone(), eid: request.eid };
        let answer = self.execute(caller, &request, None, move |tx, placing, scope| {
            let profile = placing.download_order(tx, scope, &wanted)?;
            let iccid = profile.iccid;
            Ok(Done { answer: DownloadOrderResponse { iccid }, iccid, released: None })
        });
        answer.await.map_err(|error| refused("DownloadOrder", error))
    }

    async fn confirm_order(
        &self,
        caller: &Caller,
        request: ConfirmOrderRequest,
    ) -> Result<ConfirmOrderResponse, StatusCode> {
        let code = request.confirmation_code.clone().map(ConfirmationCode::new);
        let invalid = matches!(code, Some(Err(_)));
        let terms = Terms {
            eid: request.eid,
            matching_id: request.matching_id.clone(),
            confirmation_code: code.and_then(Result::ok).as_ref().map(ConfirmationCode::stored),
            smds_address: request.smds_address.clone(),
            policy: OrderPolicy::OneTime,
            expires_at: self.order_end(self.clock.now()),
            download_limit: None,
            confirmation_limit: None,
            release: request.release_flag,
        };
        let (iccid, address) = (request.iccid, self.notices.identity().address.clone());
        let answer = self.execute(caller, &request, Some(iccid), move |tx, placing, scope| {
            let before = find(tx, scope, iccid)?;
            if invalid {
                return Err(Error::ConfirmationCodeInvalid);
            }
            let Confirmed { eid, matching_id } = placing.confirm_order(tx, &before, &terms)?;
            let answer = ConfirmOrderResponse { eid, matching_id, smdp_address: Some(address.clone()) };
            if !terms.release || !matches!(before.state, ProfileState::Allocated | ProfileState::Linked) {
                return Ok(Done { answer, iccid, released: None });
            }
            Ok(Done { answer, iccid, released: Some((before, find(tx, scope, iccid)?)) })
        });
        answer.await.map_err(|error| refused("ConfirmOrder", error))
    }

    async fn cancel_order(&self, caller: &Caller, request: CancelOrderRequest) -> Result<(), StatusCode> {
        let (iccid, status) = (request.iccid, request.final_profile_status_indicator);
        let (eid, matching_id) = (request.eid, request.matching_id.clone());
        let answer = self.execute(caller, &request, None, move |tx, placing, scope| {
            let (Some(iccid), Some(status)) = (iccid, status) else { return Err(Error::CancelIncomplete) };
            let profile = find(tx, scope, iccid)?;
            if eid.is_none() && profile.state == ProfileState::Linked {
                return Err(Error::EidMissing);
            }
            if eid.is_some() && eid != profile.eid {
                return Err(Error::IccidAssociated(iccid));
            }
            let named = profile.matching_id.as_deref().filter(|_| !profile.unnamed).unwrap_or_default();
            if matching_id.as_deref().is_some_and(|given| given != named) {
                return Err(Error::MatchingIdAssociated(iccid));
            }
            placing.cancel_order(tx, &profile, status == FinalProfileStatus::Available)?;
            Ok(Done { answer: (), iccid, released: None })
        });
        answer.await.map_err(|error| refused("CancelOrder", error))
    }

    async fn release_profile(&self, caller: &Caller, request: ReleaseProfileRequest) -> Result<(), StatusCode> {
        let iccid = request.iccid;
        let answer = self.execute(caller, &request, Some(iccid), move |tx, placing, scope| {
            let before = find(tx, scope, iccid)?;
            placing.release_profile(tx, &before)?;
            Ok(Done { answer: (), iccid, released: Some((before, find(tx, scope, iccid)?)) })
        });
        answer.await.map_err(|error| refused("ReleaseProfile", error))
    }
}

//! ES2+ (SGP.22 5.3): what an operator does with its own orders, and with nobody else's.
//!
//! Who calls is its TLS client certificate, and nothing else. A function takes effect in one transaction, which also
//! remembers the answer: a call that is repeated, because its answer was lost, gets the same one. It is a repetition only
//! as long as no other call has moved its order since: some callers give all their calls the same identifier.

use std::sync::Arc;

use async_trait::async_trait;
use rsp_asn1::{Iccid, Timestamp};
use rsp_auth::matching_id::Length;
use rsp_crypto::{Zeroizing, hash};
use rsp_es::es2plus::{
    CancelOrderRequest, ConfirmOrderRequest, ConfirmOrderResponse, DownloadOrderRequest, DownloadOrderResponse,
    FinalProfileStatus, ReleaseProfileRequest, Request, RequestHeader, Response,
};
use rsp_es::printable::printable;
use rsp_es::server::{Caller, Es2Plus};
use rsp_es::status::StatusCode;
use rsp_store::{CallKey, Datastore, OrderPolicy, Profile, ProfileState, Transaction};

use crate::clock::{Clock, SharedRandomness};
use crate::confirmation_code::ConfirmationCode;
use crate::courier::Courier;
use crate::error::Error;
use crate::notices::{Identity, Notices};
use crate::placing::{Confirmed, Placing, Scope, Terms, Wanted, find, require_event_registered};
use crate::registration::{LEASE, Registration, Release};

/// Octets of an identifier in the header of a request.
const LONGEST_IDENTIFIER: usize = 255;
/// Characters of an identifier in the log of an order.
const MAX_IDENTIFIER: usize = 64;
/// How often a function is repeated when others change the same order, or a random matching ID exists.
const ATTEMPTS: usize = 16;

/// The SM-DP+ as operators see it.
pub struct OperatorInterface {
    store: Arc<Datastore>,
    notices: Notices,
    clock: Arc<dyn Clock>,
    randomness: SharedRandomness,
    registration: Registration,
    /// Keys the fingerprints of calls: they cover Confirmation Codes, which could be found by trying.
    fingerprints: Zeroizing<[u8; 32]>,
    order_seconds: Option<i64>,
    matching_ids: Length,
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
        let (fingerprints, notices) = (store.derive_key("ES2+ calls"), Notices::new(identity));
        let registration = Registration {
            store: Arc::clone(&store),
            notices: notices.clone(),
            clock: Arc::clone(&clock),
            randomness: randomness.clone(),
            courier,
            turns: Arc::default(),
        };
        Self {
            store,
            notices,
            clock,
            randomness,
            registration,
            fingerprints,
            order_seconds,
            matching_ids: Length::default(),
        }
    }

    /// Makes matching IDs of this length where an operator names none.
    #[must_use]
    pub fn with_matching_ids(self, matching_ids: Length) -> Self {
        Self { matching_ids, ..self }
    }

    /// Finds out whose call it is.
    async fn admit<R: Request>(&self, caller: &Caller, request: &R) -> Result<Call, Error> {
        let certificate = caller.certificate.as_deref().ok_or(Error::OperatorUnknown)?;
        let fingerprint = hash::sha256(certificate);
        let operator = self.store.operator_by_certificate(&fingerprint).await?.ok_or(Error::OperatorUnknown)?;
        let RequestHeader { function_requester_identifier: requester, function_call_identifier: call_id } =
            request.header();
        if requester.len().max(call_id.len()) > LONGEST_IDENTIFIER {
            return Err(Error::IdentifierTooLong(LONGEST_IDENTIFIER));
        }
        // The caller's own words stand in the log of the order, where somebody reads them on a screen.
        let (requester, named) = (printable(requester, MAX_IDENTIFIER), printable(call_id, MAX_IDENTIFIER));
        let actor = format!("{} by {} ({requester}, {named})", R::FUNCTION, operator.name);
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
        let mut turn = match releases {
            Some(iccid) => Some(self.registration.turns.wait(iccid).await),
            None => None,
        };
        let (function, matching_ids) = (Arc::new(function), self.matching_ids);
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
                let placing = Placing {
                    notices: &notices,
                    randomness: &randomness,
                    matching_ids,
                    actor: &shared.actor,
                    now,
                    // The caller waits for the answer of the SM-DS; others ask it only if nobody does any more.
                    events_at: now.plus_seconds(LEASE),
                };
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
                    // On its own: a caller that goes away must not leave an order released whose event nobody took.
                    let release =
                        Release { actor: call.actor.clone(), key: call.key.clone(), before, after, turn: turn.take() };
                    let registered = tokio::spawn(self.registration.clone().register(release));
                    registered.await.map_err(|_| Error::Damaged("release"))??;
                    return Ok(answer);
                }
            }
        }
        Err(Error::Contention)
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

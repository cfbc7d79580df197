//! Ordering a profile over ES2+ (SGP.22 5.3): DownloadOrder, then ConfirmOrder with release, at the first SM-DP+ of a carrier
//! that has one.
//!
//! One wish sells at most one profile. A call whose answer was lost is repeated under the same functionCallIdentifier, which an
//! SM-DP+ executes once. The next supplier is asked only when the one before has certainly not sold: because it was never
//! reached, because it refused, or because the order was given up there. Where that cannot be had, the answer is
//! [`Error::Uncertain`], with what is needed to look.
//!
//! Whoever orders is told of each step before it is made ([`Traces`]), so that a crash leaves a trace of what may have been sold,
//! and it can be given up afterwards ([`give_up`]).
//!
//! A supplier is not believed more than it must be: an answer for another profile, matching ID or eUICC is none, and an address
//! goes into an activation code only if it is the configured one, or one of the public internet.

mod answer;
mod giving_up;
mod security;
mod traces;

use std::sync::Arc;

use rsp_asn1::{Eid, Iccid};
use rsp_crypto::{Randomness, Zeroizing};
use rsp_es::activation_code::ActivationCode;
use rsp_es::client::{ClientError, Es2PlusClient, Es2PlusError, NetworkTransport};
use rsp_es::es2plus::{
    CancelOrderRequest, ConfirmOrderRequest, ConfirmOrderResponse, FinalProfileStatus, ReleaseProfileRequest,
    RequestHeader,
};
use rsp_es::printable::printable;
use rsp_es::status::StatusCode;

pub(crate) use giving_up::is_over;
pub use giving_up::{GivenUp, Left, give_up};
pub use security::{Binding, Insecure, Security};
use traces::Calls;
pub use traces::{NoTraces, Traces, Untraced};

/// How often a call is made whose answer is lost.
const ATTEMPTS: usize = 3;

/// Longest text about a supplier's answer, in characters.
const MAX_TEXT: usize = 200;

/// One SM-DP+ at which a carrier's profiles are ordered.
pub struct Supplier {
    /// Its name in the configuration.
    pub name: String,
    /// Its ES2+.
    pub client: Es2PlusClient,
    /// The way to it, which knows what TLS agreed on.
    pub transport: Arc<NetworkTransport>,
    /// The functionRequesterIdentifier with which the operator calls.
    pub requester: String,
    /// Its address for activation codes. Without it, its answers name one of the public internet, or the host of its ES2+.
    pub address: Option<String>,
    /// SHA-256 of public keys of which the server's has to be one; without any, its certificate alone proves it.
    pub pins: Vec<[u8; 32]>,
}

/// Where the suppliers of a carrier come from.
pub trait Suppliers: Send + Sync {
    /// The SM-DP+s of a tenant's carrier, in the order in which they are tried. Empty when none is known.
    ///
    /// # Errors
    /// What is wrong with the configuration, as a text for whoever runs the server.
    fn of(&self, tenant: &str, carrier: &str) -> Result<Vec<Arc<Supplier>>, String>;

    /// The SM-DP+ whose datastore this server reads, as a tenant calls it.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    fn own(&self, tenant: &str) -> Result<Arc<Supplier>, String>;
}

/// A profile to be ordered.
pub struct Order {
    /// The profile's type at the SM-DP+.
    pub profile_type: String,
    /// The only eUICC that may download it.
    pub eid: Option<Eid>,
    /// What the user has to enter.
    pub confirmation_code: Option<Zeroizing<String>>,
    /// Whether only a connection of TLS 1.3 to a pinned key will do, and only an order that is bound to something besides its
    /// activation code.
    pub secure: bool,
}

/// An order that was placed.
pub struct Placed {
    /// The profile.
    pub iccid: Iccid,
    /// What the device is given.
    pub activation_code: ActivationCode,
    /// The order's name among its traces.
    pub call_id: String,
    /// Which supplier took the order, as an index.
    pub supplier: usize,
    /// What is known of the connection on which it was placed, and of what the order is bound to.
    pub security: Security,
    /// Why those before it did not.
    pub passed_over: Vec<Error>,
}

/// Why no profile could be ordered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No SM-DP+ is configured for the carrier.
    #[error("no SM-DP+ is configured for this carrier")]
    NoSupplier,
    /// The SM-DP+ refused, with a subject and reason code.
    #[error("{supplier} refused: {status}")]
    Refused {
        /// Which one.
        supplier: String,
        /// Its code.
        status: StatusCode,
    },
    /// It was not reached, or did not answer so that it can be used. Nothing is sold, or changed.
    #[error("{supplier}: {problem}")]
    Unreachable {
        /// Which one.
        supplier: String,
        /// What happened.
        problem: String,
    },
    /// An order was to be cancelled or released, and its answer is missing, or could not be noted: that may have been done.
    #[error("{supplier}: {problem}")]
    Unanswered {
        /// Which one.
        supplier: String,
        /// What happened.
        problem: String,
    },
    /// What a secure order demands is not there. Nothing is sold.
    #[error("{supplier}: {reason}")]
    Insecure {
        /// Which one.
        supplier: String,
        /// What is missing.
        reason: Insecure,
    },
    /// It may have sold, and did not say.
    #[error("{supplier} may have sold {iccid}, and cannot be asked: {problem}; look there before you order again")]
    Uncertain {
        /// Which one.
        supplier: String,
        /// The profile.
        iccid: Iccid,
        /// The functionCallIdentifier of the ConfirmOrder whose answer was lost.
        call_id: String,
        /// What happened.
        problem: String,
    },
    /// The next step could not be noted, and was not made. Nothing is sold.
    #[error("the order could not be noted, and was not placed")]
    Untraced,
    /// None of several sold.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    None(Vec<Error>),
}

impl Error {
    /// The code of the supplier that refused; the first, if several did.
    pub fn status(&self) -> Option<&StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(status),
            Self::None(errors) => errors.iter().find_map(Self::status),
            _ => None,
        }
    }

    /// Whether nothing is sold, and somebody was not reached who may sell another time.
    pub fn may_go_later(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::None(errors) => errors.iter().any(Self::may_go_later),
            _ => false,
        }
    }

    /// Of several the one that says most: what is not secure, what was refused, or the first.
    pub(crate) fn telling(&self) -> &Self {
        let Self::None(errors) = self else { return self };
        let insecure = errors.iter().find(|error| error.insecure().is_some());
        let said = insecure.or_else(|| errors.iter().find(|error| error.status().is_some()));
        said.or(errors.first()).map_or(self, Self::telling)
    }

    /// What a secure order demanded in vain; the first, if it was several things.
    pub fn insecure(&self) -> Option<&Insecure> {
        match self {
            Self::Insecure { reason, .. } => Some(reason),
            Self::None(errors) => errors.iter().find_map(Self::insecure),
            _ => None,
        }
    }
}

/// Orders a profile at the first supplier that has one. Its trace stays open: whoever ends it has noted the profile.
///
/// # Errors
/// [`Error`]. After [`Error::Uncertain`] and [`Error::Untraced`] nobody else is asked.
pub async fn order(
    suppliers: &[Arc<Supplier>],
    wanted: &Order,
    traces: &mut dyn Traces,
    randomness: &mut dyn Randomness,
) -> Result<Placed, Error> {
    let mut passed_over = Vec::new();
    for (index, supplier) in suppliers.iter().enumerate() {
        let call_id = Calls::draw(randomness);
        match order_at(supplier, wanted, traces, &call_id).await {
            Ok((iccid, activation_code, security)) => {
                return Ok(Placed { iccid, activation_code, call_id, supplier: index, security, passed_over });
            }
            Err(last @ (Error::Uncertain { .. } | Error::Untraced)) => return Err(last),
            Err(error) => {
                tracing::info!(supplier = supplier.name, %error, "not sold");
                passed_over.push(error);
            }
        }
    }
    match passed_over.pop() {
        None => Err(Error::NoSupplier),
        Some(only) if passed_over.is_empty() => Err(only),
        Some(last) => Err(Error::None(passed_over.into_iter().chain([last]).collect())),
    }
}

/// What became of a call.
enum Failed {
    /// The supplier refused.
    Refused(StatusCode),
    /// It was never asked.
    Unasked(Box<Es2PlusError>),
    /// It may have done it, or not; and why it was not reached when it was asked again.
    Unanswered(String, Vec<Es2PlusError>),
}

async fn order_at(
    supplier: &Supplier,
    wanted: &Order,
    traces: &mut dyn Traces,
    call_id: &str,
) -> Result<(Iccid, ActivationCode, Security), Error> {
    // Whatever connection a secure order comes to go over, is one of TLS 1.3, and nobody else's.
    let fresh = wanted.secure.then(|| supplier.over_fresh_tls_1_3());
    let supplier = fresh.as_ref().unwrap_or(supplier);
    if wanted.secure {
        // Before anything is asked for: what is refused here is not ordered there.
        supplier.require_secure(wanted).await?;
    }
    traces.begin(supplier, call_id).await.map_err(|Untraced| Error::Untraced)?;
    let request = supplier.download_order(call_id, &wanted.profile_type, wanted.eid);
    let iccid = match repeated(|| supplier.client.download_order(&request)).await {
        Ok(answer) => answer.iccid,
        Err(failed) => {
            // A profile that was reserved and never confirmed is not sold: nobody can download it.
            match failed {
                Failed::Unanswered(..) => traces.left(call_id).await,
                Failed::Refused(_) | Failed::Unasked(_) => traces.unsold(call_id).await,
            }
            return Err(supplier.unsold(wanted, failed));
        }
    };
    if traces.confirm(call_id, &iccid).await.is_err() {
        supplier.take_back(wanted, traces, call_id, iccid, FinalProfileStatus::Available).await.ok();
        return Err(Error::Untraced);
    }
    let request = ConfirmOrderRequest {
        header: supplier.header(Calls(call_id).confirm_order()),
        iccid,
        eid: wanted.eid,
        matching_id: None,
        confirmation_code: wanted.confirmation_code.clone(),
        smds_address: None,
        release_flag: true,
    };
    let problem = match repeated(|| supplier.client.confirm_order(&request)).await {
        Ok(answer) => match supplier.accept(wanted, &answer) {
            Ok((code, security)) => return Ok((iccid, code, security)),
            Err(error) => error,
        },
        Err(failed @ (Failed::Refused(_) | Failed::Unasked(_))) => {
            // Not sold. That it stays reserved is the worst that can be. What was met is told before another connection is made.
            let unsold = supplier.unsold(wanted, failed);
            supplier.take_back(wanted, traces, call_id, iccid, FinalProfileStatus::Available).await.ok();
            return Err(unsold);
        }
        Err(failed @ Failed::Unanswered(..)) => supplier.unsold(wanted, failed),
    };
    // It is sold, or may be. A call that is still on its way must not find it available.
    match supplier.take_back(wanted, traces, call_id, iccid, FinalProfileStatus::Unavailable).await {
        Ok(()) => Err(problem),
        Err(failed) => Err(Error::Uncertain {
            supplier: supplier.name.clone(),
            iccid,
            call_id: request.header.function_call_identifier,
            problem: format!("{problem}; giving it up: {}", supplier.failed(failed)),
        }),
    }
}

/// Makes a call, and makes it again as it was while its answer is lost. Once it may have been executed, only an answer says
/// that it was not: a later attempt that does not reach the server says nothing of the first.
async fn repeated<T, F>(call: impl Fn() -> F) -> Result<T, Failed>
where
    F: Future<Output = Result<T, Es2PlusError>>,
{
    let (mut lost, mut unasked) = (None, Vec::new());
    for _ in 0..ATTEMPTS {
        let error = match call().await {
            Ok(answer) => return Ok(answer),
            Err(ClientError::Refused { status, .. }) => return Err(Failed::Refused(status)),
            Err(error) => error,
        };
        if was_never_asked(&error) {
            if lost.is_none() {
                return Err(Failed::Unasked(Box::new(error)));
            }
            unasked.push(error);
        } else {
            lost = Some(printable(&error.to_string(), MAX_TEXT));
        }
    }
    Err(Failed::Unanswered(lost.unwrap_or_default(), unasked))
}

/// Whether an error proves that the server executed nothing.
fn was_never_asked(error: &Es2PlusError) -> bool {
    match error {
        ClientError::Transport { source, .. } => source.is_before_request(),
        // There is no ES2+, or it takes no such request. Others may come from something before the server, after it.
        ClientError::HttpStatus { status, .. } => matches!(status, 400..=407 | 410..=428 | 431),
        _ => false,
    }
}

/// The functionCallIdentifier of an order's ConfirmOrder.
pub(crate) fn confirmed_as(call_id: &str) -> String {
    Calls(call_id).confirm_order()
}

/// Gives an order up (SGP.22 5.3.3).
///
/// # Errors
/// [`Error::Refused`], [`Error::Unreachable`], [`Error::Unanswered`].
pub async fn cancel(
    supplier: &Supplier,
    iccid: Iccid,
    eid: Option<Eid>,
    matching_id: Option<&str>,
    to: FinalProfileStatus,
    randomness: &mut dyn Randomness,
) -> Result<(), Error> {
    let request = CancelOrderRequest {
        header: supplier.header(Calls::draw(randomness)),
        iccid: Some(iccid),
        eid,
        matching_id: matching_id.map(str::to_owned),
        final_profile_status_indicator: Some(to),
    };
    let cancelled = repeated(|| supplier.client.cancel_order(&request)).await;
    cancelled.map_err(|failed| supplier.unchanged(failed))
}

/// Lets a confirmed profile be downloaded (SGP.22 5.3.4).
///
/// # Errors
/// [`Error::Refused`], [`Error::Unreachable`], [`Error::Unanswered`].
pub async fn release(supplier: &Supplier, iccid: Iccid, randomness: &mut dyn Randomness) -> Result<(), Error> {
    let request = ReleaseProfileRequest { header: supplier.header(Calls::draw(randomness)), iccid };
    let released = repeated(|| supplier.client.release_profile(&request)).await;
    released.map_err(|failed| supplier.unchanged(failed))
}

impl Supplier {
    fn header(&self, call_id: String) -> RequestHeader {
        RequestHeader { function_requester_identifier: self.requester.clone(), function_call_identifier: call_id }
    }

    /// Gives up what was just ordered, and says so to its trace.
    async fn take_back(
        &self,
        wanted: &Order,
        traces: &mut dyn Traces,
        call_id: &str,
        iccid: Iccid,
        to: FinalProfileStatus,
    ) -> Result<(), Failed> {
        let given_up = self.give_up(call_id, iccid, wanted.eid, to).await;
        match given_up {
            Ok(()) => traces.unsold(call_id).await,
            Err(_) => traces.left(call_id).await,
        }
        given_up
    }

    /// The activation code of an answer that belongs to its call, and what the order is bound to.
    fn accept(&self, wanted: &Order, answer: &ConfirmOrderResponse) -> Result<(ActivationCode, Security), Error> {
        let code = answer::activation_code(self, wanted, answer)
            .map_err(|problem| self.unreachable(format!("its answer cannot be used: {problem}")))?;
        let security = self.security(wanted, answer);
        match wanted.secure.then(|| security.lacks()).flatten() {
            Some(reason) => Err(Error::Insecure { supplier: self.name.clone(), reason }),
            None => Ok((code, security)),
        }
    }

    fn failed(&self, failed: Failed) -> Error {
        match failed {
            Failed::Refused(status) => Error::Refused { supplier: self.name.clone(), status },
            Failed::Unasked(error) => self.unreachable(printable(&error.to_string(), MAX_TEXT)),
            Failed::Unanswered(problem, _) => self.unreachable(problem),
        }
    }

    /// Why an order was not placed. The connection on which it was to be placed may not be the one that was looked at first.
    fn unsold(&self, wanted: &Order, failed: Failed) -> Error {
        let unasked = match &failed {
            Failed::Unasked(error) => std::slice::from_ref(&**error),
            Failed::Unanswered(_, errors) => errors,
            Failed::Refused(_) => &[],
        };
        let insecure = unasked.iter().filter(|_| wanted.secure).find_map(|error| match error {
            ClientError::Transport { source, .. } => self.insecure(source),
            _ => None,
        });
        match insecure {
            Some(reason) => Error::Insecure { supplier: self.name.clone(), reason },
            None => self.failed(failed),
        }
    }

    /// Why an order was not changed, or may have been.
    fn unchanged(&self, failed: Failed) -> Error {
        match failed {
            Failed::Unanswered(problem, _) => Error::Unanswered { supplier: self.name.clone(), problem },
            failed => self.failed(failed),
        }
    }

    fn unreachable(&self, problem: String) -> Error {
        Error::Unreachable { supplier: self.name.clone(), problem }
    }
}

//! Orders that are being placed, noted before each step: what a crash or a lost answer leaves at an SM-DP+ is given up there.
//!
//! Either the subscription is inserted, in the transaction in which the intent goes, or the order is given up; which of the two
//! the database decides. Another process may place orders over the same database (`openrsp operator import-subscribers`), so
//! that an intent is left alone for as long as its order can take.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use rsp_asn1::{Iccid, Timestamp};
use rsp_es::printable::printable;
use rsp_smdp::Clock;
use rsp_store::{AuditEntry, Datastore, Intent};
use tokio::sync::Notify;

use super::{Desk, Wanted};
use crate::actor::{Actor, Right};
use crate::error::Error;
use crate::provisioning::{self, GivenUp, Left, Supplier, Traces, Untraced};

/// Seconds after its last step in which an order may still be under way: more than its calls can take, with their repetitions.
const LEASE: i64 = 600;

/// Seconds after the first attempt to give an order up until the next one, which is doubled each time.
const PAUSE: i64 = 60;
/// How often.
const DOUBLED: u32 = 6;

/// How often it is looked for what is due.
const INTERVAL: Duration = Duration::from_secs(60);

/// How many are read at once, and given up beside each other.
const AT_ONCE: u32 = 100;
const BESIDE: usize = 8;

/// Longest problem that is kept, in characters.
const PROBLEM: usize = 200;

/// What there is of an order that was not confirmed.
const RESERVATION: &str = "a reservation";

/// Who gives orders up.
const ACTOR: &str = "server";

/// The traces of one wish.
pub(super) struct Noted {
    store: Arc<Datastore>,
    clock: Arc<dyn Clock>,
    abandoned: Arc<Notify>,
    intent: Intent,
    /// Why a trace could not be written.
    failed: Option<rsp_store::Error>,
    /// The order that is being placed.
    step: Option<Step>,
}

/// An order that is being placed.
struct Step {
    call_id: String,
    supplier: String,
    /// The profile, once it may have been confirmed.
    iccid: Option<Iccid>,
}

impl Noted {
    /// The failure of a wish, or that of the database that it comes from.
    pub(super) fn cause(&mut self, error: provisioning::Error) -> Error {
        match (error, self.failed.take()) {
            (provisioning::Error::Untraced, Some(error)) => error.into(),
            (error, _) => error.into(),
        }
    }

    /// Ends a wish that took too long, and with which nobody goes on: what is left of it is given up.
    pub(super) async fn too_late(&mut self, within: Duration) -> Error {
        let problem = format!("the order was not placed within {} s", within.as_secs());
        let error = match self.step.take() {
            None => provisioning::Error::Unreachable { supplier: "the SM-DP+s".to_owned(), problem },
            Some(Step { call_id, supplier, iccid }) => {
                self.left(&call_id).await;
                match iccid {
                    // A reservation that is never confirmed is not sold.
                    None => provisioning::Error::Unreachable { supplier, problem },
                    Some(iccid) => {
                        let call_id = provisioning::confirmed_as(&call_id);
                        provisioning::Error::Uncertain { supplier, iccid, call_id, problem }
                    }
                }
            }
        };
        error.into()
    }

    fn untraced(&mut self, error: rsp_store::Error) -> Untraced {
        self.failed = Some(error);
        Untraced
    }

    fn due(&self) -> Timestamp {
        self.clock.now().plus_seconds(LEASE)
    }
}

#[async_trait]
impl Traces for Noted {
    async fn begin(&mut self, supplier: &Supplier, call_id: &str) -> Result<(), Untraced> {
        let (call_id, smdp) = (call_id.to_owned(), supplier.name.clone());
        self.step = Some(Step { call_id: call_id.clone(), supplier: smdp.clone(), iccid: None });
        let now = self.clock.now();
        let new = Intent { call_id, smdp, created_at: now, due_at: self.due(), ..self.intent.clone() };
        let noted = self.store.run_tx("begin order", move |tx| tx.insert_intent(&new)).await;
        noted.map_err(|error| self.untraced(error))
    }

    async fn confirm(&mut self, call_id: &str, iccid: &Iccid) -> Result<(), Untraced> {
        let (call_id, iccid, due_at) = (call_id.to_owned(), *iccid, self.due());
        if let Some(step) = &mut self.step {
            step.iccid = Some(iccid);
        }
        let noted = self.store.run_tx("confirm order", move |tx| tx.confirm_intent(&call_id, &iccid, due_at)).await;
        match noted {
            Ok(true) => Ok(()),
            // It took so long that it is being given up.
            Ok(false) => Err(Untraced),
            Err(error) => Err(self.untraced(error)),
        }
    }

    async fn unsold(&mut self, call_id: &str) {
        self.step = None;
        let call_id = call_id.to_owned();
        if let Err(error) = self.store.run_tx("end order", move |tx| tx.remove_intent(&call_id)).await {
            tracing::error!(%error, "an order that was not placed is not forgotten, and will be given up");
        }
    }

    async fn left(&mut self, call_id: &str) {
        let (call_id, now) = (call_id.to_owned(), self.clock.now());
        match self.store.run_tx("abandon order", move |tx| tx.abandon_intent(&call_id, now)).await {
            Ok(()) => self.abandoned.notify_one(),
            Err(error) => tracing::error!(%error, "an order that nobody goes on with is given up only later"),
        }
    }
}

impl Desk {
    /// The traces of a wish for a tenant.
    pub(super) fn note(&self, tenant: &str, profile_type: &str, wanted: &Wanted, by: &str) -> Noted {
        Noted {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            abandoned: Arc::clone(&self.abandoned),
            intent: Intent {
                call_id: String::new(),
                operator: tenant.to_owned(),
                carrier: wanted.carrier.clone(),
                plan: wanted.plan.clone(),
                profile_type: profile_type.to_owned(),
                smdp: String::new(),
                iccid: None,
                eid: wanted.eid,
                device_id: wanted.device_id.clone(),
                reference: wanted.reference.clone(),
                created_at: Timestamp(0),
                created_by: by.to_owned(),
                due_at: Timestamp(0),
                attempts: 0,
                problem: None,
            },
            failed: None,
            step: None,
        }
    }

    /// The orders that were begun and are nobody's yet, the oldest first, at most 100. For whoever runs the server.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn intents(&self, actor: &Actor) -> Result<Vec<Intent>, Error> {
        require_server(actor)?;
        Ok(self.store.intents(AT_ONCE).await?)
    }

    /// Forgets an order that somebody settled at its SM-DP+. For whoever runs the server.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`].
    pub async fn forget_intent(&self, actor: &Actor, call_id: &str) -> Result<(), Error> {
        require_server(actor)?;
        let intent = self.store.intents(u32::MAX).await?.into_iter().find(|intent| intent.call_id == call_id);
        let intent = intent.ok_or_else(|| Error::not_found("intent", call_id))?;
        let iccid = intent.iccid.map_or_else(|| RESERVATION.to_owned(), |iccid| iccid.to_string());
        tracing::info!(iccid, intent.smdp, tenant = intent.operator, "an order is forgotten that somebody settled");
        // The tenant reads it: which SM-DP+s there are is not for it.
        let entry = AuditEntry {
            at: self.now(),
            actor: actor.name().to_owned(),
            action: "forget order".to_owned(),
            subject: format!("{iccid}, ordered by {}", intent.created_by),
        };
        let forgotten = self.store.run_tx("forget order", move |tx| {
            tx.remove_intent(&intent.call_id)?;
            tx.record_audit_of(Some(&intent.operator), &entry)
        });
        Ok(forgotten.await?)
    }

    /// Gives up what was begun and is nobody's, until it is dropped.
    pub async fn give_up_orders(&self) {
        loop {
            match self.give_up_due().await {
                Ok(0) => {}
                Ok(open) => tracing::warn!(open, "orders at SM-DP+s are not settled: openrsp operator intent list"),
                Err(error) => tracing::error!(%error, "orders that nobody goes on with are not given up"),
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = self.abandoned.notified() => {}
            }
        }
    }

    /// Gives up the orders that were begun and with which nobody has gone on in time. Returns how many could not be, now or
    /// before; they are tried again.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn give_up_due(&self) -> Result<usize, Error> {
        loop {
            let due = self.store.due_intents(self.now(), AT_ONCE).await?;
            if due.is_empty() {
                break;
            }
            let given_up = futures_util::stream::iter(due).map(|intent| self.give_up(intent)).buffer_unordered(BESIDE);
            given_up.collect::<Vec<_>>().await.into_iter().collect::<Result<(), Error>>()?;
        }
        let open = self.store.intents(AT_ONCE).await?;
        Ok(open.iter().filter(|intent| intent.attempts > 0).count())
    }

    async fn give_up(&self, intent: Intent) -> Result<(), Error> {
        let next = self.now().plus_seconds(PAUSE << intent.attempts.min(DOUBLED));
        let seen = intent.clone();
        // From here on nobody else goes on with it, wherever that is done.
        if !self.store.run_tx("give order up", move |tx| tx.claim_intent(&seen, next)).await? {
            return Ok(());
        }
        let iccid = intent.iccid.map_or_else(|| RESERVATION.to_owned(), |iccid| iccid.to_string());
        let (smdp, tenant, attempts) = (intent.smdp.as_str(), intent.operator.as_str(), intent.attempts + 1);
        match self.take_back(&intent).await? {
            Ok(given_up) => {
                let (how, status) = match given_up {
                    GivenUp::Cancelled(_) => ("cancelled at its SM-DP+", None),
                    GivenUp::NothingThere(status) => ("nothing of it is at its SM-DP+", Some(status.to_string())),
                };
                tracing::info!(iccid, smdp, tenant, how, status, "an order that nobody has was given up");
                // The tenant reads it: which SM-DP+s there are, and what they say, is not for it.
                let entry = AuditEntry {
                    at: self.now(),
                    actor: ACTOR.to_owned(),
                    action: "give order up".to_owned(),
                    subject: format!("{iccid}, ordered by {}: {how}", intent.created_by),
                };
                let done = self.store.run_tx("order given up", move |tx| {
                    // Somebody may have settled it by hand.
                    if tx.remove_intent(&intent.call_id)? {
                        tx.record_audit_of(Some(&intent.operator), &entry)?;
                    }
                    Ok::<_, Error>(())
                });
                done.await
            }
            Err(problem) => {
                let problem = printable(&problem, PROBLEM);
                tracing::warn!(iccid, smdp, tenant, attempts, problem, "an order that nobody has is not given up yet");
                let failed =
                    self.store.run_tx("order not given up", move |tx| tx.fail_intent(&intent.call_id, &problem));
                Ok(failed.await?)
            }
        }
    }

    /// How the SM-DP+ took it back, or why it did not.
    async fn take_back(&self, intent: &Intent) -> Result<Result<GivenUp, String>, Error> {
        if let Some(iccid) = &intent.iccid
            && self.store.is_handed_out(iccid).await?
        {
            let problem = "its ICCID was handed out before, and is not taken from whoever has it: look at the SM-DP+";
            return Ok(Err(problem.to_owned()));
        }
        let supplier = match self.supplier_named(&intent.operator, &intent.carrier, &intent.smdp) {
            Ok(supplier) => supplier,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let left =
            Left { call_id: &intent.call_id, profile_type: &intent.profile_type, eid: intent.eid, iccid: intent.iccid };
        Ok(provisioning::give_up(&supplier, &left).await.map_err(|error| error.to_string()))
    }
}

/// Refuses whoever works for a tenant, or may not manage.
fn require_server(actor: &Actor) -> Result<(), Error> {
    actor.require(Right::Manage)?;
    match actor.tenant() {
        None => Ok(()),
        Some(_) => Err(Error::Forbidden(Right::Manage)),
    }
}

//! Orders at the desk: placed, found, released, cancelled.

mod search;

use std::sync::Arc;
use std::time::Duration;

use rsp_asn1::{Iccid, Timestamp};
use rsp_crypto::Zeroizing;
use rsp_es::activation_code::ActivationCode;
use rsp_es::es2plus::FinalProfileStatus;
use rsp_smdp::ConfirmationCode;
use rsp_store::{
    AuditEntry, Event, EventCursor, EventFilter, Listed, NetworkState, OrderCursor, OrderFilter, Plan, ProfileState,
    Transaction,
};

use super::{Confirmation, Desk, Esim, EsimFilter, Page, Sold, SoldPlan, Wanted};
use crate::actor::{Actor, Right};
use crate::error::Error;
use crate::provisioning::{self, Order, Supplier, Traces as _};
pub use search::Search;

/// Events of one eSIM that are looked at at once, at most.
const HISTORY: u32 = 1_000;

/// How long an order may take at all its SM-DP+s together: whoever waits for it gets an answer.
const PLACED_WITHIN: Duration = Duration::from_secs(150);

/// Longest name that a buyer gives an eSIM or its device, in characters.
const NAME: usize = 64;

impl Desk {
    /// Orders an eSIM of a plan, and releases it.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`] for a plan that is none of the tenant's, [`Error::Invalid`],
    /// [`Error::Provisioning`] with what the SM-DP+ says, [`Error::Unrecorded`] for what it sold and could not be noted. What is
    /// left of an order at an SM-DP+ when this fails, or is dropped, is given up by [`Desk::give_up_orders`].
    pub async fn provision(&self, actor: &Actor, wanted: Wanted) -> Result<Sold, Error> {
        let (tenant, plan, suppliers) = self.prepare(actor, &wanted).await?;
        let mut noted = self.note(&tenant, &plan.profile_type, &wanted, actor.name());
        let made = matches!(wanted.confirmation, Confirmation::Auto);
        let code = match wanted.confirmation {
            Confirmation::None => None,
            Confirmation::Auto => Some(ConfirmationCode::generate(&mut self.randomness())),
            Confirmation::Given(code) => Some(code),
        };
        let code = code.map(|code| Zeroizing::new(code.reveal().to_owned()));
        let order = Order {
            profile_type: plan.profile_type.clone(),
            eid: wanted.eid,
            confirmation_code: code.clone(),
            secure: wanted.secure,
        };
        let randomness = &mut self.randomness();
        let placing = provisioning::order(&suppliers, &order, &mut noted, randomness);
        let placed = match tokio::time::timeout(PLACED_WITHIN, placing).await {
            Ok(placed) => placed.map_err(|error| noted.cause(error))?,
            Err(_) => return Err(noted.too_late(PLACED_WITHIN).await),
        };
        let supplier = suppliers.get(placed.supplier).map_or_else(String::new, |supplier| supplier.name.clone());
        let sold_by = supplier.clone();
        let esim = move || rsp_store::Esim {
            operator: tenant.clone(),
            iccid: placed.iccid,
            carrier: plan.carrier.clone(),
            plan: plan.name.clone(),
            profile_type: plan.profile_type.clone(),
            country: plan.country.clone(),
            smdp: supplier.clone(),
            own: false,
            activation_code: Zeroizing::new(String::new()),
            confirmation_code_required: order.confirmation_code.is_some(),
            eid: wanted.eid,
            device_id: wanted.device_id.clone(),
            reference: wanted.reference.clone(),
            network: NetworkState::Active,
            cancelled: false,
            created_at: Timestamp(0),
            created_by: String::new(),
        };
        // It is sold: whatever fails from here on must not look as if it were not.
        let unrecorded =
            |source: Error| Error::Unrecorded { supplier: sold_by, iccid: placed.iccid, source: Box::new(source) };
        let (now, by, uri) = (self.now(), actor.name().to_owned(), placed.activation_code.to_uri());
        let entry = AuditEntry {
            at: now,
            actor: by.clone(),
            action: "provision".to_owned(),
            subject: placed.iccid.to_string(),
        };
        let call_id = placed.call_id.clone();
        let inserted = self.store.run_tx("provision", move |tx| {
            let row =
                rsp_store::Esim { activation_code: uri.clone(), created_at: now, created_by: by.clone(), ..esim() };
            // No supplier elsewhere may name a profile of this server that is not the tenant's.
            if tx.is_profile_of_another(&row.operator, &row.iccid)? {
                return Err(rsp_store::Error::Duplicate { what: "ICCID" }.into());
            }
            if !tx.complete_intent(&call_id)? {
                return Err(Error::Unreachable("it took so long that the order is being given up".to_owned()));
            }
            tx.insert_esim(&row)?;
            Ok(tx.record_audit_of(Some(&row.operator), &entry)?)
        });
        let esim = match inserted.await {
            Ok(()) => self.find(actor, &placed.iccid).await,
            Err(error) => {
                noted.left(&placed.call_id).await;
                Err(error)
            }
        };
        let esim = esim.map_err(unrecorded)?;
        let confirmation_code = code.filter(|_| made);
        Ok(Sold { esim, activation_code: placed.activation_code, confirmation_code, security: placed.security })
    }

    /// Whether an eSIM could be ordered, without ordering it.
    ///
    /// # Errors
    /// As [`Desk::provision`], but for what only the SM-DP+ can say.
    pub async fn validate(&self, actor: &Actor, wanted: &Wanted) -> Result<Plan, Error> {
        self.prepare(actor, wanted).await.map(|(_, plan, _)| plan)
    }

    async fn prepare(&self, actor: &Actor, wanted: &Wanted) -> Result<(String, Plan, Vec<Arc<Supplier>>), Error> {
        self.require(actor, Right::Provision)?;
        let tenant = self.tenant(actor, wanted.tenant.as_deref()).await?;
        for (field, text) in [("device_id", &wanted.device_id), ("reference", &wanted.reference)] {
            check_name(field, text.as_deref())?;
        }
        if wanted.eid.is_some_and(|eid| !eid.check_digits_valid()) {
            return Err(Error::invalid("eid", "its check digits are wrong: one of the digits is mistyped"));
        }
        let name = format!("{} / {}", wanted.carrier, wanted.plan);
        let plan = self.store.plan(&tenant, &wanted.carrier, &wanted.plan).await?;
        let plan = plan.ok_or_else(|| Error::not_found("plan", name))?;
        if plan.closed {
            return Err(Error::invalid("plan", "it is sold no more"));
        }
        let bound = wanted.eid.is_some() || !matches!(wanted.confirmation, Confirmation::None);
        if wanted.secure && !bound {
            let problem = "an activation code alone is worth the eSIM to whoever sees it first: give an EID or a \
                           confirmation code";
            return Err(Error::invalid("secure", problem));
        }
        let suppliers = self.suppliers.of(&tenant, &plan.carrier).map_err(Error::Unreachable)?;
        if suppliers.is_empty() {
            return Err(provisioning::Error::NoSupplier.into());
        }
        Ok((tenant, plan, suppliers))
    }

    /// One eSIM.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for another tenant's.
    pub async fn esim(&self, actor: &Actor, iccid: &Iccid) -> Result<Esim, Error> {
        self.require(actor, Right::Read)?;
        self.find(actor, iccid).await
    }

    async fn find(&self, actor: &Actor, iccid: &Iccid) -> Result<Esim, Error> {
        let whose = self.whose(actor, None).await?;
        let listed = self.store.listed(&whose, iccid).await?;
        listed.and_then(|listed| self.shown(listed)).ok_or_else(|| Error::not_found("eSIM", iccid))
    }

    /// The eSIM that was read, if somebody ordered it.
    pub(crate) fn shown(&self, listed: Listed) -> Option<Esim> {
        was_ordered(&listed).then(|| self.esim_of(listed))
    }

    /// eSIMs that fit, newest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`] for another's tenant.
    pub async fn esims(
        &self,
        actor: &Actor,
        filter: &EsimFilter,
        after: Option<OrderCursor>,
        limit: u32,
    ) -> Result<Page<Esim, OrderCursor>, Error> {
        self.require(actor, Right::Read)?;
        let whose = self.whose(actor, filter.tenant.as_deref()).await?;
        let profile_types = self.types_of(actor, filter).await?;
        let filter = OrderFilter { states: filter.states.clone(), profile_types };
        // One more says whether there is a next page.
        let mut listed = self.store.order_list(&whose, &filter, after, limit.saturating_add(1)).await?;
        let more = listed.len() > limit as usize;
        listed.truncate(limit as usize);
        let last = listed.last().map(|last| OrderCursor { created_at: last.created_at, iccid: last.iccid });
        let items = listed.into_iter().map(|listed| self.esim_of(listed)).collect();
        Ok(Page { items, next: last.filter(|_| more) })
    }

    /// What happened to an eSIM last, oldest first: a thousand events at most.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for another tenant's.
    pub async fn history(&self, actor: &Actor, iccid: &Iccid) -> Result<Vec<Event>, Error> {
        let esim = self.esim(actor, iccid).await?;
        Ok(self.last_of(&esim).await?.0)
    }

    /// What happened last to an eSIM that was read for somebody, oldest first, and whether that is all that happened.
    pub(crate) async fn last_of(&self, esim: &Esim) -> Result<(Vec<Event>, bool), Error> {
        // One more says whether there is more.
        let mut events = self.store.events_of(esim.operator.as_deref(), &esim.iccid, HISTORY + 1).await?;
        let is_all = events.len() <= HISTORY as usize;
        if !is_all {
            events.remove(0);
        }
        Ok((events, is_all))
    }

    /// Everything that happened to an eSIM, oldest first, page by page.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for another tenant's.
    pub async fn history_page(
        &self,
        actor: &Actor,
        iccid: &Iccid,
        after: Option<EventCursor>,
        limit: u32,
    ) -> Result<Page<Event, EventCursor>, Error> {
        let esim = self.esim(actor, iccid).await?;
        let number = after.map_or(0, |after| after.number);
        let operator = esim.operator.as_deref();
        let mut items = self.store.events_behind(operator, iccid, number, limit.saturating_add(1)).await?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().map(|last| EventCursor { at: last.at, number: last.number }).filter(|_| more);
        Ok(Page { items, next })
    }

    /// Events that fit, newest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn events(
        &self,
        actor: &Actor,
        tenant: Option<&str>,
        filter: &EventFilter,
        after: Option<EventCursor>,
        limit: u32,
    ) -> Result<Page<Event, EventCursor>, Error> {
        self.require(actor, Right::Read)?;
        let whose = self.whose(actor, tenant).await?;
        let mut items = self.store.event_list(&whose, filter, after, limit.saturating_add(1)).await?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().map(|last| EventCursor { at: last.at, number: last.number }).filter(|_| more);
        Ok(Page { items, next })
    }

    /// Lets a confirmed eSIM be downloaded.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`], [`Error::Provisioning`]: also when it was done, and could not be noted.
    pub async fn release(&self, actor: &Actor, iccid: &Iccid) -> Result<Esim, Error> {
        self.require(actor, Right::Provision)?;
        let esim = self.find(actor, iccid).await?;
        if esim.state != ProfileState::Confirmed {
            return Err(wrong_state(&esim, "only a confirmed order can be released"));
        }
        let supplier = self.supplier_of(&esim)?;
        match &supplier {
            Some(supplier) => provisioning::release(supplier, *iccid, &mut self.randomness()).await?,
            None => self.orders.release(iccid).await?,
        }
        let noted = async {
            self.audit(actor, "release", &iccid.to_string(), esim.operator).await?;
            self.find(actor, iccid).await
        };
        noted.await.map_err(|error| done_but(supplier.as_deref(), &error))
    }

    /// Gives an order up. Its profile is not sold again. An order that another SM-DP+ does not have any more is given up there.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongState`] for one that was downloaded, [`Error::Provisioning`]: also when it was done, and
    /// could not be noted.
    pub async fn cancel(&self, actor: &Actor, iccid: &Iccid) -> Result<Esim, Error> {
        self.require(actor, Right::Provision)?;
        let esim = self.find(actor, iccid).await?;
        let open = [ProfileState::Allocated, ProfileState::Linked, ProfileState::Confirmed, ProfileState::Released];
        // Only of another SM-DP+'s orders the state is not known here.
        let elsewhere = esim.plan.is_some() && !esim.own;
        // Of one that was deleted or went wrong the operator decides what becomes.
        let ended = [ProfileState::Deleted, ProfileState::Error];
        if !open.contains(&esim.state) && !ended.contains(&esim.state) {
            return Err(wrong_state(&esim, "nothing is left to cancel"));
        }
        let supplier = self.supplier_of(&esim)?;
        match &supplier {
            Some(supplier) => {
                let matching_id = match &esim.activation_code {
                    Some(code) => ActivationCode::parse_strict(code).ok().map(|code| code.matching_id().to_owned()),
                    None => None,
                };
                let matching_id = matching_id.filter(|id| !id.is_empty());
                let to = FinalProfileStatus::Unavailable;
                let randomness = &mut self.randomness();
                match provisioning::cancel(supplier, *iccid, esim.eid, matching_id.as_deref(), to, randomness).await {
                    // Somebody cancelled it there, or the answer was lost when it was done from here.
                    Err(provisioning::Error::Refused { status, .. }) if elsewhere && provisioning::is_over(&status) => {
                        tracing::info!(%iccid, supplier = supplier.name, %status, "nothing of the order is there");
                    }
                    cancelled => cancelled?,
                }
            }
            None => {
                self.orders.cancel(iccid, false).await?;
            }
        }
        let noted = async {
            let (operator, iccid_, has_row) = (esim.operator, *iccid, esim.plan.is_some());
            let entry = AuditEntry {
                at: self.now(),
                actor: actor.name().to_owned(),
                action: "cancel".to_owned(),
                subject: iccid.to_string(),
            };
            let note = move |tx: &mut Transaction| -> Result<(), rsp_store::Error> {
                if let Some(operator) = operator.as_deref().filter(|_| has_row) {
                    tx.cancel_esim(operator, &iccid_)?;
                }
                tx.record_audit_of(operator.as_deref(), &entry)
            };
            self.store.run_tx("cancel esim", note).await?;
            self.find(actor, iccid).await
        };
        noted.await.map_err(|error| done_but(supplier.as_deref(), &error))
    }

    /// The SM-DP+ of an eSIM's order, as its operator calls it. `None` for the server's own orders, which have no operator.
    fn supplier_of(&self, esim: &Esim) -> Result<Option<Arc<Supplier>>, Error> {
        let Some(operator) = esim.operator.as_deref() else { return Ok(None) };
        let supplier = match &esim.plan {
            Some(plan) if !esim.own => self.supplier_named(operator, &plan.carrier, &plan.smdp)?,
            _ => self.suppliers.own(operator).map_err(Error::Unreachable)?,
        };
        Ok(Some(supplier))
    }

    /// An SM-DP+ of a tenant's carrier.
    pub(super) fn supplier_named(&self, tenant: &str, carrier: &str, name: &str) -> Result<Arc<Supplier>, Error> {
        let suppliers = self.suppliers.of(tenant, carrier).map_err(Error::Unreachable)?;
        let found = suppliers.into_iter().find(|supplier| supplier.name == name);
        found.ok_or_else(|| Error::Unreachable(format!("{name:?} is not configured any more")))
    }

    /// The types of profiles that a filter means; `None` for all.
    async fn types_of(&self, actor: &Actor, filter: &EsimFilter) -> Result<Option<Vec<String>>, Error> {
        if let Some(profile_type) = &filter.profile_type {
            return Ok(Some(vec![profile_type.clone()]));
        }
        if filter.carrier.is_none() && filter.country.is_none() {
            return Ok(None);
        }
        let plans = self.store.plans(actor.tenant().or(filter.tenant.as_deref())).await?;
        let fits = |plan: &Plan| {
            filter.carrier.as_ref().is_none_or(|carrier| plan.carrier == *carrier)
                && filter.country.as_ref().is_none_or(|country| plan.country == *country)
        };
        Ok(Some(plans.into_iter().filter(fits).map(|plan| plan.profile_type).collect()))
    }

    fn esim_of(&self, listed: Listed) -> Esim {
        let Listed { iccid, operator, profile_type, order, esim, created_at } = listed;
        let own = order.is_some();
        let code = esim.as_ref().map(|esim| esim.activation_code.clone());
        let state = match (&order, &esim) {
            (Some(order), _) => order.state,
            (None, Some(esim)) if esim.cancelled => ProfileState::Unavailable,
            (None, _) => ProfileState::Released,
        };
        let address = &self.orders.identity().address;
        let code = code.or_else(|| {
            let order = order.as_ref()?;
            let matching_id = order.matching_id.as_ref()?;
            ActivationCode::new(address, matching_id, None, order.confirmation_code_required)
                .ok()
                .map(|code| code.to_uri())
        });
        // Nothing can be downloaded with the code of an order that is over.
        let is_over = matches!(state, ProfileState::Available | ProfileState::Unavailable);
        Esim {
            iccid,
            state,
            own,
            profile_type,
            eid: order.as_ref().map_or_else(|| esim.as_ref().and_then(|esim| esim.eid), |order| order.eid),
            activation_code: code.filter(|_| !is_over),
            confirmation_code_required: order.as_ref().map_or_else(
                || esim.as_ref().is_some_and(|esim| esim.confirmation_code_required),
                |order| order.confirmation_code_required,
            ),
            download_tries: order.as_ref().map_or(0, |order| order.download_tries),
            confirmation_tries: order.as_ref().map_or(0, |order| order.confirmation_tries),
            created_at,
            updated_at: order.as_ref().map_or(created_at, |order| order.updated_at),
            updated_by: match (&order, &esim) {
                (Some(order), _) => order.updated_by.clone(),
                (None, Some(esim)) => esim.created_by.clone(),
                (None, None) => String::new(),
            },
            expires_at: order.as_ref().and_then(|order| order.expires_at),
            operator,
            plan: esim.map(|esim| SoldPlan {
                carrier: esim.carrier,
                name: esim.plan,
                country: esim.country,
                smdp: esim.smdp,
                device_id: esim.device_id,
                reference: esim.reference,
                network: esim.network,
                created_by: esim.created_by,
            }),
        }
    }
}

/// What lies in stock, and was never ordered, is no eSIM of anybody.
fn was_ordered(listed: &Listed) -> bool {
    listed.esim.is_some() || listed.order.as_ref().is_some_and(|order| order.state != ProfileState::Available)
}

/// What the SM-DP+ did, and what could not be noted or read here: nobody may take it for not done.
fn done_but(supplier: Option<&Supplier>, error: &Error) -> Error {
    let supplier = supplier.map_or_else(|| "this server".to_owned(), |supplier| supplier.name.clone());
    provisioning::Error::Unanswered { supplier, problem: format!("it is done, and could not be noted: {error}") }.into()
}

fn wrong_state(esim: &Esim, problem: &'static str) -> Error {
    Error::WrongState { iccid: esim.iccid, state: esim.state.to_string(), problem }
}

/// A name that somebody chose: short, and nothing but what is seen of it.
fn check_name(field: &'static str, text: Option<&str>) -> Result<(), Error> {
    let Some(text) = text else { return Ok(()) };
    let shown = rsp_es::printable::printable(text, NAME);
    if text.trim().is_empty() || text.trim() != text {
        return Err(Error::invalid(field, "it is empty, or begins or ends with a blank"));
    }
    if shown != text {
        return Err(Error::invalid(field, format!("at most {NAME} characters, all of them visible")));
    }
    Ok(())
}

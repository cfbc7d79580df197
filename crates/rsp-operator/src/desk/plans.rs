//! The catalogue: what a tenant sells.

use std::sync::Arc;

use rsp_store::{AuditEntry, Plan, PlanFilter};

use super::{Desk, Page};
use crate::actor::{Actor, Right};
use crate::error::Error;

/// Longest name of a carrier or plan, in characters.
const NAME: usize = 64;

/// Countries that a plan names at most: there are not more.
const COUNTRIES: usize = 250;

/// A plan to be sold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewPlan {
    /// For which tenant; only whoever runs the server may name one, and has to.
    pub tenant: Option<String>,
    /// The carrier, as it is shown.
    pub carrier: String,
    /// Its name, unique for the carrier.
    pub name: String,
    /// The type of profiles that is ordered for it.
    pub profile_type: String,
    /// The carrier's country, ISO 3166-1 alpha-2.
    pub country: String,
    /// Countries where it is valid; the carrier's own without any.
    pub coverage: Vec<String>,
    /// Octets of data; without limit if not given, as below.
    pub data_bytes: Option<i64>,
    /// Seconds of calls.
    pub voice_seconds: Option<i64>,
    /// Messages.
    pub messages: Option<i64>,
    /// Days for which it is valid from the installation.
    pub validity_days: Option<i64>,
    /// Kilobits a second when the data are used up.
    pub throttle_kbps: Option<i64>,
    /// In the smallest unit of `currency`, as [`crate::currency`] knows it.
    pub price: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
}

impl Desk {
    /// The plans that an actor may sell or look at, by carrier and name.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn plans(&self, actor: &Actor, with_closed: bool) -> Result<Vec<Plan>, Error> {
        self.require(actor, Right::Read)?;
        let mut plans = self.store.plans(actor.tenant()).await?;
        plans.retain(|plan| with_closed || !plan.closed);
        Ok(plans)
    }

    /// Plans of the actor's tenant that fit, by carrier and name; `after` is the carrier and name where the page before ended.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Invalid`] for a country that is none, and for who is of no tenant.
    pub async fn plan_page(
        &self,
        actor: &Actor,
        filter: PlanFilter,
        after: Option<(String, String)>,
        limit: u32,
    ) -> Result<Page<Plan, (String, String)>, Error> {
        self.require(actor, Right::Read)?;
        let tenant = self.tenant(actor, None).await?;
        let country = filter.country.map(|code| check_country("country", &code)).transpose()?;
        let filter = PlanFilter { country, ..filter };
        let after = after.as_ref().map(|(carrier, name)| (carrier.as_str(), name.as_str()));
        // One more says whether there is a next page.
        let mut items = self.store.plan_page(&tenant, &filter, after, limit.saturating_add(1)).await?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().filter(|_| more).map(|last| (last.carrier.clone(), last.name.clone()));
        Ok(Page { items, next })
    }

    /// Adds a plan to the catalogue.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Invalid`], [`Error::Exists`]; [`Error::NotFound`] for a type that is not the tenant's here,
    /// if no SM-DP+ elsewhere is configured for the carrier.
    pub async fn add_plan(&self, actor: &Actor, new: NewPlan) -> Result<Plan, Error> {
        self.require(actor, Right::Manage)?;
        let tenant = self.tenant(actor, new.tenant.as_deref()).await?;
        let plan = self.checked(actor, tenant, new).await?;
        let entry = AuditEntry {
            at: self.now(),
            actor: actor.name().to_owned(),
            action: "add plan".to_owned(),
            subject: format!("{} / {}", plan.carrier, plan.name),
        };
        let row = plan.clone();
        let added = self.store.run_tx("add plan", move |tx| {
            tx.insert_plan(&row)?;
            tx.record_audit_of(Some(&row.operator), &entry)
        });
        added.await.map_err(|error| match error {
            rsp_store::Error::Duplicate { what: "plan" } => {
                Error::Exists { what: "plan", name: format!("{} / {}", plan.carrier, plan.name) }
            }
            other => other.into(),
        })?;
        Ok(plan)
    }

    /// Closes a plan for orders, or opens it again.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`].
    pub async fn close_plan(
        &self,
        actor: &Actor,
        tenant: Option<&str>,
        (carrier, name): (&str, &str),
        closed: bool,
    ) -> Result<(), Error> {
        self.require(actor, Right::Manage)?;
        let tenant = self.tenant(actor, tenant).await?;
        let subject = format!("{carrier} / {name}");
        let entry = AuditEntry {
            at: self.now(),
            actor: actor.name().to_owned(),
            action: if closed { "close plan" } else { "open plan" }.to_owned(),
            subject: subject.clone(),
        };
        let (carrier, name) = (carrier.to_owned(), name.to_owned());
        let found: Result<bool, rsp_store::Error> = self
            .store
            .run_tx("close plan", move |tx| {
                let found = tx.close_plan(&tenant, &carrier, &name, closed)?;
                if found {
                    tx.record_audit_of(Some(&tenant), &entry)?;
                }
                Ok(found)
            })
            .await;
        if found? { Ok(()) } else { Err(Error::not_found("plan", subject)) }
    }

    async fn checked(&self, actor: &Actor, tenant: String, new: NewPlan) -> Result<Plan, Error> {
        for (field, text) in [("carrier", &new.carrier), ("name", &new.name), ("profile_type", &new.profile_type)] {
            let visible = rsp_es::printable::printable(text, NAME) == *text;
            if text.is_empty() || text.trim() != text || !visible {
                let problem = format!("1 to {NAME} visible characters, without a blank at either end");
                return Err(Error::invalid(field, problem));
            }
        }
        let country = check_country("country", &new.country)?;
        if new.coverage.len() > COUNTRIES {
            return Err(Error::invalid("coverage", format!("at most {COUNTRIES} countries")));
        }
        let mut coverage =
            new.coverage.iter().map(|code| check_country("coverage", code)).collect::<Result<Vec<_>, _>>()?;
        if coverage.is_empty() {
            coverage.push(country.clone());
        }
        let amounts = [
            ("data_bytes", new.data_bytes),
            ("voice_seconds", new.voice_seconds),
            ("messages", new.messages),
            ("validity_days", new.validity_days.map(|days| if days > 36_500 { -1 } else { days })),
            ("throttle_kbps", new.throttle_kbps),
            ("price", new.price),
        ];
        if let Some((field, _)) = amounts.into_iter().find(|(_, amount)| amount.is_some_and(|amount| amount < 0)) {
            return Err(Error::invalid(field, "out of range"));
        }
        let currency = new.currency.as_deref();
        if currency.is_some_and(|code| code.len() != 3 || !code.bytes().all(|letter| letter.is_ascii_uppercase())) {
            return Err(Error::invalid("currency", "three capital letters, as in ISO 4217"));
        }
        if new.price.is_some() != new.currency.is_some() {
            return Err(Error::invalid("price", "a price has a currency, and a currency a price"));
        }
        let known = self.store.profile_type(&new.profile_type).await?;
        let is_own = known.as_ref().is_some_and(|found| found.operator.as_ref() == Some(&tenant));
        // Another tenant's type, the server's own, and one that nobody has are the same to a tenant: all that counts is whether
        // another SM-DP+ may have it. Whoever runs the server sees the types, and may add one later.
        let may_come = known.is_none() && actor.tenant().is_none();
        if !is_own && !may_come && !self.has_suppliers_elsewhere(&tenant, &new.carrier) {
            return Err(Error::not_found("profile type", new.profile_type));
        }
        // What is installed of a type counts for one carrier.
        let of_type = self.store.plans(Some(&tenant)).await?;
        let of_type = of_type.iter().find(|plan| plan.profile_type == new.profile_type);
        if let Some(other) = of_type.filter(|plan| plan.carrier != new.carrier || plan.country != country) {
            let problem = format!("it is sold as {:?} of {} already", other.carrier, other.country);
            return Err(Error::invalid("profile_type", problem));
        }
        Ok(Plan {
            operator: tenant,
            carrier: new.carrier,
            name: new.name,
            profile_type: new.profile_type,
            country,
            coverage,
            data_bytes: new.data_bytes,
            voice_seconds: new.voice_seconds,
            messages: new.messages,
            validity_days: new.validity_days,
            throttle_kbps: new.throttle_kbps,
            price: new.price,
            currency: new.currency,
            closed: false,
            created_at: self.now(),
        })
    }
}

impl Desk {
    /// Whether a tenant's carrier is supplied by another SM-DP+ than the one of this server.
    fn has_suppliers_elsewhere(&self, tenant: &str, carrier: &str) -> bool {
        let own = self.suppliers.own(tenant).ok();
        let is_own = |supplier: &Arc<_>| own.as_ref().is_some_and(|own| Arc::ptr_eq(own, supplier));
        // Without a configuration that can be read nothing is known to be elsewhere.
        self.suppliers.of(tenant, carrier).is_ok_and(|suppliers| suppliers.iter().any(|supplier| !is_own(supplier)))
    }
}

/// Two letters that name a country.
///
/// # Errors
/// [`Error::Invalid`] for `field`.
pub fn check_country(field: &'static str, code: &str) -> Result<String, Error> {
    let code = code.to_ascii_uppercase();
    let letters = code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase());
    if letters { Ok(code) } else { Err(Error::invalid(field, "two letters, as in ISO 3166-1")) }
}

//! From a list of subscribers to an eSIM for each, on paper.

use rsp_store::{OrderCount, ProfileState, ProfileType, Whose};

use super::Subscriber;
use crate::actor::{Actor, Right};
use crate::desk::{Confirmation, Desk, Wanted};
use crate::error::Error;
use crate::selling::Sell;
use crate::sheet::{MAX_SHEETS, Sheet};

/// Which plan the subscribers get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The tenant; only whoever runs the server names one.
    pub tenant: Option<String>,
    /// The plan's carrier.
    pub carrier: String,
    /// The plan's name.
    pub name: String,
    /// Whether its template may sell to imported subscribers alone from now on, if it made up subscribers until now.
    pub stock_only: bool,
}

/// What became of a list.
pub struct Imported {
    /// A sheet for each subscriber who got an eSIM.
    pub sheets: Vec<Sheet>,
    /// How many did not, and why the first of them. They wait in the stock, for whoever orders next.
    pub left: Option<(usize, Error)>,
}

/// Puts subscribers into the stock of a plan's template, and orders an eSIM for each.
///
/// The SM-DP+ of this server must have the template, and nothing else may be in its stock, neither somebody who waits nor a profile of an order that
/// was given back: the sheets would be theirs. A sheet
/// names the subscriber whose keys are in the profile, as the SM-DP+ has it.
///
/// # Errors
/// Before anything is done: [`Error::Forbidden`] without the rights to provision and to manage, [`Error::NotFound`],
/// [`Error::Invalid`] when something is in the stock, for more than [`MAX_SHEETS`], for a plan without template, or whose template made up
/// subscribers until now and nobody said that it may stop, and for an IMSI that is taken or not the tenant's. What fails later stands in [`Imported::left`].
pub async fn import(
    desk: &Desk,
    seller: &dyn Sell,
    actor: &Actor,
    plan: &Plan,
    subscribers: &[Subscriber],
) -> Result<Imported, Error> {
    let profile_type = check(desk, seller, actor, plan, subscribers).await?;
    let stock = subscribers.iter().map(Subscriber::in_stock).collect();
    desk.orders().stock(&profile_type.name, stock).await.map_err(|error| match error {
        rsp_smdp::Error::ImsiExists(imsi) => Error::invalid("subscribers", format!("IMSI {imsi} is taken")),
        other => other.into(),
    })?;
    let subject = format!("{}: {} subscribers", profile_type.name, subscribers.len());
    desk.audit(actor, "import subscribers", &subject, profile_type.operator.clone()).await?;
    let mut sheets = Vec::with_capacity(subscribers.len());
    for _ in subscribers {
        match sell(desk, seller, actor, plan, subscribers).await {
            Ok(sheet) => sheets.push(sheet),
            Err(error) => {
                let left = subscribers.len() - sheets.len();
                return Ok(Imported { sheets, left: Some((left, error)) });
            }
        }
    }
    Ok(Imported { sheets, left: None })
}

/// The template, if all of the list can be sold.
pub(crate) async fn check(
    desk: &Desk,
    seller: &dyn Sell,
    actor: &Actor,
    plan: &Plan,
    subscribers: &[Subscriber],
) -> Result<ProfileType, Error> {
    desk.require(actor, Right::Manage)?;
    desk.require(actor, Right::Provision)?;
    let tenant = desk.tenant(actor, plan.tenant.as_deref()).await?;
    seller.check(actor, &wanted(actor, plan, None)).await?;
    if subscribers.is_empty() || subscribers.len() > MAX_SHEETS {
        let problem = format!("there are {}; 1 to {MAX_SHEETS} are taken at once", subscribers.len());
        return Err(Error::invalid("subscribers", problem));
    }
    let found = desk.store().plan(&tenant, &plan.carrier, &plan.name).await?;
    let found = found.ok_or_else(|| Error::not_found("plan", format!("{} / {}", plan.carrier, plan.name)))?;
    let profile_type = desk.store().profile_type(&found.profile_type).await?;
    let profile_type = profile_type
        .filter(|found| found.template && found.operator.as_deref() == Some(tenant.as_str()))
        .ok_or_else(|| Error::invalid("plan", "this server has no template for it"))?;
    check_imsis(desk, &tenant, subscribers).await?;
    if !profile_type.stocked && !plan.stock_only {
        let problem = format!(
            "each order of {:?} gets a subscriber that is made up. With an import that ends for good: orders get imported \
             subscribers, and are refused when none is left. Say that this is wanted (the box of the form, --stock-only), or \
             import into another type",
            profile_type.name
        );
        return Err(Error::invalid("plan", problem));
    }
    let counts = desk.store().order_counts(&Whose::Of(tenant)).await?;
    let given_back = |count: &&OrderCount| {
        count.profile_type == profile_type.name && count.state == ProfileState::Available && count.orders > 0
    };
    if let Some(OrderCount { orders, .. }) = counts.iter().find(given_back) {
        let problem = format!("{orders} profiles of orders that were given back are in its stock; order them first");
        return Err(Error::invalid("plan", problem));
    }
    match desk.store().subscribers_in_stock(&profile_type.name).await? {
        0 => Ok(profile_type),
        waiting => {
            let problem = format!("{waiting} subscribers wait in its stock already; order for them first");
            Err(Error::invalid("plan", problem))
        }
    }
}

/// Whoever imports an IMSI proves nothing of it, so that each has to be the tenant's by what whoever runs the server says.
async fn check_imsis(desk: &Desk, tenant: &str, subscribers: &[Subscriber]) -> Result<(), Error> {
    let prefix = desk.store().operator(tenant).await?.map(|operator| operator.imsi_prefix).unwrap_or_default();
    if prefix.is_empty() {
        let problem = format!(
            "no IMSI is {tenant}'s yet: ask whoever runs this server to say with which digits its IMSIs begin, MCC and MNC first \
             (openrsp operator tenant set {tenant:?} --imsi-prefix DIGITS)"
        );
        return Err(Error::invalid("subscribers", problem));
    }
    match subscribers.iter().find(|subscriber| !subscriber.imsi.starts_with(&prefix)) {
        None => Ok(()),
        Some(other) => {
            let problem = format!("IMSI {} does not begin with {prefix}, as those of {tenant} do", other.imsi);
            Err(Error::invalid("subscribers", problem))
        }
    }
}

async fn sell(
    desk: &Desk,
    seller: &dyn Sell,
    actor: &Actor,
    plan: &Plan,
    subscribers: &[Subscriber],
) -> Result<Sheet, Error> {
    let sold = seller.sell(actor, wanted(actor, plan, None)).await?;
    let iccid = sold.esim.iccid;
    // An SM-DP+ elsewhere can name any ICCID: only of what was ordered here it is known whose keys are in it.
    let imsi = match &sold.esim.operator {
        Some(operator) if sold.esim.own => desk.store().imsi(operator, &iccid).await?,
        _ => None,
    };
    let name = imsi.map_or_else(String::new, |imsi| {
        let known = subscribers.iter().find(|subscriber| subscriber.imsi == imsi);
        known.map_or_else(|| format!("IMSI {imsi}"), Subscriber::name)
    });
    Ok(Sheet {
        name,
        carrier: plan.carrier.clone(),
        plan: plan.name.clone(),
        iccid,
        activation_code: sold.activation_code,
    })
}

fn wanted(actor: &Actor, plan: &Plan, reference: Option<String>) -> Wanted {
    Wanted {
        tenant: actor.tenant().is_none().then(|| plan.tenant.clone()).flatten(),
        carrier: plan.carrier.clone(),
        plan: plan.name.clone(),
        eid: None,
        device_id: None,
        reference,
        confirmation: Confirmation::None,
        secure: false,
    }
}

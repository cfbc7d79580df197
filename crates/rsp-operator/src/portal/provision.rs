//! Provisioning an eSIM.

use askama::Template;
use axum::response::Response;
use rsp_store::Plan;
use serde::Deserialize;

use super::failure::{Failure, kept, said, sentence};
use super::input::Form;
use super::once::{new_once, spend};
use super::shell::{Shell, page, page_with};
use super::visit::Visit;
use super::{code, hand_out};
use crate::actor::Right;
use crate::desk::{Confirmation, Sold, Wanted};
use crate::error::Error;

#[derive(Template)]
#[template(path = "orders/provision.html")]
struct ProvisionPage {
    shell: Shell,
    plans: Vec<PlanChoice>,
    form: Filled,
    once: String,
    may_codes: bool,
    may_manage: bool,
    problem: Option<String>,
    remedy: Option<String>,
}

struct PlanChoice {
    value: String,
    label: String,
    chosen: bool,
}

/// What was filled in.
#[derive(Deserialize, Default)]
pub(super) struct Filled {
    #[serde(default)]
    plan: String,
    #[serde(default)]
    eid: String,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    device_id: String,
    /// `none` or `auto`.
    #[serde(default)]
    confirmation: String,
    #[serde(default)]
    secure: String,
    /// A form is sent once.
    #[serde(default)]
    once: String,
}

impl Filled {
    /// As a form shows it again that was refused.
    fn again(mut self) -> Self {
        for field in [&mut self.eid, &mut self.reference, &mut self.device_id] {
            *field = kept(field);
        }
        self
    }

    fn auto(&self) -> bool {
        self.confirmation == "auto"
    }

    fn is_secure(&self) -> bool {
        self.secure == "yes"
    }
}

/// `GET /provision`.
pub(super) async fn form(visit: Visit) -> Result<Response, Failure> {
    visit.actor().require(Right::Provision)?;
    Ok(page(&provision_page(&visit, Filled::default(), None).await?))
}

async fn provision_page(visit: &Visit, form: Filled, wrong: Option<&Error>) -> Result<ProvisionPage, Failure> {
    let plans = visit.service.desk.plans(visit.actor(), false).await?;
    let choice = |plan: &Plan| {
        let value = plan_value(plan);
        let tenant = if visit.is_staff() { format!("{}: ", plan.operator) } else { String::new() };
        let label = format!("{tenant}{} / {}{}", plan.carrier, plan.name, terms(plan));
        PlanChoice { chosen: value == form.plan, value, label }
    };
    let told = wrong.map(crate::told::told);
    Ok(ProvisionPage {
        shell: Shell::new(&visit.viewer, "Provision an eSIM", "/provision"),
        plans: plans.iter().map(choice).collect(),
        once: new_once(&visit.service),
        may_codes: visit.may(Right::Codes),
        may_manage: visit.may(Right::Manage),
        problem: told.as_ref().map(|told| sentence(&told.what)),
        remedy: told.filter(|told| !told.remedy.is_empty()).map(|told| told.remedy.to_owned()),
        form: form.again(),
    })
}

/// What a plan comes with, in a few words.
pub(super) fn terms(plan: &Plan) -> String {
    let data = plan.data_bytes.map(|octets| match octets {
        0..1_000_000_000 => format!("{} MB", octets / 1_000_000),
        _ => format!("{} GB", octets / 1_000_000_000),
    });
    let days = plan.validity_days.map(|days| format!("{days} days"));
    let parts: Vec<_> = [data, days].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// A plan in one value of a form: tenant, carrier and name, none of which has a line end.
pub(crate) fn plan_value(plan: &Plan) -> String {
    [plan.operator.as_str(), &plan.carrier, &plan.name].join("\n")
}

/// The parts of [`plan_value`]. Browsers write line ends as CR LF.
pub(crate) fn plan_of(value: &str) -> Option<(String, String, String)> {
    let mut parts = value.split('\n').map(|part| part.trim_end_matches('\r').to_owned());
    Some((parts.next()?, parts.next()?, parts.next()?))
}

/// `POST /provision`.
pub(super) async fn provision(visit: Visit, Form(form): Form<Filled>) -> Result<Response, Failure> {
    let sold = match buy(&visit, &form).await {
        Ok(sold) => sold,
        Err(wrong) => {
            let status = said(&wrong).status;
            return Ok(page_with(status, &provision_page(&visit, form, Some(&wrong)).await?));
        }
    };
    // It is sold: what fails from here on is not for the form.
    let sealed = match &sold.confirmation_code {
        Some(made) if visit.may(Right::Codes) => {
            Some(code::seal(&visit.service, &visit.viewer.session, &sold.esim.iccid, made)?)
        }
        _ => None,
    };
    hand_out::fresh(&visit, &sold.esim, sealed, true)
}

async fn buy(visit: &Visit, form: &Filled) -> Result<Sold, Error> {
    let service = &visit.service;
    let wanted = wanted(form, visit)?;
    // Spent after what the user can mend was looked at, and before anything is bought.
    service.desk.validate(visit.actor(), &wanted).await?;
    if !spend(service, &visit.viewer.session, form.once.as_bytes()).await? {
        let problem = "was sent already: look for the eSIM among the orders before you send another one";
        return Err(Error::invalid("form", problem));
    }
    service.desk.provision(visit.actor(), wanted).await
}

fn wanted(form: &Filled, visit: &Visit) -> Result<Wanted, Error> {
    let (tenant, carrier, plan) = plan_of(&form.plan).ok_or_else(|| Error::invalid("plan", "choose one"))?;
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let eid = text(&form.eid).map(|eid| eid.replace(' ', "").parse::<rsp_asn1::Eid>());
    let eid = eid.transpose().map_err(|_| Error::invalid("EID", "has 32 digits"))?;
    if form.auto() && !visit.may(Right::Codes) {
        return Err(Error::Forbidden(Right::Codes));
    }
    Ok(Wanted {
        tenant: Some(tenant),
        carrier,
        plan,
        eid,
        device_id: text(&form.device_id),
        reference: text(&form.reference),
        confirmation: if form.auto() { Confirmation::Auto } else { Confirmation::None },
        secure: form.is_secure(),
    })
}

#[cfg(test)]
mod tests {
    use super::plan_of;

    #[test]
    fn a_plan_is_read_as_browsers_send_it() {
        let parts = Some(("Alpha".to_owned(), "Carrier / x".to_owned(), "1 GB".to_owned()));
        assert_eq!(plan_of("Alpha\nCarrier / x\n1 GB"), parts);
        assert_eq!(plan_of("Alpha\r\nCarrier / x\r\n1 GB"), parts);
        assert_eq!(plan_of("Alpha"), None);
    }
}

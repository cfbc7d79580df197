//! Webhooks: where events go, and what became of them there.

use askama::Template;
use axum::response::Response;
use rsp_es::printable::printable;
use rsp_store::{Delivery, EventKind};
use serde::Deserialize;

use super::failure::Failure;
use super::input::{Form, Path};
use super::outcome::{Board, Outcome, after, show};
use super::query::{Pairs, value};
use super::shell::{Mark, Shell, moment, page};
use super::visit::Visit;
use crate::actor::Right;
use crate::webhooks::{KINDS, USUAL_OVERLAP, WantedWebhook, WebhookShown, kind, kind_name};

/// Deliveries that are shown of a webhook.
const DELIVERIES: u32 = 50;
/// Characters of an address.
const ADDRESS: usize = 200;

#[derive(Template)]
#[template(path = "integrations/webhooks.html")]
struct WebhooksPage {
    shell: Shell,
    rows: Vec<Row>,
    staff: bool,
    tenants: Vec<String>,
    kinds: Vec<(&'static str, &'static str)>,
    outcome: Outcome,
}

struct Row {
    id: String,
    url: String,
    operator: String,
    kinds: String,
    state: Mark,
    last: String,
    counts: String,
}

impl Board for WebhooksPage {
    async fn of(visit: &Visit, mut outcome: Outcome) -> Result<Self, Failure> {
        visit.actor().require(Right::Manage)?;
        let row = |shown: WebhookShown| Row {
            state: match &shown.last {
                None => Mark::new("", "wait", "Nothing sent yet"),
                Some(last) => mark(last),
            },
            last: shown.last.as_ref().map(|last| moment(last.at)).unwrap_or_default(),
            counts: format!("{} delivered, {} given up", shown.delivered, shown.given_up),
            kinds: shown.kinds.iter().map(|kind| kind_name(*kind)).collect::<Vec<_>>().join(", "),
            url: printable(&shown.url, ADDRESS),
            id: shown.id,
            operator: shown.operator,
        };
        Ok(Self {
            shell: outcome.shell(visit, "Webhooks", "/webhooks"),
            rows: visit.service.webhooks.list(visit.actor(), None).await?.into_iter().map(row).collect(),
            staff: visit.is_staff(),
            tenants: visit.tenants().await?,
            kinds: KINDS.iter().map(|(name, kind)| (*name, purpose(*kind))).collect(),
            outcome,
        })
    }
}

fn purpose(kind: EventKind) -> &'static str {
    match kind {
        EventKind::State => "An order changed its state",
        EventKind::Step => "A device took a step of its download, or was refused",
        EventKind::Usage => "Use was reported, or topped up",
        EventKind::Network => "The network was told to let a subscriber in, or not",
        EventKind::Test => "A test was asked for",
    }
}

fn mark(delivery: &Delivery) -> Mark {
    match delivery.status {
        Some(status @ 200..300) => Mark::new("good", "good", format!("Taken ({status})")),
        Some(status) => Mark::new("bad", "warn", format!("Refused ({status})")),
        None => Mark::new("bad", "warn", "Not reached"),
    }
}

/// `GET /webhooks`.
pub(super) async fn list(visit: Visit) -> Result<Response, Failure> {
    show::<WebhooksPage>(&visit).await
}

/// `POST /webhooks`.
pub(super) async fn add(visit: Visit, Form(pairs): Form<Pairs>) -> Result<Response, Failure> {
    let wanted = WantedWebhook {
        tenant: value(&pairs, "tenant").map(str::to_owned),
        url: value(&pairs, "url").unwrap_or_default().trim().to_owned(),
        kinds: pairs.iter().filter(|(name, _)| name == "kind").filter_map(|(_, name)| kind(name)).collect(),
    };
    let added = visit.service.webhooks.add(visit.actor(), &wanted).await;
    let told = added.map(|added| Outcome::told(printable(&added.webhook.url, ADDRESS), added.secret));
    after::<WebhooksPage>(&visit, told).await
}

/// A webhook that is named by a form.
#[derive(Deserialize)]
pub(super) struct Named {
    id: String,
}

/// `POST /webhooks/rotate`.
pub(super) async fn rotate(visit: Visit, Form(named): Form<Named>) -> Result<Response, Failure> {
    let webhooks = &visit.service.webhooks;
    let rotated = match webhooks.rotate(visit.actor(), &named.id, USUAL_OVERLAP).await {
        Ok(secret) => {
            let webhook = webhooks.get(visit.actor(), &named.id).await?;
            Ok(Outcome::told(printable(&webhook.url, ADDRESS), secret))
        }
        Err(error) => Err(error),
    };
    after::<WebhooksPage>(&visit, rotated).await
}

/// `POST /webhooks/test`.
pub(super) async fn test(visit: Visit, Form(named): Form<Named>) -> Result<Response, Failure> {
    let sent = visit.service.webhooks.test(visit.actor(), &named.id).await;
    let text = "A test event is on its way; look at its deliveries in a moment.";
    after::<WebhooksPage>(&visit, sent.map(|_| Outcome::done(text))).await
}

/// `POST /webhooks/remove`.
pub(super) async fn remove(visit: Visit, Form(named): Form<Named>) -> Result<Response, Failure> {
    let removed = visit.service.webhooks.remove(visit.actor(), &named.id).await;
    after::<WebhooksPage>(&visit, removed.map(|_| Outcome::done("The webhook is removed."))).await
}

#[derive(Template)]
#[template(path = "integrations/deliveries.html")]
struct DeliveriesPage {
    shell: Shell,
    url: String,
    rows: Vec<DeliveryRow>,
}

struct DeliveryRow {
    at: String,
    mark: Mark,
    kind: &'static str,
    iccid: Option<String>,
    attempt: u32,
    took: u32,
}

/// `GET /webhooks/{id}`.
pub(super) async fn deliveries(visit: Visit, Path(id): Path<String>) -> Result<Response, Failure> {
    let webhook = visit.service.webhooks.get(visit.actor(), &id).await?;
    let row = |delivery: Delivery| DeliveryRow {
        at: moment(delivery.at),
        mark: mark(&delivery),
        kind: kind_name(delivery.kind),
        iccid: delivery.iccid.map(|iccid| iccid.to_string()),
        attempt: delivery.attempt,
        took: delivery.milliseconds,
    };
    let found = visit.service.webhooks.deliveries(visit.actor(), &id, DELIVERIES).await?;
    Ok(page(&DeliveriesPage {
        shell: Shell::new(&visit.viewer, "Deliveries", "/webhooks"),
        url: printable(&webhook.url, ADDRESS),
        rows: found.into_iter().map(row).collect(),
    }))
}

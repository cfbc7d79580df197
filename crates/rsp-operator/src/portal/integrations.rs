//! API keys and webhooks: how programs of others come in, and where events go.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use rsp_crypto::Zeroizing;
use rsp_store::{ApiKey, Delivery};
use serde::Deserialize;

use super::failure::{Failure, sentence, words};
use super::guard::Viewer;
use super::input::{Form, Path};
use super::query::Pairs;
use super::shell::{Mark, Notice, Shell, moment, page, page_with};
use crate::actor::{Right, Rights};
use crate::error::Error;
use crate::keys::NewKey;
use crate::service::Service;
use crate::webhooks::{KINDS, USUAL_OVERLAP, WantedWebhook, WebhookShown, kind, kind_name};

/// Seconds for which a key's old secret counts beside the new one: a day.
const OVERLAP: i64 = 86_400;
/// Deliveries that are shown of a webhook.
const DELIVERIES: u32 = 50;

/// A secret that is told once.
struct Told {
    name: String,
    secret: Zeroizing<String>,
}

async fn tenants(service: &Service, viewer: &Viewer) -> Result<Vec<String>, Failure> {
    Ok(match viewer.actor.tenant() {
        Some(_) => Vec::new(),
        None => service.desk.store().operators().await?.into_iter().map(|operator| operator.name).collect(),
    })
}

#[derive(Template)]
#[template(path = "integrations/keys.html")]
struct KeysPage {
    shell: Shell,
    rows: Vec<KeyRow>,
    staff: bool,
    tenants: Vec<String>,
    rights: [(&'static str, &'static str); 4],
    told: Option<Told>,
    problem: Option<String>,
}

struct KeyRow {
    id: String,
    name: String,
    operator: String,
    rights: String,
    state: Mark,
    live: bool,
    created_at: String,
    used_at: String,
}

const RIGHTS: [(&str, &str); 4] = [
    ("read", "See eSIMs, plans, events and figures"),
    ("provision", "Order, release, cancel, suspend, resume"),
    ("codes", "Be told confirmation codes"),
    ("manage", "Change plans and webhooks"),
];

async fn keys_page(service: &Service, viewer: &Viewer) -> Result<KeysPage, Failure> {
    viewer.require(Right::Manage)?;
    let now = service.desk.now();
    let row = |key: ApiKey| {
        let live = key.is_live(now);
        let state = match (live, key.revoked_at) {
            (true, _) => Mark::new("good", "good", "Active"),
            (false, Some(_)) => Mark::new("", "bad", "Revoked"),
            (false, None) => Mark::new("warn", "wait", "Expired"),
        };
        KeyRow {
            id: key.id,
            name: key.name,
            operator: key.operator,
            rights: key.rights.replace(',', ", "),
            state,
            live,
            created_at: moment(key.created_at),
            used_at: key.used_at.map_or_else(|| "never".to_owned(), moment),
        }
    };
    Ok(KeysPage {
        shell: Shell::new(viewer, "API keys", "/keys"),
        rows: service.keys.list(viewer.actor.tenant()).await?.into_iter().map(row).collect(),
        staff: viewer.actor.tenant().is_none(),
        tenants: tenants(service, viewer).await?,
        rights: RIGHTS,
        told: None,
        problem: None,
    })
}

/// `GET /keys`.
pub(super) async fn keys(State(service): State<Arc<Service>>, viewer: Viewer) -> Result<Response, Failure> {
    Ok(page(&keys_page(&service, &viewer).await?))
}

/// `POST /keys`.
pub(super) async fn add_key(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Form(pairs): Form<Pairs>,
) -> Result<Response, Failure> {
    viewer.require(Right::Manage)?;
    let name = super::query::value(&pairs, "name").unwrap_or_default().to_owned();
    let named = super::query::value(&pairs, "tenant");
    let tenant = match service.desk.tenant(&viewer.actor, named).await {
        Ok(tenant) => tenant,
        Err(error) => return Err(error.into()),
    };
    let chosen: Vec<_> = pairs.iter().filter(|(name, _)| name == "right").map(|(_, right)| right.as_str()).collect();
    let rights: Result<Rights, _> = chosen.join(",").parse();
    // Nobody hands out more than they have.
    let rights = rights.map_err(|problem| Error::invalid("rights", problem))?.and(viewer.actor.rights());
    if rights == Rights::default() {
        return key_problem(&service, &viewer, &Error::invalid("rights", "choose at least one")).await;
    }
    let new = NewKey { tenant, name: name.clone(), rights, expires_at: None };
    match service.keys.add(new, viewer.actor.name(), service.desk.now()).await {
        Ok((_, secret)) => {
            let mut shown = keys_page(&service, &viewer).await?;
            shown.told = Some(Told { name, secret });
            Ok(page(&shown))
        }
        Err(wrong @ Error::Invalid { .. }) => key_problem(&service, &viewer, &wrong).await,
        Err(error) => Err(error.into()),
    }
}

async fn key_problem(service: &Service, viewer: &Viewer, wrong: &Error) -> Result<Response, Failure> {
    let mut shown = keys_page(service, viewer).await?;
    shown.problem = Some(sentence(&words(wrong)));
    Ok(page_with(StatusCode::BAD_REQUEST, &shown))
}

#[derive(Deserialize)]
pub(super) struct IdForm {
    id: String,
}

/// `POST /keys/rotate`.
pub(super) async fn rotate_key(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Form(form): Form<IdForm>,
) -> Result<Response, Failure> {
    viewer.require(Right::Manage)?;
    let (tenant, by) = (viewer.actor.tenant(), viewer.actor.name());
    let secret = service.keys.rotate(tenant, &form.id, OVERLAP, by, service.desk.now()).await?;
    let mut shown = keys_page(&service, &viewer).await?;
    shown.told = Some(Told { name: form.id, secret });
    Ok(page(&shown))
}

/// `POST /keys/revoke`.
pub(super) async fn revoke_key(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Form(form): Form<IdForm>,
) -> Result<Response, Failure> {
    viewer.require(Right::Manage)?;
    let (tenant, by) = (viewer.actor.tenant(), viewer.actor.name());
    service.keys.revoke(tenant, &form.id, by, service.desk.now()).await?;
    let mut shown = keys_page(&service, &viewer).await?;
    shown.shell = shown.shell.with(Some(Notice::good("The key is revoked: it lets nobody in any more.")));
    Ok(page(&shown))
}

#[derive(Template)]
#[template(path = "integrations/webhooks.html")]
struct WebhooksPage {
    shell: Shell,
    rows: Vec<WebhookRow>,
    staff: bool,
    tenants: Vec<String>,
    kinds: Vec<&'static str>,
    told: Option<Told>,
    problem: Option<String>,
}

struct WebhookRow {
    id: String,
    url: String,
    operator: String,
    kinds: String,
    state: Mark,
    last: String,
    counts: String,
}

async fn webhooks_page(service: &Service, viewer: &Viewer) -> Result<WebhooksPage, Failure> {
    viewer.require(Right::Manage)?;
    let row = |shown: WebhookShown| WebhookRow {
        state: match &shown.last {
            None => Mark::new("", "wait", "Nothing sent yet"),
            Some(last) => delivery_mark(last),
        },
        last: shown.last.as_ref().map(|last| moment(last.at)).unwrap_or_default(),
        counts: format!("{} delivered, {} given up", shown.delivered, shown.given_up),
        kinds: shown.kinds.iter().map(|kind| kind_name(*kind)).collect::<Vec<_>>().join(", "),
        url: rsp_es::printable::printable(&shown.url, 200),
        id: shown.id,
        operator: shown.operator,
    };
    Ok(WebhooksPage {
        shell: Shell::new(viewer, "Webhooks", "/webhooks"),
        rows: service.webhooks.list(&viewer.actor, None).await?.into_iter().map(row).collect(),
        staff: viewer.actor.tenant().is_none(),
        tenants: tenants(service, viewer).await?,
        kinds: KINDS.iter().map(|(name, _)| *name).collect(),
        told: None,
        problem: None,
    })
}

fn delivery_mark(delivery: &Delivery) -> Mark {
    match delivery.status {
        Some(status @ 200..300) => Mark::new("good", "good", format!("Taken ({status})")),
        Some(status) => Mark::new("bad", "warn", format!("Refused ({status})")),
        None => Mark::new("bad", "warn", "Not reached"),
    }
}

/// `GET /webhooks`.
pub(super) async fn webhooks(State(service): State<Arc<Service>>, viewer: Viewer) -> Result<Response, Failure> {
    Ok(page(&webhooks_page(&service, &viewer).await?))
}

/// `POST /webhooks`.
pub(super) async fn add_webhook(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Form(pairs): Form<Pairs>,
) -> Result<Response, Failure> {
    viewer.require(Right::Manage)?;
    let kinds = pairs.iter().filter(|(name, _)| name == "kind").filter_map(|(_, name)| kind(name)).collect();
    let wanted = WantedWebhook {
        tenant: super::query::value(&pairs, "tenant").map(str::to_owned),
        url: super::query::value(&pairs, "url").unwrap_or_default().trim().to_owned(),
        kinds,
    };
    let added = service.webhooks.add(&viewer.actor, &wanted).await;
    let mut shown = webhooks_page(&service, &viewer).await?;
    match added {
        Ok(added) => {
            shown.told = Some(Told { name: added.webhook.url, secret: added.secret });
            Ok(page(&shown))
        }
        Err(wrong @ (Error::Invalid { .. } | Error::Exists { .. })) => {
            shown.problem = Some(sentence(&words(&wrong)));
            Ok(page_with(StatusCode::BAD_REQUEST, &shown))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /webhooks/rotate`.
pub(super) async fn rotate_webhook(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Form(form): Form<IdForm>,
) -> Result<Response, Failure> {
    let secret = service.webhooks.rotate(&viewer.actor, &form.id, USUAL_OVERLAP).await?;
    let mut shown = webhooks_page(&service, &viewer).await?;
    let name = shown.rows.iter().find(|row| row.id == form.id).map(|row| row.url.clone());
    shown.told = Some(Told { name: name.unwrap_or_default(), secret });
    Ok(page(&shown))
}

/// `POST /webhooks/test`.
pub(super) async fn test_webhook(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Form(form): Form<IdForm>,
) -> Result<Response, Failure> {
    service.webhooks.test(&viewer.actor, &form.id).await?;
    let mut shown = webhooks_page(&service, &viewer).await?;
    let text = "A test event is on its way; look at its deliveries in a moment.";
    shown.shell = shown.shell.with(Some(Notice::good(text)));
    Ok(page(&shown))
}

/// `POST /webhooks/remove`.
pub(super) async fn remove_webhook(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Form(form): Form<IdForm>,
) -> Result<Response, Failure> {
    service.webhooks.remove(&viewer.actor, &form.id).await?;
    let mut shown = webhooks_page(&service, &viewer).await?;
    shown.shell = shown.shell.with(Some(Notice::good("The webhook is removed.")));
    Ok(page(&shown))
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
pub(super) async fn deliveries(
    State(service): State<Arc<Service>>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let webhook = service.webhooks.get(&viewer.actor, &id).await?;
    let row = |delivery: Delivery| DeliveryRow {
        at: moment(delivery.at),
        mark: delivery_mark(&delivery),
        kind: kind_name(delivery.kind),
        iccid: delivery.iccid.map(|iccid| iccid.to_string()),
        attempt: delivery.attempt,
        took: delivery.milliseconds,
    };
    let found = service.webhooks.deliveries(&viewer.actor, &id, DELIVERIES).await?;
    Ok(page(&DeliveriesPage {
        shell: Shell::new(&viewer, "Deliveries", "/webhooks"),
        url: rsp_es::printable::printable(&webhook.url, 200),
        rows: found.into_iter().map(row).collect(),
    }))
}

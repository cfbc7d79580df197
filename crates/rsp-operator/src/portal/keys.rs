//! API keys: how programs of others come in.

use askama::Template;
use axum::response::Response;
use rsp_store::ApiKey;
use serde::Deserialize;

use super::failure::Failure;
use super::input::Form;
use super::outcome::{Board, Outcome, after, show};
use super::query::{Pairs, value};
use super::shell::{Mark, Shell, moment};
use super::visit::Visit;
use crate::actor::{Right, Rights};
use crate::error::Error;
use crate::keys::NewKey;

/// Seconds for which a key's old secret counts beside the new one: a day.
const OVERLAP: i64 = 86_400;

const RIGHTS: [(&str, &str); 4] = [
    ("read", "See eSIMs, plans, events and figures"),
    ("provision", "Order, release, cancel, suspend, resume"),
    ("codes", "Be told confirmation codes"),
    ("manage", "Change plans and webhooks"),
];

#[derive(Template)]
#[template(path = "integrations/keys.html")]
struct KeysPage {
    shell: Shell,
    rows: Vec<Row>,
    staff: bool,
    tenants: Vec<String>,
    rights: [(&'static str, &'static str); 4],
    outcome: Outcome,
}

struct Row {
    id: String,
    name: String,
    operator: String,
    rights: String,
    state: Mark,
    live: bool,
    created_at: String,
    used_at: String,
}

impl Board for KeysPage {
    async fn of(visit: &Visit, mut outcome: Outcome) -> Result<Self, Failure> {
        let now = visit.service.desk.now();
        let row = |key: ApiKey| {
            let live = key.is_live(now);
            let state = match (live, key.revoked_at) {
                (true, _) => Mark::new("good", "good", "Active"),
                (false, Some(_)) => Mark::new("", "bad", "Revoked"),
                (false, None) => Mark::new("warn", "wait", "Expired"),
            };
            Row {
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
        Ok(Self {
            shell: outcome.shell(visit, "API keys", "/keys"),
            rows: visit.service.keys.list_for(visit.actor()).await?.into_iter().map(row).collect(),
            staff: visit.is_staff(),
            tenants: visit.tenants().await?,
            rights: RIGHTS,
            outcome,
        })
    }
}

/// `GET /keys`.
pub(super) async fn list(visit: Visit) -> Result<Response, Failure> {
    show::<KeysPage>(&visit).await
}

/// `POST /keys`.
pub(super) async fn add(visit: Visit, Form(pairs): Form<Pairs>) -> Result<Response, Failure> {
    let added = make(&visit, &pairs).await;
    after::<KeysPage>(&visit, added).await
}

async fn make(visit: &Visit, pairs: &Pairs) -> Result<Outcome, Error> {
    visit.actor().require(Right::Manage)?;
    let tenant = visit.service.desk.tenant(visit.actor(), value(pairs, "tenant")).await?;
    let chosen: Vec<_> = pairs.iter().filter(|(name, _)| name == "right").map(|(_, right)| right.as_str()).collect();
    let rights: Result<Rights, _> = chosen.join(",").parse();
    // Nobody hands out more than they have.
    let rights = rights.map_err(|problem| Error::invalid("rights", problem))?.and(visit.actor().rights());
    if rights == Rights::default() {
        return Err(Error::invalid("rights", "choose at least one"));
    }
    let name = value(pairs, "name").unwrap_or_default();
    let new = NewKey { tenant, name: name.to_owned(), rights, expires_at: None };
    let (_, secret) = visit.service.keys.add(new, visit.actor().name(), visit.service.desk.now()).await?;
    Ok(Outcome::told(name, secret))
}

/// A key that is named by a form.
#[derive(Deserialize)]
pub(super) struct Named {
    id: String,
}

/// `POST /keys/rotate`.
pub(super) async fn rotate(visit: Visit, Form(named): Form<Named>) -> Result<Response, Failure> {
    let rotated = visit.service.keys.rotate_for(visit.actor(), &named.id, OVERLAP, visit.service.desk.now()).await;
    after::<KeysPage>(&visit, rotated.map(|secret| Outcome::told(&named.id, secret))).await
}

/// `POST /keys/revoke`.
pub(super) async fn revoke(visit: Visit, Form(named): Form<Named>) -> Result<Response, Failure> {
    let revoked = visit.service.keys.revoke_for(visit.actor(), &named.id, visit.service.desk.now()).await;
    let done = revoked.map(|_| Outcome::done("The key is revoked: it lets nobody in any more."));
    after::<KeysPage>(&visit, done).await
}

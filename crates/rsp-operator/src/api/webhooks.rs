//! Webhooks over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode as HttpStatus;
use axum::response::Response;
use axum::{Extension, Json};
use rsp_store::{Delivery, EventKind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::input::{Answer, Body, Parameters, PathText, once};
use super::parameters::Once;
use super::problem::Problem;
use crate::actor::Actor;
use crate::webhooks::{self, USUAL_OVERLAP, WantedWebhook, WebhookShown, kind_name};

/// What helps whoever did not get the answer.
const TOLD_BEFORE: &str = "It was told once, in the first answer. Was that lost, rotate the secret, with `overlap_seconds` 0 to end what was lost.";

/// Kinds that a webhook may name, the same one twice among them.
const MOST_KINDS: usize = 8;

/// What events are about.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Topic {
    State,
    Step,
    Usage,
    Network,
}

impl From<Topic> for EventKind {
    fn from(topic: Topic) -> Self {
        match topic {
            Topic::State => Self::State,
            Topic::Step => Self::Step,
            Topic::Usage => Self::Usage,
            Topic::Network => Self::Network,
        }
    }
}

/// A webhook that is wanted.
#[derive(Deserialize, ToSchema)]
#[schema(as = WantedWebhook)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Where events are posted: HTTPS, at an address of the public internet.
    #[schema(min_length = 1, max_length = 2048, example = "https://shop.example.com/esims")]
    url: String,
    /// What events are about that it gets.
    #[schema(min_items = 1, max_items = 8)]
    kinds: Vec<Topic>,
}

/// A secret that counts.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Secret {
    /// Which one, in the order of their making.
    number: i64,
    created_at: String,
    /// Until when messages are signed with it; null for the newest.
    expires_at: Option<String>,
}

/// A webhook.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Webhook {
    #[schema(example = "wh_5f0c6f5e8d7b4a3f9c2e1d0b7a695847")]
    id: String,
    /// Without its query, which may hold a secret.
    url: String,
    kinds: Vec<&'static str>,
    secrets: Vec<Secret>,
    created_at: String,
    created_by: String,
    /// Attempts so far.
    attempts: u64,
    /// Events that arrived.
    delivered: u64,
    /// Events that were given up.
    given_up: u64,
    last: Option<Attempt>,
}

impl From<WebhookShown> for Webhook {
    fn from(shown: WebhookShown) -> Self {
        let secrets = shown.secrets.into_iter().map(|secret| Secret {
            number: secret.number,
            created_at: secret.created_at.to_string(),
            expires_at: secret.expires_at.map(|end| end.to_string()),
        });
        Self {
            id: shown.id,
            url: shown.url,
            kinds: shown.kinds.into_iter().map(kind_name).collect(),
            secrets: secrets.collect(),
            created_at: shown.created_at.to_string(),
            created_by: shown.created_by,
            attempts: shown.attempts,
            delivered: shown.delivered,
            given_up: shown.given_up,
            last: shown.last.map(Attempt::from),
        }
    }
}

/// An attempt to deliver an event.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Attempt {
    event_id: String,
    kind: &'static str,
    iccid: Option<String>,
    /// The how manyth it was for this event.
    attempt: u32,
    at: String,
    milliseconds: u32,
    /// The receiver's HTTP status, if it answered.
    status: Option<u16>,
    /// Why it failed.
    problem: Option<String>,
    /// How it ended.
    outcome: &'static str,
}

impl From<Delivery> for Attempt {
    fn from(delivery: Delivery) -> Self {
        Self {
            event_id: delivery.event_id,
            kind: kind_name(delivery.kind),
            iccid: delivery.iccid.map(|iccid| iccid.to_string()),
            attempt: delivery.attempt,
            at: delivery.at.to_string(),
            milliseconds: delivery.milliseconds,
            status: delivery.status,
            problem: delivery.problem,
            outcome: delivery.outcome.as_str(),
        }
    }
}

/// A webhook that was added.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = AddedWebhook)]
pub(crate) struct Added {
    webhook: Webhook,
    /// With it messages are signed (HMAC-SHA256). Told this once: null when the answer is given again.
    #[schema(required)]
    secret: Option<String>,
    /// What to do without it; not there when it is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    remedy: Option<&'static str>,
}

/// A secret that was made.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Rotated {
    /// Told this once: null when the answer is given again.
    #[schema(required)]
    secret: Option<String>,
    /// What to do without it; not there when it is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    remedy: Option<&'static str>,
}

/// How a secret is rotated.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    /// Seconds for which messages are signed with the old secrets, too; a day without it.
    #[schema(minimum = 0, maximum = 2_592_000)]
    overlap_seconds: Option<i64>,
}

/// Some webhooks.
#[derive(Serialize, ToSchema)]
pub(crate) struct Webhooks {
    items: Vec<Webhook>,
}

/// Some attempts.
#[derive(Serialize, ToSchema)]
pub(crate) struct Attempts {
    items: Vec<Attempt>,
}

/// A test event.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tested {
    /// Its id: the deliveries say what becomes of it.
    event_id: String,
}

/// How many.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HowMany {
    /// At most so many.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// The webhooks. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks",
    tag = "Webhooks",
    operation_id = "list_webhooks",
    responses((status = 200, body = Webhooks)),
    security(("key" = []))
)]
pub(crate) async fn list(State(api): State<Arc<Api>>, Extension(actor): Extension<Actor>) -> Answer<Webhooks> {
    let shown = api.webhooks.list(&actor, None).await?;
    Ok(Json(Webhooks { items: shown.into_iter().map(Webhook::from).collect() }))
}

/// Add a webhook. Its secret is told this once. Needs the right `manage`.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks",
    tag = "Webhooks",
    operation_id = "add_webhook",
    params(Once),
    request_body = Wanted,
    responses((status = 201, body = Added, headers(("Location" = String, description = "The webhook")))),
    security(("key" = []))
)]
pub(crate) async fn add(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    Body(wanted): Body<Wanted>,
) -> Result<Response, Problem> {
    if wanted.kinds.len() > MOST_KINDS {
        return Err(Problem::invalid("kinds", format!("are more than {MOST_KINDS}")));
    }
    let kinds = wanted.kinds.into_iter().map(EventKind::from).collect();
    let wanted = WantedWebhook { tenant: None, url: wanted.url, kinds };
    let webhooks::AddedWebhook { webhook, secret } = api.webhooks.add(&actor, &wanted).await?;
    let again = Added { webhook: webhook.into(), secret: None, remedy: Some(TOLD_BEFORE) };
    let location = format!("/api/v1/webhooks/{}", again.webhook.id);
    let added = Added { secret: Some(secret.to_string()), remedy: None, ..again.clone() };
    Ok(once(HttpStatus::CREATED, &added, &again, Some(location)))
}

/// One webhook. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{id}",
    tag = "Webhooks",
    operation_id = "get_webhook",
    params(("id" = String, Path, min_length = 1)),
    responses((status = 200, body = Webhook)),
    security(("key" = []))
)]
pub(crate) async fn one(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathText(id): PathText,
) -> Answer<Webhook> {
    Ok(Json(api.webhooks.get(&actor, &id).await?.into()))
}

/// Remove a webhook, with what waits for it. Needs the right `manage`.
#[utoipa::path(
    delete,
    path = "/api/v1/webhooks/{id}",
    tag = "Webhooks",
    operation_id = "remove_webhook",
    params(("id" = String, Path, min_length = 1)),
    responses((status = 204)),
    security(("key" = []))
)]
pub(crate) async fn remove(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathText(id): PathText,
) -> Result<HttpStatus, Problem> {
    api.webhooks.remove(&actor, &id).await?;
    Ok(HttpStatus::NO_CONTENT)
}

/// Make another secret, which is told this once. Needs the right `manage`.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{id}/rotate",
    tag = "Webhooks",
    operation_id = "rotate_webhook",
    params(("id" = String, Path, min_length = 1), Once),
    request_body = Rotation,
    responses((status = 200, body = Rotated)),
    security(("key" = []))
)]
pub(crate) async fn rotate(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathText(id): PathText,
    Body(rotation): Body<Rotation>,
) -> Result<Response, Problem> {
    let secret = api.webhooks.rotate(&actor, &id, rotation.overlap_seconds.unwrap_or(USUAL_OVERLAP)).await?;
    let rotated = Rotated { secret: Some(secret.to_string()), remedy: None };
    Ok(once(HttpStatus::OK, &rotated, &Rotated { secret: None, remedy: Some(TOLD_BEFORE) }, None))
}

/// Send a test event. Needs the right `manage`.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{id}/test",
    tag = "Webhooks",
    operation_id = "test_webhook",
    params(("id" = String, Path, min_length = 1), Once),
    responses((status = 202, body = Tested)),
    security(("key" = []))
)]
pub(crate) async fn test(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathText(id): PathText,
) -> Result<(HttpStatus, Json<Tested>), Problem> {
    let event_id = api.webhooks.test(&actor, &id).await?;
    Ok((HttpStatus::ACCEPTED, Json(Tested { event_id })))
}

/// The last attempts, the newest first. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/webhooks/{id}/deliveries",
    tag = "Webhooks",
    operation_id = "list_deliveries",
    params(("id" = String, Path, min_length = 1), HowMany),
    responses((status = 200, body = Attempts)),
    security(("key" = []))
)]
pub(crate) async fn deliveries(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathText(id): PathText,
    Parameters(wanted): Parameters<HowMany>,
) -> Answer<Attempts> {
    let limit = super::events::page_size(wanted.limit)?;
    let deliveries = api.webhooks.deliveries(&actor, &id, limit).await?;
    Ok(Json(Attempts { items: deliveries.into_iter().map(Attempt::from).collect() }))
}

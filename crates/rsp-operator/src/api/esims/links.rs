//! Links that hand an eSIM to its user once.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::StatusCode as HttpStatus;
use axum::response::Response;
use axum::{Extension, Json};
use rsp_asn1::Timestamp;
use rsp_store::Handoff;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::{Actor, Right};
use crate::api::Api;
use crate::api::input::{Answer, Body, PathIccid, once};
use crate::api::parameters::{OfEsim, Once};
use crate::api::problem::{Details, Problem};
use crate::handoff::LIFETIME;

/// What helps whoever did not get the answer.
const TOLD_BEFORE: &str =
    "It was told once, in the first answer. Was that lost, make another link: one that nobody has ends by itself.";

const HOUR: i64 = 3_600;

/// For how long a link is to work.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedLink {
    /// Hours; three days without it.
    #[schema(minimum = 1, maximum = 720)]
    valid_hours: Option<i64>,
}

/// A link that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeLink {
    /// Leads to a page that shows the activation code once. Told this once: null when the answer is given again.
    #[schema(required, example = "https://operator.example.com/e/5f0a…")]
    url: Option<String>,
    /// The first second in which it does not work any more (RFC 3339).
    expires_at: String,
    /// What to do without it; not there when it is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    remedy: Option<&'static str>,
}

/// What became of a link.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LinkState {
    /// It can be used.
    Open,
    /// It was used.
    Used,
    /// It ended before it was used.
    Expired,
    /// It was not used, and its eSIM is nothing to be downloaded any more.
    Void,
}

/// A link, without what stands in it.
#[derive(Serialize, ToSchema)]
pub(crate) struct PastLink {
    state: LinkState,
    /// RFC 3339, as the next ones.
    created_at: String,
    /// Who made it.
    created_by: String,
    expires_at: String,
    used_at: Option<String>,
}

impl PastLink {
    fn of(link: Handoff, waits: bool, now: Timestamp) -> Self {
        let state = match link.used_at {
            Some(_) => LinkState::Used,
            None if link.expires_at <= now => LinkState::Expired,
            None if !waits => LinkState::Void,
            None => LinkState::Open,
        };
        Self {
            state,
            created_at: link.created_at.to_string(),
            created_by: link.created_by,
            expires_at: link.expires_at.to_string(),
            used_at: link.used_at.map(|at| at.to_string()),
        }
    }
}

/// The links of an eSIM.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkList {
    items: Vec<PastLink>,
}

/// Make a link that shows the activation code once, to whoever has it. Needs the right `provision`.
#[utoipa::path(
    post,
    path = "/api/v1/esims/{iccid}/links",
    tag = "eSIMs",
    operation_id = "make_link",
    params(OfEsim, Once),
    request_body = WantedLink,
    responses(
        (status = 201, body = MadeLink),
        (status = 409, body = Details, content_type = "application/problem+json", description = "There is nothing to be downloaded")
    ),
    security(("key" = []))
)]
pub(crate) async fn make(
    Shared(api): Shared<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
    Body(wanted): Body<WantedLink>,
) -> Result<Response, Problem> {
    let lifetime = wanted.valid_hours.map_or(LIFETIME, |hours| hours.saturating_mul(HOUR));
    let offered = api.handoffs.offer(&actor, &iccid, lifetime).await;
    let offered = offered.map_err(|error| Problem::from(error).named("valid_hours"))?;
    let (origin, expires_at) = (&api.origin, offered.expires_at.to_string());
    let url = Some(format!("{origin}/e/{}", *offered.token));
    let made = MadeLink { url, expires_at: expires_at.clone(), remedy: None };
    Ok(once(HttpStatus::CREATED, &made, &MadeLink { url: None, expires_at, remedy: Some(TOLD_BEFORE) }, None))
}

/// The links of an eSIM until a month after their end, the newest first, and what became of them. Needs the right `provision`.
#[utoipa::path(
    get,
    path = "/api/v1/esims/{iccid}/links",
    tag = "eSIMs",
    operation_id = "list_links",
    params(OfEsim),
    responses((status = 200, body = LinkList)),
    security(("key" = []))
)]
pub(crate) async fn list(
    Shared(api): Shared<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
) -> Answer<LinkList> {
    actor.require(Right::Provision)?;
    let waits = api.desk.esim(&actor, &iccid).await?.is_downloadable();
    let (links, now) = (api.handoffs.links(&actor, &iccid).await?, api.desk.now());
    Ok(Json(LinkList { items: links.into_iter().map(|link| PastLink::of(link, waits, now)).collect() }))
}

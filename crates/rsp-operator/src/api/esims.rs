//! eSIMs over the API: looked at, released, cancelled.

pub(super) mod handoff;
pub(super) mod links;
pub(super) mod list;
pub(super) mod network;
pub(super) mod order;

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::{Extension, Json};
use rsp_asn1::Iccid;
use rsp_store::{NetworkState, ProfileState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::events::{Event, cursor_of, page_size};
use super::input::{Answer, Parameters, PathIccid};
use super::parameters::{OfEsim, Once};
use crate::actor::Actor;
use crate::desk;
use crate::receipts::{Claims, claims_of};

/// Where an order stands (SGP.22 3.1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) enum State {
    /// Given back to the stock.
    Available,
    /// Reserved.
    Allocated,
    /// Reserved for an eUICC.
    Linked,
    /// Confirmed, and not to be downloaded yet.
    Confirmed,
    /// Can be downloaded.
    Released,
    /// Was delivered.
    Downloaded,
    /// Is on an eUICC.
    Installed,
    /// Was deleted from its eUICC.
    Deleted,
    /// Cannot be downloaded any more.
    Error,
    /// Was given up.
    Unavailable,
}

macro_rules! states {
    ($($name:ident),*) => {
        impl From<ProfileState> for State {
            fn from(state: ProfileState) -> Self {
                match state { $(ProfileState::$name => Self::$name),* }
            }
        }
        impl From<State> for ProfileState {
            fn from(state: State) -> Self {
                match state { $(State::$name => Self::$name),* }
            }
        }
    };
}

states!(Available, Allocated, Linked, Confirmed, Released, Downloaded, Installed, Deleted, Error, Unavailable);

/// Whether the network lets a subscriber in.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Network {
    Active,
    Suspended,
}

/// Where more is said of an eSIM.
#[derive(Serialize, ToSchema)]
pub(crate) struct Links {
    #[serde(rename = "self")]
    this: String,
    history: String,
    receipt: String,
    handoff: String,
    one_time_links: String,
}

/// An eSIM.
#[derive(Serialize, ToSchema)]
pub(crate) struct Esim {
    #[schema(pattern = "^[0-9]{18,20}$", example = "8988247000000000003")]
    iccid: String,
    state: State,
    /// Whether this server's SM-DP+ has the order. Of one that another has, no state after Released is known.
    state_known: bool,
    profile_type: String,
    /// What was sold; null for an order that was placed at the SM-DP+ alone, as are the next ones.
    carrier: Option<String>,
    plan: Option<String>,
    /// The carrier's country.
    country: Option<String>,
    /// The device that it is for, as its owner calls it.
    device_id: Option<String>,
    /// What its buyer calls it.
    reference: Option<String>,
    /// Whether the network lets it in.
    network: Option<Network>,
    /// The eUICC that it is for, once that is known.
    eid: Option<String>,
    confirmation_code_required: bool,
    /// Packages delivered so far.
    download_tries: u32,
    /// Wrong confirmation codes so far.
    confirmation_tries: u32,
    /// RFC 3339, as the next ones.
    created_at: String,
    updated_at: String,
    expires_at: Option<String>,
    links: Links,
}

impl From<&desk::Esim> for Esim {
    fn from(esim: &desk::Esim) -> Self {
        let plan = esim.plan.as_ref();
        let path = path_of(&esim.iccid);
        Self {
            iccid: esim.iccid.to_string(),
            state: esim.state.into(),
            state_known: esim.own,
            profile_type: esim.profile_type.clone(),
            carrier: plan.map(|plan| plan.carrier.clone()),
            plan: plan.map(|plan| plan.name.clone()),
            country: plan.map(|plan| plan.country.clone()),
            device_id: plan.and_then(|plan| plan.device_id.clone()),
            reference: plan.and_then(|plan| plan.reference.clone()),
            network: plan.map(|plan| match plan.network {
                NetworkState::Active => Network::Active,
                NetworkState::Suspended => Network::Suspended,
            }),
            eid: esim.eid.map(|eid| eid.to_string()),
            confirmation_code_required: esim.confirmation_code_required,
            download_tries: esim.download_tries,
            confirmation_tries: esim.confirmation_tries,
            created_at: esim.created_at.to_string(),
            updated_at: esim.updated_at.to_string(),
            expires_at: esim.expires_at.map(|end| end.to_string()),
            links: Links {
                history: format!("{path}/history"),
                receipt: format!("{path}/receipt"),
                handoff: format!("{path}/handoff"),
                one_time_links: format!("{path}/links"),
                this: path,
            },
        }
    }
}

fn path_of(iccid: &Iccid) -> String {
    format!("/api/v1/esims/{iccid}")
}

/// One eSIM. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/esims/{iccid}",
    tag = "eSIMs",
    operation_id = "get_esim",
    params(OfEsim),
    responses((status = 200, body = Esim)),
    security(("key" = []))
)]
pub(crate) async fn one(
    Shared(api): Shared<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
) -> Answer<Esim> {
    Ok(Json((&api.desk.esim(&actor, &iccid).await?).into()))
}

/// Some of what happened to an eSIM, oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct History {
    items: Vec<Event>,
    /// The cursor of the next page; null at the end.
    next: Option<String>,
}

/// Which part of what happened.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// As `next` of the page before said.
    #[param(min_length = 1, max_length = 64, pattern = "^[0-9a-f]{32}$")]
    cursor: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// What happened to an eSIM, oldest first. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/esims/{iccid}/history",
    tag = "eSIMs",
    operation_id = "get_history",
    params(OfEsim, Part),
    responses((status = 200, body = History)),
    security(("key" = []))
)]
pub(crate) async fn history(
    Shared(api): Shared<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
    Parameters(part): Parameters<Part>,
) -> Answer<History> {
    let after = part.cursor.as_deref().map(|cursor| cursor_of(&api, cursor)).transpose()?;
    let page = api.desk.history_page(&actor, &iccid, after, page_size(part.limit)?).await?;
    Ok(Json(History {
        items: page.items.into_iter().map(|event| Event::of(event, &api.event_ids)).collect(),
        next: page.next.map(|next| api.desk.cursors().of_event(&next)),
    }))
}

/// A signed receipt.
#[derive(Serialize, ToSchema)]
pub(crate) struct Receipt {
    /// JWS in its compact form, by ES256. `/.well-known/openrsp-receipts.json` has the key.
    receipt: String,
    /// What it says, for people.
    claims: Claims,
}

/// A signed receipt of what happened to an eSIM, with the reason of the last refusal. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/esims/{iccid}/receipt",
    tag = "eSIMs",
    operation_id = "get_receipt",
    params(OfEsim),
    responses((status = 200, body = Receipt)),
    security(("key" = []))
)]
pub(crate) async fn receipt(
    Shared(api): Shared<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
) -> Answer<Receipt> {
    let esim = api.desk.esim(&actor, &iccid).await?;
    let (history, is_all) = api.desk.last_of(&esim).await?;
    let now = api.desk.now();
    let claims = claims_of(&esim, (&history, is_all), api.desk.orders().identity(), now);
    Ok(Json(Receipt { receipt: api.receipts.sign(&claims, now).await?, claims }))
}

/// Give an order up. Needs the right `provision`.
#[utoipa::path(
    post,
    path = "/api/v1/esims/{iccid}/cancel",
    tag = "eSIMs",
    operation_id = "cancel_esim",
    params(OfEsim, Once),
    responses((status = 200, body = Esim)),
    security(("key" = []))
)]
pub(crate) async fn cancel(
    Shared(api): Shared<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
) -> Answer<Esim> {
    Ok(Json((&api.desk.cancel(&actor, &iccid).await?).into()))
}

/// Let a confirmed eSIM be downloaded. Needs the right `provision`.
#[utoipa::path(
    post,
    path = "/api/v1/esims/{iccid}/release",
    tag = "eSIMs",
    operation_id = "release_esim",
    params(OfEsim, Once),
    responses((status = 200, body = Esim)),
    security(("key" = []))
)]
pub(crate) async fn release(
    Shared(api): Shared<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
) -> Answer<Esim> {
    Ok(Json((&api.desk.release(&actor, &iccid).await?).into()))
}

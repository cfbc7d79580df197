//! A tenant's API keys over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode as HttpStatus;
use axum::response::Response;
use axum::{Extension, Json};
use rsp_store::ApiKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::input::{Answer, Body, PathText, once};
use super::parameters::Once;
use super::problem::Problem;
use crate::actor::{Actor, Right, Rights};
use crate::keys::USUAL_OVERLAP;

/// What helps whoever did not get the answer.
const TOLD_BEFORE: &str = "It was told once, in the first answer. Was that lost, rotate again, with `overlap_seconds` 0 to end what was lost.";

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct Key {
    /// Its public part: what follows `orsp_` in its text.
    #[schema(example = "0123456789abcdef")]
    id: String,
    /// What people call it.
    name: String,
    /// What it may do: `read`, `provision`, `codes`, `manage`.
    rights: Vec<&'static str>,
    /// RFC 3339, as the next ones.
    created_at: String,
    rotated_at: Option<String>,
    /// The last second of the secret before the last rotation; null if it counts no more.
    previous_secret_until: Option<String>,
    /// Its last second, if it has one.
    expires_at: Option<String>,
    revoked_at: Option<String>,
    /// When it was used, to the minute.
    used_at: Option<String>,
}

impl Key {
    fn of(key: ApiKey, now: rsp_asn1::Timestamp) -> Self {
        let time = |time: Option<rsp_asn1::Timestamp>| time.map(|time| time.to_string());
        let rights = key.rights.parse::<Rights>().unwrap_or_default();
        Self {
            id: key.id,
            name: key.name,
            rights: Right::ALL.into_iter().filter(|right| rights.has(*right)).map(Right::as_str).collect(),
            created_at: key.created_at.to_string(),
            rotated_at: time(key.rotated_at),
            previous_secret_until: time(key.previous.map(|previous| previous.until).filter(|until| now <= *until)),
            expires_at: time(key.expires_at),
            revoked_at: time(key.revoked_at),
            used_at: time(key.used_at),
        }
    }
}

/// A tenant's keys.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeys)]
pub(crate) struct KeyList {
    items: Vec<Key>,
}

/// How a key is rotated.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRotation {
    /// Seconds for which the secret so far counts, too; a day without it.
    #[schema(minimum = 0, maximum = 2_592_000)]
    overlap_seconds: Option<i64>,
}

/// A key with another secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct RotatedKey {
    id: String,
    /// All of the key. Told this once: null when the answer is given again.
    #[schema(required)]
    key: Option<String>,
    /// What to do without it; not there when it is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    remedy: Option<&'static str>,
}

/// The tenant's API keys, the oldest first. Needs the right `manage`.
#[utoipa::path(
    get,
    path = "/api/v1/keys",
    tag = "Keys",
    operation_id = "list_keys",
    responses((status = 200, body = KeyList)),
    security(("key" = []))
)]
pub(crate) async fn list(State(api): State<Arc<Api>>, Extension(actor): Extension<Actor>) -> Answer<KeyList> {
    let (keys, now) = (api.keys.list_for(&actor).await?, api.desk.now());
    Ok(Json(KeyList { items: keys.into_iter().map(|key| Key::of(key, now)).collect() }))
}

/// Give a key another secret, which is told this once. Needs the right `manage`, and each right that the key has.
#[utoipa::path(
    post,
    path = "/api/v1/keys/{id}/rotate",
    tag = "Keys",
    operation_id = "rotate_key",
    params(("id" = String, Path, min_length = 1), Once),
    request_body = KeyRotation,
    responses((status = 200, body = RotatedKey)),
    security(("key" = []))
)]
pub(crate) async fn rotate(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathText(id): PathText,
    Body(rotation): Body<KeyRotation>,
) -> Result<Response, Problem> {
    let overlap = rotation.overlap_seconds.unwrap_or(USUAL_OVERLAP);
    let rotated = api.keys.rotate_for(&actor, &id, overlap, api.desk.now()).await;
    let text = rotated.map_err(|error| Problem::from(error).named("overlap_seconds"))?;
    let rotated = RotatedKey { id: id.clone(), key: Some(text.to_string()), remedy: None };
    Ok(once(HttpStatus::OK, &rotated, &RotatedKey { id, key: None, remedy: Some(TOLD_BEFORE) }, None))
}

/// Revoke a key, at once and for good; a key can revoke itself. Needs the right `manage`.
#[utoipa::path(
    post,
    path = "/api/v1/keys/{id}/revoke",
    tag = "Keys",
    operation_id = "revoke_key",
    params(("id" = String, Path, min_length = 1), Once),
    responses((status = 200, body = Key)),
    security(("key" = []))
)]
pub(crate) async fn revoke(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathText(id): PathText,
) -> Answer<Key> {
    let now = api.desk.now();
    Ok(Json(Key::of(api.keys.revoke_for(&actor, &id, now).await?, now)))
}

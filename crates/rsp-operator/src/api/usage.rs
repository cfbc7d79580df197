//! What subscriptions use, and whether the network lets them in, over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use rsp_asn1::Timestamp;
use rsp_store::Amounts;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use super::Api;
use super::input::{Answer, Body, PathIccid};
use super::parameters::{OfEsim, Once};
use super::problem::{Details, Problem};
use crate::actor::Actor;
use crate::usage::{Counted, MOST_RECORDS, NewTopUp, NewUsage, Standing};

/// A report of what was used.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Report {
    /// Its name: a second report of the same name is the same report.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$", example = "cdr-000017")]
    id: String,
    /// Octets of data.
    #[serde(default)]
    #[schema(minimum = 0)]
    data_bytes: i64,
    /// Seconds of calls.
    #[serde(default)]
    #[schema(minimum = 0)]
    voice_seconds: i64,
    #[serde(default)]
    #[schema(minimum = 0)]
    messages: i64,
    /// When it was used (RFC 3339); now, if it is not said.
    #[schema(format = DateTime)]
    at: Option<String>,
}

/// What became of a report.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reported {
    /// Whether the counters moved; false for a report that came before.
    counted: bool,
}

/// A report of what an eSIM used, among those of others.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportOfEsim {
    #[schema(pattern = "^[0-9]{18,20}$", example = "8988247000000000003")]
    iccid: String,
    /// Its name: a second report of the same name is the same report.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$", example = "cdr-000017")]
    id: String,
    /// Octets of data.
    #[serde(default)]
    #[schema(minimum = 0)]
    data_bytes: i64,
    /// Seconds of calls.
    #[serde(default)]
    #[schema(minimum = 0)]
    voice_seconds: i64,
    #[serde(default)]
    #[schema(minimum = 0)]
    messages: i64,
    /// When it was used (RFC 3339); now, if it is not said.
    #[schema(format = DateTime)]
    at: Option<String>,
}

/// Reports of what eSIMs used.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reports {
    /// They are counted all together, or none of them is.
    #[schema(min_items = 1, max_items = 1000)]
    records: Vec<ReportOfEsim>,
}

/// What became of reports.
#[derive(Serialize, ToSchema)]
pub(crate) struct ManyReported {
    /// Reports that moved the counters.
    counted: usize,
    /// Reports that came before.
    repeated: usize,
}

/// Something to be added to an allowance.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopUp {
    /// Its name: a second one of the same name is the same top-up.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$", example = "order-4711")]
    id: String,
    /// Octets of data.
    #[serde(default)]
    #[schema(minimum = 0)]
    data_bytes: i64,
    /// Seconds of calls.
    #[serde(default)]
    #[schema(minimum = 0)]
    voice_seconds: i64,
    #[serde(default)]
    #[schema(minimum = 0)]
    messages: i64,
    /// Days by which it is valid for longer.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 36500)]
    days: i64,
}

/// Amounts of what a subscription uses.
#[derive(Serialize, ToSchema)]
pub(crate) struct Used {
    data_bytes: i64,
    voice_seconds: i64,
    messages: i64,
}

impl From<Amounts> for Used {
    fn from(amounts: Amounts) -> Self {
        Self { data_bytes: amounts.data_bytes, voice_seconds: amounts.voice_seconds, messages: amounts.messages }
    }
}

/// What a subscription may use: the plan's allowance with what was added. Null is without limit.
#[derive(Serialize, ToSchema)]
pub(crate) struct Allowed {
    data_bytes: Option<i64>,
    voice_seconds: Option<i64>,
    messages: Option<i64>,
}

/// Something that was added.
#[derive(Serialize, ToSchema)]
#[schema(as = AddedTopUp)]
pub(crate) struct Added {
    id: String,
    added: Used,
    days: i64,
    at: String,
    by: String,
}

/// How a subscription stands. A counter moves by posted reports, and by nothing else.
#[derive(Serialize, ToSchema)]
pub(crate) struct Counters {
    iccid: String,
    used: Used,
    allowance: Allowed,
    /// Kilobits a second when the data are used up, if the plan says so.
    throttle_kbps: Option<i64>,
    data_used_up: bool,
    valid_from: Option<String>,
    expires_at: Option<String>,
    expired: bool,
    /// What was added, the newest first.
    top_ups: Vec<Added>,
}

impl From<Standing> for Counters {
    fn from(standing: Standing) -> Self {
        let top_ups = standing.top_ups.into_iter().map(|top_up| Added {
            id: top_up.id,
            added: top_up.added.into(),
            days: top_up.days,
            at: top_up.at.to_string(),
            by: top_up.by,
        });
        Self {
            iccid: standing.iccid.to_string(),
            used: standing.counters.used.into(),
            allowance: Allowed {
                data_bytes: standing.allowance.data_bytes,
                voice_seconds: standing.allowance.voice_seconds,
                messages: standing.allowance.messages,
            },
            throttle_kbps: standing.throttle_kbps,
            data_used_up: standing.data_used_up,
            valid_from: standing.counters.valid_from.map(|time| time.to_string()),
            expires_at: standing.counters.expires_at.map(|time| time.to_string()),
            expired: standing.expired,
            top_ups: top_ups.collect(),
        }
    }
}

/// What was used, and what is left. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/esims/{iccid}/usage",
    tag = "Usage",
    operation_id = "get_usage",
    params(OfEsim),
    responses((status = 200, body = Counters)),
    security(("key" = []))
)]
pub(crate) async fn standing(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
) -> Answer<Counters> {
    Ok(Json(api.usage.standing(&actor, &iccid).await?.into()))
}

/// Report what was used. Needs the right `provision`.
#[utoipa::path(
    post,
    path = "/api/v1/esims/{iccid}/usage",
    tag = "Usage",
    operation_id = "report_usage",
    params(OfEsim, Once),
    request_body = Report,
    responses((status = 200, body = Reported)),
    security(("key" = []))
)]
pub(crate) async fn report(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
    Body(report): Body<Report>,
) -> Answer<Reported> {
    let used =
        Amounts { data_bytes: report.data_bytes, voice_seconds: report.voice_seconds, messages: report.messages };
    let at = report.at.as_deref().map(timestamp).transpose()?;
    let counted = api.usage.post(&actor, &[NewUsage { id: report.id, iccid, used, at }]).await?;
    Ok(Json(Reported { counted: counted.contains(&Counted::Now) }))
}

/// Report what many eSIMs used: all of it counts, or nothing. At most 1,000 reports in 2 MiB. Needs the right `provision`.
#[utoipa::path(
    post,
    path = "/api/v1/usage",
    tag = "Usage",
    operation_id = "report_usage_of_many",
    params(Once),
    request_body = Reports,
    responses(
        (status = 200, body = ManyReported),
        (status = 404, body = Details, content_type = "application/problem+json",
            description = "There is no such eSIM: `field` names the report")
    ),
    security(("key" = []))
)]
pub(crate) async fn report_many(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    Body(Reports { records }): Body<Reports>,
) -> Answer<ManyReported> {
    if records.is_empty() || records.len() > MOST_RECORDS {
        return Err(Problem::invalid("records", format!("1 to {MOST_RECORDS} reports")));
    }
    let part = |place: usize| format!("records[{place}]");
    let mut reports = Vec::with_capacity(records.len());
    for (place, record) in records.into_iter().enumerate() {
        let iccid = record.iccid.parse().map_err(|_| Problem::not_found().within(&part(place)))?;
        let at = record.at.as_deref().map(timestamp).transpose().map_err(|problem| problem.within(&part(place)))?;
        let ReportOfEsim { id, data_bytes, voice_seconds, messages, .. } = record;
        reports.push(NewUsage { id, iccid, used: Amounts { data_bytes, voice_seconds, messages }, at });
    }
    let counted = api.usage.post_list(&actor, &reports).await.map_err(|refused| {
        let problem = Problem::from(*refused.error);
        match refused.record {
            Some(place) => problem.within(&part(place)),
            None => problem,
        }
    })?;
    let now = counted.iter().filter(|counted| **counted == Counted::Now).count();
    Ok(Json(ManyReported { counted: now, repeated: counted.len() - now }))
}

/// Add to the allowance. Needs the right `provision`.
#[utoipa::path(
    post,
    path = "/api/v1/esims/{iccid}/top-ups",
    tag = "Usage",
    operation_id = "top_up",
    params(OfEsim, Once),
    request_body = TopUp,
    responses((status = 200, body = Counters)),
    security(("key" = []))
)]
pub(crate) async fn top_up(
    State(api): State<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
    Body(wanted): Body<TopUp>,
) -> Answer<Counters> {
    let added =
        Amounts { data_bytes: wanted.data_bytes, voice_seconds: wanted.voice_seconds, messages: wanted.messages };
    let new = NewTopUp { id: wanted.id, iccid, added, days: wanted.days };
    Ok(Json(api.usage.top_up(&actor, &new).await?.into()))
}

fn timestamp(text: &str) -> Result<Timestamp, Problem> {
    let read = OffsetDateTime::parse(text, &Rfc3339);
    read.map(|time| Timestamp(time.unix_timestamp()))
        .map_err(|_| Problem::invalid("at", "a time of RFC 3339, such as 2026-11-30T12:00:00Z"))
}

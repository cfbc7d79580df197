//! eSIMs over the API: ordered, looked at, released, cancelled.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::StatusCode as HttpStatus;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsp_asn1::{Eid, Iccid, Timestamp};
use rsp_es::activation_code::ActivationCode;
use rsp_store::{NetworkState, OrderCursor, ProfileState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::events::{Event, page_size};
use super::input::{Answer, Body, Parameters, PathIccid, bounded, once};
use super::problem::{Details, Problem};
use crate::actor::{Actor, Right};
use crate::desk::{self, Confirmation, EsimFilter, Wanted};
use crate::receipts::{Claims, claims_of};
use crate::{handoff, qr};

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

/// Ways to an activation code for phones. Consumer phones take only an SM-DP+ under a certificate issuer of GSMA.
#[derive(Serialize, ToSchema)]
pub(crate) struct Handoff {
    /// Opens the settings of an iPhone, from iOS 17.4 on.
    ios: String,
    /// Opens the settings of an Android phone.
    android: String,
    /// What the QR code says.
    lpa: String,
    /// What a person enters: the address of the SM-DP+.
    smdp_address: String,
    /// And the activation code or matching ID.
    matching_id: String,
    /// Whether a code is asked for besides, which comes by another way.
    confirmation_code_required: bool,
}

impl Handoff {
    fn of(code: &ActivationCode) -> Self {
        let links = handoff::links(code);
        Self {
            ios: links.ios.to_string(),
            android: links.android.to_string(),
            lpa: links.uri.to_string(),
            smdp_address: code.smdp_address().to_owned(),
            matching_id: code.matching_id().to_owned(),
            confirmation_code_required: code.confirmation_code_required(),
        }
    }
}

/// Where more is said of an eSIM.
#[derive(Serialize, ToSchema)]
pub(crate) struct Links {
    #[serde(rename = "self")]
    this: String,
    history: String,
    receipt: String,
    handoff: String,
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
                this: path,
            },
        }
    }
}

fn path_of(iccid: &Iccid) -> String {
    format!("/api/v1/esims/{iccid}")
}

/// What the user has to enter besides the activation code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Code {
    /// Nothing.
    #[default]
    None,
    /// A code that is made and told once. Needs the right `codes`.
    Auto,
}

/// An eSIM that is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedEsim {
    /// The carrier of a plan.
    #[schema(min_length = 1, max_length = 64, example = "Alpha Mobile")]
    carrier: String,
    /// The plan's name.
    #[schema(min_length = 1, max_length = 64, example = "Travel 5 GB")]
    plan: String,
    /// Refuse to order what anybody could download who sees the activation code: an EID or a confirmation code is needed.
    #[serde(default)]
    secure: bool,
    /// The only eUICC that may download it.
    #[schema(pattern = "^[0-9]{32}$", example = "89049032123451234512345678901235")]
    eid: Option<String>,
    #[serde(default)]
    confirmation_code: Code,
    /// What its buyer calls it.
    #[schema(min_length = 1, max_length = 64)]
    reference: Option<String>,
    /// Only say whether it could be ordered.
    #[serde(default)]
    validate: bool,
}

/// An eSIM for a device that nobody sits at.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedForDevice {
    /// The carrier of a plan.
    #[schema(min_length = 1, max_length = 64, example = "Alpha Mobile")]
    carrier: String,
    /// The plan's name.
    #[schema(min_length = 1, max_length = 64, example = "Travel 5 GB")]
    plan: String,
    /// The device's eUICC: no other can download it.
    #[schema(pattern = "^[0-9]{32}$", example = "89049032123451234512345678901235")]
    eid: String,
    /// The device, as its owner calls it.
    #[schema(min_length = 1, max_length = 64, example = "meter 17")]
    device_id: String,
    /// What its buyer calls it.
    #[schema(min_length = 1, max_length = 64)]
    reference: Option<String>,
}

/// An eSIM that was ordered.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Provisioned {
    #[schema(pattern = "^[0-9]{18,20}$", example = "8988247000000000003")]
    iccid: String,
    /// What the device is given. Whoever has it can download the profile, but for what else is demanded.
    #[schema(example = "LPA:1$smdp.example.com$K2-1X2Y3Z")]
    activation_code: String,
    /// The activation code as a QR code, PNG.
    #[schema(content_encoding = "base64")]
    qr_code_base64: String,
    confirmation_code_required: bool,
    /// Told this once: to be handed to the user by another way than the activation code.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmation_code: Option<String>,
    state: State,
    carrier: String,
    plan: String,
    eid: Option<String>,
    device_id: Option<String>,
    reference: Option<String>,
    security: Security,
}

/// What is known of the connection on which it was ordered, and of what the order is bound to. The phone's own connection is
/// not part of it.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Security {
    #[schema(example = "TLSv1_3")]
    tls_version: Option<String>,
    cipher_suite: Option<String>,
    /// SHA-256 of the SM-DP+'s public key, if it is one of the pins that were configured.
    pin_sha256: Option<String>,
    /// Whether the SM-DP+ gives it to one eUICC only.
    eid_bound: bool,
    /// Whether the SM-DP+ asks for a confirmation code.
    confirmation_code: bool,
}

/// That an eSIM could be ordered.
#[derive(Serialize, ToSchema)]
pub(crate) struct Valid {
    /// Always true.
    valid: bool,
    carrier: String,
    plan: String,
    /// What would be ordered at the SM-DP+.
    profile_type: String,
}

/// Order an eSIM, or say whether it could be. Needs the right `provision`, and for a confirmation code `codes`.
#[utoipa::path(
    post,
    path = "/api/v1/esim/provision",
    tag = "eSIMs",
    operation_id = "provision",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 128, pattern = "^[!-~]+$",
        description = "The same key and body get the same answer for a day, without the confirmation code")),
    request_body = WantedEsim,
    responses(
        (status = 201, body = Provisioned, headers(("Location" = String, description = "The eSIM"))),
        (status = 200, body = Valid, description = "It could be ordered"),
        (status = 404, body = Details, content_type = "application/problem+json", description = "There is no such plan")
    ),
    security(("key" = []))
)]
pub(crate) async fn provision(
    Shared(api): Shared<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    Body(wanted): Body<WantedEsim>,
) -> Result<Response, Problem> {
    let confirmation = match wanted.confirmation_code {
        Code::None => Confirmation::None,
        // Nobody else is ever told the code: who may not be told it cannot order one.
        Code::Auto if !actor.rights().has(Right::Codes) => return Err(Problem::forbidden(Right::Codes)),
        Code::Auto => Confirmation::Auto,
    };
    let (carrier, plan) = (wanted.carrier.clone(), wanted.plan.clone());
    let order = Wanted {
        tenant: None,
        carrier: wanted.carrier,
        plan: wanted.plan,
        eid: wanted.eid.as_deref().map(eid).transpose()?,
        device_id: None,
        reference: wanted.reference,
        confirmation,
        secure: wanted.secure,
    };
    if wanted.validate {
        let profile_type = api.desk.validate(&actor, &order).await?.profile_type;
        return Ok(Json(Valid { valid: true, carrier, plan, profile_type }).into_response());
    }
    sell(&api, &actor, order).await
}

/// Order an eSIM for a device by its EID. Needs the right `provision`.
#[utoipa::path(
    post,
    path = "/api/v1/iot/provision",
    tag = "eSIMs",
    operation_id = "provision_iot",
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 128, pattern = "^[!-~]+$")),
    request_body = WantedForDevice,
    responses(
        (status = 201, body = Provisioned, headers(("Location" = String, description = "The eSIM"))),
        (status = 404, body = Details, content_type = "application/problem+json", description = "There is no such plan")
    ),
    security(("key" = []))
)]
pub(crate) async fn provision_iot(
    Shared(api): Shared<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    Body(wanted): Body<WantedForDevice>,
) -> Result<Response, Problem> {
    let order = Wanted {
        tenant: None,
        carrier: wanted.carrier,
        plan: wanted.plan,
        eid: Some(eid(&wanted.eid)?),
        device_id: Some(wanted.device_id),
        reference: wanted.reference,
        confirmation: Confirmation::None,
        secure: false,
    };
    sell(&api, &actor, order).await
}

async fn sell(api: &Api, actor: &Actor, order: Wanted) -> Result<Response, Problem> {
    let sold = api.desk.provision(actor, order).await?;
    let code = sold.activation_code.to_uri();
    let plan = sold.esim.plan.as_ref();
    let mut provisioned = Provisioned {
        iccid: sold.esim.iccid.to_string(),
        activation_code: code.to_string(),
        qr_code_base64: STANDARD.encode(qr::png(&code)),
        confirmation_code_required: sold.activation_code.confirmation_code_required(),
        confirmation_code: None,
        state: sold.esim.state.into(),
        carrier: plan.map(|plan| plan.carrier.clone()).unwrap_or_default(),
        plan: plan.map(|plan| plan.name.clone()).unwrap_or_default(),
        eid: sold.esim.eid.map(|eid| eid.to_string()),
        device_id: plan.and_then(|plan| plan.device_id.clone()),
        reference: plan.and_then(|plan| plan.reference.clone()),
        security: Security {
            tls_version: sold.security.tls_version,
            cipher_suite: sold.security.cipher_suite,
            pin_sha256: sold.security.pin.map(hex::encode),
            eid_bound: sold.security.binding.eid.is_some(),
            confirmation_code: sold.security.binding.confirmation_code,
        },
    };
    let again = provisioned.clone();
    provisioned.confirmation_code = sold.confirmation_code.as_ref().map(|code| code.to_string());
    Ok(once(HttpStatus::CREATED, &provisioned, &again, Some(path_of(&sold.esim.iccid))))
}

fn eid(text: &str) -> Result<Eid, Problem> {
    let eid: Eid = text.parse().map_err(|_| Problem::invalid("eid", "an EID has 32 digits"))?;
    if eid.check_digits_valid() { Ok(eid) } else { Err(Problem::invalid("eid", "its check digits are wrong")) }
}

/// Which eSIMs.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// In this state.
    state: Option<State>,
    /// Of plans of this carrier.
    #[param(min_length = 1, max_length = 64)]
    carrier: Option<String>,
    /// Of plans of carriers of this country, ISO 3166-1 alpha-2.
    #[param(pattern = "^[A-Za-z]{2}$")]
    country: Option<String>,
    /// As `next` of the page before said.
    #[param(min_length = 1, max_length = 64, pattern = "^[0-9]+:[0-9]{18,20}$")]
    cursor: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Some eSIMs.
#[derive(Serialize, ToSchema)]
pub(crate) struct Esims {
    items: Vec<Esim>,
    /// The cursor of the next page; null at the end.
    next: Option<String>,
}

/// eSIMs, newest first. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/esims",
    tag = "eSIMs",
    operation_id = "list_esims",
    params(Which),
    responses((status = 200, body = Esims)),
    security(("key" = []))
)]
pub(crate) async fn list(
    Shared(api): Shared<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    Parameters(which): Parameters<Which>,
) -> Answer<Esims> {
    bounded("cursor", which.cursor.as_deref(), 64)?;
    bounded("carrier", which.carrier.as_deref(), 64)?;
    if let Some(country) = &which.country {
        crate::check_country("country", country)?;
    }
    let after = which.cursor.as_deref().map(|cursor| {
        let parts = cursor.split_once(':').map(|(at, iccid)| (at.parse(), iccid.parse()));
        match parts {
            Some((Ok(at), Ok(iccid))) => Ok(OrderCursor { created_at: Timestamp(at), iccid }),
            _ => Err(Problem::invalid("cursor", "take the member \"next\" of the page before")),
        }
    });
    let filter = EsimFilter {
        states: which.state.map(Into::into).into_iter().collect(),
        carrier: which.carrier,
        country: which.country.map(|country| country.to_uppercase()),
        ..EsimFilter::default()
    };
    let limit = page_size(which.limit)?;
    let page = api.desk.esims(&actor, &filter, after.transpose()?, limit).await?;
    Ok(Json(Esims {
        items: page.items.iter().map(Esim::from).collect(),
        next: page.next.map(|next| format!("{}:{}", next.created_at.0, next.iccid)),
    }))
}

/// One eSIM. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/esims/{iccid}",
    tag = "eSIMs",
    operation_id = "get_esim",
    params(("iccid" = String, Path, pattern = "^[0-9]{18,20}$")),
    responses((status = 200, body = Esim), (status = 404, body = Details, content_type = "application/problem+json")),
    security(("key" = []))
)]
pub(crate) async fn one(
    Shared(api): Shared<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
) -> Answer<Esim> {
    Ok(Json((&api.desk.esim(&actor, &iccid).await?).into()))
}

/// What happened to an eSIM, oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct History {
    items: Vec<Event>,
}

/// What happened to an eSIM. Needs the right `read`.
#[utoipa::path(
    get,
    path = "/api/v1/esims/{iccid}/history",
    tag = "eSIMs",
    operation_id = "get_history",
    params(("iccid" = String, Path, pattern = "^[0-9]{18,20}$")),
    responses((status = 200, body = History), (status = 404, body = Details, content_type = "application/problem+json")),
    security(("key" = []))
)]
pub(crate) async fn history(
    Shared(api): Shared<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
) -> Answer<History> {
    let events = api.desk.history(&actor, &iccid).await?;
    Ok(Json(History { items: events.into_iter().map(Event::from).collect() }))
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
    params(("iccid" = String, Path, pattern = "^[0-9]{18,20}$")),
    responses((status = 200, body = Receipt), (status = 404, body = Details, content_type = "application/problem+json")),
    security(("key" = []))
)]
pub(crate) async fn receipt(
    Shared(api): Shared<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
) -> Answer<Receipt> {
    let esim = api.desk.esim(&actor, &iccid).await?;
    let history = api.desk.history(&actor, &iccid).await?;
    let now = api.desk.now();
    let claims = claims_of(&esim, &history, api.desk.orders().identity(), now);
    Ok(Json(Receipt { receipt: api.receipts.sign(&claims, now).await?, claims }))
}

/// The ways to an eSIM's activation code for phones. Needs the right `provision`: whoever has them can download the profile.
#[utoipa::path(
    get,
    path = "/api/v1/esims/{iccid}/handoff",
    tag = "eSIMs",
    operation_id = "get_handoff",
    params(("iccid" = String, Path, pattern = "^[0-9]{18,20}$")),
    responses((status = 200, body = Handoff), (status = 404, body = Details, content_type = "application/problem+json",
        description = "There is no such eSIM, or nothing to be downloaded")),
    security(("key" = []))
)]
pub(crate) async fn handoff(
    Shared(api): Shared<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
) -> Answer<Handoff> {
    let esim = api.desk.esim(&actor, &iccid).await?;
    let code = esim.activation_code.as_ref().and_then(|code| ActivationCode::parse_strict(code).ok());
    code.map(|code| Json(Handoff::of(&code))).ok_or_else(Problem::not_found)
}

/// Give an order up. Needs the right `provision`.
#[utoipa::path(
    post,
    path = "/api/v1/esims/{iccid}/cancel",
    tag = "eSIMs",
    operation_id = "cancel_esim",
    params(
        ("iccid" = String, Path, pattern = "^[0-9]{18,20}$"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 128, pattern = "^[!-~]+$")
    ),
    responses((status = 200, body = Esim), (status = 404, body = Details, content_type = "application/problem+json")),
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
    params(
        ("iccid" = String, Path, pattern = "^[0-9]{18,20}$"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 128, pattern = "^[!-~]+$")
    ),
    responses((status = 200, body = Esim), (status = 404, body = Details, content_type = "application/problem+json")),
    security(("key" = []))
)]
pub(crate) async fn release(
    Shared(api): Shared<Arc<Api>>,
    Extension(actor): Extension<Actor>,
    PathIccid(iccid): PathIccid,
) -> Answer<Esim> {
    Ok(Json((&api.desk.release(&actor, &iccid).await?).into()))
}

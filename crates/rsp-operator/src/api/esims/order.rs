//! eSIMs that are ordered.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::StatusCode as HttpStatus;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsp_asn1::Eid;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{State, path_of};
use crate::actor::{Actor, Right};
use crate::api::Api;
use crate::api::input::{Body, once};
use crate::api::parameters::Once;
use crate::api::problem::{Details, Problem};
use crate::desk::{Confirmation, Wanted};
use crate::qr;

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
    params(Once),
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
    params(Once),
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

/// An EID whose check digits are right.
pub(crate) fn eid(text: &str) -> Result<Eid, Problem> {
    let eid: Eid = text.parse().map_err(|_| Problem::invalid("eid", "an EID has 32 digits"))?;
    if eid.check_digits_valid() { Ok(eid) } else { Err(Problem::invalid("eid", "its check digits are wrong")) }
}

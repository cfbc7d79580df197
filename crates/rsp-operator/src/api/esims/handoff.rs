//! The ways to an eSIM's activation code, for phones.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsp_crypto::Zeroizing;
use rsp_es::activation_code::ActivationCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::actor::Actor;
use crate::api::Api;
use crate::api::input::{Answer, PathIccid};
use crate::api::parameters::OfEsim;
use crate::api::problem::{Details, Problem};
use crate::{handoff, qr};

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
    /// The QR code, PNG.
    #[schema(content_encoding = "base64")]
    qr_code_base64: String,
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
            qr_code_base64: STANDARD.encode(Zeroizing::new(qr::png(&links.uri))),
            smdp_address: code.smdp_address().to_owned(),
            matching_id: code.matching_id().to_owned(),
            confirmation_code_required: code.confirmation_code_required(),
        }
    }
}

/// The ways to an eSIM's activation code for phones. Needs the right `provision`: whoever has them can download the profile.
#[utoipa::path(
    get,
    path = "/api/v1/esims/{iccid}/handoff",
    tag = "eSIMs",
    operation_id = "get_handoff",
    params(OfEsim),
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
    let code = esim.code_to_hand_out().ok_or_else(Problem::not_found)?;
    // Written down before it is told.
    api.desk.audit(&actor, "tell activation code", &iccid.to_string(), esim.operator.clone()).await?;
    Ok(Json(Handoff::of(&code)))
}

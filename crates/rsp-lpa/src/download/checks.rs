//! What the LPA checks for itself in the messages that it carries (SGP.22 3.0.1, 3.1.3).

use rsp_asn1::{Raw, StoreMetadataRequest, TransactionId, decode, pkix, tlv};
use rsp_es::es9plus::{AuthenticateClientResponse, InitiateAuthenticationRequest, InitiateAuthenticationResponse};
use rsp_pki::{Certificate, Role, ValidPath, Validation, validate};

use super::Trust;
use crate::error::{Cause, ElementFailure, WrongServer};

/// Which SM-DP+ authenticated itself.
pub(super) struct SmdpIdentity {
    /// Key identifier of its CI.
    pub(super) ci_key_id: Vec<u8>,
    /// Its OID, dotted.
    pub(super) oid: String,
}

/// That the answer belongs to the request, and comes from the server that was meant.
pub(super) fn server(
    answer: &InitiateAuthenticationResponse,
    request: &InitiateAuthenticationRequest,
    expected_oid: Option<&str>,
    trust: &Trust<'_>,
) -> Result<SmdpIdentity, Cause> {
    let signed = answer.server_signed1.value();
    if signed.transaction_id != answer.transaction_id {
        return Err(WrongServer::TransactionId("serverSigned1").into());
    }
    if signed.euicc_challenge != request.euicc_challenge {
        return Err(WrongServer::Challenge.into());
    }
    if !same_address(&signed.server_address, &request.smdp_address) {
        let (used, signed) = (request.smdp_address.clone(), signed.server_address.chars().take(256).collect());
        return Err(WrongServer::Address { used, signed }.into());
    }
    let smdp = identity(&validate_as(Role::DpAuth, &answer.server_certificate, trust)?);
    match expected_oid {
        Some(expected) if expected != smdp.oid => {
            Err(WrongServer::Oid { expected: expected.to_owned(), found: smdp.oid }.into())
        }
        _ => Ok(smdp),
    }
}

/// That the certificate for binding belongs to the server that authenticated itself, in this session.
pub(super) fn binding_certificate(
    answer: &AuthenticateClientResponse,
    transaction_id: &TransactionId,
    smdp: &SmdpIdentity,
    trust: &Trust<'_>,
) -> Result<(), Cause> {
    if answer.transaction_id != *transaction_id {
        return Err(WrongServer::TransactionId("the answer to AuthenticateClient").into());
    }
    if answer.smdp_signed2.value().transaction_id != *transaction_id {
        return Err(WrongServer::TransactionId("smdpSigned2").into());
    }
    let binding = identity(&validate_as(Role::DpPb, &answer.smdp_certificate, trust)?);
    if binding.oid != smdp.oid {
        return Err(WrongServer::OtherSmdp.into());
    }
    if binding.ci_key_id != smdp.ci_key_id {
        return Err(WrongServer::OtherCi.into());
    }
    Ok(())
}

/// That the package carries the metadata that were shown.
///
/// Compared as values, for a server may encode them anew. What the eUICC never stores is left out: it is in the
/// announcement only (SGP.22 4.4).
pub(super) fn metadata(shown: &Raw<StoreMetadataRequest>, packed: &[u8]) -> Result<(), Cause> {
    if shown.bytes() == packed {
        return Ok(());
    }
    let packed: StoreMetadataRequest = decode(packed).map_err(Cause::MalformedMetadata)?;
    let shown = shown.value();
    let differences = [
        ("iccid", packed.iccid != shown.iccid),
        ("serviceProviderName", packed.service_provider_name != shown.service_provider_name),
        ("profileName", packed.profile_name != shown.profile_name),
        ("iconType", packed.icon_type != shown.icon_type),
        ("icon", packed.icon != shown.icon),
        ("profileClass", packed.profile_class != shown.profile_class),
        (
            "notificationConfigurationInfo",
            packed.notification_configuration_info != shown.notification_configuration_info,
        ),
        ("profileOwner", packed.profile_owner != shown.profile_owner),
        ("profilePolicyRules", packed.profile_policy_rules != shown.profile_policy_rules),
        (
            "serviceSpecificDataStoredInEuicc",
            packed.service_specific_data_stored_in_euicc != shown.service_specific_data_stored_in_euicc,
        ),
    ];
    match differences.iter().find(|(_, differs)| *differs) {
        Some((name, _)) => Err(Cause::MetadataMismatch(name)),
        None => Ok(()),
    }
}

/// The first element that an EUICCResponse (TCA profile package 7.3) reports as failed:
/// `30 { A0 { 30 { 80 status, 81 identification?, 82 additional? } … }, 81 aborted?, 82 message? }`, one or more of them.
pub(super) fn failed_element(sima_response: &[u8]) -> Option<ElementFailure> {
    let responses = tlv::iter(sima_response).map_while(Result::ok);
    let lists =
        responses.flat_map(|response| response.children().map_while(Result::ok)).filter(|tlv| tlv.tag() == [0xA0]);
    lists.flat_map(|list| list.children().map_while(Result::ok)).find_map(|status| {
        let number = |tag: u8| {
            let mut fields = status.children().map_while(Result::ok);
            let field = fields.find(|field| field.tag() == [tag])?;
            Some(field.value().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)))
        };
        let code = number(0x80).filter(|code| *code != 0)?;
        Some(ElementFailure { status: code, identification: number(0x81) })
    })
}

fn validate_as(role: Role, certificate: &Raw<pkix::Certificate>, trust: &Trust<'_>) -> Result<ValidPath, Cause> {
    let certificate = Certificate::from_raw(certificate.clone());
    let validation = Validation { provider: trust.provider, now: Some(trust.now), crls: trust.crls, crl_max_age: None };
    Ok(validate(&validation, role, &certificate, &[], trust.anchors)?)
}

fn identity(path: &ValidPath) -> SmdpIdentity {
    let oid = path.oid().map(|oid| oid.iter().map(u32::to_string).collect::<Vec<_>>().join("."));
    SmdpIdentity { ci_key_id: path.ci_key_id().to_vec(), oid: oid.unwrap_or_default() }
}

/// Host names have no case. A port is no part of the standard's address: one side may name it and the other not.
fn same_address(signed: &str, used: &str) -> bool {
    if signed.eq_ignore_ascii_case(used) {
        return true;
    }
    match (signed.rsplit_once(':'), used.rsplit_once(':')) {
        (None, Some((host, _))) => signed.eq_ignore_ascii_case(host),
        (Some((host, _)), None) => host.eq_ignore_ascii_case(used),
        _ => false,
    }
}

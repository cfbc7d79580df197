//! What the LPA checks for itself in the messages of a download (SGP.22 3.1.3).

use rsp_asn1::{Raw, StoreMetadataRequest, TransactionId, decode, tlv};
use rsp_es::es9plus::AuthenticateClientResponse;
use rsp_pki::Role;

use super::Trust;
use crate::authentication::{ServerIdentity, identify};
use crate::error::{Cause, ElementFailure, WrongServer};

/// That the certificate for binding belongs to the server that authenticated itself, in this session.
pub(super) fn binding_certificate(
    answer: &AuthenticateClientResponse,
    transaction_id: &TransactionId,
    smdp: &ServerIdentity,
    trust: &Trust<'_>,
) -> Result<(), Cause> {
    if answer.transaction_id != *transaction_id {
        return Err(WrongServer::TransactionId("the answer to AuthenticateClient").into());
    }
    if answer.smdp_signed2.value().transaction_id != *transaction_id {
        return Err(WrongServer::TransactionId("smdpSigned2").into());
    }
    let binding = identify(Role::DpPb, &answer.smdp_certificate, trust)?;
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

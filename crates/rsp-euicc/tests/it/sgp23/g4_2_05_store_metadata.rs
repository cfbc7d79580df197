//! ES8+.StoreMetadata (SGP.22 5.5.3; SGP.23 4.2.5).

use crate::load::{refusal, setup};
use crate::server::Order;
use rsp_asn1::{
    BppCommandId, ErrorReason, PprIds, ProfileClass, ProfileInfoListResponse, StoreMetadataRequest, decode,
};

fn metadata_refusal(change: impl FnOnce(&mut StoreMetadataRequest)) -> ErrorReason {
    let (command, reason) = refusal(&Order::number(1).with(change));
    assert_eq!(command, BppCommandId::STORE_METADATA);
    reason
}

#[test]
fn store_metadata_incorrect_input_values() {
    let expected = ErrorReason::INCORRECT_INPUT_VALUES;
    assert_eq!(metadata_refusal(|metadata| metadata.service_provider_name.0.clear()), expected);
    assert_eq!(metadata_refusal(|metadata| metadata.profile_name.0.clear()), expected);
    assert_eq!(metadata_refusal(|metadata| metadata.icon = Some(vec![1].into())), expected);
    let wildcard = metadata_refusal(|metadata| {
        metadata.profile_owner.as_mut().unwrap().mcc_mnc = vec![0x00, 0xF1, 0xEE].into();
    });
    assert_eq!(wildcard, expected);
    let order = Order { raw_metadata: Some(vec![0xBF, 0x25, 0x00]), ..Order::number(1) };
    assert_eq!(refusal(&order), (BppCommandId::STORE_METADATA, expected));
}

#[test]
fn store_metadata_unsupported_profile_class() {
    let reason = metadata_refusal(|metadata| metadata.profile_class = ProfileClass(3));
    assert_eq!(reason, ErrorReason::UNSUPPORTED_PROFILE_CLASS);
}

#[test]
fn store_metadata_iccid_already_exists() {
    let (_, mut server, mut terminal) = setup();
    terminal.install(&mut server, &Order::number(1));
    let error = terminal.refuse(&mut server, &Order::number(1));
    assert_eq!(error.bpp_command_id, BppCommandId::STORE_METADATA);
    assert_eq!(error.error_reason, ErrorReason::INSTALL_FAILED_DUE_TO_ICCID_ALREADY_EXISTS_ON_EUICC);
    assert_eq!(terminal.profiles().len(), 1);
}

#[test]
fn store_metadata_ppr_not_allowed() {
    let expected = (BppCommandId::STORE_METADATA, ErrorReason::PPR_NOT_ALLOWED);
    let without_owner = Order::number(1).rules(&[PprIds::PPR2]).with(|metadata| metadata.profile_owner = None);
    assert_eq!(refusal(&without_owner), expected);
    assert_eq!(refusal(&Order::number(1).rules(&[3])), expected, "a rule that is not known");

    let (_, mut server, mut terminal) = setup();
    terminal.install(&mut server, &Order::number(1).class(ProfileClass::PROVISIONING));
    terminal.install(&mut server, &Order::number(2).rules(&[PprIds::PPR1, PprIds::PPR2]));
    let error = terminal.refuse(&mut server, &Order::number(3).rules(&[PprIds::PPR1]));
    assert_eq!((error.bpp_command_id, error.error_reason), expected, "an operational profile is installed");
    terminal.install(&mut server, &Order::number(4).rules(&[PprIds::PPR2]));
}

#[test]
fn store_metadata_is_what_the_profile_says_of_itself() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1).rules(&[PprIds::PPR2]).notify(&[1, 3]).class(ProfileClass::PROVISIONING);
    terminal.install(&mut server, &order);
    let answer = terminal.hex("BF2D0A5C085A919295B6B79990").unwrap();
    let ProfileInfoListResponse::Ok(profiles) = decode(&hex::decode(answer).unwrap()).unwrap() else {
        panic!("an error")
    };
    let (profile, metadata) = (&profiles[0], &order.metadata);
    assert_eq!(profile.iccid, Some(metadata.iccid));
    assert_eq!(profile.service_provider_name.as_ref(), Some(&metadata.service_provider_name));
    assert_eq!(profile.profile_name.as_ref(), Some(&metadata.profile_name));
    assert_eq!(profile.profile_class, Some(metadata.profile_class));
    assert_eq!(profile.notification_configuration_info, metadata.notification_configuration_info);
    assert_eq!(profile.profile_owner, metadata.profile_owner);
    assert_eq!(profile.profile_policy_rules, metadata.profile_policy_rules);
    assert_eq!(profile.profile_nickname, None);
}

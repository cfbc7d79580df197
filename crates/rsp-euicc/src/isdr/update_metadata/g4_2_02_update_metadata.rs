//! ES6.UpdateMetadata (SGP.22 5.4.1; SGP.23 4.2.2): what changes, and what is refused without a trace.

use rsp_apdu::StatusWord;
use rsp_asn1::{
    IconType, OperatorId, PprIds, ProfileClass, StoreMetadataRequest, Unknown, UpdateMetadataRequest, encode,
};
use rsp_crypto::rust_crypto;
use rsp_testkit::SeededRandomness;

use super::update_metadata;
use crate::EuiccState;
use crate::interpreter::ProfileContents;
use crate::platform::Platform;
use crate::state::ProfileSlot;

const AID: [u8; 16] = [7; 16];
const OTHER: [u8; 16] = [8; 16];

fn slot(isdp_aid: [u8; 16], enabled: bool, rules: &[usize]) -> ProfileSlot {
    let metadata = StoreMetadataRequest {
        iccid: "8900101234567800001".parse().unwrap(),
        service_provider_name: "Provider".into(),
        profile_name: "Name".into(),
        icon_type: Some(IconType::PNG),
        icon: Some(vec![1, 2, 3].into()),
        profile_class: ProfileClass::OPERATIONAL,
        notification_configuration_info: None,
        profile_owner: Some(OperatorId {
            mcc_mnc: vec![0x00, 0xF1, 0x10].into(),
            gid1: None,
            gid2: None,
            unknown: Unknown::default(),
        }),
        profile_policy_rules: (!rules.is_empty()).then(|| PprIds::from_bits(rules)),
        service_specific_data_stored_in_euicc: None,
        service_specific_data_not_stored_in_euicc: None,
        unknown: Unknown::default(),
    };
    ProfileSlot {
        isdp_aid,
        ci_key_id: Vec::new(),
        iccid: metadata.iccid.0,
        metadata: encode(&metadata).unwrap(),
        configuration: Vec::new(),
        nickname: String::new(),
        enabled,
        upp_sha256: [0; 32],
        upp_length: 0,
        contents: ProfileContents::default(),
    }
}

/// An enabled profile with these rules, and a disabled one.
fn platform(rules: &[usize]) -> Platform {
    let state = EuiccState {
        eid: [0x89; 16],
        credentials: Vec::new(),
        default_dp_address: String::new(),
        initial_dp_address: String::new(),
        root_ds_address: String::new(),
        // Nothing is allowed: the RAT has no say here.
        rat: encode(&rsp_asn1::GetRatResponse::default()).unwrap(),
        capacity: 3000,
        profiles: vec![slot(AID, true, rules), slot(OTHER, false, rules)],
        next_isdp: 0x12,
        enabled_before_test: None,
        displaced: None,
        notifications: Vec::new(),
        next_sequence_number: 1,
        pending_load: None,
        one_time_keys: Vec::new(),
        crls: Vec::new(),
        accept_published_keys: Some(false),
    };
    Platform::new(state, rust_crypto(), Box::new(SeededRandomness::new("update"))).unwrap()
}

fn metadata(platform: &Platform) -> StoreMetadataRequest {
    platform.state.profiles[0].metadata()
}

fn update(platform: &mut Platform, request: &UpdateMetadataRequest) -> Result<Vec<u8>, StatusWord> {
    update_metadata(platform, &AID, &encode(request).unwrap())
}

/// A request that must be refused, and then has changed nothing.
fn refusal(request: &UpdateMetadataRequest) -> StatusWord {
    let mut platform = platform(&[PprIds::PPR1]);
    let before = metadata(&platform);
    let sw = update(&mut platform, request).unwrap_err();
    assert!(metadata(&platform) == before && !platform.changed);
    sw
}

fn rules(bits: &[usize]) -> UpdateMetadataRequest {
    UpdateMetadataRequest { profile_policy_rules: Some(PprIds::from_bits(bits)), ..UpdateMetadataRequest::default() }
}

#[test]
fn unsets_ppr1_and_ppr2() {
    let (one, two) = (PprIds::PPR1, PprIds::PPR2);
    let cases: [(&[usize], &[usize], &[usize]); 5] = [
        (&[one], &[], &[]),
        (&[one, two], &[two], &[two]),
        (&[two], &[], &[]),
        (&[one, two], &[one, two], &[one, two]),
        (&[], &[], &[]),
    ];
    for (stored, sent, left) in cases {
        let mut platform = platform(stored);
        assert_eq!(update(&mut platform, &rules(sent)), Ok(Vec::new()));
        assert!(platform.changed, "it is stored before the answer leaves");
        let expected = (!left.is_empty()).then(|| PprIds::from_bits(left));
        assert_eq!(metadata(&platform).profile_policy_rules, expected, "{stored:?} and {sent:?}");
    }
}

#[test]
fn atk_ppr_bypass_a_rule_that_is_not_stored_cannot_be_set() {
    for sent in [&[PprIds::PPR1][..], &[PprIds::PPR1, PprIds::PPR2], &[PprIds::PPR2, 3, 9]] {
        let mut platform = platform(&[PprIds::PPR2]);
        assert_eq!(update(&mut platform, &rules(sent)), Ok(Vec::new()));
        let left = metadata(&platform).profile_policy_rules;
        let expected = sent.contains(&PprIds::PPR2).then(|| PprIds::from_bits(&[PprIds::PPR2]));
        assert_eq!(left, expected, "{sent:?}");
    }
}

#[test]
fn rules_stay_when_the_request_has_none() {
    let mut platform = platform(&[PprIds::PPR1]);
    let request = UpdateMetadataRequest { profile_name: Some("Other".into()), ..UpdateMetadataRequest::default() };
    assert_eq!(update(&mut platform, &request), Ok(Vec::new()));
    assert_eq!(metadata(&platform).profile_policy_rules, Some(PprIds::from_bits(&[PprIds::PPR1])));
    assert_eq!(metadata(&platform).profile_name, "Other");
    assert_eq!(metadata(&platform).service_provider_name, "Provider", "what is not named stays");
}

#[test]
fn ppr_update_control_is_refused() {
    assert_eq!(refusal(&rules(&[PprIds::PPR_UPDATE_CONTROL])), StatusWord::WRONG_DATA);
    assert_eq!(refusal(&rules(&[PprIds::PPR_UPDATE_CONTROL, PprIds::PPR1])), StatusWord::WRONG_DATA);
}

#[test]
fn changes_names_and_icon() {
    let mut platform = platform(&[]);
    let request = UpdateMetadataRequest {
        service_provider_name: Some("New provider".into()),
        profile_name: Some("New name".into()),
        icon_type: Some(IconType::JPG),
        icon: Some(vec![9; 100].into()),
        ..UpdateMetadataRequest::default()
    };
    assert_eq!(update(&mut platform, &request), Ok(Vec::new()));
    let changed = metadata(&platform);
    assert_eq!(changed.service_provider_name, "New provider");
    assert_eq!(changed.profile_name, "New name");
    assert_eq!((changed.icon_type, changed.icon), (Some(IconType::JPG), Some(vec![9; 100].into())));
    let empty = UpdateMetadataRequest { icon: Some(vec![].into()), ..UpdateMetadataRequest::default() };
    assert_eq!(update(&mut platform, &empty), Ok(Vec::new()));
    assert_eq!((metadata(&platform).icon_type, metadata(&platform).icon), (None, None), "an empty icon is none");
}

#[test]
fn incorrect_values_are_refused_as_a_whole() {
    let default = UpdateMetadataRequest::default;
    let good = || UpdateMetadataRequest { profile_name: Some("Other".into()), ..default() };
    for request in [
        UpdateMetadataRequest { service_provider_name: Some("".into()), ..good() },
        UpdateMetadataRequest { service_provider_name: Some("x".into()), profile_name: Some("".into()), ..default() },
        UpdateMetadataRequest { icon: Some(vec![1].into()), ..good() },
        UpdateMetadataRequest { icon_type: Some(IconType::PNG), ..good() },
    ] {
        assert_eq!(refusal(&request), StatusWord::WRONG_DATA);
    }
    let mut platform = platform(&[]);
    for request in [
        "",
        "BF2A",
        "BF2A0191",
        "BF250100",
        "BF2A0391014100",
        "BF2A2391214141414141414141414141414141414141414141414141414141414141414141",
    ] {
        let bytes: Vec<u8> = request
            .as_bytes()
            .chunks(2)
            .map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap())
            .collect();
        assert_eq!(update_metadata(&mut platform, &AID, &bytes), Err(StatusWord::WRONG_DATA), "{request}");
    }
    assert!(!platform.changed);
}

#[test]
fn the_profile_must_be_enabled_and_there() {
    let mut platform = platform(&[PprIds::PPR1]);
    let request = encode(&rules(&[])).unwrap();
    assert_eq!(update_metadata(&mut platform, &OTHER, &request), Err(StatusWord::CONDITIONS_NOT_SATISFIED));
    assert_eq!(update_metadata(&mut platform, &[9; 16], &request), Err(StatusWord::REFERENCED_DATA_NOT_FOUND));
    assert!(!platform.changed);
}

#[test]
fn an_icon_needs_room() {
    let mut platform = platform(&[]);
    platform.state.capacity = platform.state.profiles.iter().map(ProfileSlot::size).sum::<u32>() + 50;
    let icon = |length: usize| UpdateMetadataRequest {
        icon_type: Some(IconType::PNG),
        icon: Some(vec![5; length].into()),
        ..UpdateMetadataRequest::default()
    };
    let before = metadata(&platform);
    assert_eq!(update(&mut platform, &icon(200)), Err(StatusWord::NOT_ENOUGH_MEMORY));
    assert!(metadata(&platform) == before && !platform.changed);
    assert_eq!(update(&mut platform, &icon(40)), Ok(Vec::new()));
}

//! The SIZE of a UTF8String counts characters, whatever they take on the wire.

use crate::same_bytes;
use rsp_asn1::*;

/// A character of each length that UTF-8 has, in bytes.
const CHARACTERS: [(char, usize); 4] = [('a', 1), ('ä', 2), ('電', 3), ('😀', 4)];

fn iccid() -> Iccid {
    "8900000000000000012".parse().unwrap()
}

fn metadata(provider: &str, name: &str) -> StoreMetadataRequest {
    StoreMetadataRequest {
        iccid: iccid(),
        service_provider_name: provider.into(),
        profile_name: name.into(),
        icon_type: None,
        icon: None,
        profile_class: ProfileClass::OPERATIONAL,
        notification_configuration_info: None,
        profile_owner: None,
        profile_policy_rules: None,
        service_specific_data_stored_in_euicc: None,
        service_specific_data_not_stored_in_euicc: None,
        unknown: Unknown::default(),
    }
}

fn update(provider: &str, name: &str) -> UpdateMetadataRequest {
    UpdateMetadataRequest {
        service_provider_name: Some(provider.into()),
        profile_name: Some(name.into()),
        ..UpdateMetadataRequest::default()
    }
}

fn info(nickname: &str, provider: &str, name: &str) -> ProfileInfo {
    ProfileInfo {
        profile_nickname: Some(nickname.into()),
        service_provider_name: Some(provider.into()),
        profile_name: Some(name.into()),
        ..ProfileInfo::default()
    }
}

fn nickname(nickname: &str) -> SetNicknameRequest {
    SetNicknameRequest { iccid: iccid(), profile_nickname: nickname.into(), unknown: Unknown::default() }
}

/// What is encoded can be decoded, in both strictnesses, and is the same.
#[track_caller]
fn passes<T: rasn::Encode + rasn::Decode + PartialEq + std::fmt::Debug>(value: &T, bytes_of_text: usize) {
    let bytes = encode(value).unwrap();
    assert!(bytes.len() > bytes_of_text, "{} bytes", bytes.len());
    assert_eq!(same_bytes::<T>(&bytes), *value);
    assert_eq!(decode_command::<T>(&bytes).unwrap(), *value);
}

/// The type does not encode `value`, nor decode `elements`, tag and value each, under the tag `outer`.
#[track_caller]
fn is_refused<T: rasn::Encode + rasn::Decode + std::fmt::Debug>(
    value: &T,
    outer: &[u8],
    elements: &[(u8, &[u8])],
    limit: usize,
) {
    let problem = format!("a UTF8String has {} characters, at most {limit} are allowed", limit + 1);
    let error = encode(value).unwrap_err().to_string();
    assert!(error.contains(&problem), "{error}");
    let mut body = Vec::new();
    for (tag, value) in elements {
        tlv::write(&mut body, &[*tag], value);
    }
    let mut bytes = Vec::new();
    tlv::write(&mut bytes, outer, &body);
    for error in [decode::<T>(&bytes).unwrap_err(), decode_command::<T>(&bytes).unwrap_err()] {
        assert!(error.to_string().contains(&problem), "{error}");
    }
}

#[test]
fn names_at_the_bound_pass_in_characters_of_any_length() {
    for (c, bytes) in CHARACTERS {
        let text = |count: usize| c.to_string().repeat(count);
        passes(&metadata(&text(32), &text(64)), 96 * bytes);
        passes(&update(&text(32), &text(64)), 96 * bytes);
        passes(&info(&text(64), &text(32), &text(64)), 160 * bytes);
        passes(&nickname(&text(64)), 64 * bytes);
    }
    passes(&nickname(""), 0);
}

#[test]
fn names_one_above_the_bound_are_refused_in_characters_of_any_length() {
    let iccid = iccid();
    let iccid = (0x5A, &iccid.0[..]);
    for (c, _) in CHARACTERS {
        let text = |count: usize| c.to_string().repeat(count);
        let (t33, t65) = (text(33), text(65));
        let (b33, b65) = (t33.as_bytes(), t65.as_bytes());
        is_refused(&metadata(&t33, "n"), &[0xBF, 0x25], &[iccid, (0x91, b33), (0x92, b"n")], 32);
        is_refused(&metadata("p", &t65), &[0xBF, 0x25], &[iccid, (0x91, b"p"), (0x92, b65)], 64);
        is_refused(&update(&t33, "n"), &[0xBF, 0x2A], &[(0x91, b33), (0x92, b"n")], 32);
        is_refused(&update("p", &t65), &[0xBF, 0x2A], &[(0x91, b"p"), (0x92, b65)], 64);
        is_refused(&info(&t65, "p", "n"), &[0xE3], &[(0x90, b65), (0x91, b"p"), (0x92, b"n")], 64);
        is_refused(&info("", &t33, "n"), &[0xE3], &[(0x90, b""), (0x91, b33), (0x92, b"n")], 32);
        is_refused(&info("", "p", &t65), &[0xE3], &[(0x90, b""), (0x91, b"p"), (0x92, b65)], 64);
        is_refused(&nickname(&t65), &[0xBF, 0x29], &[iccid, (0x90, b65)], 64);
    }
}

#[test]
fn bytes_that_are_not_utf8_are_refused() {
    assert!(decode::<Text<4>>(&[0x0C, 0x02, 0xC3, 0xA4]).is_ok());
    assert!(decode::<Text<4>>(&[0x0C, 0x02, 0xC3, 0x28]).is_err());
    assert!(decode::<Text<4>>(&[0x0C, 0x01, 0xC3]).is_err());
}

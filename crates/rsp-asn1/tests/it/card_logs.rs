//! Recordings of a real eUICC: every complete RSP object in them re-encodes byte for byte.

use crate::same_bytes;
use rsp_asn1::*;
use rsp_testkit::standards_dir;

/// The RSP objects of a log: command data of STORE DATA, and responses put together from GET RESPONSE.
fn objects(log: &str) -> Vec<(bool, Vec<u8>)> {
    let mut objects = Vec::new();
    let mut response = Vec::new();
    for line in log.lines() {
        if let Some(command) = line.strip_prefix("> ") {
            let command = hex::decode(command.trim()).unwrap();
            if command[1] == 0xE2 && command.len() > 5 {
                objects.push((true, command[5..5 + usize::from(command[4])].to_vec()));
            }
        } else if let Some(answer) = line.strip_prefix("< ") {
            let answer = hex::decode(answer.trim()).unwrap();
            let (data, status) = answer.split_at(answer.len() - 2);
            response.extend_from_slice(data);
            if status == [0x90, 0x00] && !response.is_empty() {
                objects.push((false, std::mem::take(&mut response)));
            }
        }
    }
    objects
}

/// Re-encodes one object as the type that its tag names; `false` for what is not an RSP object (an FCI).
fn check(is_command: bool, bytes: &[u8]) -> bool {
    match (bytes, is_command) {
        ([0xBF, 0x20, ..], true) => drop(same_bytes::<GetEuiccInfo1Request>(bytes)),
        ([0xBF, 0x20, ..], false) => drop(same_bytes::<EuiccInfo1>(bytes)),
        ([0xBF, 0x22, ..], true) => drop(same_bytes::<GetEuiccInfo2Request>(bytes)),
        ([0xBF, 0x22, ..], false) => {
            let info: EuiccInfo2 = same_bytes(bytes);
            let resource = ExtCardResource::parse(&info.ext_card_resource).unwrap();
            assert_eq!(resource.to_bytes(), info.ext_card_resource.as_ref());
        }
        ([0xBF, 0x28, ..], true) => drop(same_bytes::<ListNotificationRequest>(bytes)),
        ([0xBF, 0x28, ..], false) => drop(same_bytes::<ListNotificationResponse>(bytes)),
        ([0xBF, 0x2B, ..], true) => drop(same_bytes::<RetrieveNotificationsListRequest>(bytes)),
        ([0xBF, 0x2B, ..], false) => {
            let RetrieveNotificationsListResponse::Ok(list) = same_bytes(bytes) else { panic!("an error") };
            for notification in list {
                drop(same_bytes::<PendingNotification>(notification.bytes()));
            }
        }
        ([0xBF, 0x2D, ..], true) => drop(same_bytes::<ProfileInfoListRequest>(bytes)),
        ([0xBF, 0x2D, ..], false) => drop(same_bytes::<ProfileInfoListResponse>(bytes)),
        // These two logs use the BOOLEAN as the recorded terminal sent it.
        ([0xBF, 0x31, ..], true) => drop(same_bytes::<EnableProfileRequest>(bytes)),
        ([0xBF, 0x31, ..], false) => drop(same_bytes::<EnableProfileResponse>(bytes)),
        ([0xBF, 0x32, ..], true) => drop(same_bytes::<DisableProfileRequest>(bytes)),
        ([0xBF, 0x32, ..], false) => drop(same_bytes::<DisableProfileResponse>(bytes)),
        ([0xBF, 0x3E, ..], true) => drop(same_bytes::<GetEuiccDataRequest>(bytes)),
        ([0xBF, 0x3E, ..], false) => {
            let response: GetEuiccDataResponse = same_bytes(bytes);
            assert!(response.eid_value.check_digits_valid());
        }
        ([0x6F, ..], false) => return false,
        _ => panic!("an object of no known type: {}", hex::encode(bytes)),
    }
    true
}

#[test]
fn every_object_of_the_real_card_reencodes() {
    let Some(dir) = standards_dir() else { return };
    let mut count = 0;
    let mut logs: Vec<_> =
        std::fs::read_dir(dir.join("vectors/card-logs")).unwrap().map(|e| e.unwrap().path()).collect();
    logs.sort();
    for path in logs {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // Hand-made logs are about APDUs: their objects are not all complete.
        if name.starts_with("synthetic-") {
            continue;
        }
        let log = std::fs::read_to_string(&path).unwrap();
        count += objects(&log).iter().filter(|(is_command, bytes)| check(*is_command, bytes)).count();
    }
    assert_eq!(count, 16, "complete RSP objects in the recordings");
}

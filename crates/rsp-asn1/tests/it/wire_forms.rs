//! Forms that tagging rules make easy to get wrong, each against the bytes that cards and terminals exchange.

use crate::same_bytes;
use rsp_asn1::*;

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

#[test]
fn choices_under_automatic_tags_are_wrapped() {
    same_bytes::<ProfileInfoListResponse>(&hex("bf2d02a000"));
    same_bytes::<ProfileInfoListResponse>(&hex("bf2d03810101"));
    let error = same_bytes::<CancelSessionResponse>(&hex("bf4103810105"));
    assert_eq!(error, CancelSessionResponse::Error(CancelSessionResponseError::INVALID_TRANSACTION_ID));
    same_bytes::<AuthenticateServerResponse>(&hex("bf380aa108 8003010203 020107"));
    same_bytes::<PrepareDownloadResponse>(&hex("bf210aa108 8003010203 020105"));
}

#[test]
fn retrieve_notifications_wraps_its_search_criteria() {
    let request = same_bytes::<RetrieveNotificationsListRequest>(&hex("bf2b05a003800118"));
    assert_eq!(request.search_criteria, Some(NotificationSearchCriteria::SeqNumber(0x18)));
    same_bytes::<RetrieveNotificationsListRequest>(&hex("bf2b00"));
    same_bytes::<RetrieveNotificationsListRequest>(&hex("bf2b06a00481020780"));
}

#[test]
fn enable_wraps_the_identifier_and_delete_does_not() {
    let iccid = "5a0a98001032547698103214";
    let request = same_bytes::<EnableProfileRequest>(&hex(&format!("bf3111a00c{iccid}8101ff")));
    assert!(request.refresh_flag);
    let delete = same_bytes::<DeleteProfileRequest>(&hex(&format!("bf330c{iccid}")));
    assert!(matches!(delete, DeleteProfileRequest::Iccid(_)));
    same_bytes::<DeleteProfileRequest>(&hex("bf33124f10a0000005591010ffffffff8900001000"));
}

#[test]
fn a_boolean_of_01_is_true_in_a_command_only() {
    let bytes = hex("bf3111a00c5a0a98001032547698103214810101");
    assert!(decode_command::<EnableProfileRequest>(&bytes).unwrap().refresh_flag);
    assert!(decode::<EnableProfileRequest>(&bytes).is_err());
}

#[test]
fn a_successful_installation_names_its_isdp() {
    let success = same_bytes::<SuccessResult>(&hex("301d4f10a0000005591010ffffffff8900001000 0409 3007a0053003800100"));
    assert_eq!(success.sima_response.as_ref(), hex("3007a0053003800100"));
}

#[test]
fn the_asn1_binding_tags_its_messages() {
    let request =
        hex("a21d bf391a 8110 000102030405060708090a0b0c0d0e0f 830161 bf2000".split(" bf2000").next().unwrap());
    assert!(decode::<RemoteProfileProvisioningRequest>(&request).is_err(), "euiccInfo1 is missing");
    let whole = hex("a224 bf3921 8110000102030405060708090a0b0c0d0e0f 830161 bf2009 8203020600 a900 aa00");
    let RemoteProfileProvisioningRequest::InitiateAuthentication(request) = same_bytes(&whole) else { panic!() };
    assert_eq!(request.smdp_address, "a");
    assert_eq!(request.euicc_info1.bytes(), &whole[26..], "kept as received");
    same_bytes::<RemoteProfileProvisioningResponse>(&hex("a206bf3903810101"));
    same_bytes::<RemoteProfileProvisioningResponse>(&hex("a205bf4102a000"));
    same_bytes::<CancelSessionRequestEs9>(&hex("bf410a 8003010203 a103810105"));
    let refused = hex("a215 bf3b12 8003010203 bf380a a108 8003010203 020107");
    let RemoteProfileProvisioningRequest::AuthenticateClient(request) = same_bytes(&refused) else { panic!() };
    assert_eq!(request.authenticate_server_response.bytes(), &refused[10..]);
}

#[test]
fn the_metadata_default_is_not_encoded() {
    let bytes = hex("bf2512 5a0a98001032547698103214 910141 920142");
    let metadata: StoreMetadataRequest = same_bytes(&bytes);
    assert_eq!(metadata.profile_class, ProfileClass::OPERATIONAL);
    let test = hex("bf2515 5a0a98001032547698103214 910141 920142 950100");
    assert_eq!(same_bytes::<StoreMetadataRequest>(&test).profile_class, ProfileClass::TEST);
}

#[test]
fn elements_of_later_versions_are_kept() {
    let info = hex("bf2011 8203020600 a900 aa00 9303030100 880180");
    let info: EuiccInfo1 = same_bytes(&info);
    assert_eq!(info.unknown.elements().collect::<Vec<_>>(), [&hex("9303030100")[..], &hex("880180")[..]]);
}

#[test]
fn raw_keeps_the_bytes_that_were_received() {
    let raw = Raw::<ServerSigned1>::from_der(&hex(
        "302a 800101 8110000102030405060708090a0b0c0d0e0f 830161 8410000102030405060708090a0b0c0d0e0f",
    ))
    .unwrap();
    assert_eq!(raw.bytes().len(), 0x2C);
    assert_eq!(rsp_asn1::encode(&raw).unwrap(), raw.bytes());
}

#[test]
fn identifiers_read_and_write() {
    let iccid: Iccid = "89000123456789012341".parse().unwrap();
    assert_eq!(hex::encode(iccid.0), "98001032547698103214");
    assert!(iccid.check_digit_valid());
    let odd: Iccid = "8900012345678901234".parse().unwrap();
    assert_eq!(odd.to_string(), "8900012345678901234");
    assert!("890001234567890123".parse::<Iccid>().is_ok());
    assert!("89".parse::<Iccid>().is_err());
    assert!("8900012345678901234A".parse::<Iccid>().unwrap_err().to_string().contains("position 20"));

    let eid: Eid = "89049032123451234512345678901235".parse().unwrap();
    assert!(eid.check_digits_valid());
    assert_eq!("89049032123451234512345678901200".parse::<Eid>().unwrap().with_check_digits(), eid);
    assert!(!"89049032123451234512345678901335".parse::<Eid>().unwrap().check_digits_valid());

    assert_eq!(TransactionId::from_hex("0aFF").unwrap().to_string(), "0AFF");
    assert!(TransactionId::from_hex("0").is_none() && TransactionId::from_hex("").is_none());
    assert!(TransactionId::from_hex(&"00".repeat(17)).is_none());
}

#[test]
fn timestamps_print_as_dates() {
    assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00Z");
    assert_eq!(Timestamp(1_795_165_940).to_string(), "2026-11-20T09:12:20Z");
    assert_eq!(Timestamp(951_782_400).to_string(), "2000-02-29T00:00:00Z");
    assert_eq!(Timestamp(-1).to_string(), "1969-12-31T23:59:59Z");
}

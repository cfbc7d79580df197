//! A recorded ES9+ session of another implementation: every message re-encodes byte for byte.

use crate::same_bytes;
use rsp_asn1::*;
use rsp_testkit::standards;

fn file(name: &str) -> Option<Vec<u8>> {
    standards(&format!("vectors/waigel-session/{name}"))
}

#[test]
fn euicc_info1_is_empty_lists() {
    let Some(bytes) = file("euicc-info1.der") else { return };
    let info: EuiccInfo1 = same_bytes(&bytes);
    assert_eq!(info.svn.to_string(), "2.0.0");
    assert!(info.euicc_ci_pk_id_list_for_verification.is_empty());
}

#[test]
fn initiate_authentication_response() {
    let Some(bytes) = file("initiate-response.der") else { return };
    let ok: InitiateAuthenticationOkEs9 = same_bytes(&bytes);
    assert_eq!(Some(ok.transaction_id.as_bytes()), file("transaction-id.bin").as_deref());
    let signed = ok.server_signed1.value();
    assert_eq!(Some(&signed.server_challenge.0[..]), file("server-challenge.bin").as_deref());
    assert_eq!(Some(&signed.euicc_challenge.0[..]), file("euicc-challenge.bin").as_deref());
}

#[test]
fn authenticate_server_response() {
    let Some(bytes) = file("auth-server-response.der") else { return };
    let AuthenticateServerResponse::Ok(ok) = same_bytes(&bytes) else { panic!("an error response") };
    assert_eq!(Some(ok.euicc_signed1.value().transaction_id.as_bytes()), file("transaction-id.bin").as_deref());
    assert_eq!(ok.euicc_signature1.0.len(), 64);
}

#[test]
fn authenticate_client_response() {
    let Some(bytes) = file("authenticate-response.der") else { return };
    let AuthenticateClientResponseEs9::Ok(ok) = same_bytes(&bytes) else { panic!("an error response") };
    assert!(!ok.smdp_signed2.value().cc_required_flag);
}

#[test]
fn prepare_download_response() {
    let Some(bytes) = file("prepare-download-response.der") else { return };
    let PrepareDownloadResponse::Ok(ok) = same_bytes(&bytes) else { panic!("an error response") };
    assert_eq!(ok.euicc_signed2.value().euicc_otpk.0.len(), 65);
}

#[test]
fn store_metadata() {
    let Some(bytes) = file("store-metadata.der") else { return };
    let metadata: StoreMetadataRequest = same_bytes(&bytes);
    assert_eq!(metadata.iccid.to_string(), "89000123456789012341");
    assert_eq!(metadata.profile_class, ProfileClass::OPERATIONAL);
}

#[test]
fn bound_profile_package() {
    let Some(bytes) = file("bound-profile-package.der") else { return };
    let package: BoundProfilePackage = same_bytes(&bytes);
    package.check_structure().unwrap();
    let request = package.initialise_secure_channel_request.value();
    assert_eq!(request.remote_op_id, RemoteOpId::INSTALL_BOUND_PROFILE_PACKAGE);
    assert_eq!(request.control_ref_template.key_type.as_ref(), [0x88]);
}

#[test]
fn pending_notification() {
    let Some(bytes) = file("pending-notification.der") else { return };
    let notification: PendingNotification = same_bytes(&bytes);
    let PendingNotification::ProfileInstallationResult(result) = &notification else { panic!("not a PIR") };
    assert_eq!(same_bytes::<ProfileInstallationResult>(&bytes), **result);
}

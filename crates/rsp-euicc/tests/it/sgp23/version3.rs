//! What a terminal of version 3 may send (SGP.22 3.x, SGP.32): functions that do not exist here are refused like any
//! unknown one, and elements that were added behind those of version 2 are skipped.

use rsp_asn1::{AuthenticateServerResponse, EuiccInfo1, PrepareDownloadResponse, encode, tlv};

use super::{OK, enabled, install};
use crate::load::setup;
use crate::server::{Order, World};
use crate::terminal::Terminal;

/// The request with further elements at its end.
fn extended(request: &[u8], elements: &str) -> Vec<u8> {
    let (whole, _) = tlv::first(request).unwrap();
    let mut longer = Vec::new();
    tlv::write(&mut longer, whole.tag(), &[whole.value(), &hex::decode(elements).unwrap()].concat());
    longer
}

#[test]
fn functions_of_later_versions_are_unknown() {
    let (_, mut server, mut terminal) = setup();
    // LoadRpmPackage, VerifySmdsResponse, AlertData, VerifyDeviceChange, PrepareDeviceChange, VerifySmdpResponse,
    // VerifyProfileRecovery, LpaeActivation; LoadEuiccPackage and the rest of SGP.32.
    let later = [0x44, 0x45, 0x4A, 0x4B, 0x4D, 0x60, 0x62, 0x42, 0x51];
    let of_sgp32 = (0x55..=0x5F).chain([0x64, 0x65]);
    for function in later.into_iter().chain(of_sgp32) {
        for content in ["", "800101", "A0023000", "FF"] {
            let request = format!("BF{function:02X}{:02X}{content}", content.len() / 2);
            assert_eq!(terminal.hex(&request).unwrap_err().0, 0x6A88, "{request}");
        }
    }
    terminal.install(&mut server, &Order::number(1));
}

#[test]
fn information_is_given_in_the_form_of_version_2() {
    let mut terminal = Terminal::new(World::p256().euicc(1));
    for function in ["20", "22", "3C", "43"] {
        let plain = terminal.hex(&format!("BF{function}00")).unwrap();
        for added in ["800100", "A003020103", "82020780"] {
            let request = format!("BF{function}{:02X}{added}", added.len() / 2);
            assert_eq!(terminal.hex(&request).unwrap(), plain, "{request}");
        }
    }
    let info: EuiccInfo1 = rsp_asn1::decode(&terminal.es10(&[0xBF, 0x20, 0x00]).unwrap()).unwrap();
    assert!(info.unknown.is_empty(), "no highestSvn, no euiccRspCapability");
    let eid = terminal.hex("BF3E035C015A").unwrap();
    assert_eq!(terminal.hex("BF3E065C015A810100").unwrap(), eid);
}

#[test]
fn added_elements_of_profile_management_are_skipped() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1);
    install(&mut terminal, &mut server, std::slice::from_ref(&order));
    let iccid = hex::encode_upper(order.iccid().0);
    // targetEsimPort.
    let enable = terminal.hex(&format!("BF3114A00C5A0A{iccid}810100820101")).unwrap();
    assert_eq!(enable, "BF3103800100");
    assert_eq!(enabled(&mut terminal), [order.iccid().to_string()]);
    assert_eq!(terminal.disable(order.iccid()), OK);
    assert_eq!(terminal.hex(&format!("BF29125A0A{iccid}900141810100")).unwrap(), "BF2903800100");
    // Objects of later versions are in no profile.
    assert_eq!(terminal.hex("BF2D0A5C08BABC9F1F9F249F25").unwrap(), "BF2D04A002E300");
    assert_eq!(terminal.hex("BF340782020500810100").unwrap(), "BF3403800101");
}

#[test]
fn a_server_of_version_3_can_be_authenticated() {
    let (_, mut server, mut terminal) = setup();
    let challenge = terminal.challenge();
    let transaction = server.transaction();
    let request = encode(&server.authenticate(challenge, &transaction)).unwrap();
    // otherCertsInChain, crlList.
    let answer = terminal.es10(&extended(&request, "A1023000A2023000")).unwrap();
    let AuthenticateServerResponse::Ok(authenticated) = rsp_asn1::decode(&answer).unwrap() else { panic!("refused") };
    let request = encode(&server.prepare(&authenticated, None)).unwrap();
    let answer = terminal.es10(&extended(&request, "A1023000")).unwrap();
    assert!(matches!(rsp_asn1::decode(&answer).unwrap(), PrepareDownloadResponse::Ok(_)));
}

#[test]
fn a_chain_of_version_3_has_no_ci_here() {
    let (_, mut server, mut terminal) = setup();
    let challenge = terminal.challenge();
    let transaction = server.transaction();
    let mut request = server.authenticate(challenge, &transaction);
    // euiccCiPKIdToBeUsed is empty where euiccCiPKIdToBeUsedV3 counts.
    request.euicc_ci_pk_id_to_be_used.0 = Vec::new().into();
    let AuthenticateServerResponse::Error(error) = terminal.call(&request) else { panic!("accepted") };
    assert_eq!(error.authenticate_error_code, rsp_asn1::AuthenticateErrorCode::CI_PK_UNKNOWN);
}

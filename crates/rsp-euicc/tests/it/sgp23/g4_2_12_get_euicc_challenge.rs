//! ES10b.GetEUICCChallenge (SGP.22 5.7.7; SGP.23 4.2.12).

use rsp_asn1::{AuthenticateErrorCode, AuthenticateServerResponse};

use crate::load::setup;
use crate::server::World;
use crate::terminal::Terminal;

#[test]
fn each_challenge_is_another() {
    let mut terminal = Terminal::new(World::p256().euicc(1));
    let challenges: std::collections::BTreeSet<[u8; 16]> = (0..100).map(|_| terminal.challenge()).collect();
    assert_eq!(challenges.len(), 100);
    assert!(terminal.hex("BF2E00").unwrap().starts_with("BF2E128010"));
}

#[test]
fn only_the_last_challenge_can_be_answered() {
    let (_, mut server, mut terminal) = setup();
    let first = terminal.challenge();
    let second = terminal.challenge();
    let transaction = server.transaction();
    let AuthenticateServerResponse::Error(error) = terminal.call(&server.authenticate(first, &transaction)) else {
        panic!("accepted")
    };
    assert_eq!(error.authenticate_error_code, AuthenticateErrorCode::EUICC_CHALLENGE_MISMATCH);
    let accepted: AuthenticateServerResponse = terminal.call(&server.authenticate(second, &transaction));
    assert!(matches!(accepted, AuthenticateServerResponse::Ok(_)));
}

#[test]
fn a_challenge_ends_the_session_before_it() {
    let (_, mut server, mut terminal) = setup();
    let authenticated = terminal.authenticate(&mut server);
    terminal.challenge();
    let answer: rsp_asn1::PrepareDownloadResponse = terminal.call(&server.prepare(&authenticated, None));
    let rsp_asn1::PrepareDownloadResponse::Error(error) = answer else { panic!("accepted") };
    assert_eq!(error.download_error_code, rsp_asn1::DownloadErrorCode::NO_SESSION_CONTEXT);
}

#[test]
fn refuses_what_is_no_such_request_and_keeps_the_session() {
    let (_, mut server, mut terminal) = setup();
    let challenge = terminal.challenge();
    assert_eq!(terminal.hex("BF2E0180").unwrap_err().0, 0x6A80);
    let transaction = server.transaction();
    let accepted: AuthenticateServerResponse = terminal.call(&server.authenticate(challenge, &transaction));
    assert!(matches!(accepted, AuthenticateServerResponse::Ok(_)));
}

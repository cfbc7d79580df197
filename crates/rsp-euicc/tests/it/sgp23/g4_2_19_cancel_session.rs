//! ES10b.CancelSession (SGP.22 5.7.14).

use rsp_asn1::{
    AuthenticateServerResponse, CancelSessionResponse, CancelSessionResponseError, PrepareDownloadResponse,
};
use rsp_crypto::{Signature, rust_crypto};
use rsp_pki::Certificate;

use crate::server::{Order, World, oid};
use crate::terminal::{Terminal, segments};

#[test]
fn signs_the_cancellation_of_its_session() {
    let mut world = World::p256();
    let mut server = world.server();
    let mut terminal = Terminal::new(world.euicc(1));
    let authenticated = terminal.authenticate(&mut server);
    let transaction = authenticated.euicc_signed1.value().transaction_id.clone();
    let CancelSessionResponse::Ok(ok) = terminal.cancel(&transaction, 0) else { panic!("refused") };
    let signed = ok.euicc_cancel_session_signed.value();
    assert_eq!((signed.transaction_id.clone(), signed.reason.0), (transaction.clone(), 0));
    assert_eq!(signed.smdp_oid, oid(&[2, 999, 10]));
    let euicc = Certificate::from_raw(authenticated.euicc_certificate.clone());
    let signature = Signature::from_slice(&ok.euicc_cancel_session_signature.0).unwrap();
    rust_crypto().verify(euicc.public_key().unwrap(), ok.euicc_cancel_session_signed.bytes(), &signature).unwrap();
    let request = server.prepare(&authenticated, None);
    assert!(matches!(terminal.call(&request), PrepareDownloadResponse::Error(_)), "the session is gone");
    let again = terminal.cancel(&transaction, 0);
    assert_eq!(again, CancelSessionResponse::Error(CancelSessionResponseError::INVALID_TRANSACTION_ID));
}

#[test]
fn invalid_transaction_id_for_a_session_that_is_not_there() {
    let mut world = World::p256();
    let mut server = world.server();
    let mut terminal = Terminal::new(world.euicc(1));
    let invalid = CancelSessionResponse::Error(CancelSessionResponseError::INVALID_TRANSACTION_ID);
    assert_eq!(terminal.cancel(&[1; 16].into(), 0), invalid);
    let authenticated = terminal.authenticate(&mut server);
    assert_eq!(terminal.cancel(&[1; 16].into(), 0), invalid);
    let request = server.prepare(&authenticated, None);
    assert!(matches!(terminal.call(&request), PrepareDownloadResponse::Ok(_)), "the session stays");
}

#[test]
fn drops_a_session_that_has_only_a_challenge() {
    let mut world = World::p256();
    let mut server = world.server();
    let mut terminal = Terminal::new(world.euicc(1));
    let challenge = terminal.challenge();
    let transaction = server.transaction();
    let invalid = CancelSessionResponse::Error(CancelSessionResponseError::INVALID_TRANSACTION_ID);
    assert_eq!(terminal.cancel(&transaction, 127), invalid);
    let AuthenticateServerResponse::Error(error) = terminal.call(&server.authenticate(challenge, &transaction)) else {
        panic!("accepted")
    };
    assert_eq!(error.authenticate_error_code.0, 4);
}

#[test]
fn keeps_the_one_time_key_only_when_the_order_can_be_used_again() {
    for (reason, kept) in [(0, false), (1, true), (2, true), (3, false), (4, false), (5, false), (127, false)] {
        let mut world = World::p256();
        let mut server = world.server();
        let mut terminal = Terminal::new(world.euicc(1));
        let prepared = terminal.prepare(&mut server, None);
        let signed = prepared.euicc_signed2.value();
        assert!(matches!(terminal.cancel(&signed.transaction_id, reason), CancelSessionResponse::Ok(_)));
        let otpk = signed.euicc_otpk.0.clone();
        let again = terminal.prepare(&mut server, Some(&otpk)).euicc_signed2.value().euicc_otpk.0.clone();
        assert_eq!(again == otpk, kept, "reason {reason}");
    }
}

#[test]
fn ends_a_load_without_a_trace() {
    for reason in [1, 5] {
        let mut world = World::p256();
        let mut server = world.server();
        let mut terminal = Terminal::new(world.euicc(1));
        let prepared = terminal.prepare(&mut server, None);
        let package = server.bind(World::eid(1), &prepared, &Order::number(1));
        let segments = segments(&package);
        assert_eq!(terminal.load_segments(&segments[..6]).unwrap(), None);
        let transaction = prepared.euicc_signed2.value().transaction_id.clone();
        assert!(matches!(terminal.cancel(&transaction, reason), CancelSessionResponse::Ok(_)));
        assert_eq!(terminal.es10(&segments[6]).unwrap_err().0, 0x6985);
        terminal.power_cycle();
        assert!(terminal.profiles().is_empty() && terminal.notifications().is_empty());
    }
}

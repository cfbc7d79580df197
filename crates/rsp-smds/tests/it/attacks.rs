//! Attacks on the SM-DS, each named as in the list of attacks.

use std::sync::Arc;

use rsp_asn1::Eid;
use rsp_crypto::Curve;
use rsp_es::status::StatusCode;
use rsp_smds::Settings;

use crate::euicc::{TestEuicc, authenticate, authenticate_request, entries};
use crate::registrars::Registrar;
use crate::server::{NOW, Server, assert_refused};

#[tokio::test]
async fn atk_challenge_replay() {
    let server = Server::new().await;
    let (registrar, euicc) = (Registrar::smdp(1), server.euicc(Curve::P256));
    registrar.register(server.es12(), euicc.eid, "EVENT").await.unwrap();
    let (one, two) = (euicc.initiate(&server).await, euicc.initiate(&server).await);

    // The answer of one session under the id of another.
    let mut crossed = euicc.authenticate_request(&one, None);
    crossed.transaction_id = two.transaction_id.clone();
    assert_refused(authenticate(&server, crossed).await, &StatusCode::TRANSACTION_ID_UNKNOWN);
    // The challenge of one session signed with the id of another.
    let mut signed = euicc.signed1(&one, None);
    signed.transaction_id = two.transaction_id.clone();
    let mixed = authenticate_request(&two.transaction_id, euicc.authenticate_ok(signed));
    assert_refused(authenticate(&server, mixed).await, &StatusCode::EUICC_VERIFICATION_FAILED);
    // The signature of one session on the data of another.
    let mut ok = euicc.authenticate_ok(euicc.signed1(&two, None));
    ok.euicc_signature1 = euicc.authenticate_ok(euicc.signed1(&one, None)).euicc_signature1;
    let swapped = authenticate_request(&two.transaction_id, ok);
    assert_refused(authenticate(&server, swapped).await, &StatusCode::EUICC_VERIFICATION_FAILED);

    // A good answer is good once, also when there was nothing to tell: later there may be.
    for (session, matching_id) in [(&one, None), (&two, Some("LATER"))] {
        let good = euicc.authenticate_request(session, matching_id);
        match authenticate(&server, good.clone()).await {
            Ok(found) => assert_eq!(entries(found).len(), 1),
            Err(status) => assert!(status.is(&StatusCode::EVENT_RECORD_UNKNOWN) && matching_id.is_some(), "{status}"),
        }
        registrar.register(server.es12(), euicc.eid, matching_id.unwrap_or("NEXT")).await.unwrap();
        for seconds in [0, Settings::default().session_seconds, 1] {
            if matching_id.is_some() {
                server.advance_clock(seconds);
            }
            server.smds.sweep().await.unwrap();
            assert_refused(authenticate(&server, good.clone()).await, &StatusCode::TRANSACTION_ID_UNKNOWN);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn atk_challenge_replay_at_once() {
    let server = Arc::new(Server::new().await);
    let euicc = server.euicc(Curve::P256);
    let request = euicc.authenticate_request(&euicc.initiate(&server).await, None);
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (server, request) = (Arc::clone(&server), request.clone());
            tokio::spawn(async move { authenticate(&server, request).await.is_ok() })
        })
        .collect();
    let mut answered = 0;
    for task in tasks {
        answered += u32::from(task.await.unwrap());
    }
    assert_eq!(answered, 1);
}

/// Whoever only asks for challenges, or answers them wrongly, leaves nothing behind.
#[tokio::test]
async fn atk_session_flood() {
    let server = Server::new().await;
    let euicc = server.euicc(Curve::P256);
    let honest = euicc.initiate(&server).await;
    let before = server.files();
    for number in 0..1_000 {
        let initiated = euicc.initiate(&server).await;
        if number % 100 == 0 {
            let mut ok = euicc.authenticate_ok(euicc.signed1(&initiated, None));
            ok.euicc_signature1 = euicc.sign(b"something else");
            let request = authenticate_request(&initiated.transaction_id, ok);
            assert_refused(authenticate(&server, request).await, &StatusCode::EUICC_VERIFICATION_FAILED);
        }
    }
    assert_eq!(server.files(), before, "the database grew");
    authenticate(&server, euicc.authenticate_request(&honest, None)).await.unwrap();
    assert_ne!(server.files(), before, "the comparison sees nothing");
}

/// A registrar can neither read, delete nor hinder what others have registered, and hears no difference between an event
/// that is not there and one that is another's.
#[tokio::test]
async fn atk_tenant_cross() {
    let server = Server::with_settings(Settings { events_per_eid: 2, ..Settings::default() }).await;
    let euicc = server.euicc(Curve::P256);
    let (victim, attacker, smds) = (Registrar::smdp(1), Registrar::smdp(2), Registrar::smds(2));
    victim.register(server.es12(), euicc.eid, "EVENT").await.unwrap();
    smds.register(server.es15(), euicc.eid, "SECOND").await.unwrap();

    let of_victim = attacker.delete(server.es12(), euicc.eid, "EVENT").await;
    let of_smds = attacker.delete(server.es12(), euicc.eid, "SECOND").await;
    let of_nobody = attacker.delete(server.es12(), euicc.eid, "NOTHING").await;
    assert_refused(of_victim.clone(), &StatusCode::EVENT_RECORD_UNKNOWN);
    assert_eq!(of_victim, of_nobody, "the answers differ in nothing");
    assert_eq!(of_smds, of_nobody);
    assert_eq!(smds.delete(server.es15(), euicc.eid, "EVENT").await, of_nobody);

    // A taken EventID is not taken for others: registering does not tell who has what, and displaces nothing.
    attacker.register(server.es12(), euicc.eid, "EVENT").await.unwrap();
    attacker.register(server.es12(), euicc.eid, "SECOND").await.unwrap();
    assert_refused(attacker.register(server.es12(), euicc.eid, "FULL").await, &StatusCode::SMDS_EXECUTION_ERROR);
    victim.register(server.es12(), euicc.eid, "ANOTHER").await.unwrap();
    attacker.delete(server.es12(), euicc.eid, "EVENT").await.unwrap();
    attacker.delete(server.es12(), euicc.eid, "SECOND").await.unwrap();
    let left = server.store.events(&euicc.eid, NOW).await.unwrap();
    let left: Vec<_> = left.iter().map(|record| (record.registrar.as_str(), record.event_id.as_str())).collect();
    let expected = [("2.999.10.1", "EVENT"), ("2.999.15.2", "SECOND"), ("2.999.10.1", "ANOTHER")];
    assert_eq!(left, expected);
}

/// An eUICC hears of its own events only, whatever it asks for.
#[tokio::test]
async fn atk_tenant_cross_between_euiccs() {
    let server = Server::new().await;
    let (registrar, euicc) = (Registrar::smdp(1), server.euicc(Curve::P256));
    let other = TestEuicc::minted(Curve::P256, "89049032000000000000000000000042");
    registrar.register(server.es12(), other.eid, "EVENT").await.unwrap();
    assert_refused(euicc.try_retrieve(&server, Some("EVENT")).await, &StatusCode::EVENT_RECORD_UNKNOWN);
    assert_eq!(euicc.events(&server, None).await, []);
    // Its EID is the one in its certificate.
    assert_ne!(other.eid, Eid([0; 16]));
    assert_eq!(other.event_ids(&server).await, ["EVENT"]);
}

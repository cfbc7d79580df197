//! Events that nobody deletes, and what sweeping leaves.

use rsp_crypto::Curve;
use rsp_es::status::StatusCode;
use rsp_smds::{Settings, Swept};

use crate::registrars::Registrar;
use crate::server::{Server, assert_refused};

const DAY: i64 = 86_400;

async fn server() -> Server {
    Server::with_settings(Settings { event_days: 1, events_per_eid: 1, ..Settings::default() }).await
}

#[tokio::test]
async fn an_event_lives_for_as_many_days_as_are_set() {
    let server = server().await;
    let (registrar, euicc) = (Registrar::smdp(1), server.euicc(Curve::P256));
    registrar.register(server.es12(), euicc.eid, "EVENT").await.unwrap();
    server.advance_clock(DAY);
    assert_eq!(server.smds.sweep().await.unwrap(), Swept::default());
    assert_eq!(euicc.event_ids(&server).await, ["EVENT"]);
    server.advance_clock(1);
    assert_eq!(euicc.events(&server, None).await, []);
    assert_refused(euicc.try_retrieve(&server, Some("EVENT")).await, &StatusCode::EVENT_RECORD_UNKNOWN);
    let swept = server.smds.sweep().await.unwrap();
    assert_eq!(swept.events, 1);
    assert_refused(registrar.delete(server.es12(), euicc.eid, "EVENT").await, &StatusCode::EVENT_RECORD_UNKNOWN);
}

#[tokio::test]
async fn what_has_expired_is_in_nobodys_way_before_it_is_swept() {
    let server = server().await;
    let (registrar, euicc) = (Registrar::smdp(1), server.euicc(Curve::P256));
    for (event_id, expected) in [("EVENT", "EVENT"), ("EVENT", "EVENT"), ("OTHER", "OTHER")] {
        registrar.register(server.es12(), euicc.eid, event_id).await.unwrap();
        assert_eq!(euicc.event_ids(&server).await, [expected]);
        server.advance_clock(DAY + 1);
    }
    assert_eq!(server.smds.sweep().await.unwrap().events, 1);
}

#[tokio::test]
async fn a_sweep_deletes_everything_that_has_expired_and_nothing_else() {
    let settings = Settings { event_days: 1, events_per_eid: 1000, ..Settings::default() };
    let server = Server::with_settings(settings).await;
    let (registrar, euicc) = (Registrar::smdp(1), server.euicc(Curve::P256));
    for number in 0..520 {
        registrar.register(server.es12(), euicc.eid, &format!("OLD-{number}")).await.unwrap();
    }
    server.advance_clock(DAY);
    registrar.register(server.es12(), euicc.eid, "NEW").await.unwrap();
    server.advance_clock(1);
    assert_eq!(server.smds.sweep().await.unwrap().events, 520);
    assert_eq!(euicc.event_ids(&server).await, ["NEW"]);
}

#[tokio::test]
async fn sessions_are_forgotten_when_they_can_begin_no_more() {
    let server = Server::new().await;
    server.euicc(Curve::P256).events(&server, None).await;
    server.advance_clock(Settings::default().session_seconds);
    assert_eq!(server.smds.sweep().await.unwrap(), Swept::default());
    server.advance_clock(1);
    assert_eq!(server.smds.sweep().await.unwrap(), Swept { events: 0, sessions: 1 });
}

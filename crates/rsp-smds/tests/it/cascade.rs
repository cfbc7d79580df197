//! Two SM-DSs in cascade: what the alternative one has in its outbox is carried to the root by hand.

use rsp_asn1::{Eid, Timestamp};
use rsp_auth::ServerAddress;
use rsp_crypto::Curve;
use rsp_es::es12::{DeleteEventRequest, Function, Interface, RegisterEventRequest, Request};
use rsp_es::status::StatusCode;
use rsp_smds::{Error, Settings, Swept};

use crate::euicc::TestEuicc;
use crate::registrars::Registrar;
use crate::server::{NOW, Server, Wanted, assert_refused, oid, smds};

const ALTERNATIVE: &str = "alternative.example.com:8444";
const ROOT: &str = "smds.example.com:8443";

pub(crate) struct Cascade {
    pub(crate) root: Server,
    pub(crate) alternative: Server,
    /// What the alternative SM-DS shows to the root.
    client: Registrar,
}

impl Cascade {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let alternative = Server::with(alternative(settings)).await;
        Self { root: Server::new().await, alternative, client: Registrar::smds(2) }
    }

    /// Carries what is due to the root; each message is one that an HTTP client could send. Returns the functions and
    /// what the root said.
    pub(crate) async fn carry(&self) -> Vec<(Function, Result<(), StatusCode>)> {
        let mut carried = Vec::new();
        loop {
            let messages = self.alternative.store.claim_messages(self.now(), self.now(), 10).await.unwrap();
            if messages.is_empty() {
                return carried;
            }
            for message in messages {
                let answer = self.call(&message.function, &message.recipient, &message.body).await;
                carried.push(answer);
                self.alternative.store.message_delivered(&message).await.unwrap();
            }
        }
    }

    async fn call(&self, path: &str, recipient: &str, body: &[u8]) -> (Function, Result<(), StatusCode>) {
        assert_eq!(recipient, ROOT);
        let (interface, function) = Function::from_path(path).unwrap();
        assert_eq!(interface, Interface::Es15);
        let (es15, caller) = (self.root.es15(), self.client.caller());
        let answer = match function {
            Function::RegisterEvent => {
                let request = RegisterEventRequest::from_json(body).unwrap();
                assert_eq!(request.rsp_server_address, ALTERNATIVE);
                assert_eq!(request.header.function_requester_identifier, "2.999.15.2");
                assert!(!request.forwarding_indicator);
                es15.register_event(&caller, request).await
            }
            Function::DeleteEvent => es15.delete_event(&caller, DeleteEventRequest::from_json(body).unwrap()).await,
        };
        (function, answer)
    }

    fn now(&self) -> Timestamp {
        use rsp_smds::Clock as _;
        self.alternative.clock.now()
    }

    /// An eUICC whose LPA calls the alternative SM-DS.
    pub(crate) fn at_alternative(&self, curve: Curve) -> TestEuicc {
        TestEuicc { smds_address: ALTERNATIVE.to_owned(), ..self.alternative.euicc(curve) }
    }

    /// EventIDs that the root knows for an eUICC.
    pub(crate) async fn at_root(&self, eid: Eid) -> Vec<String> {
        self.root.store.events(&eid, NOW).await.unwrap().into_iter().map(|record| record.event_id).collect()
    }
}

fn alternative(settings: Settings) -> Wanted {
    Wanted {
        settings: Settings { parent: ServerAddress::parse(ROOT), ..settings },
        address: ALTERNATIVE.to_owned(),
        oid: oid(&[2, 999, 15, 2]),
        ..Wanted::default()
    }
}

fn eid() -> Eid {
    Eid([0x89; 16])
}

#[tokio::test]
async fn the_root_leads_the_euicc_to_the_alternative_and_that_to_the_smdp() {
    let cascade = Cascade::new().await;
    for curve in Curve::ALL {
        let event_id = format!("EVENT-{}", u8::from(curve == Curve::P256));
        let (at_root, at_alternative) = (cascade.root.euicc(curve), cascade.at_alternative(curve));
        let smdp = Registrar::smdp(1);
        smdp.register_forwarded(cascade.alternative.es12(), at_root.eid, &event_id).await.unwrap();
        assert_eq!(cascade.carry().await, [(Function::RegisterEvent, Ok(()))]);

        let events = at_root.events(&cascade.root, None).await;
        let [(second_id, address)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(address, ALTERNATIVE);
        assert_eq!(second_id.len(), 26);
        assert_ne!(*second_id, event_id);
        // Its second EventID is its MatchingID there; what it gets is the EventID of the SM-DP+, and its address.
        let expected = [(event_id.clone(), "smdp1.example.com".to_owned())];
        assert_eq!(at_alternative.events(&cascade.alternative, Some(second_id)).await, expected);
        assert_eq!(at_alternative.events(&cascade.alternative, Some(&event_id)).await, expected);
        assert_eq!(at_alternative.events(&cascade.alternative, None).await, expected);

        smdp.delete(cascade.alternative.es12(), at_root.eid, &event_id).await.unwrap();
        assert_eq!(cascade.carry().await, [(Function::DeleteEvent, Ok(()))]);
        assert_eq!(at_root.events(&cascade.root, None).await, []);
        let gone = at_alternative.try_retrieve(&cascade.alternative, Some(second_id)).await;
        assert_refused(gone, &StatusCode::EVENT_RECORD_UNKNOWN);
    }
}

#[tokio::test]
async fn what_is_not_to_be_passed_on_stays_here() {
    let cascade = Cascade::new().await;
    Registrar::smdp(1).register(cascade.alternative.es12(), eid(), "EVENT").await.unwrap();
    Registrar::smdp(1).delete(cascade.alternative.es12(), eid(), "EVENT").await.unwrap();
    assert_eq!(cascade.carry().await, []);
}

#[tokio::test]
async fn without_a_parent_nothing_is_passed_on() {
    let server = Server::new().await;
    Registrar::smdp(1).register_forwarded(server.es12(), eid(), "EVENT").await.unwrap();
    Registrar::smdp(1).delete(server.es12(), eid(), "EVENT").await.unwrap();
    assert_eq!(server.store.waiting_messages().await.unwrap(), []);
}

#[tokio::test]
async fn what_came_by_es15_goes_no_further() {
    let cascade = Cascade::new().await;
    Registrar::smds(3).register_forwarded(cascade.alternative.es15(), eid(), "EVENT").await.unwrap();
    assert_eq!(cascade.carry().await, []);
}

#[tokio::test]
async fn a_refused_registration_or_deletion_is_passed_on_to_nobody() {
    let cascade = Cascade::new().await;
    let (one, es12) = (Registrar::smdp(1), cascade.alternative.es12());
    one.register_forwarded(es12, eid(), "EVENT").await.unwrap();
    one.register_forwarded(es12, eid(), "EVENT").await.unwrap_err();
    one.delete(es12, eid(), "OTHER").await.unwrap_err();
    Registrar::smdp(2).delete(es12, eid(), "EVENT").await.unwrap_err();
    assert_eq!(cascade.carry().await, [(Function::RegisterEvent, Ok(()))]);
}

#[tokio::test]
async fn what_is_passed_on_in_order_is_in_the_same_order_at_the_root() {
    let cascade = Cascade::new().await;
    let (one, two, es12) = (Registrar::smdp(1), Registrar::smdp(2), cascade.alternative.es12());
    one.register_forwarded(es12, eid(), "Z").await.unwrap();
    cascade.alternative.advance_clock(1);
    two.register_forwarded(es12, eid(), "M").await.unwrap();
    one.delete(es12, eid(), "Z").await.unwrap();
    cascade.alternative.advance_clock(1);
    one.register_forwarded(es12, eid(), "A").await.unwrap();
    one.register_forwarded(es12, Eid([0x88; 16]), "OTHER").await.unwrap();
    let carried = cascade.carry().await;
    assert!(carried.iter().all(|(_, answer)| answer.is_ok()), "{carried:?}");
    let records = cascade.alternative.store.events(&eid(), NOW).await.unwrap();
    let second_ids: Vec<_> = records.into_iter().map(|record| record.forwarded.unwrap().event_id).collect();
    assert_eq!(second_ids.len(), 2);
    assert_eq!(cascade.at_root(eid()).await, second_ids);
    assert_eq!(cascade.at_root(Eid([0x88; 16])).await.len(), 1);
}

/// What was not confirmed is sent again, and the answer says that nothing is left to do.
#[tokio::test]
async fn a_lost_answer_changes_nothing() {
    let cascade = Cascade::new().await;
    let (one, es12, store) = (Registrar::smdp(1), cascade.alternative.es12(), &cascade.alternative.store);
    for (register, expected) in
        [(true, StatusCode::EVENT_RECORD_ALREADY_IN_USE), (false, StatusCode::EVENT_RECORD_UNKNOWN)]
    {
        if register {
            one.register_forwarded(es12, eid(), "EVENT").await.unwrap();
        } else {
            one.delete(es12, eid(), "EVENT").await.unwrap();
        }
        let message = store.claim_messages(NOW, NOW, 1).await.unwrap().remove(0);
        cascade.call(&message.function, &message.recipient, &message.body).await.1.unwrap();
        store.message_failed(&message, NOW, "lost").await.unwrap();
        let [(_, answer)] = <[_; 1]>::try_from(cascade.carry().await).unwrap();
        assert_refused(answer, &expected);
        assert_eq!(cascade.at_root(eid()).await.len(), usize::from(register));
    }
}

/// An event that the root has no room for holds nothing up, least of all the deletions that make room.
#[tokio::test]
async fn an_event_that_the_root_refuses_holds_up_no_other() {
    let mut cascade = Cascade::new().await;
    let settings = Settings { events_per_eid: 1, ..Settings::default() };
    cascade.root = Server::with_settings(settings).await;
    let (one, es12, store) = (Registrar::smdp(1), cascade.alternative.es12(), &cascade.alternative.store);
    one.register_forwarded(es12, eid(), "FIRST").await.unwrap();
    cascade.carry().await;
    one.register_forwarded(es12, eid(), "SECOND").await.unwrap();
    let refused = store.claim_messages(NOW, NOW, 1).await.unwrap().remove(0);
    let (_, answer) = cascade.call(&refused.function, &refused.recipient, &refused.body).await;
    assert_refused(answer, &StatusCode::SMDS_EXECUTION_ERROR);
    store.message_failed(&refused, NOW.plus_seconds(60), "no room").await.unwrap();

    one.delete(es12, eid(), "FIRST").await.unwrap();
    assert_eq!(cascade.carry().await, [(Function::DeleteEvent, Ok(()))]);
    cascade.alternative.advance_clock(60);
    assert_eq!(cascade.carry().await, [(Function::RegisterEvent, Ok(()))]);
    assert_eq!(cascade.at_root(eid()).await.len(), 1);
}

/// Where an event was passed on to is remembered: it is deleted there, whatever the parent is now.
#[tokio::test]
async fn what_was_passed_on_is_deleted_where_it_is() {
    let mut cascade = Cascade::new().await;
    let one = Registrar::smdp(1);
    one.register_forwarded(cascade.alternative.es12(), eid(), "EVENT").await.unwrap();
    cascade.carry().await;
    let orphan = Wanted { settings: Settings::default(), ..alternative(Settings::default()) };
    cascade.alternative = cascade.alternative.restarted(orphan);
    one.delete(cascade.alternative.es12(), eid(), "EVENT").await.unwrap();
    assert_eq!(cascade.carry().await, [(Function::DeleteEvent, Ok(()))]);
}

#[tokio::test]
async fn what_expires_is_deleted_at_the_root() {
    let cascade = Cascade::with(Settings { event_days: 1, ..Settings::default() }).await;
    let one = Registrar::smdp(1);
    one.register_forwarded(cascade.alternative.es12(), eid(), "SWEPT").await.unwrap();
    cascade.carry().await;
    cascade.alternative.advance_clock(86_401);
    assert_eq!(cascade.alternative.smds.sweep().await.unwrap(), Swept { events: 1, sessions: 0 });
    assert_eq!(cascade.carry().await, [(Function::DeleteEvent, Ok(()))]);

    one.register_forwarded(cascade.alternative.es12(), eid(), "DISPLACED").await.unwrap();
    cascade.carry().await;
    let first = cascade.at_root(eid()).await;
    cascade.alternative.advance_clock(86_401);
    one.register_forwarded(cascade.alternative.es12(), eid(), "DISPLACED").await.unwrap();
    let carried = cascade.carry().await;
    assert_eq!(carried.len(), 2);
    assert!(carried.contains(&(Function::DeleteEvent, Ok(()))) && carried.contains(&(Function::RegisterEvent, Ok(()))));
    let second = cascade.at_root(eid()).await;
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_ne!(first, second);
}

#[tokio::test]
async fn an_smds_is_not_its_own_parent() {
    let server = Server::new().await;
    for parent in ["smds.example.com", "SMDS.example.com:8443"] {
        let settings = Settings { parent: ServerAddress::parse(parent), ..Settings::default() };
        let made = smds(&server.store, &server.clock, Wanted { settings, ..Wanted::default() });
        assert!(matches!(made, Err(Error::ParentIsSelf)), "{parent}");
    }
    let made = smds(&server.store, &server.clock, Wanted { curves: Vec::new(), ..Wanted::default() });
    assert!(matches!(made, Err(Error::NoCredential)));
}

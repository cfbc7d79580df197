//! What happened, and the figures that count it.

use rsp_asn1::{Eid, Iccid, Timestamp};
use rsp_store::{
    Datastore, Error, Esim, EventCursor, EventFilter, EventKind, NetworkState, NewEvent, NewProfile, Operator,
    OrderCursor, OrderFilter, Outcome, ProfileState, Whose,
};
use zeroize::Zeroizing;

use crate::support::Database;

const DAY: i64 = 86_400;

fn iccid(number: u32) -> Iccid {
    let digits = format!("890010{number:012}");
    let check = Iccid::luhn_digit(&digits).unwrap();
    format!("{digits}{check}").parse().unwrap()
}

/// Two operators with a type each, and one of the server's own.
async fn lab() -> Database {
    let database = Database::new().await;
    let done: Result<(), Error> = database
        .store
        .run_tx("lab", |tx| {
            for (number, name) in [(1, "A"), (2, "B")] {
                tx.insert_operator(&Operator {
                    name: name.to_owned(),
                    certificate: [number; 32],
                    endpoint: None,
                    iccid_prefix: String::new(),
                    imsi_prefix: String::new(),
                    created_at: Timestamp(0),
                })?;
            }
            for (name, operator) in [("a", Some("A")), ("b", Some("B")), ("own", None)] {
                tx.insert_profile_type(&rsp_store::NewProfileType {
                    name: name.to_owned(),
                    operator: operator.map(str::to_owned),
                    iccids: None,
                    metadata: vec![0],
                    template: None,
                    created_at: Timestamp(0),
                })?;
            }
            Ok(())
        })
        .await;
    done.unwrap();
    database
}

async fn profile(store: &Datastore, number: u32, operator: Option<&str>, at: i64) {
    let new = move |operator: Option<String>| NewProfile {
        iccid: iccid(number),
        profile_type: operator.as_deref().map_or("own".to_owned(), str::to_lowercase),
        operator,
        state: ProfileState::Available,
        metadata: vec![0],
        package: Zeroizing::new(vec![1]),
        at: Timestamp(at),
        by: "import".to_owned(),
    };
    let operator = operator.map(str::to_owned);
    let done: Result<(), Error> = store.run_tx("profile", move |tx| tx.insert_profile(&new(operator.clone()))).await;
    done.unwrap();
}

async fn go(store: &Datastore, number: u32, to: ProfileState, at: i64) {
    let done: Result<bool, Error> = store
        .run_tx("move", move |tx| {
            let profile = tx.profile(&iccid(number))?.unwrap();
            let mut change = profile.change("clerk", Timestamp(at));
            change.state = to;
            if to == ProfileState::Released {
                change.matching_id = Some(format!("MID-{number:06}"));
                change.eid = Some(Eid([number as u8; 16]));
            }
            tx.change_profile(&change)
        })
        .await;
    assert!(done.unwrap());
}

async fn step(store: &Datastore, number: u32, operator: Option<&'static str>, refused: Option<(&str, &str)>, at: i64) {
    let refused = refused.map(|(subject, reason)| (subject.to_owned(), reason.to_owned()));
    let new = NewEvent {
        at: Timestamp(at),
        operator: operator.map(str::to_owned),
        iccid: Some(iccid(number)),
        profile_type: Some("a".to_owned()),
        kind: EventKind::Step,
        actor: "eUICC".to_owned(),
        step: Some("AuthenticateClient".to_owned()),
        refused,
        detail: None,
    };
    let done: Result<(), Error> = store.run_tx("step", move |tx| tx.record_event(&new)).await;
    done.unwrap();
}

fn of(operator: &str) -> Whose {
    Whose::Of(operator.to_owned())
}

#[tokio::test]
async fn every_change_is_an_event_and_a_figure() {
    let database = lab().await;
    let store = &database.store;
    profile(store, 1, Some("A"), 10).await;
    profile(store, 2, Some("B"), 20).await;
    profile(store, 3, None, 30).await;
    go(store, 1, ProfileState::Released, DAY).await;
    go(store, 1, ProfileState::Installed, DAY + 90).await;
    step(store, 1, Some("A"), Some(("8.2.7", "3.8")), DAY + 5).await;
    step(store, 1, Some("A"), None, DAY + 6).await;

    let all = EventFilter::default();
    let events = store.event_list(&of("A"), &all, None, 10).await.unwrap();
    let shown: Vec<_> = events.iter().map(|event| (event.at.0, event.kind, event.to, event.seconds)).collect();
    assert_eq!(
        shown,
        [
            (DAY + 90, EventKind::State, Some(ProfileState::Installed), Some(90)),
            (DAY + 6, EventKind::Step, None, None),
            (DAY + 5, EventKind::Step, None, None),
            (DAY, EventKind::State, Some(ProfileState::Released), None),
            (10, EventKind::State, Some(ProfileState::Available), None),
        ]
    );
    assert_eq!(store.event_list(&of("B"), &all, None, 10).await.unwrap().len(), 1);
    assert_eq!(store.event_list(&Whose::Own, &all, None, 10).await.unwrap().len(), 1);
    assert_eq!(store.event_list(&Whose::All, &all, None, 10).await.unwrap().len(), 7);
    let after = EventCursor { at: events[1].at, number: events[1].number };
    assert_eq!(store.event_list(&of("A"), &all, Some(after), 10).await.unwrap(), events[2..]);

    let counts = store.order_counts(&of("A")).await.unwrap();
    assert_eq!(
        counts.iter().map(|count| (count.state, count.orders)).collect::<Vec<_>>(),
        [(ProfileState::Installed, 1)]
    );
    assert_eq!(store.order_counts(&Whose::All).await.unwrap().len(), 3);
    let counts = store.event_counts(&of("A"), 1..2).await.unwrap();
    let mut counts: Vec<_> = counts.iter().map(|count| (count.outcome.as_str(), count.events)).collect();
    counts.sort_unstable();
    assert_eq!(counts, [("", 1), ("8.2.7/3.8", 1), ("Installed", 1), ("Released", 1)]);
    assert_eq!(store.activation_seconds(&of("A"), 5).await.unwrap(), [90]);
    assert!(store.activation_seconds(&of("B"), 5).await.unwrap().is_empty());
}

#[tokio::test]
async fn events_are_found_by_what_a_figure_counts() {
    let database = lab().await;
    let store = &database.store;
    for number in 1..=4 {
        profile(store, number, Some("A"), i64::from(number)).await;
        step(store, number, Some("A"), (number % 2 == 0).then_some(("8.1.1", "3.8")), DAY * i64::from(number)).await;
    }
    let count = async |filter: EventFilter| store.event_list(&of("A"), &filter, None, 100).await.unwrap().len();
    let none = EventFilter::default;
    assert_eq!(count(none()).await, 8);
    assert_eq!(count(EventFilter { kind: Some(EventKind::Step), ..none() }).await, 4);
    assert_eq!(count(EventFilter { outcome: Some(Outcome::Refused), ..none() }).await, 2);
    let taken = EventFilter { outcome: Some(Outcome::Taken), step: Some("AuthenticateClient".to_owned()), ..none() };
    assert_eq!(count(taken).await, 2);
    assert_eq!(count(EventFilter { refused: Some(("8.1.1".to_owned(), "3.8".to_owned())), ..none() }).await, 2);
    assert_eq!(count(EventFilter { refused: Some(("8.1.1".to_owned(), "3.9".to_owned())), ..none() }).await, 0);
    assert_eq!(count(EventFilter { days: Some(2..4), ..none() }).await, 2);
    assert_eq!(count(EventFilter { to: Some(ProfileState::Available), ..none() }).await, 4);
    assert_eq!(count(EventFilter { profile_types: Some(vec!["b".to_owned()]), ..none() }).await, 0);
    assert_eq!(count(EventFilter { profile_types: Some(vec!["b".to_owned(), "a".to_owned()]), ..none() }).await, 8);
}

fn handed_out(number: u32, operator: &str, at: i64) -> Esim {
    Esim {
        operator: operator.to_owned(),
        iccid: iccid(number),
        carrier: "Carrier".to_owned(),
        plan: "Plan".to_owned(),
        profile_type: "a".to_owned(),
        country: "DE".to_owned(),
        smdp: "first".to_owned(),
        own: false,
        activation_code: Zeroizing::new("LPA:1$a.example$SECRET-CODE".to_owned()),
        confirmation_code_required: true,
        eid: None,
        device_id: Some("meter 7".to_owned()),
        reference: None,
        network: NetworkState::Active,
        cancelled: false,
        created_at: Timestamp(at),
        created_by: "key 1".to_owned(),
    }
}

#[tokio::test]
async fn lists_go_from_the_newest_order_to_the_oldest_whatever_their_states() {
    let database = lab().await;
    let store = &database.store;
    for number in 1..=9 {
        profile(store, number, Some("A"), i64::from(number)).await;
        let state = [ProfileState::Released, ProfileState::Installed, ProfileState::Error][number as usize % 3];
        go(store, number, ProfileState::Released, 100).await;
        if state != ProfileState::Released {
            go(store, number, state, 100).await;
        }
    }
    profile(store, 10, Some("A"), 10).await;
    profile(store, 11, Some("B"), 11).await;
    go(store, 11, ProfileState::Released, 100).await;
    let done: Result<(), Error> = store
        .run_tx("esims", |tx| {
            tx.insert_esim(&handed_out(9, "A", 9))?;
            tx.insert_esim(&handed_out(77, "A", 5))
        })
        .await;
    done.unwrap();

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.order_list(&of("A"), &OrderFilter::default(), after, 4).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(OrderCursor { created_at: last.created_at, iccid: last.iccid });
        seen.extend(page.iter().map(|one| (one.created_at.0, one.iccid, one.esim.is_some())));
    }
    let mut expected: Vec<_> = (1..=9).map(|number| (i64::from(number), iccid(number), number == 9)).collect();
    expected.push((5, iccid(77), true));
    expected.sort_unstable_by_key(|(at, iccid, _)| std::cmp::Reverse((*at, iccid.0)));
    assert_eq!(seen, expected);

    let states = OrderFilter { states: vec![ProfileState::Installed], profile_types: None };
    let installed = store.order_list(&of("A"), &states, None, 10).await.unwrap();
    assert_eq!(installed.iter().map(|one| one.iccid).collect::<Vec<_>>(), [iccid(7), iccid(4), iccid(1)]);
    assert_eq!(store.order_list(&Whose::All, &OrderFilter::default(), None, 100).await.unwrap().len(), 11);
    let types = OrderFilter { states: Vec::new(), profile_types: Some(vec!["b".to_owned()]) };
    assert_eq!(store.order_list(&Whose::All, &types, None, 100).await.unwrap().len(), 1);
    let numbers = async |states: &[ProfileState], types: Option<&[&str]>| {
        let profile_types = types.map(|types| types.iter().map(|name| (*name).to_owned()).collect());
        let filter = OrderFilter { states: states.to_vec(), profile_types };
        let found = store.order_list(&of("A"), &filter, None, 20).await.unwrap();
        found.iter().map(|one| one.iccid).collect::<Vec<_>>()
    };
    // What another SM-DP+ has is released as far as is known here, until it is cancelled.
    assert!(numbers(&[ProfileState::Released], None).await.contains(&iccid(77)));
    assert!(!numbers(&[ProfileState::Unavailable, ProfileState::Installed], None).await.contains(&iccid(77)));
    let kind = handed_out(77, "A", 5).profile_type;
    assert!(numbers(&[], Some(&[&kind, &kind])).await.iter().filter(|one| **one == iccid(77)).count() == 1);
    assert!(!numbers(&[], Some(&["none"])).await.contains(&iccid(77)));
    store.run_tx("cancel", |tx| tx.cancel_esim("A", &iccid(77))).await.unwrap();
    assert!(!numbers(&[ProfileState::Released], None).await.contains(&iccid(77)));
    assert_eq!(numbers(&[ProfileState::Unavailable], None).await, [iccid(77)]);
    let available = OrderFilter { states: vec![ProfileState::Available], profile_types: None };
    assert_eq!(store.order_list(&of("A"), &available, None, 10).await.unwrap().len(), 1);

    let nine = store.listed(&of("A"), &iccid(9)).await.unwrap().unwrap();
    let esim = nine.esim.unwrap();
    assert!(esim.own && esim.activation_code.as_str() == "LPA:1$a.example$SECRET-CODE");
    assert_eq!(esim.device_id.as_deref(), Some("meter 7"));
    let elsewhere = store.listed(&of("A"), &iccid(77)).await.unwrap().unwrap();
    assert!(elsewhere.order.is_none() && !elsewhere.esim.unwrap().own);
    for (whose, number) in [(of("B"), 9), (of("B"), 77), (Whose::Own, 9), (of("A"), 11), (of("A"), 500)] {
        assert!(store.listed(&whose, &iccid(number)).await.unwrap().is_none(), "{whose:?} {number}");
    }
}

#[tokio::test]
async fn each_state_counts_as_many_orders_as_its_list_shows_elsewhere_too() {
    let database = lab().await;
    let store = &database.store;
    for (number, state) in [(1, ProfileState::Released), (2, ProfileState::Released), (3, ProfileState::Unavailable)] {
        profile(store, number, Some("A"), 1).await;
        go(store, number, state, 2).await;
    }
    let done: Result<(), Error> = store
        .run_tx("elsewhere", |tx| {
            (70..=76).try_for_each(|number| tx.insert_esim(&handed_out(number, "A", i64::from(number))))?;
            tx.insert_esim(&handed_out(80, "B", 1))?;
            // One of this SM-DP+: its order is counted already.
            tx.insert_esim(&handed_out(1, "A", 1))?;
            for number in [71, 71, 73, 1] {
                tx.cancel_esim("A", &iccid(number))?;
            }
            Ok(())
        })
        .await;
    done.unwrap();
    for (whose, expected) in [(of("A"), [7, 3]), (of("B"), [1, 0]), (Whose::All, [8, 3]), (Whose::Own, [0, 0])] {
        let mut counts = store.order_counts(&whose).await.unwrap();
        counts.extend(store.order_counts_elsewhere(&whose).await.unwrap());
        for (state, expected) in [ProfileState::Released, ProfileState::Unavailable].into_iter().zip(expected) {
            let filter = OrderFilter { states: vec![state], profile_types: None };
            let listed = store.order_list(&whose, &filter, None, 100).await.unwrap().len();
            let counted: u64 = counts.iter().filter(|count| count.state == state).map(|count| count.orders).sum();
            assert_eq!((listed, counted), (expected, expected as u64), "{whose:?} {state}");
        }
    }
}

#[tokio::test]
async fn a_search_finds_what_begins_so_and_is_ones_own() {
    let database = lab().await;
    let store = &database.store;
    for (number, operator) in [(1, "A"), (2, "A"), (3, "B")] {
        profile(store, number, Some(operator), 1).await;
        go(store, number, ProfileState::Released, 2).await;
    }
    let found = async |whose: &Whose, text: &str| {
        let found = store.order_search(whose, text, 10).await.unwrap();
        let mut found: Vec<_> = found.into_iter().map(|one| one.iccid).collect();
        found.sort_unstable_by_key(|iccid| iccid.to_string());
        found
    };
    let digits = iccid(1).to_string();
    assert_eq!(found(&of("A"), &digits).await, [iccid(1)]);
    assert_eq!(found(&of("A"), &digits[..17]).await, [iccid(1), iccid(2)], "an odd number of digits");
    assert_eq!(found(&Whose::All, &digits[..16]).await, [iccid(1), iccid(2), iccid(3)]);
    assert_eq!(found(&of("B"), &digits[..16]).await, [iccid(3)]);
    assert!(found(&of("B"), &digits).await.is_empty());
    assert_eq!(found(&of("A"), &"01".repeat(16)).await, [iccid(1)]);
    assert_eq!(found(&of("A"), "0202020").await, [iccid(2)]);
    assert_eq!(found(&of("A"), "mid-00000").await, [iccid(1), iccid(2)]);
    assert_eq!(found(&of("B"), " MID-000003 ").await, [iccid(3)]);
    for none in ["", "89001", "mid-9", "%%%%%%", "MID-000001' OR 1=1", &"9".repeat(40)] {
        assert!(found(&Whose::All, none).await.is_empty(), "{none}");
    }
}

#[tokio::test]
async fn a_search_finds_what_was_handed_out_by_reference_device_and_eid() {
    let database = lab().await;
    let store = &database.store;
    for (number, operator) in [(1, "A"), (2, "B")] {
        profile(store, number, Some(operator), 1).await;
        go(store, number, ProfileState::Released, 2).await;
    }
    // Stock: nobody ordered it.
    profile(store, 3, Some("A"), 1).await;
    let done: Result<(), Error> = store
        .run_tx("handed out", |tx| {
            for (number, operator) in [(1, "A"), (77, "A"), (2, "B"), (78, "B")] {
                tx.insert_esim(&Esim {
                    reference: Some("Order-\u{e4}\u{f6} 9".to_owned()),
                    eid: (number > 70).then_some(Eid([if number == 77 { 0x77 } else { 0x78 }; 16])),
                    ..handed_out(number, operator, i64::from(number))
                })?;
            }
            Ok(())
        })
        .await;
    done.unwrap();
    let found = async |whose: &Whose, text: &str| {
        let found = store.order_search(whose, text, 10).await.unwrap();
        found.into_iter().map(|one| one.iccid).collect::<Vec<_>>()
    };
    for text in ["Order-", "Order-\u{e4}", "Order-\u{e4}\u{f6} 9", "meter 7"] {
        assert_eq!(found(&of("A"), text).await, [iccid(77), iccid(1)], "{text}");
        assert_eq!(found(&Whose::All, text).await.len(), 4, "{text}");
    }
    assert_eq!(found(&of("A"), "7777777").await, [iccid(77)]);
    assert_eq!(found(&of("A"), "787878").await, [], "another's EID");
    assert_eq!(found(&of("A"), "order-").await, [], "as its buyer wrote it");
    assert_eq!(found(&of("A"), &iccid(3).to_string()).await, [], "stock");
    assert_eq!(found(&of("A"), &iccid(78).to_string()).await, [], "another's elsewhere");
    assert_eq!(found(&of("A"), &iccid(77).to_string()).await, [iccid(77)]);
}

#[tokio::test]
async fn a_search_is_not_used_up_by_what_others_have() {
    let database = lab().await;
    let store = &database.store;
    let done: Result<(), Error> = store
        .run_tx("many", |tx| {
            for (number, operator) in (1..=2_100).map(|number| (number, "B")).chain([(9_000, "A")]) {
                tx.insert_profile(&NewProfile {
                    iccid: iccid(number),
                    profile_type: operator.to_lowercase(),
                    operator: Some(operator.to_owned()),
                    state: ProfileState::Released,
                    metadata: vec![0],
                    package: Zeroizing::new(vec![1]),
                    at: Timestamp(1),
                    by: "import".to_owned(),
                })?;
            }
            (20_001..=22_100).try_for_each(|number| tx.insert_esim(&handed_out(number, "B", 5)))?;
            tx.insert_esim(&handed_out(29_000, "A", 5))
        })
        .await;
    done.unwrap();
    let found = store.order_search(&of("A"), &iccid(1).to_string()[..8], 10).await.unwrap();
    assert_eq!(found.iter().map(|one| one.iccid).collect::<Vec<_>>(), [iccid(29_000), iccid(9_000)]);
}

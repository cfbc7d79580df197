//! Usage: counters move by reports alone, each report once, and little is told of in time.

use std::sync::Arc;

use rsp_asn1::Iccid;
use rsp_operator::usage::{Counted, MOST_RECORDS, NewTopUp, NewUsage, Usage};
use rsp_operator::{Actor, Error, Right, Rights};
use rsp_store::{Amounts, EventKind, ProfileState};

use crate::shop::{Shop, iccid, tenant};
use crate::support::NOW;

const DAY: i64 = 86_400;

fn usage(shop: &Shop) -> Usage {
    Usage::new(Arc::clone(&shop.store), shop.clock())
}

fn data(id: &str, iccid: Iccid, data_bytes: i64) -> NewUsage {
    NewUsage { id: id.to_owned(), iccid, used: Amounts { data_bytes, ..Amounts::default() }, at: None }
}

fn top_up(id: &str, iccid: Iccid, data_bytes: i64, days: i64) -> NewTopUp {
    NewTopUp { id: id.to_owned(), iccid, added: Amounts { data_bytes, ..Amounts::default() }, days }
}

/// What was said of a profile's usage since it was sold.
async fn said(shop: &Shop, iccid: Iccid) -> Vec<String> {
    let events = shop.store.events_of(Some("A"), &iccid, 100).await.unwrap();
    events.into_iter().filter(|event| event.kind == EventKind::Usage).filter_map(|event| event.detail).collect()
}

async fn install(shop: &Shop, iccid: Iccid) {
    for state in [ProfileState::Downloaded, ProfileState::Installed] {
        let profile = shop.store.profile(&iccid).await.unwrap().unwrap();
        let mut change = profile.change("test", shop.clock().now());
        change.state = state;
        let changed: Result<bool, rsp_store::Error> =
            shop.store.run_tx("install", move |tx| tx.change_profile(&change)).await;
        assert!(changed.unwrap());
    }
}

#[tokio::test]
async fn a_report_counts_once_whoever_repeats_it() {
    let shop = Shop::new().await;
    let (usage, owner) = (usage(&shop), tenant("A"));
    shop.plan("M", |plan| plan.data_bytes = Some(1000)).await;
    let sim = shop.sell("A", 1, "M").await;
    assert_eq!(usage.standing(&owner, &sim).await.unwrap().counters.used, Amounts::default());
    let report = data("r1", sim, 100);
    assert_eq!(usage.post(&owner, std::slice::from_ref(&report)).await.unwrap(), [Counted::Now]);
    shop.clock.forward(5);
    assert_eq!(usage.post(&owner, std::slice::from_ref(&report)).await.unwrap(), [Counted::Before]);
    let both = [data("r2", sim, 1), data("r2", sim, 1)];
    assert_eq!(usage.post(&owner, &both).await.unwrap(), [Counted::Now, Counted::Before]);
    assert_eq!(usage.standing(&owner, &sim).await.unwrap().counters.used.data_bytes, 101);
    // The same name for something else is no repetition, and nothing of the whole is counted.
    for other in [data("r1", sim, 101), NewUsage { at: Some(NOW.plus_seconds(-1)), ..report }] {
        let refused = usage.post(&owner, &[data("r3", sim, 7), other]).await;
        assert!(matches!(refused, Err(Error::Exists { what: "usage record", .. })));
    }
    assert_eq!(usage.standing(&owner, &sim).await.unwrap().counters.used.data_bytes, 101);
    // Names are a tenant's own.
    let foreign = shop.sell("B", 2, "M").await;
    assert_eq!(usage.post(&tenant("B"), &[data("r1", foreign, 3)]).await.unwrap(), [Counted::Now]);
}

#[tokio::test]
async fn shares_are_told_of_once_for_each_allowance() {
    let shop = Shop::new().await;
    let (usage, owner) = (usage(&shop), tenant("A"));
    shop.plan("M", |plan| (plan.data_bytes, plan.messages) = (Some(1000), Some(10))).await;
    let sim = shop.sell("A", 1, "M").await;
    for (id, octets) in [("1", 749), ("2", 1), ("3", 1), ("4", 149), ("5", 99), ("6", 1), ("7", 5000)] {
        usage.post(&owner, &[data(id, sim, octets)]).await.unwrap();
    }
    assert_eq!(said(&shop, sim).await, ["data-75", "data-90", "data-100"]);
    let standing = usage.top_up(&owner, &top_up("t1", sim, 10_000, 0)).await.unwrap();
    assert_eq!((standing.allowance.data_bytes, standing.data_used_up), (Some(11_000), false));
    assert_eq!(standing.allowance.voice_seconds, None);
    let messages = Amounts { messages: 9, voice_seconds: 1 << 40, ..Amounts::default() };
    usage.post(&owner, &[NewUsage { used: messages, ..data("8", sim, 0) }]).await.unwrap();
    usage.post(&owner, &[data("9", sim, 5000)]).await.unwrap();
    let all = said(&shop, sim).await;
    assert_eq!(all[3..], ["top-up", "messages-75", "messages-90", "data-75", "data-90", "data-100"]);
    assert!(usage.standing(&owner, &sim).await.unwrap().data_used_up);
}

#[tokio::test]
async fn counters_stay_at_the_largest_number() {
    let shop = Shop::new().await;
    let (usage, owner) = (usage(&shop), tenant("A"));
    shop.plan("M", |plan| plan.data_bytes = Some(i64::MAX)).await;
    let sim = shop.sell("A", 1, "M").await;
    for id in ["1", "2"] {
        usage.post(&owner, &[data(id, sim, i64::MAX)]).await.unwrap();
        usage.top_up(&owner, &top_up(id, sim, i64::MAX, 0)).await.unwrap();
    }
    let standing = usage.standing(&owner, &sim).await.unwrap();
    assert_eq!((standing.counters.used.data_bytes, standing.allowance.data_bytes), (i64::MAX, Some(i64::MAX)));
    assert_eq!(said(&shop, sim).await[..3], ["data-75", "data-90", "data-100"]);
}

#[tokio::test]
async fn a_top_up_counts_once_and_has_limits() {
    let shop = Shop::new().await;
    let (usage, owner) = (usage(&shop), tenant("A"));
    shop.plan("M", |plan| (plan.data_bytes, plan.validity_days) = (Some(1000), Some(30))).await;
    let sim = shop.sell("A", 1, "M").await;
    for _ in 0..2 {
        let standing = usage.top_up(&owner, &top_up("t", sim, 500, 10)).await.unwrap();
        assert_eq!((standing.allowance.data_bytes, standing.counters.added_days), (Some(1500), 10));
        assert_eq!(standing.top_ups.len(), 1);
    }
    let refused = usage.top_up(&owner, &top_up("t", sim, 501, 10)).await;
    assert!(matches!(refused, Err(Error::Exists { what: "top-up", .. })));
    for (field, wrong) in [
        ("top_up", top_up("u", sim, 0, 0)),
        ("data_bytes", top_up("u", sim, -1, 0)),
        ("days", top_up("u", sim, 0, -1)),
        ("days", top_up("u", sim, 0, i64::MAX)),
        ("days", top_up("u", sim, 0, 36_500)),
        ("id", top_up("", sim, 1, 0)),
        ("id", top_up("a b", sim, 1, 0)),
        ("id", top_up(&"x".repeat(65), sim, 1, 0)),
    ] {
        let refused = usage.top_up(&owner, &wrong).await;
        assert!(matches!(refused, Err(Error::Invalid { field: named, .. }) if named == field), "{wrong:?}");
    }
}

#[tokio::test]
async fn the_validity_begins_with_the_installation_and_its_end_is_told_of() {
    let shop = Shop::new().await;
    let (usage, owner) = (usage(&shop), tenant("A"));
    shop.plan("M", |plan| plan.validity_days = Some(30)).await;
    let (sim, other) = (shop.sell("A", 1, "M").await, shop.sell("A", 2, "M").await);
    assert_eq!(usage.standing(&owner, &sim).await.unwrap().counters.expires_at, None);
    shop.clock.forward(100);
    install(&shop, sim).await;
    let standing = usage.standing(&owner, &sim).await.unwrap();
    assert_eq!(standing.counters.valid_from, Some(NOW.plus_seconds(100)));
    assert_eq!(standing.counters.expires_at, Some(NOW.plus_seconds(100 + 30 * DAY)));
    shop.clock.forward(27 * DAY - 1);
    assert_eq!(usage.sweep().await.unwrap(), 0);
    shop.clock.forward(1);
    assert_eq!((usage.sweep().await.unwrap(), usage.sweep().await.unwrap()), (1, 0));
    shop.clock.forward(2 * DAY);
    assert_eq!(usage.sweep().await.unwrap(), 1);
    assert_eq!(said(&shop, sim).await, ["validity-3", "validity-1"]);
    usage.top_up(&owner, &top_up("t", sim, 0, 7)).await.unwrap();
    shop.clock.forward(DAY);
    assert_eq!(usage.sweep().await.unwrap(), 0);
    // Nobody looked for long: what is true by now is said, and nothing else.
    shop.clock.forward(30 * DAY);
    assert_eq!((usage.sweep().await.unwrap(), usage.sweep().await.unwrap()), (1, 0));
    assert_eq!(said(&shop, sim).await, ["validity-3", "validity-1", "top-up", "validity-0"]);
    assert!(usage.standing(&owner, &sim).await.unwrap().expired);
    // Days that are bought afterwards begin now.
    let standing = usage.top_up(&owner, &top_up("t2", sim, 0, 2)).await.unwrap();
    assert_eq!(standing.counters.expires_at, Some(shop.clock().now().plus_seconds(2 * DAY)));
    assert!(!standing.expired);
    shop.clock.forward(DAY);
    assert_eq!(usage.sweep().await.unwrap(), 1);
    assert_eq!(said(&shop, sim).await.last().map(String::as_str), Some("validity-1"));
    // One whose installation nobody saw begins with its first report.
    let report = NewUsage { at: Some(NOW.plus_seconds(DAY)), ..data("r", other, 1) };
    usage.post(&owner, &[report]).await.unwrap();
    let standing = usage.standing(&owner, &other).await.unwrap();
    assert_eq!(standing.counters.expires_at, Some(NOW.plus_seconds(31 * DAY)));
}

#[tokio::test]
async fn what_no_report_says_is_refused() {
    let shop = Shop::new().await;
    let (usage, owner) = (usage(&shop), tenant("A"));
    shop.plan("M", |_| {}).await;
    let sim = shop.sell("A", 1, "M").await;
    for (field, wrong) in [
        ("data_bytes", data("a", sim, -1)),
        ("data_bytes", data("a", sim, i64::MIN)),
        ("at", NewUsage { at: Some(NOW.plus_seconds(2 * DAY)), ..data("a", sim, 1) }),
        ("at", NewUsage { at: Some(rsp_asn1::Timestamp(-1)), ..data("a", sim, 1) }),
        ("at", NewUsage { at: Some(rsp_asn1::Timestamp(i64::MAX)), ..data("a", sim, 1) }),
        ("id", data("a\n", sim, 1)),
        ("data_bytes", data("a", sim, 0)),
    ] {
        let refused = usage.post(&owner, &[wrong]).await;
        assert!(matches!(refused, Err(Error::Invalid { field: named, .. }) if named == field), "{field}");
    }
    let many: Vec<_> = (0..=MOST_RECORDS).map(|number| data(&number.to_string(), sim, 1)).collect();
    assert!(matches!(usage.post(&owner, &many).await, Err(Error::Invalid { field: "records", .. })));
    assert_eq!(usage.post(&owner, &many[1..]).await.unwrap().len(), MOST_RECORDS);
}

#[tokio::test]
async fn another_tenant_neither_counts_nor_sees() {
    let shop = Shop::new().await;
    let usage = usage(&shop);
    shop.plan("M", |_| {}).await;
    let sim = shop.sell("A", 1, "M").await;
    let other = tenant("B");
    for sim in [sim, iccid(99)] {
        for answer in [
            usage.post(&other, &[data("a", sim, 1)]).await.err(),
            usage.top_up(&other, &top_up("a", sim, 1, 1)).await.err(),
            usage.standing(&other, &sim).await.err(),
        ] {
            assert_eq!(answer.unwrap().to_string(), format!("there is no eSIM \"{sim}\""));
        }
    }
    let reader = Actor::new(Some("A".to_owned()), "reader", Rights::of([Right::Read]));
    assert!(usage.standing(&reader, &sim).await.is_ok());
    assert!(matches!(usage.post(&reader, &[data("a", sim, 1)]).await, Err(Error::Forbidden(Right::Provision))));
    assert!(matches!(usage.top_up(&reader, &top_up("a", sim, 1, 1)).await, Err(Error::Forbidden(Right::Provision))));
    let root = Actor::new(None, "root", Rights::ALL);
    assert_eq!(usage.post(&root, &[data("a", sim, 1)]).await.unwrap(), [Counted::Now]);
}

//! Notifications: in order for each server, kept until accepted, never lost.

use rsp_asn1::NotificationEvent;
use rsp_es::es9plus::{Function, HandleNotificationRequest, Request as _};
use rsp_lpa::{Blame, Cause, Delivery, Lpa, Options};

use crate::card::other_notification;
use crate::server::Fault;
use crate::{World, block_on};

fn process(world: &mut World) -> Delivery {
    let servers = world.servers();
    let mut lpa = Lpa::open(&mut world.card, &mut world.events, &Options::default()).unwrap();
    block_on(lpa.process_notifications(&servers)).unwrap()
}

/// Address and number of every notification that a server was given.
fn delivered(world: &World) -> Vec<(String, u64)> {
    let calls = world.server.calls.lock().unwrap();
    let handled = calls.iter().filter(|(function, _, _)| *function == Function::HandleNotification);
    handled
        .map(|(_, url, body)| {
            let request = HandleNotificationRequest::from_json(body).unwrap();
            let host = url.trim_start_matches("https://").split('/').next().unwrap().to_owned();
            (host, request.pending_notification.value().metadata().seq_number)
        })
        .collect()
}

fn waiting(world: &World) -> Vec<u64> {
    world.card.notifications.iter().map(|notification| notification.metadata().seq_number).collect()
}

fn world_with(notifications: &[(u64, &str)]) -> World {
    let mut world = World::new();
    world.card.notifications = notifications
        .iter()
        .map(|(seq, address)| other_notification(*seq, NotificationEvent::ENABLE, address))
        .collect();
    world
}

fn to(host: &str, numbers: &[u64]) -> Vec<(String, u64)> {
    numbers.iter().map(|number| (host.to_owned(), *number)).collect()
}

#[test]
fn sends_each_servers_in_order_and_removes_what_was_accepted() {
    // Listed out of order; a card may do that.
    let mut world =
        world_with(&[(9, "b.example"), (0, "a.example"), (4, "b.example"), (2, "A.example"), (300, "a.example")]);
    let delivery = process(&mut world);
    assert_eq!(delivered(&world), [to("a.example", &[0, 2, 300]), to("b.example", &[4, 9])].concat());
    let sent: Vec<u64> = delivery.sent.iter().map(|notification| notification.seq_number).collect();
    assert_eq!(sent, [0, 2, 4, 9, 300]);
    assert!(delivery.kept.is_empty() && waiting(&world).is_empty());
}

#[test]
fn a_server_that_refuses_keeps_its_own_and_stops_nobody_else() {
    let mut world = world_with(&[(1, "a.example"), (2, "b.example"), (3, "a.example")]);
    world.server.script.lock().unwrap().refusing = vec!["a.example"];
    let delivery = process(&mut world);
    assert_eq!(delivered(&world), [to("a.example", &[1]), to("b.example", &[2])].concat());
    assert_eq!(waiting(&world), [1, 3]);
    let kept: Vec<(u64, bool)> =
        delivery.kept.iter().map(|(metadata, reason)| (metadata.seq_number, reason.is_some())).collect();
    assert_eq!(kept, [(1, true), (3, false)]);
    assert_eq!(delivery.kept[0].1.as_ref().unwrap().blame(), Blame::Server);

    // Later, when it accepts, all arrive, still in order.
    world.server.script.lock().unwrap().refusing.clear();
    process(&mut world);
    assert_eq!(delivered(&world)[2..], to("a.example", &[1, 3]));
    assert!(waiting(&world).is_empty());
}

#[test]
fn an_unreachable_server_and_a_bad_address_lose_nothing() {
    let mut world = world_with(&[(1, "a.example"), (2, "not an address"), (3, "a.example"), (4, "")]);
    world.server.script.lock().unwrap().faults = [(Function::HandleNotification, Fault::Down)].into();
    let delivery = process(&mut world);
    assert_eq!(waiting(&world), [1, 2, 3, 4]);
    assert_eq!(delivery.kept.len(), 4);
    assert_eq!(process(&mut world).sent.len(), 2);
    assert_eq!(waiting(&world), [2, 4]);
}

#[test]
fn a_server_that_speaks_no_tls_is_told_the_same_way_wherever_it_is_met() {
    let mut world = World::new();
    world.server.script.lock().unwrap().faults = [(Function::InitiateAuthentication, Fault::NoTls)].into();
    let met_in_a_download = world.download().unwrap_err().remedy();
    assert!(met_in_a_download.contains("the option for plain HTTP"), "{met_in_a_download}");

    let mut world = world_with(&[(1, "a.example")]);
    world.server.script.lock().unwrap().faults = [(Function::HandleNotification, Fault::NoTls)].into();
    assert_eq!(process(&mut world).kept[0].1.as_ref().unwrap().remedy(), met_in_a_download);
}

#[test]
fn a_notification_for_no_server_stays_and_says_why() {
    let addresses = ["a/b", "a$b", "user@a", "a\u{1B}[2Jb\u{202E}", "a:99999"];
    for address in addresses {
        let mut world = world_with(&[(1, address), (2, "a.example")]);
        let delivery = process(&mut world);
        assert_eq!((delivery.sent.len(), waiting(&world)), (1, vec![1]), "{address:?}");
        let error = delivery.kept[0].1.as_ref().expect("a reason");
        assert!(matches!(*error.cause, Cause::UndeliverableNotification(_)), "{error}");
        assert!(error.remedy().contains("stays on the eUICC"));
        let text = error.to_string();
        assert!(text.contains("is not the address of a server"), "{text}");
        assert!(!text.contains(['\u{1B}', '\u{202E}']), "{text:?}");
    }
}

#[test]
fn what_is_sent_is_what_the_euicc_signed() {
    let mut world = world_with(&[(5, "a.example")]);
    let signed = rsp_asn1::encode(&world.card.notifications[0]).unwrap();
    process(&mut world);
    let body = &world.server.bodies(Function::HandleNotification)[0];
    assert_eq!(HandleNotificationRequest::from_json(body).unwrap().pending_notification.bytes(), signed);
}

#[test]
fn the_result_of_a_download_is_among_them() {
    let mut world = World::new();
    let installed = world.download().unwrap();
    assert_eq!(waiting(&world), [installed.seq_number]);
    process(&mut world);
    assert_eq!(delivered(&world), to("smdp.example.com", &[7]));
}

#[test]
fn removes_one_by_its_number() {
    let mut world = world_with(&[(0, "a.example"), (1, "a.example")]);
    let mut lpa = Lpa::open(&mut world.card, &mut world.events, &Options::default()).unwrap();
    assert!(lpa.remove_notification(0).unwrap());
    assert!(!lpa.remove_notification(0).unwrap());
    assert_eq!(lpa.list_notifications().unwrap().len(), 1);
}

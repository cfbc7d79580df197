//! ES10b.ListNotification, and which notifications there are (SGP.22 3.5, 5.7.9; SGP.23 4.2.14).

use crate::load::setup;
use crate::server::Order;
use crate::terminal::Terminal;
use rsp_asn1::{
    NotificationConfigurationInformation, NotificationEvent, OtherSignedNotification, ProfileClass, decode, tlv,
};
use rsp_crypto::{Signature, rust_crypto};
use rsp_pki::{Certificate, TrustStore, Validation, validate_euicc};

const INSTALL: usize = NotificationEvent::INSTALL;

const ENABLE: usize = NotificationEvent::ENABLE;

const DISABLE: usize = NotificationEvent::DISABLE;

const DELETE: usize = NotificationEvent::DELETE;

/// Number, event and last digits of the ICCID of each.
fn list(terminal: &mut Terminal) -> Vec<(u64, usize, String)> {
    let notifications = terminal.notifications();
    let entry = |n: &rsp_asn1::NotificationMetadata| {
        let event = n.profile_management_operation.bits().next().unwrap();
        (n.seq_number, event, n.iccid.unwrap().to_string()[18..].to_owned())
    };
    notifications.iter().map(entry).collect()
}

#[test]
fn each_event_is_reported_as_configured() {
    let (world, mut server, mut terminal) = setup();
    let all = [INSTALL, ENABLE, DISABLE, DELETE];
    let (one, two) = (Order::number(1).notify(&all), Order::number(2).notify(&[ENABLE, ENABLE]));
    terminal.install(&mut server, &one);
    terminal.install(&mut server, &two);
    terminal.enable(one.iccid());
    terminal.enable(two.iccid());
    terminal.disable(two.iccid());
    terminal.delete(one.iccid());
    let expected: Vec<(u64, usize, String)> = [
        (1, INSTALL, "1"), // the ProfileInstallationResult
        (2, INSTALL, "1"),
        (3, INSTALL, "2"),
        (4, ENABLE, "1"),
        (5, DISABLE, "1"), // before what takes its place
        (6, ENABLE, "2"),
        (7, ENABLE, "2"),
        (8, DELETE, "1"),
    ]
    .iter()
    .map(|(number, event, iccid)| (*number, *event, (*iccid).to_owned()))
    .collect();
    assert_eq!(list(&mut terminal), expected);

    let answer = hex::decode(terminal.hex("BF2B05A003800105").unwrap()).unwrap();
    let (whole, _) = tlv::first(&answer).unwrap();
    let list = whole.children().next().unwrap().unwrap();
    let notification: OtherSignedNotification = decode(list.value()).unwrap();
    let identity = validate_euicc(
        &Validation { provider: rust_crypto(), now: None, crls: &[], crl_max_age: None },
        &Certificate::from_raw(notification.euicc_certificate.clone()),
        &Certificate::from_raw(notification.eum_certificate.clone()),
        &TrustStore::new(vec![world.ci.certificate.clone()]),
    )
    .unwrap();
    let signature = Signature::from_slice(&notification.euicc_notification_signature.0).unwrap();
    let signed = &notification.tbs_other_notification;
    rust_crypto().verify(identity.public_key(), signed.bytes(), &signature).unwrap();
    assert_eq!(signed.value().notification_address, "event2.example.com");
}

#[test]
fn a_test_profile_reports_its_installation_only() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1).class(ProfileClass::TEST).notify(&[INSTALL, ENABLE, DISABLE, DELETE]);
    terminal.install(&mut server, &order);
    terminal.enable(order.iccid());
    terminal.disable(order.iccid());
    terminal.delete(order.iccid());
    assert_eq!(list(&mut terminal), [(1, INSTALL, "1".to_owned())]);
}

#[test]
fn refused_operations_report_nothing() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1).notify(&[ENABLE, DISABLE, DELETE]).rules(&[rsp_asn1::PprIds::PPR2]);
    terminal.install(&mut server, &order);
    terminal.disable(order.iccid());
    terminal.delete(order.iccid());
    assert_eq!(terminal.notifications().len(), 1);
}

#[test]
fn numbers_grow_through_everything() {
    let (_, mut server, mut terminal) = setup();
    terminal.install(&mut server, &Order::number(1).notify(&[DELETE]));
    terminal.hex("BF3003800101").unwrap();
    terminal.power_cycle();
    terminal.hex("BF3404820205E0").unwrap();
    assert_eq!(list(&mut terminal), [(2, DELETE, "1".to_owned())], "a memory reset reports deletions");
    terminal.install(&mut server, &Order::number(2));
    assert_eq!(list(&mut terminal).last().unwrap().0, 3);
}

#[test]
fn a_failed_installation_is_reported_too_and_a_deleted_profiles_reports_stay() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1);
    terminal.install(&mut server, &order);
    terminal.refuse(&mut server, &order);
    terminal.delete(order.iccid());
    assert_eq!(list(&mut terminal), [(1, INSTALL, "1".to_owned()), (2, INSTALL, "1".to_owned())]);
}

#[test]
fn a_full_list_drops_the_oldest() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1).notify(&[ENABLE]);
    terminal.install(&mut server, &order);
    for _ in 0..64 {
        terminal.enable(order.iccid());
        terminal.disable(order.iccid());
    }
    let numbers: Vec<u64> = terminal.notifications().iter().map(|n| n.seq_number).collect();
    assert_eq!(numbers, (2..=65).collect::<Vec<u64>>());
}

#[test]
fn an_entry_for_several_events_and_several_entries_for_one_report_one_bit_each() {
    let (_, mut server, mut terminal) = setup();
    let order = Order::number(1).with(|metadata| {
        let entry = |events: &[usize], address: &str| NotificationConfigurationInformation {
            profile_management_operation: NotificationEvent::from_bits(events),
            notification_address: address.to_owned(),
            unknown: rsp_asn1::Unknown::default(),
        };
        let entries = vec![entry(&[ENABLE, DISABLE, DELETE], "one.example.com"), entry(&[ENABLE], "two.example.com")];
        metadata.notification_configuration_info = Some(entries);
    });
    terminal.install(&mut server, &order);
    terminal.enable(order.iccid());
    terminal.disable(order.iccid());
    terminal.delete(order.iccid());
    let reported: Vec<(Vec<usize>, String)> = terminal
        .notifications()
        .into_iter()
        .map(|n| (n.profile_management_operation.bits().collect(), n.notification_address))
        .collect();
    let entry = |event: usize, address: &str| (vec![event], address.to_owned());
    let expected = [
        entry(INSTALL, crate::server::ADDRESS),
        entry(ENABLE, "one.example.com"),
        entry(ENABLE, "two.example.com"),
        entry(DISABLE, "one.example.com"),
        entry(DELETE, "one.example.com"),
    ];
    assert_eq!(reported, expected);
}

#[test]
fn filters_by_event_and_refuses_what_is_no_filter() {
    let (_, mut server, mut terminal) = setup();
    terminal.install(&mut server, &Order::number(1));
    assert_eq!(terminal.hex("BF280481020780").unwrap().matches("BF2F").count(), 1, "install");
    assert_eq!(terminal.hex("BF280481020470").unwrap(), "BF2802A000", "everything but install");
    assert_eq!(terminal.hex("BF2804810200 0F".replace(' ', "").as_str()).unwrap(), "BF2802A000", "events of version 3");
    for request in ["BF28028100", "BF2804810209FF", "BF280181"] {
        assert_eq!(terminal.hex(request).unwrap_err().0, 0x6A80, "{request}");
    }
}

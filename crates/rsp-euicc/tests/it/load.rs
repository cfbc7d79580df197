//! ES10b.LoadBoundProfilePackage and ES8+ inside it (SGP.22 2.5, 5.5, 5.7.6): success in both protection modes on both
//! curves, and each failure with its command and reason.

use crate::server::{Order, Server, World};
use crate::terminal::Terminal;
use rsp_asn1::{BppCommandId, ErrorReason, FinalResult, ProfileInstallationResult, decode, tlv};

pub(crate) fn setup() -> (World, Server, Terminal) {
    let mut world = World::p256();
    let server = world.server();
    let terminal = Terminal::new(world.euicc(1));
    (world, server, terminal)
}

/// Command and reason of a download that must fail and leave nothing behind but its result.
pub(crate) fn refusal(order: &Order) -> (BppCommandId, ErrorReason) {
    let (_, mut server, mut terminal) = setup();
    let error = terminal.refuse(&mut server, order);
    assert!(terminal.profiles().is_empty());
    assert_eq!(terminal.notifications().len(), 1, "the result");
    (error.bpp_command_id, error.error_reason)
}

pub(crate) fn terminal_success(terminal: &mut Terminal) -> FinalResult {
    let number = terminal.notifications()[0].seq_number;
    let answer = terminal.hex(&format!("BF2B05A0038001{number:02X}")).unwrap();
    let answer = hex::decode(answer).unwrap();
    let (whole, _) = tlv::first(&answer).unwrap();
    let list = whole.children().next().unwrap().unwrap();
    decode::<ProfileInstallationResult>(list.value())
        .unwrap()
        .profile_installation_result_data
        .into_value()
        .final_result
}

//! The functions of an eUICC, one module for each group of SGP.23 4.2, and what a terminal of version 3 may ask.
//!
//! Group 4.2.2 is beside the code, in `src/isdr/update_metadata`: an APDU reaches it in a secured packet only.

mod g4_2_01_isdr_selection;
mod g4_2_03_initialise_secure_channel;
mod g4_2_04_configure_isdp;
mod g4_2_05_store_metadata;
mod g4_2_06_replace_session_keys;
mod g4_2_07_load_profile_elements;
mod g4_2_08_get_euicc_configured_addresses;
mod g4_2_09_set_default_dp_address;
mod g4_2_10_prepare_download;
mod g4_2_11_load_bound_profile_package;
mod g4_2_12_get_euicc_challenge;
mod g4_2_13_get_euicc_info;
mod g4_2_14_list_notification;
mod g4_2_15_retrieve_notifications_list;
mod g4_2_16_remove_notification_from_list;
pub(crate) mod g4_2_17_load_crl;
mod g4_2_18_authenticate_server;
mod g4_2_19_cancel_session;
mod g4_2_20_get_profiles_info;
mod g4_2_21_enable_profile;
mod g4_2_22_disable_profile;
mod g4_2_23_delete_profile;
mod g4_2_24_euicc_memory_reset;
mod g4_2_25_get_eid;
mod g4_2_26_set_nickname;
mod g4_2_27_get_rat;
mod version3;

pub(crate) use g4_2_27_get_rat::{table, with_table};

use rsp_apdu::{CardAccess, store_data};
use rsp_asn1::Iccid;

use crate::server::{Order, Server};
use crate::terminal::Terminal;

const OK: u8 = 0;
const NOT_FOUND: u8 = 1;
const WRONG_STATE: u8 = 2;
const DISALLOWED_BY_POLICY: u8 = 3;
const WRONG_PROFILE_REENABLING: u8 = 4;

/// The enabled profile's number.
pub(crate) fn enabled(terminal: &mut Terminal) -> Vec<String> {
    let profiles = terminal.profiles();
    let enabled = profiles.iter().filter(|profile| profile.profile_state.is_some_and(|state| state.0 == 1));
    enabled.map(|profile| profile.iccid.unwrap().to_string()).collect()
}

fn install(terminal: &mut Terminal, server: &mut Server, orders: &[Order]) {
    for order in orders {
        terminal.install(server, order);
    }
}

/// One APDU: data and status word of the whole answer.
pub(crate) fn send(terminal: &mut Terminal, command: &str) -> String {
    let command = hex::decode(command.replace(' ', "")).unwrap();
    hex::encode_upper(terminal.access.transmit(&command).unwrap().to_bytes())
}

/// One ES10 request of a block, with the status word of its answer.
pub(crate) fn store(terminal: &mut Terminal, request: &str) -> String {
    let request = hex::decode(request.replace(' ', "")).unwrap();
    let command = &store_data::commands(terminal.channel, &request, 255).unwrap()[0];
    hex::encode_upper(terminal.access.transmit(command).unwrap().to_bytes())
}

/// The request of EnableProfile (31) or DisableProfile (32).
pub(crate) fn request(tag: u8, iccid: Iccid, refresh: bool) -> String {
    let flag = if refresh { "FF" } else { "00" };
    format!("BF{tag:02X}11A00C5A0A{}8101{flag}", hex::encode_upper(iccid.0))
}

/// TERMINAL PROFILE of a terminal that does REFRESH, and knows eUICC Profile State Change or not.
pub(crate) fn show_refresh(terminal: &mut Terminal, state_change: bool) {
    let mut profile = [0; 34];
    profile[2] = 0x80;
    profile[33] = if state_change { 0x20 } else { 0xDF };
    assert_eq!(send(terminal, &format!("8010000022{}", hex::encode(profile))), "9000");
}

/// TERMINAL RESPONSE to the REFRESH of this number and mode, with this general result.
pub(crate) fn respond(terminal: &mut Terminal, number: u8, mode: u8, result: &str) -> String {
    send(terminal, &format!("801400000C 8103{number:02X}01{mode:02X} 82028281 8301{result}"))
}

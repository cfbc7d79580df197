//! Commands to the operator's security domain: of remote application management those that a card without a runtime for
//! applications has, and ES6.UpdateMetadata (ETSI TS 102 226 8, GlobalPlatform 11, SGP.22 5.4.1).
//!
//! Nothing can be loaded, installed or deleted, and no key replaced: INSTALL names the ISD-P alone, whose metadata
//! STORE DATA then brings; GET STATUS lists what there is.

use rsp_apdu::{Command, Response, StatusWord};
use rsp_asn1::tlv;

use super::script;
use crate::isdr::update_metadata;
use crate::platform::Platform;
use crate::registry::Registry;

/// Stands for the ISD-P that the security domain lies in, whichever it is (SGP.22 5.4.1).
const OWN_ISDP: [u8; 16] =
    [0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x0F, 0x00];
/// INSTALL [for personalization].
const FOR_PERSONALIZATION: u8 = 0x20;
/// STORE DATA: the last block.
const LAST_BLOCK: u8 = 0x80;
/// Bytes that STORE DATA may bring: metadata with an icon.
const MAX_DATA: usize = 4096;

/// A security domain while a script runs.
#[derive(Default)]
pub(super) struct ContentManagement {
    /// The ISD-P that STORE DATA is for.
    personalised: Option<[u8; 16]>,
    /// Number of the next block, and what came in those before.
    next_block: u8,
    data: Vec<u8>,
}

impl ContentManagement {
    /// Carries out one command.
    pub(super) fn execute(&mut self, platform: &mut Platform, command: &Command) -> Response {
        if !script::is_on_no_channel(command.class) {
            return StatusWord::CHANNEL_NOT_SUPPORTED.into();
        }
        match (command.class.proprietary, command.ins) {
            (true, 0xE6) => self.install(platform, command),
            (true, 0xE2) => self.store_data(platform, command),
            (true, 0xF2) => get_status(platform, command),
            (false, 0xE6 | 0xE2 | 0xF2) => StatusWord::CLASS_NOT_SUPPORTED.into(),
            _ => StatusWord::INSTRUCTION_NOT_SUPPORTED.into(),
        }
    }

    /// INSTALL [for personalization] of the own ISD-P; everything else that INSTALL can do needs a runtime.
    fn install(&mut self, platform: &Platform, command: &Command) -> Response {
        self.personalised = None;
        if (command.p1, command.p2) != (FOR_PERSONALIZATION, 0x00) {
            return StatusWord::WRONG_DATA.into();
        }
        let Some(own) = platform.state.enabled_profile().map(|slot| slot.isdp_aid) else {
            return StatusWord::CONDITIONS_NOT_SATISFIED.into();
        };
        // Load file, module, application, privileges, parameters, token: each behind its length.
        let Some((aid, [0, 0, 0])) = command.data.strip_prefix(&[0, 0, 16]).and_then(|rest| rest.split_first_chunk())
        else {
            return StatusWord::WRONG_DATA.into();
        };
        if *aid != own && *aid != OWN_ISDP {
            return StatusWord::REFERENCED_DATA_NOT_FOUND.into();
        }
        self.personalised = Some(own);
        self.next_block = 0;
        self.data.clear();
        // Of a confirmation, which there is none.
        Response::ok(vec![0x00])
    }

    /// STORE DATA: with the last block, the request goes to the ISD-P.
    fn store_data(&mut self, platform: &mut Platform, command: &Command) -> Response {
        let Some(isdp) = self.personalised else { return StatusWord::CONDITIONS_NOT_SATISFIED.into() };
        if command.p2 != self.next_block || self.data.len() + command.data.len() > MAX_DATA {
            self.personalised = None;
            return StatusWord::WRONG_P1_P2.into();
        }
        self.data.extend(&command.data);
        self.next_block = self.next_block.wrapping_add(1);
        if command.p1 & LAST_BLOCK == 0 {
            return StatusWord::OK.into();
        }
        self.personalised = None;
        let request = std::mem::take(&mut self.data);
        match update_metadata(platform, &isdp, &request) {
            Ok(answer) => Response::ok(answer),
            Err(sw) => sw.into(),
        }
    }
}

/// GET STATUS with the answer in TLVs: the operator's security domain, applications with further security domains, or
/// load files (GlobalPlatform 11.4). The search criterion is the beginning of an AID.
fn get_status(platform: &Platform, command: &Command) -> Response {
    let Some(slot) = platform.state.enabled_profile() else { return StatusWord::CONDITIONS_NOT_SATISFIED.into() };
    if command.p2 != 0x02 {
        return StatusWord::WRONG_P1_P2.into();
    }
    let wanted = match tlv::first(&command.data) {
        Ok((criterion, _)) if criterion.tag() == [0x4F] => criterion.value(),
        _ => return StatusWord::WRONG_DATA.into(),
    };
    let Some(entries) = entries(slot.contents.registry(), command.p1) else { return StatusWord::WRONG_P1_P2.into() };
    let mut answer = Vec::new();
    for (aid, life_cycle, privileges) in entries.into_iter().filter(|(aid, ..)| aid.starts_with(wanted)) {
        let mut entry = Vec::new();
        tlv::write(&mut entry, &[0x4F], aid);
        tlv::write(&mut entry, &[0x9F, 0x70], &[life_cycle]);
        tlv::write(&mut entry, &[0xC5], privileges);
        tlv::write(&mut answer, &[0xE3], &entry);
    }
    match answer.is_empty() {
        true => StatusWord::REFERENCED_DATA_NOT_FOUND.into(),
        false => Response::ok(answer),
    }
}

/// AID, life cycle state and privileges.
type Entry<'a> = (&'a [u8], u8, &'a [u8]);

fn entries(registry: &Registry, which: u8) -> Option<Vec<Entry<'_>>> {
    let mut domains =
        registry.domains().iter().map(|domain| (&domain.aid[..], domain.life_cycle, &domain.privileges[..]));
    match which {
        0x80 => Some(domains.next().into_iter().collect()),
        0x40 => {
            let applications = registry.applications().iter();
            let applications = applications.map(|found| (&found.aid[..], found.life_cycle, &found.privileges[..]));
            Some(domains.skip(1).chain(applications).collect())
        }
        // Loaded (GlobalPlatform 11.1.1).
        0x20 => Some(registry.packages().iter().map(|package| (&package.aid[..], 0x01, &[][..])).collect()),
        _ => None,
    }
}

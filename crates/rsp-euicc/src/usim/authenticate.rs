//! AUTHENTICATE (3GPP TS 31.102 7.1, TS 31.103 7.1).

use rsp_apdu::{Command, StatusWord};

use super::aka::{self, Outcome};
use super::{Executed, Session, refused};
use crate::fs::NodeId;
use crate::interpreter::ProfileContents;

/// The terminal asks for a context that the application does not have (3GPP TS 31.102 7.3).
const CONTEXT_NOT_SUPPORTED: StatusWord = StatusWord(0x9864);
/// Service n°27, GSM access: the USIM also gives Kc.
const SERVICE_GSM_ACCESS: usize = 27;
/// Service n°38, GSM security context.
const SERVICE_GSM_SECURITY_CONTEXT: usize = 38;

impl Session {
    /// AUTHENTICATE in the 3G (or IMS) context, P2 81, and in the GSM context, P2 80.
    pub(super) fn authenticate(&mut self, contents: &mut ProfileContents, command: &Command) -> Executed {
        let Some(application) = self.application_here(contents.files()) else {
            return refused(StatusWord::CONDITIONS_NOT_SATISFIED);
        };
        if command.p1 != 0 {
            return refused(StatusWord::WRONG_P1_P2);
        }
        if !contents.user_is_verified(application) {
            return refused(StatusWord::SECURITY_STATUS);
        }
        match command.p2 {
            0x81 => umts_context(contents, application, &command.data),
            0x80 if contents.has_service(application, SERVICE_GSM_SECURITY_CONTEXT) => {
                gsm_context(contents, application, &command.data)
            }
            // GSM without its service, VGCS, HTTP digest, GBA, MBMS, local keys.
            0x80 | 0x82 | 0x84..=0x86 => refused(CONTEXT_NOT_SUPPORTED),
            _ => refused(StatusWord::WRONG_P1_P2),
        }
    }
}

fn umts_context(contents: &mut ProfileContents, application: NodeId, data: &[u8]) -> Executed {
    let with_kc = contents.has_service(application, SERVICE_GSM_ACCESS);
    let Some(aka) = contents.aka_mut(application) else { return refused(CONTEXT_NOT_SUPPORTED) };
    let (rand, autn) = match data {
        [0x10, rest @ ..] => match rest.split_first_chunk::<16>() {
            Some((rand, [length, autn @ ..])) if usize::from(*length) == aka.autn_length() => (rand, autn),
            _ => return refused(StatusWord::WRONG_LENGTH),
        },
        _ => return refused(StatusWord::WRONG_DATA),
    };
    if autn.len() != aka.autn_length() {
        return refused(StatusWord::WRONG_LENGTH);
    }
    match aka.authenticate(rand, autn) {
        Outcome::Authenticated { res, ck, ik } => {
            let mut answer = vec![0xDB];
            put(&mut answer, &res);
            put(&mut answer, &ck[..]);
            put(&mut answer, &ik[..]);
            if with_kc {
                put(&mut answer, &aka::kc(&ck, &ik));
            }
            Ok((answer, StatusWord::OK, true))
        }
        Outcome::SynchronisationFailure { auts } => {
            let mut answer = vec![0xDC];
            put(&mut answer, &auts);
            Ok((answer, StatusWord::OK, true))
        }
        Outcome::MacFailure => Err((StatusWord::INCORRECT_MAC, true)),
        Outcome::Exhausted => refused(StatusWord::CONDITIONS_NOT_SATISFIED),
    }
}

fn gsm_context(contents: &mut ProfileContents, application: NodeId, data: &[u8]) -> Executed {
    let rand = match data {
        [0x10, rand @ ..] => rand,
        _ => return refused(StatusWord::WRONG_DATA),
    };
    let Ok(rand) = <&[u8; 16]>::try_from(rand) else { return refused(StatusWord::WRONG_LENGTH) };
    let Some(aka) = contents.aka_mut(application) else { return refused(CONTEXT_NOT_SUPPORTED) };
    match aka.respond(rand) {
        Outcome::Authenticated { res, ck, ik } => {
            let (sres, kc) = aka::gsm_triplet(&res, &ck, &ik);
            let mut answer = Vec::new();
            put(&mut answer, &sres);
            put(&mut answer, &kc);
            Ok((answer, StatusWord::OK, true))
        }
        _ => refused(StatusWord::CONDITIONS_NOT_SATISFIED),
    }
}

fn put(answer: &mut Vec<u8>, value: &[u8]) {
    answer.push(value.len() as u8);
    answer.extend_from_slice(value);
}

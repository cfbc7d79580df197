//! GET IDENTITY (3GPP TS 31.102 7.5): the USIM conceals the subscriber itself.

use rsp_apdu::{Command, StatusWord};
use rsp_asn1::tlv;
use rsp_crypto::Randomness;

use super::suci::{Scheme, Supi};
use super::{Executed, Session, cut, refused};
use crate::fs::NodeId;
use crate::interpreter::ProfileContents;

/// Context in P2: SUCI.
const SUCI: u8 = 0x01;
/// Tag of the SUCI data object.
const SUCI_OBJECT: u8 = 0xA1;

/// Service n°124, subscription identifier privacy.
const SERVICE_PRIVACY: usize = 124;
/// Service n°125, SUCI calculation by the USIM.
const SERVICE_CALCULATION: usize = 125;
/// Service n°130, identities that are no IMSI.
const SERVICE_NAI: usize = 130;

const EF_IMSI: u16 = 0x6F07;
const EF_AD: u16 = 0x6FAD;
const DF_5GS: u16 = 0x5FC0;
const EF_SUPI_NAI: u16 = 0x4F09;
const EF_ROUTING_INDICATOR: u16 = 0x4F0A;
const DF_SAIP: u16 = 0x5FD0;
const EF_SUCI_CALC_INFO_USIM: u16 = 0x4F01;

/// A routing indicator that is not set up is 0 (TS 23.003 2.2B).
const NO_ROUTING: [u8; 2] = [0xF0, 0xFF];

impl Session {
    /// GET IDENTITY in the SUCI context. The key of the home network and the list of schemes come from
    /// EF_SUCI_Calc_Info_USIM, which no terminal reads (TCA profile package annex D).
    pub(super) fn get_identity(
        &self,
        contents: &ProfileContents,
        command: &Command,
        rng: &mut dyn Randomness,
    ) -> Executed {
        let Some(application) = self.application_here(contents.files()) else {
            return refused(StatusWord::CONDITIONS_NOT_SATISFIED);
        };
        if (command.p1, command.p2) != (0x00, SUCI) {
            return refused(StatusWord::WRONG_P1_P2);
        }
        if !command.data.is_empty() {
            return refused(StatusWord::WRONG_LENGTH);
        }
        let services = [SERVICE_PRIVACY, SERVICE_CALCULATION];
        if !services.into_iter().all(|service| contents.has_service(application, service)) {
            return refused(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        if !contents.user_is_verified(application) {
            return refused(StatusWord::SECURITY_STATUS);
        }
        let information = file(contents, application, DF_SAIP, EF_SUCI_CALC_INFO_USIM);
        let (Some(scheme), Some(supi)) =
            (information.and_then(Scheme::of_calculation_information), identity(contents, application))
        else {
            return refused(StatusWord::REFERENCED_DATA_NOT_FOUND);
        };
        let routing = file(contents, application, DF_5GS, EF_ROUTING_INDICATOR);
        let routing = routing.and_then(<[u8]>::first_chunk).filter(|routing| routing[0] & 0x0F != 0x0F);
        let Ok(suci) = supi.conceal(&scheme, *routing.unwrap_or(&NO_ROUTING), rng) else {
            return refused(StatusWord::REFERENCED_DATA_NOT_FOUND);
        };
        let mut answer = Vec::new();
        tlv::write(&mut answer, &[SUCI_OBJECT], &suci);
        cut(answer, command)
    }
}

/// The identity of EF_SUPI_NAI when service n°130 says so, else the IMSI.
fn identity(contents: &ProfileContents, application: NodeId) -> Option<Supi> {
    let nai = file(contents, application, DF_5GS, EF_SUPI_NAI).and_then(Supi::from_nai);
    let nai = nai.filter(|_| contents.has_service(application, SERVICE_NAI));
    nai.or_else(|| {
        let fs = contents.files();
        let body = |file_id| fs.child(application, file_id).and_then(|id| fs.ef(id)).map(|ef| &ef.body[..]);
        // Byte 4 of EF_AD: the length of the MNC, in four bits.
        let mnc_length = body(EF_AD)?.get(3)? & 0x0F;
        Supi::from_imsi(body(EF_IMSI)?, mnc_length).filter(|_| matches!(mnc_length, 2 | 3))
    })
}

/// The body of a file in a DF of the application.
fn file(contents: &ProfileContents, application: NodeId, df: u16, file_id: u16) -> Option<&[u8]> {
    let fs = contents.files();
    let file = fs.child(fs.child(application, df)?, file_id)?;
    fs.ef(file).map(|ef| &ef.body[..])
}

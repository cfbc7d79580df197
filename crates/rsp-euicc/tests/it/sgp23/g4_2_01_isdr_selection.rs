//! ATR and selection of the ISD-R (SGP.22 5.7.1; SGP.23 4.2.1).

use crate::transport::{SELECT_ISDR, card, send};
use rsp_apdu::Card;
use rsp_euicc::{ECASD_AID, ISDR_AID};

#[test]
fn the_atr_is_well_formed_and_says_euicc() {
    let atr = card().power_on();
    assert_eq!(atr.iter().skip(1).fold(0, |sum, byte| sum ^ byte), 0, "check byte");
    assert_eq!(usize::from(atr[1] & 0x0F) + 8, atr.len(), "15 historical bytes");
    assert_eq!(atr[6] & 0x02, 0x02, "eUICC indication behind T=15");
}

#[test]
fn selects_the_isdr_as_a_real_card_does() {
    let mut card = card();
    assert_eq!(send(&mut card, &format!("00{SELECT_ISDR}")), "6121");
    assert_eq!(send(&mut card, "00C0000021"), "6F1F8410A0000005591010FFFFFFFF8900000100A5049F6501FFE00582030206009000");
    assert_eq!(send(&mut card, "00C0000021"), "6985", "it was fetched");
    assert_eq!(send(&mut card, "80E2910006BF3E035C015A00"), "6115");
    assert_eq!(send(&mut card, "80C0000015").len(), 2 * (0x15 + 2), "lpac fetches with class 8X");
}

#[test]
fn needs_the_whole_aid() {
    let mut card = card();
    for aid in [&ISDR_AID[..15], &ISDR_AID[..7], &[ISDR_AID.as_slice(), &[0]].concat()[..16]] {
        let answer = card.transmit(&rsp_apdu::select(0, aid).unwrap());
        let whole = aid == ISDR_AID;
        assert_eq!(answer[0] == 0x61, whole, "{}", hex::encode_upper(aid));
    }
    for isdp in ["A0000005591010FFFFFFFF8900001000", "A0000005591010FFFFFFFF8900001100"] {
        assert_eq!(send(&mut card, &format!("00A4040010{isdp}00")), "6A82");
    }
    assert_eq!(card.transmit(&rsp_apdu::select(0, &ECASD_AID).unwrap())[0], 0x61);
    assert_eq!(send(&mut card, "80E2910003BF2E00"), "6D00", "the ECASD has no ES10");
}

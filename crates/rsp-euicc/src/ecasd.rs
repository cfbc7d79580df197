//! The ECASD: it holds the eUICC's keys and certificates for the ISD-R, and offers nothing to a terminal (SGP.22 2.4.2).

use rsp_asn1::tlv;

/// AID of the ECASD.
pub const ECASD_AID: [u8; 16] =
    [0xA0, 0x00, 0x00, 0x05, 0x59, 0x10, 0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x89, 0x00, 0x00, 0x02, 0x00];

/// The FCI that SELECT answers.
pub(crate) fn fci() -> Vec<u8> {
    let mut proprietary = Vec::new();
    tlv::write(&mut proprietary, &[0x9F, 0x65], &[0xFF]);
    let mut content = Vec::new();
    tlv::write(&mut content, &[0x84], &ECASD_AID);
    tlv::write(&mut content, &[0xA5], &proprietary);
    let mut fci = Vec::new();
    tlv::write(&mut fci, &[0x6F], &content);
    fci
}

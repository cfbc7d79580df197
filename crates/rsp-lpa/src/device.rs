//! What the device says of itself (SGP.22 4.2).

use rsp_asn1::{DeviceCapabilities, DeviceInfo, OctetString, Unknown};

/// TAC of no device: the reporting body 00 issues them for test equipment.
const TEST_TAC: &str = "00101000";

/// An IMEI that is not 15 digits with a right check digit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedImei {
    /// Not 15 digits.
    #[error("an IMEI has 15 digits")]
    Digits,
    /// The last digit is not the check digit of the others.
    #[error("the last digit of the IMEI should be {0}")]
    CheckDigit(u8),
}

/// The device information of a device with this IMEI, or of one without.
///
/// # Errors
/// [`MalformedImei`].
pub fn device_info(imei: Option<&str>) -> Result<DeviceInfo, MalformedImei> {
    let imei = imei.map(check).transpose()?;
    let tac = imei.map_or(TEST_TAC, |imei| &imei[..8]);
    Ok(DeviceInfo {
        tac: OctetString::from(telephony_bcd(tac)),
        device_capabilities: DeviceCapabilities::default(),
        imei: imei.map(|imei| OctetString::from(imei_octets(imei))),
        unknown: Unknown::default(),
    })
}

fn check(imei: &str) -> Result<&str, MalformedImei> {
    if imei.len() != 15 || !imei.bytes().all(|b| b.is_ascii_digit()) {
        return Err(MalformedImei::Digits);
    }
    let (digits, check) = imei.split_at(14);
    match rsp_asn1::Iccid::luhn_digit(digits) {
        Some(expected) if check.as_bytes() != [b'0' + expected] => Err(MalformedImei::CheckDigit(expected)),
        _ => Ok(imei),
    }
}

/// Fourteen digits nibble-swapped, then the check digit in the high nibble over an F.
fn imei_octets(imei: &str) -> Vec<u8> {
    let mut octets = telephony_bcd(&imei[..14]);
    octets.push((imei.as_bytes()[14] - b'0') << 4 | 0x0F);
    octets
}

/// Two digits a byte, the first in the low nibble (3GPP TS 29.002, TBCD-STRING).
fn telephony_bcd(digits: &str) -> Vec<u8> {
    digits.as_bytes().chunks_exact(2).map(|pair| (pair[1] - b'0') << 4 | (pair[0] - b'0')).collect()
}

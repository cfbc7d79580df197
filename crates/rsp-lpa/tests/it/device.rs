//! Device information.

use rsp_lpa::{MalformedImei, device_info};

#[test]
fn codes_tac_and_imei_in_swapped_digits() {
    let device = device_info(Some("490154203237518")).unwrap();
    assert_eq!(device.tac.as_ref(), [0x94, 0x10, 0x45, 0x02]);
    assert_eq!(device.imei.unwrap().as_ref(), [0x94, 0x10, 0x45, 0x02, 0x23, 0x73, 0x15, 0x8F]);
    assert_eq!(device_info(None).unwrap().imei, None);
}

#[test]
fn refuses_what_is_no_imei() {
    assert_eq!(device_info(Some("490154203237517")), Err(MalformedImei::CheckDigit(8)));
    for imei in ["", "49015420323751", "4901542032375188", "49015420323751X"] {
        assert_eq!(device_info(Some(imei)), Err(MalformedImei::Digits), "{imei}");
    }
}

//! ES8+.ConfigureISDP (SGP.22 5.5.2; SGP.23 4.2.4).

use crate::load::{refusal, setup};
use crate::server::Order;
use rsp_asn1::{BppCommandId, ErrorReason, tlv};

#[test]
fn configure_isdp_incorrect_input_values() {
    let mut long = vec![0xBF, 0x24, 0x81, 0x82, 0xB8, 0x7F, 0x80, 0x03, 0x88, 0x37, 0x0A, 0x81, 0x78];
    long.extend([0; 0x78]);
    long[3] = u8::try_from(long.len() - 4).unwrap();
    assert_eq!(long[5], u8::try_from(long.len() - 6).unwrap());
    let order = Order { configuration: long, ..Order::number(1) };
    assert_eq!(refusal(&order), (BppCommandId::CONFIGURE_ISDP, ErrorReason::INCORRECT_INPUT_VALUES));
    for bad in ["BF2500", "BF240100", "BF2400BF2400", "80"] {
        let order = Order { configuration: hex::decode(bad).unwrap(), ..Order::number(1) };
        let expected = if bad == "BF240100" { None } else { Some(ErrorReason::INCORRECT_INPUT_VALUES) };
        let (command, reason) = refusal(&order);
        assert_eq!(command, BppCommandId::CONFIGURE_ISDP, "{bad}");
        assert_eq!(reason, expected.unwrap_or(ErrorReason::INCORRECT_INPUT_VALUES), "{bad}");
    }
}

#[test]
fn configure_isdp_keeps_proprietary_data_up_to_its_limit() {
    // An object identifier, and whatever else, 128 bytes with tag and length.
    let mut value = vec![0x80, 0x03, 0x88, 0x37, 0x0A];
    tlv::write(&mut value, &[0x81], &[0x5A; 119]);
    let mut data = Vec::new();
    tlv::write(&mut data, &[0xB8], &value);
    assert_eq!(data.len(), 128);
    let mut longest = Vec::new();
    tlv::write(&mut longest, &[0xBF, 0x24], &data);
    for configuration in [vec![0xBF, 0x24, 0x00], longest] {
        let (_, mut server, mut terminal) = setup();
        let order = Order { configuration: configuration.clone(), ..Order::number(1) };
        terminal.install(&mut server, &order);
        let listed = hex::encode_upper(&configuration[configuration.len().min(4)..]);
        assert!(terminal.hex("BF2D035C01B8").unwrap().contains(&listed), "{listed}");
    }
}

//! ES10a.GetEuiccConfiguredAddresses (SGP.22 5.7.3; SGP.23 4.2.8).

use rsp_asn1::{EuiccConfiguredAddressesResponse, decode};
use rsp_crypto::rust_crypto;
use rsp_euicc::Manufacture;

use crate::server::World;
use crate::terminal::Terminal;

fn addresses(terminal: &mut Terminal) -> (Option<String>, String) {
    let answer: EuiccConfiguredAddressesResponse = decode(&terminal.es10(&[0xBF, 0x3C, 0x00]).unwrap()).unwrap();
    (answer.default_dp_address, answer.root_ds_address)
}

#[test]
fn names_the_addresses_that_it_was_made_with() {
    let mut world = World::p256();
    assert_eq!(addresses(&mut Terminal::new(world.euicc(1))), (None, "lpa.ds.gsma.com".to_owned()));
    let credential = world.credential(World::eid(2));
    let made =
        Manufacture::new(vec![credential]).default_dp_address("dp.example.com").root_ds_address("ds.example.com");
    let mut terminal = Terminal::new(made.build(rust_crypto()).unwrap());
    let factory = (Some("dp.example.com".to_owned()), "ds.example.com".to_owned());
    assert_eq!(addresses(&mut terminal), factory);
    assert_eq!(terminal.hex("BF3F028000").unwrap(), "BF3F03800100");
    assert_eq!(addresses(&mut terminal), (None, "ds.example.com".to_owned()));
    assert_eq!(terminal.hex("BF3404820205 20".replace(' ', "").as_str()).unwrap(), "BF3403800100");
    assert_eq!(addresses(&mut terminal), factory, "a memory reset goes back to the factory's");
}

#[test]
fn refuses_what_is_no_such_request() {
    let mut terminal = Terminal::new(World::p256().euicc(1));
    for request in ["BF3C0180", "BF3C02BF3C00"] {
        assert_eq!(terminal.hex(request).unwrap_err().0, 0x6A80, "{request}");
    }
}

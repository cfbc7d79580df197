//! Profile packages to sell, the same in every run.

use rsp_crypto::{Randomness, RandomnessExt as _};
use rsp_saip::Secret;
use rsp_saip::builder::{Codes, ProfileBuilder};
use rsp_testkit::SeededRandomness;

/// A profile of the test network 001/01 whose identity and keys follow from `number`.
///
/// # Errors
/// Those of building it.
pub(crate) fn build(number: u8, iccid: &str) -> anyhow::Result<Vec<u8>> {
    let mut randomness = SeededRandomness::new([b'c', number]);
    let mut code = |count| Secret::from(digits(&mut randomness, count).as_bytes());
    let codes = Codes { pin1: code(4), puk1: code(8), pin2: code(4), puk2: code(8), adm1: code(8) };
    let builder = ProfileBuilder {
        iccid: iccid.to_owned(),
        imsi: format!("0010100000000{number:02}"),
        mnc_length: 2,
        spn: "OpenRSP".to_owned(),
        profile_type: "OpenRSP conformance".to_owned(),
        msisdn: None,
        gid1: None,
        gid2: None,
        key: Secret::from(&randomness.bytes::<16>()[..]),
        opc: Secret::from(&randomness.bytes::<16>()[..]),
        codes,
        isim: false,
        pad_to: 0,
    };
    Ok(builder.build()?.to_der().to_vec())
}

fn digits(randomness: &mut dyn Randomness, count: usize) -> String {
    let mut bytes = vec![0; count];
    randomness.fill(&mut bytes);
    bytes.iter().map(|byte| char::from(b'0' + byte % 10)).collect()
}

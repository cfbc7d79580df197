//! Profile packages to sell, the same in every run.

use openrsp::subscription;
use rsp_testkit::SeededRandomness;

/// A profile of the test network 001/01 whose identity and keys follow from `number`.
///
/// # Errors
/// Those of building it.
pub(crate) fn build(number: u8, iccid: &str) -> anyhow::Result<Vec<u8>> {
    let mut randomness = SeededRandomness::new([b'c', number]);
    let imsi = format!("0010100000000{number:02}");
    let builder = subscription::builder(iccid.to_owned(), imsi, "OpenRSP conformance", &mut randomness);
    Ok(builder.build()?.to_der().to_vec())
}

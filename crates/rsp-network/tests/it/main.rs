//! Known answers of 3GPP TS 35.208 and TS 34.108, and what the network must refuse.

mod bridge;
mod known_answers;
mod refusals;
mod sidf;

/// Reads a hexadecimal member of a JSON vector as an array.
fn bytes<const N: usize>(set: &serde_json::Value, name: &str) -> [u8; N] {
    let text = set[name].as_str().unwrap_or_else(|| panic!("{name} is missing"));
    let bytes = hex::decode(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    bytes.try_into().unwrap_or_else(|_| panic!("{name} is not of {N} bytes"))
}

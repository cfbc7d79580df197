//! Known answers for the types of RSPDefinitions, and what the decoder refuses.

mod card_logs;
mod hostile;
mod numbers;
mod osmo_bpp;
mod text_bounds;
mod waigel_session;
mod wire_forms;

use rasn::{Decode, Encode};

/// Decodes `bytes` as `T` and demands that encoding gives the same bytes back.
#[track_caller]
pub(crate) fn same_bytes<T: Decode + Encode>(bytes: &[u8]) -> T {
    let value = rsp_asn1::decode::<T>(bytes).unwrap_or_else(|error| panic!("{error}: {}", hex::encode(bytes)));
    assert_eq!(hex::encode(rsp_asn1::encode(&value).unwrap()), hex::encode(bytes));
    value
}

//! The published certificates first, then hierarchies of our own.

mod published;

use rsp_asn1::Timestamp;

/// 2026-11-20T12:00:00Z, within the validity of the published sets.
const NOW: Timestamp = Timestamp(1_795_176_000);

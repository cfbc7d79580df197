//! Fixtures, foreign programs and deterministic randomness for the tests of the workspace.

mod activation_codes;
mod programs;
mod randomness;
mod standards;

pub use activation_codes::ActivationCodeFields;
pub use programs::{is_installed, program};
pub use randomness::SeededRandomness;
pub use standards::{standards, standards_dir, standards_json};

/// Test data of the concealment of subscribers, profiles A and B, by IMSI and by NAI (3GPP TS 33.501 C.4.3 and C.4.4), JSON.
pub const SUCI_TS33501_C4: &str = include_str!("../data/suci-ts33501-c4.json");

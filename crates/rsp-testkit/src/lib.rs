//! Fixtures and deterministic randomness for the tests of the workspace.

mod randomness;
mod standards;

pub use randomness::SeededRandomness;
pub use standards::{standards, standards_dir, standards_json};

//! Fixtures, deterministic randomness and clocks for the tests of the workspace.

mod standards;

pub use standards::{standards, standards_dir, standards_json};

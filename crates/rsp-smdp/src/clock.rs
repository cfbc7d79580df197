//! Time and randomness, as the caller gives them.

pub use rsp_auth::{Clock, SharedRandomness};

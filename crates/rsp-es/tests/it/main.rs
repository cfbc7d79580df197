//! Tests of rsp-es.

mod activation_code;
#[cfg(feature = "client")]
mod client;
mod fixtures;
mod json;
#[cfg(feature = "server")]
mod server;
mod status;

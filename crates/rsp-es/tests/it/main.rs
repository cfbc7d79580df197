//! Tests of rsp-es.

mod activation_code;
mod asn1;
#[cfg(feature = "client")]
mod client;
#[cfg(all(feature = "client", feature = "server"))]
mod client_bindings;
mod es11;
mod fixtures;
mod json;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod server_asn1;
#[cfg(feature = "server")]
mod server_es11;
mod status;

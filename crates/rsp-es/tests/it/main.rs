//! Tests of rsp-es.

mod activation_code;
mod asn1;
#[cfg(feature = "client")]
mod client;
#[cfg(all(feature = "client", feature = "server"))]
mod client_bindings;
#[cfg(feature = "client")]
mod egress;
mod es11;
mod es12;
mod es2plus;
#[cfg(all(feature = "client", feature = "server"))]
mod es2plus_http;
mod fixtures;
mod json;
#[cfg(feature = "server")]
mod members;
#[cfg(feature = "client")]
mod plain;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod server_asn1;
#[cfg(feature = "server")]
mod server_es11;
mod status;

//! Tests of rsp-es.

#[cfg(feature = "client")]
#[cfg(all(feature = "client", feature = "server"))]
#[cfg(all(feature = "client", feature = "server"))]
#[cfg(feature = "server")]
#[cfg(feature = "server")]
#[cfg(feature = "server")]

mod activation_code;
mod asn1;
mod client;
mod client_bindings;
mod es11;
mod es12;
mod es2plus;
mod es2plus_http;
mod fixtures;
mod json;
mod server;
mod server_asn1;
mod server_es11;
mod status;

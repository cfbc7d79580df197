//! Tests of rsp-es.

mod activation_code;
mod status;

//! Tests of the operator's side.

mod keys;
mod support;

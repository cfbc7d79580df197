//! Tests of the operator's side.

mod carriers;
mod keys;
mod support;

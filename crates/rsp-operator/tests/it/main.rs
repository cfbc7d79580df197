//! Tests of the operator's side.

mod carriers;
mod keys;
mod support;
mod programs;
mod sheet;

//! Tests of the operator's side.

mod carriers;
mod keys;
mod support;
mod handoff;
mod open5gs;
mod programs;
mod sheet;

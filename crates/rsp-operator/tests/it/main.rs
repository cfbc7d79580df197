//! Tests of the operator's side.

mod carriers;
mod handoff;
mod keys;
mod open5gs;
mod programs;
mod qr;
mod sheet;
mod support;

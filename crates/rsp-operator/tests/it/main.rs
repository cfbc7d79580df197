//! Tests of the operator's side.

mod carriers;
mod handoff;
mod keys;
mod network;
mod open5gs;
mod programs;
mod qr;
mod sheet;
mod shop;
mod support;
mod usage;
mod webhooks;

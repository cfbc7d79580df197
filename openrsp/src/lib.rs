//! What the program shares with the conformance runner: its own processes and those that run beside
//! them, and the subscriptions that tests sell.
//!
//! No part of the stack is here; those are the `rsp-` crates.

pub mod onlookers;
pub mod ports;
pub mod processes;
pub mod programs;
pub mod readers;
pub mod subscription;

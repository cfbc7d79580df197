//! Integration tests of rsp-saip.

mod building;
mod hostile_input;
mod known_answers;
mod lint;
mod personalising;
mod speed;

//! Integration tests of rsp-saip.

mod building;
mod hostile_input;
mod known_answers;
mod personalising;
mod speed;

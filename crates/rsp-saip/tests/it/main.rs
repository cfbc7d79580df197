//! Integration tests of rsp-saip.

mod known_answers;

//! Integration tests of the server's half of mutual authentication.

mod certificates;
mod session;

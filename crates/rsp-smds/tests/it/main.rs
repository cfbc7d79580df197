//! Integration tests of the SM-DS: registrars and eUICCs that are made by hand here.

mod attacks;
mod authenticate_client;
mod cascade;
mod euicc;
mod expiry;
mod initiate_authentication;
mod known_answer;
mod log_leak;
mod model;
mod registrars;
mod registration;
mod router;
mod server;

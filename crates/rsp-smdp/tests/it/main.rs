//! Integration tests of the SM-DP+: whole sessions with an eUICC that is made by hand here.

mod attacks;
mod authenticate_client;
mod cancel_session;
mod download;
mod es2plus;
mod euicc;
mod get_bound_profile_package;
mod guessing;
mod initiate_authentication;
mod isolation;
mod known_answer;
mod log_leak;
mod notices;
mod notifications;
mod operator;
mod order_binding;
mod order_machine;
mod order_race;
mod orders;
mod policies;
mod revocation;
mod server;

//! Integration tests of the SM-DP+: whole sessions with an eUICC that is made by hand here.

mod attacks;
mod authenticate_client;
mod cancel_session;
mod download;
mod euicc;
mod get_bound_profile_package;
mod initiate_authentication;
mod known_answer;
mod log_leak;
mod notifications;
mod order_binding;
mod orders;
mod revocation;
mod server;

//! Tests of rsp-euicc: the eUICC as a chip, against a server whose every message is built here by hand.

mod aka;
mod attacks;
mod authenticate_server;
mod cancel_session;
mod corpus;
mod enabled_profile;
mod information;
mod installing;
mod load;
mod management;
mod notifications;
mod persistence;
mod power_loss;
mod prepare_download;
mod profile;
mod server;
mod terminal;
mod transcript;
mod transport;
mod usim_commands;

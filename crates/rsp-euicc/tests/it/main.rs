//! Tests of rsp-euicc: the eUICC as a chip, against a server whose every message is built here by hand.

mod aka;
mod atk_memory;
mod atk_ppr;
mod attacks;
mod corpus;
mod enabled_profile;
mod installing;
mod load;
mod manufacturing;
mod ota;
mod ota_packets;
mod persistence;
mod power_loss;
mod profile;
mod records_and_objects;
mod refusing;
mod registry;
mod server;
mod sgp23;
mod suci;
mod terminal;
mod transcript;
mod transport;
mod ts48;
mod tuak;
mod usim_commands;

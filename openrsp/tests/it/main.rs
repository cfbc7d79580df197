//! The program as its users run it: processes, files, sockets.

mod attacks;
mod bed;
mod carriers;
mod cascade;
mod demo;
mod discovery;
mod downgrade;
mod downloads;
mod es2plus;
mod interruption;
mod lab;
mod memory;
mod operation;
mod orders;
mod pki;
mod provision;
mod published_keys;
mod readers;
mod readme;
mod refusals;
mod roles;
mod setup_files;
mod stock;
mod subscriber_keys;
mod transcripts;
mod webhooks;

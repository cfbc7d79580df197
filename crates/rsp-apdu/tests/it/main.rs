//! Tests of rsp-apdu.

mod card_logs;
mod command;
mod exchange;
mod store_data;

//! Integration tests of the datastore.

mod api;
mod back_to_stock;
mod events;
mod handing_out;
mod journal;
mod outbox;
mod privacy;
mod profiles;
mod sealing;
mod sessions;
mod stock;
mod support;
mod transactions;
mod users;

//! Integration tests of the datastore.

mod events;
mod outbox;
mod profiles;
mod sealing;
mod sessions;
mod stock;
mod support;
mod transactions;

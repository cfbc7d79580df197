//! Integration tests of the datastore.

mod profiles;
mod sealing;
mod sessions;
mod support;
mod transactions;

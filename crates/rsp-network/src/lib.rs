//! The network side: AKA vectors for demonstrations and tests.

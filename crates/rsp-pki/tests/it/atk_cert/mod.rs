//! Attack: certificates that differ in one property from one that is accepted.
//!
//! The cases are those of the published invalid sets (SGP.26 v1: EXPIRED, INVALID, INVALID_EID, UNKNOWN_CI; v3: Invalid
//! Curve, Invalid Signature, Expired Certificate, Invalid Certificate Policy, Invalid Extended Key Usage, Invalid Key
//! Usage, Missing Critical Extension), minted here, and what else one property can do. Each test first sees the
//! unchanged certificate accepted, by both providers, and then the changed one refused for its reason.

mod chain;
mod constraints;
mod crl;
mod extensions;
mod operator;
mod profile;
mod published_cases;
mod roles;
mod usage;
mod world;

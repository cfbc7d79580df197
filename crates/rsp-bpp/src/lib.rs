//! The BSP (BPP Security Protocol, SCP03t) and the Bound Profile Package: protect, bind, and the reverse.
//!
//! SGP.22 2.5 in the order in which a profile meets it: an [`UnprotectedProfile`] is protected under session keys that
//! both sides derive ([`BspKeys::derive`]), or under keys of its own that travel along ([`Protection::Ppk`]); the result
//! is bound to one eUICC and one session by a signed [`initialise_secure_channel`] and put together by [`assemble`].
//! The eUICC checks that signature ([`verify_initialise_secure_channel`]) and opens segment after segment ([`Bsp`]).
//!
//! No randomness and no clock: one-time keys and PPKs come in as arguments.

mod bind;
mod bsp;
mod keys;

pub use bind::{
    Protection, UnprotectedProfile, assemble, initialise_secure_channel, protect, verify_initialise_secure_channel,
};
pub use bsp::{Bsp, BspError, MAX_SEGMENT_SIZE};
pub use keys::{BspKeys, KeyError};

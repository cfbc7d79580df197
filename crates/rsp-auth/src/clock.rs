//! Time and randomness, as the caller gives them.

use std::sync::{Arc, Mutex, PoisonError};

use rsp_asn1::Timestamp;
use rsp_crypto::Randomness;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// One source of randomness for everybody who asks.
#[derive(Clone)]
pub struct SharedRandomness(Arc<Mutex<Box<dyn Randomness>>>);

impl SharedRandomness {
    /// Shares a source.
    pub fn new(source: Box<dyn Randomness>) -> Self {
        Self(Arc::new(Mutex::new(source)))
    }

    /// Draws with the source locked. Keep it short: everybody else waits.
    pub fn with<T>(&self, draw: impl FnOnce(&mut dyn Randomness) -> T) -> T {
        // A poisoned lock means that another thread panicked between two draws: the source itself is intact.
        draw(&mut **self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Randomness for SharedRandomness {
    fn fill(&mut self, buffer: &mut [u8]) {
        self.with(|source| source.fill(buffer));
    }
}

//! What whoever orders is told of each step before it is made, so that a crash at any moment leaves a trace of it.

use async_trait::async_trait;
use rsp_asn1::Iccid;
use rsp_crypto::{Randomness, RandomnessExt as _};

use super::Supplier;

/// Where the orders that are being placed are noted. Each is named by the beginning of the functionCallIdentifiers of its calls.
#[async_trait]
pub trait Traces: Send {
    /// DownloadOrder is about to be made at a supplier.
    ///
    /// # Errors
    /// [`Untraced`]: then it is not made.
    async fn begin(&mut self, supplier: &Supplier, call_id: &str) -> Result<(), Untraced>;

    /// ConfirmOrder is about to be made for a profile: from here on it may be sold.
    ///
    /// # Errors
    /// [`Untraced`]: then it is not made.
    async fn confirm(&mut self, call_id: &str, iccid: &Iccid) -> Result<(), Untraced>;

    /// Nothing of the order is left at the supplier.
    async fn unsold(&mut self, call_id: &str);

    /// Something of the order may be left at the supplier, and nobody goes on with it: it is to be given up later.
    async fn left(&mut self, call_id: &str);
}

/// The trace could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Untraced;

/// Traces that nobody keeps.
pub struct NoTraces;

#[async_trait]
impl Traces for NoTraces {
    async fn begin(&mut self, _: &Supplier, _: &str) -> Result<(), Untraced> {
        Ok(())
    }

    async fn confirm(&mut self, _: &str, _: &Iccid) -> Result<(), Untraced> {
        Ok(())
    }

    async fn unsold(&mut self, _: &str) {}

    async fn left(&mut self, _: &str) {}
}

/// The functionCallIdentifiers of an order. They are known before the first call, so that each can be made again as it was,
/// also by another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Calls<'a>(pub(super) &'a str);

impl Calls<'_> {
    /// A name for an order.
    pub(super) fn draw(randomness: &mut dyn Randomness) -> String {
        hex::encode(randomness.bytes::<16>())
    }

    pub(super) fn download_order(&self) -> String {
        format!("{}-1", self.0)
    }

    pub(super) fn confirm_order(&self) -> String {
        format!("{}-2", self.0)
    }

    pub(super) fn cancel_order(&self) -> String {
        format!("{}-3", self.0)
    }
}

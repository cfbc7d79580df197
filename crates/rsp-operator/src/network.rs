//! The network in which subscriptions are used: what can be asked of it.

use std::sync::Arc;

use async_trait::async_trait;

/// A network that lets subscribers in, or not.
#[async_trait]
pub trait NetworkAdapter: Send + Sync {
    /// From now on the network refuses the subscriber of this IMSI. Has no effect on one that is refused already.
    ///
    /// # Errors
    /// Why the network did not do it, as a text for whoever runs the server.
    async fn suspend(&self, imsi: &str) -> Result<(), String>;

    /// The network lets the subscriber in again.
    ///
    /// # Errors
    /// As [`suspend`](Self::suspend).
    async fn resume(&self, imsi: &str) -> Result<(), String>;
}

/// The network that is connected, if any is. What it is told and what is noted of it go one after the other.
#[derive(Default)]
pub(crate) struct Network {
    pub(crate) adapter: Option<Arc<dyn NetworkAdapter>>,
    pub(crate) in_order: tokio::sync::Mutex<()>,
}

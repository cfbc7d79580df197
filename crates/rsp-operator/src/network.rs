//! The network in which subscriptions are used: what can be asked of it.

use std::sync::Arc;

use async_trait::async_trait;
use rsp_smdp::Turns;

/// A network that lets subscribers in, or not.
#[async_trait]
pub trait NetworkAdapter: Send + Sync {
    /// What the network lets the subscriber of this IMSI use, in its own word; `None` when it lets it in to nothing.
    ///
    /// # Errors
    /// As [`suspend`](Self::suspend).
    async fn access(&self, imsi: &str) -> Result<Option<String>, String>;

    /// From now on the network refuses the subscriber of this IMSI. Has no effect on one that is refused already.
    ///
    /// # Errors
    /// Why the network did not do it, as a text for whoever runs the server.
    async fn suspend(&self, imsi: &str) -> Result<(), String>;

    /// The network lets the subscriber in again: to what [`access`](Self::access) said before it was suspended, or to all there
    /// is where nobody asked then.
    ///
    /// # Errors
    /// As [`suspend`](Self::suspend).
    async fn resume(&self, imsi: &str, access: Option<&str>) -> Result<(), String>;
}

/// The network that is connected, if any is. Of each subscription, what it is told and what is noted of it go one after the
/// other; nobody waits for a network that is slow about somebody else's.
#[derive(Default)]
pub(crate) struct Network {
    pub(crate) adapter: Option<Arc<dyn NetworkAdapter>>,
    pub(crate) turns: Turns,
}

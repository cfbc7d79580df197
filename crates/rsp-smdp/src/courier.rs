//! How messages to other servers leave this one. What is sent, when and to whom is decided elsewhere.

use async_trait::async_trait;
use rsp_es::status::StatusCode;
use rsp_store::Message;

/// Carries messages to other servers.
#[async_trait]
pub trait Courier: Send + Sync + 'static {
    /// Calls the function of a message. What the recipient has already (an event to be registered) or has no more (an event
    /// to be deleted) has arrived.
    ///
    /// # Errors
    /// [`Undelivered`]: it may or may not have arrived.
    async fn deliver(&self, message: &Message) -> Result<(), Undelivered>;
}

/// Why a message has not arrived, as far as one can know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// There is no answer, or no way there; the text is for the log.
    #[error("{0}")]
    Inaccessible(String),
    /// The recipient refuses it.
    #[error("refused: {0}")]
    Refused(StatusCode),
}

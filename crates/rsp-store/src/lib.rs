//! Datastore: the only crate that contains SQL.
//!
//! [`Datastore`] owns one SQLite database: many readers, one writer. Every change goes through [`Datastore::run_tx`],
//! which runs a closure in a transaction under a name, or through [`Datastore::step`], which writes what one step of a
//! session decided; those that wait at the same time are committed together. Secret columns
//! (profile packages, one-time keys, session states, subscriber keys, confirmation-code hashes) are sealed by the [`Crypter`].
//!
//! The models have the standard's names: a [`Profile`] carries its order (SGP.22 3.1.6), a [`DownloadSession`] is one
//! RSP session, a [`Notification`] what an eUICC reported, an [`EventRecord`] what waits for an eUICC at an SM-DS, an [`Event`] what happened.

mod api_keys;
mod audit;
mod batches;
mod browser_sessions;
mod calls;
mod crypter;
mod datastore;
mod error;
mod esims;
mod events;
mod handoffs;
mod idempotency;
mod installations;
mod intents;
mod journal;
mod notifications;
mod offline;
mod operators;
mod order_list;
mod order_search;
mod outbox;
mod plans;
mod profiles;
mod readers;
mod receipt_keys;
mod rows;
mod sessions;
mod sqlite;
mod steps;
mod subscribers;
mod types;
mod usage;
mod users;
mod webhooks;
mod wipe;
mod writer;

pub use api_keys::{ApiKey, PreviousSecret};
pub use audit::{AuditEntry, LogEntry};
pub use batches::{Batch, BatchRow, BatchState, NewBatch, NewBatchRow};
pub use browser_sessions::BrowserSession;
pub use calls::CallKey;
pub use crypter::{Crypter, KeyEncryptionKey};
pub use datastore::Datastore;
pub use error::Error;
pub use esims::{Esim, NetworkState};
pub use events::{EventCounts, EventRecord, ForwardedEvent};
pub use handoffs::{Handoff, NewHandoff};
pub use idempotency::{Claimed, IdempotentRequest};
pub use installations::Installation;
pub use intents::Intent;
pub use journal::{Event, EventCount, EventCursor, EventFilter, EventKind, NewEvent, OrderCount, Outcome, Whose};
pub use notifications::Notification;
pub use offline::OfflineBatch;
pub use operators::Operator;
pub use order_list::{Listed, ListedOrder, OrderCursor, OrderFilter};
pub use outbox::{Front, Message, NewMessage, Recipient, Room, Waiting};
pub use plans::{Plan, PlanFilter};
pub use profiles::{NewProfile, OrderPolicy, Profile, ProfileChange, ProfileEvent, ProfileState, SealedChange};
pub use receipt_keys::ReceiptKey;
pub use sessions::{DownloadSession, NewSession, OrderFound, OrderKey, SessionAdvance, SessionState};
pub use steps::{Reported, Step, Stepped};
pub use subscribers::{Subscriber, SubscriberInStock};
pub use types::{NewProfileType, ProfileType};
pub use usage::{Amounts, Ending, TopUp, UsageCounters, UsageRecord, UsageSubject};
pub use users::{NewUser, Passkey, User};
pub use webhooks::{Delivery, DeliveryOutcome, EventSubject, NewWebhook, Webhook, WebhookSecret};
pub use writer::Transaction;

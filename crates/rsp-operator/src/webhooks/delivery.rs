//! One message of the outbox on its way to a receiver.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::address::Address;
use super::message::Told;
use super::signature::{SIGNATURE_HEADER, sign};
use super::{ACTOR, Webhooks, entry};
use crate::error::Error;
use async_trait::async_trait;
use rsp_es::client::{NetworkTransport, Origin, PlainPost, TransportError};
use rsp_store::{Delivery, DeliveryOutcome, Message, Webhook};

/// How long an event is tried, in seconds: three days.
pub const LONGEST_TRIED: i64 = 3 * 86_400;
/// The longest text of a problem that is logged.
const LONGEST_PROBLEM: usize = 200;

/// Carries a signed message to a receiver.
#[async_trait]
pub trait Sender: Send + Sync {
    /// One POST of JSON to the address, with the value of the signature header. Redirects are not followed.
    async fn send(&self, to: &Address, signature: &str, body: &[u8]) -> Sent;
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The status of HTTP.
    pub answer: Result<u16, NotSent>,
    /// How long it took.
    pub took: Duration,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The address is not one that this server calls. Nothing was sent.
    #[error("{0}")]
    Refused(String),
    /// Anything else.
    #[error("{0}: {1}")]
    Failed(Fault, String),
}

/// What a tenant is told of a failure. The names, addresses and errors of the network that the server stands in are not the
/// tenant's: they go to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The host has no address, or nobody answers there.
    #[error("no connection")]
    Connection,
    /// The host did not prove itself, or the server cannot prove any.
    #[error("TLS not acceptable")]
    Tls,
    /// What answers does not speak HTTP to its end.
    #[error("no answer of HTTP")]
    Http,
    /// It took too long.
    #[error("no answer in time")]
    Timeout,
    /// The host is none that is called.
    #[error("the host does not belong to the public internet")]
    Refused,
}

impl NotSent {
    /// What the tenant is told.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Refused(_) => Fault::Refused,
            Self::Failed(fault, _) => *fault,
        }
    }
}

fn fault_of(error: &TransportError) -> Fault {
    match error {
        TransportError::Dns { .. } | TransportError::Connect { .. } => Fault::Connection,
        TransportError::Certificate { .. } | TransportError::Tls { .. } => Fault::Tls,
        TransportError::Timeout { .. } => Fault::Timeout,
        _ => Fault::Http,
    }
}

/// What becomes of a message after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempted {
    /// It has arrived, or nobody wants it any more: it leaves the outbox.
    Settled,
    /// It is to be tried again.
    Again(String),
}

impl Webhooks {
    /// Delivers a message that [`dispatch`](Self::dispatch) or [`test`](Self::test) wrote, and notes what came of it. After
    /// [`LONGEST_TRIED`] a message that does not arrive is given up; that is noted, too.
    ///
    /// # Errors
    /// [`Error::Store`]; the message is then to be tried again.
    pub async fn deliver(&self, message: &Message, sender: &dyn Sender) -> Result<Attempted, Error> {
        let Some(id) = super::webhook_of(&message.function) else {
            return Ok(Attempted::Again(format!("{} is no webhook", message.function)));
        };
        let (Some(webhook), Some(told)) = (self.store.webhook(id).await?, Told::read(&message.body)) else {
            return Ok(Attempted::Settled);
        };
        let now = self.clock.now();
        let sent = match Address::parse(&webhook.url, &self.rules) {
            Ok(address) => {
                let secrets = self.store.webhook_secrets(id, now).await?;
                let secrets: Vec<&str> = secrets.iter().map(|(_, secret)| secret.as_str()).collect();
                sender.send(&address, &sign(&secrets, &told.id, now, &message.body), &message.body).await
            }
            Err(error) => Sent { answer: Err(NotSent::Refused(format!("the URL {error}"))), took: Duration::ZERO },
        };
        if let Err(problem) = &sent.answer {
            let problem = rsp_es::printable::printable(&problem.to_string(), LONGEST_PROBLEM);
            tracing::info!(webhook = id, event = told.id, problem, "a webhook was not called");
        }
        if let Err(problem @ NotSent::Refused(_)) = &sent.answer
            && message.attempts <= 1
        {
            let subject = format!("webhook {id}: {}", problem.fault());
            self.audit(&webhook.operator, entry(ACTOR, "refused to call", subject, now)).await?;
        }
        let (status, problem) = match sent.answer {
            Ok(status @ 200..300) => (Some(status), None),
            Ok(status @ 300..400) => (Some(status), Some(format!("HTTP status {status}: redirects are not followed"))),
            Ok(status) => (Some(status), Some(format!("HTTP status {status}"))),
            Err(problem) => (None, Some(problem.fault().to_string())),
        };
        let over = now.0.saturating_sub(message.created_at.0) >= LONGEST_TRIED;
        let outcome = match &problem {
            None => DeliveryOutcome::Delivered,
            Some(_) if over => DeliveryOutcome::GivenUp,
            Some(_) => DeliveryOutcome::Failed,
        };
        let delivery = Delivery {
            event_id: told.id,
            kind: told.kind,
            iccid: told.iccid,
            attempt: message.attempts,
            at: now,
            milliseconds: u32::try_from(sent.took.as_millis()).unwrap_or(u32::MAX),
            status,
            problem: problem.clone(),
            outcome,
        };
        self.note(&webhook, delivery).await?;
        match problem {
            Some(problem) if !over => Ok(Attempted::Again(problem)),
            _ => Ok(Attempted::Settled),
        }
    }

    async fn note(&self, webhook: &Webhook, delivery: Delivery) -> Result<(), Error> {
        let (id, operator) = (webhook.id.clone(), webhook.operator.clone());
        self.store
            .run_tx("note a delivery", move |tx| {
                if tx.record_delivery(&id, &delivery)? && delivery.outcome == DeliveryOutcome::GivenUp {
                    let why = delivery.problem.as_deref().unwrap_or_default();
                    let subject = format!("webhook {id}, event {}: {why}", delivery.event_id);
                    tx.record_audit_of(Some(&operator), &entry(ACTOR, "give up", subject, delivery.at))?;
                }
                Ok::<_, Error>(())
            })
            .await
    }
}

/// Carries messages over the network: HTTPS, proved by the web's issuers, to addresses that were resolved once and judged.
pub struct NetworkSender {
    fresh: Box<dyn Fn() -> NetworkTransport + Send + Sync>,
    /// To hosts that may have private addresses. Each keeps its transport, because that knows which ones they had.
    allowed: Vec<(Origin, Arc<NetworkTransport>)>,
}

impl NetworkSender {
    /// Over transports that `fresh` makes, each under the server's guard; `allow` are the hosts that the guard excepts.
    pub fn new(
        fresh: impl Fn() -> NetworkTransport + Send + Sync + 'static,
        allow: impl IntoIterator<Item = Origin>,
    ) -> Self {
        let allowed = allow.into_iter().map(|origin| (origin, Arc::new(fresh()))).collect();
        Self { fresh: Box::new(fresh), allowed }
    }

    fn transport(&self, to: &Origin) -> Arc<NetworkTransport> {
        let same = |allowed: &Origin| allowed.port() == to.port() && allowed.host().eq_ignore_ascii_case(to.host());
        let kept = self.allowed.iter().find(|(allowed, _)| same(allowed));
        kept.map_or_else(|| Arc::new((self.fresh)()), |(_, transport)| Arc::clone(transport))
    }
}

#[async_trait]
impl Sender for NetworkSender {
    async fn send(&self, to: &Address, signature: &str, body: &[u8]) -> Sent {
        let headers = [
            ("Content-Type", "application/json"),
            ("User-Agent", concat!("OpenRSP/", env!("CARGO_PKG_VERSION"))),
            (SIGNATURE_HEADER, signature),
        ];
        let post = PlainPost { origin: to.origin(), target: to.target(), headers: &headers, body };
        let begun = Instant::now();
        let answer = self.transport(to.origin()).post_plain(post).await.map_err(|error| match error {
            TransportError::EgressRefused { .. } | TransportError::PlainHttpRefused { .. } => {
                NotSent::Refused(error.to_string())
            }
            other => NotSent::Failed(fault_of(&other), other.to_string()),
        });
        Sent { answer, took: begun.elapsed() }
    }
}

//! Delivery of what other servers must hear: operators of their downloads (ES2+), SM-DSs of events (ES12, ES15), tenants'
//! systems of everything that happens to their orders (webhooks).
//!
//! The messages lie in the outbox of the datastore, written in the transaction of what they tell. They leave it when the
//! recipient has executed them, so that each arrives at least once; those of one lane go one after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rsp_asn1::Timestamp;
use rsp_auth::ServerAddress;
use rsp_crypto::hash;
use rsp_es::client::{ClientError, Es2PlusClient, Es12Client, MalformedAddress, Origin, Scheme, TransportError};
use rsp_es::es12::Interface;
use rsp_es::status::StatusCode;
use rsp_es::{es2plus, es12};
use rsp_operator::webhooks::{Attempted, Sender, Webhooks, webhook_of};
use rsp_pki::{Crl, Role};
use rsp_smdp::{Clock, Courier, Undelivered};
use rsp_store::{AuditEntry, Datastore, Message, Room};
use tokio::task::JoinSet;

use super::outgoing::Outgoing;
use super::webhooks;
use crate::config::{HostPort, ServerDir, server_address};
use crate::identity::Identity;

/// How often the outbox is looked into.
const POLL: Duration = Duration::from_secs(1);
/// Messages under way at the same time.
const UNDER_WAY: u32 = 32;
/// Those of them that go to the same recipient, so that one that does not answer holds up no other.
const UNDER_WAY_TO_ONE: u32 = 4;
/// How long a message that was taken out is nobody else's, in seconds. What a process took out that was killed waits no longer
/// than this; what is under way for longer has its lease renewed.
const LEASE: i64 = 60;
/// How often.
const RENEWAL: Duration = Duration::from_secs(20);
/// How long a message is tried, in seconds.
const LONGEST_TRIED: i64 = 30 * 86_400;
/// Who it is in the audit.
const ACTOR: &str = "courier";
/// What messages under way get when the server stops.
const FAREWELL: Duration = Duration::from_secs(10);
/// The first pause after a failure, in seconds. Each further one is twice as long.
const FIRST_PAUSE: i64 = 5;
/// The longest pause, in seconds.
const LONGEST_PAUSE: i64 = 3600;

/// Carries messages over the network.
pub(crate) struct NetworkCourier {
    store: Arc<Datastore>,
    clock: Arc<dyn Clock>,
    operators: Option<Outgoing>,
    smdss: Option<Outgoing>,
    parent: Option<Outgoing>,
    /// From the addresses of SM-DSs to those of their ES12, where these differ.
    endpoints: Vec<(ServerAddress, HostPort)>,
    webhooks: Webhooks,
    receivers: Box<dyn Sender>,
    /// How often leases are renewed.
    renewal: Duration,
}

/// Why a message did not arrive.
enum Problem {
    /// The address is not one that this server may call.
    Egress(String),
    /// Anything else after which it is known that the recipient did not execute it.
    Unexecuted(Undelivered),
    /// Whether the recipient executed it is not known.
    Unanswered(Undelivered),
}

impl From<Problem> for Undelivered {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Egress(text) => Self::Inaccessible(text),
            Problem::Unexecuted(undelivered) | Problem::Unanswered(undelivered) => undelivered,
        }
    }
}

impl NetworkCourier {
    /// Reads the certificates that the configuration names.
    pub(super) fn new(server: &ServerDir, store: Arc<Datastore>, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let config = &server.config;
        let outgoing = |role, certificate: &_, key: &_| {
            Outgoing::new(server, role, &Identity::read(&server.path(certificate), &server.path(key))?)
        };
        let operators = config.es2plus.as_ref().and_then(|section| section.client.as_ref());
        let smdss = config.es12.as_ref().and_then(|section| section.client.as_ref());
        let parent = config.smds.as_ref().filter(|smds| smds.parent.is_some()).map(|smds| &smds.tls);
        let endpoints = smdss.iter().flat_map(|section| &section.endpoints);
        let endpoints = endpoints.filter_map(|(smds, es12)| Some((server_address(smds)?, es12.clone()))).collect();
        Ok(Self {
            webhooks: webhooks::webhooks(server, Arc::clone(&store), Arc::clone(&clock)),
            receivers: webhooks::sender(server)?,
            store,
            clock,
            operators: operators
                .map(|client| outgoing(Role::OperatorTls, &client.certificate, &client.key))
                .transpose()?,
            smdss: smdss.map(|client| outgoing(Role::DsTls, &client.certificate, &client.key)).transpose()?,
            parent: parent.map(|tls| outgoing(Role::DsTls, &tls.certificate, &tls.key)).transpose()?,
            endpoints,
            renewal: RENEWAL,
        })
    }

    /// Delivers to webhooks, and to nobody else.
    pub(crate) fn for_webhooks(
        store: Arc<Datastore>,
        clock: Arc<dyn Clock>,
        webhooks: Webhooks,
        receivers: Box<dyn Sender>,
    ) -> Self {
        let (operators, smdss, parent, endpoints) = (None, None, None, Vec::new());
        Self { store, clock, operators, smdss, parent, endpoints, webhooks, receivers, renewal: RENEWAL }
    }

    /// Takes newer CRLs.
    pub(super) fn renew_crls(&self, crls: &[Crl]) {
        let outgoing = [&self.operators, &self.smdss, &self.parent].into_iter().flatten();
        outgoing.for_each(|outgoing| outgoing.renew_crls(crls));
    }

    /// Delivers until it is stopped; what is under way then gets some time to arrive.
    pub(super) async fn run(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let mut ticks = tokio::time::interval(POLL);
        let mut under_way = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                _ = ticks.tick() => {}
                // The next of its lane may go.
                Some(_) = under_way.join_next() => {}
            }
            self.hand_to_webhooks().await;
            let now = self.clock.now();
            let room = UNDER_WAY.saturating_sub(u32::try_from(under_way.len()).unwrap_or(UNDER_WAY));
            for message in self.claim(now, room).await {
                let courier = Arc::clone(&self);
                under_way.spawn(async move { courier.settle(message, now).await });
            }
        }
        if tokio::time::timeout(FAREWELL, under_way.join_all()).await.is_err() {
            tracing::warn!("some messages were still under way; they go out once more");
        }
    }

    /// Delivers everything that is due at a time, one after the other; how much has arrived.
    #[cfg(test)]
    async fn deliver_due(&self, now: Timestamp) -> usize {
        let mut arrived = 0;
        loop {
            let messages = self.claim(now, UNDER_WAY).await;
            if messages.is_empty() {
                return arrived;
            }
            for message in messages {
                arrived += usize::from(self.settle(message, now).await);
            }
        }
    }

    /// Takes out what is due.
    async fn claim(&self, now: Timestamp, most: u32) -> Vec<Message> {
        self.give_up(now).await;
        if most == 0 {
            return Vec::new();
        }
        let room = Room { all: most, each: UNDER_WAY_TO_ONE };
        self.store.claim_messages(now, now.plus_seconds(LEASE), room).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "reading the outbox");
            Vec::new()
        })
    }

    /// Gives up what nobody takes.
    async fn give_up(&self, now: Timestamp) {
        match self.store.give_up_messages(now, now.plus_seconds(-LONGEST_TRIED), ACTOR).await {
            Ok(given_up) => given_up.iter().for_each(|entry| tracing::warn!(entry.subject, "gave up")),
            Err(error) => tracing::warn!(%error, "looking for what to give up"),
        }
    }

    /// Delivers what is due, as much of it as goes side by side; how much that was, and how much of it has arrived.
    pub(crate) async fn deliver_some(self: &Arc<Self>) -> (usize, usize) {
        self.hand_to_webhooks().await;
        let now = self.clock.now();
        let mut under_way = JoinSet::new();
        for message in self.claim(now, UNDER_WAY).await {
            let courier = Arc::clone(self);
            under_way.spawn(async move { courier.settle(message, now).await });
        }
        let settled = under_way.join_all().await;
        (settled.len(), settled.into_iter().filter(|arrived| *arrived).count())
    }

    /// Makes messages of what has happened.
    async fn hand_to_webhooks(&self) {
        if let Err(error) = self.webhooks.dispatch().await {
            tracing::warn!(%error, "handing events to webhooks");
        }
    }

    /// Delivers one message and notes what became of it; true when it has arrived.
    async fn settle(&self, message: Message, now: Timestamp) -> bool {
        let (function, recipient, attempts) = (&message.function, &message.recipient, message.attempts);
        let begun = Instant::now();
        let settled = match self.send(&message).await {
            Ok(()) => {
                tracing::debug!(function, recipient, attempts, "delivered");
                self.store.message_delivered(&message).await.map(|()| true)
            }
            Err(problem) => {
                let seconds = match &problem {
                    Problem::Egress(_) => LONGEST_PAUSE,
                    Problem::Unexecuted(_) | Problem::Unanswered(_) if webhook_of(function).is_some() => {
                        spread(pause(attempts), &message.lane, attempts)
                    }
                    Problem::Unexecuted(_) | Problem::Unanswered(_) => pause(attempts),
                };
                // The pause comes after the attempt, however long that took.
                let taken = i64::try_from(begun.elapsed().as_secs()).unwrap_or(LONGEST_PAUSE);
                let why = Undelivered::from(problem).to_string();
                match webhook_of(function) {
                    // Its tenant sees it among the deliveries, and whoever runs the server can do nothing about it.
                    Some(_) => tracing::info!(function, recipient, attempts, seconds, why, "not delivered"),
                    None => tracing::warn!(function, recipient, attempts, seconds, why, "not delivered"),
                }
                self.store.message_failed(&message, now.plus_seconds(taken + seconds), &why).await.map(|()| false)
            }
        };
        settled.unwrap_or_else(|error| {
            // Its lease ends, and then it goes out once more.
            tracing::warn!(%error, function, recipient, "settling a message");
            false
        })
    }

    /// Delivers one message, and keeps it from others meanwhile.
    async fn send(&self, message: &Message) -> Result<(), Problem> {
        let mut call = std::pin::pin!(self.call(message));
        let outcome = loop {
            match tokio::time::timeout(self.renewal, &mut call).await {
                Ok(outcome) => break outcome,
                Err(_) => match self.store.renew_lease(message, self.clock.now().plus_seconds(LEASE)).await {
                    Ok(true) => {}
                    Ok(false) => return Err(unanswered("it was taken out by another meanwhile".to_owned())),
                    Err(error) => tracing::warn!(%error, "renewing a lease"),
                },
            }
        };
        // Once for each message: repetitions say nothing new, and there is no end to them.
        if let Err(Problem::Egress(problem)) = &outcome
            && message.attempts <= 1
        {
            self.audit(&message.function, problem).await;
        }
        if let Err(Problem::Egress(_) | Problem::Unexecuted(_)) = &outcome
            && let Err(error) = self.store.message_unexecuted(message).await
        {
            tracing::warn!(%error, "noting a refusal");
        }
        outcome
    }

    async fn call(&self, message: &Message) -> Result<(), Problem> {
        let path = message.function.as_str();
        if webhook_of(path).is_some() {
            return self.tell_webhook(message).await;
        }
        match (es12::Function::from_path(path), es2plus::Function::from_path(path)) {
            (Some((interface, function)), _) => self.call_smds(interface, function, message).await,
            (None, Some(es2plus::Function::HandleDownloadProgressInfo)) => self.notify_operator(message).await,
            _ => Err(inaccessible(format!("{path} is no function that this server calls"))),
        }
    }

    async fn tell_webhook(&self, message: &Message) -> Result<(), Problem> {
        match self.webhooks.deliver(message, &*self.receivers).await {
            Ok(Attempted::Settled) => Ok(()),
            Ok(Attempted::Again(problem)) => Err(unanswered(problem)),
            Err(error) => Err(unanswered(error.to_string())),
        }
    }

    async fn notify_operator(&self, message: &Message) -> Result<(), Problem> {
        let outgoing = self.operators.as_ref().ok_or_else(|| not_configured("es2plus.client"))?;
        let origin = Origin::new(Scheme::Https, &message.recipient).map_err(malformed)?;
        let client = Es2PlusClient::new(outgoing.transport(&origin), origin);
        client.handle_download_progress_info_as_written(&message.body).await.map_err(problem)
    }

    async fn call_smds(
        &self,
        interface: Interface,
        function: es12::Function,
        message: &Message,
    ) -> Result<(), Problem> {
        let (outgoing, section) = match interface {
            Interface::Es12 => (&self.smdss, "es12.client"),
            Interface::Es15 => (&self.parent, "smds.parent"),
        };
        let outgoing = outgoing.as_ref().ok_or_else(|| not_configured(section))?;
        let origin = match self.endpoint(interface, &message.recipient) {
            Some(endpoint) => endpoint.origin().clone(),
            None => Origin::new(Scheme::Https, &message.recipient).map_err(malformed)?,
        };
        let client = Es12Client::new(outgoing.transport(&origin), origin, interface);
        match client.as_written(function, message.body.to_vec()).await {
            Err(ClientError::Refused { status, .. }) if has_arrived(function, &status, message) => Ok(()),
            outcome => outcome.map_err(problem),
        }
    }

    /// Where ES12 of an SM-DS is, if not where it says.
    fn endpoint(&self, interface: Interface, recipient: &str) -> Option<&HostPort> {
        let address = server_address(recipient).filter(|_| interface == Interface::Es12)?;
        self.endpoints.iter().find(|(smds, _)| *smds == address).map(|(_, endpoint)| endpoint)
    }

    async fn audit(&self, path: &str, problem: &str) {
        let entry = AuditEntry {
            at: self.clock.now(),
            actor: ACTOR.to_owned(),
            action: "refused to call".to_owned(),
            subject: format!("{path}: {problem}"),
        };
        if let Err(error) = self.store.run_tx("audit egress", move |tx| tx.record_audit(&entry)).await {
            tracing::warn!(%error, "the audit log is incomplete");
        }
    }
}

#[async_trait]
impl Courier for NetworkCourier {
    async fn deliver(&self, message: &Message) -> Result<(), Undelivered> {
        Ok(self.send(message).await?)
    }
}

/// How long to wait after the failure of so many attempts, in seconds.
fn pause(attempts: u32) -> i64 {
    let doublings = attempts.saturating_sub(1).min(16);
    (FIRST_PAUSE << doublings).min(LONGEST_PAUSE)
}

/// A pause made shorter by up to a half, for each lane and attempt by another part: a receiver that is down at the same minute
/// of every hour would otherwise be called in that minute for ever, and one that was down by all lanes at once.
fn spread(seconds: i64, lane: &str, attempts: u32) -> i64 {
    let [drawn, ..] = hash::sha256(format!("{lane} {attempts}").as_bytes());
    seconds - seconds * i64::from(drawn) / 512
}

/// An event that is registered already was registered by an attempt whose answer was lost, if there was one: otherwise it is
/// another event (SGP.22 5.9.1). One that is not known is deleted (5.9.2).
fn has_arrived(function: es12::Function, status: &StatusCode, message: &Message) -> bool {
    let (arrived, possible) = match function {
        es12::Function::RegisterEvent => (StatusCode::EVENT_RECORD_ALREADY_IN_USE, message.is_possibly_executed()),
        es12::Function::DeleteEvent => (StatusCode::EVENT_RECORD_UNKNOWN, true),
    };
    possible && status.subject == arrived.subject && status.reason == arrived.reason
}

fn problem<F>(error: ClientError<F>) -> Problem {
    match error {
        ClientError::Transport { source: refused @ TransportError::EgressRefused { .. }, .. } => {
            Problem::Egress(refused.to_string())
        }
        ClientError::Transport {
            source:
                source @ (TransportError::Dns { .. }
                | TransportError::Connect { .. }
                | TransportError::Certificate { .. }
                | TransportError::Tls { .. }),
            ..
        } => inaccessible(source.to_string()),
        ClientError::Refused { status, .. } => Problem::Unexecuted(Undelivered::Refused(status)),
        other => unanswered(other.to_string()),
    }
}

fn malformed(error: MalformedAddress) -> Problem {
    inaccessible(error.to_string())
}

fn not_configured(section: &str) -> Problem {
    inaccessible(format!("openrsp.toml has no {section}"))
}

fn inaccessible(why: String) -> Problem {
    Problem::Unexecuted(Undelivered::Inaccessible(why))
}

fn unanswered(why: String) -> Problem {
    Problem::Unanswered(Undelivered::Inaccessible(why))
}

#[cfg(test)]
mod tests;

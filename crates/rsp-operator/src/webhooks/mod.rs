//! Webhooks: a tenant's systems are told of what happens to its orders.
//!
//! [`Webhooks`] manages them; [`dispatch`](Webhooks::dispatch) turns events into messages of the outbox, and
//! [`deliver`](Webhooks::deliver) brings one to its receiver, signed so that [`verify`] accepts it. Each event arrives at
//! least once under an id that stays the same, and those of one ICCID in their order.

mod address;
mod delivery;
mod dispatch;
mod message;
mod signature;

use std::sync::Arc;

pub use address::{Address, AddressError, AddressRules};
pub use delivery::{Attempted, Fault, LONGEST_TRIED, NetworkSender, NotSent, Sender, Sent};
pub(crate) use message::EventIds;
pub use message::{KINDS, kind, kind_name};
use rsp_asn1::Timestamp;
use rsp_crypto::{Randomness as _, Zeroizing};
use rsp_es::printable::printable;
use rsp_smdp::{Clock, SharedRandomness};
use rsp_store::{AuditEntry, Datastore, Delivery, EventKind, NewMessage, NewWebhook, Recipient, WebhookSecret};
pub use signature::{SIGNATURE_HEADER, SeenIds, TOLERANCE, VerifyError, sign, verify};

use crate::actor::{Actor, Right};
use crate::desk::tenant;
use crate::error::Error;

/// Who it is in the audit, where nobody asked for it.
const ACTOR: &str = "webhooks";
/// What lanes and functions of the outbox begin with.
const PREFIX: &str = "webhook ";
/// Webhooks of one tenant.
pub const MOST: u32 = 20;
/// Secrets of one webhook that count at the same time.
pub const MOST_SECRETS: u32 = 5;
/// For how long a secret may outlive its rotation, in seconds.
pub const LONGEST_OVERLAP: i64 = 30 * 86_400;
/// For how long it does, if nobody says otherwise.
pub const USUAL_OVERLAP: i64 = 86_400;
/// Deliveries that are listed at once.
pub const MOST_DELIVERIES: u32 = 500;
/// What things are called in errors.
const WEBHOOK: &str = "webhook";

/// A tenant's webhooks.
pub struct Webhooks {
    store: Arc<Datastore>,
    clock: Arc<dyn Clock>,
    randomness: SharedRandomness,
    rules: AddressRules,
}

/// A webhook to be added.
#[derive(Debug, Clone)]
pub struct WantedWebhook {
    /// Whose it is to be; the server's staff alone names one.
    pub tenant: Option<String>,
    /// Where events go.
    pub url: String,
    /// The kinds of events; see [`KINDS`].
    pub kinds: Vec<EventKind>,
}

/// A webhook, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookShown {
    /// Names it.
    pub id: String,
    /// Whose it is.
    pub operator: String,
    /// Where events go; the query is left out, as it may be a secret.
    pub url: String,
    /// The kinds of events that it gets.
    pub kinds: Vec<EventKind>,
    /// Its secrets that count, without the secrets themselves.
    pub secrets: Vec<WebhookSecret>,
    /// When it was added.
    pub created_at: Timestamp,
    /// Who added it.
    pub created_by: String,
    /// How many attempts there were.
    pub attempts: u64,
    /// How many events have arrived.
    pub delivered: u64,
    /// How many were given up.
    pub given_up: u64,
    /// The last attempt.
    pub last: Option<Delivery>,
}

/// A webhook that was added, with its secret, which is shown this once.
pub struct AddedWebhook {
    /// The webhook.
    pub webhook: WebhookShown,
    /// With this its messages are signed.
    pub secret: Zeroizing<String>,
}

impl Webhooks {
    /// Webhooks in `store`, at addresses that `rules` allow.
    pub fn new(
        store: Arc<Datastore>,
        clock: Arc<dyn Clock>,
        randomness: SharedRandomness,
        rules: AddressRules,
    ) -> Self {
        Self { store, clock, randomness, rules }
    }

    /// Adds a webhook. It gets what happens from now on.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Invalid`] (`url`, `kinds`, `tenant`), [`Error::NotFound`] for another's tenant.
    pub async fn add(&self, actor: &Actor, wanted: &WantedWebhook) -> Result<AddedWebhook, Error> {
        actor.require(Right::Manage)?;
        let operator = tenant(&self.store, actor, wanted.tenant.as_deref()).await?;
        let now = self.clock.now();
        if let Err(error) = Address::parse(&wanted.url, &self.rules) {
            let subject = format!("{}: {error}", without_secrets(&wanted.url));
            self.audit(&operator, entry(actor.name(), "refused a webhook", subject, now)).await?;
            return Err(Error::invalid("url", error));
        }
        let mut kinds = Vec::new();
        for kind in &wanted.kinds {
            if *kind == EventKind::Test {
                return Err(Error::invalid("kinds", "test events are sent on demand only"));
            }
            if !kinds.contains(kind) {
                kinds.push(*kind);
            }
        }
        if kinds.is_empty() {
            return Err(Error::invalid("kinds", "name at least one of state, step, usage, network"));
        }
        let id = format!("wh_{}", hex::encode(self.draw::<16>()));
        let secret = self.draw_secret();
        let new = NewWebhook {
            id: id.clone(),
            operator: operator.clone(),
            url: Zeroizing::new(wanted.url.clone()),
            kinds,
            secret: secret.clone(),
            at: now,
            by: actor.name().to_owned(),
        };
        let audit = entry(actor.name(), "add webhook", id.clone(), now);
        self.store
            .run_tx("add webhook", move |tx| {
                if tx.webhooks_of(&new.operator)? >= MOST {
                    return Err(Error::Full { what: "webhooks", most: MOST, remedy: "remove one" });
                }
                tx.insert_webhook(&new)?;
                Ok(tx.record_audit_of(Some(&new.operator), &audit)?)
            })
            .await?;
        Ok(AddedWebhook { webhook: self.shown(self.own(actor, &id).await?, now).await?, secret })
    }

    /// The webhooks of the actor's tenant; for the server's staff the one that is named, or all.
    ///
    /// # Errors
    /// [`Error::Forbidden`]; [`Error::NotFound`] for another's tenant.
    pub async fn list(&self, actor: &Actor, named: Option<&str>) -> Result<Vec<WebhookShown>, Error> {
        actor.require(Right::Read)?;
        let operator = match (actor.tenant(), named) {
            (None, None) => None,
            (_, named) => Some(tenant(&self.store, actor, named).await?),
        };
        let mut shown = Vec::new();
        for webhook in self.store.webhooks(operator.as_deref()).await? {
            shown.push(self.shown(webhook, self.clock.now()).await?);
        }
        Ok(shown)
    }

    /// One webhook.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`].
    pub async fn get(&self, actor: &Actor, id: &str) -> Result<WebhookShown, Error> {
        actor.require(Right::Read)?;
        self.shown(self.own(actor, id).await?, self.clock.now()).await
    }

    /// Makes a new secret, which is shown this once. For `overlap` seconds messages are signed with the old ones, too.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], [`Error::Invalid`] (`overlap`).
    pub async fn rotate(&self, actor: &Actor, id: &str, overlap: i64) -> Result<Zeroizing<String>, Error> {
        actor.require(Right::Manage)?;
        let webhook = self.own(actor, id).await?;
        if !(0..=LONGEST_OVERLAP).contains(&overlap) {
            return Err(Error::invalid("overlap", format!("is not between 0 and {LONGEST_OVERLAP} seconds")));
        }
        let (secret, now) = (self.draw_secret(), self.clock.now());
        let audit = entry(actor.name(), "rotate webhook secret", webhook.id.clone(), now);
        let (id, operator, new) = (webhook.id, webhook.operator, secret.clone());
        self.store
            .run_tx("rotate webhook secret", move |tx| {
                tx.rotate_secret(&id, &new, now, now.plus_seconds(overlap))?;
                if tx.valid_secrets(&id, now)? > MOST_SECRETS {
                    let remedy = "rotate with an overlap of 0, which ends them";
                    return Err(Error::Full { what: "secrets that count", most: MOST_SECRETS, remedy });
                }
                Ok(tx.record_audit_of(Some(&operator), &audit)?)
            })
            .await?;
        Ok(secret)
    }

    /// Removes a webhook with what waits for it.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`].
    pub async fn remove(&self, actor: &Actor, id: &str) -> Result<(), Error> {
        actor.require(Right::Manage)?;
        let webhook = self.own(actor, id).await?;
        let audit = entry(actor.name(), "remove webhook", webhook.id.clone(), self.clock.now());
        let (id, operator) = (webhook.id, webhook.operator);
        self.store
            .run_tx("remove webhook", move |tx| {
                if !tx.delete_webhook(&id, &lane_of(&id, ""))? {
                    return Err(Error::not_found(WEBHOOK, &id));
                }
                Ok(tx.record_audit_of(Some(&operator), &audit)?)
            })
            .await
    }

    /// Sends an event of type `webhook.test` to this webhook alone; returns its id. What became of it stands among the
    /// deliveries a moment later.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`].
    pub async fn test(&self, actor: &Actor, id: &str) -> Result<String, Error> {
        actor.require(Right::Manage)?;
        let webhook = self.own(actor, id).await?;
        let now = self.clock.now();
        let address = Address::parse(&webhook.url, &self.rules).map_err(|error| Error::invalid("url", error))?;
        let event = format!("evt_{}", hex::encode(self.draw::<16>()));
        let (lane, function) = (lane_of(&webhook.id, "test"), function_of(&webhook.id));
        let (recipient, body) = (address.origin().authority(), message::test_body(&event, now));
        let operator = webhook.operator;
        let audit = entry(actor.name(), "test webhook", webhook.id.clone(), now);
        self.store
            .run_tx("test webhook", move |tx| {
                tx.enqueue(&NewMessage {
                    lane: lane.clone(),
                    function: function.clone(),
                    recipient: Recipient::Server(recipient.clone()),
                    body: Zeroizing::new(body.clone()),
                    at: now,
                    not_before: now,
                })?;
                Ok::<_, Error>(tx.record_audit_of(Some(&operator), &audit)?)
            })
            .await?;
        Ok(event)
    }

    /// The last attempts, the newest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`].
    pub async fn deliveries(&self, actor: &Actor, id: &str, limit: u32) -> Result<Vec<Delivery>, Error> {
        actor.require(Right::Read)?;
        let webhook = self.own(actor, id).await?;
        Ok(self.store.webhook_deliveries(&webhook.id, limit.min(MOST_DELIVERIES)).await?)
    }

    /// A webhook that the actor may see.
    async fn own(&self, actor: &Actor, id: &str) -> Result<rsp_store::Webhook, Error> {
        let found = self.store.webhook(id).await?;
        found
            .filter(|webhook| actor.sees(Some(&webhook.operator)))
            .ok_or_else(|| Error::not_found(WEBHOOK, printable(id, 64)))
    }

    async fn shown(&self, webhook: rsp_store::Webhook, now: Timestamp) -> Result<WebhookShown, Error> {
        let secrets = self.store.webhook_secrets(&webhook.id, now).await?;
        let last = self.store.webhook_deliveries(&webhook.id, 1).await?.pop();
        // One that the rules do not allow any more is shown without anything that could be a secret.
        let url = Address::parse(&webhook.url, &self.rules).map(|address| address.shown());
        Ok(WebhookShown {
            url: url.unwrap_or_else(|error| format!("(not called: {error})")),
            id: webhook.id,
            operator: webhook.operator,
            kinds: webhook.kinds,
            secrets: secrets.into_iter().map(|(secret, _)| secret).collect(),
            created_at: webhook.created_at,
            created_by: webhook.created_by,
            attempts: webhook.attempts,
            delivered: webhook.delivered,
            given_up: webhook.given_up,
            last,
        })
    }

    async fn audit(&self, operator: &str, entry: AuditEntry) -> Result<(), Error> {
        let operator = operator.to_owned();
        self.store.run_tx("audit webhooks", move |tx| Ok(tx.record_audit_of(Some(&operator), &entry)?)).await
    }

    fn draw<const N: usize>(&self) -> [u8; N] {
        let mut drawn = [0; N];
        self.randomness.clone().fill(&mut drawn);
        drawn
    }

    fn draw_secret(&self) -> Zeroizing<String> {
        let mut drawn = Zeroizing::new([0; 32]);
        self.randomness.clone().fill(&mut *drawn);
        let digits = Zeroizing::new(hex::encode(*drawn));
        Zeroizing::new(format!("whsec_{}", *digits))
    }
}

/// The lane of the outbox in which messages about one thing go to a webhook one after the other.
fn lane_of(id: &str, about: &str) -> String {
    format!("{PREFIX}{id} {about}")
}

/// What the outbox calls the delivery to a webhook.
fn function_of(id: &str) -> String {
    format!("{PREFIX}{id}")
}

/// The webhook to which a message of the outbox goes, if it goes to one.
pub fn webhook_of(function: &str) -> Option<&str> {
    function.strip_prefix(PREFIX)
}

/// A URL that was refused, without what could be a secret in it.
fn without_secrets(url: &str) -> String {
    let place = url.split(['?', '#']).next().unwrap_or_default();
    printable(place.rsplit('@').next().unwrap_or_default(), 100)
}

fn entry(actor: &str, action: &str, subject: String, at: Timestamp) -> AuditEntry {
    AuditEntry { at, actor: actor.to_owned(), action: action.to_owned(), subject }
}

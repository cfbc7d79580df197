//! Webhooks: where an operator's events go, with which secrets they are signed, and what became of the last attempts.

use rsp_asn1::{Eid, Iccid, Timestamp};
use rusqlite::{Row, params};
use zeroize::Zeroizing;

use crate::crypter::Crypter;
use crate::datastore::Datastore;
use crate::error::Error;
use crate::journal::{Event, EventKind};
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "webhooks";
const SECRETS: &str = "webhook_secrets";
const DELIVERIES: &str = "webhook_deliveries";
/// Attempts of each webhook that are remembered.
const REMEMBERED: i64 = 500;

/// Where an operator's events go. Holds the URL, which may be a secret: no `Debug`.
pub struct Webhook {
    /// Names it; nobody guesses it.
    pub id: String,
    /// Whose it is.
    pub operator: String,
    /// The whole URL.
    pub url: Zeroizing<String>,
    /// The kinds of events that it gets.
    pub kinds: Vec<EventKind>,
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
}

/// A webhook to be added.
pub struct NewWebhook {
    /// Names it.
    pub id: String,
    /// Whose it is.
    pub operator: String,
    /// The whole URL; sealed on its way in.
    pub url: Zeroizing<String>,
    /// The kinds of events that it gets.
    pub kinds: Vec<EventKind>,
    /// Its first secret; sealed on its way in.
    pub secret: Zeroizing<String>,
    /// Now.
    pub at: Timestamp,
    /// Who adds it.
    pub by: String,
}

/// One secret of a webhook, without the secret itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookSecret {
    /// Its number among those of the webhook.
    pub number: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When nothing is signed with it any more.
    pub expires_at: Option<Timestamp>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryOutcome {
    /// It has arrived.
    Delivered,
    /// It has not, and is tried again.
    Failed,
    /// It has not, and is not tried again.
    GivenUp,
}

impl DeliveryOutcome {
    const ALL: [Self; 3] = [Self::Delivered, Self::Failed, Self::GivenUp];

    /// Its name in the database and in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::GivenUp => "given-up",
        }
    }
}

/// One attempt to deliver an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The event, as the receiver knows it.
    pub event_id: String,
    /// What the event is about.
    pub kind: EventKind,
    /// About which profile.
    pub iccid: Option<Iccid>,
    /// The how manyth attempt of this event it was.
    pub attempt: u32,
    /// When.
    pub at: Timestamp,
    /// How long it took.
    pub milliseconds: u32,
    /// Status of HTTP, if there was an answer.
    pub status: Option<u16>,
    /// Why it failed.
    pub problem: Option<String>,
    /// How it ended.
    pub outcome: DeliveryOutcome,
}

/// What is told of a profile beside an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventSubject {
    /// The eUICC of the order.
    pub eid: Option<Eid>,
    /// What the one who ordered it calls it.
    pub reference: Option<String>,
    /// The device that it is for.
    pub device_id: Option<String>,
    /// The carrier of the plan.
    pub carrier: Option<String>,
    /// The plan.
    pub plan: Option<String>,
}

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT id, operator, url, kinds, created_at, created_by, attempts, delivered, given_up FROM webhooks ",
            $condition
        )
    };
}

impl Datastore {
    /// The webhook of this name.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn webhook(&self, id: &str) -> Result<Option<Webhook>, Error> {
        self.first(select!("WHERE id = $1"), params![id], |row| webhook(row, self.crypter()))
    }

    /// The webhooks of an operator, or of all, the oldest first.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn webhooks(&self, operator: Option<&str>) -> Result<Vec<Webhook>, Error> {
        let read = |row: &Row<'_>| webhook(row, self.crypter());
        match operator {
            Some(operator) => self.all(select!("WHERE operator = $1 ORDER BY created_at, id"), params![operator], read),
            None => self.all(select!("ORDER BY operator, created_at, id"), &[], read),
        }
    }

    /// The secrets of a webhook that count at `now`, the oldest first.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn webhook_secrets(
        &self,
        id: &str,
        now: Timestamp,
    ) -> Result<Vec<(WebhookSecret, Zeroizing<String>)>, Error> {
        let text = "SELECT number, secret, created_at, expires_at FROM webhook_secrets \
                    WHERE webhook = $1 AND (expires_at IS NULL OR expires_at > $2) ORDER BY number";
        self.all(text, params![id, now.0], |row| {
            let columns = Columns::new(row, SECRETS);
            let number: i64 = columns.get("number")?;
            let opened = columns.sealed(self.crypter(), &secret_key(id, number), "secret")?;
            let secret = std::str::from_utf8(&opened).map_err(|_| columns.invalid("secret"))?;
            let shown = WebhookSecret {
                number,
                created_at: columns.timestamp("created_at")?,
                expires_at: columns.get::<Option<i64>>("expires_at")?.map(Timestamp),
            };
            Ok((shown, Zeroizing::new(secret.to_owned())))
        })
    }

    /// The last attempts of a webhook, the newest first.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn webhook_deliveries(&self, id: &str, limit: u32) -> Result<Vec<Delivery>, Error> {
        let text = "SELECT event_id, kind, iccid, attempt, at, milliseconds, status, problem, outcome \
                    FROM webhook_deliveries WHERE webhook = $1 ORDER BY number DESC LIMIT $2";
        self.all(text, params![id, limit], delivery)
    }

    /// Whether there are events that were not handed to webhooks yet.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn is_webhook_behind(&self) -> Result<bool, Error> {
        let text = "SELECT 1 FROM events WHERE number > (SELECT number FROM webhook_cursor WHERE id = 1) LIMIT 1";
        Ok(self.first(text, &[], |_| Ok(()))?.is_some())
    }
}

impl Transaction {
    /// Adds a webhook with its first secret. It gets what happens from now on.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when there is one of this name.
    pub fn insert_webhook(&mut self, new: &NewWebhook) -> Result<(), Error> {
        let url = self.crypter.seal(TABLE, new.id.as_bytes(), "url", new.url.as_bytes())?;
        let kinds: Vec<_> = new.kinds.iter().map(|kind| kind.as_str()).collect();
        sqlite::execute(
            &self.connection,
            "INSERT INTO webhooks (id, operator, url, kinds, after, created_at, created_by) \
             VALUES ($1, $2, $3, $4, (SELECT coalesce(max(number), 0) FROM events), $5, $6)",
            params![new.id, new.operator, url, kinds.join(" "), new.at.0, new.by],
        )
        .map_err(|error| error.naming_duplicate("webhook"))?;
        self.insert_secret(&new.id, &new.secret, new.at)
    }

    /// How many webhooks an operator has.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn webhooks_of(&mut self, operator: &str) -> Result<u32, Error> {
        let text = "SELECT count(*) AS number FROM webhooks WHERE operator = $1";
        let read = |row: &Row<'_>| Columns::new(row, TABLE).unsigned("number");
        Ok(sqlite::first(&self.connection, text, params![operator], read)?.unwrap_or_default())
    }

    /// Gives a webhook one more secret. The others count until `overlap_end`, or until their own end, if that is earlier.
    /// Those that have expired at `now` are deleted.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn rotate_secret(
        &mut self,
        id: &str,
        secret: &str,
        now: Timestamp,
        overlap_end: Timestamp,
    ) -> Result<(), Error> {
        let text = "UPDATE webhook_secrets SET expires_at = min(coalesce(expires_at, $2), $2) WHERE webhook = $1";
        sqlite::execute(&self.connection, text, params![id, overlap_end.0])?;
        // The new one first, so that its number was never given before.
        self.insert_secret(id, secret, now)?;
        let text = "DELETE FROM webhook_secrets WHERE webhook = $1 AND expires_at <= $2";
        sqlite::execute(&self.connection, text, params![id, now.0]).map(drop)
    }

    /// How many secrets of a webhook count at `now`.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn valid_secrets(&mut self, id: &str, now: Timestamp) -> Result<u32, Error> {
        let text = "SELECT count(*) AS number FROM webhook_secrets \
                    WHERE webhook = $1 AND (expires_at IS NULL OR expires_at > $2)";
        let read = |row: &Row<'_>| Columns::new(row, SECRETS).unsigned("number");
        Ok(sqlite::first(&self.connection, text, params![id, now.0], read)?.unwrap_or_default())
    }

    /// Removes a webhook with its secrets, its deliveries and what waits for it. `lanes` is how its lanes in the outbox begin.
    /// False when there is none.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn delete_webhook(&mut self, id: &str, lanes: &str) -> Result<bool, Error> {
        let text = "DELETE FROM outbox WHERE lane >= $1 AND lane < $1 || char(1114111)";
        sqlite::execute(&self.connection, text, params![lanes])?;
        Ok(sqlite::execute(&self.connection, "DELETE FROM webhooks WHERE id = $1", params![id])? == 1)
    }

    /// Passes over events that no webhook wants, because all were added later, or there is none.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn skip_unwanted_events(&mut self) -> Result<(), Error> {
        let text = "UPDATE webhook_cursor SET number = max(number, coalesce((SELECT min(after) FROM webhooks), \
                    (SELECT max(number) FROM events), 0)) WHERE id = 1";
        sqlite::execute(&self.connection, text, &[]).map(drop)
    }

    /// Events that were not handed to webhooks yet, in their order, and at most `limit`.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn events_for_webhooks(&mut self, limit: u32) -> Result<Vec<Event>, Error> {
        let text = concat!(
            "SELECT number, at, operator, iccid, profile_type, kind, actor, from_state, to_state, step, subject, reason, ",
            "seconds, detail FROM events WHERE number > (SELECT number FROM webhook_cursor WHERE id = 1) ",
            "ORDER BY number LIMIT $1"
        );
        sqlite::all(&self.connection, text, params![limit], crate::journal::event)
    }

    /// All events up to this one have been handed to webhooks.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn move_webhook_cursor(&mut self, number: i64) -> Result<(), Error> {
        let text = "UPDATE webhook_cursor SET number = $1 WHERE id = 1 AND number < $1";
        sqlite::execute(&self.connection, text, params![number]).map(drop)
    }

    /// The webhooks that get an event.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn webhooks_for(&mut self, operator: &str, event: &Event) -> Result<Vec<Webhook>, Error> {
        let text = select!("WHERE operator = $1 AND after < $2 ORDER BY created_at, id");
        let read = |row: &Row<'_>| webhook(row, &self.crypter);
        let all = sqlite::all(&self.connection, text, params![operator, event.number], read)?;
        Ok(all.into_iter().filter(|webhook| webhook.kinds.contains(&event.kind)).collect())
    }

    /// What is told of a profile of an operator beside its events.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn event_subject(&mut self, operator: &str, iccid: &Iccid) -> Result<EventSubject, Error> {
        let text = "SELECT eid, reference, device_id, carrier, plan FROM esims WHERE operator = $1 AND iccid = $2";
        let sold = sqlite::first(&self.connection, text, params![operator, iccid.0], |row| {
            let columns = Columns::new(row, "esims");
            Ok(EventSubject {
                eid: columns.optional_eid("eid")?,
                reference: columns.get("reference")?,
                device_id: columns.get("device_id")?,
                carrier: columns.get("carrier")?,
                plan: columns.get("plan")?,
            })
        })?;
        let text = "SELECT eid FROM profiles WHERE iccid = $2 AND operator = $1";
        let of_order = sqlite::first(&self.connection, text, params![operator, iccid.0], |row| {
            Columns::new(row, "profiles").optional_eid("eid")
        })?;
        let sold = sold.unwrap_or_default();
        Ok(EventSubject { eid: of_order.flatten().or(sold.eid), ..sold })
    }

    /// Notes an attempt in the place of the oldest one, and counts it. False when the webhook is gone.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn record_delivery(&mut self, id: &str, delivery: &Delivery) -> Result<bool, Error> {
        let (delivered, given_up) = match delivery.outcome {
            DeliveryOutcome::Delivered => (1, 0),
            DeliveryOutcome::Failed => (0, 0),
            DeliveryOutcome::GivenUp => (0, 1),
        };
        let text = "UPDATE webhooks SET attempts = attempts + 1, delivered = delivered + $2, given_up = given_up + $3 \
                    WHERE id = $1 RETURNING attempts";
        let counted: Option<i64> =
            sqlite::first(&self.connection, text, params![id, delivered, given_up], |row| Ok(row.get(0)?))?;
        let Some(number) = counted else { return Ok(false) };
        sqlite::execute(
            &self.connection,
            "INSERT OR REPLACE INTO webhook_deliveries (webhook, place, number, event_id, kind, iccid, attempt, at, \
             milliseconds, status, problem, outcome) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            params![
                id,
                number % REMEMBERED,
                number,
                delivery.event_id,
                delivery.kind.as_str(),
                delivery.iccid.map(|iccid| iccid.0),
                delivery.attempt,
                delivery.at.0,
                delivery.milliseconds,
                delivery.status,
                delivery.problem,
                delivery.outcome.as_str()
            ],
        )?;
        Ok(true)
    }

    fn insert_secret(&mut self, id: &str, secret: &str, now: Timestamp) -> Result<(), Error> {
        let text = "SELECT coalesce(max(number), 0) + 1 FROM webhook_secrets WHERE webhook = $1";
        let number: i64 = sqlite::first(&self.connection, text, params![id], |row| Ok(row.get(0)?))?.unwrap_or(1);
        let sealed = self.crypter.seal(SECRETS, &secret_key(id, number), "secret", secret.as_bytes())?;
        let text = "INSERT INTO webhook_secrets (webhook, number, secret, created_at) VALUES ($1, $2, $3, $4)";
        sqlite::execute(&self.connection, text, params![id, number, sealed, now.0]).map(drop)
    }
}

fn webhook(row: &Row<'_>, crypter: &Crypter) -> Result<Webhook, Error> {
    let columns = Columns::new(row, TABLE);
    let id: String = columns.get("id")?;
    let url = columns.sealed(crypter, id.as_bytes(), "url")?;
    let url = std::str::from_utf8(&url).map_err(|_| columns.invalid("url"))?.to_owned();
    Ok(Webhook {
        id,
        operator: columns.get("operator")?,
        url: Zeroizing::new(url),
        kinds: columns.text("kinds")?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?,
        created_at: columns.timestamp("created_at")?,
        created_by: columns.get("created_by")?,
        attempts: columns.count("attempts")?,
        delivered: columns.count("delivered")?,
        given_up: columns.count("given_up")?,
    })
}

fn delivery(row: &Row<'_>) -> Result<Delivery, Error> {
    let columns = Columns::new(row, DELIVERIES);
    let status = columns.get::<Option<i64>>("status")?.map(u16::try_from).transpose();
    let outcome = columns.text("outcome")?;
    let outcome = DeliveryOutcome::ALL.into_iter().find(|known| known.as_str() == outcome);
    Ok(Delivery {
        event_id: columns.get("event_id")?,
        kind: columns.text("kind")?.parse()?,
        iccid: columns.optional_iccid("iccid")?,
        attempt: columns.unsigned("attempt")?,
        at: columns.timestamp("at")?,
        milliseconds: columns.unsigned("milliseconds")?,
        status: status.map_err(|_| columns.invalid("status"))?,
        problem: columns.get("problem")?,
        outcome: outcome.ok_or_else(|| columns.invalid("outcome"))?,
    })
}

/// Names the row of a secret for its seal.
fn secret_key(id: &str, number: i64) -> Vec<u8> {
    [&number.to_be_bytes(), id.as_bytes()].concat()
}

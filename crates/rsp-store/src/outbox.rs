//! Messages to other servers, written in the transaction of what they tell, delivered afterwards: at least once, and in
//! order within a lane.

use rsp_asn1::Timestamp;
use rusqlite::{ToSql, params};
use zeroize::Zeroizing;

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "outbox";

/// Who gets a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// The server at `HOST[:PORT]`.
    Server(String),
    /// An operator, at the endpoint that it has when the message goes out. Without one nothing is sent.
    Operator(String),
}

/// A message to be delivered.
pub struct NewMessage {
    /// Messages of the same lane are delivered one after the other.
    pub lane: String,
    /// The path of the function that it calls.
    pub function: String,
    /// Who gets it.
    pub recipient: Recipient,
    /// The body of the request; sealed on its way in.
    pub body: Zeroizing<Vec<u8>>,
    /// Now.
    pub at: Timestamp,
    /// It is not delivered before.
    pub not_before: Timestamp,
}

/// A message taken out to be delivered.
pub struct Message {
    /// Its lane.
    pub lane: String,
    /// Its place in the lane.
    number: i64,
    id: [u8; 16],
    /// The path of the function that it calls.
    pub function: String,
    /// Where it goes, `HOST[:PORT]`.
    pub recipient: String,
    /// The body of the request.
    pub body: Zeroizing<Vec<u8>>,
    /// How often it was taken out, this time included.
    pub attempts: u32,
    /// When it was written.
    pub created_at: Timestamp,
}

/// What is at the front of a lane.
pub enum Front {
    /// Nothing.
    Empty,
    /// A message that somebody else is delivering.
    Taken,
    /// A message, taken out.
    Message(Box<Message>),
}

/// A message that waits, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its lane.
    pub lane: String,
    /// The path of the function that it calls.
    pub function: String,
    /// Where it goes.
    pub recipient: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it is tried next.
    pub due_at: Timestamp,
    /// Why the last attempt failed.
    pub problem: Option<String>,
}

/// Statement text: messages by a condition, with the places where their recipients are now.
macro_rules! claimed {
    ($condition:expr) => {
        concat!(
            "SELECT m.lane, m.number, m.id, m.function, COALESCE(o.endpoint, m.recipient) AS recipient, m.body, \
             m.attempts + 1 AS attempts, m.created_at FROM outbox m LEFT JOIN operators o ON o.name = m.operator WHERE ",
            $condition
        )
    };
}

impl Datastore {
    /// Takes out messages that are due, at most one of each lane and `limit` in all. Until `lease_end` nobody else gets
    /// them; whoever does not settle them by then has them taken away.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn claim_messages(
        &self,
        now: Timestamp,
        lease_end: Timestamp,
        limit: u32,
    ) -> Result<Vec<Message>, Error> {
        let due = "SELECT 1 FROM outbox WHERE due_at <= $1 LIMIT 1";
        if self.first(due, params![now.0], |_| Ok(()))?.is_none() {
            return Ok(Vec::new());
        }
        self.run_tx("claim messages", move |tx| {
            tx.claim(
                claimed!(
                    "m.due_at <= $1 AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.lane = m.lane AND e.number < m.number) \
                     ORDER BY m.due_at, m.lane LIMIT $2"
                ),
                params![now.0, limit],
                lease_end,
            )
        })
        .await
    }

    /// Takes out the first message of a lane, unless somebody else has; whenever it is due.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn claim_lane(&self, lane: &str, now: Timestamp, lease_end: Timestamp) -> Result<Front, Error> {
        let lane = lane.to_owned();
        self.run_tx("claim lane", move |tx| {
            let text = "SELECT attempts > 0 AND problem IS NULL AND due_at > $2 FROM outbox WHERE lane = $1 \
                        ORDER BY number LIMIT 1";
            match sqlite::first(&tx.connection, text, params![lane, now.0], |row| Ok(row.get(0)?))? {
                None => return Ok(Front::Empty),
                Some(true) => return Ok(Front::Taken),
                Some(false) => {}
            }
            let front = claimed!("m.lane = $1 ORDER BY m.number LIMIT 1");
            let first = tx.claim(front, params![lane], lease_end)?.into_iter().next();
            Ok(first.map_or(Front::Empty, |message| Front::Message(Box::new(message))))
        })
        .await
    }

    /// A message has arrived.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn message_delivered(&self, message: &Message) -> Result<(), Error> {
        let (lane, number, id, attempts) = (message.lane.clone(), message.number, message.id, message.attempts);
        self.run_tx("message delivered", move |tx| {
            let text = "DELETE FROM outbox WHERE lane = $1 AND number = $2 AND id = $3 AND attempts = $4";
            sqlite::execute(&tx.connection, text, params![lane, number, id, attempts]).map(drop)
        })
        .await
    }

    /// A message has not arrived; it is tried again at `retry_at`.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn message_failed(&self, message: &Message, retry_at: Timestamp, problem: &str) -> Result<(), Error> {
        let (lane, number, id, attempts) = (message.lane.clone(), message.number, message.id, message.attempts);
        let problem = problem.to_owned();
        self.run_tx("message failed", move |tx| {
            let text = "UPDATE outbox SET due_at = $5, problem = $6 \
                        WHERE lane = $1 AND number = $2 AND id = $3 AND attempts = $4";
            sqlite::execute(&tx.connection, text, params![lane, number, id, attempts, retry_at.0, problem]).map(drop)
        })
        .await
    }

    /// What waits to be delivered, in the order in which it was written.
    pub async fn waiting_messages(&self) -> Result<Vec<Waiting>, Error> {
        self.all(
            "SELECT lane, function, recipient, attempts, created_at, due_at, problem FROM outbox \
             ORDER BY created_at, lane, number",
            &[],
            |row| {
                let columns = Columns::new(row, TABLE);
                Ok(Waiting {
                    lane: columns.get("lane")?,
                    function: columns.get("function")?,
                    recipient: columns.get("recipient")?,
                    attempts: columns.unsigned("attempts")?,
                    created_at: columns.timestamp("created_at")?,
                    due_at: columns.timestamp("due_at")?,
                    problem: columns.get("problem")?,
                })
            },
        )
    }
}

impl Transaction {
    /// Writes a message behind those of its lane. One to an operator without endpoint is not written.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn enqueue(&mut self, new: &NewMessage) -> Result<(), Error> {
        let (operator, recipient) = match &new.recipient {
            Recipient::Server(address) => (None, address.clone()),
            Recipient::Operator(name) => {
                let text = "SELECT endpoint FROM operators WHERE name = $1 AND endpoint IS NOT NULL";
                let endpoint = sqlite::first(&self.connection, text, params![name], |row| Ok(row.get(0)?))?;
                let Some(endpoint) = endpoint else { return Ok(()) };
                (Some(name), endpoint)
            }
        };
        let text = "SELECT COALESCE(MAX(number), 0) + 1 FROM outbox WHERE lane = $1";
        let number: i64 = sqlite::first(&self.connection, text, params![new.lane], |row| Ok(row.get(0)?))?.unwrap_or(1);
        let sealed = self.crypter.seal(TABLE, &row_key(&new.lane, number), "body", &new.body)?;
        sqlite::execute(
            &self.connection,
            "INSERT INTO outbox (lane, number, id, function, operator, recipient, body, created_at, attempts, due_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9)",
            params![
                new.lane,
                number,
                self.crypter.draw_id(),
                new.function,
                operator,
                recipient,
                sealed,
                new.at.0,
                new.not_before.0
            ],
        )?;
        Ok(())
    }

    /// Whether anything waits in a lane.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn is_message_waiting(&mut self, lane: &str) -> Result<bool, Error> {
        let text = "SELECT 1 FROM outbox WHERE lane = $1 LIMIT 1";
        Ok(sqlite::first(&self.connection, text, params![lane], |_| Ok(()))?.is_some())
    }

    /// Takes back what waits in a lane; returns how many messages that were.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn retract_messages(&mut self, lane: &str) -> Result<usize, Error> {
        sqlite::execute(&self.connection, "DELETE FROM outbox WHERE lane = $1", params![lane])
    }

    /// Takes out what `query` finds.
    fn claim(&mut self, query: &str, parameters: &[&dyn ToSql], lease_end: Timestamp) -> Result<Vec<Message>, Error> {
        let messages = sqlite::all(&self.connection, query, parameters, |row| {
            let columns = Columns::new(row, TABLE);
            let (lane, number): (String, i64) = (columns.get("lane")?, columns.get("number")?);
            let body = columns.sealed(&self.crypter, &row_key(&lane, number), "body")?;
            Ok(Message {
                lane,
                number,
                id: columns.get("id")?,
                function: columns.get("function")?,
                recipient: columns.get("recipient")?,
                body,
                attempts: columns.unsigned("attempts")?,
                created_at: columns.timestamp("created_at")?,
            })
        })?;
        for message in &messages {
            let text = "UPDATE outbox SET due_at = $3, attempts = $4, problem = NULL WHERE lane = $1 AND number = $2";
            let parameters = params![message.lane, message.number, lease_end.0, message.attempts];
            sqlite::execute(&self.connection, text, parameters)?;
        }
        Ok(messages)
    }
}

/// Names the row for its seal.
fn row_key(lane: &str, number: i64) -> Vec<u8> {
    [&number.to_be_bytes(), lane.as_bytes()].concat()
}

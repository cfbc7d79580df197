//! Messages to other servers, written in the transaction of what they tell, delivered afterwards: at least once, and in
//! order within a lane.

use rsp_asn1::Timestamp;
use rusqlite::{Connection, params};
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
    /// Of how many earlier attempts it is known that the recipient did not execute them.
    unexecuted: u32,
    /// When it was written.
    pub created_at: Timestamp,
}

impl Message {
    /// Whether an earlier attempt may have been executed: its answer was lost, or is not known.
    pub fn is_possibly_executed(&self) -> bool {
        self.attempts > self.unexecuted + 1
    }
}

/// How many messages may be taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// At once.
    pub all: u32,
    /// Of one recipient, those that are under way included.
    pub each: u32,
}

impl From<u32> for Room {
    /// For whatever recipients.
    fn from(all: u32) -> Self {
        Self { all, each: u32::MAX }
    }
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
    /// Where it goes; empty if it is for an operator that has no endpoint any more.
    pub recipient: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it is tried next.
    pub due_at: Timestamp,
    /// Why the last attempt failed.
    pub problem: Option<String>,
    /// Whether an earlier one of its lane must be delivered before it is tried.
    pub behind: bool,
}

/// Statement text: where a message goes now; NULL for an operator without endpoint.
macro_rules! recipient {
    () => {
        "CASE WHEN m.operator IS NULL THEN m.recipient ELSE o.endpoint END"
    };
}

/// Statement text: messages, with what is known of their operators.
macro_rules! addressed {
    () => {
        "FROM outbox m LEFT JOIN operators o ON o.name = m.operator"
    };
}

// It takes the statement texts above.
mod giving_up;

/// Statement text: the first message of a lane `$1`, if it can go anywhere.
const FRONT: &str = concat!(
    "SELECT m.lane, m.number, m.id, m.function, ",
    recipient!(),
    " AS recipient, m.body, m.attempts + 1 AS attempts, m.unexecuted, m.created_at ",
    addressed!(),
    " WHERE m.lane = $1 AND m.front = 1 AND (m.operator IS NULL OR o.endpoint IS NOT NULL)"
);

/// Statement text: the recipient after `$1` for whom anything waits.
const NEXT_ADDRESSEE: &str = "SELECT MIN(addressee) FROM outbox WHERE front = 1 AND addressee > $1";

/// Statement text: how many messages are under way to `$1` at the time `$2`.
const UNDER_WAY: &str =
    "SELECT COUNT(*) FROM outbox WHERE attempts > 0 AND problem IS NULL AND addressee = $1 AND due_at > $2";

/// Statement text: the first `$3` lanes to `$1` that are due at the time `$2`.
const DUE: &str = "SELECT due_at, lane FROM outbox WHERE front = 1 AND addressee = $1 AND due_at <= $2 \
                   ORDER BY due_at, lane LIMIT $3";

impl Datastore {
    /// Takes out messages that are due, at most one of each lane and as many as there is room for. Until `lease_end` nobody
    /// else gets them; whoever has neither settled them by then nor renewed the lease has them taken away.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn claim_messages(
        &self,
        now: Timestamp,
        lease_end: Timestamp,
        room: impl Into<Room>,
    ) -> Result<Vec<Message>, Error> {
        let room = room.into();
        // Looked for outside of a transaction: mostly there is nothing.
        if self.read(|connection| due_lanes(connection, now, room))?.is_empty() {
            return Ok(Vec::new());
        }
        self.run_tx("claim messages", move |tx| {
            let mut messages = Vec::new();
            for lane in due_lanes(&tx.connection, now, room)? {
                messages.extend(tx.claim(&lane, lease_end)?);
            }
            Ok(messages)
        })
        .await
    }

    /// Keeps a message that is under way until `lease_end`. False when it is not the taker's any more.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn renew_lease(&self, message: &Message, lease_end: Timestamp) -> Result<bool, Error> {
        let (lane, number, id, attempts) = (message.lane.clone(), message.number, message.id, message.attempts);
        self.run_tx("renew lease", move |tx| {
            let text = "UPDATE outbox SET due_at = $5 \
                        WHERE lane = $1 AND number = $2 AND id = $3 AND attempts = $4 AND problem IS NULL";
            let renewed = sqlite::execute(&tx.connection, text, params![lane, number, id, attempts, lease_end.0])?;
            Ok(renewed == 1)
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
            let first = tx.claim(&lane, lease_end)?;
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

    /// The attempt under way was not executed by the recipient: it refused it, or was never asked.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn message_unexecuted(&self, message: &Message) -> Result<(), Error> {
        let (lane, number, id, attempts) = (message.lane.clone(), message.number, message.id, message.attempts);
        self.run_tx("message unexecuted", move |tx| {
            let text = "UPDATE outbox SET unexecuted = unexecuted + 1 \
                        WHERE lane = $1 AND number = $2 AND id = $3 AND attempts = $4";
            sqlite::execute(&tx.connection, text, params![lane, number, id, attempts]).map(drop)
        })
        .await
    }

    /// What waits to be delivered, in the order in which it was written.
    pub async fn waiting_messages(&self) -> Result<Vec<Waiting>, Error> {
        self.all(
            concat!(
                "SELECT m.lane, m.function, COALESCE(",
                recipient!(),
                ", '') AS recipient, m.attempts, m.created_at, m.due_at, m.problem, m.front ",
                addressed!(),
                " ORDER BY m.created_at, m.lane, m.number"
            ),
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
                    behind: !columns.get::<bool>("front")?,
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
            "INSERT INTO outbox (lane, number, id, function, operator, recipient, body, created_at, attempts, due_at, front) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $2 = 1)",
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

    /// Makes due at `now` what has failed and waits for its next attempt; returns how many messages that were. What is under
    /// way stays with its taker, and what was not to be delivered yet is not.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn retry_messages(&mut self, now: Timestamp) -> Result<usize, Error> {
        let text = "UPDATE outbox SET due_at = $1 WHERE problem IS NOT NULL AND due_at > $1";
        sqlite::execute(&self.connection, text, params![now.0])
    }

    /// Takes back what waits in a lane; returns how many messages that were.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn retract_messages(&mut self, lane: &str) -> Result<usize, Error> {
        sqlite::execute(&self.connection, "DELETE FROM outbox WHERE lane = $1", params![lane])
    }

    /// Takes out the first message of a lane, if it can go anywhere.
    fn claim(&mut self, lane: &str, lease_end: Timestamp) -> Result<Option<Message>, Error> {
        let message = sqlite::first(&self.connection, FRONT, params![lane], |row| {
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
                unexecuted: columns.unsigned("unexecuted")?,
                created_at: columns.timestamp("created_at")?,
            })
        })?;
        if let Some(message) = &message {
            let text = "UPDATE outbox SET due_at = $3, attempts = $4, problem = NULL WHERE lane = $1 AND number = $2";
            let parameters = params![message.lane, message.number, lease_end.0, message.attempts];
            sqlite::execute(&self.connection, text, parameters)?;
        }
        Ok(message)
    }
}

/// The lanes whose first messages are due: those of recipients with the least under way first, and the longest due. Each
/// recipient's are looked up apart from all others', so that one with many messages and no answers costs the others nothing.
fn due_lanes(connection: &Connection, now: Timestamp, room: Room) -> Result<Vec<String>, Error> {
    let mut due: Vec<(u32, i64, String)> = Vec::new();
    let mut last = String::new();
    while let Some(addressee) =
        sqlite::first(connection, NEXT_ADDRESSEE, params![last], |row| Ok(row.get::<_, Option<String>>(0)?))?.flatten()
    {
        let under_way = sqlite::first(connection, UNDER_WAY, params![addressee, now.0], |row| Ok(row.get(0)?))?;
        let mut rank = under_way.unwrap_or(0_u32);
        let free = room.each.saturating_sub(rank).min(room.all);
        due.extend(sqlite::all(connection, DUE, params![addressee, now.0, free], |row| {
            rank += 1;
            Ok((rank, row.get(0)?, row.get(1)?))
        })?);
        last = addressee;
    }
    due.sort_unstable();
    due.truncate(usize::try_from(room.all).unwrap_or(usize::MAX));
    Ok(due.into_iter().map(|(_, _, lane)| lane).collect())
}

/// Names the row for its seal.
fn row_key(lane: &str, number: i64) -> Vec<u8> {
    [&number.to_be_bytes(), lane.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::{DUE, NEXT_ADDRESSEE, UNDER_WAY};
    use crate::sqlite::{self, Access};

    #[test]
    fn what_is_due_is_found_without_a_look_at_what_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let mut connection = sqlite::connect(&dir.path().join("test.db"), Access::Create).unwrap();
        sqlite::migrate(&mut connection).unwrap();
        for (text, index) in [
            (NEXT_ADDRESSEE, "outbox_fronts (addressee>?)"),
            (DUE, "outbox_fronts (addressee=? AND due_at<?)"),
            (UNDER_WAY, "outbox_taken (addressee=? AND due_at>?)"),
        ] {
            let text = format!("EXPLAIN QUERY PLAN {text}");
            let plan: Vec<String> =
                sqlite::all(&connection, &text, params!["a", 1, 1], |row| Ok(row.get("detail")?)).unwrap();
            let search = plan.iter().any(|step| step.starts_with("SEARCH outbox") && step.ends_with(index));
            assert!(search && !plan.iter().any(|step| step.contains("B-TREE")), "{plan:?}");
        }
    }
}

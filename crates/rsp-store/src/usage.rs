//! What subscriptions used, what was added to their allowances, and until when they are valid.
//!
//! Counters are sums of what was reported, and move in the transaction of the report. They saturate: a sum that no counter
//! holds stays at the largest that one does.

use rsp_asn1::{Iccid, Timestamp};
use rusqlite::{Connection, Row, params};

use crate::datastore::Datastore;
use crate::error::Error;
use crate::plans::Plan;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "usage_counters";
const RECORDS: &str = "usage_records";
const TOP_UPS: &str = "top_ups";

/// Amounts of what a subscription uses. None is negative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Octets of data.
    pub data_bytes: i64,
    /// Seconds of calls.
    pub voice_seconds: i64,
    /// Messages.
    pub messages: i64,
}

impl Amounts {
    /// The sum, at most the largest that a counter holds.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            data_bytes: self.data_bytes.saturating_add(other.data_bytes),
            voice_seconds: self.voice_seconds.saturating_add(other.voice_seconds),
            messages: self.messages.saturating_add(other.messages),
        }
    }
}

/// A report of what a subscription used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRecord {
    /// Whose subscription it is.
    pub operator: String,
    /// Its name, unique for the operator.
    pub id: String,
    /// The profile.
    pub iccid: Iccid,
    /// What was used.
    pub used: Amounts,
    /// When it was used.
    pub at: Timestamp,
    /// When the report came.
    pub received_at: Timestamp,
    /// From whom.
    pub received_from: String,
}

/// Something that is added to the allowance of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopUp {
    /// Whose subscription it is.
    pub operator: String,
    /// Its name, unique for the operator.
    pub id: String,
    /// The profile.
    pub iccid: Iccid,
    /// What is added.
    pub added: Amounts,
    /// Days by which the subscription is valid for longer.
    pub days: i64,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
}

/// The counters of a subscription.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageCounters {
    /// What was used.
    pub used: Amounts,
    /// What was added to the plan's allowance.
    pub added: Amounts,
    /// Days that were added to the plan's.
    pub added_days: i64,
    /// Since when the subscription is valid; without it, its days have not begun.
    pub valid_from: Option<Timestamp>,
    /// Until when it is valid.
    pub expires_at: Option<Timestamp>,
    /// When it is said next that this ends.
    pub warn_at: Option<Timestamp>,
}

/// A subscription whose end is to be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Whose it is.
    pub operator: String,
    /// The profile.
    pub iccid: Iccid,
    /// Until when it is valid.
    pub expires_at: Timestamp,
    /// When that was to be said.
    pub warn_at: Timestamp,
}

/// A subscription or an order, as far as usage is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageSubject {
    /// Whose it is.
    pub operator: String,
    /// The type of its profile.
    pub profile_type: String,
    /// What it was sold with; `None` for an order without a plan.
    pub plan: Option<Plan>,
}

/// Statement text: subscriptions, and orders that nobody sold by a plan.
const SUBJECTS: &str = "SELECT operator, profile_type, carrier, plan FROM esims WHERE iccid = $1 AND operator = $2 \
                        UNION ALL SELECT operator, profile_type, NULL, NULL FROM profiles \
                        WHERE iccid = $1 AND operator = $2 AND state <> 'Available' LIMIT 1";

/// Statement text: the operators that a profile may belong to.
const OWNERS: &str = "SELECT o.name FROM operators o JOIN esims e ON e.operator = o.name AND e.iccid = $1 \
                      UNION SELECT operator FROM profiles WHERE iccid = $1 AND operator IS NOT NULL";

impl Datastore {
    /// The subscription or order of an operator, or of whoever has it.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn usage_subject(&self, operator: Option<&str>, iccid: &Iccid) -> Result<Option<UsageSubject>, Error> {
        let operator = match operator {
            Some(operator) => operator.to_owned(),
            None => match self.all(OWNERS, params![iccid.0], |row| Ok(row.get::<_, String>(0)?))?.pop() {
                Some(operator) => operator,
                None => return Ok(None),
            },
        };
        let found = self.first(SUBJECTS, params![iccid.0, operator], |row| {
            let columns = Columns::new(row, "esims");
            let plan: Option<(String, String)> = columns.get::<Option<String>>("carrier")?.zip(columns.get("plan")?);
            Ok((columns.get("profile_type")?, plan))
        })?;
        let Some((profile_type, plan)) = found else { return Ok(None) };
        let plan = match plan {
            Some((carrier, name)) => self.plan(&operator, &carrier, &name).await?,
            None => None,
        };
        Ok(Some(UsageSubject { operator, profile_type, plan }))
    }

    /// The counters of a subscription; zero before anything was reported.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn usage_counters(&self, operator: &str, iccid: &Iccid) -> Result<UsageCounters, Error> {
        self.read(|connection| counters_of(connection, operator, iccid))
    }

    /// What was added to a subscription, the newest first.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn top_ups(&self, operator: &str, iccid: &Iccid, limit: u32) -> Result<Vec<TopUp>, Error> {
        let text = "SELECT operator, id, iccid, data_bytes, voice_seconds, messages, days, at, by FROM top_ups \
                    WHERE operator = $1 AND iccid = $2 ORDER BY at DESC, id LIMIT $3";
        self.all(text, params![operator, iccid.0, limit], top_up)
    }

    /// Subscriptions of whose end is to be told at `now`, those that are due longest first.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn endings(&self, now: Timestamp, limit: u32) -> Result<Vec<Ending>, Error> {
        let text = "SELECT operator, iccid, expires_at, warn_at FROM usage_counters \
                    WHERE warn_at IS NOT NULL AND warn_at <= $1 ORDER BY warn_at LIMIT $2";
        self.all(text, params![now.0, limit], |row| {
            let columns = Columns::new(row, TABLE);
            Ok(Ending {
                operator: columns.get("operator")?,
                iccid: columns.iccid("iccid")?,
                expires_at: columns.timestamp("expires_at")?,
                warn_at: columns.timestamp("warn_at")?,
            })
        })
    }
}

impl Transaction {
    /// The report of this name, if it came before.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn usage_record(&mut self, operator: &str, id: &str) -> Result<Option<UsageRecord>, Error> {
        let text = "SELECT operator, id, iccid, data_bytes, voice_seconds, messages, at, received_at, received_from \
                    FROM usage_records WHERE operator = $1 AND id = $2";
        sqlite::first(&self.connection, text, params![operator, id], |row| {
            let columns = Columns::new(row, RECORDS);
            Ok(UsageRecord {
                operator: columns.get("operator")?,
                id: columns.get("id")?,
                iccid: columns.iccid("iccid")?,
                used: amounts(&columns)?,
                at: columns.timestamp("at")?,
                received_at: columns.timestamp("received_at")?,
                received_from: columns.get("received_from")?,
            })
        })
    }

    /// Takes a report in, and moves the counters.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when the operator has a report of this name.
    pub fn insert_usage_record(&mut self, new: &UsageRecord) -> Result<(), Error> {
        sqlite::execute(
            &self.connection,
            "INSERT INTO usage_records (operator, id, iccid, data_bytes, voice_seconds, messages, at, received_at, \
             received_from) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            params![
                new.operator,
                new.id,
                new.iccid.0,
                new.used.data_bytes,
                new.used.voice_seconds,
                new.used.messages,
                new.at.0,
                new.received_at.0,
                new.received_from
            ],
        )
        .map_err(|error| error.naming_duplicate("usage record"))?;
        let counters = counters_of(&self.connection, &new.operator, &new.iccid)?;
        let counters = UsageCounters { used: counters.used.plus(new.used), ..counters };
        self.put_usage_counters(&new.operator, &new.iccid, &counters)
    }

    /// The top-up of this name, if it came before.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn top_up(&mut self, operator: &str, id: &str) -> Result<Option<TopUp>, Error> {
        let text = "SELECT operator, id, iccid, data_bytes, voice_seconds, messages, days, at, by FROM top_ups \
                    WHERE operator = $1 AND id = $2";
        sqlite::first(&self.connection, text, params![operator, id], top_up)
    }

    /// Takes a top-up in. The counters are the caller's to move.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when the operator has one of this name.
    pub fn insert_top_up(&mut self, new: &TopUp) -> Result<(), Error> {
        sqlite::execute(
            &self.connection,
            "INSERT INTO top_ups (operator, id, iccid, data_bytes, voice_seconds, messages, days, at, by) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            params![
                new.operator,
                new.id,
                new.iccid.0,
                new.added.data_bytes,
                new.added.voice_seconds,
                new.added.messages,
                new.days,
                new.at.0,
                new.by
            ],
        )
        .map_err(|error| error.naming_duplicate("top-up"))?;
        Ok(())
    }

    /// The counters of a subscription, as this transaction sees them.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn usage_counters(&mut self, operator: &str, iccid: &Iccid) -> Result<UsageCounters, Error> {
        counters_of(&self.connection, operator, iccid)
    }

    /// Writes the counters of a subscription.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn put_usage_counters(&mut self, operator: &str, iccid: &Iccid, counters: &UsageCounters) -> Result<(), Error> {
        sqlite::execute(
            &self.connection,
            "INSERT INTO usage_counters (operator, iccid, data_bytes, voice_seconds, messages, added_data_bytes, \
             added_voice_seconds, added_messages, added_days, valid_from, expires_at, warn_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
             ON CONFLICT (operator, iccid) DO UPDATE SET data_bytes = $3, voice_seconds = $4, messages = $5, \
             added_data_bytes = $6, added_voice_seconds = $7, added_messages = $8, added_days = $9, valid_from = $10, \
             expires_at = $11, warn_at = $12",
            params![
                operator,
                iccid.0,
                counters.used.data_bytes,
                counters.used.voice_seconds,
                counters.used.messages,
                counters.added.data_bytes,
                counters.added.voice_seconds,
                counters.added.messages,
                counters.added_days,
                counters.valid_from.map(|at| at.0),
                counters.expires_at.map(|at| at.0),
                counters.warn_at.map(|at| at.0)
            ],
        )?;
        Ok(())
    }

    /// The end of a subscription has been told of; it is told of next at `warn_at`. False when that was to be done at another
    /// time than `ending` says: somebody else was faster.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn ending_told(&mut self, ending: &Ending, warn_at: Option<Timestamp>) -> Result<bool, Error> {
        let text = "UPDATE usage_counters SET warn_at = $4 WHERE operator = $1 AND iccid = $2 AND warn_at = $3";
        let parameters = params![ending.operator, ending.iccid.0, ending.warn_at.0, warn_at.map(|at| at.0)];
        Ok(sqlite::execute(&self.connection, text, parameters)? == 1)
    }
}

fn counters_of(connection: &Connection, operator: &str, iccid: &Iccid) -> Result<UsageCounters, Error> {
    let text = "SELECT data_bytes, voice_seconds, messages, added_data_bytes, added_voice_seconds, added_messages, \
                added_days, valid_from, expires_at, warn_at FROM usage_counters WHERE operator = $1 AND iccid = $2";
    let found = sqlite::first(connection, text, params![operator, iccid.0], |row| {
        let columns = Columns::new(row, TABLE);
        let time = |column| Ok::<_, Error>(columns.get::<Option<i64>>(column)?.map(Timestamp));
        Ok(UsageCounters {
            used: amounts(&columns)?,
            added: Amounts {
                data_bytes: columns.get("added_data_bytes")?,
                voice_seconds: columns.get("added_voice_seconds")?,
                messages: columns.get("added_messages")?,
            },
            added_days: columns.get("added_days")?,
            valid_from: time("valid_from")?,
            expires_at: time("expires_at")?,
            warn_at: time("warn_at")?,
        })
    })?;
    Ok(found.unwrap_or_default())
}

fn amounts(columns: &Columns<'_>) -> Result<Amounts, Error> {
    Ok(Amounts {
        data_bytes: columns.get("data_bytes")?,
        voice_seconds: columns.get("voice_seconds")?,
        messages: columns.get("messages")?,
    })
}

fn top_up(row: &Row<'_>) -> Result<TopUp, Error> {
    let columns = Columns::new(row, TOP_UPS);
    Ok(TopUp {
        operator: columns.get("operator")?,
        id: columns.get("id")?,
        iccid: columns.iccid("iccid")?,
        added: amounts(&columns)?,
        days: columns.get("days")?,
        at: columns.timestamp("at")?,
        by: columns.get("by")?,
    })
}

//! Lists of orders that somebody uploaded, worked off one row after the other.
//!
//! A row is claimed before anything is ordered for it, and finished afterwards. One of which it is certain that nothing was sold
//! for it can be put back among those that wait; one that is found claimed by nobody, after a crash, may have been sold.

use std::fmt;

use rsp_asn1::{Eid, Iccid, Timestamp};
use rusqlite::{Row, params};

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "batches";
const ROWS: &str = "batch_rows";

/// Bits of a list's number below those of its second.
const CHANCE: u32 = 20;
/// Seconds since 1970 up to which numbers are exact in JSON, too (in the year 2242).
const LATEST: i64 = (1 << 33) - 1;

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchState {
    /// Nothing was done for it, or nothing came of it, and it is tried again.
    Waiting,
    /// Its order is under way.
    Working,
    /// It was sold.
    Done,
    /// It was not sold.
    Failed,
    /// It may have been sold; nobody knows.
    Unclear,
    /// Its batch was cancelled before anything was done for it.
    Cancelled,
}

impl BatchState {
    /// Every state.
    pub const ALL: [Self; 6] = [Self::Waiting, Self::Working, Self::Done, Self::Failed, Self::Unclear, Self::Cancelled];

    /// Its name in the database and in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Working => "working",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unclear => "unclear",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for BatchState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A list of orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its number; later ones are larger. It says when it was made, and not how many there are.
    pub number: i64,
    /// Whose it is.
    pub operator: String,
    /// Name of its file.
    pub name: String,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// Who did.
    pub created_by: String,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
}

/// A list of orders to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBatch {
    /// Whose it is.
    pub operator: String,
    /// Name of its file.
    pub name: String,
    /// Now.
    pub created_at: Timestamp,
    /// Who uploads it.
    pub created_by: String,
    /// Its orders.
    pub rows: Vec<NewBatchRow>,
}

/// One order of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBatchRow {
    /// Its line in the file.
    pub line: u32,
    /// The carrier.
    pub carrier: String,
    /// The plan.
    pub plan: String,
    /// The only eUICC that may download it.
    pub eid: Option<Eid>,
    /// The device that it is for.
    pub device_id: Option<String>,
    /// What the one who orders calls it.
    pub reference: Option<String>,
}

/// An order of a list, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRow {
    /// What was wanted.
    pub wanted: NewBatchRow,
    /// Where it stands.
    pub state: BatchState,
    /// What was sold.
    pub iccid: Option<Iccid>,
    /// Why nothing was, or is not yet.
    pub problem: Option<String>,
}

macro_rules! batches {
    ($rest:literal) => {
        concat!("SELECT number, operator, name, created_at, created_by, cancelled_at FROM batches ", $rest)
    };
}

macro_rules! rows {
    ($rest:literal) => {
        concat!(
            "SELECT batch, line, carrier, plan, eid, device_id, reference, state, iccid, problem FROM batch_rows ",
            $rest
        )
    };
}

impl Datastore {
    /// One list.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn batch(&self, number: i64) -> Result<Option<Batch>, Error> {
        self.first(batches!("WHERE number = $1"), params![number], batch)
    }

    /// The lists of an operator, or of all, the newest first, before a number.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn batches(&self, operator: Option<&str>, before: i64, limit: u32) -> Result<Vec<Batch>, Error> {
        match operator {
            Some(operator) => {
                let text = batches!("WHERE operator = $1 AND number < $2 ORDER BY number DESC LIMIT $3");
                self.all(text, params![operator, before, limit], batch)
            }
            None => {
                let text = batches!("WHERE number < $1 ORDER BY number DESC LIMIT $2");
                self.all(text, params![before, limit], batch)
            }
        }
    }

    /// The rows of a list behind a line.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn batch_rows(&self, number: i64, after: u32, limit: u32) -> Result<Vec<BatchRow>, Error> {
        let text = rows!("WHERE batch = $1 AND line > $2 ORDER BY line LIMIT $3");
        self.all(text, params![number, after, limit], batch_row)
    }

    /// How many rows of a list stand where.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn batch_progress(&self, number: i64) -> Result<Vec<(BatchState, u64)>, Error> {
        let text = "SELECT state, rows AS line FROM batch_counts WHERE batch = $1 AND rows > 0";
        self.all(text, params![number], |row| {
            let columns = Columns::new(row, ROWS);
            Ok((state(&columns)?, columns.count("line")?))
        })
    }

    /// The rows that are claimed, with the numbers of their lists: after a start nobody works on them any more.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn claimed_batch_rows(&self) -> Result<Vec<(i64, BatchRow)>, Error> {
        self.all(rows!("WHERE state = 'working' ORDER BY batch, line"), &[], |row| {
            Ok((Columns::new(row, ROWS).get("batch")?, batch_row(row)?))
        })
    }

    /// The subscription of an operator that somebody of this name ordered, if there is exactly one such.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn sold_by(&self, operator: &str, created_by: &str) -> Result<Option<Iccid>, Error> {
        let text = "SELECT iccid FROM esims WHERE operator = $1 AND created_by = $2 LIMIT 2";
        let sold = self.all(text, params![operator, created_by], |row| Columns::new(row, "esims").iccid("iccid"))?;
        Ok(<[Iccid; 1]>::try_from(sold).ok().map(|[iccid]| iccid))
    }
}

impl Transaction {
    /// Adds a list with its rows, which wait; returns its number.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when two rows have the same line.
    pub fn insert_batch(&mut self, new: &NewBatch) -> Result<i64, Error> {
        // Tenants see the numbers of their lists: counted together, they would tell each how many the others have.
        let text = "INSERT INTO batches (number, operator, name, created_at, created_by) \
                    SELECT max($5, coalesce(max(number), 0) + $6), $1, $2, $3, $4 FROM batches RETURNING number";
        let [high, middle, low, step, ..] = self.crypter.draw_id();
        let chance = i64::from(u32::from_be_bytes([0, high & 0x07, middle, low]));
        let from_time = new.created_at.0.clamp(0, LATEST) << CHANCE | chance;
        let parameters =
            params![new.operator, new.name, new.created_at.0, new.created_by, from_time, i64::from(step) + 1];
        let number = sqlite::first(&self.connection, text, parameters, |row| Columns::new(row, TABLE).get("number"))?
            .ok_or(Error::InvalidValue { table: TABLE, column: "number" })?;
        for row in &new.rows {
            let eid = row.eid.map(|eid| eid.0);
            sqlite::execute(
                &self.connection,
                "INSERT INTO batch_rows (batch, line, carrier, plan, eid, device_id, reference, state) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting')",
                params![number, row.line, row.carrier, row.plan, eid, row.device_id, row.reference],
            )
            .map_err(|error| error.naming_duplicate("line"))?;
        }
        Ok(number)
    }

    /// Claims the first row that waits in a list behind `after`, or from the first list on: lists take turns. Rows of an
    /// operator's carrier in `paused` are passed over. `None` when nothing else waits.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn claim_batch_row(
        &mut self,
        after: i64,
        paused: &[(String, String)],
    ) -> Result<Option<(i64, BatchRow)>, Error> {
        if !paused.is_empty() {
            return self.claim_batch_row_but(after, paused);
        }
        let text = "UPDATE batch_rows SET state = 'working' WHERE (batch, line) IN (SELECT batch, line FROM batch_rows \
                    WHERE state = 'waiting' AND batch > $1 ORDER BY batch, line LIMIT 1) \
                    RETURNING batch, line, carrier, plan, eid, device_id, reference, state, iccid, problem";
        for after in [after, i64::MIN] {
            let claimed = sqlite::first(&self.connection, text, params![after], |row| {
                Ok((Columns::new(row, ROWS).get("batch")?, batch_row(row)?))
            })?;
            if claimed.is_some() {
                return Ok(claimed);
            }
        }
        Ok(None)
    }

    fn claim_batch_row_but(
        &mut self,
        after: i64,
        paused: &[(String, String)],
    ) -> Result<Option<(i64, BatchRow)>, Error> {
        let text = "SELECT DISTINCT r.batch AS batch, b.operator AS operator, r.carrier AS carrier FROM batch_rows r \
                    JOIN batches b ON b.number = r.batch WHERE r.state = 'waiting' ORDER BY r.batch <= $1, r.batch";
        let carriers = sqlite::all(&self.connection, text, params![after], |row| {
            let columns = Columns::new(row, ROWS);
            Ok((columns.get::<i64>("batch")?, (columns.get("operator")?, columns.get("carrier")?)))
        })?;
        let Some((batch, (_, carrier))) = carriers.into_iter().find(|(_, carrier)| !paused.contains(carrier)) else {
            return Ok(None);
        };
        let text = "UPDATE batch_rows SET state = 'working' WHERE batch = $1 AND line = (SELECT line FROM batch_rows \
                    WHERE state = 'waiting' AND batch = $1 AND carrier = $2 ORDER BY line LIMIT 1) \
                    RETURNING batch, line, carrier, plan, eid, device_id, reference, state, iccid, problem";
        sqlite::first(&self.connection, text, params![batch, carrier], |row| Ok((batch, batch_row(row)?)))
    }

    /// Puts a row back that was claimed, and for which nothing was sold: it waits again, with a word on why; in a list that was
    /// cancelled meanwhile it is cancelled. False when it is not claimed.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn put_batch_row_back(&mut self, number: i64, line: u32, problem: Option<&str>) -> Result<bool, Error> {
        let text = "UPDATE batch_rows SET (state, problem) = (SELECT CASE WHEN cancelled_at IS NULL THEN 'waiting' \
                    ELSE 'cancelled' END, CASE WHEN cancelled_at IS NULL THEN $3 END FROM batches WHERE number = $1) \
                    WHERE batch = $1 AND line = $2 AND state = 'working'";
        Ok(sqlite::execute(&self.connection, text, params![number, line, problem])? == 1)
    }

    /// Writes what became of a row that was claimed. False when it is not.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn finish_batch_row(
        &mut self,
        number: i64,
        line: u32,
        state: BatchState,
        iccid: Option<Iccid>,
        problem: Option<&str>,
    ) -> Result<bool, Error> {
        let text = "UPDATE batch_rows SET state = $3, iccid = $4, problem = $5 \
                    WHERE batch = $1 AND line = $2 AND state = 'working'";
        let parameters = params![number, line, state.as_str(), iccid.map(|iccid| iccid.0), problem];
        Ok(sqlite::execute(&self.connection, text, parameters)? == 1)
    }

    /// Cancels what waits in a list; returns how many rows that are.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn cancel_batch(&mut self, number: i64, at: Timestamp) -> Result<usize, Error> {
        let text = "UPDATE batches SET cancelled_at = $2 WHERE number = $1 AND cancelled_at IS NULL";
        sqlite::execute(&self.connection, text, params![number, at.0])?;
        let text = "UPDATE batch_rows SET state = 'cancelled', problem = NULL WHERE batch = $1 AND state = 'waiting'";
        sqlite::execute(&self.connection, text, params![number])
    }
}

fn batch(row: &Row<'_>) -> Result<Batch, Error> {
    let columns = Columns::new(row, TABLE);
    Ok(Batch {
        number: columns.get("number")?,
        operator: columns.get("operator")?,
        name: columns.get("name")?,
        created_at: columns.timestamp("created_at")?,
        created_by: columns.get("created_by")?,
        cancelled_at: columns.get::<Option<i64>>("cancelled_at")?.map(Timestamp),
    })
}

fn batch_row(row: &Row<'_>) -> Result<BatchRow, Error> {
    let columns = Columns::new(row, ROWS);
    Ok(BatchRow {
        wanted: NewBatchRow {
            line: columns.unsigned("line")?,
            carrier: columns.get("carrier")?,
            plan: columns.get("plan")?,
            eid: columns.optional_eid("eid")?,
            device_id: columns.get("device_id")?,
            reference: columns.get("reference")?,
        },
        state: state(&columns)?,
        iccid: columns.optional_iccid("iccid")?,
        problem: columns.get("problem")?,
    })
}

fn state(columns: &Columns<'_>) -> Result<BatchState, Error> {
    let name = columns.text("state")?;
    BatchState::ALL.into_iter().find(|state| state.as_str() == name).ok_or_else(|| columns.invalid("state"))
}

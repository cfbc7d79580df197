//! Orders that are being placed at SM-DP+s, so that none is sold there of which nothing is known here.
//!
//! An intent is there before the first call of an order, and goes in the transaction that inserts the subscription. Whoever
//! finds one whose time has come claims it, and gives the order up. From then on nobody can go on with it: of the two only one
//! happens, whichever process does it.

use rsp_asn1::{Eid, Iccid, Timestamp};
use rusqlite::{Row, params};

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "intents";

/// An order that is being placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Names it: the functionCallIdentifiers of its calls begin so.
    pub call_id: String,
    /// Whose order it is.
    pub operator: String,
    /// The carrier, as the plan names it.
    pub carrier: String,
    /// The plan.
    pub plan: String,
    /// The type of profiles that is ordered.
    pub profile_type: String,
    /// Name of the SM-DP+ where it is ordered, in the configuration.
    pub smdp: String,
    /// The profile, from before ConfirmOrder on.
    pub iccid: Option<Iccid>,
    /// The only eUICC that may download it.
    pub eid: Option<Eid>,
    /// The device that it is for.
    pub device_id: Option<String>,
    /// What the one who orders calls it.
    pub reference: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// Who orders.
    pub created_by: String,
    /// When it is given up, or that is tried again.
    pub due_at: Timestamp,
    /// How often that was tried.
    pub attempts: u32,
    /// Why the last try failed.
    pub problem: Option<String>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT call_id, operator, carrier, plan, profile_type, smdp, iccid, eid, device_id, reference, created_at, \
             created_by, due_at, attempts, problem FROM intents ",
            $rest
        )
    };
}

const DUE: &str = select!("WHERE due_at <= $1 ORDER BY due_at LIMIT $2");

impl Datastore {
    /// All that are open, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn intents(&self, limit: u32) -> Result<Vec<Intent>, Error> {
        self.all(select!("ORDER BY created_at, call_id LIMIT $1"), params![limit], intent)
    }

    /// Those whose time has come, at most `limit`.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn due_intents(&self, now: Timestamp, limit: u32) -> Result<Vec<Intent>, Error> {
        self.all(DUE, params![now.0, limit], intent)
    }

    /// Whether an order that somebody of this name began is open: it is under way, or being given up. When none is, whatever
    /// that name has bought is a subscription.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn is_order_open(&self, operator: &str, created_by: &str) -> Result<bool, Error> {
        let text = "SELECT 1 FROM intents WHERE operator = $1 AND created_by = $2 LIMIT 1";
        Ok(self.first(text, params![operator, created_by], |_| Ok(()))?.is_some())
    }

    /// Whether a subscription of this ICCID was handed out, by whomever, and was not cancelled.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn is_handed_out(&self, iccid: &Iccid) -> Result<bool, Error> {
        let text = "SELECT 1 FROM operators o JOIN esims e ON e.operator = o.name AND e.iccid = $1 \
                    WHERE e.cancelled = 0 LIMIT 1";
        Ok(self.first(text, params![iccid.0], |_| Ok(()))?.is_some())
    }
}

impl Transaction {
    /// Adds one, which nobody has tried to give up.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when there is one of this name.
    pub fn insert_intent(&mut self, new: &Intent) -> Result<(), Error> {
        sqlite::execute(
            &self.connection,
            "INSERT INTO intents (call_id, operator, carrier, plan, profile_type, smdp, iccid, eid, device_id, reference, \
             created_at, created_by, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            params![
                new.call_id,
                new.operator,
                new.carrier,
                new.plan,
                new.profile_type,
                new.smdp,
                new.iccid.map(|iccid| iccid.0),
                new.eid.map(|eid| eid.0),
                new.device_id,
                new.reference,
                new.created_at.0,
                new.created_by,
                new.due_at.0
            ],
        )
        .map_err(|error| error.naming_duplicate("call"))?;
        Ok(())
    }

    /// Notes the profile that will be confirmed, before it is. False when the order was begun to be given up.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn confirm_intent(&mut self, call_id: &str, iccid: &Iccid, due_at: Timestamp) -> Result<bool, Error> {
        let text = "UPDATE intents SET iccid = $2, due_at = $3 WHERE call_id = $1 AND attempts = 0";
        Ok(sqlite::execute(&self.connection, text, params![call_id, iccid.0, due_at.0])? == 1)
    }

    /// Ends one whose subscription is inserted in this transaction. False when the order was begun to be given up: then it
    /// must not be inserted.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn complete_intent(&mut self, call_id: &str) -> Result<bool, Error> {
        let text = "DELETE FROM intents WHERE call_id = $1 AND attempts = 0";
        Ok(sqlite::execute(&self.connection, text, params![call_id])? == 1)
    }

    /// Lets one be given up at once.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn abandon_intent(&mut self, call_id: &str, now: Timestamp) -> Result<(), Error> {
        let text = "UPDATE intents SET due_at = min(due_at, $2) WHERE call_id = $1 AND attempts = 0";
        sqlite::execute(&self.connection, text, params![call_id, now.0]).map(drop)
    }

    /// Takes one to give it up. `due_at` is when that is tried again if nobody says how it ended. False when somebody else has
    /// taken it, or it is gone.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn claim_intent(&mut self, seen: &Intent, due_at: Timestamp) -> Result<bool, Error> {
        let text = "UPDATE intents SET attempts = attempts + 1, due_at = $3, problem = NULL \
                    WHERE call_id = $1 AND attempts = $2 AND due_at = $4";
        let parameters = params![seen.call_id, seen.attempts, due_at.0, seen.due_at.0];
        Ok(sqlite::execute(&self.connection, text, parameters)? == 1)
    }

    /// Writes why one could not be given up.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn fail_intent(&mut self, call_id: &str, problem: &str) -> Result<(), Error> {
        let text = "UPDATE intents SET problem = $2 WHERE call_id = $1";
        sqlite::execute(&self.connection, text, params![call_id, problem]).map(drop)
    }

    /// Ends one of whose order nothing is left. False when there is none.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn remove_intent(&mut self, call_id: &str) -> Result<bool, Error> {
        Ok(sqlite::execute(&self.connection, "DELETE FROM intents WHERE call_id = $1", params![call_id])? == 1)
    }
}

fn intent(row: &Row<'_>) -> Result<Intent, Error> {
    let columns = Columns::new(row, TABLE);
    Ok(Intent {
        call_id: columns.get("call_id")?,
        operator: columns.get("operator")?,
        carrier: columns.get("carrier")?,
        plan: columns.get("plan")?,
        profile_type: columns.get("profile_type")?,
        smdp: columns.get("smdp")?,
        iccid: columns.optional_iccid("iccid")?,
        eid: columns.optional_eid("eid")?,
        device_id: columns.get("device_id")?,
        reference: columns.get("reference")?,
        created_at: columns.timestamp("created_at")?,
        created_by: columns.get("created_by")?,
        due_at: columns.timestamp("due_at")?,
        attempts: columns.unsigned("attempts")?,
        problem: columns.get("problem")?,
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::DUE;
    use crate::sqlite::{self, Access};

    #[test]
    fn what_is_due_is_found_without_a_look_at_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let mut connection = sqlite::connect(&dir.path().join("test.db"), Access::Create).unwrap();
        sqlite::migrate(&mut connection).unwrap();
        let text = format!("EXPLAIN QUERY PLAN {DUE}");
        let plan: Vec<String> = sqlite::all(&connection, &text, params![1, 1], |row| Ok(row.get("detail")?)).unwrap();
        assert!(plan.iter().any(|step| step.contains("intents_by_time")), "{plan:?}");
        assert!(!plan.iter().any(|step| step.starts_with("SCAN") || step.contains("B-TREE")), "{plan:?}");
    }
}

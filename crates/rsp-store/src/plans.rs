//! What operators sell: a type of profiles, with what the subscription comes with.

use rsp_asn1::Timestamp;
use rusqlite::{Row, params};

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

/// One plan of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Whose it is.
    pub operator: String,
    /// The carrier that it is sold for, as it is shown.
    pub carrier: String,
    /// Its name, unique for the carrier.
    pub name: String,
    /// The type of profiles that is ordered for it.
    pub profile_type: String,
    /// The carrier's country, ISO 3166-1 alpha-2.
    pub country: String,
    /// Countries where it is valid.
    pub coverage: Vec<String>,
    /// Octets of data; `None` without limit, as below.
    pub data_bytes: Option<i64>,
    /// Seconds of calls.
    pub voice_seconds: Option<i64>,
    /// Messages.
    pub messages: Option<i64>,
    /// Days for which it is valid from the installation.
    pub validity_days: Option<i64>,
    /// Kilobits a second when the data are used up.
    pub throttle_kbps: Option<i64>,
    /// In the smallest unit of `currency`.
    pub price: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// Whether it is sold no more.
    pub closed: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Which plans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanFilter {
    /// Of carriers of this country.
    pub country: Option<String>,
    /// Also those that are sold no more.
    pub with_closed: bool,
}

const COLUMNS: &str = "operator, carrier, name, profile_type, country, coverage, data_bytes, voice_seconds, messages, \
                       validity_days, throttle_kbps, price, currency, closed, created_at";

impl Datastore {
    /// The plans of an operator, or of all, by carrier and name.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn plans(&self, operator: Option<&str>) -> Result<Vec<Plan>, Error> {
        let (condition, parameter) = match operator {
            Some(operator) => ("WHERE operator = $1 ", Some(operator)),
            None => ("", None),
        };
        let text = format!("SELECT {COLUMNS} FROM plans {condition}ORDER BY operator, carrier, name");
        match parameter {
            Some(operator) => self.all(&text, params![operator], plan),
            None => self.all(&text, &[], plan),
        }
    }

    /// Plans of an operator that fit, by carrier and name, at most `limit`; behind the carrier and name of the page before.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn plan_page(
        &self,
        operator: &str,
        filter: &PlanFilter,
        after: Option<(&str, &str)>,
        limit: u32,
    ) -> Result<Vec<Plan>, Error> {
        // No carrier's name is empty: everything stands behind that.
        let (carrier, name) = after.unwrap_or_default();
        let text = format!(
            "SELECT {COLUMNS} FROM plans WHERE operator = $1 AND (carrier, name) > ($2, $3) \
             AND ($4 IS NULL OR country = $4) AND (closed = 0 OR $5) ORDER BY carrier, name LIMIT $6"
        );
        self.all(&text, params![operator, carrier, name, filter.country, filter.with_closed, limit], plan)
    }

    /// One plan of an operator.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn plan(&self, operator: &str, carrier: &str, name: &str) -> Result<Option<Plan>, Error> {
        let text = format!("SELECT {COLUMNS} FROM plans WHERE operator = $1 AND carrier = $2 AND name = $3");
        self.first(&text, params![operator, carrier, name], plan)
    }
}

impl Transaction {
    /// Adds a plan.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when the operator has one of this name for the carrier.
    pub fn insert_plan(&mut self, new: &Plan) -> Result<(), Error> {
        let text = format!(
            "INSERT INTO plans ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
        );
        let parameters = params![
            new.operator,
            new.carrier,
            new.name,
            new.profile_type,
            new.country,
            new.coverage.join(" "),
            new.data_bytes,
            new.voice_seconds,
            new.messages,
            new.validity_days,
            new.throttle_kbps,
            new.price,
            new.currency,
            new.closed,
            new.created_at.0
        ];
        sqlite::execute(&self.connection, &text, parameters).map_err(|error| error.naming_duplicate("plan"))?;
        Ok(())
    }

    /// Closes a plan for orders, or opens it again. False when there is none.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn close_plan(&mut self, operator: &str, carrier: &str, name: &str, closed: bool) -> Result<bool, Error> {
        let text = "UPDATE plans SET closed = $4 WHERE operator = $1 AND carrier = $2 AND name = $3";
        Ok(sqlite::execute(&self.connection, text, params![operator, carrier, name, closed])? == 1)
    }
}

fn plan(row: &Row<'_>) -> Result<Plan, Error> {
    let columns = Columns::new(row, "plans");
    Ok(Plan {
        operator: columns.get("operator")?,
        carrier: columns.get("carrier")?,
        name: columns.get("name")?,
        profile_type: columns.get("profile_type")?,
        country: columns.get("country")?,
        coverage: columns.text("coverage")?.split_whitespace().map(str::to_owned).collect(),
        data_bytes: columns.get("data_bytes")?,
        voice_seconds: columns.get("voice_seconds")?,
        messages: columns.get("messages")?,
        validity_days: columns.get("validity_days")?,
        throttle_kbps: columns.get("throttle_kbps")?,
        price: columns.get("price")?,
        currency: columns.get("currency")?,
        closed: columns.get("closed")?,
        created_at: columns.timestamp("created_at")?,
    })
}

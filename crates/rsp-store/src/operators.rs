//! Operators: who orders over ES2+ (SGP.22 5.3).

use rsp_asn1::Timestamp;
use rusqlite::params;

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "operators";

/// One operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Its name here.
    pub name: String,
    /// SHA-256 of its TLS client certificate (DER).
    pub certificate: [u8; 32],
    /// Where its ES2+ notifications go, `HOST[:PORT]`; without it, it gets none.
    pub endpoint: Option<String>,
    /// Digits with which each ICCID begins that it may name; empty for any.
    pub iccid_prefix: String,
    /// Digits with which each IMSI begins that it may bring and have suspended, MCC and MNC first; empty for none.
    pub imsi_prefix: String,
    /// When it was added.
    pub created_at: Timestamp,
}

macro_rules! operators_where {
    ($condition:literal) => {
        concat!("SELECT name, certificate, endpoint, iccid_prefix, imsi_prefix, created_at FROM operators ", $condition)
    };
}

impl Datastore {
    /// The operator whose client certificate has this SHA-256.
    pub async fn operator_by_certificate(&self, certificate: &[u8; 32]) -> Result<Option<Operator>, Error> {
        self.first(operators_where!("WHERE certificate = $1"), params![certificate], |row| {
            operator(&Columns::new(row, TABLE))
        })
    }

    /// The operator of this name.
    pub async fn operator(&self, name: &str) -> Result<Option<Operator>, Error> {
        self.first(operators_where!("WHERE name = $1"), params![name], |row| operator(&Columns::new(row, TABLE)))
    }

    /// All operators by name.
    pub async fn operators(&self) -> Result<Vec<Operator>, Error> {
        self.all(operators_where!("ORDER BY name"), &[], |row| operator(&Columns::new(row, TABLE)))
    }
}

impl Transaction {
    /// Adds an operator.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when its name or its certificate is another's.
    pub fn insert_operator(&mut self, new: &Operator) -> Result<(), Error> {
        sqlite::execute(
            &self.connection,
            "INSERT INTO operators (name, certificate, endpoint, iccid_prefix, imsi_prefix, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            params![new.name, new.certificate, new.endpoint, new.iccid_prefix, new.imsi_prefix, new.created_at.0],
        )
        .map_err(|error| error.naming_duplicate("operator"))?;
        Ok(())
    }

    /// Gives an operator another certificate, endpoint, and prefixes. False when there is none of this name.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when the certificate is another's.
    pub fn change_operator(&mut self, operator: &Operator) -> Result<bool, Error> {
        let written = sqlite::execute(
            &self.connection,
            "UPDATE operators SET certificate = $2, endpoint = $3, iccid_prefix = $4, imsi_prefix = $5 WHERE name = $1",
            params![
                operator.name,
                operator.certificate,
                operator.endpoint,
                operator.iccid_prefix,
                operator.imsi_prefix
            ],
        )
        .map_err(|error| error.naming_duplicate("operator"))?;
        Ok(written == 1)
    }

    /// Another operator whose prefix of IMSIs begins with this one, or is how this one begins.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn operator_of_imsis(&mut self, prefix: &str, but: &str) -> Result<Option<String>, Error> {
        let text = "SELECT name FROM operators WHERE name <> $2 AND imsi_prefix <> '' \
                    AND substr(imsi_prefix, 1, length($1)) = substr($1, 1, length(imsi_prefix))";
        sqlite::first(&self.connection, text, params![prefix, but], |row| Columns::new(row, TABLE).get("name"))
    }
}

fn operator(columns: &Columns<'_>) -> Result<Operator, Error> {
    Ok(Operator {
        name: columns.get("name")?,
        certificate: columns.get("certificate")?,
        endpoint: columns.get("endpoint")?,
        iccid_prefix: columns.get("iccid_prefix")?,
        imsi_prefix: columns.get("imsi_prefix")?,
        created_at: columns.timestamp("created_at")?,
    })
}

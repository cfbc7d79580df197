//! Profile types: what an operator can order.

use rsp_asn1::Timestamp;
use rusqlite::params;
use zeroize::Zeroizing;

use crate::datastore::Datastore;
use crate::error::Error;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "profile_types";

/// A profile type as stored, without its package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileType {
    /// Name by which it is ordered.
    pub name: String,
    /// The operator whose it is; `None` for the server's own.
    pub operator: Option<String>,
    /// Whether no more orders are taken.
    pub closed: bool,
    /// Whether its copies get their subscribers from the stock, and no others.
    pub stocked: bool,
    /// The ICCIDs of a template's copies, without check digit: the next and the last one. Without it they are random.
    pub iccids: Option<(u64, u64)>,
    /// Whether each order gets a freshly personalised copy; otherwise orders take from an inventory.
    pub template: bool,
    /// DER of the StoreMetadataRequest; a template's ICCID is replaced at the order.
    pub metadata: Vec<u8>,
    /// Octets of the template's package (0 when the type is an inventory).
    pub package_size: u32,
    /// When it was imported.
    pub created_at: Timestamp,
}

/// A profile type to be added.
pub struct NewProfileType {
    /// Name by which it is to be ordered.
    pub name: String,
    /// The operator whose it is; `None` for the server's own.
    pub operator: Option<String>,
    /// The ICCIDs of a template's copies, without check digit: the first and the last one.
    pub iccids: Option<(u64, u64)>,
    /// DER of the StoreMetadataRequest.
    pub metadata: Vec<u8>,
    /// The package to personalise, for a template.
    pub template: Option<Zeroizing<Vec<u8>>>,
    /// Now.
    pub created_at: Timestamp,
}

impl Datastore {
    /// The profile type called `name`.
    pub async fn profile_type(&self, name: &str) -> Result<Option<ProfileType>, Error> {
        self.first(
            "SELECT name, template, metadata, package_size, created_at, operator, closed, stocked, iccid_next, iccid_last \
             FROM profile_types WHERE name = $1",
            params![name],
            |row| profile_type(&Columns::new(row, TABLE)),
        )
    }

    /// All profile types by name.
    pub async fn profile_types(&self) -> Result<Vec<ProfileType>, Error> {
        self.all(
            "SELECT name, template, metadata, package_size, created_at, operator, closed, stocked, iccid_next, iccid_last \
             FROM profile_types ORDER BY name",
            &[],
            |row| profile_type(&Columns::new(row, TABLE)),
        )
    }
}

impl Transaction {
    /// Adds a profile type.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when the name is taken.
    pub fn insert_profile_type(&mut self, new: &NewProfileType) -> Result<(), Error> {
        let package = new
            .template
            .as_ref()
            .map(|package| self.crypter.seal(TABLE, new.name.as_bytes(), "package", package))
            .transpose()?;
        let size = new.template.as_ref().map_or(0, |package| package.len());
        let size = i64::try_from(size).map_err(|_| Error::InvalidValue { table: TABLE, column: "package_size" })?;
        sqlite::execute(
            &self.connection,
            "INSERT INTO profile_types (name, template, metadata, package_size, package, created_at, operator, iccid_next, \
             iccid_last) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            params![
                new.name,
                new.template.is_some(),
                new.metadata,
                size,
                package,
                new.created_at.0,
                new.operator,
                new.iccids.map(|(first, _)| first as i64),
                new.iccids.map(|(_, last)| last as i64)
            ],
        )
        .map_err(|error| error.naming_duplicate("profile type"))?;
        Ok(())
    }
}

impl Transaction {
    /// The profile type called `name`, as this transaction sees it.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn profile_type(&mut self, name: &str) -> Result<Option<ProfileType>, Error> {
        sqlite::first(
            &self.connection,
            "SELECT name, template, metadata, package_size, created_at, operator, closed, stocked, iccid_next, iccid_last FROM profile_types WHERE name = $1",
            params![name],
            |row| profile_type(&Columns::new(row, TABLE)),
        )
    }

    /// The next ICCID of a template's range, without check digit; it is given to nobody else. `None` when the range is
    /// used up, or there is none.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn next_iccid(&mut self, name: &str) -> Result<Option<u64>, Error> {
        let text = "UPDATE profile_types SET iccid_next = iccid_next + 1 WHERE name = $1 AND iccid_next <= iccid_last \
                    RETURNING iccid_next - 1 AS iccid_next";
        sqlite::first(&self.connection, text, params![name], |row| Columns::new(row, TABLE).get::<i64>("iccid_next"))?
            .map(|next| u64::try_from(next).map_err(|_| Error::InvalidValue { table: TABLE, column: "iccid_next" }))
            .transpose()
    }

    /// The package of the template called `name`; `None` when there is no such template.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn template(&mut self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let package = sqlite::first(
            &self.connection,
            "SELECT package FROM profile_types WHERE name = $1",
            params![name],
            |row| Columns::new(row, TABLE).optional_sealed(&self.crypter, name.as_bytes(), "package"),
        )?;
        Ok(package.flatten())
    }

    /// Closes a profile type for orders, or opens it again. False when there is none of this name.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn close_profile_type(&mut self, name: &str, closed: bool) -> Result<bool, Error> {
        let text = "UPDATE profile_types SET closed = $2 WHERE name = $1";
        Ok(sqlite::execute(&self.connection, text, params![name, closed])? == 1)
    }
}

fn profile_type(columns: &Columns<'_>) -> Result<ProfileType, Error> {
    Ok(ProfileType {
        name: columns.get("name")?,
        template: columns.get("template")?,
        metadata: columns.get("metadata")?,
        package_size: columns.unsigned("package_size")?,
        created_at: columns.timestamp("created_at")?,
        operator: columns.get("operator")?,
        closed: columns.get("closed")?,
        stocked: columns.get("stocked")?,
        iccids: match (columns.get::<Option<i64>>("iccid_next")?, columns.get::<Option<i64>>("iccid_last")?) {
            (Some(next), Some(last)) => {
                let unsigned = |value: i64| u64::try_from(value).map_err(|_| columns.invalid("iccid_next"));
                Some((unsigned(next)?, unsigned(last)?))
            }
            _ => None,
        },
    })
}

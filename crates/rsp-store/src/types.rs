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
            "SELECT name, template, metadata, package_size, created_at FROM profile_types WHERE name = $1",
            params![name],
            |row| profile_type(&Columns::new(row, TABLE)),
        )
    }

    /// All profile types by name.
    pub async fn profile_types(&self) -> Result<Vec<ProfileType>, Error> {
        self.all(
            "SELECT name, template, metadata, package_size, created_at FROM profile_types ORDER BY name",
            &[],
            |row| profile_type(&Columns::new(row, TABLE)),
        )
    }

    /// The package of the template called `name`; `None` when there is no such template.
    pub async fn template(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let package = self.first("SELECT package FROM profile_types WHERE name = $1", params![name], |row| {
            Columns::new(row, TABLE).optional_sealed(self.crypter(), name.as_bytes(), "package")
        })?;
        Ok(package.flatten())
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
            "INSERT INTO profile_types (name, template, metadata, package_size, package, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
            params![new.name, new.template.is_some(), new.metadata, size, package, new.created_at.0],
        )
        .map_err(|error| error.naming_duplicate("profile type"))?;
        Ok(())
    }
}

fn profile_type(columns: &Columns<'_>) -> Result<ProfileType, Error> {
    Ok(ProfileType {
        name: columns.get("name")?,
        template: columns.get("template")?,
        metadata: columns.get("metadata")?,
        package_size: columns.unsigned("package_size")?,
        created_at: columns.timestamp("created_at")?,
    })
}

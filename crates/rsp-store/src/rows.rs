//! From columns to the types of the models.

use rsp_asn1::{Eid, Iccid, Timestamp};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, Decode, Encode, Row, Sqlite, Type};
use zeroize::Zeroizing;

use crate::crypter::Crypter;
use crate::error::Error;

/// Adds one parameter of a statement.
pub(crate) fn add<'q, T: Encode<'q, Sqlite> + Type<Sqlite>>(
    arguments: &mut SqliteArguments,
    value: T,
) -> Result<(), Error> {
    arguments.add(value).map_err(|error| Error::Database(error.to_string()))
}

/// A row of a result, read column by column with errors that name table and column.
pub(crate) struct Columns<'r> {
    row: &'r SqliteRow,
    table: &'static str,
}

impl<'r> Columns<'r> {
    pub(crate) fn new(row: &'r SqliteRow, table: &'static str) -> Self {
        Self { row, table }
    }

    pub(crate) fn invalid(&self, column: &'static str) -> Error {
        Error::InvalidValue { table: self.table, column }
    }

    /// Any column that SQLite's own types describe. `column` may be an alias; errors carry it.
    pub(crate) fn get<T: Decode<'r, Sqlite> + Type<Sqlite>>(&self, column: &'static str) -> Result<T, Error> {
        self.row.try_get(column).map_err(|_| self.invalid(column))
    }

    pub(crate) fn unsigned(&self, column: &'static str) -> Result<u32, Error> {
        u32::try_from(self.get::<i64>(column)?).map_err(|_| self.invalid(column))
    }

    pub(crate) fn timestamp(&self, column: &'static str) -> Result<Timestamp, Error> {
        Ok(Timestamp(self.get(column)?))
    }

    pub(crate) fn iccid(&self, column: &'static str) -> Result<Iccid, Error> {
        self.optional_iccid(column)?.ok_or_else(|| self.invalid(column))
    }

    pub(crate) fn optional_iccid(&self, column: &'static str) -> Result<Option<Iccid>, Error> {
        self.get::<Option<&[u8]>>(column)?
            .map(|bytes| bytes.try_into().map(Iccid).map_err(|_| self.invalid(column)))
            .transpose()
    }

    pub(crate) fn optional_eid(&self, column: &'static str) -> Result<Option<Eid>, Error> {
        self.get::<Option<&[u8]>>(column)?
            .map(|bytes| bytes.try_into().map(Eid).map_err(|_| self.invalid(column)))
            .transpose()
    }

    /// A sealed column of the row that `key` names.
    pub(crate) fn sealed(
        &self,
        crypter: &Crypter,
        key: &[u8],
        column: &'static str,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        crypter.open(self.table, key, column, self.get::<&[u8]>(column)?)
    }

    pub(crate) fn optional_sealed(
        &self,
        crypter: &Crypter,
        key: &[u8],
        column: &'static str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        self.get::<Option<&[u8]>>(column)?.map(|sealed| crypter.open(self.table, key, column, sealed)).transpose()
    }
}

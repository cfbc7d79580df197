//! From columns to the types of the models.

use rsp_asn1::{Eid, Iccid, Timestamp};
use rusqlite::Row;
use rusqlite::types::FromSql;
use zeroize::Zeroizing;

use crate::crypter::Crypter;
use crate::error::Error;

/// A row of a result, read column by column with errors that name table and column.
pub(crate) struct Columns<'r> {
    row: &'r Row<'r>,
    table: &'static str,
}

impl<'r> Columns<'r> {
    pub(crate) fn new(row: &'r Row<'r>, table: &'static str) -> Self {
        Self { row, table }
    }

    pub(crate) fn invalid(&self, column: &'static str) -> Error {
        Error::InvalidValue { table: self.table, column }
    }

    /// Any column that SQLite's own types describe. `column` may be an alias; errors carry it.
    pub(crate) fn get<T: FromSql>(&self, column: &'static str) -> Result<T, Error> {
        self.row.get(column).map_err(|_| self.invalid(column))
    }

    pub(crate) fn unsigned(&self, column: &'static str) -> Result<u32, Error> {
        u32::try_from(self.get::<i64>(column)?).map_err(|_| self.invalid(column))
    }

    /// A number of rows.
    pub(crate) fn count(&self, column: &'static str) -> Result<u64, Error> {
        u64::try_from(self.get::<i64>(column)?).map_err(|_| self.invalid(column))
    }

    pub(crate) fn timestamp(&self, column: &'static str) -> Result<Timestamp, Error> {
        Ok(Timestamp(self.get(column)?))
    }

    /// Text, in place.
    pub(crate) fn text(&self, column: &'static str) -> Result<&'r str, Error> {
        self.optional_text(column)?.ok_or_else(|| self.invalid(column))
    }

    pub(crate) fn optional_text(&self, column: &'static str) -> Result<Option<&'r str>, Error> {
        let value = self.row.get_ref(column).map_err(|_| self.invalid(column))?;
        value.as_str_or_null().map_err(|_| self.invalid(column))
    }

    pub(crate) fn iccid(&self, column: &'static str) -> Result<Iccid, Error> {
        self.optional_iccid(column)?.ok_or_else(|| self.invalid(column))
    }

    pub(crate) fn optional_iccid(&self, column: &'static str) -> Result<Option<Iccid>, Error> {
        self.optional_blob(column)?
            .map(|bytes| bytes.try_into().map(Iccid).map_err(|_| self.invalid(column)))
            .transpose()
    }

    pub(crate) fn optional_eid(&self, column: &'static str) -> Result<Option<Eid>, Error> {
        self.optional_blob(column)?.map(|bytes| bytes.try_into().map(Eid).map_err(|_| self.invalid(column))).transpose()
    }

    /// A sealed column of the row that `key` names.
    pub(crate) fn sealed(
        &self,
        crypter: &Crypter,
        key: &[u8],
        column: &'static str,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.optional_sealed(crypter, key, column)?.ok_or_else(|| self.invalid(column))
    }

    pub(crate) fn optional_sealed(
        &self,
        crypter: &Crypter,
        key: &[u8],
        column: &'static str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        self.optional_blob(column)?.map(|sealed| crypter.open(self.table, key, column, sealed)).transpose()
    }

    fn optional_blob(&self, column: &'static str) -> Result<Option<&'r [u8]>, Error> {
        let value = self.row.get_ref(column).map_err(|_| self.invalid(column))?;
        value.as_blob_or_null().map_err(|_| self.invalid(column))
    }
}

//! Orders found by the first characters of what names them.
//!
//! Each operator's orders are looked for in indexes of its own, and rows are read only of what is shown.

use std::ops::Range;

use rsp_asn1::Iccid;
use rusqlite::{Connection, ToSql, params};

use crate::datastore::Datastore;
use crate::error::Error;
use crate::journal::{Whose, operators};
use crate::order_list::{Listed, Newest, Place};
use crate::rows::Columns;
use crate::sqlite;

/// Characters that a search needs.
const SHORTEST: usize = 6;

/// Orders of one operator that are looked at for each way of naming them; who is not among them is to be named better.
const LOOKED_AT: u32 = 200;

/// Behind everything in UTF-8.
const BEHIND_ALL: char = char::MAX;

// Statement texts: where orders stand. $1 is the operator, $2 and $3 are from where and up to where, $4 is how many.
const BY_ICCID: &str = "SELECT created_at, iccid, 1 AS own FROM profiles \
     WHERE operator IS $1 AND iccid >= $2 AND iccid < $3 AND state <> 'Available' ORDER BY iccid LIMIT $4";
const BY_EID: &str = "SELECT created_at, iccid, 1 AS own FROM profiles \
     WHERE operator IS $1 AND eid >= $2 AND eid < $3 ORDER BY eid LIMIT $4";
const BY_MATCHING_ID: &str = "SELECT created_at, iccid, 1 AS own FROM profiles \
     WHERE operator IS $1 AND matching_id >= $2 AND matching_id < $3 ORDER BY matching_id LIMIT $4";
const ELSEWHERE_BY_ICCID: &str = "SELECT created_at, iccid, 0 AS own FROM esims \
     WHERE operator = $1 AND iccid >= $2 AND iccid < $3 AND own = 0 ORDER BY iccid LIMIT $4";
const ELSEWHERE_BY_EID: &str = "SELECT created_at, iccid, own FROM esims \
     WHERE operator = $1 AND eid >= $2 AND eid < $3 AND own = 0 ORDER BY eid LIMIT $4";
const BY_REFERENCE: &str = "SELECT created_at, iccid, own FROM esims \
     WHERE operator = $1 AND reference >= $2 AND reference < $3 ORDER BY reference LIMIT $4";
const BY_DEVICE: &str = "SELECT created_at, iccid, own FROM esims \
     WHERE operator = $1 AND device_id >= $2 AND device_id < $3 ORDER BY device_id LIMIT $4";

impl Datastore {
    /// Orders of which the ICCID, the EID, the matching ID here, the buyer's reference or the name of the device begins with
    /// a text of at least six characters: at most `limit`, newest first. Of more than 200 that begin in the same way some are
    /// not looked at.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn order_search(&self, whose: &Whose, text: &str, limit: u32) -> Result<Vec<Listed>, Error> {
        let text = text.trim();
        if text.chars().count() < SHORTEST {
            return Ok(Vec::new());
        }
        self.searched(whose, limit, |search| search.run(text))
    }

    /// Orders that their buyer calls so, newest first. Beyond 200 some are left out.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn orders_by_reference(&self, whose: &Whose, reference: &str) -> Result<Vec<Listed>, Error> {
        let end = format!("{reference}\0");
        self.searched(whose, LOOKED_AT, |search| search.find(BY_REFERENCE, &reference, &end))
    }

    fn searched(
        &self,
        whose: &Whose,
        limit: u32,
        run: impl Fn(&mut Search<'_>) -> Result<(), Error>,
    ) -> Result<Vec<Listed>, Error> {
        self.read(|connection| {
            let mut search = Search { connection, operator: None, newest: Newest::new(limit) };
            for operator in operators(connection, whose)? {
                search.operator = operator;
                run(&mut search)?;
            }
            search.newest.read(connection, self.crypter())
        })
    }
}

/// A search through the orders of one operator after the other.
struct Search<'a> {
    connection: &'a Connection,
    operator: Option<String>,
    newest: Newest,
}

impl Search<'_> {
    fn run(&mut self, text: &str) -> Result<(), Error> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            for Range { start, end } in iccids(text) {
                self.find(BY_ICCID, &start, &end)?;
                self.find(ELSEWHERE_BY_ICCID, &start, &end)?;
            }
            if let Some(Range { start, end }) = eids(text) {
                self.find(BY_EID, &start, &end)?;
                self.find(ELSEWHERE_BY_EID, &start, &end)?;
            }
        }
        let matching_id = text.to_ascii_uppercase();
        self.find(BY_MATCHING_ID, &matching_id, &format!("{matching_id}{BEHIND_ALL}"))?;
        let end = format!("{text}{BEHIND_ALL}");
        self.find(BY_REFERENCE, &text, &end)?;
        self.find(BY_DEVICE, &text, &end)
    }

    fn find(&mut self, sql: &str, from: &dyn ToSql, to: &dyn ToSql) -> Result<(), Error> {
        let operator = self.operator.as_ref();
        let parameters = params![operator, from, to, LOOKED_AT];
        let places = sqlite::all(self.connection, sql, parameters, |row| {
            let columns = Columns::new(row, "profiles");
            let (created_at, iccid, own) =
                (columns.get("created_at")?, columns.iccid("iccid")?, columns.get::<bool>("own")?);
            Ok(Place { created_at, iccid, elsewhere: operator.filter(|_| !own).cloned() })
        })?;
        self.newest.add(places);
        Ok(())
    }
}

/// The octets from and up to which the numbers lie that begin with these digits, swapped as in EF_ICCID. An odd digit at the
/// end is the lower half of its octet: what stands above it makes a range each.
fn iccids(digits: &str) -> Vec<Range<Vec<u8>>> {
    let values: Vec<u8> = digits.bytes().map(|digit| digit - b'0').collect();
    if values.len() > 2 * size_of::<Iccid>() {
        return Vec::new();
    }
    let (pairs, odd) = values.as_chunks::<2>();
    let octets: Vec<u8> = pairs.iter().map(|[first, second]| second << 4 | first).collect();
    match odd.first() {
        None => vec![beginning_with(octets)],
        Some(last) => {
            let beside = (0..=9).chain([0x0F]);
            beside.map(|beside| beginning_with([octets.as_slice(), &[beside << 4 | last]].concat())).collect()
        }
    }
}

/// The same for numbers that stand as they are read.
fn eids(digits: &str) -> Option<Range<Vec<u8>>> {
    let values: Vec<u8> = digits.bytes().map(|digit| digit - b'0').collect();
    if values.len() > 32 {
        return None;
    }
    let (pairs, odd) = values.as_chunks::<2>();
    let mut start: Vec<u8> = pairs.iter().map(|[first, second]| first << 4 | second).collect();
    let mut end = start.clone();
    if let Some(last) = odd.first() {
        start.push(last << 4);
        end.push(last << 4 | 0x0F);
    }
    end.extend([0xFF; 17]);
    Some(start..end)
}

fn beginning_with(octets: Vec<u8>) -> Range<Vec<u8>> {
    let end = [octets.as_slice(), &[0xFF; 11]].concat();
    octets..end
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::{
        BY_DEVICE, BY_EID, BY_ICCID, BY_MATCHING_ID, BY_REFERENCE, ELSEWHERE_BY_EID, ELSEWHERE_BY_ICCID, eids, iccids,
    };
    use crate::sqlite::{self, Access};

    #[test]
    fn digits_become_the_ranges_of_what_begins_with_them() {
        let even = iccids("898901");
        assert_eq!(even.len(), 1);
        assert_eq!(
            (even[0].start.as_slice(), &even[0].end[..4]),
            (&[0x98, 0x98, 0x10][..], &[0x98, 0x98, 0x10, 0xFF][..])
        );
        let odd = iccids("89890");
        assert_eq!(odd.len(), 11);
        assert!(odd.iter().all(|range| range.start[..2] == [0x98, 0x98] && range.start[2] & 0x0F == 0));
        let eid = eids("89049").unwrap();
        assert_eq!((eid.start.as_slice(), &eid.end[..4]), (&[0x89, 0x04, 0x90][..], &[0x89, 0x04, 0x9F, 0xFF][..]));
        assert!(iccids(&"9".repeat(21)).is_empty() && eids(&"9".repeat(33)).is_none());
    }

    /// Whose, and between what, is found in one index, which has the rows in their order: as many are read as are shown.
    #[test]
    fn a_search_goes_through_one_operators_index_and_sorts_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut connection = sqlite::connect(&dir.path().join("test.db"), Access::Create).unwrap();
        sqlite::migrate(&mut connection).unwrap();
        let here = [BY_ICCID, BY_EID, BY_MATCHING_ID];
        let handed_out = [BY_REFERENCE, BY_DEVICE, ELSEWHERE_BY_ICCID, ELSEWHERE_BY_EID];
        for text in here.into_iter().chain(handed_out) {
            let plan = format!("EXPLAIN QUERY PLAN {text}");
            let parameters = params!["a", "b", "c", 1];
            let plan: Vec<String> = sqlite::all(&connection, &plan, parameters, |row| Ok(row.get("detail")?)).unwrap();
            assert!(plan[0].contains("COVERING INDEX"), "{text}: {plan:?}");
            assert!(plan[0].contains("(operator=? AND ") && plan[0].contains(">? AND "), "{text}: {plan:?}");
            assert!(!plan.iter().any(|step| step.starts_with("SCAN") || step.contains("B-TREE")), "{text}: {plan:?}");
        }
    }
}

//! Orders as lists show them: newest first, page by page, or found by the first digits of what names them.
//!
//! The counters say which types stand in which states, and each such range has its orders in the index, newest last. A page
//! takes the newest of each range, whatever their number; one more order costs a page nothing.

use std::collections::BTreeSet;

use rsp_asn1::{Eid, Iccid, Timestamp};
use rusqlite::{Connection, Row, ToSql, params};
use zeroize::Zeroizing;

use crate::crypter::Crypter;
use crate::datastore::Datastore;
use crate::error::Error;
use crate::esims::{self, Esim};
use crate::journal::{Whose, operators, order_counts};
use crate::profiles::ProfileState;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "profiles";

/// Orders that a search looks at; whoever is not found among them is to be named by more digits.
const LOOKED_AT: u32 = 2_000;

/// An order in a list: what the SM-DP+ knows of it, if it has it, and what was handed out with it, if anything was.
pub struct Listed {
    /// The profile.
    pub iccid: Iccid,
    /// Whose it is; `None` is the server's own.
    pub operator: Option<String>,
    /// Name of its profile type.
    pub profile_type: String,
    /// The order here; `None` where another SM-DP+ has it.
    pub order: Option<ListedOrder>,
    /// The subscription; `None` for an order that was placed at the SM-DP+ alone.
    pub esim: Option<Esim>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What the SM-DP+ knows of an order.
pub struct ListedOrder {
    /// Where it stands.
    pub state: ProfileState,
    /// The eUICC that it is for.
    pub eid: Option<Eid>,
    /// Its matching ID; `None` before it is confirmed, and for one that is asked for by EID alone.
    pub matching_id: Option<Zeroizing<String>>,
    /// Whether the user must enter a confirmation code.
    pub confirmation_code_required: bool,
    /// Bound packages delivered so far.
    pub download_tries: u32,
    /// Wrong confirmation codes so far.
    pub confirmation_tries: u32,
    /// End of its life.
    pub expires_at: Option<Timestamp>,
    /// Last change.
    pub updated_at: Timestamp,
    /// Who made it.
    pub updated_by: String,
}

/// Which orders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// In one of these states; all but Available without any.
    pub states: Vec<ProfileState>,
    /// Of these types.
    pub profile_types: Option<Vec<String>>,
}

/// Behind which order a list goes on, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderCursor {
    /// When it was made.
    pub created_at: Timestamp,
    /// Its ICCID.
    pub iccid: Iccid,
}

macro_rules! columns {
    () => {
        "p.iccid, p.operator, p.profile_type, p.state, p.eid, p.matching_id, p.unnamed, \
         p.confirmation_code IS NOT NULL AS code, p.download_tries, p.confirmation_tries, p.expires_at, p.created_at, \
         p.updated_at, p.updated_by, e.carrier, e.plan, e.country, e.smdp, e.own, e.activation_code, \
         e.confirmation_code_required, e.eid AS esim_eid, e.device_id, e.reference, \
         e.network, e.cancelled, e.created_at AS esim_created_at, e.created_by"
    };
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM profiles p LEFT JOIN esims e ON e.operator = p.operator AND e.iccid = p.iccid ",
            $rest
        )
    };
}

/// Statement text: the newest orders of one operator's type in a state.
const PAGE: &str = select!(
    "WHERE p.operator IS $1 AND p.profile_type = $2 AND p.state = $3 \
     ORDER BY p.created_at DESC, p.iccid DESC LIMIT $4"
);

/// Statement text: the same from behind a cursor on.
const NEXT_PAGE: &str = select!(
    "WHERE p.operator IS $1 AND p.profile_type = $2 AND p.state = $3 AND (p.created_at, p.iccid) < ($5, $6) \
     ORDER BY p.created_at DESC, p.iccid DESC LIMIT $4"
);

const ONE: &str = select!("WHERE p.iccid = $1");

/// Statement texts: what begins with an ICCID's, an EID's or a matching ID's first digits, of everybody or ($4 is false) of one
/// operator. The limit is inside, behind the choice of the operator: others' orders do not use it up.
const BY_ICCID: &str = select!(
    "WHERE p.iccid IN (SELECT iccid FROM profiles WHERE iccid >= $1 AND iccid < $2 AND ($4 OR operator IS $5) \
     ORDER BY iccid LIMIT $3)"
);
const BY_EID: &str = select!(
    "WHERE p.iccid IN (SELECT iccid FROM profiles WHERE eid IS NOT NULL AND eid >= $1 AND eid < $2 AND ($4 OR operator IS $5) \
     ORDER BY eid LIMIT $3)"
);
const BY_MATCHING_ID: &str = select!(
    "WHERE p.iccid IN (SELECT iccid FROM profiles WHERE matching_id >= $1 AND matching_id < $2 AND ($4 OR operator IS $5) \
     ORDER BY matching_id LIMIT $3)"
);

impl Datastore {
    /// Orders that fit, newest first, from behind a cursor on; those of other SM-DP+s among them: as
    /// Unavailable when they were cancelled, else as Released, since nothing later is known of them.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn order_list(
        &self,
        whose: &Whose,
        filter: &OrderFilter,
        after: Option<OrderCursor>,
        limit: u32,
    ) -> Result<Vec<Listed>, Error> {
        self.read(|connection| {
            let mut found = Vec::new();
            for count in order_counts(connection, whose)? {
                let state = match filter.states.as_slice() {
                    [] => count.state != ProfileState::Available,
                    states => states.contains(&count.state),
                };
                let of_type = filter.profile_types.as_ref().is_none_or(|types| types.contains(&count.profile_type));
                if !state || !of_type {
                    continue;
                }
                let operator = Some(&count.operator).filter(|operator| !operator.is_empty());
                let read = |row: &Row<'_>| listed(row, self.crypter());
                let (kind, state) = (&count.profile_type, count.state.as_str());
                found.extend(match after {
                    None => sqlite::all(connection, PAGE, params![operator, kind, state, limit], read)?,
                    Some(after) => {
                        let parameters = params![operator, kind, state, limit, after.created_at.0, after.iccid.0];
                        sqlite::all(connection, NEXT_PAGE, parameters, read)?
                    }
                });
            }
            found.extend(esims_elsewhere(connection, whose, filter, after, limit, self.crypter())?);
            found.sort_unstable_by_key(|one: &Listed| std::cmp::Reverse((one.created_at, one.iccid.0)));
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(found)
        })
    }

    /// The order of this profile, if it is one of theirs.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn listed(&self, whose: &Whose, iccid: &Iccid) -> Result<Option<Listed>, Error> {
        self.read(|connection| one(connection, self.crypter(), whose, iccid))
    }

    /// Orders whose ICCID, EID or matching ID begins with a text of at least six characters, at most `limit`.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn order_search(&self, whose: &Whose, text: &str, limit: u32) -> Result<Vec<Listed>, Error> {
        let text = text.trim().to_ascii_uppercase();
        if text.len() < 6 {
            return Ok(Vec::new());
        }
        self.read(|connection| {
            let mut found: Vec<Listed> = Vec::new();
            let read = |row: &Row<'_>| listed(row, self.crypter());
            let (all, operator) = match whose {
                Whose::All => (true, None),
                Whose::Own => (false, None),
                Whose::Of(operator) => (false, Some(operator.as_str())),
            };
            if text.bytes().all(|byte| byte.is_ascii_digit()) {
                if text.len() <= 20 {
                    let (from, to) = nibbles(&text, 10, true);
                    found.extend(sqlite::all(connection, BY_ICCID, params![from, to, LOOKED_AT, all, operator], read)?);
                    let range = (from.as_slice(), to.as_slice());
                    found.extend(esims::elsewhere_between(
                        connection,
                        range,
                        (all, operator),
                        LOOKED_AT,
                        self.crypter(),
                    )?);
                    found.retain(|one| one.iccid.to_string().starts_with(&text));
                }
                if text.len() <= 32 {
                    let (from, to) = nibbles(&text, 16, false);
                    found.extend(sqlite::all(connection, BY_EID, params![from, to, LOOKED_AT, all, operator], read)?);
                }
            }
            let end = format!("{text}\u{7f}");
            let parameters: [&dyn ToSql; 5] = [&text, &end, &LOOKED_AT, &all, &operator];
            found.extend(sqlite::all(connection, BY_MATCHING_ID, &parameters, read)?);
            found.retain(|one| is_of(one, whose));
            found.sort_unstable_by_key(|one| std::cmp::Reverse((one.created_at, one.iccid.0)));
            found.dedup_by_key(|one| one.iccid);
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(found)
        })
    }
}

/// The octets from and up to which numbers begin with these digits: as an EID has them, or swapped as in EF_ICCID. An odd digit
/// at the end is left to the caller where digits are swapped.
fn nibbles(digits: &str, length: usize, swapped: bool) -> (Vec<u8>, Vec<u8>) {
    let values: Vec<u8> = digits.bytes().map(|digit| digit - b'0').collect();
    let mut from: Vec<u8> = Vec::with_capacity(length);
    let mut to: Vec<u8> = Vec::with_capacity(length + 1);
    for pair in values.chunks(2) {
        match *pair {
            [first, second] if swapped => from.push(second << 4 | first),
            [first, second] => from.push(first << 4 | second),
            [first] if !swapped => {
                to.clone_from(&from);
                from.push(first << 4);
                to.push(first << 4 | 0x0F);
            }
            _ => {}
        }
    }
    if to.is_empty() {
        to.clone_from(&from);
    }
    // Beyond everything that begins so.
    to.resize(length + 1, 0xFF);
    (from, to)
}

fn is_of(one: &Listed, whose: &Whose) -> bool {
    match whose {
        Whose::All => true,
        Whose::Own => one.operator.is_none(),
        Whose::Of(operator) => one.operator.as_ref() == Some(operator),
    }
}

fn esims_elsewhere(
    connection: &Connection,
    whose: &Whose,
    filter: &OrderFilter,
    after: Option<OrderCursor>,
    limit: u32,
    crypter: &Crypter,
) -> Result<Vec<Listed>, Error> {
    let is_asked_for = |state| filter.states.is_empty() || filter.states.contains(&state);
    let cancelled = match (is_asked_for(ProfileState::Released), is_asked_for(ProfileState::Unavailable)) {
        (true, true) => None,
        (true, false) => Some(false),
        (false, true) => Some(true),
        (false, false) => return Ok(Vec::new()),
    };
    let types: BTreeSet<Option<&str>> = match &filter.profile_types {
        Some(types) => types.iter().map(|name| Some(name.as_str())).collect(),
        None => [None].into(),
    };
    let before = after.map_or((i64::MAX, [0xFF; 10]), |after| (after.created_at.0, after.iccid.0));
    let mut found = Vec::new();
    for operator in operators(connection, whose)?.into_iter().flatten() {
        for profile_type in &types {
            let which = esims::Elsewhere { operator: &operator, profile_type: *profile_type, cancelled, before };
            found.extend(esims::elsewhere_of(connection, &which, limit, crypter)?);
        }
    }
    Ok(found)
}

impl Transaction {
    /// One order, as [`Datastore::listed`] reads it, for what depends on it in this transaction.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn listed(&mut self, whose: &Whose, iccid: &Iccid) -> Result<Option<Listed>, Error> {
        one(&self.connection, &self.crypter, whose, iccid)
    }
}

fn one(connection: &Connection, crypter: &Crypter, whose: &Whose, iccid: &Iccid) -> Result<Option<Listed>, Error> {
    let here = sqlite::first(connection, ONE, params![iccid.0], |row| listed(row, crypter))?;
    if let Some(here) = here.filter(|one| is_of(one, whose)) {
        return Ok(Some(here));
    }
    let elsewhere = esims::elsewhere(connection, iccid, crypter)?;
    Ok(elsewhere.into_iter().find(|one| is_of(one, whose)))
}

fn listed(row: &Row<'_>, crypter: &Crypter) -> Result<Listed, Error> {
    let columns = Columns::new(row, TABLE);
    let (iccid, operator) = (columns.iccid("iccid")?, columns.get::<Option<String>>("operator")?);
    let profile_type: String = columns.get("profile_type")?;
    let esim = match (columns.optional_text("carrier")?, &operator) {
        (Some(_), Some(operator)) => Some(esims::joined(row, operator, &profile_type, iccid, crypter)?),
        _ => None,
    };
    let state: ProfileState = columns.text("state")?.parse()?;
    let unnamed: bool = columns.get("unnamed")?;
    let matching_id = columns.get::<Option<String>>("matching_id")?.filter(|_| !unnamed).map(Zeroizing::new);
    Ok(Listed {
        iccid,
        operator,
        profile_type,
        order: Some(ListedOrder {
            state,
            eid: columns.optional_eid("eid")?,
            matching_id,
            confirmation_code_required: columns.get("code")?,
            download_tries: columns.unsigned("download_tries")?,
            confirmation_tries: columns.unsigned("confirmation_tries")?,
            expires_at: columns.get::<Option<i64>>("expires_at")?.map(Timestamp),
            updated_at: columns.timestamp("updated_at")?,
            updated_by: columns.get("updated_by")?,
        }),
        esim,
        created_at: columns.timestamp("created_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::{BY_EID, BY_ICCID, BY_MATCHING_ID, NEXT_PAGE, PAGE, nibbles};
    use crate::sqlite::{self, Access};
    use rusqlite::params;

    #[test]
    fn digits_become_the_range_of_what_begins_with_them() {
        let (from, to) = nibbles("898901", 10, true);
        assert_eq!((from.as_slice(), &to[..4]), (&[0x98, 0x98, 0x10][..], &[0x98, 0x98, 0x10, 0xFF][..]));
        let (from, to) = nibbles("89890", 10, true);
        assert_eq!((from.as_slice(), &to[..3]), (&[0x98, 0x98][..], &[0x98, 0x98, 0xFF][..]));
        let (from, to) = nibbles("89049", 16, false);
        assert_eq!((from.as_slice(), &to[..4]), (&[0x89, 0x04, 0x90][..], &[0x89, 0x04, 0x9F, 0xFF][..]));
    }

    #[test]
    fn no_list_and_no_search_looks_at_all_orders_or_sorts_them() {
        let dir = tempfile::tempdir().unwrap();
        let mut connection = sqlite::connect(&dir.path().join("test.db"), Access::Create).unwrap();
        sqlite::migrate(&mut connection).unwrap();
        for text in [PAGE, NEXT_PAGE, BY_ICCID, BY_EID, BY_MATCHING_ID] {
            let plan = format!("EXPLAIN QUERY PLAN {text}");
            let parameters = params!["a", "b", "c", 1, 1, "d"];
            let parameters = if text.contains("$6") { parameters } else { &parameters[..5] };
            let plan: Vec<String> = sqlite::all(&connection, &plan, parameters, |row| Ok(row.get("detail")?)).unwrap();
            assert!(!plan.iter().any(|step| step.starts_with("SCAN") || step.contains("B-TREE")), "{text}: {plan:?}");
        }
    }
}

//! Orders as lists show them: newest first, page by page.
//!
//! The counters say which types stand in which states, and each such range has its orders in the index, newest last. A page
//! takes the newest of each range, whatever their number; one more order costs a page nothing.

use rsp_asn1::{Eid, Iccid, Timestamp};
use rusqlite::{Connection, Row, params};
use zeroize::Zeroizing;

use crate::crypter::Crypter;
use crate::datastore::Datastore;
use crate::error::Error;
use crate::esims::{self, Esim};
use crate::journal::{Whose, order_counts, order_counts_elsewhere};
use crate::profiles::ProfileState;
use crate::rows::Columns;
use crate::sqlite;
use crate::writer::Transaction;

const TABLE: &str = "profiles";

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

/// Statement text: where the newest orders of one operator's type in a state stand, from behind a place on, and down to one.
/// The index has all of it: a row is read only of what is shown.
const PLACES: &str = "SELECT created_at, iccid FROM profiles \
     WHERE operator IS $1 AND profile_type = $2 AND state = $3 AND (created_at, iccid) < ($4, $5) AND created_at >= $6 \
     ORDER BY created_at DESC, iccid DESC LIMIT $7";

const ONE: &str = select!("WHERE p.iccid = $1");

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
        let before = after.map_or((i64::MAX, [0xFF; 10]), |after| (after.created_at.0, after.iccid.0));
        self.read(|connection| {
            let mut newest = Newest::new(limit);
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
                let (kind, state) = (&count.profile_type, count.state.as_str());
                let parameters = params![operator, kind, state, before.0, before.1, newest.oldest(), limit];
                newest.add(sqlite::all(connection, PLACES, parameters, |row| {
                    let columns = Columns::new(row, TABLE);
                    Ok(Place {
                        created_at: columns.get("created_at")?,
                        iccid: columns.iccid("iccid")?,
                        elsewhere: None,
                    })
                })?);
            }
            places_elsewhere(connection, whose, filter, before, limit, &mut newest)?;
            newest.read(connection, self.crypter())
        })
    }

    /// The order of this profile, if it is one of theirs.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn listed(&self, whose: &Whose, iccid: &Iccid) -> Result<Option<Listed>, Error> {
        self.read(|connection| one(connection, self.crypter(), whose, iccid))
    }
}

fn is_of(one: &Listed, whose: &Whose) -> bool {
    match whose {
        Whose::All => true,
        Whose::Own => one.operator.is_none(),
        Whose::Of(operator) => one.operator.as_ref() == Some(operator),
    }
}

/// Where an order stands in a list.
#[derive(PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) created_at: i64,
    pub(crate) iccid: Iccid,
    /// Whose it is, where another SM-DP+ has it.
    pub(crate) elsewhere: Option<String>,
}

/// The newest of what was found so far.
pub(crate) struct Newest {
    places: Vec<Place>,
    limit: usize,
}

impl Newest {
    pub(crate) fn new(limit: u32) -> Self {
        Self { places: Vec::new(), limit: usize::try_from(limit).unwrap_or(usize::MAX) }
    }

    /// The orders that stand there.
    pub(crate) fn read(self, connection: &Connection, crypter: &Crypter) -> Result<Vec<Listed>, Error> {
        let read = |place: Place| match place.elsewhere {
            None => sqlite::first(connection, ONE, params![place.iccid.0], |row| listed(row, crypter)),
            Some(operator) => esims::elsewhere_of(connection, &operator, &place.iccid, crypter),
        };
        self.places.into_iter().filter_map(|place| read(place).transpose()).collect()
    }

    /// What is older than this is not among them whatever else is found.
    fn oldest(&self) -> i64 {
        self.places.last().filter(|_| self.places.len() == self.limit).map_or(i64::MIN, |place| place.created_at)
    }

    /// Adds what was found, each place once.
    pub(crate) fn add(&mut self, places: Vec<Place>) {
        self.places.extend(places);
        self.places.sort_unstable_by_key(|place| std::cmp::Reverse((place.created_at, place.iccid.0)));
        self.places.dedup_by(|one, other| one.iccid == other.iccid && one.elsewhere == other.elsewhere);
        self.places.truncate(self.limit);
    }
}

fn places_elsewhere(
    connection: &Connection,
    whose: &Whose,
    filter: &OrderFilter,
    before: (i64, [u8; 10]),
    limit: u32,
    newest: &mut Newest,
) -> Result<(), Error> {
    for count in order_counts_elsewhere(connection, whose)? {
        let state = filter.states.is_empty() || filter.states.contains(&count.state);
        let of_type = filter.profile_types.as_ref().is_none_or(|types| types.contains(&count.profile_type));
        if !state || !of_type {
            continue;
        }
        let which = esims::Elsewhere {
            operator: &count.operator,
            profile_type: &count.profile_type,
            cancelled: count.state == ProfileState::Unavailable,
            before,
        };
        let places = esims::places_elsewhere(connection, &which, newest.oldest(), limit)?;
        let place = |(created_at, iccid)| Place { created_at, iccid, elsewhere: Some(count.operator.clone()) };
        newest.add(places.into_iter().map(place).collect());
    }
    Ok(())
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
    use super::PLACES;
    use crate::esims::PLACES_ELSEWHERE;
    use crate::sqlite::{self, Access};
    use rusqlite::params;

    /// Both ends of a range are found in the index, which has the places in their order.
    #[test]
    fn no_list_looks_at_all_orders_or_sorts_them() {
        let dir = tempfile::tempdir().unwrap();
        let mut connection = sqlite::connect(&dir.path().join("test.db"), Access::Create).unwrap();
        sqlite::migrate(&mut connection).unwrap();
        for (text, index, state) in [
            (PLACES, "profiles USING COVERING INDEX profiles_by_place", "state"),
            (PLACES_ELSEWHERE, "esims USING COVERING INDEX esims_elsewhere", "cancelled"),
        ] {
            let plan = format!("EXPLAIN QUERY PLAN {text}");
            let parameters = params!["a", "b", "c", 1, "d", 0, 1];
            let plan: Vec<String> = sqlite::all(&connection, &plan, parameters, |row| Ok(row.get("detail")?)).unwrap();
            let range =
                format!("operator=? AND profile_type=? AND {state}=? AND created_at>? AND (created_at,iccid)<(?,?)");
            assert_eq!(plan, [format!("SEARCH {index} ({range})")]);
        }
    }
}

//! Steps of a session: what a step writes is decided before, and goes to the database in one round trip.
//!
//! A round trip to SQLite's thread costs as much as a signature, so each step is one text with `BEGIN` and `COMMIT` in it.
//! There is nothing to roll back: the first statement writes only if everything that the step relies on still holds, and
//! each further one only if the one before it wrote.

use rsp_asn1::Timestamp;
use sqlx::sqlite::SqliteArguments;
use zeroize::Zeroizing;

use crate::crypter::Crypter;
use crate::datastore::Datastore;
use crate::error::Error;
use crate::notifications::Notification;
use crate::profiles::{ProfileChange, add_change, update_profile};
use crate::rows::add;
use crate::sessions::{NewSession, SessionAdvance, SessionState, TABLE};
use crate::writer::ScriptJob;

/// What one step writes.
pub enum Step {
    /// A new session.
    Open(NewSession),
    /// The next state of a session, and what becomes of its profile.
    Advance(SessionAdvance, Option<ProfileChange>),
    /// A notification, unless its sequence number is known for its eUICC, and what follows from it.
    Take(Notification, Option<SessionAdvance>, Option<ProfileChange>),
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    /// Everything was written.
    Done,
    /// Session or profile were changed since they were read; nothing was written.
    Conflict,
    /// The notification's sequence number is known; nothing was written.
    Known,
}

/// The text of a step, as a transaction of its own and as part of another.
pub(crate) struct Text {
    pub(crate) alone: &'static str,
    pub(crate) member: &'static str,
}

/// Several statements: alone they need a transaction.
macro_rules! several {
    ($($part:expr),+) => {
        Text { alone: concat!("BEGIN IMMEDIATE; ", $($part),+, "; COMMIT"), member: concat!($($part),+) }
    };
}

/// One statement is a transaction by itself.
macro_rules! single {
    ($($part:expr),+) => {
        Text { alone: concat!($($part),+), member: concat!($($part),+) }
    };
}

// Parameters: $1 to $14 profile, $15 to $20 session, $21 to $26 notification. Those of absent parts are NULL.
macro_rules! update_session {
    () => {
        "UPDATE download_sessions SET state = $17, data = COALESCE($18, data), expires_at = $19, iccid = $20 \
         WHERE transaction_id = $15 AND state = $16"
    };
}
macro_rules! session_as_read {
    () => {
        "EXISTS (SELECT 1 FROM download_sessions WHERE transaction_id = $15 AND state = $16)"
    };
}
macro_rules! profile_as_read {
    () => {
        "EXISTS (SELECT 1 FROM profiles WHERE iccid = $1 AND version = $2)"
    };
}
macro_rules! insert_notification {
    ($condition:expr) => {
        concat!(
            "INSERT INTO notifications (eid, seq_number, iccid, event, body, received_at) \
             SELECT $21, $22, $23, $24, $25, $26 WHERE ",
            $condition,
            " ON CONFLICT (eid, seq_number) DO NOTHING RETURNING 1"
        )
    };
}
macro_rules! if_written {
    () => {
        " AND changes() = 1"
    };
}

static OPEN: Text = single!(
    "INSERT INTO download_sessions (transaction_id, state, data, expires_at) VALUES ($1, $2, $3, $4) RETURNING 1"
);
static ADVANCE: Text = single!(update_session!(), " RETURNING 1");
static ADVANCE_AND_CHANGE: Text =
    several!(update_session!(), " AND ", profile_as_read!(), " RETURNING 1; ", update_profile!(), if_written!());
static TAKE: Text = single!(insert_notification!("TRUE"));
static TAKE_AND_ADVANCE: Text =
    several!(insert_notification!(session_as_read!()), "; ", update_session!(), if_written!());
static TAKE_AND_CHANGE: Text =
    several!(insert_notification!(profile_as_read!()), "; ", update_profile!(), if_written!());
static TAKE_ADVANCE_AND_CHANGE: Text = several!(
    insert_notification!(concat!(session_as_read!(), " AND ", profile_as_read!())),
    "; ",
    update_session!(),
    if_written!(),
    "; ",
    update_profile!(),
    if_written!()
);

impl Datastore {
    /// Writes a step, and returns when it is on disk. `name` appears in logs.
    ///
    /// # Errors
    /// [`Error::Duplicate`] when a new session's transactionId is taken, and the store's own failures.
    pub async fn step(&self, name: &'static str, step: &Step) -> Result<Stepped, Error> {
        let (text, arguments) = self.prepare(step)?;
        let (job, written) = ScriptJob::new(name, text, arguments);
        self.submit(job.into()).await?;
        if written.await.map_err(|_| Error::Closed)?? {
            return Ok(Stepped::Done);
        }
        match step {
            Step::Take(notification, ..) if self.knows(notification).await? => Ok(Stepped::Known),
            _ => Ok(Stepped::Conflict),
        }
    }

    fn prepare(&self, step: &Step) -> Result<(&'static Text, SqliteArguments), Error> {
        let crypter = self.crypter();
        match step {
            Step::Open(new) => open(new, crypter),
            Step::Advance(session, change) => advance(session, change.as_ref(), crypter),
            Step::Take(notification, session, change) => take(notification, session.as_ref(), change.as_ref(), crypter),
        }
    }

    async fn knows(&self, notification: &Notification) -> Result<bool, Error> {
        let row = sqlx::query("SELECT 1 FROM notifications WHERE eid = $1 AND seq_number = $2")
            .bind(notification.eid.0.to_vec())
            .bind(notification.seq_number)
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        Ok(row.is_some())
    }
}

fn open(new: &NewSession, crypter: &Crypter) -> Result<(&'static Text, SqliteArguments), Error> {
    let key = new.transaction_id.as_bytes();
    let mut arguments = SqliteArguments::default();
    add(&mut arguments, key.to_vec())?;
    add(&mut arguments, SessionState::ExpectAuthenticateClient.as_str())?;
    add(&mut arguments, crypter.seal(TABLE, key, "data", &new.data)?)?;
    add(&mut arguments, new.expires_at.0)?;
    Ok((&OPEN, arguments))
}

/// The text and the parameters that advance a session.
pub(crate) fn advance(
    session: &SessionAdvance,
    change: Option<&ProfileChange>,
    crypter: &Crypter,
) -> Result<(&'static Text, SqliteArguments), Error> {
    let mut arguments = SqliteArguments::default();
    add_optional_change(&mut arguments, change, crypter)?;
    add_session(&mut arguments, session, crypter)?;
    Ok((if change.is_some() { &ADVANCE_AND_CHANGE } else { &ADVANCE }, arguments))
}

fn take(
    notification: &Notification,
    session: Option<&SessionAdvance>,
    change: Option<&ProfileChange>,
    crypter: &Crypter,
) -> Result<(&'static Text, SqliteArguments), Error> {
    let mut arguments = SqliteArguments::default();
    add_optional_change(&mut arguments, change, crypter)?;
    match session {
        Some(session) => add_session(&mut arguments, session, crypter)?,
        None => add_nulls(&mut arguments, 6)?,
    }
    add(&mut arguments, notification.eid.0.to_vec())?;
    add(&mut arguments, notification.seq_number)?;
    add(&mut arguments, notification.iccid.map(|iccid| iccid.0.to_vec()))?;
    add(&mut arguments, notification.event.as_str())?;
    add(&mut arguments, notification.body.as_slice())?;
    add(&mut arguments, notification.received_at.0)?;
    let text = match (session, change) {
        (None, None) => &TAKE,
        (Some(_), None) => &TAKE_AND_ADVANCE,
        (None, Some(_)) => &TAKE_AND_CHANGE,
        (Some(_), Some(_)) => &TAKE_ADVANCE_AND_CHANGE,
    };
    Ok((text, arguments))
}

fn add_optional_change(
    arguments: &mut SqliteArguments,
    change: Option<&ProfileChange>,
    crypter: &Crypter,
) -> Result<(), Error> {
    match change {
        Some(change) => add_change(arguments, change, crypter),
        None => add_nulls(arguments, 14),
    }
}

fn add_session(arguments: &mut SqliteArguments, session: &SessionAdvance, crypter: &Crypter) -> Result<(), Error> {
    let key = session.transaction_id.as_bytes();
    let seal = |data: &Zeroizing<Vec<u8>>| crypter.seal(TABLE, key, "data", data);
    add(arguments, key.to_vec())?;
    add(arguments, session.from.as_str())?;
    add(arguments, session.to.as_str())?;
    add(arguments, session.data.as_ref().map(seal).transpose()?)?;
    let Timestamp(expires_at) = session.expires_at;
    add(arguments, expires_at)?;
    add(arguments, session.iccid.map(|iccid| iccid.0.to_vec()))
}

fn add_nulls(arguments: &mut SqliteArguments, count: usize) -> Result<(), Error> {
    (0..count).try_for_each(|_| add(arguments, None::<i64>))
}

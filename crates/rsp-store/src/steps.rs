//! Steps of a session: what a step writes is decided before, and takes effect as a whole or not at all.

use crate::datastore::Datastore;
use crate::error::Error;
use crate::installations::Installation;
use crate::notifications::Notification;
use crate::profiles::ProfileChange;
use crate::sessions::{NewSession, SessionAdvance};
use crate::writer::Transaction;

/// What one step writes.
pub enum Step {
    /// A new session, and what becomes of its profile.
    Open(NewSession, Option<ProfileChange>),
    /// The next state of a session, and what becomes of its profile.
    Advance(SessionAdvance, Option<ProfileChange>),
    /// A notification, unless its sequence number is known for its eUICC and profile, and what becomes of the profile.
    Take(Notification, Option<Reported>),
    /// An installation result with the end of its session, which identifies it, and what becomes of the profile.
    TakeResult(Notification, SessionAdvance, Option<Reported>),
}

/// What a notification means for its profile. All is made from the same version of the profile, and written together.
pub struct Reported {
    /// What becomes of the order: changes that follow each other, each a line of its log.
    pub changes: Vec<ProfileChange>,
    /// What is known of the profile on the eUICC now.
    pub installation: Installation,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    /// Everything was written.
    Done,
    /// Session or profile were changed since they were read, or the new session began before; nothing was written.
    Conflict,
    /// The notification's sequence number is known; nothing was written.
    Known,
}

/// Why a step is rolled back.
enum Undo {
    Because(Stepped),
    Store(Error),
}

impl From<Error> for Undo {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl Datastore {
    /// Writes a step, and returns when it is on disk. `name` appears in logs.
    ///
    /// # Errors
    /// The store's own failures.
    pub async fn step(&self, name: &'static str, step: Step) -> Result<Stepped, Error> {
        match self.run_tx(name, move |tx| tx.write(&step)).await {
            Ok(()) => Ok(Stepped::Done),
            Err(Undo::Because(stepped)) => Ok(stepped),
            Err(Undo::Store(error)) => Err(error),
        }
    }
}

impl Transaction {
    /// Advances a session and changes its profile. False when either was changed by somebody else: the caller must then
    /// fail, so that neither takes effect.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn advance_session_and_profile(
        &mut self,
        advance: &SessionAdvance,
        change: &ProfileChange,
    ) -> Result<bool, Error> {
        Ok(self.advance_session(advance)? && self.change_profile(change)?)
    }

    fn write(&mut self, step: &Step) -> Result<(), Undo> {
        let (moved, changes) = match step {
            Step::Open(new, change) => (self.insert_session(new)?, change.as_slice()),
            Step::Advance(advance, change) => (self.advance_session(advance)?, change.as_slice()),
            Step::Take(notification, reported) => {
                if self.knows_notification(notification)? {
                    return Err(Undo::Because(Stepped::Known));
                }
                self.record_notification(notification)?;
                (true, self.keep_reported(reported.as_ref())?)
            }
            Step::TakeResult(notification, advance, reported) => {
                self.record_notification(notification)?;
                (self.advance_session(advance)?, self.keep_reported(reported.as_ref())?)
            }
        };
        if !moved {
            return Err(Undo::Because(Stepped::Conflict));
        }
        for change in changes {
            if !self.change_profile(change)? {
                return Err(Undo::Because(Stepped::Conflict));
            }
        }
        Ok(())
    }

    /// Writes what is known of the installation; the changes are left to be written.
    fn keep_reported<'a>(&mut self, reported: Option<&'a Reported>) -> Result<&'a [ProfileChange], Error> {
        let Some(Reported { changes, installation }) = reported else { return Ok(&[]) };
        self.keep_installation(installation)?;
        Ok(changes)
    }
}

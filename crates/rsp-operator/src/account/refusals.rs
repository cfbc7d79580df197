//! Sign-ins that were refused, in the log: the first of an hour for each account and kind, so that whoever guesses can neither
//! stay unseen nor fill the log.
//!
//! What was typed as a password is in none of it. Of a name that nobody has only the beginning is: passwords are typed into the
//! wrong field, too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rsp_asn1::Timestamp;
use rsp_es::printable::printable;
use rsp_store::{AuditEntry, Datastore};

use super::Accounts;
use super::users::FULL_NAME;

/// Seconds of a run, of which the first refusal is written down.
const RUN: i64 = 3600;
/// Entries of a run about names that nobody has, of all of them together.
const STRANGERS: u32 = 10;
/// Characters of such a name.
const EXCERPT: usize = 3;
/// Names that are remembered at most, so that they need not be looked up.
const KEPT: usize = 10_000;

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Refused {
    /// The password, or that the user is disabled.
    Password,
    /// The passkey's answer.
    Passkey,
    /// Whatever it was: there were too many before.
    Throttled,
}

impl Refused {
    fn action(self) -> &'static str {
        match self {
            Self::Password => "refuse sign-in",
            Self::Passkey => "refuse sign-in with passkey",
            Self::Throttled => "throttle sign-in",
        }
    }
}

/// What is in the log of the current runs.
#[derive(Default)]
pub(super) struct Refusals(Mutex<Runs>);

#[derive(Default)]
struct Runs {
    /// Names that were looked up, and until when they need not be again.
    seen: HashMap<(Refused, [u8; 32]), i64>,
    /// The same of accounts, which are as many as there are: what must not be written twice.
    accounts: HashMap<(Refused, i64), i64>,
    /// End of the run of names that nobody has, and entries in it.
    strangers: (i64, u32),
}

impl Refusals {
    fn with<T>(&self, change: impl FnOnce(&mut Runs) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a name was not seen yet in its run.
    fn is_new(&self, refused: Refused, name: &str, now: Timestamp) -> bool {
        let name = rsp_crypto::hash::sha256(name.to_ascii_lowercase().as_bytes());
        self.with(|runs| {
            if runs.seen.len() >= KEPT {
                runs.seen.clear();
            }
            begins(&mut runs.seen, (refused, name), now)
        })
    }

    fn begins_for_account(&self, refused: Refused, user: i64, now: Timestamp) -> bool {
        self.with(|runs| begins(&mut runs.accounts, (refused, user), now))
    }

    fn has_room_for_stranger(&self, now: Timestamp) -> bool {
        self.with(|runs| {
            if runs.strangers.0 <= now.0 {
                runs.strangers = (now.0 + RUN, 0);
            }
            runs.strangers.1 += 1;
            runs.strangers.1 <= STRANGERS
        })
    }
}

/// Whether a run begins, which it then does.
fn begins<K: Eq + std::hash::Hash>(runs: &mut HashMap<K, i64>, key: K, now: Timestamp) -> bool {
    let until = runs.entry(key).or_insert(i64::MIN);
    let is_over = *until <= now.0;
    if is_over {
        *until = now.0 + RUN;
    }
    is_over
}

impl Accounts {
    /// Writes a refusal down, if it is the first of its run. The answer does not wait for it: it would tell by its time which
    /// names there are.
    pub(super) fn note_refusal(&self, refused: Refused, name: &str) {
        let now = self.now();
        if !self.refusals.is_new(refused, name, now) {
            return;
        }
        let (store, refusals) = (Arc::clone(&self.store), Arc::clone(&self.refusals));
        // No user has a longer one.
        let name: String = name.chars().take(FULL_NAME + 1).collect();
        tokio::spawn(async move {
            if let Err(error) = note(&store, &refusals, refused, &name, now).await {
                tracing::error!(%error, "a refused sign-in is not in the log");
            }
        });
    }
}

async fn note(
    store: &Datastore,
    refusals: &Refusals,
    refused: Refused,
    name: &str,
    now: Timestamp,
) -> Result<(), rsp_store::Error> {
    let (subject, operator) = match store.user(name).await? {
        Some(user) if refusals.begins_for_account(refused, user.id, now) => (user.name, user.operator),
        None if refusals.has_room_for_stranger(now) => {
            (format!("a name that nobody has: \"{}\"", printable(name, EXCERPT)), None)
        }
        _ => return Ok(()),
    };
    let entry = AuditEntry { at: now, actor: "somebody".to_owned(), action: refused.action().to_owned(), subject };
    store.run_tx("note refusal", move |tx| tx.record_audit_of(operator.as_deref(), &entry)).await
}

#[cfg(test)]
mod tests {
    use rsp_asn1::Timestamp;

    use super::{KEPT, RUN, Refusals, Refused, STRANGERS};

    #[test]
    fn the_first_of_a_run_and_each_kind_is_written_down() {
        let refusals = Refusals::default();
        let begins = |refused, at| refusals.begins_for_account(refused, 7, Timestamp(at));
        assert!(begins(Refused::Password, 0) && !begins(Refused::Password, RUN - 1));
        assert!(begins(Refused::Throttled, 5) && !begins(Refused::Throttled, 5));
        assert!(begins(Refused::Password, RUN) && !begins(Refused::Password, RUN));
    }

    #[test]
    fn names_that_nobody_has_fill_neither_log_nor_memory() {
        let refusals = Refusals::default();
        let written = (0..1_000).filter(|_| refusals.has_room_for_stranger(Timestamp(0))).count();
        assert_eq!(written, STRANGERS as usize);
        assert!(refusals.has_room_for_stranger(Timestamp(RUN)));
        for number in 0..KEPT + 10 {
            assert!(refusals.is_new(Refused::Password, &number.to_string(), Timestamp(0)));
        }
        assert!(refusals.0.lock().unwrap().seen.len() <= KEPT);
        assert!(!refusals.is_new(Refused::Password, &(KEPT + 9).to_string(), Timestamp(0)));
    }
}

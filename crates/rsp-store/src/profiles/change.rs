//! Changes of a profile, each made from the version that was read.

use rsp_asn1::{Eid, Iccid, Timestamp};
use rusqlite::params;
use zeroize::Zeroizing;

use super::{OrderPolicy, Profile, ProfileState, TABLE};
use crate::crypter::Crypter;
use crate::error::Error;
use crate::journal::NewEvent;
use crate::outbox::NewMessage;
use crate::sqlite;
use crate::writer::Transaction;

/// What becomes of a sealed column.
pub enum SealedChange {
    /// It stays as it is.
    Keep,
    /// It is emptied.
    Clear,
    /// It gets this value.
    Set(Zeroizing<Vec<u8>>),
}

/// All changeable columns of a profile, to be written if the row still has the version that was read.
pub struct ProfileChange {
    /// Which profile.
    pub iccid: Iccid,
    /// Version that the change was made from.
    pub version: i64,
    /// New state.
    pub state: ProfileState,
    /// New EID.
    pub eid: Option<Eid>,
    /// New matching ID. Where it changes, the rules of the order that follow are written too, and only there.
    pub matching_id: Option<String>,
    /// New answer to whether the order is asked for by EID alone.
    pub unnamed: bool,
    /// New policy.
    pub policy: OrderPolicy,
    /// New SM-DS.
    pub smds_address: Option<String>,
    /// New limit of deliveries.
    pub download_limit: Option<u32>,
    /// New limit of wrong confirmation codes.
    pub confirmation_limit: Option<u32>,
    /// New confirmation-code hash.
    pub confirmation_code: SealedChange,
    /// New count of wrong confirmation codes.
    pub confirmation_tries: u32,
    /// New count of deliveries.
    pub download_tries: u32,
    /// New binding.
    pub binding: SealedChange,
    /// New end of life.
    pub expires_at: Option<Timestamp>,
    /// Now.
    pub at: Timestamp,
    /// Who changes it.
    pub by: String,
    /// What other servers are told of it.
    pub messages: Vec<NewMessage>,
    /// The steps of a session that it comes from. The change of the state is an event of its own, and not among them.
    pub steps: Vec<NewEvent>,
    /// EID and matching ID as they were read: each has an index, which is written only where they change.
    indexed: (Option<Eid>, Option<String>),
}

impl Profile {
    /// A change that changes nothing yet, made by `by` at `at`.
    pub fn change(&self, by: &str, at: Timestamp) -> ProfileChange {
        ProfileChange {
            iccid: self.iccid,
            version: self.version,
            state: self.state,
            eid: self.eid,
            matching_id: self.matching_id.clone(),
            unnamed: self.unnamed,
            policy: self.policy,
            smds_address: self.smds_address.clone(),
            download_limit: self.download_limit,
            confirmation_limit: self.confirmation_limit,
            confirmation_code: SealedChange::Keep,
            confirmation_tries: self.confirmation_tries,
            download_tries: self.download_tries,
            binding: SealedChange::Keep,
            expires_at: self.expires_at,
            at,
            by: by.to_owned(),
            messages: Vec::new(),
            steps: Vec::new(),
            indexed: (self.eid, self.matching_id.clone()),
        }
    }
}

/// Statement text: changes a profile that has the version that was read, with further columns.
macro_rules! profile_update {
    ($more:expr) => {
        concat!(
            "UPDATE profiles SET version = version + 1, state = $3, \
             confirmation_code = CASE WHEN $6 THEN $7 ELSE confirmation_code END, confirmation_tries = $8, \
             download_tries = $9, binding = CASE WHEN $10 THEN $11 ELSE binding END, expires_at = $12, \
             updated_at = $13, updated_by = $14",
            $more,
            " WHERE iccid = $1 AND version = $2"
        )
    };
}

impl Transaction {
    /// Writes a change. False when the profile was changed since it was read, and nothing was written.
    ///
    /// # Errors
    /// The store's own failures.
    pub fn change_profile(&mut self, change: &ProfileChange) -> Result<bool, Error> {
        let seal = |value, column| seal_change(value, &self.crypter, &change.iccid, column);
        let (set_code, code) = seal(&change.confirmation_code, "confirmation_code")?;
        let (set_binding, binding) = seal(&change.binding, "binding")?;
        let (eid, matching_id) = &change.indexed;
        let text = if *matching_id != change.matching_id {
            profile_update!(
                ", eid = $4, matching_id = $5, unnamed = $15, policy = $16, smds_address = $17, download_limit = $18, \
                 confirmation_limit = $19"
            )
        } else if *eid != change.eid {
            profile_update!(", eid = $4")
        } else {
            profile_update!("")
        };
        let written = sqlite::execute(
            &self.connection,
            text,
            params![
                change.iccid.0,
                change.version,
                change.state.as_str(),
                change.eid.map(|eid| eid.0),
                change.matching_id,
                set_code,
                code,
                change.confirmation_tries,
                change.download_tries,
                set_binding,
                binding,
                change.expires_at.map(|at| at.0),
                change.at.0,
                change.by,
                change.unnamed,
                change.policy.as_str(),
                change.smds_address,
                change.download_limit,
                change.confirmation_limit
            ],
        )?;
        if written == 1 {
            change.messages.iter().try_for_each(|message| self.enqueue(message))?;
            change.steps.iter().try_for_each(|step| self.record_event(step))?;
        }
        Ok(written == 1)
    }
}

fn seal_change(
    change: &SealedChange,
    crypter: &Crypter,
    iccid: &Iccid,
    column: &'static str,
) -> Result<(bool, Option<Vec<u8>>), Error> {
    Ok(match change {
        SealedChange::Keep => (false, None),
        SealedChange::Clear => (true, None),
        SealedChange::Set(value) => (true, Some(crypter.seal(TABLE, &iccid.0, column, value)?)),
    })
}

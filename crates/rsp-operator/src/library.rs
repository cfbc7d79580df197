//! What can be ordered: what is in each package, and how much of it is left.

mod contents;

use rsp_crypto::Zeroizing;
use rsp_store::{ProfileState, ProfileType};

use crate::actor::{Actor, Right};
use crate::desk::Desk;
use crate::error::Error;
pub use contents::{Contents, Directory, File, Part};

/// Below this many orders a type is running out.
const RUNNING_OUT: u64 = 10;

/// A type of profiles, and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The type.
    pub profile_type: ProfileType,
    /// Profiles that lie ready: of an inventory all that can be ordered.
    pub available: u64,
    /// How many were ordered, whatever became of them.
    pub ordered: u64,
    /// ICCIDs left in a template's range; `None` when they are random.
    pub iccids_left: Option<u64>,
    /// Subscribers that wait for copies of a template; `None` when they are random.
    pub subscribers_left: Option<u64>,
    /// What is in a package of the type; `None` for an inventory without any.
    pub contents: Option<Contents>,
}

impl Entry {
    /// Orders that can still be placed; `None` without limit.
    pub fn left(&self) -> Option<u64> {
        if !self.profile_type.template {
            return Some(self.available);
        }
        // Copies whose orders were given back are ordered before fresh ones.
        let made = match (self.iccids_left, self.subscribers_left) {
            (None, None) => return None,
            (Some(one), Some(other)) => one.min(other),
            (Some(one), None) | (None, Some(one)) => one,
        };
        Some(made.saturating_add(self.available))
    }

    /// Whether orders are taken and few are left.
    pub fn is_running_out(&self) -> bool {
        !self.profile_type.closed && self.left().is_some_and(|left| left < RUNNING_OUT)
    }
}

/// The types that an actor may see, by name.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::Store`].
pub async fn library(desk: &Desk, actor: &Actor) -> Result<Vec<Entry>, Error> {
    desk.require(actor, Right::Read)?;
    let whose = desk.whose(actor, None).await?;
    let store = desk.store();
    let counts = store.order_counts(&whose).await?;
    let mut entries = Vec::new();
    for profile_type in store.profile_types().await? {
        if !actor.sees(profile_type.operator.as_deref()) {
            continue;
        }
        let of_type = || counts.iter().filter(|count| count.profile_type == profile_type.name);
        let sum =
            |is: fn(ProfileState) -> bool| of_type().filter(|count| is(count.state)).map(|count| count.orders).sum();
        let subscribers_left = match profile_type.stocked {
            true => Some(u64::from(store.subscribers_in_stock(&profile_type.name).await?)),
            false => None,
        };
        let package = package(desk, &profile_type).await?;
        entries.push(Entry {
            available: sum(|state| state == ProfileState::Available),
            ordered: sum(|state| state != ProfileState::Available),
            iccids_left: profile_type.iccids.map(|(next, last)| (last + 1).saturating_sub(next)),
            subscribers_left,
            contents: package.and_then(|package| Contents::of(&package)),
            profile_type,
        });
    }
    Ok(entries)
}

/// A package of a type: a template's own, or that of the profile that is ordered next.
async fn package(desk: &Desk, profile_type: &ProfileType) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let (name, template) = (profile_type.name.clone(), profile_type.template);
    let found = desk.store().run_tx("read package", move |tx| -> Result<_, rsp_store::Error> {
        Ok(match template {
            true => (tx.template(&name)?, None),
            false => (None, tx.available_profile(&name)?.map(|profile| profile.iccid)),
        })
    });
    match found.await? {
        (Some(package), _) => Ok(Some(package)),
        (None, Some(iccid)) => Ok(desk.store().package(&iccid).await?),
        (None, None) => Ok(None),
    }
}

//! eSIMs that somebody looks for.

use rsp_store::{Listed, OrderCursor};

use super::was_ordered;
use crate::actor::{Actor, Right};
use crate::desk::{Desk, Esim, EsimFilter, Page};
use crate::error::Error;

/// Orders of a search among which a filter chooses.
const LOOKED_AT: u32 = 200;

/// What is known of the eSIMs that somebody looks for. What is not said is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// The first characters, six at least, of their ICCID, EID, matching ID, reference or device.
    pub begins: Option<String>,
    /// What their buyer calls them, whole.
    pub reference: Option<String>,
}

impl Search {
    /// Whether anything is looked for.
    pub fn is_any(&self) -> bool {
        self.begins.is_some() || self.reference.is_some()
    }
}

impl Desk {
    /// eSIMs of which the ICCID, the EID, the matching ID here, the buyer's reference or the device's name begins with a text of
    /// at least six characters. Who may not have activation codes finds none by a part of its matching ID, which could be
    /// guessed one character after the other.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn search(&self, actor: &Actor, text: &str, limit: u32) -> Result<Vec<Esim>, Error> {
        self.require(actor, Right::Read)?;
        let (whose, text) = (self.whose(actor, None).await?, text.trim());
        let mut listed = self.store.order_search(&whose, text, limit).await?;
        let may_guess = actor.rights().has(Right::Provision);
        listed.retain(|one| was_ordered(one) && is_begun(one, text, may_guess));
        Ok(listed.into_iter().map(|listed| self.esim_of(listed)).collect())
    }

    /// eSIMs that are looked for and fit a filter, newest first. Of more than 200 that begin in the same way some are left out.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`] for another's tenant.
    pub async fn found(
        &self,
        actor: &Actor,
        search: &Search,
        filter: &EsimFilter,
        after: Option<OrderCursor>,
        limit: u32,
    ) -> Result<Page<Esim, OrderCursor>, Error> {
        self.require(actor, Right::Read)?;
        let whose = self.whose(actor, filter.tenant.as_deref()).await?;
        let types = self.types_of(actor, filter).await?;
        let begins = search.begins.as_deref().map(str::trim);
        let mut listed = match (&search.reference, begins) {
            (Some(reference), _) => self.store.orders_by_reference(&whose, reference).await?,
            (None, Some(begins)) => self.store.order_search(&whose, begins, LOOKED_AT).await?,
            (None, None) => Vec::new(),
        };
        let may_guess = actor.rights().has(Right::Provision);
        listed.retain(|one| {
            was_ordered(one)
                && begins.is_none_or(|text| is_begun(one, text, may_guess))
                && types.as_ref().is_none_or(|types| types.contains(&one.profile_type))
                && after.is_none_or(|after| (one.created_at, one.iccid.0) < (after.created_at, after.iccid.0))
        });
        let mut items: Vec<_> = listed.into_iter().map(|listed| self.esim_of(listed)).collect();
        items.retain(|esim| filter.states.is_empty() || filter.states.contains(&esim.state));
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let last = items.last().map(|last| OrderCursor { created_at: last.created_at, iccid: last.iccid });
        Ok(Page { items, next: last.filter(|_| more) })
    }
}

/// Whether something that names it begins with a text. For who may not guess, a matching ID has to be the text, all
/// of it.
fn is_begun(one: &Listed, text: &str, may_guess: bool) -> bool {
    let (order, esim) = (one.order.as_ref(), one.esim.as_ref());
    let eid = order.map_or_else(|| esim.and_then(|esim| esim.eid), |order| order.eid);
    let matching_id = order.and_then(|order| order.matching_id.as_ref());
    let code = text.to_ascii_uppercase();
    let names = esim.into_iter().flat_map(|esim| [&esim.reference, &esim.device_id]).flatten();
    one.iccid.to_string().starts_with(text)
        || eid.is_some_and(|eid| eid.to_string().starts_with(text))
        || matching_id.is_some_and(|id| if may_guess { id.starts_with(&code) } else { **id == code })
        || names.into_iter().any(|name| name.starts_with(text))
}

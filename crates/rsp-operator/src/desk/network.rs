//! Suspending and resuming: the network is told, and what it did is noted afterwards.

use rsp_asn1::Iccid;
use rsp_store::{AuditEntry, EventKind, NetworkState, NewEvent};

use super::{Desk, Esim};
use crate::actor::{Actor, Right};
use crate::error::Error;

impl Desk {
    /// The network lets a subscription in no more; its profile stays as it is.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], [`Error::NoNetworkAdapter`] if none is connected; [`Error::Network`] if the
    /// network did not do it, and then nothing is noted; [`Error::WrongState`] for what was not sold here, or
    /// was ordered at another SM-DP+.
    pub async fn suspend(&self, actor: &Actor, iccid: &Iccid) -> Result<Esim, Error> {
        self.switch(actor, iccid, NetworkState::Suspended).await
    }

    /// The network lets a subscription in again.
    ///
    /// # Errors
    /// As [`suspend`](Self::suspend).
    pub async fn resume(&self, actor: &Actor, iccid: &Iccid) -> Result<Esim, Error> {
        self.switch(actor, iccid, NetworkState::Active).await
    }

    async fn switch(&self, actor: &Actor, iccid: &Iccid, to: NetworkState) -> Result<Esim, Error> {
        self.require(actor, Right::Provision)?;
        let esim = self.esim(actor, iccid).await?;
        let adapter = self.network.adapter.as_ref().ok_or(Error::NoNetworkAdapter)?;
        let (Some(operator), Some(plan)) = (&esim.operator, &esim.plan) else {
            let problem = "it was ordered without a plan, and nothing is kept of its network";
            return Err(Error::WrongState { iccid: *iccid, state: esim.state.to_string(), problem });
        };
        // An SM-DP+ elsewhere can name any ICCID: only of what was ordered here it is known whose subscriber it is.
        if !esim.own {
            let problem = "another SM-DP+ has its order, and its subscriber is not known here";
            return Err(Error::WrongState { iccid: *iccid, state: esim.state.to_string(), problem });
        }
        let _turn = self.network.turns.wait(*iccid).await;
        let imsi = self.store.imsi(operator, iccid).await?;
        let imsi =
            imsi.ok_or_else(|| Error::Network("this server does not know the IMSI of the profile".to_owned()))?;
        let (told, action) = match to {
            NetworkState::Suspended => (adapter.suspend(&imsi).await, "suspend"),
            NetworkState::Active => (adapter.resume(&imsi).await, "resume"),
        };
        told.map_err(Error::Network)?;
        tracing::debug!(%iccid, carrier = plan.carrier, action, "the network did it");
        let entry = AuditEntry {
            at: self.now(),
            actor: actor.name().to_owned(),
            action: action.to_owned(),
            subject: iccid.to_string(),
        };
        let event = NewEvent {
            at: entry.at,
            operator: Some(operator.clone()),
            iccid: Some(*iccid),
            profile_type: Some(esim.profile_type.clone()),
            kind: EventKind::Network,
            actor: entry.actor.clone(),
            step: None,
            refused: None,
            detail: Some(to.as_str().to_owned()),
        };
        let (operator, iccid_) = (operator.clone(), *iccid);
        self.store
            .run_tx("note what the network did", move |tx| {
                let before = tx.network(&operator, &iccid_)?;
                tx.set_network(&operator, &iccid_, to)?;
                // Told twice, done once.
                if before != Some(to) {
                    tx.record_event(&event)?;
                }
                Ok::<_, Error>(tx.record_audit_of(Some(&operator), &entry)?)
            })
            .await?;
        self.esim(actor, iccid).await
    }
}

//! Suspending and resuming: the network is told, and what it did is noted afterwards.

use rsp_asn1::Iccid;
use rsp_store::{AuditEntry, EventKind, NetworkState, NewEvent, Transaction};

use super::{Desk, Esim};
use crate::actor::{Actor, Right};
use crate::error::Error;
use crate::network::NetworkAdapter;

/// What is remembered of a subscriber whom the network let in to nothing before.
const NOTHING: &str = "none";

impl Desk {
    /// The network lets a subscription in no more; its profile stays as it is.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], [`Error::NoNetworkAdapter`] if none is connected, or none for this IMSI, since
    /// it is not the operator's; [`Error::Network`] if the network did not do it, and then nothing is noted;
    /// [`Error::WrongState`] for what was not sold here, or was ordered at another SM-DP+.
    pub async fn suspend(&self, actor: &Actor, iccid: &Iccid) -> Result<Esim, Error> {
        self.switch(actor, iccid, NetworkState::Suspended).await
    }

    /// The network lets a subscription in again, to what it let it in to before.
    ///
    /// # Errors
    /// As [`suspend`](Self::suspend); also [`Error::Network`] where that was nothing.
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
        // The network serves every tenant, and whoever imports an IMSI proves nothing of it.
        let prefix = self.store.operator(operator).await?.map(|operator| operator.imsi_prefix).unwrap_or_default();
        if prefix.is_empty() || !imsi.starts_with(&prefix) {
            return Err(Error::NoNetworkAdapter);
        }
        let subscriber = Subscriber { operator, iccid, imsi: &imsi };
        let (subject, action) = match to {
            NetworkState::Suspended => (self.keep_out(&**adapter, &subscriber).await?, "suspend"),
            NetworkState::Active => {
                self.let_in(&**adapter, &subscriber).await?;
                (iccid.to_string(), "resume")
            }
        };
        tracing::debug!(%iccid, carrier = plan.carrier, action, "the network did it");
        let entry = AuditEntry { at: self.now(), actor: actor.name().to_owned(), action: action.to_owned(), subject };
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

    /// Has a subscriber refused, after it was written what the network let it use. Returns how the log names it.
    async fn keep_out(&self, adapter: &dyn NetworkAdapter, subscriber: &Subscriber<'_>) -> Result<String, Error> {
        let Subscriber { operator, iccid, imsi } = *subscriber;
        let access = adapter.access(imsi).await.map_err(Error::Network)?;
        let (active, remembered) = self.remembered(operator, iccid).await?;
        // One that was suspended and not noted is let in to nothing, too: what is remembered is from before.
        let (before, subject) = match access {
            Some(access) => (Some(access), iccid.to_string()),
            None if active && remembered.is_none() => {
                (Some(NOTHING.to_owned()), format!("{iccid}: the network did not let it in before either"))
            }
            None => (None, iccid.to_string()),
        };
        if let Some(before) = before.filter(|before| Some(before) != remembered.as_ref()) {
            let (operator, iccid) = (operator.to_owned(), *iccid);
            let remember = move |tx: &mut Transaction| tx.remember_network(&operator, &iccid, &before);
            self.store.run_tx("remember the access", remember).await?;
        }
        adapter.suspend(imsi).await.map_err(Error::Network)?;
        Ok(subject)
    }

    /// Has a subscriber let in to what it was let in to before it was suspended here.
    async fn let_in(&self, adapter: &dyn NetworkAdapter, subscriber: &Subscriber<'_>) -> Result<(), Error> {
        let Subscriber { operator, iccid, imsi } = *subscriber;
        let (active, remembered) = self.remembered(operator, iccid).await?;
        let told = match remembered {
            Some(before) if before != NOTHING => adapter.resume(imsi, Some(&before)).await,
            None if !active => adapter.resume(imsi, None).await,
            // It was not this server that kept it out.
            _ => match adapter.access(imsi).await.map_err(Error::Network)? {
                Some(_) => Ok(()),
                None => Err(
                    "it was not let in before it was suspended here either: whoever runs the network has to let it \
                             in first"
                        .to_owned(),
                ),
            },
        };
        told.map_err(Error::Network)
    }

    /// Whether no suspension is noted, and what is remembered from before it.
    async fn remembered(&self, operator: &str, iccid: &Iccid) -> Result<(bool, Option<String>), Error> {
        let (operator, iccid) = (operator.to_owned(), *iccid);
        let read = move |tx: &mut Transaction| -> Result<_, Error> {
            let active = tx.network(&operator, &iccid)? != Some(NetworkState::Suspended);
            Ok((active, tx.network_before(&operator, &iccid)?))
        };
        self.store.run_tx("read the access", read).await
    }
}

/// Whose access changes.
struct Subscriber<'a> {
    operator: &'a str,
    iccid: &'a Iccid,
    imsi: &'a str,
}

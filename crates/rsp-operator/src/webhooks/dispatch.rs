//! Events become messages: for each webhook that wants an event, one message is put into the outbox, and in the same
//! transaction the place up to which that was done is moved. Whatever happens, no event is left out and none is put in twice.

use rsp_asn1::Timestamp;
use rsp_crypto::Zeroizing;
use rsp_store::{Event, NewMessage, Recipient, Transaction, Webhook};

use super::address::Address;
use super::message::{self, EventIds};
use super::{Webhooks, function_of, lane_of};
use crate::error::Error;

/// Events that one transaction hands on.
const BATCH: u32 = 128;

impl Webhooks {
    /// Puts what happened since the last time into the outbox; returns how many messages that were. To be called often: it
    /// costs one look at the database when nothing has happened.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn dispatch(&self) -> Result<usize, Error> {
        let mut written = 0;
        while self.store.is_webhook_behind().await? {
            let now = self.clock.now();
            let (ids, rules) = (EventIds::new(&self.store), self.rules.clone());
            written += self
                .store
                .run_tx("hand events to webhooks", move |tx| {
                    let mut written = 0;
                    tx.skip_unwanted_events()?;
                    for event in tx.events_for_webhooks(BATCH)? {
                        for webhook in wanted(tx, &event)? {
                            // What the rules no longer allow is refused, noted and given up like any other delivery.
                            let recipient = Address::parse(&webhook.url, &rules)
                                .map_or_else(|_| "refused.invalid".to_owned(), |address| address.origin().authority());
                            enqueue(tx, &ids, &event, &webhook, recipient, now)?;
                            written += 1;
                        }
                        tx.move_webhook_cursor(event.number)?;
                    }
                    Ok::<_, Error>(written)
                })
                .await?;
        }
        Ok(written)
    }
}

fn wanted(tx: &mut Transaction, event: &Event) -> Result<Vec<Webhook>, Error> {
    match &event.operator {
        Some(operator) => Ok(tx.webhooks_for(operator, event)?),
        None => Ok(Vec::new()),
    }
}

fn enqueue(
    tx: &mut Transaction,
    ids: &EventIds,
    event: &Event,
    webhook: &Webhook,
    recipient: String,
    now: Timestamp,
) -> Result<(), Error> {
    let subject = match &event.iccid {
        Some(iccid) => tx.event_subject(&webhook.operator, iccid)?,
        None => Default::default(),
    };
    let iccid = event.iccid.map(|iccid| iccid.to_string());
    tx.enqueue(&NewMessage {
        lane: lane_of(&webhook.id, iccid.as_deref().unwrap_or("-")),
        function: function_of(&webhook.id),
        recipient: Recipient::Server(recipient),
        body: Zeroizing::new(message::body(&ids.of(event.number), event, &subject)),
        at: now,
        not_before: now,
    })?;
    Ok(())
}

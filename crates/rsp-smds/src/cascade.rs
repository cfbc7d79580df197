//! ES15, the sending half (SGP.22 3.6.2, 5.10): an alternative SM-DS registers at its parent that it has an event.
//!
//! The parent gets the address of this SM-DS and a second EventID, by which the eUICC then asks here. It learns neither
//! the first one nor where it leads. An event's deletion goes behind its registration. Different events do not wait for
//! each other, also those of one eUICC: an event that the parent refuses for now, because there are too many, would
//! otherwise keep back the very deletions that make room for it.

use rsp_asn1::Timestamp;
use rsp_auth::{SharedRandomness, matching_id};
use rsp_crypto::Zeroizing;
use rsp_es::es12::{DeleteEventRequest, Interface, RegisterEventRequest, Request, RequestHeader};
use rsp_store::{EventRecord, ForwardedEvent, NewMessage, Recipient, Transaction};

use crate::error::Error;

/// What is told to a parent.
pub(crate) struct Cascade {
    /// OID of this SM-DS, dotted.
    oid: String,
    /// Address of this SM-DS.
    address: String,
    /// Address of the parent.
    parent: Option<String>,
    randomness: SharedRandomness,
}

impl Cascade {
    pub(crate) fn new(oid: String, address: String, parent: Option<String>, randomness: SharedRandomness) -> Self {
        Self { oid, address, parent, randomness }
    }

    /// As what a new event is to be known to the parent, if there is one.
    pub(crate) fn second_event(&self) -> Option<ForwardedEvent> {
        let parent = self.parent.clone()?;
        Some(ForwardedEvent { event_id: matching_id::generate(&mut self.randomness.clone()), parent })
    }

    /// Tells the parent of a new event that it shall know.
    pub(crate) fn announce(&self, tx: &mut Transaction, record: &EventRecord, now: Timestamp) -> Result<(), Error> {
        let Some(forwarded) = &record.forwarded else { return Ok(()) };
        let request = RegisterEventRequest {
            header: self.header(),
            eid: record.eid,
            rsp_server_address: self.address.clone(),
            event_id: forwarded.event_id.clone(),
            // The parent is a root: there is nobody behind it.
            forwarding_indicator: false,
        };
        self.send(tx, forwarded, &request, now)
    }

    /// Tells the parent that an event is gone which it knows.
    pub(crate) fn withdraw(&self, tx: &mut Transaction, record: &EventRecord, now: Timestamp) -> Result<(), Error> {
        let Some(forwarded) = &record.forwarded else { return Ok(()) };
        let request =
            DeleteEventRequest { header: self.header(), eid: record.eid, event_id: forwarded.event_id.clone() };
        self.send(tx, forwarded, &request, now)
    }

    fn header(&self) -> RequestHeader {
        RequestHeader {
            function_requester_identifier: self.oid.clone(),
            function_call_identifier: matching_id::generate(&mut self.randomness.clone()),
        }
    }

    fn send<R: Request>(
        &self,
        tx: &mut Transaction,
        forwarded: &ForwardedEvent,
        request: &R,
        now: Timestamp,
    ) -> Result<(), Error> {
        Ok(tx.enqueue(&NewMessage {
            // Lanes appear in logs.
            lane: format!("ES15 {} {}", forwarded.parent, matching_id::fingerprint(&forwarded.event_id)),
            function: R::FUNCTION.path(Interface::Es15).to_owned(),
            recipient: Recipient::Server(forwarded.parent.clone()),
            body: Zeroizing::new(request.to_json().into_bytes()),
            at: now,
            not_before: now,
        })?)
    }
}

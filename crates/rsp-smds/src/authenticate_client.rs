//! ES11.AuthenticateClient (SGP.22 5.8.2): the eUICC proves itself, and is told what waits for it.

use rsp_asn1::{CtxParams1, Timestamp, TransactionId};
use rsp_auth::Authenticated;
use rsp_es::es9plus::AuthenticateClientRequest;
use rsp_es::es11::EventEntry;
use rsp_store::EventRecord;

use crate::error::Error;
use crate::smds::Smds;

impl Smds {
    /// The events that the eUICC asks for, in the order of their registration. It ends the session.
    pub(crate) async fn retrieve(&self, request: &AuthenticateClientRequest) -> Result<Vec<EventEntry>, Error> {
        let transaction_id = &request.transaction_id;
        let now = self.clock.now();
        let state = self.authenticator.awaiting(transaction_id, now).ok_or(Error::TransactionIdUnknown)?;
        // Before the signatures are verified, which is dear. Whether it really is the first is seen afterwards.
        if self.store.event_session_ended(transaction_id).await? {
            return Err(Error::TransactionIdUnknown);
        }
        let response = request.authenticate_server_response.value();
        let authenticated = state.authenticate(&self.authenticator, response, now)?;
        let records = self.end_session(transaction_id, &authenticated, now).await?;
        let entries = wanted(&authenticated, records)?;
        tracing::info!(
            session = %transaction_id,
            eid = %authenticated.euicc.eid,
            events = entries.len(),
            "events retrieved"
        );
        Ok(entries)
    }

    /// Everything that waits for the eUICC, as of the moment in which its session ends.
    async fn end_session(
        &self,
        transaction_id: &TransactionId,
        authenticated: &Authenticated<'_>,
        now: Timestamp,
    ) -> Result<Vec<EventRecord>, Error> {
        let (transaction_id, begins_by) = (transaction_id.clone(), authenticated.begins_by);
        let eid = authenticated.euicc.eid;
        self.store
            .run_tx("retrieve events", move |tx| {
                if !tx.end_event_session(&transaction_id, begins_by)? {
                    return Err(Error::TransactionIdUnknown);
                }
                Ok(tx.events(&eid, now)?)
            })
            .await
    }
}

/// What the eUICC asks for: all of its events when the matchingId is absent or empty, else the one that the matchingId
/// names. That may be its second EventID, by which a parent SM-DS led the eUICC here.
fn wanted(authenticated: &Authenticated<'_>, records: Vec<EventRecord>) -> Result<Vec<EventEntry>, Error> {
    let CtxParams1::CommonAuthentication(context) = &authenticated.signed.ctx_params1;
    let event_id = context.matching_id.as_deref().filter(|id| !id.is_empty());
    let entries: Vec<_> = records
        .into_iter()
        .filter(|record| event_id.is_none_or(|event_id| has_id(record, event_id)))
        .map(|record| EventEntry { event_id: record.event_id, rsp_server_address: record.rsp_server_address })
        .collect();
    if event_id.is_some() && entries.is_empty() { Err(Error::EventUnknown) } else { Ok(entries) }
}

fn has_id(record: &EventRecord, event_id: &str) -> bool {
    record.event_id == event_id || record.forwarded.as_ref().is_some_and(|forwarded| forwarded.event_id == event_id)
}

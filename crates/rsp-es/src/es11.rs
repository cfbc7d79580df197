//! ES11, the interface between LPA and SM-DS: which servers have something for an eUICC (SGP.22 5.8, 6.5.2).
//!
//! InitiateAuthentication, and the request of AuthenticateClient, are those of [`es9plus`](crate::es9plus), on the same
//! paths: the host alone says who is called. What an SM-DS has to say stands in [`AuthenticateClientResponse`].

use rsp_asn1::TransactionId;

use crate::es9plus::Function;
use crate::header::{Response, ResponseError, executed};
use crate::json::{FRAME, JsonError, TRANSACTION_ID, Writer};

/// The functions of an SM-DS, in the order in which they are called.
pub const FUNCTIONS: [Function; 2] = [Function::InitiateAuthentication, Function::AuthenticateClient];

/// A second path of a function, by the interface's own name. Some clients call it; an SM-DS need not have it.
/// Nothing for functions that an SM-DS does not have.
pub const fn alias_path(function: Function) -> Option<&'static str> {
    match function {
        Function::InitiateAuthentication => Some("/gsma/rsp2/es11/initiateAuthentication"),
        Function::AuthenticateClient => Some("/gsma/rsp2/es11/authenticateClient"),
        _ => None,
    }
}

/// SM-DS → LPA: what waits for the eUICC (SGP.22 5.8.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticateClientResponse {
    /// The session. It ends with this answer.
    pub transaction_id: TransactionId,
    /// In the order of their registration; may be empty.
    pub event_entries: Vec<EventEntry>,
}

/// An event that waits at another server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventEntry {
    /// Is the MatchingID at that server.
    pub event_id: String,
    /// The server: an SM-DP+, or another SM-DS.
    pub rsp_server_address: String,
}

impl Response for AuthenticateClientResponse {
    fn to_json(&self) -> String {
        let entries = self.event_entries.iter().map(|entry| {
            Writer::new(FRAME)
                .text("eventId", &entry.event_id)
                .text("rspServerAddress", &entry.rsp_server_address)
                .finish()
        });
        let entries = entries.collect::<Vec<_>>().join(",");
        Writer::new(FRAME + entries.len())
            .executed()
            .text(TRANSACTION_ID, &self.transaction_id.to_string())
            .raw("eventEntries", &format!("[{entries}]"))
            .finish()
    }

    fn from_json(body: &[u8]) -> Result<Self, ResponseError> {
        let members = executed(body)?;
        let entries = members.list("eventEntries")?.iter().map(|entry| {
            Ok(EventEntry {
                event_id: entry.text("eventId")?.to_owned(),
                rsp_server_address: entry.text("rspServerAddress")?.to_owned(),
            })
        });
        Ok(Self {
            transaction_id: members.transaction_id()?,
            event_entries: entries.collect::<Result<_, JsonError>>()?,
        })
    }
}

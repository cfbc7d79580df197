//! The messages of ES12 and ES15 in JSON: member names and codings (SGP.22 6.5.2).

use super::{DeleteEventRequest, Function, RegisterEventRequest};
use crate::header::RequestHeader;
use crate::json::{FRAME, JsonError, Members, Writer};

/// A request of ES12 or ES15.
pub trait Request: Sized + Send {
    /// The function that it calls.
    const FUNCTION: Function;

    /// The body of the HTTP request.
    fn to_json(&self) -> String;

    /// Reads the body of an HTTP request. Unknown members are passed over.
    ///
    /// # Errors
    /// [`JsonError`] naming the member that cannot be read.
    fn from_json(body: &[u8]) -> Result<Self, JsonError>;

    /// Who calls.
    fn header(&self) -> &RequestHeader;
}

const EID: &str = "eid";
const RSP_SERVER_ADDRESS: &str = "rspServerAddress";
const EVENT_ID: &str = "eventId";
const FORWARDING_INDICATOR: &str = "forwardingIndicator";

impl Request for RegisterEventRequest {
    const FUNCTION: Function = Function::RegisterEvent;

    fn to_json(&self) -> String {
        Writer::new(FRAME)
            .request_header(&self.header)
            .text(EID, &self.eid.to_string())
            .text(RSP_SERVER_ADDRESS, &self.rsp_server_address)
            .text(EVENT_ID, &self.event_id)
            .boolean(FORWARDING_INDICATOR, self.forwarding_indicator)
            .finish()
    }

    fn from_json(body: &[u8]) -> Result<Self, JsonError> {
        let members = Members::parse(body)?;
        Ok(Self {
            header: members.request_header()?,
            eid: members.optional_parsed(EID)?.ok_or(JsonError::Missing(EID))?,
            rsp_server_address: members.text(RSP_SERVER_ADDRESS)?.to_owned(),
            event_id: members.text(EVENT_ID)?.to_owned(),
            forwarding_indicator: members.boolean(FORWARDING_INDICATOR)?,
        })
    }

    fn header(&self) -> &RequestHeader {
        &self.header
    }
}

impl Request for DeleteEventRequest {
    const FUNCTION: Function = Function::DeleteEvent;

    fn to_json(&self) -> String {
        Writer::new(FRAME)
            .request_header(&self.header)
            .text(EID, &self.eid.to_string())
            .text(EVENT_ID, &self.event_id)
            .finish()
    }

    fn from_json(body: &[u8]) -> Result<Self, JsonError> {
        let members = Members::parse(body)?;
        Ok(Self {
            header: members.request_header()?,
            eid: members.optional_parsed(EID)?.ok_or(JsonError::Missing(EID))?,
            event_id: members.text(EVENT_ID)?.to_owned(),
        })
    }

    fn header(&self) -> &RequestHeader {
        &self.header
    }
}

//! The messages of ES2+ in JSON: member names and codings (SGP.22 6.5.2).

use rsp_asn1::Iccid;
use zeroize::Zeroizing;

use super::{
    CancelOrderRequest, ConfirmOrderRequest, ConfirmOrderResponse, DownloadOrderRequest, DownloadOrderResponse,
    FinalProfileStatus, Function, HandleDownloadProgressInfoRequest, NotificationPoint, NotificationPointStatus,
    ReleaseProfileRequest, timestamp,
};
use crate::header::{RequestHeader, Response, ResponseError, executed};
use crate::json::{FRAME, JsonError, Members, Writer, base64_length, escaped_length};

/// A request of ES2+.
pub trait Request: Sized + Send {
    /// The function that it calls.
    const FUNCTION: Function;

    /// The body of the HTTP request. Zeroised when it is dropped: it may hold a confirmation code.
    fn to_json(&self) -> Zeroizing<String>;

    /// Reads the body of an HTTP request. Unknown members are passed over, and an optional member may be `null`.
    ///
    /// # Errors
    /// [`JsonError`] naming the member that cannot be read.
    fn from_json(body: &[u8]) -> Result<Self, JsonError>;

    /// Who calls.
    fn header(&self) -> &RequestHeader;
}

const EID: &str = "eid";
const ICCID: &str = "iccid";
const PROFILE_TYPE: &str = "profileType";
const MATCHING_ID: &str = "matchingId";
const CONFIRMATION_CODE: &str = "confirmationCode";
const SMDS_ADDRESS: &str = "smdsAddress";
const RELEASE_FLAG: &str = "releaseFlag";
const SMDP_ADDRESS: &str = "smdpAddress";
const FINAL_PROFILE_STATUS_INDICATOR: &str = "finalProfileStatusIndicator";
const TIMESTAMP: &str = "timestamp";
const NOTIFICATION_POINT_ID: &str = "notificationPointId";
const NOTIFICATION_POINT_STATUS: &str = "notificationPointStatus";
const RESULT_DATA: &str = "resultData";

impl Request for DownloadOrderRequest {
    const FUNCTION: Function = Function::DownloadOrder;

    fn to_json(&self) -> Zeroizing<String> {
        Writer::new(FRAME)
            .request_header(&self.header)
            .optional_text(EID, self.eid.map(|eid| eid.to_string()).as_deref())
            .optional_text(ICCID, self.iccid.map(padded).as_deref())
            .optional_text(PROFILE_TYPE, self.profile_type.as_deref())
            .finish()
            .into()
    }

    fn from_json(body: &[u8]) -> Result<Self, JsonError> {
        let members = Members::parse(body)?;
        Ok(Self {
            header: members.request_header()?,
            eid: members.optional_parsed(EID)?,
            iccid: members.optional_iccid()?,
            profile_type: members.optional_string(PROFILE_TYPE)?,
        })
    }

    fn header(&self) -> &RequestHeader {
        &self.header
    }
}

impl Response for DownloadOrderResponse {
    fn to_json(&self) -> String {
        Writer::new(FRAME).executed().text(ICCID, &padded(self.iccid)).finish()
    }

    fn from_json(body: &[u8]) -> Result<Self, ResponseError> {
        Ok(Self { iccid: executed(body)?.iccid()? })
    }
}

impl Request for ConfirmOrderRequest {
    const FUNCTION: Function = Function::ConfirmOrder;

    fn to_json(&self) -> Zeroizing<String> {
        let code = self.confirmation_code.as_ref().map(|code| code.as_str());
        // Room for all of it: a text that grows leaves a copy behind that nobody zeroises.
        let texts = [
            Some(self.header.function_requester_identifier.as_str()),
            Some(self.header.function_call_identifier.as_str()),
            self.matching_id.as_deref(),
            code,
            self.smds_address.as_deref(),
        ];
        let room = FRAME + texts.into_iter().flatten().map(escaped_length).sum::<usize>();
        Writer::new(room)
            .request_header(&self.header)
            .text(ICCID, &padded(self.iccid))
            .optional_text(EID, self.eid.map(|eid| eid.to_string()).as_deref())
            .optional_text(MATCHING_ID, self.matching_id.as_deref())
            .optional_text(CONFIRMATION_CODE, code)
            .optional_text(SMDS_ADDRESS, self.smds_address.as_deref())
            .boolean(RELEASE_FLAG, self.release_flag)
            .finish()
            .into()
    }

    fn from_json(body: &[u8]) -> Result<Self, JsonError> {
        let members = Members::parse(body)?;
        let code = members.optional_text(CONFIRMATION_CODE)?;
        Ok(Self {
            header: members.request_header()?,
            iccid: members.iccid()?,
            eid: members.optional_parsed(EID)?,
            matching_id: members.optional_string(MATCHING_ID)?,
            confirmation_code: code.map(|code| Zeroizing::new(code.to_owned())),
            smds_address: members.optional_string(SMDS_ADDRESS)?,
            release_flag: members.boolean(RELEASE_FLAG)?,
        })
    }

    fn header(&self) -> &RequestHeader {
        &self.header
    }
}

impl Response for ConfirmOrderResponse {
    fn to_json(&self) -> String {
        Writer::new(FRAME)
            .executed()
            .optional_text(EID, self.eid.map(|eid| eid.to_string()).as_deref())
            .text(MATCHING_ID, &self.matching_id)
            .optional_text(SMDP_ADDRESS, self.smdp_address.as_deref())
            .finish()
    }

    fn from_json(body: &[u8]) -> Result<Self, ResponseError> {
        let members = executed(body)?;
        Ok(Self {
            eid: members.optional_parsed(EID)?,
            matching_id: members.text(MATCHING_ID)?.to_owned(),
            smdp_address: members.optional_string(SMDP_ADDRESS)?,
        })
    }
}

impl FinalProfileStatus {
    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Available => "Available",
            Self::Unavailable => "Unavailable",
        }
    }
}

impl Request for CancelOrderRequest {
    const FUNCTION: Function = Function::CancelOrder;

    fn to_json(&self) -> Zeroizing<String> {
        let status = self.final_profile_status_indicator.map(FinalProfileStatus::as_str);
        Writer::new(FRAME)
            .request_header(&self.header)
            .optional_text(ICCID, self.iccid.map(padded).as_deref())
            .optional_text(EID, self.eid.map(|eid| eid.to_string()).as_deref())
            .optional_text(MATCHING_ID, self.matching_id.as_deref())
            .optional_text(FINAL_PROFILE_STATUS_INDICATOR, status)
            .finish()
            .into()
    }

    fn from_json(body: &[u8]) -> Result<Self, JsonError> {
        let members = Members::parse(body)?;
        let status = match members.optional_text(FINAL_PROFILE_STATUS_INDICATOR)? {
            None => None,
            Some("Available") => Some(FinalProfileStatus::Available),
            Some("Unavailable") => Some(FinalProfileStatus::Unavailable),
            Some(_) => {
                return Err(JsonError::invalid(FINAL_PROFILE_STATUS_INDICATOR, &"neither Available nor Unavailable"));
            }
        };
        Ok(Self {
            header: members.request_header()?,
            iccid: members.optional_iccid()?,
            eid: members.optional_parsed(EID)?,
            matching_id: members.optional_string(MATCHING_ID)?,
            final_profile_status_indicator: status,
        })
    }

    fn header(&self) -> &RequestHeader {
        &self.header
    }
}

impl Request for ReleaseProfileRequest {
    const FUNCTION: Function = Function::ReleaseProfile;

    fn to_json(&self) -> Zeroizing<String> {
        Writer::new(FRAME).request_header(&self.header).text(ICCID, &padded(self.iccid)).finish().into()
    }

    fn from_json(body: &[u8]) -> Result<Self, JsonError> {
        let members = Members::parse(body)?;
        Ok(Self { header: members.request_header()?, iccid: members.iccid()? })
    }

    fn header(&self) -> &RequestHeader {
        &self.header
    }
}

impl Request for HandleDownloadProgressInfoRequest {
    const FUNCTION: Function = Function::HandleDownloadProgressInfo;

    fn to_json(&self) -> Zeroizing<String> {
        let data = self.result_data.as_deref();
        let NotificationPointStatus { status, code } = &self.notification_point_status;
        let writer = Writer::new(2 * FRAME + base64_length(data.map_or(0, <[u8]>::len)))
            .request_header(&self.header)
            .optional_text(EID, self.eid.map(|eid| eid.to_string()).as_deref())
            .text(ICCID, &padded(self.iccid))
            .text(PROFILE_TYPE, &self.profile_type)
            .text(TIMESTAMP, &self.timestamp.to_string())
            .raw(NOTIFICATION_POINT_ID, &self.notification_point_id.number().to_string())
            .status(NOTIFICATION_POINT_STATUS, *status, code.as_ref());
        let writer = match data {
            Some(data) => writer.bytes(RESULT_DATA, data),
            None => writer,
        };
        writer.finish().into()
    }

    fn from_json(body: &[u8]) -> Result<Self, JsonError> {
        let members = Members::parse(body)?;
        let timestamp = timestamp::parse(members.text(TIMESTAMP)?)
            .ok_or_else(|| JsonError::invalid(TIMESTAMP, &"expected YYYY-MM-DDThh:mm:ss and Z or +hh:mm"))?;
        let point = NotificationPoint::from_number(members.number(NOTIFICATION_POINT_ID)?)
            .ok_or_else(|| JsonError::invalid(NOTIFICATION_POINT_ID, &"not 1 to 5"))?;
        let (status, code) = members.status(NOTIFICATION_POINT_STATUS)?;
        Ok(Self {
            header: members.request_header()?,
            eid: members.optional_parsed(EID)?,
            iccid: members.iccid()?,
            profile_type: members.text(PROFILE_TYPE)?.to_owned(),
            timestamp,
            notification_point_id: point,
            notification_point_status: NotificationPointStatus { status, code },
            result_data: members.optional_bytes(RESULT_DATA)?,
        })
    }

    fn header(&self) -> &RequestHeader {
        &self.header
    }
}

/// 20 characters: version 2.0 knows no shorter ICCID.
fn padded(iccid: Iccid) -> String {
    format!("{:F<20}", iccid.to_string())
}

impl Members<'_> {
    fn optional_string(&self, name: &'static str) -> Result<Option<String>, JsonError> {
        Ok(self.optional_text(name)?.map(str::to_owned))
    }

    fn iccid(&self) -> Result<Iccid, JsonError> {
        self.optional_iccid()?.ok_or(JsonError::Missing(ICCID))
    }

    /// 19 or 20 digits, or 19 and the filler.
    fn optional_iccid(&self) -> Result<Option<Iccid>, JsonError> {
        let Some(text) = self.optional_text(ICCID)? else { return Ok(None) };
        let digits = if text.len() == 20 { text.strip_suffix(['F', 'f']).unwrap_or(text) } else { text };
        if digits.len() < 19 {
            return Err(JsonError::invalid(ICCID, &"the ICCID has neither 19 nor 20 digits"));
        }
        digits.parse().map(Some).map_err(|error| JsonError::invalid(ICCID, &error))
    }
}

//! The headers of the JSON binding: who calls, and what became of the call (SGP.22 6.5.1.3, 6.5.1.4).

use crate::json::{FRAME, JsonError, Members, Writer};
use crate::printable::printable;
use crate::status::{Reason, StatusCode, Subject};

/// Who calls a function of ES2+, ES12 or ES15, in the caller's own words (SGP.22 6.5.1.3). It proves nothing: what the
/// caller may do follows from its TLS certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHeader {
    /// Names the caller.
    pub function_requester_identifier: String,
    /// Names the call. A repetition of a call has the same.
    pub function_call_identifier: String,
}

/// A message from a server.
pub trait Response: Sized + Send {
    /// The body of the HTTP response, with a header that says success.
    fn to_json(&self) -> String;

    /// Reads the body of an HTTP response. Unknown members are passed over.
    ///
    /// # Errors
    /// The server's status code if it refused, else [`JsonError`] naming the member that cannot be read.
    fn from_json(body: &[u8]) -> Result<Self, ResponseError>;
}

/// Why a response is not the one that was hoped for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// The server executed nothing and says why.
    #[error("{0}")]
    Status(StatusCode),
    /// The server's answer cannot be read.
    #[error(transparent)]
    Malformed(#[from] JsonError),
}

/// What became of a function (SGP.22 6.5.1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExecutionStatus {
    /// It was executed.
    Success,
    /// It was executed, and there is something to say about it.
    WithWarning,
    /// It was not executed.
    Failed,
    /// It was not executed in the time that it had.
    Expired,
}

impl ExecutionStatus {
    const ALL: [Self; 4] = [Self::Success, Self::WithWarning, Self::Failed, Self::Expired];

    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "Executed-Success",
            Self::WithWarning => "Executed-WithWarning",
            Self::Failed => "Failed",
            Self::Expired => "Expired",
        }
    }
}

/// The body of a response that says why nothing was executed (SGP.22 6.5.1.4).
pub fn failure(status: &StatusCode) -> String {
    Writer::new(FRAME).header(ExecutionStatus::Failed, Some(status)).finish()
}

/// A response without members of its own; also what a server answers that says more than HTTP 204.
impl Response for () {
    fn to_json(&self) -> String {
        Writer::new(FRAME).executed().finish()
    }

    fn from_json(body: &[u8]) -> Result<Self, ResponseError> {
        executed(body).map(drop)
    }
}

/// The members of a response whose header says that the function was executed.
pub(crate) fn executed(body: &[u8]) -> Result<Members<'_>, ResponseError> {
    let members = Members::parse(body)?;
    match members.object(HEADER)?.status("functionExecutionStatus")? {
        (ExecutionStatus::Success | ExecutionStatus::WithWarning, _) => Ok(members),
        (ExecutionStatus::Failed | ExecutionStatus::Expired, Some(code)) => Err(ResponseError::Status(code)),
        (ExecutionStatus::Failed | ExecutionStatus::Expired, None) => Err(ResponseError::Status(
            StatusCode::FUNCTION_EXECUTION_ERROR.with_message("the server failed and gave no status code"),
        )),
    }
}

const HEADER: &str = "header";
const FUNCTION_REQUESTER_IDENTIFIER: &str = "functionRequesterIdentifier";
const FUNCTION_CALL_IDENTIFIER: &str = "functionCallIdentifier";

impl Members<'_> {
    /// The header of a request.
    pub(crate) fn request_header(&self) -> Result<RequestHeader, JsonError> {
        let header = self.object(HEADER)?;
        Ok(RequestHeader {
            function_requester_identifier: header.text(FUNCTION_REQUESTER_IDENTIFIER)?.to_owned(),
            function_call_identifier: header.text(FUNCTION_CALL_IDENTIFIER)?.to_owned(),
        })
    }

    /// A member that is an execution status with its code.
    pub(crate) fn status(&self, name: &'static str) -> Result<(ExecutionStatus, Option<StatusCode>), JsonError> {
        let execution = self.object(name)?;
        let status = execution.text("status")?;
        let known = ExecutionStatus::ALL.into_iter().find(|known| known.as_str() == status);
        let status = known.ok_or_else(|| JsonError::Invalid {
            member: "status",
            problem: format!("unknown execution status {}", printable(status, 64)),
        })?;
        let code = execution.optional_object("statusCodeData")?.map(Members::status_code).transpose()?;
        Ok((status, code))
    }

    fn status_code(&self) -> Result<StatusCode, JsonError> {
        let (subject, reason) = ("subjectCode", "reasonCode");
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Ok(StatusCode {
            subject: Subject::parse(self.text(subject)?).map_err(|error| JsonError::invalid(subject, &error))?,
            reason: Reason::parse(self.text(reason)?).map_err(|error| JsonError::invalid(reason, &error))?,
            subject_identifier: owned(self.optional_text("subjectIdentifier")?),
            message: owned(self.optional_text("message")?),
        })
    }
}

impl Writer {
    /// The header of a request.
    pub(crate) fn request_header(self, header: &RequestHeader) -> Self {
        let header = Self::new(FRAME)
            .text(FUNCTION_REQUESTER_IDENTIFIER, &header.function_requester_identifier)
            .text(FUNCTION_CALL_IDENTIFIER, &header.function_call_identifier);
        self.raw(HEADER, &header.finish())
    }

    /// The header of a response that says success.
    pub(crate) fn executed(self) -> Self {
        self.header(ExecutionStatus::Success, None)
    }

    /// The header of a response.
    fn header(self, status: ExecutionStatus, code: Option<&StatusCode>) -> Self {
        let header = Self::new(FRAME).status("functionExecutionStatus", status, code).finish();
        self.raw(HEADER, &header)
    }

    /// A member that is an execution status with its code.
    pub(crate) fn status(self, name: &str, status: ExecutionStatus, code: Option<&StatusCode>) -> Self {
        let mut execution = Self::new(FRAME).text("status", status.as_str());
        if let Some(code) = code {
            let data = Self::new(FRAME)
                .text("subjectCode", code.subject.as_str())
                .text("reasonCode", code.reason.as_str())
                .optional_text("subjectIdentifier", code.subject_identifier.as_deref())
                .optional_text("message", code.message.as_deref());
            execution = execution.raw("statusCodeData", &data.finish());
        }
        self.raw(name, &execution.finish())
    }
}

//! What the clients of all interfaces share: one POST to one server, and what its answer says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rsp_asn1::{decode, encode};

use super::transport::{HttpRequest, HttpResponse, HttpTransport, Origin};
use super::{ClientError, Traffic};
use crate::asn1::{self, MessageError, RequestMessage, ResponseMessage, Server, status_code};
use crate::es9plus::CONTENT_TYPE;
use crate::header::{Response, ResponseError};

/// One server and the way to it.
pub(super) struct Peer {
    transport: Arc<dyn HttpTransport>,
    origin: Origin,
    user_agent: Option<&'static str>,
    sent: AtomicU64,
    received: AtomicU64,
}

impl Peer {
    /// `user_agent` is that of an LPA; a server that calls another has none.
    pub(super) fn new(transport: Arc<dyn HttpTransport>, origin: Origin, user_agent: Option<&'static str>) -> Self {
        Self { transport, origin, user_agent, sent: AtomicU64::new(0), received: AtomicU64::new(0) }
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(super) fn traffic(&self) -> Traffic {
        Traffic { sent: self.sent.load(Ordering::Relaxed), received: self.received.load(Ordering::Relaxed) }
    }

    /// Calls a function that answers with JSON.
    pub(super) async fn call<F: Copy, Res: Response>(
        &self,
        function: F,
        path: &'static str,
        body: Vec<u8>,
    ) -> Result<Res, ClientError<F>> {
        let response = self.exchange(function, path, CONTENT_TYPE, body).await?;
        match response.status {
            200 => read(function, &response.body),
            status => Err(ClientError::HttpStatus { function, status }),
        }
    }

    /// Calls a function that answers with HTTP 204.
    pub(super) async fn notify<F: Copy>(
        &self,
        function: F,
        path: &'static str,
        body: Vec<u8>,
    ) -> Result<(), ClientError<F>> {
        let response = self.exchange(function, path, CONTENT_TYPE, body).await?;
        match response.status {
            204 => Ok(()),
            // Not what the standard says, but an answer of which one can tell whether the notification was taken.
            200 if response.body.is_empty() => Ok(()),
            200 => read(function, &response.body),
            status => Err(ClientError::HttpStatus { function, status }),
        }
    }

    /// Calls a function in the ASN.1 binding.
    pub(super) async fn call_asn1<Req: RequestMessage, Res: ResponseMessage>(
        &self,
        server: Server,
        request: &Req,
    ) -> Result<Res, ClientError> {
        let function = Req::FUNCTION;
        let malformed = |source| ClientError::MalformedMessage { function, source };
        let response = self.exchange_asn1(request).await?;
        if response.status != 200 {
            return Err(ClientError::HttpStatus { function, status: response.status });
        }
        let message = decode(&response.body).map_err(|error| malformed(error.into()))?;
        let answer = Res::from_message(message).ok_or_else(|| malformed(MessageError::OtherFunction(function)))?;
        answer.map_err(|error| ClientError::Refused { function, status: status_code(server, function, error) })
    }

    /// Calls HandleNotification in the ASN.1 binding, which has no answer but HTTP 204.
    pub(super) async fn notify_asn1<Req: RequestMessage>(&self, request: &Req) -> Result<(), ClientError> {
        match self.exchange_asn1(request).await? {
            HttpResponse { status: 204, .. } => Ok(()),
            HttpResponse { status: 200, body } if body.is_empty() => Ok(()),
            HttpResponse { status, .. } => Err(ClientError::HttpStatus { function: Req::FUNCTION, status }),
        }
    }

    async fn exchange_asn1<Req: RequestMessage>(&self, request: &Req) -> Result<HttpResponse, ClientError> {
        let function = Req::FUNCTION;
        let body = encode(&request.to_message())
            .map_err(|error| ClientError::MalformedMessage { function, source: error.into() })?;
        self.exchange(function, asn1::PATH, asn1::CONTENT_TYPE, body).await
    }

    async fn exchange<F: Copy>(
        &self,
        function: F,
        path: &'static str,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> Result<HttpResponse, ClientError<F>> {
        self.sent.fetch_add(body.len() as u64, Ordering::Relaxed);
        let (origin, user_agent) = (&self.origin, self.user_agent);
        let request = HttpRequest { origin, path, content_type, user_agent, body };
        let response =
            self.transport.post(request).await.map_err(|source| ClientError::Transport { function, source })?;
        self.received.fetch_add(response.body.len() as u64, Ordering::Relaxed);
        Ok(response)
    }
}

fn read<F, Res: Response>(function: F, body: &[u8]) -> Result<Res, ClientError<F>> {
    Res::from_json(body).map_err(|error| match error {
        ResponseError::Status(status) => ClientError::Refused { function, status },
        ResponseError::Malformed(source) => ClientError::Malformed { function, source },
    })
}

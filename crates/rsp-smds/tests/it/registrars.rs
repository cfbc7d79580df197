//! Those who register events: SM-DP+s and SM-DSs with their TLS certificates.

use std::sync::Arc;

use rsp_asn1::Eid;
use rsp_crypto::Curve;
use rsp_es::es12::{DeleteEventRequest, RegisterEventRequest, RequestHeader};
use rsp_es::server::{Caller, Es12};
use rsp_es::status::StatusCode;
use rsp_pki::{Certificate, Role};

use crate::server::{mint, oid};

/// A registrar on ES12 or ES15.
pub(crate) struct Registrar {
    pub(crate) certificate: Certificate,
    /// Where it has what it registers.
    pub(crate) address: String,
}

impl Registrar {
    /// The SM-DP+ with the OID 2.999.10.`number`.
    pub(crate) fn smdp(number: u32) -> Self {
        let address = format!("smdp{number}.example.com");
        let (certificate, _) = mint(Role::DpTls, Curve::P256, &oid(&[2, 999, 10, number]), &address);
        Self { certificate, address }
    }

    /// The SM-DS with the OID 2.999.15.`number`.
    pub(crate) fn smds(number: u32) -> Self {
        let address = format!("smds{number}.example.com");
        let (certificate, _) = mint(Role::DsTls, Curve::P256, &oid(&[2, 999, 15, number]), &address);
        Self { certificate, address }
    }

    pub(crate) fn caller(&self) -> Caller {
        caller(self.certificate.der())
    }

    pub(crate) async fn register(&self, server: &dyn Es12, eid: Eid, event_id: &str) -> Result<(), StatusCode> {
        server.register_event(&self.caller(), self.register_request(eid, event_id)).await
    }

    pub(crate) async fn register_forwarded(
        &self,
        server: &dyn Es12,
        eid: Eid,
        event_id: &str,
    ) -> Result<(), StatusCode> {
        let request = RegisterEventRequest { forwarding_indicator: true, ..self.register_request(eid, event_id) };
        server.register_event(&self.caller(), request).await
    }

    pub(crate) async fn delete(&self, server: &dyn Es12, eid: Eid, event_id: &str) -> Result<(), StatusCode> {
        let request = DeleteEventRequest { header: header(), eid, event_id: event_id.to_owned() };
        server.delete_event(&self.caller(), request).await
    }

    pub(crate) fn register_request(&self, eid: Eid, event_id: &str) -> RegisterEventRequest {
        RegisterEventRequest {
            header: header(),
            eid,
            rsp_server_address: self.address.clone(),
            event_id: event_id.to_owned(),
            forwarding_indicator: false,
        }
    }
}

pub(crate) fn caller(certificate: &[u8]) -> Caller {
    Caller { certificate: Some(Arc::from(certificate)), version: 2, ..Caller::default() }
}

pub(crate) fn header() -> RequestHeader {
    RequestHeader {
        function_requester_identifier: "2.999.10".to_owned(),
        function_call_identifier: "CALL-1".to_owned(),
    }
}

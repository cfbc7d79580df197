//! A scripted SM-DP+: answers what it is told to, checks nothing, remembers what it was asked.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use rsp_asn1::*;
use rsp_crypto::Curve;
use rsp_es::client::{HttpRequest, HttpResponse, HttpTransport, TransportError};
use rsp_es::es9plus::{
    AuthenticateClientRequest, AuthenticateClientResponse, CancelSessionRequest, Function,
    GetBoundProfilePackageResponse, HandleNotificationRequest, InitiateAuthenticationRequest,
    InitiateAuthenticationResponse, Request as _, Response as _, failure,
};
use rsp_es::status::StatusCode;
use rsp_pki::Role;

use crate::card::signature;
use crate::pki::Pki;

/// What a call meets instead of an answer.
pub(crate) enum Fault {
    /// The connection breaks.
    Cut,
    /// Something answers that is no TLS.
    NoTls,
    /// Nobody listens.
    Down,
    /// A status code.
    Refused(StatusCode),
}

/// What the server says.
pub(crate) struct Script {
    pub(crate) address: Option<String>,
    pub(crate) challenge: Option<[u8; 16]>,
    pub(crate) dp_auth: Raw<pkix::Certificate>,
    pub(crate) dp_pb: Raw<pkix::Certificate>,
    pub(crate) metadata: StoreMetadataRequest,
    /// DER of the metadata inside the package, if other than `metadata`.
    pub(crate) packed: Option<Vec<u8>>,
    pub(crate) package: Option<Vec<u8>>,
    pub(crate) code_required: bool,
    pub(crate) other_transaction: bool,
    /// transactionId of the answer to AuthenticateClient, outside and inside of smdpSigned2, if other than the session's.
    pub(crate) answered_transaction: Option<[u8; 16]>,
    pub(crate) signed_transaction: Option<[u8; 16]>,
    /// transactionId of the answer to GetBoundProfilePackage, if other than the session's.
    pub(crate) package_transaction: Option<[u8; 16]>,
    pub(crate) faults: VecDeque<(Function, Fault)>,
    /// Addresses that refuse notifications.
    pub(crate) refusing: Vec<&'static str>,
}

pub(crate) struct FakeServer {
    pub(crate) script: Mutex<Script>,
    /// URL and body of every call.
    pub(crate) calls: Mutex<Vec<(Function, String, Vec<u8>)>>,
    sessions: Mutex<u8>,
}

pub(crate) fn metadata() -> StoreMetadataRequest {
    StoreMetadataRequest {
        iccid: "8900000000000000012".parse().unwrap(),
        service_provider_name: "Operator".into(),
        profile_name: "Profile".into(),
        icon_type: None,
        icon: None,
        profile_class: ProfileClass::OPERATIONAL,
        notification_configuration_info: None,
        profile_owner: None,
        profile_policy_rules: None,
        service_specific_data_stored_in_euicc: None,
        service_specific_data_not_stored_in_euicc: None,
        unknown: Unknown::default(),
    }
}

/// A package in which every segment is recognisable, with 3 profile segments.
pub(crate) fn package(metadata: &[u8]) -> Vec<u8> {
    let wrap = |tag: &[u8], value: &[u8]| {
        let mut out = Vec::new();
        tlv::write(&mut out, tag, value);
        out
    };
    let mut segments_88 = Vec::new();
    for chunk in metadata.chunks(20) {
        segments_88.extend(wrap(&[0x88], &[chunk, &[0x4D; 8]].concat()));
    }
    let segments_86: Vec<u8> = (0..3).flat_map(|number| wrap(&[0x86], &vec![number; 1000])).collect();
    let parts = [
        wrap(&[0xBF, 0x23], &[0x11; 150]),
        wrap(&[0xA0], &wrap(&[0x87], &[0x22; 24])),
        wrap(&[0xA1], &segments_88),
        wrap(&[0xA2], &wrap(&[0x87], &[0x33; 72])),
        wrap(&[0xA3], &segments_86),
    ];
    wrap(&[0xBF, 0x36], &parts.concat())
}

impl FakeServer {
    pub(crate) fn new(pki: &Pki) -> Self {
        let script = Script {
            address: None,
            challenge: None,
            dp_auth: pki.certificate(Curve::P256, Role::DpAuth),
            dp_pb: pki.certificate(Curve::P256, Role::DpPb),
            metadata: metadata(),
            packed: None,
            package: None,
            code_required: false,
            other_transaction: false,
            answered_transaction: None,
            signed_transaction: None,
            package_transaction: None,
            faults: VecDeque::new(),
            refusing: Vec::new(),
        };
        Self { script: Mutex::new(script), calls: Mutex::default(), sessions: Mutex::new(0) }
    }

    pub(crate) fn functions(&self) -> Vec<Function> {
        self.calls.lock().unwrap().iter().map(|(function, _, _)| *function).collect()
    }

    /// Bodies of the calls of one function.
    pub(crate) fn bodies(&self, function: Function) -> Vec<Vec<u8>> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(called, _, _)| *called == function).map(|(_, _, body)| body.clone()).collect()
    }

    /// Reasons of the sessions that were cancelled here.
    pub(crate) fn cancelled(&self) -> Vec<i64> {
        let bodies = self.bodies(Function::CancelSession);
        let reason =
            |body: &Vec<u8>| match CancelSessionRequest::from_json(body).unwrap().cancel_session_response.value() {
                CancelSessionResponse::Ok(ok) => ok.euicc_cancel_session_signed.value().reason.0,
                CancelSessionResponse::Error(error) => panic!("{error}"),
            };
        bodies.iter().map(reason).collect()
    }

    fn initiate(&self, body: &[u8], script: &Script) -> String {
        let request = InitiateAuthenticationRequest::from_json(body).unwrap();
        let mut sessions = self.sessions.lock().unwrap();
        *sessions += 1;
        let transaction_id = TransactionId::from([*sessions; 16]);
        let signed = ServerSigned1 {
            transaction_id: transaction_id.clone(),
            euicc_challenge: script.challenge.map_or(request.euicc_challenge, Octet16),
            server_address: script.address.clone().unwrap_or(request.smdp_address),
            server_challenge: Octet16([9; 16]),
            unknown: Unknown::default(),
        };
        let transaction_id = if script.other_transaction { TransactionId::from([0xEE; 16]) } else { transaction_id };
        InitiateAuthenticationResponse {
            transaction_id,
            server_signed1: Raw::new(signed).unwrap(),
            server_signature1: signature(),
            euicc_ci_pk_id_to_be_used: SubjectKeyIdentifier(OctetString::from(vec![1; 20])),
            server_certificate: script.dp_auth.clone(),
        }
        .to_json()
    }

    fn authenticate(body: &[u8], script: &Script) -> String {
        let request = AuthenticateClientRequest::from_json(body).unwrap();
        let signed = SmdpSigned2 {
            transaction_id: script.signed_transaction.map_or(request.transaction_id.clone(), TransactionId::from),
            cc_required_flag: script.code_required,
            bpp_euicc_otpk: None,
            unknown: Unknown::default(),
        };
        AuthenticateClientResponse {
            transaction_id: script.answered_transaction.map_or(request.transaction_id, TransactionId::from),
            profile_metadata: Raw::new(script.metadata.clone()).unwrap(),
            smdp_signed2: Raw::new(signed).unwrap(),
            smdp_signature2: signature(),
            smdp_certificate: script.dp_pb.clone(),
        }
        .to_json()
    }
}

#[async_trait]
impl HttpTransport for FakeServer {
    async fn post(&self, request: HttpRequest<'_>) -> Result<HttpResponse, TransportError> {
        let function = Function::ALL.into_iter().find(|function| function.path() == request.path).unwrap();
        let url = format!("{}{}", request.origin, request.path);
        self.calls.lock().unwrap().push((function, url, request.body.clone()));
        let mut script = self.script.lock().unwrap();
        let answer = |status, text: String| Ok(HttpResponse { status, body: text.into_bytes() });
        if script.faults.front().is_some_and(|(at, _)| *at == function) {
            let host = request.origin.host().to_owned();
            return match script.faults.pop_front().unwrap().1 {
                Fault::Cut => {
                    Err(TransportError::Interrupted { host, when: "during the answer", reason: "cut".to_owned() })
                }
                Fault::Down => Err(TransportError::Connect {
                    host,
                    address: "127.0.0.1:1".parse().unwrap(),
                    source: std::io::ErrorKind::ConnectionRefused.into(),
                }),
                Fault::NoTls => Err(TransportError::Tls { host, reason: "the answer is no TLS".to_owned() }),
                Fault::Refused(status) => answer(200, failure(&status)),
            };
        }
        match function {
            Function::InitiateAuthentication => answer(200, self.initiate(&request.body, &script)),
            Function::AuthenticateClient => answer(200, Self::authenticate(&request.body, &script)),
            Function::GetBoundProfilePackage => {
                let metadata = encode(&script.metadata).unwrap();
                let packed = script.packed.as_ref().unwrap_or(&metadata);
                let bound_profile_package = script.package.clone().unwrap_or_else(|| package(packed));
                let transaction_id = TransactionId::from([*self.sessions.lock().unwrap(); 16]);
                let transaction_id = script.package_transaction.map_or(transaction_id, TransactionId::from);
                answer(200, GetBoundProfilePackageResponse { transaction_id, bound_profile_package }.to_json())
            }
            Function::HandleNotification => {
                HandleNotificationRequest::from_json(&request.body).unwrap();
                if script.refusing.contains(&request.origin.host()) {
                    return answer(200, failure(&StatusCode::SMDP_EXECUTION_ERROR));
                }
                answer(204, String::new())
            }
            Function::CancelSession => answer(200, ().to_json()),
        }
    }
}

//! The eUICC's side of the dialogue, made by hand: what it signs, tests may change.

use std::sync::Arc;

use rsp_asn1::{
    AuthenticateResponseOk, AuthenticateServerResponse, BppCommandId, CancelSessionReason, CancelSessionResponse,
    CancelSessionResponseOk, CtxParams1, CtxParamsForCommonAuthentication, DeviceCapabilities, DeviceInfo, Eid,
    ErrorReason, ErrorResult, EuiccCancelSessionSigned, EuiccInfo1, EuiccInfo2, EuiccSigned1, EuiccSigned2,
    ExtCardResource, FinalResult, Iccid, IsdpAid, NotificationEvent, NotificationMetadata, ObjectIdentifier, Octet16,
    Octet32, OctetString, OneTimePublicKey, OtherSignedNotification, PendingNotification, PrepareDownloadResponse,
    PrepareDownloadResponseOk, ProfileInstallationResult, ProfileInstallationResultData, Raw, RspCapability,
    Signature5F37, SubjectKeyIdentifier, SuccessResult, TransactionId, UiccCapability, Unknown, VersionType, tlv,
};
use rsp_crypto::{Curve, SecretKey, Signer, hash, rust_crypto};
use rsp_es::es9plus::{
    AuthenticateClientRequest, AuthenticateClientResponse, CancelSessionRequest, GetBoundProfilePackageRequest,
    GetBoundProfilePackageResponse, HandleNotificationRequest, InitiateAuthenticationRequest,
    InitiateAuthenticationResponse,
};
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;
use rsp_pki::directory::{Mint, PkiDirectory};
use rsp_pki::issue::{Template, Validity};
use rsp_pki::{Certificate, Role};
use rsp_testkit::SeededRandomness;

use crate::server::{ADDRESS, NOW, Server};

pub(crate) struct TestEuicc {
    pub(crate) eid: Eid,
    pub(crate) certificate: Certificate,
    pub(crate) eum: Certificate,
    pub(crate) signer: Arc<dyn Signer>,
    /// CI keys, most preferred first.
    pub(crate) cis: Vec<SubjectKeyIdentifier>,
    pub(crate) curve: Curve,
    pub(crate) one_time_key: SecretKey,
    pub(crate) challenge: [u8; 16],
    pub(crate) info2: EuiccInfo2,
}

/// OID of the server in a PKI of ours.
pub(crate) fn smdp_oid() -> ObjectIdentifier {
    ObjectIdentifier::new(vec![2, 999, 10]).unwrap()
}

impl TestEuicc {
    pub(crate) fn of_pki(pki: &PkiDirectory, curve: Curve) -> Self {
        let entity = pki.euicc(curve).unwrap();
        let signer = rust_crypto().signer(entity.require_key().unwrap()).unwrap();
        Self::new(pki, curve, entity.certificate().clone(), signer)
    }

    /// Another eUICC under the same EUM.
    pub(crate) fn minted(pki: &PkiDirectory, curve: Curve, eid: &str) -> Self {
        let mint = Mint { now: NOW, randomness: &mut SeededRandomness::new(eid) };
        let minted = pki.mint_euicc(curve, eid.parse().unwrap(), mint).unwrap();
        let signer = rust_crypto().signer(&minted.key).unwrap();
        Self::new(pki, curve, minted.certificate, signer)
    }

    /// The same EID once more under the same EUM, with a certificate that `change` has altered before it was signed.
    pub(crate) fn altered(pki: &PkiDirectory, change: impl FnOnce(&mut Template)) -> Self {
        let curve = Curve::P256;
        let eum = pki.authority(curve, Role::Eum).unwrap();
        let key = SecretKey::generate(curve, &mut SeededRandomness::new("altered"));
        let validity = Validity { not_before: NOW.plus_seconds(-86_400), not_after: NOW.plus_seconds(86_400) };
        let eid = pki.euicc(curve).unwrap().certificate().eid().unwrap();
        let mut template = Template::euicc(&eum, key.public_key(), eid, [9; 8], validity).unwrap();
        change(&mut template);
        let certificate = template.sign(eum.signer()).unwrap();
        Self::new(pki, curve, certificate, rust_crypto().signer(&key).unwrap())
    }

    /// The published eUICC's key with another certificate for it.
    pub(crate) fn with_certificate(pki: &PkiDirectory, curve: Curve, certificate: Certificate) -> Self {
        let signer = rust_crypto().signer(pki.euicc(curve).unwrap().require_key().unwrap()).unwrap();
        Self::new(pki, curve, certificate, signer)
    }

    fn new(pki: &PkiDirectory, curve: Curve, certificate: Certificate, signer: Arc<dyn Signer>) -> Self {
        let cis = vec![ci_of(pki, curve)];
        Self {
            eid: certificate.eid().unwrap_or(Eid([0; 16])),
            eum: pki.eum(curve).unwrap().certificate().clone(),
            certificate,
            signer,
            info2: info2(&cis),
            cis,
            curve,
            one_time_key: SecretKey::generate(curve, &mut SeededRandomness::new("otsk")),
            challenge: [0x11; 16],
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature5F37 {
        signature(&*self.signer, message)
    }

    pub(crate) fn initiate_request(&self) -> InitiateAuthenticationRequest {
        let info1 = EuiccInfo1 {
            svn: self.info2.svn,
            euicc_ci_pk_id_list_for_verification: self.cis.clone(),
            euicc_ci_pk_id_list_for_signing: self.cis.clone(),
            unknown: Unknown::default(),
        };
        InitiateAuthenticationRequest {
            euicc_challenge: Octet16(self.challenge),
            euicc_info1: Raw::new(info1).unwrap(),
            smdp_address: ADDRESS.to_owned(),
        }
    }

    pub(crate) fn signed1(&self, server: &InitiateAuthenticationResponse, matching_id: Option<&str>) -> EuiccSigned1 {
        let server = server.server_signed1.value();
        EuiccSigned1 {
            transaction_id: server.transaction_id.clone(),
            server_address: server.server_address.clone(),
            server_challenge: server.server_challenge,
            euicc_info2: self.info2.clone(),
            ctx_params1: CtxParams1::CommonAuthentication(CtxParamsForCommonAuthentication {
                matching_id: matching_id.map(str::to_owned),
                device_info: DeviceInfo {
                    tac: OctetString::from_static(&[0x35, 0x29, 0x06, 0x11]),
                    device_capabilities: DeviceCapabilities::default(),
                    imei: None,
                    unknown: Unknown::default(),
                },
                unknown: Unknown::default(),
            }),
            unknown: Unknown::default(),
        }
    }

    pub(crate) fn authenticate_ok(&self, signed1: EuiccSigned1) -> AuthenticateResponseOk {
        let euicc_signed1 = Raw::new(signed1).unwrap();
        AuthenticateResponseOk {
            euicc_signature1: self.sign(euicc_signed1.bytes()),
            euicc_signed1,
            euicc_certificate: self.certificate.raw().clone(),
            eum_certificate: self.eum.raw().clone(),
            unknown: Unknown::default(),
        }
    }

    pub(crate) fn authenticate_request(
        &self,
        server: &InitiateAuthenticationResponse,
        matching_id: Option<&str>,
    ) -> AuthenticateClientRequest {
        authenticate_request(&server.transaction_id, self.authenticate_ok(self.signed1(server, matching_id)))
    }

    pub(crate) fn signed2(&self, server: &AuthenticateClientResponse, code: Option<&str>) -> EuiccSigned2 {
        let hash_cc = code.map(|code| {
            let inner = hash::sha256(code.as_bytes());
            Octet32(hash::sha256(&[inner.as_slice(), server.transaction_id.as_bytes()].concat()))
        });
        EuiccSigned2 {
            transaction_id: server.transaction_id.clone(),
            euicc_otpk: OneTimePublicKey(self.one_time_key.public_key().as_bytes().to_vec().into()),
            hash_cc,
            unknown: Unknown::default(),
        }
    }

    pub(crate) fn prepare_ok(
        &self,
        server: &AuthenticateClientResponse,
        signed2: EuiccSigned2,
    ) -> PrepareDownloadResponseOk {
        let euicc_signed2 = Raw::new(signed2).unwrap();
        let mut message = euicc_signed2.bytes().to_vec();
        tlv::write(&mut message, &[0x5F, 0x37], &server.smdp_signature2.0);
        PrepareDownloadResponseOk { euicc_signature2: self.sign(&message), euicc_signed2, unknown: Unknown::default() }
    }

    pub(crate) fn prepare_request(
        &self,
        server: &AuthenticateClientResponse,
        code: Option<&str>,
    ) -> GetBoundProfilePackageRequest {
        prepare_request(&server.transaction_id, self.prepare_ok(server, self.signed2(server, code)))
    }

    pub(crate) fn result(
        &self,
        session: &TransactionId,
        seq_number: u64,
        iccid: Iccid,
        reason: Option<ErrorReason>,
    ) -> HandleNotificationRequest {
        let final_result = match reason {
            None => FinalResult::Success(SuccessResult {
                aid: IsdpAid(OctetString::from_static(&[0xA0; 16])),
                sima_response: OctetString::from_static(&[0x30, 0x07, 0xA0, 0x05, 0x30, 0x03, 0x80, 0x01, 0x00]),
                unknown: Unknown::default(),
            }),
            Some(error_reason) => FinalResult::Error(ErrorResult {
                bpp_command_id: BppCommandId::LOAD_PROFILE_ELEMENTS,
                error_reason,
                sima_response: None,
                unknown: Unknown::default(),
            }),
        };
        let data = Raw::new(ProfileInstallationResultData {
            transaction_id: session.clone(),
            notification_metadata: metadata(seq_number, NotificationEvent::INSTALL, iccid),
            smdp_oid: smdp_oid(),
            final_result,
            unknown: Unknown::default(),
        })
        .unwrap();
        pending(PendingNotification::ProfileInstallationResult(Box::new(ProfileInstallationResult {
            euicc_sign_pir: self.sign(data.bytes()),
            profile_installation_result_data: data,
            unknown: Unknown::default(),
        })))
    }

    pub(crate) fn notification(&self, seq_number: u64, event: usize, iccid: Iccid) -> HandleNotificationRequest {
        let signed = Raw::new(metadata(seq_number, event, iccid)).unwrap();
        pending(PendingNotification::OtherSignedNotification(Box::new(OtherSignedNotification {
            euicc_notification_signature: self.sign(signed.bytes()),
            tbs_other_notification: signed,
            euicc_certificate: self.certificate.raw().clone(),
            eum_certificate: self.eum.raw().clone(),
            unknown: Unknown::default(),
        })))
    }

    pub(crate) fn cancel_request(&self, session: &TransactionId, reason: CancelSessionReason) -> CancelSessionRequest {
        self.cancel_request_to(session, reason, smdp_oid())
    }

    pub(crate) fn cancel_request_to(
        &self,
        session: &TransactionId,
        reason: CancelSessionReason,
        smdp_oid: ObjectIdentifier,
    ) -> CancelSessionRequest {
        let signed = Raw::new(EuiccCancelSessionSigned {
            transaction_id: session.clone(),
            smdp_oid,
            reason,
            unknown: Unknown::default(),
        })
        .unwrap();
        let response = CancelSessionResponse::Ok(CancelSessionResponseOk {
            euicc_cancel_session_signature: self.sign(signed.bytes()),
            euicc_cancel_session_signed: signed,
            unknown: Unknown::default(),
        });
        CancelSessionRequest { transaction_id: session.clone(), cancel_session_response: Raw::new(response).unwrap() }
    }

    // Whole steps.

    pub(crate) async fn initiate(&self, server: &Server) -> InitiateAuthenticationResponse {
        server.es9().initiate_authentication(&Caller::default(), self.initiate_request()).await.unwrap()
    }

    pub(crate) async fn try_authenticate(
        &self,
        server: &Server,
        matching_id: Option<&str>,
    ) -> Result<AuthenticateClientResponse, StatusCode> {
        let initiated = self.initiate(server).await;
        server.es9().authenticate_client(&Caller::default(), self.authenticate_request(&initiated, matching_id)).await
    }

    pub(crate) async fn authenticate(&self, server: &Server, matching_id: &str) -> AuthenticateClientResponse {
        self.try_authenticate(server, Some(matching_id)).await.unwrap()
    }

    pub(crate) async fn try_prepare(
        &self,
        server: &Server,
        authenticated: &AuthenticateClientResponse,
        code: Option<&str>,
    ) -> Result<GetBoundProfilePackageResponse, StatusCode> {
        server.es9().get_bound_profile_package(&Caller::default(), self.prepare_request(authenticated, code)).await
    }

    /// A session up to the delivered package.
    pub(crate) async fn deliver(&self, server: &Server, matching_id: &str) -> GetBoundProfilePackageResponse {
        let authenticated = self.authenticate(server, matching_id).await;
        self.try_prepare(server, &authenticated, None).await.unwrap()
    }
}

pub(crate) fn authenticate_request(session: &TransactionId, ok: AuthenticateResponseOk) -> AuthenticateClientRequest {
    AuthenticateClientRequest {
        transaction_id: session.clone(),
        authenticate_server_response: Raw::new(AuthenticateServerResponse::Ok(Box::new(ok))).unwrap(),
    }
}

pub(crate) fn prepare_request(session: &TransactionId, ok: PrepareDownloadResponseOk) -> GetBoundProfilePackageRequest {
    GetBoundProfilePackageRequest {
        transaction_id: session.clone(),
        prepare_download_response: Raw::new(PrepareDownloadResponse::Ok(ok)).unwrap(),
    }
}

pub(crate) fn signature(signer: &dyn Signer, message: &[u8]) -> Signature5F37 {
    Signature5F37(signer.sign(message).unwrap().as_bytes().to_vec().into())
}

pub(crate) fn pending(notification: PendingNotification) -> HandleNotificationRequest {
    HandleNotificationRequest { pending_notification: Raw::new(notification).unwrap() }
}

pub(crate) fn ci_of(pki: &PkiDirectory, curve: Curve) -> SubjectKeyIdentifier {
    let ci = pki.require(curve, Role::Ci).unwrap().certificate();
    SubjectKeyIdentifier(ci.subject_key_identifier().unwrap().to_vec().into())
}

fn metadata(seq_number: u64, event: usize, iccid: Iccid) -> NotificationMetadata {
    NotificationMetadata {
        seq_number,
        profile_management_operation: NotificationEvent::from_bits(&[event]),
        notification_address: ADDRESS.to_owned(),
        iccid: Some(iccid),
        unknown: Unknown::default(),
    }
}

pub(crate) fn free_memory(bytes: u32) -> OctetString {
    let resource = ExtCardResource { applications: 0, free_non_volatile: bytes, free_volatile: 8192 };
    resource.to_bytes().into()
}

fn info2(cis: &[SubjectKeyIdentifier]) -> EuiccInfo2 {
    EuiccInfo2 {
        profile_version: VersionType([2, 3, 0]),
        svn: VersionType([2, 2, 0]),
        euicc_firmware_ver: VersionType([1, 0, 0]),
        ext_card_resource: free_memory(500_000),
        uicc_capability: UiccCapability::from_bits(&[UiccCapability::USIM]),
        ts102241_version: None,
        globalplatform_version: None,
        rsp_capability: RspCapability::from_bits(&[RspCapability::ADDITIONAL_PROFILE]),
        euicc_ci_pk_id_list_for_verification: cis.to_vec(),
        euicc_ci_pk_id_list_for_signing: cis.to_vec(),
        euicc_category: None,
        forbidden_profile_policy_rules: None,
        pp_version: VersionType([1, 0, 0]),
        sas_accreditation_number: "TEST".into(),
        certification_data_object: None,
        tre_properties: None,
        tre_product_reference: None,
        additional_euicc_profile_package_versions: None,
        unknown: Unknown::default(),
    }
}

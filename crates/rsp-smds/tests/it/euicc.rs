//! The eUICC's side of the dialogue, made by hand: what it signs, tests may change.

use std::sync::Arc;

use rsp_asn1::{
    AuthenticateResponseOk, AuthenticateServerResponse, CtxParams1, CtxParamsForCommonAuthentication,
    DeviceCapabilities, DeviceInfo, Eid, EuiccInfo1, EuiccInfo2, EuiccSigned1, ExtCardResource, Octet16, OctetString,
    Raw, RspCapability, Signature5F37, SubjectKeyIdentifier, TransactionId, UiccCapability, Unknown, VersionType,
};
use rsp_crypto::{Curve, SecretKey, Signer, rust_crypto};
use rsp_es::es9plus::{AuthenticateClientRequest, InitiateAuthenticationRequest, InitiateAuthenticationResponse};
use rsp_es::es11::AuthenticateClientResponse;
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;
use rsp_pki::directory::{Mint, PkiDirectory};
use rsp_pki::issue::{Template, Validity};
use rsp_pki::{Certificate, Role};
use rsp_testkit::SeededRandomness;

use crate::server::{ADDRESS, NOW, Server, pki};

pub(crate) struct TestEuicc {
    pub(crate) eid: Eid,
    pub(crate) certificate: Certificate,
    pub(crate) eum: Certificate,
    pub(crate) signer: Arc<dyn Signer>,
    /// CI keys, most preferred first.
    pub(crate) cis: Vec<SubjectKeyIdentifier>,
    pub(crate) challenge: [u8; 16],
    /// The SM-DS that its LPA calls.
    pub(crate) smds_address: String,
}

impl TestEuicc {
    pub(crate) fn of_pki(pki: &PkiDirectory, curve: Curve) -> Self {
        let entity = pki.euicc(curve).unwrap();
        let signer = rust_crypto().signer(entity.require_key().unwrap()).unwrap();
        Self::new(pki, curve, entity.certificate().clone(), signer)
    }

    /// Another eUICC under the same EUM.
    pub(crate) fn minted(curve: Curve, eid: &str) -> Self {
        let mint = Mint { now: NOW, randomness: &mut SeededRandomness::new(eid) };
        let minted = pki().mint_euicc(curve, eid.parse().unwrap(), mint).unwrap();
        let signer = rust_crypto().signer(&minted.key).unwrap();
        Self::new(pki(), curve, minted.certificate, signer)
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

    fn new(pki: &PkiDirectory, curve: Curve, certificate: Certificate, signer: Arc<dyn Signer>) -> Self {
        Self {
            eid: certificate.eid().unwrap(),
            eum: pki.eum(curve).unwrap().certificate().clone(),
            certificate,
            signer,
            cis: vec![ci_of(pki, curve)],
            challenge: [0x11; 16],
            smds_address: ADDRESS.to_owned(),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Signature5F37 {
        Signature5F37(self.signer.sign(message).unwrap().as_bytes().to_vec().into())
    }

    pub(crate) fn initiate_request(&self) -> InitiateAuthenticationRequest {
        let info1 = EuiccInfo1 {
            svn: VersionType([2, 2, 0]),
            euicc_ci_pk_id_list_for_verification: self.cis.clone(),
            euicc_ci_pk_id_list_for_signing: self.cis.clone(),
            unknown: Unknown::default(),
        };
        InitiateAuthenticationRequest {
            euicc_challenge: Octet16(self.challenge),
            euicc_info1: Raw::new(info1).unwrap(),
            smdp_address: self.smds_address.clone(),
        }
    }

    pub(crate) fn signed1(&self, server: &InitiateAuthenticationResponse, matching_id: Option<&str>) -> EuiccSigned1 {
        let server = server.server_signed1.value();
        EuiccSigned1 {
            transaction_id: server.transaction_id.clone(),
            server_address: server.server_address.clone(),
            server_challenge: server.server_challenge,
            euicc_info2: info2(&self.cis),
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

    // Whole steps.

    pub(crate) async fn initiate(&self, server: &Server) -> InitiateAuthenticationResponse {
        server.es11().initiate_authentication(&Caller::default(), self.initiate_request()).await.unwrap()
    }

    pub(crate) async fn try_retrieve(
        &self,
        server: &Server,
        matching_id: Option<&str>,
    ) -> Result<AuthenticateClientResponse, StatusCode> {
        let initiated = self.initiate(server).await;
        authenticate(server, self.authenticate_request(&initiated, matching_id)).await
    }

    /// The events for this matchingId: EventID and address.
    pub(crate) async fn events(&self, server: &Server, matching_id: Option<&str>) -> Vec<(String, String)> {
        entries(self.try_retrieve(server, matching_id).await.unwrap())
    }

    /// The EventIDs of all its events.
    pub(crate) async fn event_ids(&self, server: &Server) -> Vec<String> {
        self.events(server, None).await.into_iter().map(|(event_id, _)| event_id).collect()
    }
}

pub(crate) fn entries(response: AuthenticateClientResponse) -> Vec<(String, String)> {
    response.event_entries.into_iter().map(|entry| (entry.event_id, entry.rsp_server_address)).collect()
}

pub(crate) async fn authenticate(
    server: &Server,
    request: AuthenticateClientRequest,
) -> Result<AuthenticateClientResponse, StatusCode> {
    server.es11().authenticate_client(&Caller::default(), request).await
}

pub(crate) fn authenticate_request(session: &TransactionId, ok: AuthenticateResponseOk) -> AuthenticateClientRequest {
    AuthenticateClientRequest {
        transaction_id: session.clone(),
        authenticate_server_response: Raw::new(AuthenticateServerResponse::Ok(Box::new(ok))).unwrap(),
    }
}

pub(crate) fn ci_of(pki: &PkiDirectory, curve: Curve) -> SubjectKeyIdentifier {
    let ci = pki.require(curve, Role::Ci).unwrap().certificate();
    SubjectKeyIdentifier(ci.subject_key_identifier().unwrap().to_vec().into())
}

fn info2(cis: &[SubjectKeyIdentifier]) -> EuiccInfo2 {
    let resource = ExtCardResource { applications: 0, free_non_volatile: 500_000, free_volatile: 8192 };
    EuiccInfo2 {
        profile_version: VersionType([2, 3, 0]),
        svn: VersionType([2, 2, 0]),
        euicc_firmware_ver: VersionType([1, 0, 0]),
        ext_card_resource: resource.to_bytes().into(),
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

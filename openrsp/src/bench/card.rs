//! The eUICC of the benchmark: all of its cryptography and none of its memory, so that the server is what is measured.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, bail, ensure};
use rsp_asn1::{
    AuthenticateResponseOk, AuthenticateServerResponse, BoundProfilePackage, CtxParams1,
    CtxParamsForCommonAuthentication, DeviceInfo, Eid, EuiccInfo1, EuiccInfo2, EuiccSigned1, EuiccSigned2, FinalResult,
    IsdpAid, NotificationEvent, NotificationMetadata, ObjectIdentifier, Octet16, Octet32, OctetString,
    OneTimePublicKey, PendingNotification, PrepareDownloadResponse, PrepareDownloadResponseOk,
    ProfileInstallationResult, ProfileInstallationResultData, Raw, RspCapability, Signature5F37, SubjectKeyIdentifier,
    SuccessResult, TransactionId, UiccCapability, Unknown, VersionType, pkix, tlv,
};
use rsp_bpp::{Bsp, BspKeys, verify_initialise_secure_channel};
use rsp_crypto::{Curve, PublicKey, Randomness, RandomnessExt as _, SecretKey, Signature, Signer, aws_lc, hash};
use rsp_es::client::Es9PlusClient;
use rsp_es::es9plus::{
    AuthenticateClientRequest, AuthenticateClientResponse, GetBoundProfilePackageRequest, HandleNotificationRequest,
    InitiateAuthenticationRequest, InitiateAuthenticationResponse,
};
use rsp_pki::Certificate;

/// An eUICC that answers as SGP.22 demands, with P-256 by AWS-LC: the client's share of the processor stays small.
pub(super) struct BenchCard {
    eid: Eid,
    signer: std::sync::Arc<dyn Signer>,
    certificate: Raw<pkix::Certificate>,
    eum: Raw<pkix::Certificate>,
    info1: Raw<EuiccInfo1>,
    info2: EuiccInfo2,
    seq_number: AtomicU64,
}

impl BenchCard {
    pub(super) fn new(key: &SecretKey, certificate: &Certificate, eum: &Certificate) -> anyhow::Result<Self> {
        let ci = eum.authority_key_identifier().context("the EUM certificate names no CI")?;
        let ci = vec![SubjectKeyIdentifier(OctetString::from_slice(ci))];
        let svn = VersionType([2, 6, 0]);
        let info1 = EuiccInfo1 {
            svn,
            euicc_ci_pk_id_list_for_verification: ci.clone(),
            euicc_ci_pk_id_list_for_signing: ci.clone(),
            unknown: Unknown::default(),
        };
        Ok(Self {
            eid: certificate.eid().context("the eUICC certificate has no EID")?,
            signer: aws_lc().signer(key)?,
            certificate: certificate.raw().clone(),
            eum: eum.raw().clone(),
            info1: Raw::new(info1)?,
            info2: info2(svn, ci),
            seq_number: AtomicU64::new(0),
        })
    }

    pub(super) fn eid(&self) -> Eid {
        self.eid
    }

    /// One full download; the answer is the number of bytes of the Bound Profile Package.
    pub(super) async fn download(
        &self,
        client: &Es9PlusClient,
        address: &str,
        matching_id: &str,
        randomness: &mut dyn Randomness,
    ) -> anyhow::Result<usize> {
        let server = self.open_session(client, address, randomness).await?;
        let offer = self.authenticate(client, &server, matching_id).await?;
        let size = self.fetch(client, &offer, None, randomness).await?;
        self.report(client, address, &offer).await?;
        Ok(size)
    }

    /// InitiateAuthentication, with the check of what the server signed.
    pub(super) async fn open_session(
        &self,
        client: &Es9PlusClient,
        address: &str,
        randomness: &mut dyn Randomness,
    ) -> anyhow::Result<InitiateAuthenticationResponse> {
        let server = client.initiate_authentication(&self.initiate_request(address, randomness)).await?;
        check_server(&server)?;
        Ok(server)
    }

    /// AuthenticateClient, with the check of what the server signed.
    pub(super) async fn authenticate(
        &self,
        client: &Es9PlusClient,
        server: &InitiateAuthenticationResponse,
        matching_id: &str,
    ) -> anyhow::Result<Offer> {
        let (request, euicc_signature1) = self.authenticate_request(server, matching_id)?;
        Offer::new(client.authenticate_client(&request).await?, &euicc_signature1)
    }

    /// GetBoundProfilePackage, and opening the package; the answer is its number of bytes.
    pub(super) async fn fetch(
        &self,
        client: &Es9PlusClient,
        offer: &Offer,
        hash_cc: Option<Octet32>,
        randomness: &mut dyn Randomness,
    ) -> anyhow::Result<usize> {
        let otsk = SecretKey::generate(offer.dp_pb.public_key()?.curve(), randomness);
        let request = self.package_request(offer, hash_cc, &otsk)?;
        let package = client.get_bound_profile_package(&request).await?.bound_profile_package;
        self.open(&package, &offer.dp_pb, &otsk)?;
        Ok(package.len())
    }

    /// The signed result of an installation, as a notification.
    pub(super) async fn report(&self, client: &Es9PlusClient, address: &str, offer: &Offer) -> anyhow::Result<()> {
        let oid = offer.dp_pb.oid().context("the DPpb certificate has no OID")?.clone();
        let result = self.installation_result(offer.order.transaction_id.clone(), address, oid, &offer.order)?;
        client.handle_notification(&HandleNotificationRequest { pending_notification: result }).await?;
        Ok(())
    }

    pub(super) fn initiate_request(
        &self,
        address: &str,
        randomness: &mut dyn Randomness,
    ) -> InitiateAuthenticationRequest {
        InitiateAuthenticationRequest {
            euicc_challenge: Octet16(randomness.bytes()),
            euicc_info1: self.info1.clone(),
            smdp_address: address.to_owned(),
        }
    }

    /// The request, and euiccSignature1, which smdpSignature2 will cover.
    pub(super) fn authenticate_request(
        &self,
        server: &InitiateAuthenticationResponse,
        matching_id: &str,
    ) -> anyhow::Result<(AuthenticateClientRequest, Signature5F37)> {
        let (response, euicc_signature1) = self.authenticate_server(server, matching_id)?;
        let request = AuthenticateClientRequest {
            transaction_id: server.transaction_id.clone(),
            authenticate_server_response: Raw::new(response)?,
        };
        Ok((request, euicc_signature1))
    }

    /// A request for the package under a one-time key, with the hash of a confirmation code, right or wrong.
    pub(super) fn package_request(
        &self,
        offer: &Offer,
        hash_cc: Option<Octet32>,
        otsk: &SecretKey,
    ) -> anyhow::Result<GetBoundProfilePackageRequest> {
        Ok(GetBoundProfilePackageRequest {
            transaction_id: offer.order.transaction_id.clone(),
            prepare_download_response: Raw::new(self.prepare_download(&offer.order, hash_cc, otsk)?)?,
        })
    }

    fn authenticate_server(
        &self,
        server: &InitiateAuthenticationResponse,
        matching_id: &str,
    ) -> anyhow::Result<(AuthenticateServerResponse, Signature5F37)> {
        let signed = server.server_signed1.value();
        let device_info = DeviceInfo {
            tac: OctetString::from_static(&[0x35, 0x29, 0x06, 0x11]),
            device_capabilities: Default::default(),
            imei: None,
            unknown: Unknown::default(),
        };
        let context = CtxParamsForCommonAuthentication {
            matching_id: Some(matching_id.to_owned()),
            device_info,
            unknown: Unknown::default(),
        };
        let euicc_signed1 = Raw::new(EuiccSigned1 {
            transaction_id: signed.transaction_id.clone(),
            server_address: signed.server_address.clone(),
            server_challenge: signed.server_challenge,
            euicc_info2: self.info2.clone(),
            ctx_params1: CtxParams1::CommonAuthentication(context),
            unknown: Unknown::default(),
        })?;
        let signature = self.sign(euicc_signed1.bytes())?;
        let ok = AuthenticateResponseOk {
            euicc_signed1,
            euicc_signature1: signature.clone(),
            euicc_certificate: self.certificate.clone(),
            eum_certificate: self.eum.clone(),
            unknown: Unknown::default(),
        };
        Ok((AuthenticateServerResponse::Ok(Box::new(ok)), signature))
    }

    fn prepare_download(
        &self,
        order: &AuthenticateClientResponse,
        hash_cc: Option<Octet32>,
        otsk: &SecretKey,
    ) -> anyhow::Result<PrepareDownloadResponse> {
        let required = order.smdp_signed2.value().cc_required_flag;
        ensure!(!required || hash_cc.is_some(), "the order demands a confirmation code");
        let euicc_signed2 = Raw::new(EuiccSigned2 {
            transaction_id: order.transaction_id.clone(),
            euicc_otpk: OneTimePublicKey(OctetString::from_slice(otsk.public_key().as_bytes())),
            hash_cc,
            unknown: Unknown::default(),
        })?;
        let signed = [euicc_signed2.bytes(), &rsp_asn1::encode(&order.smdp_signature2)?].concat();
        Ok(PrepareDownloadResponse::Ok(PrepareDownloadResponseOk {
            euicc_signature2: self.sign(&signed)?,
            euicc_signed2,
            unknown: Unknown::default(),
        }))
    }

    /// Opens every segment, as an eUICC does before it believes a package.
    fn open(&self, package: &[u8], dp_pb: &Certificate, otsk: &SecretKey) -> anyhow::Result<()> {
        let channel = rsp_asn1::decode::<BoundProfilePackage>(package)?.initialise_secure_channel_request;
        verify_initialise_secure_channel(aws_lc(), dp_pb.public_key()?, &channel, otsk.public_key())?;
        let smdp_otpk = PublicKey::from_uncompressed(otsk.curve(), &channel.value().smdp_otpk.0)?;
        let shared = aws_lc().agree(otsk, &smdp_otpk)?;
        let mut bsp = Bsp::new(BspKeys::derive(&shared, &channel.value().control_ref_template, &self.eid)?);
        let (whole, _) = tlv::first(package)?;
        for sequence in whole.children().skip(1) {
            let sequence = sequence?;
            for segment in sequence.children() {
                let segment = segment?.raw();
                match sequence.tag() {
                    [0xA0] => drop(bsp.unprotect(0x87, segment)?),
                    [0xA1] => drop(bsp.unprotect_mac_only(0x88, segment)?),
                    [0xA2] => {
                        let keys = BspKeys::from_request(&rsp_asn1::decode(&bsp.unprotect(0x87, segment)?)?)?;
                        bsp = Bsp::new(keys);
                    }
                    [0xA3] => drop(bsp.unprotect(0x86, segment)?),
                    _ => bail!("the package has a sequence that the standard does not know"),
                }
            }
        }
        Ok(())
    }

    fn installation_result(
        &self,
        transaction_id: TransactionId,
        address: &str,
        smdp_oid: ObjectIdentifier,
        order: &AuthenticateClientResponse,
    ) -> anyhow::Result<Raw<PendingNotification>> {
        let notification_metadata = NotificationMetadata {
            seq_number: self.seq_number.fetch_add(1, Ordering::Relaxed) + 1,
            profile_management_operation: NotificationEvent::from_bits(&[NotificationEvent::INSTALL]),
            notification_address: address.to_owned(),
            iccid: Some(order.profile_metadata.value().iccid),
            unknown: Unknown::default(),
        };
        let success = SuccessResult {
            aid: IsdpAid(OctetString::from_static(b"\xA0\x00\x00\x05\x59\x10\x10\xFF\xFF\xFF\xFF\x89\x00\x00\x10\x00")),
            sima_response: OctetString::from_static(b"\x30\x07\xA0\x05\x30\x03\x80\x01\x00"),
            unknown: Unknown::default(),
        };
        let data = Raw::new(ProfileInstallationResultData {
            transaction_id,
            notification_metadata,
            smdp_oid,
            final_result: FinalResult::Success(success),
            unknown: Unknown::default(),
        })?;
        let result = ProfileInstallationResult {
            euicc_sign_pir: self.sign(data.bytes())?,
            profile_installation_result_data: data,
            unknown: Unknown::default(),
        };
        Ok(Raw::new(PendingNotification::ProfileInstallationResult(Box::new(result)))?)
    }

    fn sign(&self, message: &[u8]) -> anyhow::Result<Signature5F37> {
        Ok(Signature5F37(OctetString::from_slice(self.signer.sign(message)?.as_bytes())))
    }
}

/// What the server offered, its signature verified.
pub(super) struct Offer {
    pub(super) order: AuthenticateClientResponse,
    dp_pb: Certificate,
}

impl Offer {
    pub(super) fn new(order: AuthenticateClientResponse, euicc_signature1: &Signature5F37) -> anyhow::Result<Self> {
        let dp_pb = Certificate::from_der(order.smdp_certificate.bytes())?;
        let signed = [order.smdp_signed2.bytes(), &rsp_asn1::encode(euicc_signature1)?].concat();
        let signature = Signature::from_slice(&order.smdp_signature2.0)?;
        aws_lc().verify(dp_pb.public_key()?, &signed, &signature)?;
        Ok(Self { order, dp_pb })
    }

    /// SHA-256 of SHA-256 of a confirmation code and the transactionId, as the eUICC signs it (SGP.22 5.7.5).
    pub(super) fn hash_cc(&self, code: &str) -> Octet32 {
        let inner = hash::sha256(code.as_bytes());
        Octet32(hash::sha256(&[inner.as_slice(), self.order.transaction_id.as_bytes()].concat()))
    }

    pub(super) fn curve(&self) -> anyhow::Result<Curve> {
        Ok(self.dp_pb.public_key()?.curve())
    }
}

/// Verifies serverSignature1.
pub(super) fn check_server(server: &InitiateAuthenticationResponse) -> anyhow::Result<()> {
    let dp_auth = Certificate::from_der(server.server_certificate.bytes())?;
    let signature = Signature::from_slice(&server.server_signature1.0)?;
    aws_lc().verify(dp_auth.public_key()?, server.server_signed1.bytes(), &signature)?;
    Ok(())
}

fn info2(svn: VersionType, ci: Vec<SubjectKeyIdentifier>) -> EuiccInfo2 {
    EuiccInfo2 {
        profile_version: VersionType([2, 3, 1]),
        svn,
        euicc_firmware_ver: VersionType([1, 0, 0]),
        ext_card_resource: OctetString::from_static(b"\x81\x01\x00\x82\x04\x00\x10\x00\x00\x83\x04\x00\x00\x40\x00"),
        uicc_capability: UiccCapability::from_bits(&[UiccCapability::USIM, UiccCapability::AKA_MILENAGE]),
        ts102241_version: None,
        globalplatform_version: None,
        rsp_capability: RspCapability::from_bits(&[RspCapability::ADDITIONAL_PROFILE]),
        euicc_ci_pk_id_list_for_verification: ci.clone(),
        euicc_ci_pk_id_list_for_signing: ci,
        euicc_category: None,
        forbidden_profile_policy_rules: None,
        pp_version: VersionType([0, 0, 1]),
        sas_accreditation_number: "OPENRSP-BENCH".into(),
        certification_data_object: None,
        tre_properties: None,
        tre_product_reference: None,
        additional_euicc_profile_package_versions: None,
        unknown: Unknown::default(),
    }
}

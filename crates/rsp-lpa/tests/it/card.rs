//! A scripted eUICC: answers what it is told to, checks nothing, remembers what it was asked.

use rsp_apdu::store_data::{self, Assembler, Progress};
use rsp_apdu::{CardAccess, CardError, Command, Response, StatusWord};
use rsp_asn1::*;
use rsp_crypto::Curve;
use rsp_pki::Role;

use crate::pki::Pki;

pub(crate) struct FakeCard {
    /// Requests as they were put together from their blocks.
    pub(crate) requests: Vec<Vec<u8>>,
    /// Segments of packages.
    pub(crate) segments: Vec<Vec<u8>>,
    pub(crate) authenticate_error: Option<AuthenticateErrorCode>,
    pub(crate) prepare_error: Option<DownloadErrorCode>,
    pub(crate) cancel_error: Option<CancelSessionResponseError>,
    /// How an installation ends.
    pub(crate) result: Option<FinalResult>,
    /// This segment, from 0, is refused with 6985.
    pub(crate) refused_segment: Option<usize>,
    /// At this segment, from 0, the link breaks.
    pub(crate) broken_segment: Option<usize>,
    pub(crate) rat: Vec<ProfilePolicyAuthorisationRule>,
    pub(crate) profiles: Vec<ProfileInfo>,
    pub(crate) notifications: Vec<PendingNotification>,
    /// Empty if there is none.
    pub(crate) root_ds_address: &'static str,
    /// An answer of the functions that only give a code.
    pub(crate) code: i64,
    pub(crate) open: usize,
    pub(crate) isd_r: Vec<u8>,
    assembler: Assembler,
    expected: usize,
}

impl Default for FakeCard {
    fn default() -> Self {
        Self {
            requests: Vec::new(),
            segments: Vec::new(),
            authenticate_error: None,
            prepare_error: None,
            cancel_error: None,
            result: Some(success()),
            refused_segment: None,
            broken_segment: None,
            rat: Vec::new(),
            profiles: Vec::new(),
            notifications: Vec::new(),
            root_ds_address: "root.example.com",
            code: 0,
            open: 0,
            isd_r: rsp_lpa::ISD_R.to_vec(),
            assembler: Assembler::default(),
            expected: 0,
        }
    }
}

pub(crate) const CHALLENGE: [u8; 16] = [0xC5; 16];

pub(crate) fn success() -> FinalResult {
    FinalResult::Success(SuccessResult {
        aid: IsdpAid(OctetString::from_static(&[0xA0, 0, 0, 5, 0x59, 0x10])),
        sima_response: OctetString::from_static(&[0x30, 0x07, 0xA0, 0x05, 0x30, 0x03, 0x80, 0x01, 0x00]),
        unknown: Unknown::default(),
    })
}

pub(crate) fn failure(command: BppCommandId, reason: ErrorReason, sima_response: Option<&'static [u8]>) -> FinalResult {
    FinalResult::Error(ErrorResult {
        bpp_command_id: command,
        error_reason: reason,
        sima_response: sima_response.map(OctetString::from_static),
        unknown: Unknown::default(),
    })
}

pub(crate) fn metadata_of(seq_number: u64, event: usize, address: &str) -> NotificationMetadata {
    NotificationMetadata {
        seq_number,
        profile_management_operation: NotificationEvent::from_bits(&[event]),
        notification_address: address.to_owned(),
        iccid: Some("8900000000000000012".parse().unwrap()),
        unknown: Unknown::default(),
    }
}

pub(crate) fn signature() -> Signature5F37 {
    Signature5F37(OctetString::from(vec![0x5A; 64]))
}

pub(crate) fn other_notification(seq_number: u64, event: usize, address: &str) -> PendingNotification {
    let certificate = Pki::get().certificate(Curve::P256, Role::Euicc);
    PendingNotification::OtherSignedNotification(Box::new(OtherSignedNotification {
        tbs_other_notification: Raw::new(metadata_of(seq_number, event, address)).unwrap(),
        euicc_notification_signature: signature(),
        euicc_certificate: certificate,
        eum_certificate: Pki::get().certificate(Curve::P256, Role::Eum),
        unknown: Unknown::default(),
    }))
}

impl FakeCard {
    /// The first request with this tag.
    pub(crate) fn request<T: rasn::Decode>(&self, tag: [u8; 2]) -> Option<T> {
        self.requests.iter().find(|request| request[..2] == tag).map(|request| decode_command(request).unwrap())
    }

    /// Reasons of the sessions that were cancelled.
    pub(crate) fn cancelled(&self) -> Vec<i64> {
        let requests = self.requests.iter().filter(|request| request[..2] == [0xBF, 0x41]);
        requests.map(|request| decode_command::<CancelSessionRequest>(request).unwrap().reason.0).collect()
    }

    fn answer(&mut self, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
        let der = |answer: Result<Vec<u8>, EncodeError>| Ok(answer.unwrap());
        let unknown = Unknown::default;
        match request[..2] {
            [0xBF, 0x20] => der(encode(&EuiccInfo1 {
                svn: VersionType([2, 5, 0]),
                euicc_ci_pk_id_list_for_verification: vec![],
                euicc_ci_pk_id_list_for_signing: vec![],
                unknown: unknown(),
            })),
            [0xBF, 0x2E] => {
                der(encode(&GetEuiccChallengeResponse { euicc_challenge: Octet16(CHALLENGE), unknown: unknown() }))
            }
            [0xBF, 0x38] => der(encode(&self.authenticate(request))),
            [0xBF, 0x3C] => der(encode(&EuiccConfiguredAddressesResponse {
                default_dp_address: None,
                root_ds_address: self.root_ds_address.to_owned(),
                unknown: unknown(),
            })),
            [0xBF, 0x21] => der(encode(&self.prepare(request))),
            [0xBF, 0x41] => der(encode(&self.cancel(request))),
            [0xBF, 0x43] => der(encode(&GetRatResponse { rat: self.rat.clone(), unknown: unknown() })),
            [0xBF, 0x2D] => der(encode(&ProfileInfoListResponse::Ok(self.profiles.clone()))),
            [0xBF, 0x28] => {
                let list = self.notifications.iter().map(|notification| notification.metadata().clone()).collect();
                der(encode(&ListNotificationResponse::Ok(list)))
            }
            [0xBF, 0x2B] => der(encode(&self.retrieve(request))),
            [0xBF, 0x30] => {
                let seq = decode_command::<NotificationSentRequest>(request).unwrap().seq_number;
                let before = self.notifications.len();
                self.notifications.retain(|notification| notification.metadata().seq_number != seq);
                let removed = before > self.notifications.len();
                Ok(vec![0xBF, 0x30, 0x03, 0x80, 0x01, u8::from(!removed)])
            }
            [0xBF, tag @ (0x29 | 0x31 | 0x32 | 0x33 | 0x34 | 0x3F)] => {
                Ok(vec![0xBF, tag, 0x03, 0x80, 0x01, u8::try_from(self.code).unwrap()])
            }
            [0xBF, 0x3E] => Ok(hex::decode("BF3E125A1089049032123451234512345678901235").unwrap()),
            [0xBF, 0x36] | [0xA0 | 0xA1 | 0xA2 | 0xA3 | 0x86 | 0x88, _] => self.load(request),
            _ => Err(StatusWord::REFERENCED_DATA_NOT_FOUND),
        }
    }

    fn authenticate(&self, request: &[u8]) -> AuthenticateServerResponse {
        let request: AuthenticateServerRequest = decode_command(request).unwrap();
        let signed = request.server_signed1.value();
        if let Some(code) = self.authenticate_error {
            return AuthenticateServerResponse::Error(AuthenticateResponseError {
                transaction_id: signed.transaction_id.clone(),
                authenticate_error_code: code,
                unknown: Unknown::default(),
            });
        }
        AuthenticateServerResponse::Ok(Box::new(AuthenticateResponseOk {
            euicc_signed1: Raw::new(EuiccSigned1 {
                transaction_id: signed.transaction_id.clone(),
                server_address: signed.server_address.clone(),
                server_challenge: signed.server_challenge,
                euicc_info2: info2(),
                ctx_params1: request.ctx_params1,
                unknown: Unknown::default(),
            })
            .unwrap(),
            euicc_signature1: signature(),
            euicc_certificate: Pki::get().certificate(Curve::P256, Role::Euicc),
            eum_certificate: Pki::get().certificate(Curve::P256, Role::Eum),
            unknown: Unknown::default(),
        }))
    }

    fn prepare(&self, request: &[u8]) -> PrepareDownloadResponse {
        let request: PrepareDownloadRequest = decode_command(request).unwrap();
        let transaction_id = request.smdp_signed2.value().transaction_id.clone();
        if let Some(download_error_code) = self.prepare_error {
            return PrepareDownloadResponse::Error(PrepareDownloadResponseError {
                transaction_id,
                download_error_code,
                unknown: Unknown::default(),
            });
        }
        PrepareDownloadResponse::Ok(PrepareDownloadResponseOk {
            euicc_signed2: Raw::new(EuiccSigned2 {
                transaction_id,
                euicc_otpk: OneTimePublicKey(OctetString::from(vec![4; 65])),
                hash_cc: request.hash_cc,
                unknown: Unknown::default(),
            })
            .unwrap(),
            euicc_signature2: signature(),
            unknown: Unknown::default(),
        })
    }

    fn cancel(&self, request: &[u8]) -> CancelSessionResponse {
        let request: CancelSessionRequest = decode_command(request).unwrap();
        if let Some(error) = self.cancel_error {
            return CancelSessionResponse::Error(error);
        }
        CancelSessionResponse::Ok(CancelSessionResponseOk {
            euicc_cancel_session_signed: Raw::new(EuiccCancelSessionSigned {
                transaction_id: request.transaction_id,
                smdp_oid: Pki::get().smdp_oid(),
                reason: request.reason,
                unknown: Unknown::default(),
            })
            .unwrap(),
            euicc_cancel_session_signature: signature(),
            unknown: Unknown::default(),
        })
    }

    fn retrieve(&self, request: &[u8]) -> RetrieveNotificationsListResponse {
        let request: RetrieveNotificationsListRequest = decode_command(request).unwrap();
        let Some(NotificationSearchCriteria::SeqNumber(seq)) = request.search_criteria else { panic!("by number") };
        let found = self.notifications.iter().filter(|notification| notification.metadata().seq_number == seq);
        RetrieveNotificationsListResponse::Ok(found.map(|found| Raw::new(found.clone()).unwrap()).collect())
    }

    fn load(&mut self, segment: &[u8]) -> Result<Vec<u8>, StatusWord> {
        if segment[0] == 0xBF {
            self.segments.clear();
            let header = tlv_header(segment);
            self.expected = header.0 + header.1;
        }
        if self.refused_segment == Some(self.segments.len()) {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        self.segments.push(segment.to_vec());
        let received: usize = self.segments.iter().map(Vec::len).sum();
        let failed_early = matches!(self.result, Some(FinalResult::Error(_))) && self.segments.len() == 3;
        if received < self.expected && !failed_early {
            return Ok(Vec::new());
        }
        let Some(final_result) = self.result.clone() else { return Ok(Vec::new()) };
        let seq = 7;
        let data = ProfileInstallationResultData {
            transaction_id: TransactionId::from([1; 16]),
            notification_metadata: metadata_of(seq, NotificationEvent::INSTALL, "smdp.example.com"),
            smdp_oid: Pki::get().smdp_oid(),
            final_result,
            unknown: Unknown::default(),
        };
        let result = PendingNotification::ProfileInstallationResult(Box::new(ProfileInstallationResult {
            profile_installation_result_data: Raw::new(data).unwrap(),
            euicc_sign_pir: signature(),
            unknown: Unknown::default(),
        }));
        self.notifications.push(result.clone());
        Ok(encode(&result).unwrap())
    }
}

/// Length of the header and of the value.
fn tlv_header(bytes: &[u8]) -> (usize, usize) {
    match bytes[2] {
        short @ ..=0x7F => (3, usize::from(short)),
        0x81 => (4, usize::from(bytes[3])),
        _ => (5, usize::from(bytes[3]) << 8 | usize::from(bytes[4])),
    }
}

fn info2() -> EuiccInfo2 {
    EuiccInfo2 {
        profile_version: VersionType([2, 3, 1]),
        svn: VersionType([2, 5, 0]),
        euicc_firmware_ver: VersionType([1, 0, 0]),
        ext_card_resource: OctetString::from_static(&[0x81, 0x01, 0x00]),
        uicc_capability: UiccCapability::from_bits(&[UiccCapability::USIM]),
        ts102241_version: None,
        globalplatform_version: None,
        rsp_capability: RspCapability::from_bits(&[RspCapability::ADDITIONAL_PROFILE]),
        euicc_ci_pk_id_list_for_verification: vec![],
        euicc_ci_pk_id_list_for_signing: vec![],
        euicc_category: None,
        forbidden_profile_policy_rules: None,
        pp_version: VersionType([0, 0, 1]),
        sas_accreditation_number: "TEST".into(),
        certification_data_object: None,
        tre_properties: None,
        tre_product_reference: None,
        additional_euicc_profile_package_versions: None,
        unknown: Unknown::default(),
    }
}

impl CardAccess for FakeCard {
    fn open_channel(&mut self, aid: &[u8]) -> Result<u8, CardError> {
        if aid != self.isd_r {
            return Err(CardError::NoApplication { aid: aid.to_vec(), sw: StatusWord::NOT_FOUND });
        }
        self.open += 1;
        Ok(1)
    }

    fn transmit(&mut self, apdu: &[u8]) -> Result<Response, CardError> {
        let command = Command::parse(apdu)?;
        if command.ins != store_data::INS {
            return Ok(Response::status(StatusWord::INSTRUCTION_NOT_SUPPORTED));
        }
        if self.broken_segment == Some(self.segments.len()) && matches!(command.data[0], 0x86 | 0xA3) {
            let source = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
            return Err(CardError::Link { what: "sending".to_owned(), source });
        }
        match self.assembler.push(command.p1, command.p2, &command.data) {
            Ok(Progress::More) => Ok(Response::ok(Vec::new())),
            Ok(Progress::Complete { request, .. }) => {
                self.requests.push(request.clone());
                Ok(self.answer(&request).map_or_else(Response::status, Response::ok))
            }
            Err(sw) => Ok(Response::status(sw)),
        }
    }

    fn close_channel(&mut self, _: u8) -> Result<(), CardError> {
        self.open -= 1;
        Ok(())
    }
}

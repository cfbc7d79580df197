//! The device's side: ES10 over a card in the same process.

use rasn::{Decode, Encode};
use rsp_apdu::{CardAccess, Response, StatusWord, store_data};
use rsp_asn1::{
    AuthenticateResponseOk, AuthenticateServerResponse, CancelSessionResponse, ErrorResult, FinalResult,
    GetEuiccChallengeResponse, Iccid, NotificationMetadata, PrepareDownloadResponse, PrepareDownloadResponseOk,
    ProfileInfo, ProfileInfoListResponse, ProfileInstallationResult, SuccessResult, TransactionId, decode, encode, tlv,
};
use rsp_card::InProcess;
use rsp_crypto::Randomness;
use rsp_euicc::{Euicc, EuiccState, ISDR_AID, MemoryStore, StateStore};
use rsp_testkit::SeededRandomness;

use crate::server::{Order, Server};

pub(crate) struct Terminal<S = MemoryStore> {
    pub(crate) access: InProcess<Euicc<S>>,
    pub(crate) store: S,
    pub(crate) channel: u8,
}

impl Terminal {
    pub(crate) fn new(state: EuiccState) -> Self {
        Self::with_randomness(state, Box::new(SeededRandomness::new("a card")))
    }

    pub(crate) fn with_randomness(state: EuiccState, randomness: Box<dyn Randomness>) -> Self {
        Self::with_store(state, MemoryStore::default(), randomness)
    }

    /// Power off and on, with the ISD-R selected again. What the card held without having stored it would be lost.
    pub(crate) fn power_cycle(&mut self) {
        assert!(*self.state().to_bytes().unwrap() == *self.store.contents(), "not all of the state is stored");
        self.access.power_cycle();
        self.channel = self.access.open_channel(&ISDR_AID).unwrap();
    }
}

impl<S: StateStore + Clone> Terminal<S> {
    /// The store's clones share what they hold.
    pub(crate) fn with_store(state: EuiccState, store: S, randomness: Box<dyn Randomness>) -> Self {
        let mut access = InProcess::new(Euicc::new(state, store.clone(), randomness).unwrap());
        let channel = access.open_channel(&ISDR_AID).unwrap();
        Self { access, store, channel }
    }

    pub(crate) fn state(&self) -> &EuiccState {
        self.access.card().state()
    }

    /// One request, whole; the answer or the status word that refused it.
    pub(crate) fn es10(&mut self, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
        let mut answer = Response::status(StatusWord::NO_DIAGNOSIS);
        for command in store_data::commands(self.channel, request, 120).unwrap() {
            answer = self.access.transmit(&command).unwrap();
            if !answer.sw.is_success() {
                return Err(answer.sw);
            }
        }
        Ok(answer.data)
    }

    pub(crate) fn hex(&mut self, request: &str) -> Result<String, StatusWord> {
        self.es10(&hex::decode(request).unwrap()).map(hex::encode_upper)
    }

    pub(crate) fn call<A: Decode>(&mut self, request: &impl Encode) -> A {
        let answer = self.es10(&encode(request).unwrap()).unwrap();
        decode(&answer).unwrap_or_else(|error| panic!("{error}: {}", hex::encode_upper(answer)))
    }

    pub(crate) fn challenge(&mut self) -> [u8; 16] {
        let answer = self.es10(&[0xBF, 0x2E, 0x00]).unwrap();
        decode::<GetEuiccChallengeResponse>(&answer).unwrap().euicc_challenge.0
    }

    /// GetEUICCChallenge and AuthenticateServer.
    pub(crate) fn authenticate(&mut self, server: &mut Server) -> AuthenticateResponseOk {
        let challenge = self.challenge();
        let transaction = server.transaction();
        match self.call(&server.authenticate(challenge, &transaction)) {
            AuthenticateServerResponse::Ok(ok) => *ok,
            AuthenticateServerResponse::Error(error) => panic!("{}", error.authenticate_error_code),
        }
    }

    /// Everything up to PrepareDownload.
    pub(crate) fn prepare(&mut self, server: &mut Server, otpk: Option<&[u8]>) -> PrepareDownloadResponseOk {
        let authenticated = self.authenticate(server);
        match self.call(&server.prepare(&authenticated, otpk)) {
            PrepareDownloadResponse::Ok(ok) => ok,
            PrepareDownloadResponse::Error(error) => panic!("{}", error.download_error_code),
        }
    }

    /// A whole download: the result.
    pub(crate) fn download(&mut self, server: &mut Server, order: &Order) -> FinalResult {
        let prepared = self.prepare(server, None);
        let package = server.bind(self.state().eid(), &prepared, order);
        self.load(&package)
    }

    /// A download that must succeed.
    pub(crate) fn install(&mut self, server: &mut Server, order: &Order) -> SuccessResult {
        match self.download(server, order) {
            FinalResult::Success(success) => success,
            FinalResult::Error(error) => panic!("{} {}", error.bpp_command_id, error.error_reason),
        }
    }

    /// A download that must fail.
    pub(crate) fn refuse(&mut self, server: &mut Server, order: &Order) -> ErrorResult {
        match self.download(server, order) {
            FinalResult::Success(_) => panic!("installed"),
            FinalResult::Error(error) => error,
        }
    }

    pub(crate) fn load(&mut self, package: &[u8]) -> FinalResult {
        let answer = self.load_segments(&segments(package)).unwrap().expect("a result");
        decode::<ProfileInstallationResult>(&answer).unwrap().profile_installation_result_data.into_value().final_result
    }

    /// Sends segments until one is answered or refused.
    pub(crate) fn load_segments(&mut self, segments: &[Vec<u8>]) -> Result<Option<Vec<u8>>, StatusWord> {
        for segment in segments {
            let answer = self.es10(segment)?;
            if !answer.is_empty() {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    pub(crate) fn profiles(&mut self) -> Vec<ProfileInfo> {
        match decode(&self.es10(&[0xBF, 0x2D, 0x00]).unwrap()).unwrap() {
            ProfileInfoListResponse::Ok(profiles) => profiles,
            ProfileInfoListResponse::Error(error) => panic!("{error}"),
        }
    }

    pub(crate) fn notifications(&mut self) -> Vec<NotificationMetadata> {
        match decode(&self.es10(&[0xBF, 0x28, 0x00]).unwrap()).unwrap() {
            rsp_asn1::ListNotificationResponse::Ok(list) => list,
            rsp_asn1::ListNotificationResponse::Error(error) => panic!("{error}"),
        }
    }

    /// Enable (BF31), disable (BF32): the result code.
    pub(crate) fn switch(&mut self, tag: u8, iccid: Iccid) -> u8 {
        let mut request = vec![0xBF, tag, 0x11, 0xA0, 0x0C, 0x5A, 0x0A];
        request.extend(iccid.0);
        request.extend([0x81, 0x01, 0x00]);
        result_code(&self.es10(&request).unwrap(), tag)
    }

    pub(crate) fn enable(&mut self, iccid: Iccid) -> u8 {
        self.switch(0x31, iccid)
    }

    pub(crate) fn disable(&mut self, iccid: Iccid) -> u8 {
        self.switch(0x32, iccid)
    }

    pub(crate) fn delete(&mut self, iccid: Iccid) -> u8 {
        let mut request = vec![0xBF, 0x33, 0x0C, 0x5A, 0x0A];
        request.extend(iccid.0);
        result_code(&self.es10(&request).unwrap(), 0x33)
    }

    pub(crate) fn cancel(&mut self, transaction: &TransactionId, reason: u8) -> CancelSessionResponse {
        let mut content = Vec::new();
        tlv::write(&mut content, &[0x80], transaction.as_bytes());
        tlv::write(&mut content, &[0x81], &[reason]);
        let mut request = Vec::new();
        tlv::write(&mut request, &[0xBF, 0x41], &content);
        decode(&self.es10(&request).unwrap()).unwrap()
    }
}

fn result_code(answer: &[u8], tag: u8) -> u8 {
    match *answer {
        [0xBF, answered, 0x03, 0x80, 0x01, code] if answered == tag => code,
        _ => panic!("{}", hex::encode_upper(answer)),
    }
}

/// A package as the LPA cuts it (SGP.22 2.5.5).
pub(crate) fn segments(package: &[u8]) -> Vec<Vec<u8>> {
    let (whole, rest) = tlv::first(package).unwrap();
    assert!(rest.is_empty());
    let mut segments = Vec::new();
    for (index, sequence) in whole.children().map(Result::unwrap).enumerate() {
        match sequence.tag() {
            _ if index == 0 => segments.push([whole.header(), sequence.raw()].concat()),
            [0xA0 | 0xA2] => segments.push(sequence.raw().to_vec()),
            _ => {
                segments.push(sequence.header().to_vec());
                segments.extend(sequence.children().map(|segment| segment.unwrap().raw().to_vec()));
            }
        }
    }
    segments
}

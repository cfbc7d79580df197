//! The other side: a PKI and an SM-DP+ that signs whatever a test wants.

use std::sync::Arc;

use rsp_asn1::{
    AuthenticateResponseOk, AuthenticateServerRequest, CtxParams1, CtxParamsForCommonAuthentication,
    DeviceCapabilities, DeviceInfo, Eid, Iccid, NotificationConfigurationInformation, NotificationEvent,
    ObjectIdentifier, Octet16, Octet32, OneTimePublicKey, OperatorId, PrepareDownloadRequest,
    PrepareDownloadResponseOk, ProfileClass, Raw, ServerSigned1, Signature5F37, SmdpSigned2, StoreMetadataRequest,
    SubjectKeyIdentifier, Timestamp, TransactionId, Unknown, encode, tlv,
};
use rsp_bpp::{Bsp, BspKeys, Protection, UnprotectedProfile, assemble, initialise_secure_channel, protect};
use rsp_crypto::{Curve, PublicKey, RandomnessExt, SecretKey, Signer, rust_crypto};
use rsp_euicc::{Credential, EuiccState, Manufacture};
use rsp_pki::Role;
use rsp_pki::issue::{Authority, Minted, Subject, Template, Validity, random_serial};
use rsp_saip::builder::{Codes, ProfileBuilder};
use rsp_saip::file::Fcp;
use rsp_saip::gfm::{FileCommand, GenericFileManagement};
use rsp_saip::header::PeHeader;
use rsp_saip::{Element, ProfileElement, ProfilePackage, Secret};
use rsp_testkit::SeededRandomness;

pub(crate) const ADDRESS: &str = "smdp.example.com";
pub(crate) const HOST_ID: &[u8] = b"host";
const ORGANISATION: &str = "Test EUM";

pub(crate) fn validity() -> Validity {
    Validity { not_before: Timestamp(1_500_000_000), not_after: Timestamp(4_000_000_000) }
}

pub(crate) fn oid(arcs: &[u32]) -> ObjectIdentifier {
    ObjectIdentifier::new(arcs.to_vec()).unwrap()
}

/// One CI and everything under it.
pub(crate) struct World {
    pub(crate) randomness: SeededRandomness,
    pub(crate) ci: Minted,
    eum: Minted,
}

impl World {
    pub(crate) fn new(curve: Curve, seed: &str) -> Self {
        let mut randomness = SeededRandomness::new(seed);
        let key = SecretKey::generate(curve, &mut randomness);
        let subject = Subject::new().organisation("Test CI").common_name(seed);
        let signer = rust_crypto().signer(&key).unwrap();
        let template = Template::ci(
            &subject,
            key.public_key(),
            &oid(&[2, 999, 1]),
            &["http://ci.example.com/crl".to_owned()],
            random_serial(&mut randomness),
            validity(),
        );
        let ci = Minted { certificate: template.sign(&*signer).unwrap(), key };
        let key = SecretKey::generate(curve, &mut randomness);
        let authority = Authority::new(rust_crypto(), &ci.certificate, &ci.key).unwrap();
        let serial = random_serial(&mut randomness);
        let eum = Template::eum(
            &authority,
            key.public_key(),
            ORGANISATION,
            "EUM",
            "89049032",
            &oid(&[2, 999, 5]),
            serial,
            validity(),
        );
        let eum = Minted { certificate: eum.sign(authority.signer()).unwrap(), key };
        Self { randomness, ci, eum }
    }

    pub(crate) fn p256() -> Self {
        Self::new(Curve::P256, "a world")
    }

    pub(crate) fn authority(&self) -> Authority<'_> {
        Authority::new(rust_crypto(), &self.ci.certificate, &self.ci.key).unwrap()
    }

    pub(crate) fn eid(number: u8) -> Eid {
        let mut eid = [0x00; 16];
        eid[..4].copy_from_slice(&[0x89, 0x04, 0x90, 0x32]);
        eid[14] = number;
        Eid(eid).with_check_digits()
    }

    pub(crate) fn credential(&mut self, eid: Eid) -> Credential {
        let key = SecretKey::generate(self.ci.key.curve(), &mut self.randomness);
        let serial = random_serial(&mut self.randomness);
        let eum = Authority::new(rust_crypto(), &self.eum.certificate, &self.eum.key).unwrap();
        let euicc = eum.euicc(key.public_key(), eid, serial, validity()).unwrap();
        Credential { ci: self.ci.certificate.clone(), eum: self.eum.certificate.clone(), euicc, key }
    }

    pub(crate) fn euicc(&mut self, number: u8) -> EuiccState {
        let credential = self.credential(Self::eid(number));
        Manufacture::new(vec![credential]).build(rust_crypto()).unwrap()
    }

    /// A server certificate whose template `change` has altered before signing.
    pub(crate) fn server_certificate(&mut self, role: Role, id: &[u32], change: impl FnOnce(&mut Template)) -> Minted {
        let key = SecretKey::generate(self.ci.key.curve(), &mut self.randomness);
        let serial = random_serial(&mut self.randomness);
        let authority = self.authority();
        let mut template = Template::auth(&authority, role, key.public_key(), &oid(id), serial, validity());
        change(&mut template);
        Minted { certificate: template.sign(authority.signer()).unwrap(), key }
    }

    pub(crate) fn server(&mut self) -> Server {
        let id = [2, 999, 10];
        let auth = self.server_certificate(Role::DpAuth, &id, |_| ());
        let binding = self.server_certificate(Role::DpPb, &id, |_| ());
        Server {
            ci_key_id: SubjectKeyIdentifier(self.ci.key.public_key().key_identifier().to_vec().into()),
            auth_signer: rust_crypto().signer(&auth.key).unwrap(),
            binding_signer: rust_crypto().signer(&binding.key).unwrap(),
            auth,
            binding,
            randomness: SeededRandomness::new(self.randomness.bytes::<8>()),
        }
    }
}

pub(crate) struct Server {
    pub(crate) ci_key_id: SubjectKeyIdentifier,
    pub(crate) auth: Minted,
    pub(crate) binding: Minted,
    pub(crate) auth_signer: Arc<dyn Signer>,
    pub(crate) binding_signer: Arc<dyn Signer>,
    pub(crate) randomness: SeededRandomness,
}

pub(crate) fn signature(signer: &dyn Signer, message: &[u8]) -> Signature5F37 {
    Signature5F37(signer.sign(message).unwrap().as_bytes().to_vec().into())
}

pub(crate) fn device() -> CtxParams1 {
    CtxParams1::CommonAuthentication(CtxParamsForCommonAuthentication {
        matching_id: Some("A-MATCHING-ID".into()),
        device_info: DeviceInfo {
            tac: vec![0x35, 0x29, 0x06, 0x11].into(),
            device_capabilities: DeviceCapabilities::default(),
            imei: None,
            unknown: Unknown::default(),
        },
        unknown: Unknown::default(),
    })
}

impl Server {
    pub(crate) fn transaction(&mut self) -> TransactionId {
        self.randomness.bytes::<16>().into()
    }

    pub(crate) fn authenticate(
        &mut self,
        challenge: [u8; 16],
        transaction: &TransactionId,
    ) -> AuthenticateServerRequest {
        let server_signed1 = Raw::new(ServerSigned1 {
            transaction_id: transaction.clone(),
            euicc_challenge: Octet16(challenge),
            server_address: ADDRESS.into(),
            server_challenge: Octet16(self.randomness.bytes()),
            unknown: Unknown::default(),
        })
        .unwrap();
        AuthenticateServerRequest {
            server_signature1: signature(&*self.auth_signer, server_signed1.bytes()),
            server_signed1,
            euicc_ci_pk_id_to_be_used: self.ci_key_id.clone(),
            server_certificate: self.auth.certificate.raw().clone(),
            ctx_params1: device(),
            unknown: Unknown::default(),
        }
    }

    pub(crate) fn prepare(&self, euicc: &AuthenticateResponseOk, otpk: Option<&[u8]>) -> PrepareDownloadRequest {
        let transaction_id = euicc.euicc_signed1.value().transaction_id.clone();
        self.prepare_with(euicc, transaction_id, otpk, false)
    }

    pub(crate) fn prepare_with(
        &self,
        euicc: &AuthenticateResponseOk,
        transaction_id: TransactionId,
        otpk: Option<&[u8]>,
        cc_required_flag: bool,
    ) -> PrepareDownloadRequest {
        let smdp_signed2 = Raw::new(SmdpSigned2 {
            transaction_id,
            cc_required_flag,
            bpp_euicc_otpk: otpk.map(|otpk| OneTimePublicKey(otpk.to_vec().into())),
            unknown: Unknown::default(),
        })
        .unwrap();
        let message = [smdp_signed2.bytes(), &encode(&euicc.euicc_signature1).unwrap()].concat();
        PrepareDownloadRequest {
            smdp_signature2: signature(&*self.binding_signer, &message),
            smdp_signed2,
            hash_cc: cc_required_flag.then_some(Octet32([7; 32])),
            smdp_certificate: self.binding.certificate.raw().clone(),
            unknown: Unknown::default(),
        }
    }

    /// Binds a profile to what PrepareDownload answered.
    pub(crate) fn bind(&mut self, eid: Eid, euicc: &PrepareDownloadResponseOk, order: &Order) -> Vec<u8> {
        let (channel, keys) = self.open(eid, euicc);
        let protection = match order.own_keys {
            true => Protection::Ppk(BspKeys::random(&mut self.randomness)),
            false => Protection::SessionKeys,
        };
        let metadata = order.metadata_der();
        let profile = UnprotectedProfile {
            configure_isdp: &order.configuration,
            store_metadata: &metadata,
            profile_elements: &order.elements,
        };
        assemble(&channel, &protect(keys, profile, protection))
    }

    /// A package up to ReplaceSessionKeys, whose content is `replacement`.
    pub(crate) fn bind_with_replacement(
        &mut self,
        eid: Eid,
        euicc: &PrepareDownloadResponseOk,
        order: &Order,
        replacement: &[u8],
    ) -> Vec<u8> {
        let (channel, keys) = self.open(eid, euicc);
        let mut bsp = Bsp::new(keys);
        let mut body = Vec::new();
        let mut segment = Vec::new();
        bsp.protect(0x87, &order.configuration, &mut segment);
        tlv::write(&mut body, &[0xA0], &std::mem::take(&mut segment));
        bsp.protect_mac_only(0x88, &order.metadata_der(), &mut segment);
        tlv::write(&mut body, &[0xA1], &std::mem::take(&mut segment));
        bsp.protect(0x87, replacement, &mut segment);
        tlv::write(&mut body, &[0xA2], &std::mem::take(&mut segment));
        bsp.protect(0x86, &order.elements[..100], &mut segment);
        tlv::write(&mut body, &[0xA3], &segment);
        assemble(&channel, &body)
    }

    /// InitialiseSecureChannel and the session keys that it leads to.
    fn open(&mut self, eid: Eid, euicc: &PrepareDownloadResponseOk) -> (Vec<u8>, BspKeys) {
        let signed = euicc.euicc_signed2.value();
        let curve = self.binding.key.curve();
        let otpk = PublicKey::from_uncompressed(curve, &signed.euicc_otpk.0).unwrap();
        let secret = SecretKey::generate(curve, &mut self.randomness);
        let (channel, template) = initialise_secure_channel(
            &*self.binding_signer,
            &signed.transaction_id,
            HOST_ID,
            secret.public_key(),
            &otpk,
        )
        .unwrap();
        let shared = rust_crypto().agree(&secret, &otpk).unwrap();
        (channel, BspKeys::derive(&shared, &template, &eid).unwrap())
    }
}

/// A profile as an operator orders it.
#[derive(Clone)]
pub(crate) struct Order {
    pub(crate) metadata: StoreMetadataRequest,
    /// In the place of `metadata`, for what its type cannot say.
    pub(crate) raw_metadata: Option<Vec<u8>>,
    pub(crate) configuration: Vec<u8>,
    pub(crate) elements: Vec<u8>,
    pub(crate) own_keys: bool,
}

impl Order {
    /// An operational profile; each number has an ICCID and an IMSI of its own.
    pub(crate) fn number(number: u8) -> Self {
        let iccid = format!("89001012345678{number:05}");
        let imsi = format!("0010100000{number:05}");
        let code = |text: &str| Secret::from(text.as_bytes());
        let builder = ProfileBuilder {
            iccid: iccid.clone(),
            imsi,
            mnc_length: 2,
            spn: "OpenRSP".into(),
            profile_type: "test".into(),
            msisdn: None,
            gid1: None,
            gid2: None,
            key: Secret::from(&(0..16).collect::<Vec<u8>>()[..]),
            opc: Secret::from(&[0xC5; 16][..]),
            codes: Codes {
                pin1: code("0000"),
                puk1: code("11111111"),
                pin2: code("0000"),
                puk2: code("22222222"),
                adm1: code("55555555"),
            },
            isim: false,
            pad_to: 0,
        };
        Self {
            metadata: metadata(iccid.parse().unwrap()),
            raw_metadata: None,
            configuration: vec![0xBF, 0x24, 0x00],
            elements: builder.build().unwrap().to_der().to_vec(),
            own_keys: false,
        }
    }

    /// The same with at least so many bytes of profile elements: files that are filled.
    pub(crate) fn padded(self, length: usize) -> Self {
        const FILE: usize = 20_000;
        let count = u8::try_from(length.div_ceil(FILE)).unwrap();
        let files = (0..count).flat_map(|number| {
            let size = u32::try_from(FILE).unwrap();
            [FileCommand::CreateFcp(ef(number, size)), FileCommand::FillFileContent(vec![number; FILE].into())]
        });
        self.with_files(files.collect())
    }

    /// With one file more of 10 kB, which is written over so often that the package has so many bytes at least.
    pub(crate) fn rewriting(self, length: usize) -> Self {
        const FILE: usize = 10_000;
        let write =
            || [FileCommand::FilePath(vec![0x40, 0].into()), FileCommand::FillFileContent(vec![1; FILE].into())];
        let create = FileCommand::CreateFcp(ef(0, u32::try_from(FILE).unwrap()));
        self.with_files([create].into_iter().chain((0..length.div_ceil(FILE)).flat_map(|_| write())).collect())
    }

    /// With twenty files more, each of so many bytes, which the package does not contain.
    pub(crate) fn with_large_files(self, size: u32) -> Self {
        self.with_files((0..20).map(|number| FileCommand::CreateFcp(ef(number, size))).collect())
    }

    fn with_files(mut self, commands: Vec<FileCommand>) -> Self {
        let package = ProfilePackage::from_der(&self.elements).unwrap();
        let files = GenericFileManagement {
            header: PeHeader::mandated(0x7000),
            commands: vec![commands],
            unknown: Default::default(),
        };
        let files = ProfileElement::new(Element::GenericFileManagement(files)).unwrap();
        let (end, elements) = package.elements().split_last().unwrap();
        let elements = elements.iter().chain([&files, end]);
        self.elements = elements.flat_map(|element| element.bytes().to_vec()).collect();
        self
    }

    /// The same with other metadata.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut StoreMetadataRequest)) -> Self {
        change(&mut self.metadata);
        self
    }

    pub(crate) fn class(self, class: ProfileClass) -> Self {
        self.with(|metadata| metadata.profile_class = class)
    }

    pub(crate) fn rules(self, rules: &[usize]) -> Self {
        self.with(|metadata| metadata.profile_policy_rules = Some(rsp_asn1::PprIds::from_bits(rules)))
    }

    pub(crate) fn notify(self, events: &[usize]) -> Self {
        self.with(|metadata| {
            let entry = |event: &usize| NotificationConfigurationInformation {
                profile_management_operation: NotificationEvent::from_bits(&[*event]),
                notification_address: format!("event{event}.example.com"),
                unknown: Unknown::default(),
            };
            metadata.notification_configuration_info = Some(events.iter().map(entry).collect());
        })
    }

    pub(crate) fn iccid(&self) -> Iccid {
        self.metadata.iccid
    }

    fn metadata_der(&self) -> Vec<u8> {
        self.raw_metadata.clone().unwrap_or_else(|| encode(&self.metadata).unwrap())
    }
}

/// A file below the MF, one number after another.
fn ef(number: u8, size: u32) -> Fcp {
    Fcp {
        file_descriptor: Some(vec![0x41, 0x21].into()),
        file_id: Some(vec![0x40, number].into()),
        security_attributes_referenced: Some(vec![1].into()),
        ef_file_size: Some(size.to_be_bytes().to_vec().into()),
        ..Fcp::default()
    }
}

fn metadata(iccid: Iccid) -> StoreMetadataRequest {
    StoreMetadataRequest {
        iccid,
        service_provider_name: "OpenRSP".into(),
        profile_name: "A profile".into(),
        icon_type: None,
        icon: None,
        profile_class: ProfileClass::OPERATIONAL,
        notification_configuration_info: None,
        profile_owner: Some(OperatorId {
            mcc_mnc: vec![0x00, 0xF1, 0x10].into(),
            gid1: None,
            gid2: None,
            unknown: Unknown::default(),
        }),
        profile_policy_rules: None,
        service_specific_data_stored_in_euicc: None,
        service_specific_data_not_stored_in_euicc: None,
        unknown: Unknown::default(),
    }
}

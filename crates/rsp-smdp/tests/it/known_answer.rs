//! A complete recorded session of another implementation, whose every input is known: our answers must be the recorded
//! bytes (published vectors `waigel-session`, certificates and keys of SGP.26).

use std::collections::VecDeque;
use std::sync::Arc;

use rsp_asn1::{
    AuthenticateClientResponseEs9, AuthenticateServerResponse, InitiateAuthenticationOkEs9, Octet16,
    PendingNotification, Raw, StoreMetadataRequest, Timestamp, TransactionId, decode, encode,
};
use rsp_auth::{Challenges, ServerAddress, Terms};
use rsp_crypto::{Curve, Randomness, Zeroizing, rust_crypto};
use rsp_es::es9plus::{
    AuthenticateClientRequest, GetBoundProfilePackageRequest, HandleNotificationRequest, InitiateAuthenticationRequest,
};
use rsp_es::server::{Caller, Es9Plus as _};
use rsp_es::status::StatusCode;
use rsp_pki::directory::PkiDirectory;
use rsp_smdp::{Clock, Settings, SharedRandomness, Smdp};
use rsp_store::{Datastore, Error, KeyEncryptionKey, NewProfile, NewProfileType, ProfileState};
use rsp_testkit::{SeededRandomness, standards, standards_dir};

use crate::server::credentials;

/// 2026-06-01, when the published certificates are valid.
const NOW: Timestamp = Timestamp(1_780_272_000);

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// Draws that are known beforehand.
struct Scripted(VecDeque<u8>);

impl Randomness for Scripted {
    fn fill(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            *byte = self.0.pop_front().expect("no more draws in the recorded session");
        }
    }
}

/// The transactionId and serverChallenge of the recorded session.
struct Recorded;

impl Challenges for Recorded {
    fn transaction_id(&self, _: &Terms<'_>, _: Timestamp, _: &mut dyn Randomness) -> TransactionId {
        TransactionId::new(&vector("transaction-id.bin")).unwrap()
    }

    fn begins_by(&self, _: &Terms<'_>, transaction_id: &TransactionId) -> Option<Timestamp> {
        (transaction_id.as_bytes() == vector("transaction-id.bin")).then_some(NOW)
    }

    fn server_challenge(&self, _: &Terms<'_>, _: &TransactionId, _: &str) -> Octet16 {
        Octet16(vector("server-challenge.bin").try_into().unwrap())
    }
}

fn vector(name: &str) -> Vec<u8> {
    standards(&format!("vectors/waigel-session/{name}")).unwrap()
}

/// An order whose "package" is whatever the recording bound.
async fn store_order(store: &Datastore, metadata: Vec<u8>, matching_id: Option<String>, eid: rsp_asn1::Eid) {
    let iccid = decode::<StoreMetadataRequest>(&metadata).unwrap().iccid;
    let package = vector("upp.der");
    let stored: Result<(), Error> = store
        .run_tx("fixture", move |tx| {
            tx.insert_profile_type(&NewProfileType {
                operator: None,
                iccids: None,
                name: "t".to_owned(),
                metadata: metadata.clone(),
                template: None,
                created_at: NOW,
            })?;
            tx.insert_profile(&NewProfile {
                operator: None,
                iccid,
                profile_type: "t".to_owned(),
                state: ProfileState::Released,
                metadata: metadata.clone(),
                package: Zeroizing::new(package.clone()),
                at: NOW,
                by: "test".to_owned(),
            })?;
            let profile = tx.profile(&iccid)?.ok_or(Error::Closed)?;
            let mut change = profile.change("test", NOW);
            change.matching_id = matching_id.clone();
            change.eid = Some(eid);
            if tx.change_profile(&change)? { Ok(()) } else { Err(Error::Closed) }
        })
        .await;
    stored.unwrap();
}

#[tokio::test]
async fn answers_a_recorded_session_byte_for_byte() {
    let Some(standards) = standards_dir() else {
        return drop(rsp_testkit::standards("vectors/waigel-session/upp.der"));
    };
    let pki = PkiDirectory::open(&standards.join("sgp26/v1-set"), Some(NOW)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let kek = KeyEncryptionKey::generate(&mut SeededRandomness::new("kek"));
    let sealing = Box::new(SeededRandomness::new("sealing"));
    let store = Arc::new(Datastore::create(&dir.path().join("test.db"), &kek, sealing).await.unwrap());

    let initiated: InitiateAuthenticationOkEs9 = decode(&vector("initiate-response.der")).unwrap();
    let address = initiated.server_signed1.value().server_address.clone();
    let smdp = Smdp::new(
        Arc::clone(&store),
        ServerAddress::parse(&address).unwrap(),
        credentials(&pki, &[Curve::P256], rust_crypto()),
        rust_crypto(),
        Arc::new(Standing),
        SharedRandomness::new(Box::new(Scripted(vector("otsk-dp.bin").into()))),
        Settings { host_id: b"euicc-rsp".to_vec(), ..Settings::default() },
    )
    .unwrap()
    .with_challenges(Box::new(Recorded));

    // The recorded eUICC has the certificates of SGP.26 version 3, whose CI has the key of version 1 under another name.
    // Its key is the same in both, and no answer covers its certificates.
    let AuthenticateServerResponse::Ok(mut ok) = decode(&vector("auth-server-response.der")).unwrap() else {
        panic!("the recording is an error")
    };
    ok.euicc_certificate = pki.euicc(Curve::P256).unwrap().certificate().raw().clone();
    ok.eum_certificate = pki.eum(Curve::P256).unwrap().certificate().raw().clone();
    let response = Raw::new(AuthenticateServerResponse::Ok(ok.clone())).unwrap();
    let rsp_asn1::CtxParams1::CommonAuthentication(context) = &ok.euicc_signed1.value().ctx_params1;
    let matching_id = context.matching_id.clone().filter(|id| !id.is_empty());
    let eid = rsp_pki::Certificate::from_raw(ok.euicc_certificate.clone()).eid().unwrap();
    let metadata = vector("store-metadata.der");
    store_order(&store, metadata.clone(), matching_id, eid).await;

    // The recorded EUICCInfo1 names no CI at all. It is refused; the answer to one that does is the recorded one.
    let mut request = InitiateAuthenticationRequest {
        euicc_challenge: Octet16(vector("euicc-challenge.bin").try_into().unwrap()),
        euicc_info1: Raw::from_der(&vector("euicc-info1.der")).unwrap(),
        smdp_address: address,
    };
    let refusal = smdp.initiate_authentication(&Caller::default(), request.clone()).await.unwrap_err();
    assert!(refusal.is(&StatusCode::SMDP_SECURITY_UNSUPPORTED));
    let mut info = request.euicc_info1.into_value();
    info.euicc_ci_pk_id_list_for_verification = vec![initiated.euicc_ci_pk_id_to_be_used.clone()];
    info.euicc_ci_pk_id_list_for_signing = vec![initiated.euicc_ci_pk_id_to_be_used.clone()];
    request.euicc_info1 = Raw::new(info).unwrap();
    let answer = smdp.initiate_authentication(&Caller::default(), request).await.unwrap();
    assert_eq!(answer.server_signed1.bytes(), initiated.server_signed1.bytes());
    assert_eq!(answer.server_signature1, initiated.server_signature1);
    assert_eq!(answer.euicc_ci_pk_id_to_be_used, initiated.euicc_ci_pk_id_to_be_used);
    assert_eq!(answer.server_certificate.bytes(), initiated.server_certificate.bytes());

    let transaction_id = answer.transaction_id;
    let request =
        AuthenticateClientRequest { transaction_id: transaction_id.clone(), authenticate_server_response: response };
    let answer = smdp.authenticate_client(&Caller::default(), request).await.unwrap();
    let recorded: AuthenticateClientResponseEs9 = decode(&vector("authenticate-response.der")).unwrap();
    let AuthenticateClientResponseEs9::Ok(recorded) = recorded else { panic!("the recording is an error") };
    assert_eq!(answer.profile_metadata.bytes(), recorded.profile_meta_data.bytes());
    assert_eq!(answer.smdp_signed2.bytes(), recorded.smdp_signed2.bytes());
    assert_eq!(answer.smdp_signature2, recorded.smdp_signature2);
    assert_eq!(encode(&answer.smdp_certificate).unwrap(), encode(&recorded.smdp_certificate).unwrap());

    let request = GetBoundProfilePackageRequest {
        transaction_id,
        prepare_download_response: Raw::from_der(&vector("prepare-download-response.der")).unwrap(),
    };
    let answer = smdp.get_bound_profile_package(&Caller::default(), request).await.unwrap();
    assert_eq!(answer.bound_profile_package, vector("bound-profile-package.der"));

    let pending_notification: Raw<PendingNotification> = Raw::from_der(&vector("pending-notification.der")).unwrap();
    smdp.handle_notification(&Caller::default(), HandleNotificationRequest { pending_notification }).await.unwrap();
    let iccid = decode::<StoreMetadataRequest>(&metadata).unwrap().iccid;
    let profile = store.profile(&iccid).await.unwrap().unwrap();
    assert_eq!(profile.state, ProfileState::Installed);
    assert_eq!(store.notifications(&iccid).await.unwrap().len(), 1);
}

//! Messages of one recorded session: every input of it is public, every signature in it verifies.

use rsp_asn1::{
    AuthenticateServerResponse, Octet16, PendingNotification, PrepareDownloadResponse, Raw, Signature5F37,
    SubjectKeyIdentifier, TransactionId, decode, tlv,
};
use rsp_es::es9plus::{
    AuthenticateClientRequest, AuthenticateClientResponse, GetBoundProfilePackageRequest,
    GetBoundProfilePackageResponse, HandleNotificationRequest, InitiateAuthenticationRequest,
    InitiateAuthenticationResponse,
};
use rsp_testkit::standards;

#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) initiate: (InitiateAuthenticationRequest, InitiateAuthenticationResponse),
    pub(crate) authenticate: (AuthenticateClientRequest, AuthenticateClientResponse),
    pub(crate) package: (GetBoundProfilePackageRequest, GetBoundProfilePackageResponse),
    pub(crate) notification: HandleNotificationRequest,
}

fn file(name: &str) -> Option<Vec<u8>> {
    standards(&format!("vectors/waigel-session/{name}"))
}

/// The children of a TLV, as they stand.
fn children(der: &[u8]) -> Vec<&[u8]> {
    let (outer, _) = tlv::first(der).unwrap();
    outer.children().map(|child| child.unwrap().raw()).collect()
}

/// The recorded session, if this machine has it.
pub(crate) fn session() -> Option<Session> {
    let transaction_id = TransactionId::new(&file("transaction-id.bin")?).unwrap();
    let challenge: [u8; 16] = file("euicc-challenge.bin")?.try_into().unwrap();
    let initiate = file("initiate-response.der")?;
    let parts = children(&initiate);
    let initiate_response = InitiateAuthenticationResponse {
        transaction_id: transaction_id.clone(),
        server_signed1: Raw::from_der(parts[1]).unwrap(),
        server_signature1: decode::<Signature5F37>(parts[2]).unwrap(),
        euicc_ci_pk_id_to_be_used: decode::<SubjectKeyIdentifier>(parts[3]).unwrap(),
        server_certificate: Raw::from_der(parts[4]).unwrap(),
    };
    let authenticate = file("authenticate-response.der")?;
    let parts = children(children(&authenticate)[0]);
    let authenticate_response = AuthenticateClientResponse {
        transaction_id: transaction_id.clone(),
        profile_metadata: Raw::from_der(parts[1]).unwrap(),
        smdp_signed2: Raw::from_der(parts[2]).unwrap(),
        smdp_signature2: decode(parts[3]).unwrap(),
        smdp_certificate: Raw::from_der(parts[4]).unwrap(),
    };
    Some(Session {
        initiate: (
            InitiateAuthenticationRequest {
                euicc_challenge: Octet16(challenge),
                euicc_info1: Raw::from_der(&file("euicc-info1.der")?).unwrap(),
                smdp_address: "smdp.example.com".to_owned(),
            },
            initiate_response,
        ),
        authenticate: (
            AuthenticateClientRequest {
                transaction_id: transaction_id.clone(),
                authenticate_server_response: Raw::<AuthenticateServerResponse>::from_der(&file(
                    "auth-server-response.der",
                )?)
                .unwrap(),
            },
            authenticate_response,
        ),
        package: (
            GetBoundProfilePackageRequest {
                transaction_id: transaction_id.clone(),
                prepare_download_response: Raw::<PrepareDownloadResponse>::from_der(&file(
                    "prepare-download-response.der",
                )?)
                .unwrap(),
            },
            GetBoundProfilePackageResponse {
                transaction_id,
                bound_profile_package: file("bound-profile-package.der")?,
            },
        ),
        notification: HandleNotificationRequest {
            pending_notification: Raw::<PendingNotification>::from_der(&file("pending-notification.der")?).unwrap(),
        },
    })
}

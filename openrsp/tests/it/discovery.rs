//! Discovery end to end: card, LPA and SM-DP+ are the program's; the SM-DSs are scripted, with real certificates, TLS and
//! signatures.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rsp_asn1::{
    AuthenticateServerResponse, CtxParams1, Octet16, Raw, ServerSigned1, Signature5F37, SubjectKeyIdentifier,
    Timestamp, TransactionId, Unknown, pkix,
};
use rsp_crypto::{Curve, Signer, rust_crypto};
use rsp_es::es9plus::{AuthenticateClientRequest, InitiateAuthenticationRequest, InitiateAuthenticationResponse};
use rsp_es::es11::{AuthenticateClientResponse, EventEntry};
use rsp_es::server::{Caller, Es11, es11_router};
use rsp_es::status::StatusCode;
use rsp_pki::Role;
use rsp_pki::directory::{Mint, PkiDirectory};
use rsp_testkit::SeededRandomness;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::bed::{Bed, Ended, HOST, openrsp};

const ROOT: &str = "root.smds.example.com";
const ALTERNATIVE: &str = "alternative.smds.example.com";

/// Signs as an SM-DS, believes everything, and answers by the MatchingID.
struct Smds {
    address: &'static str,
    certificate: Raw<pkix::Certificate>,
    signer: Arc<dyn Signer>,
    ci: SubjectKeyIdentifier,
    entries: HashMap<String, Vec<EventEntry>>,
}

#[async_trait]
impl Es11 for Smds {
    async fn initiate_authentication(
        &self,
        _: &Caller,
        request: InitiateAuthenticationRequest,
    ) -> Result<InitiateAuthenticationResponse, StatusCode> {
        if request.smdp_address != self.address {
            return Err(StatusCode::SMDS_ADDRESS_REFUSED);
        }
        let transaction_id = TransactionId::from([0x5D; 16]);
        let server_signed1 = Raw::new(ServerSigned1 {
            transaction_id: transaction_id.clone(),
            euicc_challenge: request.euicc_challenge,
            server_address: self.address.to_owned(),
            server_challenge: Octet16([9; 16]),
            unknown: Unknown::default(),
        })
        .unwrap();
        let signature = self.signer.sign(server_signed1.bytes()).unwrap();
        Ok(InitiateAuthenticationResponse {
            transaction_id,
            server_signed1,
            server_signature1: Signature5F37(signature.as_bytes().to_vec().into()),
            euicc_ci_pk_id_to_be_used: self.ci.clone(),
            server_certificate: self.certificate.clone(),
        })
    }

    async fn authenticate_client(
        &self,
        _: &Caller,
        request: AuthenticateClientRequest,
    ) -> Result<AuthenticateClientResponse, StatusCode> {
        let AuthenticateServerResponse::Ok(ok) = request.authenticate_server_response.value() else {
            return Err(StatusCode::EUICC_VERIFICATION_FAILED);
        };
        let CtxParams1::CommonAuthentication(context) = &ok.euicc_signed1.value().ctx_params1;
        let event_entries = match self.entries.get(context.matching_id.as_deref().unwrap_or_default()) {
            Some(entries) => entries.clone(),
            None => return Err(StatusCode::EVENT_RECORD_UNKNOWN),
        };
        Ok(AuthenticateClientResponse { transaction_id: request.transaction_id, event_entries })
    }
}

fn entry(event_id: &str, address: &str) -> EventEntry {
    EventEntry { event_id: event_id.to_owned(), rsp_server_address: address.to_owned() }
}

/// Serves an SM-DS with certificates of the bed's PKI until the test ends.
async fn serve(
    bed: &Bed,
    curve: Curve,
    address: &'static str,
    entries: HashMap<String, Vec<EventEntry>>,
) -> SocketAddr {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let now = Timestamp(i64::try_from(now).unwrap());
    let pki = PkiDirectory::open(Path::new(bed.pki()), Some(now)).unwrap();
    let auth = pki.require(curve, Role::DsAuth).unwrap();
    let smds = Smds {
        address,
        certificate: auth.certificate().raw().clone(),
        signer: rust_crypto().signer(auth.require_key().unwrap()).unwrap(),
        ci: SubjectKeyIdentifier(auth.certificate().authority_key_identifier().unwrap().to_vec().into()),
        entries,
    };
    let mut randomness = SeededRandomness::new(address);
    let mint = Mint { now, randomness: &mut randomness };
    let tls = pki.mint_tls(Role::DsTls, &address.parse().unwrap(), mint).unwrap();
    let chain = vec![CertificateDer::from(tls.certificate.der().to_vec())];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(tls.key.to_pkcs8_der().unwrap().to_vec()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bound = listener.local_addr().unwrap();
    let router = es11_router(Arc::new(smds));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(router.clone()));
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    let connection = hyper::server::conn::http1::Builder::new();
                    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                }
            });
        }
    });
    bound
}

/// A bed with an order, and the order's MatchingID.
fn ordered() -> (Bed, String, String) {
    let bed = Bed::new();
    let kept = bed.path("demo");
    openrsp(["demo", "--keep", &kept]).ok();
    let package = format!("{kept}/profile.der");
    let notify = format!("install={HOST}");
    bed.smdp(&["import", &package, "--type", "t", "--spn", "Spn", "--profile-name", "Name", "--notify", &notify]).ok();
    let order = bed.smdp(&["order", "--type", "t"]).ok();
    let text = |member: &str| order[member].as_str().unwrap().to_owned();
    let matching_id = text("activation_code").split('$').nth(2).unwrap().to_owned();
    (bed, text("iccid"), matching_id)
}

/// Root, alternative, SM-DP+; found first, and downloaded then.
fn discovers(curve: Curve, name: &str, more: &[&str]) {
    let (bed, iccid, matching_id) = ordered();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (root, alternative) = runtime.block_on(async {
        let cascaded = [("".to_owned(), vec![entry("CASCADED-1", ALTERNATIVE)])].into();
        let direct = [("CASCADED-1".to_owned(), vec![entry(&matching_id, HOST)])].into();
        (serve(&bed, curve, ROOT, cascaded).await, serve(&bed, curve, ALTERNATIVE, direct).await)
    });
    let smdp = bed.serve();
    let card = format!("file:{}", bed.card("card.euicc", name, &["--root-smds", ROOT]));
    let resolves = [format!("--resolve={ROOT}={root}"), format!("--resolve={ALTERNATIVE}={alternative}")];
    let lpa = |arguments: &[&str]| -> Ended {
        bed.lpa(&card, smdp.address, &[&[&*resolves[0], &*resolves[1], "discover"], more, arguments].concat())
    };

    let found = lpa(&[]).ok();
    assert_eq!((&found["result"], &found["smds_address"]), (&"ok".into(), &ROOT.into()), "{found}");
    let event = &found["events"][0];
    assert_eq!(event["event_id"], *matching_id);
    assert_eq!((&event["smdp_address"], &event["smds_address"]), (&HOST.into(), &ALTERNATIVE.into()));
    assert!(event["installed"].is_null() && event["failure"].is_null());
    assert_eq!(found["unresolved"].as_array().unwrap().len(), 0);
    assert_eq!(bed.smdp(&["show", &iccid]).ok()["state"], "Released", "looking changes nothing");

    let installed = lpa(&["--smds", ROOT, "--download", "--yes"]).ok();
    assert_eq!(installed["events"][0]["installed"]["iccid"], *iccid, "{installed}");
    assert_eq!(installed["notifications"]["sent"].as_array().unwrap().len(), 2, "{installed}");
    assert_eq!(bed.smdp(&["show", &iccid]).ok()["state"], "Installed");

    let again = lpa(&["--download", "--yes"]);
    assert_eq!(again.code, 4, "the event is still there, and the order is not: {:?}", again.lines);
    let failed = &again.lines.last().unwrap()["events"][0];
    assert_eq!(failed["failure"]["step"], "AuthenticateClient");
}

#[test]
fn discovers_and_downloads_p256() {
    discovers(Curve::P256, "p256", &[]);
}

#[test]
fn discovers_and_downloads_brainpool() {
    discovers(Curve::BrainpoolP256r1, "brainpool", &[]);
}

#[test]
fn discovers_and_downloads_in_asn1() {
    discovers(Curve::P256, "p256", &["--asn1"]);
}

#[test]
fn says_what_is_missing() {
    let bed = Bed::new();
    let card = format!("file:{}", bed.card("card.euicc", "p256", &[]));
    let lpa = |arguments: &[&str]| bed.lpa(&card, "127.0.0.1:9".parse().unwrap(), &[&["discover"], arguments].concat());
    assert_eq!(lpa(&["--yes"]).code, 2, "an answer without a question");
    assert_eq!(lpa(&["--download"]).code, 2, "nobody to ask");
    assert_eq!(lpa(&["--smds", "https://smds.example.com"]).code, 3);
    let nowhere = lpa(&["--smds", "no-such-host.invalid"]);
    assert_eq!(nowhere.code, 6, "{:?}", nowhere.lines);
}

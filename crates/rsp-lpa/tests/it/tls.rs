//! TLS against the CI: real handshakes, each refused one differing in one property from the accepted one.

use std::sync::Arc;

use rsp_asn1::Timestamp;
use rsp_crypto::Curve;
use rsp_es::client::{
    ClientIdentity, HttpRequest, HttpTransport, NetworkTransport, Origin, Resolve, Scheme, TransportError,
    tls_config_as,
};
use rsp_lpa::tls::{CiVerifier, Pin};
use rsp_pki::issue::Minted;
use rsp_pki::{Role, TrustStore};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme, SupportedProtocolVersion,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::block_on;
use crate::pki::Pki;

/// Presents this certificate, whatever is wrong with it.
#[derive(Debug)]
struct Presents(Arc<CertifiedKey>);

impl ResolvesServerCert for Presents {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// The tests of TLS run by the machine's clock, for that is what TLS goes by.
fn now() -> Timestamp {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(now.as_secs()).unwrap())
}

fn acceptor(minted: &Minted, version: &'static SupportedProtocolVersion) -> TlsAcceptor {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(minted.key.to_pkcs8_der().unwrap().to_vec()));
    let key = provider.key_provider.load_private_key(key).unwrap();
    let chain = vec![CertificateDer::from(minted.certificate.der().to_vec())];
    let presents = Presents(Arc::new(CertifiedKey::new(chain, key)));
    let config = ServerConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&[version]).unwrap();
    TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_cert_resolver(Arc::new(presents))))
}

/// One POST to `host` at a server that presents `minted`, by the rules for an SM-DP+.
fn post(
    minted: &Minted,
    host: &str,
    anchors: TrustStore,
    version: &'static SupportedProtocolVersion,
) -> (Result<u16, TransportError>, Arc<CiVerifier>, Option<String>) {
    post_trusting(CiVerifier::new(anchors, Vec::new(), rsp_crypto::aws_lc()), minted, host, version)
}

fn post_trusting(
    verifier: Arc<CiVerifier>,
    minted: &Minted,
    host: &str,
    version: &'static SupportedProtocolVersion,
) -> (Result<u16, TransportError>, Arc<CiVerifier>, Option<String>) {
    let (outcome, negotiated) = block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = acceptor(minted, version);
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            }
        });
        let resolve = vec![Resolve::new(host, None, address)];
        let transport = NetworkTransport::new(verifier.tls_config().unwrap()).with_resolve(resolve);
        let origin = Origin::new(Scheme::Https, host).unwrap();
        let request = HttpRequest::from_lpa(&origin, "/", Vec::new());
        let outcome = transport.post(request).await.map(|response| response.status);
        (outcome, transport.negotiated().map(|negotiated| negotiated.version))
    });
    (outcome, verifier, negotiated)
}

fn mint(role: Role, host: &str, now: Timestamp) -> Minted {
    let pki = Pki::get();
    pki.mint(Curve::P256, role, &pki.smdp_oid(), host, now)
}

fn reason(outcome: Result<u16, TransportError>) -> String {
    match outcome {
        Err(TransportError::Certificate { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn trusts_a_server_of_the_ci_and_says_which() {
    let minted = mint(Role::DpTls, "smdp.example.com", now());
    for (version, name) in [(&rustls::version::TLS13, "TLSv1_3"), (&rustls::version::TLS12, "TLSv1_2")] {
        let (outcome, verifier, negotiated) = post(&minted, "SMDP.example.com", Pki::get().anchors(), version);
        assert_eq!(outcome.unwrap(), 204);
        assert_eq!(negotiated.as_deref(), Some(name));
        let trusted = verifier.trusted().unwrap();
        let ci = Pki::get().entity(Curve::P256, Role::Ci).certificate();
        assert_eq!(trusted.ci, ci.subject());
        assert_eq!(trusted.ci_key_id, hex::encode_upper(ci.subject_key_identifier().unwrap()));
        assert_eq!(trusted.server, minted.certificate.subject());
    }
}

#[test]
fn trusts_an_ip_address_that_the_certificate_names() {
    let minted = mint(Role::DpTls, "127.0.0.1", now());
    assert_eq!(post(&minted, "127.0.0.1", Pki::get().anchors(), &rustls::version::TLS13).0.unwrap(), 204);
    let (outcome, _, _) = post(&minted, "127.0.0.2", Pki::get().anchors(), &rustls::version::TLS13);
    assert!(reason(outcome).contains("127.0.0.2 was called"));
}

#[test]
fn refuses_each_certificate_with_its_reason() {
    let host = "smdp.example.com";
    let year = 366 * 86_400;
    let only_brainpool = || {
        let ci = Pki::get().entity(Curve::BrainpoolP256r1, Role::Ci).certificate().clone();
        TrustStore::new(vec![ci])
    };
    let anchors = || Pki::get().anchors();
    let cases = [
        (mint(Role::DpTls, "other.example.com", now()), anchors(), "it is for other.example.com"),
        (mint(Role::DpTls, "example.com", now()), anchors(), "it is for example.com"),
        (mint(Role::DpTls, host, now().plus_seconds(-20 * year)), anchors(), "expired"),
        (mint(Role::DpTls, host, now().plus_seconds(year)), anchors(), "not valid before"),
        (mint(Role::DpAuth, host, now()), anchors(), "DPtls certificate"),
        (mint(Role::DpPb, host, now()), anchors(), "DPtls certificate"),
        (mint(Role::DpTls, host, now()), only_brainpool(), "not trusted here"),
        (mint(Role::DpTls, host, now()), TrustStore::default(), "not trusted here"),
    ];
    for (minted, anchors, expected) in cases {
        let (outcome, verifier, _) = post(&minted, host, anchors, &rustls::version::TLS13);
        let reason = reason(outcome);
        assert!(reason.contains(expected), "{reason} does not say {expected}");
        assert_eq!(verifier.trusted(), None);
    }
}

#[test]
fn the_caller_says_which_kind_of_server_is_trusted() {
    let host = "server.example.com";
    for role in [Role::DpTls, Role::DsTls] {
        let minted = mint(role, host, now());
        for expected in [Role::DpTls, Role::DsTls] {
            let verifier = CiVerifier::for_role(expected, Pki::get().anchors(), Vec::new(), rsp_crypto::aws_lc());
            let (outcome, verifier, _) = post_trusting(verifier, &minted, host, &rustls::version::TLS13);
            assert_eq!(verifier.trusted().is_some(), role == expected);
            match role == expected {
                true => assert_eq!(outcome.unwrap(), 204),
                false => assert!(reason(outcome).contains("certificate"), "{role:?} as {expected:?}"),
            }
        }
    }
    // The verifier of ES9+, as it is made for every download.
    let (outcome, _, _) = post(&mint(Role::DsTls, host, now()), host, Pki::get().anchors(), &rustls::version::TLS13);
    assert!(reason(outcome).contains("DPtls certificate"));
}

#[test]
fn a_pinned_key_must_be_the_servers_besides_the_word_of_the_ci() {
    let host = "smdp.example.com";
    let (known, other) = (mint(Role::DpTls, host, now()), mint(Role::DpTls, "other.example.com", now()));
    assert_ne!(Pin::of(&known.certificate), Pin::of(&other.certificate));
    let verdict = |anchors, pins| {
        let verifier = CiVerifier::pinned(Role::DpTls, anchors, Vec::new(), rsp_crypto::aws_lc(), pins);
        post_trusting(verifier, &known, host, &rustls::version::TLS13).0
    };
    let (right, wrong) = (Pin::of(&known.certificate), Pin::of(&other.certificate));
    assert_eq!(verdict(Pki::get().anchors(), vec![wrong, right]).unwrap(), 204);
    let refused = reason(verdict(Pki::get().anchors(), vec![wrong]));
    assert!(refused.contains(&format!("its key is not the pinned one, but {right}")), "{refused}");
    assert!(reason(verdict(TrustStore::default(), vec![right])).contains("not trusted here"));
    assert_eq!(right.to_string().to_uppercase().parse(), Ok(right));
    for bad in ["", "00", &"g".repeat(64), &"0".repeat(66)] {
        assert!(bad.parse::<Pin>().is_err(), "{bad}");
    }
}

#[test]
fn refuses_a_server_that_has_the_certificate_but_not_its_key() {
    let mut minted = mint(Role::DpTls, "smdp.example.com", now());
    minted.key = mint(Role::DpTls, "other.example.com", now()).key;
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let (outcome, _, _) = post(&minted, "smdp.example.com", Pki::get().anchors(), version);
        let error = outcome.unwrap_err();
        assert!(matches!(&error, TransportError::Certificate { reason, .. } if reason.contains("ignature")), "{error}");
    }
}

/// A server that asks for a certificate sees the one of the client's identity; without one there is no connection.
#[test]
fn a_client_shows_its_certificate() {
    let server = mint(Role::DsTls, "smds.example.com", now());
    let client = mint(Role::DpTls, "smdp.example.com", now());
    let identity = |key: &Minted| ClientIdentity {
        chain: vec![CertificateDer::from(client.certificate.der().to_vec())],
        key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.key.to_pkcs8_der().unwrap().to_vec())),
    };
    let verifier = || CiVerifier::for_role(Role::DsTls, Pki::get().anchors(), Vec::new(), rsp_crypto::aws_lc());
    let call = |tls: Arc<ClientConfig>| {
        block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let resolve = vec![Resolve::new("smds.example.com", None, listener.local_addr().unwrap())];
            let acceptor = mutual_acceptor(&server);
            let seen = tokio::spawn(async move {
                let (stream, _) = listener.accept().await.unwrap();
                let mut stream = acceptor.accept(stream).await.ok()?;
                let seen = stream.get_ref().1.peer_certificates().map(|chain| chain[0].to_vec());
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                seen
            });
            let transport = NetworkTransport::new(tls).with_resolve(resolve);
            let origin = Origin::new(Scheme::Https, "smds.example.com").unwrap();
            let outcome = transport.post(HttpRequest::from_lpa(&origin, "/", Vec::new())).await;
            (outcome.map(|response| response.status), seen.await.unwrap())
        })
    };
    let (outcome, seen) = call(tls_config_as(identity(&client), verifier()).unwrap());
    assert_eq!(outcome.unwrap(), 204);
    assert_eq!(seen.as_deref(), Some(client.certificate.der()));
    let (outcome, seen) = call(verifier().tls_config().unwrap());
    assert!(outcome.is_err() && seen.is_none(), "{outcome:?}");
    assert!(tls_config_as(identity(&server), verifier()).is_err(), "the key of another certificate");
}

/// Asks for a client certificate of the CI, by the same rules in the other direction.
fn mutual_acceptor(minted: &Minted) -> TlsAcceptor {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(minted.key.to_pkcs8_der().unwrap().to_vec()));
    let chain = vec![CertificateDer::from(minted.certificate.der().to_vec())];
    let config = ServerConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions().unwrap();
    let config = config.with_client_cert_verifier(Arc::new(AnyClient)).with_single_cert(chain, key).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Demands a certificate and takes every one: which it is, the test looks at.
#[derive(Debug)]
struct AnyClient;

impl ClientCertVerifier for AnyClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

//! ES10b.PrepareDownload (SGP.22 5.7.5): each refusal with its code.

use rsp_asn1::{
    AuthenticateResponseOk, DownloadErrorCode, PrepareDownloadRequest, PrepareDownloadResponse, Signature5F37, encode,
};
use rsp_crypto::{Curve, Signature, rust_crypto};
use rsp_pki::issue::Minted;
use rsp_pki::{Certificate, Role};

use crate::server::{Server, World, signature};
use crate::terminal::Terminal;

struct Setup {
    world: World,
    server: Server,
    terminal: Terminal,
}

fn setup() -> Setup {
    let (world, server, terminal) = crate::load::setup();
    Setup { world, server, terminal }
}

impl Setup {
    fn refusal(
        &mut self,
        change: impl FnOnce(&mut World, &Server, &AuthenticateResponseOk, &mut PrepareDownloadRequest),
    ) -> DownloadErrorCode {
        let authenticated = self.terminal.authenticate(&mut self.server);
        let good = self.server.prepare(&authenticated, None);
        let mut request = good.clone();
        change(&mut self.world, &self.server, &authenticated, &mut request);
        let code = match self.terminal.call(&request) {
            PrepareDownloadResponse::Ok(_) => panic!("accepted"),
            PrepareDownloadResponse::Error(error) => error.download_error_code,
        };
        assert!(matches!(self.terminal.call(&good), PrepareDownloadResponse::Ok(_)), "the unaltered request");
        code
    }

    fn certificate_refusal(&mut self, change: impl FnOnce(&mut World) -> Minted) -> DownloadErrorCode {
        self.refusal(|world, _, euicc, request| {
            let minted = change(world);
            request.smdp_certificate = minted.certificate.raw().clone();
            let signer = rust_crypto().signer(&minted.key).unwrap();
            let message = [request.smdp_signed2.bytes(), &encode(&euicc.euicc_signature1).unwrap()].concat();
            request.smdp_signature2 = signature(&*signer, &message);
        })
    }
}

#[test]
fn gives_a_fresh_key_and_signs_it() {
    let Setup { mut server, mut terminal, .. } = setup();
    let authenticated = terminal.authenticate(&mut server);
    let request = server.prepare(&authenticated, None);
    let PrepareDownloadResponse::Ok(ok) = terminal.call(&request) else { panic!("refused") };
    let signed = ok.euicc_signed2.value();
    assert_eq!(signed.euicc_otpk.0.len(), 65);
    assert_eq!(signed.hash_cc, None);
    let euicc = Certificate::from_raw(authenticated.euicc_certificate.clone());
    let message = [ok.euicc_signed2.bytes(), &encode(&request.smdp_signature2).unwrap()].concat();
    let signature = Signature::from_slice(&ok.euicc_signature2.0).unwrap();
    rust_crypto().verify(euicc.public_key().unwrap(), &message, &signature).unwrap();
    let again = terminal.prepare(&mut server, None);
    assert_ne!(again.euicc_signed2.value().euicc_otpk, signed.euicc_otpk);
}

#[test]
fn invalid_certificate_when_the_oid_is_another() {
    let code = setup().certificate_refusal(|world| world.server_certificate(Role::DpPb, &[2, 999, 11], |_| ()));
    assert_eq!(code, DownloadErrorCode::INVALID_CERTIFICATE);
}

/// An SM-DS authenticates itself in the same way, and may share its OID with an SM-DP+; profiles it has none.
#[test]
fn invalid_certificate_when_an_sm_ds_authenticated_itself() {
    let Setup { mut world, mut server, mut terminal } = setup();
    let smds = world.server_certificate(Role::DsAuth, &[2, 999, 10], |_| ());
    let smdp = (std::mem::replace(&mut server.auth, smds), server.auth_signer.clone());
    server.auth_signer = rust_crypto().signer(&server.auth.key).unwrap();
    let authenticated = terminal.authenticate(&mut server);
    let PrepareDownloadResponse::Error(error) = terminal.call(&server.prepare(&authenticated, None)) else {
        panic!("accepted")
    };
    assert_eq!(error.download_error_code, DownloadErrorCode::INVALID_CERTIFICATE);

    // The very same binding certificate is accepted in the session of the SM-DP+.
    (server.auth, server.auth_signer) = smdp;
    terminal.prepare(&mut server, None);
}

#[test]
fn invalid_certificate_when_it_is_of_another_role() {
    let code = setup().certificate_refusal(|world| world.server_certificate(Role::DpAuth, &[2, 999, 10], |_| ()));
    assert_eq!(code, DownloadErrorCode::INVALID_CERTIFICATE);
}

#[test]
fn invalid_certificate_when_it_is_of_another_ci() {
    let foreign =
        |_: &mut World| World::new(Curve::P256, "another world").server_certificate(Role::DpPb, &[2, 999, 10], |_| ());
    assert_eq!(setup().certificate_refusal(foreign), DownloadErrorCode::INVALID_CERTIFICATE);
}

#[test]
fn invalid_certificate_when_it_is_of_another_known_ci() {
    let (mut one, mut other) = (World::p256(), World::new(Curve::P256, "another world"));
    let credentials = vec![one.credential(World::eid(1)), other.credential(World::eid(1))];
    let state = rsp_euicc::Manufacture::new(credentials).build(rust_crypto()).unwrap();
    let (mut terminal, mut server) = (Terminal::new(state), one.server());
    let authenticated = terminal.authenticate(&mut server);
    let foreign = other.server();
    let request = foreign.prepare(&authenticated, None);
    let PrepareDownloadResponse::Error(error) = terminal.call(&request) else { panic!("accepted") };
    assert_eq!(error.download_error_code, DownloadErrorCode::INVALID_CERTIFICATE);
}

#[test]
fn unsupported_curve_when_the_key_is_not_on_the_cis() {
    let code = setup().certificate_refusal(|world| {
        let mut other = World::new(Curve::BrainpoolP256r1, "brainpool");
        let mut foreign_key = None;
        let foreign =
            other.server_certificate(Role::DpPb, &[2, 999, 10], |template| foreign_key = Some(template.key.clone()));
        let minted = world.server_certificate(Role::DpPb, &[2, 999, 10], |template| {
            template.key = foreign_key.clone().unwrap();
        });
        Minted { certificate: minted.certificate, key: foreign.key }
    });
    assert_eq!(code, DownloadErrorCode::UNSUPPORTED_CURVE);
}

#[test]
fn invalid_signature_when_it_does_not_cover_this_session() {
    let code = setup().refusal(|_, server, _, request| {
        request.smdp_signature2 = signature(&*server.binding_signer, request.smdp_signed2.bytes());
    });
    assert_eq!(code, DownloadErrorCode::INVALID_SIGNATURE);
    let code = setup().refusal(|_, _, _, request| request.smdp_signature2 = Signature5F37(vec![1; 64].into()));
    assert_eq!(code, DownloadErrorCode::INVALID_SIGNATURE);
}

#[test]
fn invalid_transaction_id_when_it_is_another_sessions() {
    let code = setup().refusal(|_, server, euicc, request| {
        *request = server.prepare_with(euicc, [1; 16].into(), None, false);
    });
    assert_eq!(code, DownloadErrorCode::INVALID_TRANSACTION_ID);
}

#[test]
fn no_session_context_without_authentication() {
    let Setup { mut server, mut terminal, .. } = setup();
    let authenticated = terminal.authenticate(&mut server);
    let request = server.prepare(&authenticated, None);
    let error = |terminal: &mut Terminal| match terminal.call(&request) {
        PrepareDownloadResponse::Ok(_) => panic!("accepted"),
        PrepareDownloadResponse::Error(error) => error.download_error_code,
    };
    terminal.challenge();
    assert_eq!(error(&mut terminal), DownloadErrorCode::NO_SESSION_CONTEXT, "only challenged");
    terminal.power_cycle();
    assert_eq!(error(&mut terminal), DownloadErrorCode::NO_SESSION_CONTEXT, "after a loss of power");
}

#[test]
fn a_confirmation_code_that_is_required_must_be_there() {
    let Setup { mut server, mut terminal, .. } = setup();
    let authenticated = terminal.authenticate(&mut server);
    let transaction = authenticated.euicc_signed1.value().transaction_id.clone();
    let with_code = server.prepare_with(&authenticated, transaction, None, true);
    let mut without_code = with_code.clone();
    without_code.hash_cc = None;
    let PrepareDownloadResponse::Error(error) = terminal.call(&without_code) else { panic!("accepted") };
    assert_eq!(error.download_error_code, DownloadErrorCode::UNDEFINED_ERROR);
    let PrepareDownloadResponse::Ok(ok) = terminal.call(&with_code) else { panic!("refused") };
    assert_eq!(ok.euicc_signed2.value().hash_cc, with_code.hash_cc);
}

#[test]
fn offers_the_same_key_for_a_package_that_is_bound_already() {
    let Setup { mut server, mut terminal, mut world } = setup();
    let first = terminal.prepare(&mut server, None).euicc_signed2.value().euicc_otpk.0.clone();
    let again = terminal.prepare(&mut server, Some(&first)).euicc_signed2.value().euicc_otpk.0.clone();
    assert_eq!(again, first, "a new session of the same SM-DP+");
    terminal.power_cycle();
    let kept = terminal.prepare(&mut server, Some(&first)).euicc_signed2.value().euicc_otpk.0.clone();
    assert_eq!(kept, first, "after a loss of power");
    let unknown = terminal.prepare(&mut server, Some(&[4; 65])).euicc_signed2.value().euicc_otpk.0.clone();
    assert_ne!(unknown, first);

    // Another SM-DP+ under the same CI cannot have it.
    let auth = world.server_certificate(Role::DpAuth, &[2, 999, 20], |_| ());
    let binding = world.server_certificate(Role::DpPb, &[2, 999, 20], |_| ());
    server.auth_signer = rust_crypto().signer(&auth.key).unwrap();
    server.binding_signer = rust_crypto().signer(&binding.key).unwrap();
    (server.auth, server.binding) = (auth, binding);
    let foreign = terminal.prepare(&mut server, Some(&first)).euicc_signed2.value().euicc_otpk.0.clone();
    assert_ne!(foreign, first);
}

//! ES10b.AuthenticateServer (SGP.22 5.7.13): each refusal with its code, each server differing in one thing from one that
//! is accepted.

use rsp_asn1::{
    AuthenticateErrorCode, AuthenticateServerRequest, AuthenticateServerResponse, CtxParams1, Raw, ServerSigned1,
    Signature5F37, SubjectKeyIdentifier,
};
use rsp_crypto::{Curve, Signature, rust_crypto};
use rsp_pki::issue::{Subject, Template, extension};
use rsp_pki::{Certificate, Role, TrustStore, Validation, validate_euicc};

use crate::server::{ADDRESS, Server, World, device, signature};
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
    /// The code with which a request is refused that `change` has altered; unaltered it is accepted afterwards.
    fn refusal(
        &mut self,
        change: impl FnOnce(&mut World, &mut Server, &mut AuthenticateServerRequest),
    ) -> AuthenticateErrorCode {
        let challenge = self.terminal.challenge();
        let transaction = self.server.transaction();
        let good = self.server.authenticate(challenge, &transaction);
        let mut request = good.clone();
        change(&mut self.world, &mut self.server, &mut request);
        let code = match self.terminal.call(&request) {
            AuthenticateServerResponse::Ok(_) => panic!("accepted"),
            AuthenticateServerResponse::Error(error) => {
                assert_eq!(error.transaction_id, request.server_signed1.value().transaction_id);
                error.authenticate_error_code
            }
        };
        assert!(matches!(self.terminal.call(&good), AuthenticateServerResponse::Ok(_)), "the unaltered request");
        code
    }

    /// The same for a certificate that `change` has altered.
    fn certificate_refusal(
        &mut self,
        change: impl FnOnce(&mut World) -> rsp_pki::issue::Minted,
    ) -> AuthenticateErrorCode {
        self.refusal(|world, _, request| {
            let minted = change(world);
            request.server_certificate = minted.certificate.raw().clone();
            let signer = rust_crypto().signer(&minted.key).unwrap();
            request.server_signature1 = signature(&*signer, request.server_signed1.bytes());
        })
    }
}

#[test]
fn authenticates_itself_to_a_valid_server_on_both_curves() {
    for curve in [Curve::P256, Curve::BrainpoolP256r1] {
        let mut world = World::new(curve, "both curves");
        let mut server = world.server();
        let mut terminal = Terminal::new(world.euicc(1));
        let ok = terminal.authenticate(&mut server);
        let signed = ok.euicc_signed1.value();
        assert_eq!(signed.server_address, ADDRESS);
        assert_eq!(signed.ctx_params1, device());
        let certificate = |raw: &Raw<rsp_asn1::pkix::Certificate>| Certificate::from_raw(raw.clone());
        let identity = validate_euicc(
            &Validation { provider: rust_crypto(), now: None, crls: &[], crl_max_age: None },
            &certificate(&ok.euicc_certificate),
            &certificate(&ok.eum_certificate),
            &TrustStore::new(vec![world.ci.certificate.clone()]),
        )
        .unwrap();
        assert_eq!(identity.eid(), World::eid(1));
        let signature = Signature::from_slice(&ok.euicc_signature1.0).unwrap();
        rust_crypto().verify(identity.public_key(), ok.euicc_signed1.bytes(), &signature).unwrap();
    }
}

#[test]
fn accepts_an_sm_ds() {
    let mut setup = setup();
    let minted = setup.world.server_certificate(Role::DsAuth, &[2, 999, 15], |_| ());
    setup.server.auth_signer = rust_crypto().signer(&minted.key).unwrap();
    setup.server.auth = minted;
    setup.terminal.authenticate(&mut setup.server);
}

#[test]
fn ci_pk_unknown_when_it_cannot_sign_under_the_requested_ci() {
    let code = setup().refusal(|_, _, request| {
        request.euicc_ci_pk_id_to_be_used = SubjectKeyIdentifier(vec![7; 20].into());
    });
    assert_eq!(code, AuthenticateErrorCode::CI_PK_UNKNOWN);
}

#[test]
fn ci_pk_unknown_when_the_certificate_is_of_another_ci() {
    let code = setup().certificate_refusal(|_| {
        World::new(Curve::P256, "another world").server_certificate(Role::DpAuth, &[2, 999, 10], |_| ())
    });
    assert_eq!(code, AuthenticateErrorCode::CI_PK_UNKNOWN);
}

#[test]
fn invalid_certificate_when_its_signature_is_wrong() {
    let code = setup().refusal(|_, server, request| {
        let mut der = server.auth.certificate.der().to_vec();
        *der.last_mut().unwrap() ^= 1;
        request.server_certificate = Raw::from_der(&der).unwrap();
    });
    assert_eq!(code, AuthenticateErrorCode::INVALID_CERTIFICATE);
}

#[test]
fn invalid_certificate_when_a_property_is_wrong() {
    let auth = |change: fn(&mut Template)| {
        setup().certificate_refusal(|world| world.server_certificate(Role::DpAuth, &[2, 999, 10], change))
    };
    type Change = fn(&mut Template);
    let cases: [(&str, Change); 6] = [
        ("no registered ID", |t| {
            t.set(extension::alt_names(None, &[]));
        }),
        ("a CA", |t| {
            t.set(extension::basic_constraints(true, None));
        }),
        ("another issuer's name", |t| t.issuer = Subject::new().common_name("nobody").encode()),
        ("X.509 version 1", |t| t.version = 0),
        ("key usage of a CA", |t| {
            t.set(extension::key_usage(&[extension::KeyUse::KeyCertSign]));
        }),
        ("no authority key identifier", |t| {
            t.remove(&[2, 5, 29, 35]);
        }),
    ];
    for (name, change) in cases {
        assert_eq!(auth(change), AuthenticateErrorCode::INVALID_CERTIFICATE, "{name}");
    }
}

#[test]
fn does_not_look_at_dates() {
    let mut setup = setup();
    let minted = setup.world.server_certificate(Role::DpAuth, &[2, 999, 10], |template| {
        template.validity.not_after = rsp_asn1::Timestamp(template.validity.not_before.0 + 1);
    });
    setup.server.auth_signer = rust_crypto().signer(&minted.key).unwrap();
    setup.server.auth = minted;
    setup.terminal.authenticate(&mut setup.server);
}

#[test]
fn invalid_oid_when_the_certificate_is_of_another_role() {
    for role in [Role::DpPb, Role::DpTls, Role::Eum, Role::Euicc] {
        let code = setup().certificate_refusal(|world| world.server_certificate(role, &[2, 999, 10], |_| ()));
        assert_eq!(code, AuthenticateErrorCode::INVALID_OID, "{role}");
    }
}

#[test]
fn unsupported_curve_when_the_key_is_not_on_the_cis() {
    let code = setup().certificate_refusal(|world| {
        let mut other = World::new(Curve::BrainpoolP256r1, "brainpool");
        let foreign = other.server_certificate(Role::DpAuth, &[2, 999, 10], |_| ());
        let mut template_key = None;
        other.server_certificate(Role::DpAuth, &[2, 999, 10], |template| template_key = Some(template.key.clone()));
        let minted = world.server_certificate(Role::DpAuth, &[2, 999, 10], |template| {
            template.key = template_key.clone().unwrap();
        });
        rsp_pki::issue::Minted { certificate: minted.certificate, key: foreign.key }
    });
    assert_eq!(code, AuthenticateErrorCode::UNSUPPORTED_CURVE);
}

#[test]
fn invalid_signature_in_every_form() {
    let changes: [fn(&mut AuthenticateServerRequest); 5] = [
        |request| request.server_signature1 = Signature5F37(vec![0; 64].into()),
        |request| request.server_signature1 = Signature5F37(vec![0xFF; 64].into()),
        |request| {
            let mut bytes = request.server_signature1.0.to_vec();
            bytes[63] ^= 1;
            request.server_signature1 = Signature5F37(bytes.into());
        },
        |request| request.server_signature1 = Signature5F37(request.server_signature1.0[..63].to_vec().into()),
        |request| {
            let raw = Signature::from_slice(&request.server_signature1.0).unwrap();
            request.server_signature1 = Signature5F37(raw.to_der().into());
        },
    ];
    for change in changes {
        assert_eq!(setup().refusal(|_, _, request| change(request)), AuthenticateErrorCode::INVALID_SIGNATURE);
    }
    // Another server's signature, by a certificate as good as the right one.
    let code = setup().refusal(|world, _, request| {
        let other = world.server_certificate(Role::DpAuth, &[2, 999, 10], |_| ());
        let signer = rust_crypto().signer(&other.key).unwrap();
        request.server_signature1 = signature(&*signer, request.server_signed1.bytes());
    });
    assert_eq!(code, AuthenticateErrorCode::INVALID_SIGNATURE);
}

#[test]
fn invalid_signature_when_a_signed_field_was_changed() {
    let changes: [fn(&mut ServerSigned1); 3] = [
        |signed| signed.server_address = "evil.example.com".into(),
        |signed| signed.transaction_id = [9; 16].into(),
        |signed| signed.server_challenge.0[0] ^= 1,
    ];
    for change in changes {
        let code = setup().refusal(|_, _, request| {
            let mut signed = request.server_signed1.value().clone();
            change(&mut signed);
            request.server_signed1 = Raw::new(signed).unwrap();
        });
        assert_eq!(code, AuthenticateErrorCode::INVALID_SIGNATURE);
    }
}

#[test]
fn euicc_challenge_mismatch_for_another_challenge() {
    let code = setup().refusal(|_, server, request| {
        let transaction = server.transaction();
        *request = server.authenticate([1; 16], &transaction);
    });
    assert_eq!(code, AuthenticateErrorCode::EUICC_CHALLENGE_MISMATCH);
}

#[test]
fn no_session_context_without_a_challenge() {
    let Setup { mut server, mut terminal, .. } = setup();
    let error = |terminal: &mut Terminal, request: &AuthenticateServerRequest| match terminal.call(request) {
        AuthenticateServerResponse::Ok(_) => panic!("accepted"),
        AuthenticateServerResponse::Error(error) => error.authenticate_error_code,
    };
    let transaction = server.transaction();
    let early = server.authenticate([0; 16], &transaction);
    assert_eq!(error(&mut terminal, &early), AuthenticateErrorCode::NO_SESSION_CONTEXT);
    let challenge = terminal.challenge();
    let request = server.authenticate(challenge, &transaction);
    terminal.power_cycle();
    assert_eq!(error(&mut terminal, &request), AuthenticateErrorCode::NO_SESSION_CONTEXT);
}

#[test]
fn atk_challenge_replay() {
    let Setup { mut server, mut terminal, .. } = setup();
    let error = |terminal: &mut Terminal, request: &AuthenticateServerRequest| match terminal.call(request) {
        AuthenticateServerResponse::Ok(_) => panic!("accepted"),
        AuthenticateServerResponse::Error(error) => error.authenticate_error_code,
    };
    let challenge = terminal.challenge();
    let transaction = server.transaction();
    let request = server.authenticate(challenge, &transaction);
    assert!(matches!(terminal.call(&request), AuthenticateServerResponse::Ok(_)));
    assert_eq!(error(&mut terminal, &request), AuthenticateErrorCode::NO_SESSION_CONTEXT, "the challenge is used up");
    let next = terminal.challenge();
    assert_ne!(next, challenge);
    assert_eq!(error(&mut terminal, &request), AuthenticateErrorCode::EUICC_CHALLENGE_MISMATCH, "an old answer");
    let fresh = server.authenticate(next, &transaction);
    assert!(matches!(terminal.call(&fresh), AuthenticateServerResponse::Ok(_)));
}

#[test]
fn refuses_what_is_not_der_by_status_word() {
    let Setup { mut server, mut terminal, .. } = setup();
    let challenge = terminal.challenge();
    let transaction = server.transaction();
    let good = rsp_asn1::encode(&server.authenticate(challenge, &transaction)).unwrap();
    for cut in [3, 10, good.len() / 2, good.len() - 1] {
        assert_eq!(terminal.es10(&good[..cut]).unwrap_err().0, 0x6A80);
    }
    assert_eq!(terminal.es10(&[good.clone(), vec![0]].concat()).unwrap_err().0, 0x6A80);
    assert!(terminal.es10(&good).is_ok());
}

#[test]
fn signs_what_the_device_says_of_itself() {
    let Setup { mut server, mut terminal, .. } = setup();
    let challenge = terminal.challenge();
    let transaction = server.transaction();
    let mut request = server.authenticate(challenge, &transaction);
    let CtxParams1::CommonAuthentication(params) = &mut request.ctx_params1;
    params.matching_id = None;
    params.device_info.imei = Some(vec![0x53; 8].into());
    let AuthenticateServerResponse::Ok(ok) = terminal.call(&request) else { panic!("refused") };
    assert_eq!(ok.euicc_signed1.value().ctx_params1, request.ctx_params1);
}

//! The download procedure: what goes where, what the LPA refuses, and how sessions are cancelled.

use rsp_asn1::*;
use rsp_crypto::Curve;
use rsp_es::activation_code::ActivationCode;
use rsp_es::es9plus::{AuthenticateClientRequest, Function, GetBoundProfilePackageRequest, Request as _};
use rsp_es::status::StatusCode;
use rsp_lpa::{Blame, Cause, ConfirmationCode, Decision, DownloadRequest, Error, Step, WrongServer, device_info};
use rsp_pki::{Role, Rule};

use crate::World;
use crate::card::failure;
use crate::pki::{NOW, Pki};
use crate::policy::{any_operator, entry, test_operator, with_rules};
use crate::server::{Fault, metadata, package};

fn fails(world: &mut World) -> Error {
    let error = world.download().expect_err("the download must fail");
    assert!(!error.remedy().is_empty());
    assert_eq!(world.card.open, 0, "the channel is given back");
    error
}

/// Nothing was loaded, and both sides were told this reason.
fn assert_cancelled(world: &World, error: &Error, reason: CancelSessionReason) {
    assert!(world.card.segments.is_empty());
    assert_eq!(world.card.cancelled(), [reason.0]);
    assert_eq!(world.server.cancelled(), [reason.0]);
    let cancelled = error.cancelled.as_ref().expect("the error says that the session was cancelled");
    assert_eq!(cancelled.reason, reason);
    assert!(cancelled.failure.is_none());
}

fn assert_not_cancelled(world: &World, error: &Error) {
    assert!(error.cancelled.is_none());
    assert!(world.card.cancelled().is_empty() && world.server.cancelled().is_empty());
}

#[test]
fn every_step_has_a_name_in_the_manner_of_the_standards_functions() {
    for (step, name, text) in [
        (Step::GetEuiccChallenge, "GetEUICCChallenge", "ES10b.GetEUICCChallenge"),
        (Step::EnableProfile, "EnableProfile", "ES10c.EnableProfile"),
        (Step::SelectIsdr, "SelectIsdr", "ES10b.SelectIsdr"),
        (Step::VerifyServer, "VerifyServer", "VerifyServer"),
        (Step::VerifyMetadata, "VerifyMetadata", "VerifyMetadata"),
        (Step::EndUserConsent, "EndUserConsent", "EndUserConsent"),
        (Step::ConfirmationCode, "ConfirmationCode", "ConfirmationCode"),
    ] {
        assert_eq!((step.name(), step.to_string().as_str()), (name, text));
    }
}

#[test]
fn carries_every_message_unchanged_and_installs() {
    let mut world = World::new();
    let installed = world.download().unwrap();
    assert_eq!(installed.iccid.to_string(), "8900000000000000012");
    assert_eq!((installed.seq_number, installed.isdp_aid.len()), (7, 6));
    assert_eq!(installed.transaction_id, TransactionId::from([1; 16]));
    assert_eq!(installed.offer.profile_name, "Profile");
    assert_eq!(
        world.server.functions(),
        [Function::InitiateAuthentication, Function::AuthenticateClient, Function::GetBoundProfilePackage]
    );
    let steps = [
        Step::SelectIsdr,
        Step::GetEuiccInfo1,
        Step::GetEuiccChallenge,
        Step::InitiateAuthentication,
        Step::VerifyServer,
        Step::AuthenticateServer,
        Step::AuthenticateClient,
        Step::VerifyServer,
        Step::EndUserConsent,
        Step::PrepareDownload,
        Step::GetBoundProfilePackage,
        Step::VerifyMetadata,
        Step::LoadBoundProfilePackage,
    ];
    assert_eq!(world.steps(), steps);
    assert!(world.events.0.iter().all(|(_, _, ok)| *ok));
    let loaded = world.events.0.last().unwrap().1;
    assert!(loaded > installed.bpp_bytes as u64, "bytes of both directions are counted");

    let bodies = world.server.bodies(Function::AuthenticateClient);
    let sent = AuthenticateClientRequest::from_json(&bodies[0]).unwrap();
    assert!(matches!(sent.authenticate_server_response.value(), AuthenticateServerResponse::Ok(_)));
    let asked: AuthenticateServerRequest = world.card.request([0xBF, 0x38]).unwrap();
    let CtxParams1::CommonAuthentication(context) = asked.ctx_params1;
    assert_eq!(context.matching_id.as_deref(), Some("MATCHING-1"));
    let bpp = package(&encode(&metadata()).unwrap());
    assert_eq!(world.card.segments.concat(), bpp);
    let asked: PrepareDownloadRequest = world.card.request([0xBF, 0x21]).unwrap();
    assert_eq!(asked.hash_cc, None);
}

#[test]
fn finds_an_isd_r_that_hides_and_names_a_card_without_one() {
    let mut world = World::new();
    world.card.isd_r = hex::decode("A0000005591010FFFFFFFF8900050500").unwrap();
    world.download().unwrap();

    let mut world = World::new();
    world.card.isd_r = vec![0xA0];
    let error = fails_to_open(&mut world);
    assert!(matches!(*error.cause, Cause::NoIsdR { tried: 6, .. }), "{error}");
    assert!(error.to_string().contains("eSIM not supported"), "{error}");
    assert_eq!(error.blame(), Blame::Card);
}

fn fails_to_open(world: &mut World) -> Error {
    world.download().expect_err("no ISD-R")
}

#[test]
fn hashes_the_confirmation_code_as_text_with_the_session() {
    // SHA-256(SHA-256("12345678") ‖ 16 × 01), computed with Python's hashlib.
    let expected = "1717C7D6E923D607091D3CBC4D5C00E27707CB6AD9C386E7C19920F245F73D56";
    let code = ConfirmationCode::new(" 12345678\n").unwrap();
    assert_eq!(hex::encode_upper(code.hash(&TransactionId::from([1; 16]))), expected);
    assert!(ConfirmationCode::new("  ").is_none());

    let mut world = World::new();
    world.server.script.lock().unwrap().code_required = true;
    world.user.code = Some("12345678");
    world.download().unwrap();
    let asked: PrepareDownloadRequest = world.card.request([0xBF, 0x21]).unwrap();
    assert_eq!(hex::encode_upper(asked.hash_cc.unwrap().0), expected);
    assert!(world.user.offers[0].confirmation_code_required);
}

#[test]
fn without_a_confirmation_code_the_order_is_postponed() {
    let mut world = World::new();
    world.server.script.lock().unwrap().code_required = true;
    let error = fails(&mut world);
    assert!(matches!(*error.cause, Cause::NoConfirmationCode));
    assert_cancelled(&world, &error, CancelSessionReason::POSTPONED);
}

#[test]
fn the_end_users_decision_cancels_with_its_reason() {
    for (decision, reason) in [
        (Decision::Reject, CancelSessionReason::END_USER_REJECTION),
        (Decision::Postpone, CancelSessionReason::POSTPONED),
        (Decision::NoAnswer, CancelSessionReason::TIMEOUT),
    ] {
        let mut world = World::new();
        world.user.decision = decision;
        let error = fails(&mut world);
        assert!(matches!(*error.cause, Cause::EndUser(declined) if declined == decision));
        assert_eq!((error.step, error.blame()), (Step::EndUserConsent, Blame::Decision));
        assert_cancelled(&world, &error, reason);
    }
}

#[test]
fn names_from_the_server_are_shown_without_what_deceives() {
    let mut world = World::new();
    world.server.script.lock().unwrap().metadata.profile_name = "Bank\u{202E}evil\u{200B}".into();
    world.download().unwrap();
    assert_eq!(world.user.offers[0].profile_name, "Bankevil");
}

/// atk_metadata_mismatch: each element of the metadata, changed between announcement and package.
#[test]
fn atk_metadata_mismatch() {
    let owner = || Some(test_operator());
    let config = |address: &str| {
        Some(vec![NotificationConfigurationInformation {
            profile_management_operation: NotificationEvent::from_bits(&[NotificationEvent::DELETE]),
            notification_address: address.to_owned(),
            unknown: Unknown::default(),
        }])
    };
    let shown = || StoreMetadataRequest {
        icon_type: Some(IconType::PNG),
        icon: Some(OctetString::from_static(&[1, 2, 3])),
        notification_configuration_info: config("a.example"),
        ..with_rules(&[PprIds::PPR2], owner())
    };
    type Change = fn(&mut StoreMetadataRequest);
    let changes: [(&str, Change); 9] = [
        ("iccid", |m| m.iccid = "8900000000000000020".parse().unwrap()),
        ("serviceProviderName", |m| m.service_provider_name.0.push('s')),
        ("profileName", |m| m.profile_name = "Other".into()),
        ("iconType", |m| m.icon_type = Some(IconType::JPG)),
        ("icon", |m| m.icon = None),
        ("profileClass", |m| m.profile_class = ProfileClass::TEST),
        ("notificationConfigurationInfo", |m| m.notification_configuration_info = None),
        ("profileOwner", |m| m.profile_owner = Some(any_operator())),
        ("profilePolicyRules", |m| m.profile_policy_rules = Some(PprIds::from_bits(&[1, 2]))),
    ];
    for (name, change) in changes {
        let mut world = World::new();
        world.card.rat = vec![entry(&[PprIds::PPR1, PprIds::PPR2], vec![any_operator(), test_operator()], false)];
        let mut packed = shown();
        change(&mut packed);
        {
            let mut script = world.server.script.lock().unwrap();
            script.metadata = shown();
            script.packed = Some(encode(&packed).unwrap());
        }
        let error = fails(&mut world);
        assert!(matches!(*error.cause, Cause::MetadataMismatch(at) if at == name), "{name}: {error}");
        assert_eq!(error.step, Step::VerifyMetadata);
        assert_cancelled(&world, &error, CancelSessionReason::METADATA_MISMATCH);
    }
    // The same metadata install.
    let mut world = World::new();
    world.card.rat = vec![entry(&[PprIds::PPR2], vec![test_operator()], false)];
    world.server.script.lock().unwrap().metadata = shown();
    world.download().unwrap();
}

#[test]
fn metadata_that_are_encoded_anew_are_the_same_and_garbage_is_not() {
    let plain = encode(&metadata()).unwrap();
    // The default class, spelled out: other bytes, same value.
    let mut explicit = plain.clone();
    explicit.extend([0x95, 0x01, 0x02]);
    explicit[2] += 3;
    let mut world = World::new();
    world.server.script.lock().unwrap().packed = Some(explicit);
    world.download().unwrap();

    let mut world = World::new();
    world.server.script.lock().unwrap().packed = Some(b"no metadata at all".to_vec());
    let error = fails(&mut world);
    assert!(matches!(*error.cause, Cause::MalformedMetadata(_)), "{error}");
    assert_cancelled(&world, &error, CancelSessionReason::METADATA_MISMATCH);
}

#[test]
fn a_malformed_package_is_not_loaded() {
    let mut world = World::new();
    let mut broken = package(&encode(&metadata()).unwrap());
    broken.pop();
    world.server.script.lock().unwrap().package = Some(broken);
    let error = fails(&mut world);
    assert!(matches!(*error.cause, Cause::Package(_)), "{error}");
    assert_cancelled(&world, &error, CancelSessionReason::LOAD_BPP_EXECUTION_ERROR);
}

#[test]
fn policy_rules_that_the_euicc_does_not_allow_cancel() {
    let mut world = World::new();
    world.server.script.lock().unwrap().metadata = with_rules(&[PprIds::PPR2], Some(test_operator()));
    let error = fails(&mut world);
    assert!(matches!(*error.cause, Cause::Policy(_)), "{error}");
    assert!(world.user.offers.is_empty(), "nobody is asked about what cannot be");
    assert_cancelled(&world, &error, CancelSessionReason::PPR_NOT_ALLOWED);

    let mut world = World::new();
    world.server.script.lock().unwrap().metadata = with_rules(&[PprIds::PPR2], Some(test_operator()));
    world.card.rat = vec![entry(&[PprIds::PPR2], vec![any_operator()], true)];
    world.download().unwrap();
    assert!(world.user.offers[0].policy_rules[0].consent_required);
    assert_eq!(world.user.offers[0].owner.as_deref(), Some("00101"));
}

fn wrong_server(prepare: impl FnOnce(&mut World)) -> (World, Error) {
    let mut world = World::new();
    prepare(&mut world);
    let error = fails(&mut world);
    assert_eq!(error.step, Step::VerifyServer);
    assert_eq!(error.blame(), Blame::Network);
    (world, error)
}

/// Until the server has proven itself, the eUICC signs nothing.
fn assert_nothing_signed(world: &World, error: &Error) {
    assert!(world.card.request::<AuthenticateServerRequest>([0xBF, 0x38]).is_none());
    assert_eq!(world.server.functions(), [Function::InitiateAuthentication]);
    assert_not_cancelled(world, error);
}

#[test]
fn refuses_a_server_that_answers_for_another() {
    let (world, error) =
        wrong_server(|world| world.server.script.lock().unwrap().address = Some("evil.example.com".to_owned()));
    assert!(matches!(&*error.cause, Cause::WrongServer(WrongServer::Address { .. })), "{error}");
    assert_nothing_signed(&world, &error);

    let (world, error) = wrong_server(|world| world.server.script.lock().unwrap().challenge = Some([0; 16]));
    assert!(matches!(*error.cause, Cause::WrongServer(WrongServer::Challenge)), "{error}");
    assert_nothing_signed(&world, &error);

    let (world, error) = wrong_server(|world| world.server.script.lock().unwrap().other_transaction = true);
    assert!(matches!(*error.cause, Cause::WrongServer(WrongServer::TransactionId(_))), "{error}");
    assert_nothing_signed(&world, &error);
}

#[test]
fn an_address_means_the_same_in_any_case_and_with_a_port() {
    for (used, signed) in [
        ("smdp.example.com", "SMDP.Example.COM"),
        ("smdp.example.com:8443", "smdp.example.com"),
        ("smdp.example.com", "smdp.example.com:443"),
    ] {
        let mut world = World::new();
        world.request = DownloadRequest::new(used, "M", device_info(None).unwrap());
        world.server.script.lock().unwrap().address = Some(signed.to_owned());
        world.download().unwrap();
    }
    let (_, error) = wrong_server(|world| {
        world.request = DownloadRequest::new("smdp.example.com:8443", "M", device_info(None).unwrap());
        world.server.script.lock().unwrap().address = Some("smdp.example.com:443".to_owned());
    });
    assert!(matches!(&*error.cause, Cause::WrongServer(WrongServer::Address { .. })), "{error}");
}

/// A server with a good certificate that is not the one of the activation code; the user is told whose it is.
#[test]
fn atk_rogue_dp_same_ci() {
    let code = ActivationCode::new("smdp.example.com", "M", Some("2.999.4711"), false).ok().unwrap();
    let (world, error) = wrong_server(|world| {
        world.request = DownloadRequest::from_activation_code(&code, device_info(None).unwrap());
    });
    let Cause::WrongServer(WrongServer::Oid { expected, found }) = &*error.cause else { panic!("{error}") };
    assert_eq!(expected, "2.999.4711");
    assert!(error.to_string().contains("2.999.4711") && error.to_string().contains(found.as_str()), "{error}");
    assert_nothing_signed(&world, &error);

    let code = ActivationCode::new("smdp.example.com", "M", Some(found), false).ok().unwrap();
    let mut world = World::new();
    world.request = DownloadRequest::from_activation_code(&code, device_info(None).unwrap());
    assert_eq!(world.download().unwrap().smdp_oid, *found);
}

#[test]
fn refuses_authentication_certificates_that_prove_nothing() {
    let pki = Pki::get();
    let (world, error) = wrong_server(|world| {
        let binding = pki.certificate(Curve::P256, Role::DpPb);
        world.server.script.lock().unwrap().dp_auth = binding;
    });
    assert!(matches!(&*error.cause, Cause::UntrustedServer(path) if matches!(path.rule, Rule::WrongRole { .. })));
    assert_nothing_signed(&world, &error);

    // Thirty years on, the certificates have expired; the eUICC would not notice.
    let (world, error) = wrong_server(|world| world.now = NOW.plus_seconds(30 * 365 * 86_400));
    assert!(matches!(&*error.cause, Cause::UntrustedServer(path) if matches!(path.rule, Rule::Expired(_))), "{error}");
    assert_nothing_signed(&world, &error);

    let (world, error) = wrong_server(|world| world.now = NOW.plus_seconds(-10 * 365 * 86_400));
    assert!(matches!(&*error.cause, Cause::UntrustedServer(path) if matches!(path.rule, Rule::NotYetValid(_))));
    assert_nothing_signed(&world, &error);
}

#[test]
fn refuses_a_binding_certificate_of_another_server_and_leaves_the_order() {
    let pki = Pki::get();
    let oid = ObjectIdentifier::new(vec![2, 999, 4711]).unwrap();
    let other_smdp = pki.mint(Curve::P256, Role::DpPb, &oid, "x.example", NOW).certificate.raw().clone();
    let other_ci = pki.mint(Curve::BrainpoolP256r1, Role::DpPb, &pki.smdp_oid(), "x.example", NOW);
    let other_ci = other_ci.certificate.raw().clone();
    for (certificate, expected) in [(other_smdp, WrongServer::OtherSmdp), (other_ci, WrongServer::OtherCi)] {
        let (world, error) = wrong_server(|world| world.server.script.lock().unwrap().dp_pb = certificate);
        assert!(matches!(&*error.cause, Cause::WrongServer(found) if *found == expected), "{error}");
        assert_cancelled(&world, &error, CancelSessionReason::POSTPONED);
    }
    let (world, error) = wrong_server(|world| {
        let authentication = pki.certificate(Curve::P256, Role::DpAuth);
        world.server.script.lock().unwrap().dp_pb = authentication;
    });
    assert!(matches!(*error.cause, Cause::UntrustedServer(_)), "{error}");
    assert_cancelled(&world, &error, CancelSessionReason::POSTPONED);
}

#[test]
fn refuses_an_offer_of_another_session_and_leaves_the_order() {
    let other = Some([0xEE; 16]);
    for (outside, inside, place) in [(other, None, "the answer to AuthenticateClient"), (None, other, "smdpSigned2")] {
        let (world, error) = wrong_server(|world| {
            let mut script = world.server.script.lock().unwrap();
            (script.answered_transaction, script.signed_transaction) = (outside, inside);
        });
        assert!(matches!(&*error.cause, Cause::WrongServer(WrongServer::TransactionId(at)) if *at == place), "{error}");
        assert!(world.card.request::<PrepareDownloadRequest>([0xBF, 0x21]).is_none());
        assert_cancelled(&world, &error, CancelSessionReason::POSTPONED);
    }
}

#[test]
fn refuses_a_package_of_another_session_and_leaves_the_order() {
    let mut world = World::new();
    world.server.script.lock().unwrap().package_transaction = Some([0xEE; 16]);
    let error = fails(&mut world);
    assert!(
        matches!(&*error.cause, Cause::WrongServer(WrongServer::TransactionId("the answer to GetBoundProfilePackage"))),
        "{error}"
    );
    assert_eq!((error.step, error.blame()), (Step::GetBoundProfilePackage, Blame::Network));
    assert_cancelled(&world, &error, CancelSessionReason::POSTPONED);
}

#[test]
fn the_words_of_a_server_cannot_forge_a_line() {
    let mut world = World::new();
    let status = StatusCode::MATCHING_ID_REFUSED
        .with_subject_identifier("\u{1B}]0;title\u{7}")
        .with_message(format!("no\nThe profile is installed.\u{202E}\u{9B}2J{}", "x".repeat(10_000)));
    world.server.script.lock().unwrap().faults = [(Function::AuthenticateClient, Fault::Refused(status))].into();
    let text = fails(&mut world).to_string();
    assert!(!text.chars().any(|c| c.is_control() || c == '\u{202E}'), "{text:?}");
    assert!(text.contains(r"no\u{a}The profile is installed.\u{202e}") && text.chars().count() < 500, "{text}");
}

#[test]
fn a_refusal_of_the_euicc_is_named_and_told_to_the_server() {
    let mut world = World::new();
    world.card.authenticate_error = Some(AuthenticateErrorCode::CI_PK_UNKNOWN);
    let error = fails(&mut world);
    assert_eq!(error.to_string(), "ES10b.AuthenticateServer: the eUICC refused: ciPKUnknown(7)");
    assert_eq!(error.blame(), Blame::Card);
    let bodies = world.server.bodies(Function::AuthenticateClient);
    let told = AuthenticateClientRequest::from_json(&bodies[0]).unwrap();
    assert!(matches!(told.authenticate_server_response.value(), AuthenticateServerResponse::Error(_)));
    assert_not_cancelled(&world, &error);

    let mut world = World::new();
    world.card.prepare_error = Some(DownloadErrorCode::INVALID_SIGNATURE);
    let error = fails(&mut world);
    assert_eq!(error.to_string(), "ES10b.PrepareDownload: the eUICC refused: invalidSignature(2)");
    let bodies = world.server.bodies(Function::GetBoundProfilePackage);
    let told = GetBoundProfilePackageRequest::from_json(&bodies[0]).unwrap();
    assert!(matches!(told.prepare_download_response.value(), PrepareDownloadResponse::Error(_)));
    assert_not_cancelled(&world, &error);
}

#[test]
fn a_refusal_of_the_server_is_named_with_its_remedy() {
    for (function, code, word) in [
        (Function::InitiateAuthentication, StatusCode::SMDP_SECURITY_UNSUPPORTED, "test eUICC"),
        (Function::AuthenticateClient, StatusCode::EID_REFUSED, "EID"),
        (Function::AuthenticateClient, StatusCode::MATCHING_ID_REFUSED, "letter by letter"),
        (Function::GetBoundProfilePackage, StatusCode::CONFIRMATION_CODE_REFUSED, "right confirmation code"),
    ] {
        let mut world = World::new();
        world.server.script.lock().unwrap().faults = [(function, Fault::Refused(code.clone()))].into();
        let error = fails(&mut world);
        assert!(error.status().is_some_and(|status| status.is(&code)), "{error}");
        assert_eq!(error.blame(), Blame::Server);
        assert!(error.remedy().contains(word), "{}", error.remedy());
        assert_not_cancelled(&world, &error);
    }
}

#[test]
fn a_cut_is_followed_by_a_second_session_that_asks_nobody_again() {
    for cut in [Function::AuthenticateClient, Function::GetBoundProfilePackage] {
        let mut world = World::new();
        {
            let mut script = world.server.script.lock().unwrap();
            script.code_required = true;
            script.faults = [(cut, Fault::Cut)].into();
        }
        world.user.code = Some("4711");
        let installed = world.download().unwrap();
        assert_eq!(installed.transaction_id, TransactionId::from([2; 16]), "a new session");
        assert_eq!((world.user.offers.len(), world.user.codes_asked), (1, 1));
    }
    // A session that timed out at the server is one, too.
    let mut world = World::new();
    let expired = Fault::Refused(StatusCode::TRANSACTION_ID_UNKNOWN);
    world.server.script.lock().unwrap().faults = [(Function::GetBoundProfilePackage, expired)].into();
    world.download().unwrap();
}

#[test]
fn when_the_server_stays_away_the_first_break_is_reported() {
    let mut world = World::new();
    world.server.script.lock().unwrap().faults =
        [(Function::GetBoundProfilePackage, Fault::Cut), (Function::InitiateAuthentication, Fault::Down)].into();
    let error = fails(&mut world);
    assert_eq!((error.step, error.blame()), (Step::GetBoundProfilePackage, Blame::Network));
    assert_eq!(world.server.functions().iter().filter(|f| **f == Function::InitiateAuthentication).count(), 2);

    let mut world = World::new();
    world.request = world.request.with_sessions(1);
    world.server.script.lock().unwrap().faults = [(Function::AuthenticateClient, Fault::Cut)].into();
    assert_eq!(fails(&mut world).step, Step::AuthenticateClient);
}

#[test]
fn changed_metadata_in_the_second_session_are_asked_about_again() {
    // The first session ends after consent; the server then offers something else.
    struct Switching(crate::FakeUser, std::sync::Arc<crate::server::FakeServer>);
    impl rsp_lpa::EndUser for Switching {
        fn consent(&mut self, offer: &rsp_lpa::ProfileOffer) -> Decision {
            self.1.script.lock().unwrap().metadata.profile_name = "Another".into();
            self.0.consent(offer)
        }
        fn confirmation_code(&mut self, offer: &rsp_lpa::ProfileOffer) -> Option<ConfirmationCode> {
            self.0.confirmation_code(offer)
        }
    }
    let mut world = World::new();
    world.server.script.lock().unwrap().faults = [(Function::GetBoundProfilePackage, Fault::Cut)].into();
    let mut user = Switching(crate::FakeUser::default(), world.server.clone());
    let (servers, anchors) = (world.servers(), Pki::get().anchors());
    let trust = rsp_lpa::Trust { anchors: &anchors, crls: &[], provider: rsp_crypto::rust_crypto(), now: NOW };
    let mut lpa = rsp_lpa::Lpa::open(&mut world.card, &mut world.events, &rsp_lpa::Options::default()).unwrap();
    crate::block_on(lpa.download(&servers, &world.request, &trust, &mut user)).unwrap();
    let names: Vec<&str> = user.0.offers.iter().map(|offer| offer.profile_name.as_str()).collect();
    assert_eq!(names, ["Profile", "Another"]);
}

#[test]
fn an_installation_error_names_command_reason_and_element() {
    let mut world = World::new();
    world.card.result = Some(failure(
        BppCommandId::LOAD_PROFILE_ELEMENTS,
        ErrorReason::INSTALL_FAILED_DUE_TO_PE_PROCESSING_ERROR,
        Some(&[0x30, 0x0F, 0xA0, 0x0D, 0x30, 0x03, 0x80, 0x01, 0x00, 0x30, 0x06, 0x80, 0x01, 0x09, 0x81, 0x01, 0x11]),
    ));
    let error = fails(&mut world);
    assert_eq!(
        error.cause.to_string(),
        "the eUICC could not install the profile: installFailedDueToPEProcessingError(12) in loadProfileElements(5), \
         profile element 17: template-not-supported(9)"
    );
    assert_eq!(world.card.segments.len(), 3, "the LPA stops at the result");
    assert_not_cancelled(&world, &error);
    assert_eq!(world.card.notifications.len(), 1, "the result waits to be sent");
}

#[test]
fn a_card_that_refuses_a_segment_ends_the_session_and_a_broken_link_does_not() {
    let mut world = World::new();
    world.card.refused_segment = Some(0);
    let error = fails(&mut world);
    assert_eq!(error.step, Step::LoadBoundProfilePackage);
    assert_cancelled(&world, &error, CancelSessionReason::LOAD_BPP_EXECUTION_ERROR);

    let mut world = World::new();
    world.card.result = None;
    let error = fails(&mut world);
    assert!(matches!(*error.cause, Cause::NoInstallationResult));
    assert_eq!(world.server.cancelled(), [CancelSessionReason::LOAD_BPP_EXECUTION_ERROR.0]);

    let mut world = World::new();
    world.card.broken_segment = Some(6);
    let error = fails(&mut world);
    assert_eq!((error.step, error.blame()), (Step::LoadBoundProfilePackage, Blame::Card));
    assert_not_cancelled(&world, &error);
}

#[test]
fn a_cancellation_that_fails_is_reported_beside_its_cause() {
    let mut world = World::new();
    world.user.decision = Decision::Reject;
    world.server.script.lock().unwrap().faults = [(Function::CancelSession, Fault::Down)].into();
    let error = fails(&mut world);
    assert!(matches!(*error.cause, Cause::EndUser(_)));
    let cancelled = error.cancelled.unwrap();
    assert_eq!(cancelled.failure.unwrap().step, Step::CancelSessionAtServer);

    let mut world = World::new();
    world.user.decision = Decision::Reject;
    world.card.cancel_error = Some(CancelSessionResponseError::INVALID_TRANSACTION_ID);
    let error = fails(&mut world);
    assert_eq!(error.cancelled.unwrap().failure.unwrap().step, Step::CancelSession);
    assert!(world.server.cancelled().is_empty());
}

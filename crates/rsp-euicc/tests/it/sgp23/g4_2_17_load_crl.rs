//! ES10b.LoadCRL (SGP.22 5.7.12; SGP.23 4.2.17): the answers, and what a loaded list does.

use rsp_asn1::{
    AuthenticateErrorCode, AuthenticateServerResponse, DownloadErrorCode, EuiccInfo2, ExtCardResource, LoadCrlResponse,
    LoadCrlResponseError, PrepareDownloadResponse, Timestamp, decode, tlv,
};
use rsp_crypto::{Curve, SecretKey, rust_crypto};
use rsp_euicc::{EuiccState, Manufacture};
use rsp_pki::issue::{CrlTemplate, Extension, extension};
use rsp_pki::{Certificate, Crl};

use crate::load::setup;
use crate::server::{Server, World};
use crate::terminal::Terminal;

const DAY: Timestamp = Timestamp(1_700_000_000);

/// A list of the world's CI with this number.
pub(crate) fn list(world: &World, number: u8) -> CrlTemplate {
    let mut template = CrlTemplate::new(&world.authority(), DAY, DAY);
    template.extensions[1] = extension::crl_number(number);
    template
}

fn part(world: &World, number: u8, part: u8, total: u8) -> CrlTemplate {
    let mut template = list(world, number);
    template.extensions.extend(extension::partial_crl(part, total));
    template
}

fn sign(template: &CrlTemplate, key: &SecretKey) -> Crl {
    template.sign(&*rust_crypto().signer(key).unwrap()).unwrap()
}

/// The request: the list under the tag of its field.
fn request(crl: &Crl) -> Vec<u8> {
    let (whole, _) = tlv::first(crl.der()).unwrap();
    let mut content = Vec::new();
    tlv::write(&mut content, &[0xA0], whole.value());
    let mut request = Vec::new();
    tlv::write(&mut request, &[0xBF, 0x35], &content);
    request
}

/// The missing parts, or why it was refused.
fn load(terminal: &mut Terminal, crl: &Crl) -> Result<Vec<u64>, LoadCrlResponseError> {
    match decode(&terminal.es10(&request(crl)).unwrap()).unwrap() {
        LoadCrlResponse::Ok(ok) => Ok(ok.missing_parts.unwrap_or_default()),
        LoadCrlResponse::Error(error) => Err(error),
    }
}

pub(crate) fn load_signed(
    terminal: &mut Terminal,
    world: &World,
    template: &CrlTemplate,
) -> Result<Vec<u64>, LoadCrlResponseError> {
    load(terminal, &sign(template, &world.ci.key))
}

/// How AuthenticateServer ends.
pub(crate) fn verdict(terminal: &mut Terminal, server: &mut Server) -> Result<(), AuthenticateErrorCode> {
    let challenge = terminal.challenge();
    let transaction = server.transaction();
    match terminal.call(&server.authenticate(challenge, &transaction)) {
        AuthenticateServerResponse::Ok(_) => Ok(()),
        AuthenticateServerResponse::Error(error) => Err(error.authenticate_error_code),
    }
}

pub(crate) fn revoking(mut template: CrlTemplate, certificate: &Certificate) -> CrlTemplate {
    template.revoke(certificate, DAY);
    template
}

const REVOKED: Result<(), AuthenticateErrorCode> = Err(AuthenticateErrorCode::INVALID_CERTIFICATE);

#[test]
fn a_revoked_server_is_refused_from_then_on() {
    let (mut world, mut server, mut terminal) = setup();
    let mut other = world.server();
    assert_eq!(terminal.hex(&hex::encode(request(&sign(&list(&world, 1), &world.ci.key)))).unwrap(), "BF3502A000");
    assert_eq!(verdict(&mut terminal, &mut server), Ok(()));
    let crl = revoking(list(&world, 2), &server.auth.certificate);
    assert_eq!(load_signed(&mut terminal, &world, &crl), Ok(vec![]));
    assert_eq!(verdict(&mut terminal, &mut server), REVOKED);
    assert_eq!(verdict(&mut terminal, &mut other), Ok(()), "its own certificate is on no list");
    let state = EuiccState::from_bytes(&terminal.store.contents()).unwrap();
    assert_eq!(verdict(&mut Terminal::new(state), &mut server), REVOKED, "kept without power");
    terminal.hex("BF3404820205E0").unwrap();
    assert_eq!(verdict(&mut terminal, &mut server), REVOKED, "and through a memory reset");
}

#[test]
fn a_revoked_binding_certificate_is_refused() {
    let (world, mut server, mut terminal) = setup();
    let crl = revoking(list(&world, 1), &server.binding.certificate);
    assert_eq!(load_signed(&mut terminal, &world, &crl), Ok(vec![]));
    let authenticated = terminal.authenticate(&mut server);
    let PrepareDownloadResponse::Error(error) = terminal.call(&server.prepare(&authenticated, None)) else {
        panic!("accepted")
    };
    assert_eq!(error.download_error_code, DownloadErrorCode::INVALID_CERTIFICATE);
}

#[test]
fn a_list_of_another_ci_says_nothing_here() {
    let (mut one, mut two) = (World::p256(), World::new(Curve::BrainpoolP256r1, "another"));
    let credentials = vec![one.credential(World::eid(1)), two.credential(World::eid(1))];
    let mut terminal = Terminal::new(Manufacture::new(credentials).build(rust_crypto()).unwrap());
    let mut server = one.server();
    let crl = revoking(list(&two, 9), &server.auth.certificate);
    assert_eq!(load_signed(&mut terminal, &two, &crl), Ok(vec![]));
    assert_eq!(verdict(&mut terminal, &mut server), Ok(()));
    assert_eq!(load_signed(&mut terminal, &one, &list(&one, 1)), Ok(vec![]), "each CI counts for itself");
}

#[test]
fn invalid_signature() {
    let (mut world, _, mut terminal) = setup();
    let key = SecretKey::generate(Curve::P256, &mut world.randomness);
    assert_eq!(load(&mut terminal, &sign(&list(&world, 1), &key)), Err(LoadCrlResponseError::INVALID_SIGNATURE));
}

#[test]
fn verification_key_not_found() {
    let (_, _, mut terminal) = setup();
    let stranger = World::new(Curve::P256, "a stranger");
    let error = load_signed(&mut terminal, &stranger, &list(&stranger, 1));
    assert_eq!(error, Err(LoadCrlResponseError::VERIFICATION_KEY_NOT_FOUND));
}

#[test]
fn invalid_crl_format() {
    let (world, _, mut terminal) = setup();
    let expected = Err(LoadCrlResponseError::INVALID_CRL_FORMAT);
    assert_eq!(terminal.hex("BF3504A0020500").unwrap(), "BF3503810102", "no list at all");
    assert_eq!(terminal.hex("BF3502A000").unwrap(), "BF3503810102");
    let mut template = list(&world, 1);
    template.extensions.truncate(1);
    assert_eq!(load_signed(&mut terminal, &world, &template), expected, "no number");
    for (number, total) in [(0, 2), (3, 2), (1, 65)] {
        assert_eq!(load_signed(&mut terminal, &world, &part(&world, 1, number, total)), expected, "{number}/{total}");
    }
    let mut unknown = list(&world, 1);
    unknown.extensions.push(Extension::new(&[2, 999, 1], true, vec![5, 0]));
    assert_eq!(load_signed(&mut terminal, &world, &unknown), expected, "an unknown critical extension");
    assert_eq!(terminal.hex("BF3500").unwrap_err().0, 0x6A80, "no field");
    assert_eq!(terminal.hex("BF35023000").unwrap_err().0, 0x6A80, "another field");
}

#[test]
fn fresher_crl_already_loaded() {
    let (world, mut server, mut terminal) = setup();
    let crl = revoking(list(&world, 200), &server.auth.certificate);
    assert_eq!(load_signed(&mut terminal, &world, &crl), Ok(vec![]));
    for number in [0, 1, 127, 199] {
        let error = load_signed(&mut terminal, &world, &list(&world, number));
        assert_eq!(error, Err(LoadCrlResponseError::FRESHER_CRL_ALREADY_LOADED), "{number}");
    }
    assert_eq!(
        load_signed(&mut terminal, &world, &part(&world, 199, 1, 1)),
        Err(LoadCrlResponseError::FRESHER_CRL_ALREADY_LOADED)
    );
    assert_eq!(verdict(&mut terminal, &mut server), REVOKED);
    assert_eq!(load_signed(&mut terminal, &world, &crl), Ok(vec![]), "the same once more");
    assert_eq!(load_signed(&mut terminal, &world, &list(&world, 201)), Ok(vec![]));
    assert_eq!(verdict(&mut terminal, &mut server), Ok(()), "superseded");
    let mut longer = list(&world, 0);
    longer.extensions[1] = Extension::new(&[2, 5, 29, 20], false, vec![2, 2, 1, 0]);
    assert_eq!(load_signed(&mut terminal, &world, &longer), Ok(vec![]), "256 is more than 201");
    assert_eq!(
        load_signed(&mut terminal, &world, &list(&world, 255)),
        Err(LoadCrlResponseError::FRESHER_CRL_ALREADY_LOADED)
    );
}

#[test]
fn base_crl_missing() {
    let (world, _, mut terminal) = setup();
    let mut delta = list(&world, 2);
    delta.extensions.push(Extension::new(&[2, 5, 29, 27], true, vec![2, 1, 1]));
    assert_eq!(load_signed(&mut terminal, &world, &delta), Err(LoadCrlResponseError::BASE_CRL_MISSING));
    assert_eq!(load_signed(&mut terminal, &world, &list(&world, 1)), Ok(vec![]));
    assert_eq!(load_signed(&mut terminal, &world, &delta), Err(LoadCrlResponseError::INVALID_CRL_FORMAT));
    let forged = sign(&delta, &SecretKey::generate(Curve::P256, &mut World::p256().randomness));
    assert_eq!(load(&mut terminal, &forged), Err(LoadCrlResponseError::INVALID_SIGNATURE), "looked at first");
}

#[test]
fn not_enough_memory_space() {
    let mut world = World::p256();
    let credential = world.credential(World::eid(1));
    let state = Manufacture::new(vec![credential]).capacity(500).build(rust_crypto()).unwrap();
    let mut terminal = Terminal::new(state);
    let mut large = list(&world, 2);
    large.revoked = (0..30).map(|serial| (vec![1, serial], DAY)).collect();
    let small = sign(&list(&world, 1), &world.ci.key);
    assert_eq!(load(&mut terminal, &small), Ok(vec![]));
    assert_eq!(load_signed(&mut terminal, &world, &large), Err(LoadCrlResponseError::NOT_ENOUGH_MEMORY_SPACE));
    let info: EuiccInfo2 = decode(&terminal.es10(&[0xBF, 0x22, 0x00]).unwrap()).unwrap();
    let free = ExtCardResource::parse(&info.ext_card_resource).unwrap().free_non_volatile;
    assert_eq!(free as usize, 500 - small.der().len(), "the former list is still there, and counted");
    assert_eq!(load_signed(&mut terminal, &world, &list(&world, 3)), Ok(vec![]), "its room is free for its successor");
}

#[test]
fn parts_are_asked_for_until_all_are_there() {
    let (mut world, mut server, mut terminal) = setup();
    let (mut second, mut third) = (world.server(), world.server());
    let first = revoking(list(&world, 1), &third.auth.certificate);
    assert_eq!(load_signed(&mut terminal, &world, &first), Ok(vec![]));
    assert_eq!(load_signed(&mut terminal, &world, &part(&world, 2, 2, 3)), Ok(vec![1, 3]));
    assert_eq!(verdict(&mut terminal, &mut server), Ok(()), "nobody is refused for what is missing");
    assert_eq!(verdict(&mut terminal, &mut third), REVOKED, "the former list is still in force");
    let revoking_first = revoking(part(&world, 2, 1, 3), &server.auth.certificate);
    assert_eq!(load_signed(&mut terminal, &world, &revoking_first), Ok(vec![3]));
    assert_eq!(verdict(&mut terminal, &mut server), REVOKED, "a part revokes at once");
    assert_eq!(verdict(&mut terminal, &mut second), Ok(()));
    assert_eq!(
        load_signed(&mut terminal, &world, &part(&world, 2, 1, 4)),
        Err(LoadCrlResponseError::INVALID_CRL_FORMAT)
    );
    let revoking_third = revoking(part(&world, 2, 3, 3), &second.auth.certificate);
    assert_eq!(load_signed(&mut terminal, &world, &revoking_third), Ok(vec![]));
    assert_eq!(verdict(&mut terminal, &mut server), REVOKED);
    assert_eq!(verdict(&mut terminal, &mut second), REVOKED);
    assert_eq!(verdict(&mut terminal, &mut third), Ok(()), "the former list was superseded");
}

#[test]
fn parts_of_an_unfinished_list_go_when_a_fresher_one_begins() {
    let (world, mut server, mut terminal) = setup();
    let unfinished = revoking(part(&world, 2, 1, 2), &server.auth.certificate);
    assert_eq!(load_signed(&mut terminal, &world, &unfinished), Ok(vec![2]));
    assert_eq!(verdict(&mut terminal, &mut server), REVOKED);
    assert_eq!(load_signed(&mut terminal, &world, &part(&world, 3, 1, 2)), Ok(vec![2]));
    assert_eq!(verdict(&mut terminal, &mut server), Ok(()));
    assert_eq!(
        load_signed(&mut terminal, &world, &part(&world, 2, 2, 2)),
        Err(LoadCrlResponseError::FRESHER_CRL_ALREADY_LOADED)
    );
    assert_eq!(load_signed(&mut terminal, &world, &list(&world, 3)), Ok(vec![]), "the same number, but whole");
}

#[test]
fn lists_of_other_scopes_stand_beside_each_other() {
    let (world, mut server, mut terminal) = setup();
    let scoped = |number, scope: &[u8]| {
        let mut template = list(&world, number);
        template.extensions.push(Extension::new(&[2, 5, 29, 28], true, scope.to_vec()));
        template
    };
    let users = revoking(scoped(9, b"\x30\x03\x81\x01\xff"), &server.auth.certificate);
    assert_eq!(load_signed(&mut terminal, &world, &users), Ok(vec![]));
    assert_eq!(
        load_signed(&mut terminal, &world, &scoped(1, b"\x30\x03\x82\x01\xff")),
        Ok(vec![]),
        "not the same list"
    );
    assert_eq!(verdict(&mut terminal, &mut server), REVOKED);
}

#[test]
fn is_not_called_in_a_load() {
    let (world, mut server, mut terminal) = setup();
    let prepared = terminal.prepare(&mut server, None);
    let package = server.bind(World::eid(1), &prepared, &crate::server::Order::number(1));
    let segments = crate::terminal::segments(&package);
    assert_eq!(terminal.load_segments(&segments[..2]).unwrap(), None);
    assert_eq!(terminal.es10(&request(&sign(&list(&world, 1), &world.ci.key))).unwrap_err().0, 0x6985);
    assert!(terminal.load_segments(&segments[2..]).unwrap().is_some());
}

//! Discovery: which servers are asked, in which order, and what is made of what they say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rsp_asn1::*;
use rsp_crypto::Curve;
use rsp_es::client::{HttpRequest, HttpResponse, HttpTransport, Scheme, TransportError};
use rsp_es::es9plus::{
    AuthenticateClientRequest, Function, InitiateAuthenticationRequest, InitiateAuthenticationResponse, Request as _,
    Response as _, failure,
};
use rsp_es::es11::{AuthenticateClientResponse, EventEntry};
use rsp_es::status::StatusCode;
use rsp_lpa::{
    Blame, Cause, Discovery, Error, Interface, Lpa, Options, Servers, Step, Trust, WrongServer, device_info,
};
use rsp_pki::Role;

use crate::card::{FakeCard, signature};
use crate::pki::{NOW, Pki};
use crate::{Timeline, World, block_on};

/// What a host is: its role, and as an SM-DS its entries by the MatchingID that is asked for.
struct Host {
    role: Role,
    entries: HashMap<&'static str, Vec<(&'static str, &'static str)>>,
    refuses: Option<StatusCode>,
    other_transaction: bool,
}

/// All servers of a test. As in TLS, a transport reaches the hosts of its own role only, unless there is no TLS.
#[derive(Default)]
struct Internet {
    hosts: HashMap<&'static str, Host>,
    /// Host, function, and whether it was called by the rules for an SM-DS.
    calls: Mutex<Vec<(String, Function, bool)>>,
    /// MatchingIDs as the eUICC signed them.
    matching_ids: Mutex<Vec<Option<String>>>,
    plain: bool,
}

impl Internet {
    fn smdp(mut self, host: &'static str) -> Self {
        let role = Role::DpAuth;
        self.hosts.insert(host, Host { role, entries: HashMap::new(), refuses: None, other_transaction: false });
        self
    }

    fn smds(mut self, host: &'static str, matching_id: &'static str, entries: &[(&'static str, &'static str)]) -> Self {
        let host = self.hosts.entry(host).or_insert_with(|| Host {
            role: Role::DsAuth,
            entries: HashMap::new(),
            refuses: None,
            other_transaction: false,
        });
        host.entries.insert(matching_id, entries.to_vec());
        self
    }

    fn host(&mut self, host: &'static str) -> &mut Host {
        self.hosts.get_mut(host).unwrap()
    }

    /// Host and function of every call, the SM-DS's functions marked.
    fn calls(&self) -> Vec<String> {
        let calls = self.calls.lock().unwrap();
        calls
            .iter()
            .map(|(host, function, smds)| format!("{host} {function}{}", if *smds { " DS" } else { "" }))
            .collect()
    }
}

struct Way {
    internet: Arc<Internet>,
    smds: bool,
}

#[async_trait]
impl HttpTransport for Way {
    async fn post(&self, request: HttpRequest<'_>) -> Result<HttpResponse, TransportError> {
        let function = Function::ALL.into_iter().find(|function| function.path() == request.path).unwrap();
        let name = request.origin.host().to_owned();
        self.internet.calls.lock().unwrap().push((name.clone(), function, self.smds));
        let Some(host) = self.internet.hosts.get(name.as_str()) else {
            return Err(TransportError::Dns { host: name, source: std::io::ErrorKind::NotFound.into() });
        };
        if !self.internet.plain && self.smds != (host.role == Role::DsAuth) {
            return Err(TransportError::Certificate { host: name, reason: "of another role".to_owned() });
        }
        let answer = |text: String| Ok(HttpResponse { status: 200, body: text.into_bytes() });
        match function {
            Function::InitiateAuthentication => {
                let request = InitiateAuthenticationRequest::from_json(&request.body).unwrap();
                let transaction_id = TransactionId::from([7; 16]);
                let signed = ServerSigned1 {
                    transaction_id: transaction_id.clone(),
                    euicc_challenge: request.euicc_challenge,
                    server_address: request.smdp_address,
                    server_challenge: Octet16([9; 16]),
                    unknown: Unknown::default(),
                };
                let response = InitiateAuthenticationResponse {
                    transaction_id,
                    server_signed1: Raw::new(signed).unwrap(),
                    server_signature1: signature(),
                    euicc_ci_pk_id_to_be_used: SubjectKeyIdentifier(OctetString::from(vec![1; 20])),
                    server_certificate: Pki::get().certificate(Curve::P256, host.role),
                };
                answer(response.to_json())
            }
            Function::AuthenticateClient => {
                assert_eq!(host.role, Role::DsAuth, "an SM-DP+ is only asked what it is");
                if let Some(status) = &host.refuses {
                    return answer(failure(status));
                }
                let request = AuthenticateClientRequest::from_json(&request.body).unwrap();
                let AuthenticateServerResponse::Ok(ok) = request.authenticate_server_response.value() else {
                    return answer(failure(&StatusCode::EUICC_VERIFICATION_FAILED));
                };
                let CtxParams1::CommonAuthentication(context) = &ok.euicc_signed1.value().ctx_params1;
                self.internet.matching_ids.lock().unwrap().push(context.matching_id.clone());
                let entries = host.entries.get(context.matching_id.as_deref().unwrap_or_default());
                let entries = entries.into_iter().flatten().map(|(id, address)| EventEntry {
                    event_id: (*id).to_owned(),
                    rsp_server_address: (*address).to_owned(),
                });
                let transaction_id = match host.other_transaction {
                    true => TransactionId::from([8; 16]),
                    false => request.transaction_id,
                };
                answer(AuthenticateClientResponse { transaction_id, event_entries: entries.collect() }.to_json())
            }
            other => panic!("{other} is no function of an SM-DS"),
        }
    }
}

/// The outcome, and every step with its outcome.
fn discover(card: &mut FakeCard, internet: &Arc<Internet>, smds: Option<&str>) -> (Result<Discovery, Error>, Timeline) {
    let way = |smds| Arc::new(Way { internet: internet.clone(), smds });
    let servers = match internet.plain {
        true => Servers::new(way(false), Scheme::PlainHttp),
        false => Servers::new(way(false), Scheme::Https).with_smds(way(true)),
    };
    let anchors = Pki::get().anchors();
    let trust = Trust { anchors: &anchors, crls: &[], provider: rsp_crypto::rust_crypto(), now: NOW };
    let mut events = Timeline::default();
    let device = device_info(None).unwrap();
    let outcome = {
        let mut lpa = Lpa::open(card, &mut events, &Options::default()).unwrap();
        block_on(lpa.discover(&servers, smds, &device, &trust))
    };
    assert_eq!(card.open, 0, "the channel is given back");
    (outcome, events)
}

fn found(discovery: &Discovery) -> Vec<(&str, &str, &str)> {
    let events = discovery.events.iter();
    events.map(|event| (&*event.event_id, &*event.smdp_address, &*event.smds_address)).collect()
}

#[test]
fn asks_the_root_smds_of_the_euicc_and_finds_what_waits() {
    let internet = Internet::default().smdp("smdp.example.com").smds(
        "root.example.com",
        "",
        &[("EVENT-2", "smdp.example.com"), ("EVENT-1", "smdp.example.com:443")],
    );
    let internet = Arc::new(internet);
    let (outcome, events) = discover(&mut FakeCard::default(), &internet, None);
    let discovery = outcome.unwrap();
    assert_eq!(discovery.smds_address, "root.example.com");
    let expected =
        [("EVENT-2", "smdp.example.com", "root.example.com"), ("EVENT-1", "smdp.example.com:443", "root.example.com")];
    assert_eq!(found(&discovery), expected, "in the order of the registration");
    assert!(discovery.unresolved.is_empty());
    assert_eq!(
        internet.calls(),
        [
            "root.example.com InitiateAuthentication DS",
            "root.example.com AuthenticateClient DS",
            "smdp.example.com InitiateAuthentication",
            "smdp.example.com InitiateAuthentication",
        ]
    );
    assert_eq!(*internet.matching_ids.lock().unwrap(), [None], "the root is asked for everything");
    let steps: Vec<Step> = events.0.iter().map(|(step, _, _)| *step).collect();
    assert_eq!(
        steps[..7],
        [
            Step::SelectIsdr,
            Step::GetEuiccConfiguredAddresses,
            Step::GetEuiccInfo1,
            Step::GetEuiccChallenge,
            Step::InitiateAuthenticationAtSmds,
            Step::VerifyServer,
            Step::AuthenticateServer,
        ]
    );
    assert_eq!(steps[7], Step::AuthenticateClientAtSmds);
    assert_eq!(steps[7].to_string(), "ES11.AuthenticateClient");
    assert_eq!(steps[4].interface(), Interface::Es11);
    assert!(events.0[7].1 > 1000, "bytes are counted");
}

#[test]
fn an_smds_that_is_given_is_asked_instead() {
    let internet = Arc::new(Internet::default().smds("other.example.com", "", &[]));
    let mut card = FakeCard::default();
    card.root_ds_address = "";
    let discovery = discover(&mut card, &internet, Some("other.example.com")).0.unwrap();
    assert_eq!((discovery.smds_address.as_str(), discovery.events.len()), ("other.example.com", 0));
    assert_eq!(internet.calls().len(), 2);

    let error = discover(&mut card, &internet, None).0.unwrap_err();
    assert!(matches!(*error.cause, Cause::NoSmds), "{error}");
    assert_eq!(error.blame(), Blame::Input);
    let error = discover(&mut card, &internet, Some("https://other.example.com")).0.unwrap_err();
    assert!(matches!(*error.cause, Cause::Address(_)), "{error}");
}

/// The event of a cascade is asked for by its identifier, at an SM-DS that is only known as one by its certificate.
#[test]
fn follows_a_cascade_to_the_smdp() {
    for plain in [false, true] {
        let internet = Internet { plain, ..Internet::default() }
            .smdp("smdp.example.com")
            .smds("root.example.com", "", &[("CASCADED", "alternative.example.com"), ("DIRECT", "smdp.example.com")])
            .smds("alternative.example.com", "CASCADED", &[("FIRST", "smdp.example.com")]);
        let internet = Arc::new(internet);
        let discovery = discover(&mut FakeCard::default(), &internet, None).0.unwrap();
        let expected = [
            ("FIRST", "smdp.example.com", "alternative.example.com"),
            ("DIRECT", "smdp.example.com", "root.example.com"),
        ];
        assert_eq!(found(&discovery), expected);
        assert_eq!(*internet.matching_ids.lock().unwrap(), [None, Some("CASCADED".to_owned())]);
        let retries = internet.calls().iter().filter(|call| call.starts_with("alternative")).count();
        assert_eq!(retries, if plain { 2 } else { 3 }, "called as an SM-DP+ first");
    }
}

#[test]
fn the_root_smds_must_be_an_smds() {
    let internet = Internet::default().smdp("root.example.com");
    let error = discover(&mut FakeCard::default(), &Arc::new(internet), None).0.unwrap_err();
    assert!(matches!(*error.cause, Cause::Server(_)), "by its TLS certificate: {error}");

    let internet = Internet { plain: true, ..Internet::default() }.smdp("root.example.com");
    let (outcome, events) = discover(&mut FakeCard::default(), &Arc::new(internet), None);
    let error = outcome.unwrap_err();
    assert!(matches!(*error.cause, Cause::UntrustedServer(_)), "by what it signs with: {error}");
    assert_eq!(events.0.last().unwrap().0, Step::VerifyServer, "the eUICC does not meet it");
}

#[test]
fn an_event_that_leads_nowhere_does_not_hide_the_others() {
    let mut internet = Internet::default()
        .smdp("smdp.example.com")
        .smds(
            "root.example.com",
            "",
            &[
                ("A", "gone.example.com"),
                ("B", "https://evil.example.com/\u{1b}[2J"),
                ("C", "closed.example.com"),
                ("D", "smdp.example.com"),
            ],
        )
        .smds("closed.example.com", "C", &[]);
    internet.host("closed.example.com").refuses = Some(StatusCode::EVENT_RECORD_UNKNOWN);
    let discovery = discover(&mut FakeCard::default(), &Arc::new(internet), None).0.unwrap();
    assert_eq!(found(&discovery), [("D", "smdp.example.com", "root.example.com")]);
    let unresolved: Vec<_> = discovery.unresolved.iter().map(|event| (&*event.event_id, event.error.blame())).collect();
    assert_eq!(unresolved, [("A", Blame::Network), ("B", Blame::Input), ("C", Blame::Server)]);
    assert!(discovery.unresolved.iter().all(|event| !event.error.to_string().contains('\u{1b}')));
}

/// Two SM-DSs that point at each other, one that points at itself, and a chain without end.
#[test]
fn a_cascade_ends() {
    let internet = Internet::default()
        .smds("root.example.com", "", &[("A", "b.example.com"), ("A", "B.example.com"), ("R", "root.example.com")])
        .smds("root.example.com", "A", &[("A", "b.example.com")])
        .smds("root.example.com", "R", &[("R", "root.example.com")])
        .smds("b.example.com", "A", &[("A", "root.example.com")]);
    let internet = Arc::new(internet);
    let discovery = discover(&mut FakeCard::default(), &internet, None).0.unwrap();
    assert!(discovery.events.is_empty() && discovery.unresolved.is_empty());
    assert_eq!(internet.calls().iter().filter(|call| call.contains("AuthenticateClient")).count(), 4);

    let chain = ["E0", "E1", "E2", "E3", "E4", "E5", "E6"];
    let mut internet = Internet::default().smds("root.example.com", "", &[("E0", "root.example.com")]);
    for pair in chain.windows(2) {
        internet = internet.smds("root.example.com", pair[0], &[(pair[1], "root.example.com")]);
    }
    let discovery = discover(&mut FakeCard::default(), &Arc::new(internet), None).0.unwrap();
    assert_eq!(discovery.unresolved.len(), 1);
    assert!(matches!(*discovery.unresolved[0].error.cause, Cause::EndlessDiscovery));

    // More events than servers are asked: they are named all the same.
    let names: Vec<&'static str> = (0..100).map(|number| &*format!("E{number}").leak()).collect();
    let entries: Vec<_> = names.iter().map(|name| (*name, "smdp.example.com")).collect();
    let internet = Internet::default().smdp("smdp.example.com").smds("root.example.com", "", &entries);
    let discovery = discover(&mut FakeCard::default(), &Arc::new(internet), None).0.unwrap();
    assert_eq!((discovery.events.len(), discovery.unresolved.len()), (64, 36));
}

#[test]
fn an_answer_of_another_session_is_refused() {
    let mut internet = Internet::default().smds("root.example.com", "", &[]);
    internet.host("root.example.com").other_transaction = true;
    let error = discover(&mut FakeCard::default(), &Arc::new(internet), None).0.unwrap_err();
    assert!(matches!(*error.cause, Cause::WrongServer(WrongServer::TransactionId(_))), "{error}");
}

#[test]
fn the_smds_is_told_when_the_euicc_does_not_trust_it() {
    let internet = Arc::new(Internet::default().smds("root.example.com", "", &[]));
    let mut card = FakeCard::default();
    card.authenticate_error = Some(AuthenticateErrorCode::CI_PK_UNKNOWN);
    let error = discover(&mut card, &internet, None).0.unwrap_err();
    assert_eq!((error.step, error.blame()), (Step::AuthenticateServer, Blame::Card));
    assert_eq!(internet.calls().last().unwrap(), "root.example.com AuthenticateClient DS");
}

/// The event's identifier is the MatchingID at the SM-DP+.
#[test]
fn an_event_is_downloaded_by_its_identifier() {
    let internet =
        Internet::default().smdp("smdp.example.com").smds("root.example.com", "", &[("EVENT-1", "smdp.example.com")]);
    let discovery = discover(&mut FakeCard::default(), &Arc::new(internet), None).0.unwrap();
    let mut world = World::new();
    world.request = discovery.events[0].download_request(device_info(None).unwrap());
    world.download().unwrap();
    let asked: AuthenticateServerRequest = world.card.request([0xBF, 0x38]).unwrap();
    let CtxParams1::CommonAuthentication(context) = asked.ctx_params1;
    assert_eq!(context.matching_id.as_deref(), Some("EVENT-1"));
}

/// Nothing to name is nothing said: an empty MatchingID would mean the same, but is not what a default SM-DP+ is sent.
#[test]
fn a_download_without_a_matching_id_leaves_it_out() {
    let mut world = World::new();
    world.request = rsp_lpa::DownloadRequest::new("smdp.example.com", "", device_info(None).unwrap());
    world.download().unwrap();
    let asked: AuthenticateServerRequest = world.card.request([0xBF, 0x38]).unwrap();
    let CtxParams1::CommonAuthentication(context) = asked.ctx_params1;
    assert_eq!(context.matching_id, None);
}

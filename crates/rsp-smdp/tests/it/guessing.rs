//! Attacks on what is secret in an order: matching IDs, confirmation codes; and who gets nothing anyway.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, mpsc};

use rsp_asn1::{Octet32, Raw, VersionType};
use rsp_crypto::{
    Curve, Error as CryptoError, Provider, PublicKey, SecretKey, SharedSecret, Signature, Signer, aws_lc, hash,
};
use rsp_es::es9plus::AuthenticateClientResponse;
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;
use rsp_smdp::{Eligibility, GuessLimits, Rate, Settings, Throttle};
use rsp_store::ProfileState;

use crate::euicc::{TestEuicc, prepare_request};
use crate::server::{CODE, Server, Wanted, assert_refused, code};

fn another(server: &Server, number: u32) -> TestEuicc {
    TestEuicc::minted(server.pki, Curve::P256, &format!("890490320000000000000000000000{number:02}"))
}

fn from(address: &str) -> Caller {
    Caller { address: Some(address.parse::<IpAddr>().unwrap()), ..Caller::default() }
}

/// Asks for a matching ID from an address.
async fn asks(
    server: &Server,
    euicc: &TestEuicc,
    address: &str,
    matching_id: &str,
) -> Result<AuthenticateClientResponse, StatusCode> {
    let initiated = euicc.initiate(server).await;
    let request = euicc.authenticate_request(&initiated, Some(matching_id));
    server.es9().authenticate_client(&from(address), request).await
}

fn settings(guesses: GuessLimits) -> Settings {
    Settings { guesses, ..Settings::default() }
}

const WIDE: Rate = Rate { burst: 1_000_000, seconds: 1 };
const HERE: &str = "192.0.2.1";

/// Guesses of one test run; the long run sets the variable.
fn guesses() -> u32 {
    std::env::var("OPENRSP_GUESSES").map_or(10_000, |number| number.parse().unwrap())
}

#[tokio::test]
async fn atk_mid_bruteforce() {
    let server = Server::with_settings(Settings::default()).await;
    let (guesser, honest) = (server.euicc(Curve::P256), another(&server, 42));
    let order = server.order().await;
    let initiated = guesser.initiate(&server).await;
    let before = server.files();
    for number in 0..guesses() {
        // The clock stands, so that at most twenty of them are looked up.
        let request = guesser.authenticate_request(&initiated, Some(&format!("GUESS-{number}")));
        let answer = server.es9().authenticate_client(&from(HERE), request).await;
        assert_refused(answer, &StatusCode::MATCHING_ID_REFUSED);
    }
    // Nobody looks any more: the right one is refused like a wrong one.
    let answer = asks(&server, &guesser, HERE, &order.matching_id).await;
    assert_refused(answer, &StatusCode::MATCHING_ID_REFUSED);
    assert!(server.files() == before, "a guess left something behind");
    // One guess more every minute, however many there were; and then one in the next.
    server.advance_clock(60);
    assert_refused(asks(&server, &guesser, HERE, "GUESS").await, &StatusCode::MATCHING_ID_REFUSED);
    let answer = asks(&server, &guesser, HERE, &order.matching_id).await;
    assert_refused(answer, &StatusCode::MATCHING_ID_REFUSED);
    // Another eUICC is served all the time, even from the same address.
    asks(&server, &honest, HERE, &order.matching_id).await.unwrap();
}

#[tokio::test]
async fn who_was_throttled_is_served_when_the_bucket_has_room_again() {
    let per_eid = Rate { burst: 3, seconds: 60 };
    let server = Server::with_settings(settings(GuessLimits { per_address: WIDE, per_eid, per_second: 1_000 })).await;
    let euicc = server.euicc(Curve::P256);
    let order = server.order().await;
    for _ in 0..3 {
        assert_refused(asks(&server, &euicc, HERE, "GUESS").await, &StatusCode::MATCHING_ID_REFUSED);
    }
    // What is not looked up is no guess: it makes nothing worse.
    for _ in 0..10 {
        let answer = asks(&server, &euicc, HERE, &order.matching_id).await;
        assert_refused(answer, &StatusCode::MATCHING_ID_REFUSED);
    }
    // By EID one does not guess.
    assert_refused(euicc.try_authenticate(&server, None).await, &StatusCode::EID_REFUSED);
    server.advance_clock(60);
    asks(&server, &euicc, HERE, &order.matching_id).await.unwrap();
    // A right one is no guess either.
    for _ in 0..10 {
        asks(&server, &euicc, HERE, &order.matching_id).await.unwrap();
    }
}

#[tokio::test]
async fn an_address_is_throttled_whichever_euiccs_come_from_it() {
    let per_address = Rate { burst: 4, seconds: 5 };
    let server = Server::with_settings(settings(GuessLimits { per_address, per_eid: WIDE, per_second: 1_000 })).await;
    let order = server.order().await;
    for number in 0..4 {
        let answer = asks(&server, &another(&server, number), HERE, "GUESS").await;
        assert_refused(answer, &StatusCode::MATCHING_ID_REFUSED);
    }
    let euicc = server.euicc(Curve::P256);
    for address in [HERE, "::ffff:192.0.2.1"] {
        let answer = asks(&server, &euicc, address, &order.matching_id).await;
        assert_refused(answer, &StatusCode::MATCHING_ID_REFUSED);
    }
    asks(&server, &euicc, "192.0.2.2", &order.matching_id).await.unwrap();
    server.advance_clock(5);
    asks(&server, &euicc, HERE, &order.matching_id).await.unwrap();
}

#[tokio::test]
async fn all_together_are_throttled_for_a_second() {
    let server = Server::with_settings(settings(GuessLimits { per_address: WIDE, per_eid: WIDE, per_second: 3 })).await;
    let order = server.order().await;
    let euicc = server.euicc(Curve::P256);
    for number in 0..3 {
        let address = format!("192.0.2.{}", 10 + number);
        let answer = asks(&server, &another(&server, number), &address, "GUESS").await;
        assert_refused(answer, &StatusCode::MATCHING_ID_REFUSED);
    }
    let answer = asks(&server, &euicc, HERE, &order.matching_id).await;
    assert_refused(answer, &StatusCode::MATCHING_ID_REFUSED);
    server.advance_clock(1);
    asks(&server, &euicc, HERE, &order.matching_id).await.unwrap();
}

/// Stops where the eUICC's certificates are verified, once: its order has been looked up, and nothing was counted yet.
#[derive(Debug, Default)]
struct Stalling(Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>>);

impl Provider for Stalling {
    fn signer(&self, key: &SecretKey) -> Result<Arc<dyn Signer>, CryptoError> {
        aws_lc().signer(key)
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> Result<(), CryptoError> {
        let stall = self.0.lock().unwrap().take();
        if let Some((reached, go_on)) = stall {
            reached.send(()).unwrap();
            go_on.recv().unwrap();
        }
        aws_lc().verify(key, message, signature)
    }

    fn agree(&self, own: &SecretKey, peer: &PublicKey) -> Result<SharedSecret, CryptoError> {
        aws_lc().agree(own, peer)
    }
}

/// Guesses that are under way at the same time are no more than those that come one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn atk_mid_bruteforce_at_once() {
    let provider: &'static Stalling = Box::leak(Box::default());
    let per_eid = Rate { burst: 3, seconds: 60 };
    let settings = settings(GuessLimits { per_address: WIDE, per_eid, per_second: 1_000 });
    let wanted = Wanted { settings, provider: Some(provider), ..Wanted::default() };
    let server = Arc::new(Server::with(wanted).await);
    let order = server.order().await;
    for wrong in [3, 2] {
        let euicc = another(&server, wrong);
        let request = euicc.authenticate_request(&euicc.initiate(&server).await, Some(&order.matching_id));
        let ((reached, is_reached), (let_go, go_on)) = (mpsc::channel(), mpsc::channel());
        *provider.0.lock().unwrap() = Some((reached, go_on));
        let task = tokio::spawn({
            let server = Arc::clone(&server);
            async move { server.es9().authenticate_client(&from(HERE), request).await }
        });
        is_reached.recv().unwrap();
        for _ in 0..wrong {
            assert_refused(asks(&server, &euicc, HERE, "GUESS").await, &StatusCode::MATCHING_ID_REFUSED);
        }
        let_go.send(()).unwrap();
        match (task.await.unwrap(), wrong) {
            (answer, 3) => assert_refused(answer, &StatusCode::MATCHING_ID_REFUSED),
            // With one guess left, the right one is served.
            (answer, _) => drop(answer.unwrap()),
        }
    }
}

#[tokio::test]
async fn guesses_at_another_endpoint_of_the_server_count() {
    let throttle = || {
        let per_eid = Rate { burst: 3, seconds: 60 };
        Arc::new(Throttle::new(GuessLimits { per_address: WIDE, per_eid, per_second: 1_000 }))
    };
    for (one, two, served) in [(throttle(), throttle(), true), (throttle(), throttle(), false)] {
        let shared = if served { two } else { Arc::clone(&one) };
        let server = Server::new().await.with_throttle(one);
        let euicc = server.euicc(Curve::P256);
        let order = server.order().await;
        for _ in 0..3 {
            assert_refused(asks(&server, &euicc, HERE, "GUESS").await, &StatusCode::MATCHING_ID_REFUSED);
        }
        let server = server.with_throttle(shared);
        let answer = asks(&server, &euicc, HERE, &order.matching_id).await;
        if served {
            answer.unwrap();
        } else {
            assert_refused(answer, &StatusCode::MATCHING_ID_REFUSED);
        }
    }
}

/// Whoever cannot sign for an eUICC cannot spend its guesses.
#[tokio::test]
async fn a_forger_does_not_lock_out_the_euicc_that_it_names() {
    let per_eid = Rate { burst: 3, seconds: 60 };
    let server = Server::with_settings(settings(GuessLimits { per_address: WIDE, per_eid, per_second: 1_000 })).await;
    let (euicc, forger) = (server.euicc(Curve::P256), another(&server, 1));
    let order = server.order().await;
    for _ in 0..10 {
        let initiated = euicc.initiate(&server).await;
        let mut ok = euicc.authenticate_ok(euicc.signed1(&initiated, Some("GUESS")));
        ok.euicc_signature1 = forger.sign(ok.euicc_signed1.bytes());
        let request = crate::euicc::authenticate_request(&initiated.transaction_id, ok);
        let answer = server.es9().authenticate_client(&from(HERE), request).await;
        assert_refused(answer, &StatusCode::EUICC_VERIFICATION_FAILED);
    }
    asks(&server, &euicc, HERE, &order.matching_id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn atk_code_race() {
    let server = Arc::new(Server::new().await);
    let order = server.order().await;
    let euiccs: Vec<_> = (0..64).map(|number| another(&server, number)).collect();
    let tasks: Vec<_> = euiccs
        .into_iter()
        .map(|euicc| {
            let (server, matching_id) = (Arc::clone(&server), order.matching_id.clone());
            tokio::spawn(async move {
                let authenticated = euicc.try_authenticate(&server, Some(&matching_id)).await?;
                euicc.try_prepare(&server, &authenticated, None).await.map(|_| euicc.eid)
            })
        })
        .collect();
    let mut winners = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(eid) => winners.push(eid),
            Err(status) => {
                let expected = [StatusCode::EID_REFUSED, StatusCode::MATCHING_ID_REFUSED];
                assert!(expected.iter().any(|code| status.is(code)), "{status}");
            }
        }
    }
    assert_eq!(winners, [server.profile(&order).await.eid.unwrap()]);
    assert_eq!(server.profile(&order).await.download_tries, 1);
}

/// Whoever sees hashCc and transactionId finds a short code by trying; it is worth nothing to another eUICC.
#[tokio::test]
async fn atk_cc_offline_hash() {
    let server = Server::new().await;
    let (euicc, thief) = (server.euicc(Curve::P256), another(&server, 1));
    let order = server.order_with(|order| order.confirmation_code = Some(code())).await;
    let authenticated = euicc.authenticate(&server, &order.matching_id).await;
    let overheard = euicc.signed2(&authenticated, Some(CODE)).hash_cc.unwrap();

    // The search, with the code among the candidates.
    let found = ["0000", CODE].into_iter().find(|candidate| {
        let inner = hash::sha256(candidate.as_bytes());
        hash::sha256(&[inner.as_slice(), authenticated.transaction_id.as_bytes()].concat()) == overheard.0
    });
    assert_eq!(found, Some(CODE));
    assert_refused(thief.try_authenticate(&server, Some(&order.matching_id)).await, &StatusCode::EID_REFUSED);
    // In the session of the other it cannot sign.
    let answer = thief.try_prepare(&server, &authenticated, found).await;
    assert_refused(answer, &StatusCode::EUICC_VERIFICATION_FAILED);
    // The hash is worth nothing in another session.
    let next = euicc.authenticate(&server, &order.matching_id).await;
    let mut signed = euicc.signed2(&next, None);
    signed.hash_cc = Some(overheard);
    let replayed = prepare_request(&next.transaction_id, euicc.prepare_ok(&next, signed));
    let answer = server.es9().get_bound_profile_package(&Caller::default(), replayed).await;
    assert_refused(answer, &StatusCode::CONFIRMATION_CODE_REFUSED);
    euicc.try_prepare(&server, &authenticated, Some(CODE)).await.unwrap();
}

/// Counts what it is asked for.
#[derive(Debug)]
struct Counting {
    counts: Arc<Mutex<BTreeMap<&'static str, u32>>>,
}

impl Counting {
    fn count(&self, what: &'static str) {
        *self.counts.lock().unwrap().entry(what).or_default() += 1;
    }
}

struct CountingSigner(Arc<dyn Signer>, Arc<Mutex<BTreeMap<&'static str, u32>>>);

impl Signer for CountingSigner {
    fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, CryptoError> {
        *self.1.lock().unwrap().entry("sign").or_default() += 1;
        self.0.sign(message)
    }
}

impl Provider for Counting {
    fn signer(&self, key: &SecretKey) -> Result<Arc<dyn Signer>, CryptoError> {
        Ok(Arc::new(CountingSigner(aws_lc().signer(key)?, Arc::clone(&self.counts))))
    }

    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> Result<(), CryptoError> {
        self.count("verify");
        aws_lc().verify(key, message, signature)
    }

    fn agree(&self, own: &SecretKey, peer: &PublicKey) -> Result<SharedSecret, CryptoError> {
        self.count("agree");
        aws_lc().agree(own, peer)
    }
}

#[tokio::test]
async fn atk_timing_cc_mid() {
    let provider: &'static Counting = Box::leak(Box::new(Counting { counts: Arc::default() }));
    let taken = || std::mem::take(&mut *provider.counts.lock().unwrap());
    let per_eid = Rate { burst: 100, seconds: 60 };
    let guesses = GuessLimits { per_address: WIDE, per_eid, per_second: 1_000 };
    let server = Server::with(Wanted {
        settings: Settings { confirmation_code_limit: 10, ..settings(guesses) },
        provider: Some(provider),
        ..Wanted::default()
    })
    .await;
    server.import(true).await;
    let (euicc, other) = (server.euicc(Curve::P256), another(&server, 1));
    let place = async |change: &dyn Fn(&mut rsp_smdp::NewOrder)| {
        let mut order = crate::server::new_order();
        change(&mut order);
        server.orders.order(order).await.unwrap()
    };
    let others = place(&|order| order.eid = Some(other.eid)).await;
    let installed = place(&|order| {
        order.eid = Some(euicc.eid);
        order.state = ProfileState::Installed;
    })
    .await;
    let withdrawn = place(&|_| {}).await;
    server.orders.cancel(&withdrawn.iccid, true).await.unwrap();
    // Certificates are remembered: the first time is not like the others.
    euicc.try_authenticate(&server, Some("UNKNOWN")).await.unwrap_err();

    // Matching IDs: another's, one that is used up, one of an order that is over, and those that never were.
    let nearly = format!("{}A", &others.matching_id[..25]);
    let ids = [&others.matching_id, &installed.matching_id, &withdrawn.matching_id, &nearly, "X", "UNKNOWN"];
    let mut seen = BTreeSet::new();
    for id in ids {
        let initiated = euicc.initiate(&server).await;
        let request = euicc.authenticate_request(&initiated, Some(id));
        taken();
        let before = server.files();
        server.es9().authenticate_client(&Caller::default(), request).await.unwrap_err();
        assert!(server.files() == before, "{id}");
        seen.insert(taken());
    }
    assert_eq!(seen, BTreeSet::from([BTreeMap::from([("verify", 2)])]));

    // Confirmation codes: right and wrong in the first or in the last octet of what is compared. What is done before the
    // code is looked at is the same; a wrong one is told at once, and costs no more for being nearly right.
    let order = place(&|order| order.confirmation_code = Some(code())).await;
    let mut wrong = BTreeSet::new();
    for octet in [Some(0), Some(15), Some(31), None] {
        let authenticated = euicc.authenticate(&server, &order.matching_id).await;
        let mut signed = euicc.signed2(&authenticated, Some(CODE));
        let hash = signed.hash_cc.take().unwrap();
        signed.hash_cc = Some(match octet {
            Some(octet) => {
                let mut altered = hash.0;
                altered[octet] ^= 1;
                Octet32(altered)
            }
            None => hash,
        });
        let request = prepare_request(&authenticated.transaction_id, euicc.prepare_ok(&authenticated, signed));
        taken();
        let answer = server.es9().get_bound_profile_package(&Caller::default(), request).await;
        match octet {
            Some(_) => {
                assert_refused(answer, &StatusCode::CONFIRMATION_CODE_REFUSED);
                wrong.insert(taken());
            }
            None => {
                answer.unwrap();
                let right = taken();
                assert_eq!((right["verify"], right["sign"], right["agree"]), (1, 1, 1));
            }
        }
    }
    assert_eq!(wrong, BTreeSet::from([BTreeMap::from([("verify", 1)])]));
}

#[tokio::test]
async fn devices_of_a_blocked_type_get_no_profile() {
    // The test eUICC's device: 53 92 60 11 as digits.
    let blocked =
        |tac| Eligibility { blocked_tacs: BTreeSet::from([Eligibility::tac(tac).unwrap()]), ..Eligibility::default() };
    for (tac, served) in [("53926011", false), ("35290611", true)] {
        let settings = Settings { eligibility: blocked(tac), ..Settings::default() };
        let server = Server::with_settings(settings).await;
        let order = server.order().await;
        let euicc = server.euicc(Curve::P256);
        let answer = euicc.try_authenticate(&server, Some(&order.matching_id)).await;
        if served {
            answer.unwrap();
        } else {
            assert_refused(answer, &StatusCode::PROFILE_TYPE_NOT_ELIGIBLE);
            // A refusal locks the order to nobody.
            assert_eq!(server.profile(&order).await.eid, None);
        }
    }
    assert_eq!(Eligibility::tac("35290611"), Some([0x53, 0x92, 0x60, 0x11]));
    for bad in ["", "3529061", "352906111", "3529061A"] {
        assert_eq!(Eligibility::tac(bad), None);
    }
}

#[tokio::test]
async fn euiccs_of_too_high_a_version_get_no_profile() {
    let eligibility = Eligibility { maximum_svn: Some(VersionType([2, 6, 0])), ..Eligibility::default() };
    let server = Server::with_settings(Settings { eligibility, ..Settings::default() }).await;
    let order = server.order().await;
    let mut euicc = server.euicc(Curve::P256);
    // What the eUICC says of itself before it has to sign it.
    for (svn, served) in [([2, 6, 1], false), ([2, 7, 0], false), ([2, 6, 0], true), ([2, 2, 9], true)] {
        let mut request = euicc.initiate_request();
        let mut info = request.euicc_info1.value().clone();
        info.svn = VersionType(svn);
        request.euicc_info1 = Raw::new(info).unwrap();
        match server.es9().initiate_authentication(&Caller::default(), request).await {
            Ok(_) => assert!(served, "{svn:?}"),
            refused => {
                assert!(!served, "{svn:?}");
                assert_refused(refused, &StatusCode::SMDP_SVN_UNSUPPORTED);
            }
        }
    }
    // And what it signs.
    for (svn, served) in [([2, 6, 1], false), ([2, 6, 0], true)] {
        let initiated = euicc.initiate(&server).await;
        euicc.info2.svn = VersionType(svn);
        let request = euicc.authenticate_request(&initiated, Some(&order.matching_id));
        let answer = server.es9().authenticate_client(&Caller::default(), request).await;
        if served {
            answer.unwrap();
        } else {
            assert_refused(answer, &StatusCode::PROFILE_TYPE_NOT_ELIGIBLE);
        }
        euicc.info2.svn = VersionType([2, 6, 0]);
    }
}

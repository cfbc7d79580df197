//! Everything that can happen to one order, at the same time (attack `atk_order_race`).
//!
//! What operators and devices do is made of steps: read and decide, then write in a transaction that takes effect whole or
//! not at all. Between two steps others may do theirs. The scheduler here holds all of them as futures and decides, from a
//! seed, who takes the next step: the server's own code runs, nothing of it is modelled, and each schedule can be repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};

use rsp_asn1::{CancelSessionReason, Eid, ErrorReason, Iccid, NotificationEvent, StoreMetadataRequest};
use rsp_crypto::{Curve, Zeroizing};
use rsp_es::es2plus::{CancelOrderRequest, ConfirmOrderRequest, DownloadOrderRequest, FinalProfileStatus};
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;

use rsp_smdp::order::{Event, transition};
use rsp_smdp::{Courier as _, GuessLimits, Rate, Settings};
use rsp_store::{NewProfile, OrderPolicy, ProfileEvent, ProfileState};

use crate::euicc::TestEuicc;
use crate::operator::{ALPHA, Lab, SMDS, caller, iccid, inaccessible, secret};
use crate::server::NOW;

/// Schedules of one test run; the long run sets the variable.
fn schedules() -> u64 {
    std::env::var("OPENRSP_SCHEDULES").map_or(1_000, |number| number.parse().unwrap())
}

/// Schedules on one database.
const OF_ONE_DATABASE: u64 = 2_000;
const LIMIT: u32 = 2;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 1
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// What one participant does.
#[derive(Debug, Clone, Copy, Hash)]
enum Deed {
    Download {
        for_euicc: Option<usize>,
    },
    Confirm {
        name: usize,
        release: bool,
        event: bool,
        code: bool,
        for_euicc: Option<usize>,
    },
    Release,
    Cancel {
        available: bool,
    },
    Device {
        euicc: usize,
        asks: Asks,
        code: Code,
        ends: Ends,
    },
    Delete {
        euicc: usize,
    },
    Sweep,
    /// What carries the messages that wait.
    Deliver,
    Smds {
        fails: bool,
    },
}

#[derive(Debug, Clone, Copy, Hash)]
enum Asks {
    ByName(usize),
    ByEid,
}

#[derive(Debug, Clone, Copy, Hash)]
enum Code {
    None,
    Right,
    Wrong,
}

/// What a device does after it asked for the package.
#[derive(Debug, Clone, Copy, Hash)]
enum Ends {
    Silence,
    AsksAgain,
    Installs,
    FailsForNow,
    FailsForGood,
    Rejects,
    Postpones,
}

impl Deed {
    fn any(dice: &mut Dice) -> Self {
        let code = dice.flip();
        match dice.below(20) {
            0 => Self::Download { for_euicc: dice.of(&[None, Some(0)]) },
            1 | 2 => Self::confirmation(dice, code),
            3 | 4 => Self::Release,
            5 => Self::Cancel { available: dice.flip() },
            6 => Self::Delete { euicc: dice.below(2) },
            7 => Self::Sweep,
            8 | 9 => Self::Deliver,
            10 => Self::Smds { fails: dice.flip() },
            _ => Self::Device {
                euicc: dice.of(&[0, 0, 0, 1]),
                asks: dice.of(&[Asks::ByName(0), Asks::ByName(0), Asks::ByName(0), Asks::ByName(1), Asks::ByEid]),
                code: dice.of(&[Code::None, Code::Right, Code::Right, Code::Wrong]),
                ends: dice.of(&[
                    Ends::Silence,
                    Ends::AsksAgain,
                    Ends::Installs,
                    Ends::Installs,
                    Ends::FailsForNow,
                    Ends::FailsForGood,
                    Ends::Rejects,
                    Ends::Postpones,
                ]),
            },
        }
    }

    fn confirmation(dice: &mut Dice, code: bool) -> Self {
        let event = dice.flip();
        let for_euicc = if event { Some(0) } else { dice.of(&[None, Some(0)]) };
        Self::Confirm { name: dice.below(2), release: dice.flip(), event, code, for_euicc }
    }
}

/// One order of one database, and what was seen of it.
struct Arena<'a> {
    lab: &'a Lab,
    euiccs: &'a [TestEuicc; 2],
    iccid: Iccid,
    number: u64,
    sequence: &'a AtomicU64,
    /// Who got a package, and how often the profile had been deleted from an eUICC before.
    delivered: Mutex<Vec<(Eid, usize)>>,
    answers: Mutex<Vec<String>>,
}

impl Arena<'_> {
    fn name(&self, name: usize) -> String {
        format!("RACE-{}-{name}", self.number)
    }

    fn noted<T>(&self, what: &str, answer: Result<T, StatusCode>) -> Option<T> {
        let said = match &answer {
            Ok(_) => format!("{what}: ok"),
            Err(code) => format!("{what}: {}/{}", code.subject, code.reason),
        };
        // Nobody is told that too much happens at once, nor anything else that is the server's own fault.
        let internal = answer.as_ref().err().is_some_and(|code| code.is(&StatusCode::FUNCTION_EXECUTION_ERROR));
        assert!(!internal, "{said}");
        self.answers.lock().unwrap().push(said);
        answer.ok()
    }

    async fn perform(&self, deed: Deed) {
        let (alpha, lab, iccid) = (caller(ALPHA), self.lab, self.iccid);
        match deed {
            Deed::Download { for_euicc } => {
                let eid = for_euicc.map(|number| self.euiccs[number].eid);
                let request = DownloadOrderRequest { eid, ..lab.download(iccid) };
                self.noted("DownloadOrder", lab.es2().download_order(&alpha, request).await);
            }
            Deed::Confirm { name, release, event, code, for_euicc } => {
                let request = ConfirmOrderRequest {
                    eid: for_euicc.map(|number| self.euiccs[number].eid),
                    matching_id: Some(self.name(name)),
                    confirmation_code: if code { secret("4711") } else { None },
                    smds_address: event.then(|| SMDS.to_owned()),
                    release_flag: release,
                    ..lab.confirm(iccid)
                };
                self.noted("ConfirmOrder", lab.es2().confirm_order(&alpha, request).await);
            }
            Deed::Release => {
                self.noted("ReleaseProfile", lab.es2().release_profile(&alpha, lab.release(iccid)).await);
            }
            Deed::Cancel { available } => {
                let eid = lab.find(iccid).await.eid;
                let status = if available { FinalProfileStatus::Available } else { FinalProfileStatus::Unavailable };
                let final_profile_status_indicator = Some(status);
                let request = CancelOrderRequest { eid, final_profile_status_indicator, ..lab.cancel(iccid) };
                self.noted("CancelOrder", lab.es2().cancel_order(&alpha, request).await);
            }
            Deed::Device { euicc, asks, code, ends } => {
                self.device(&self.euiccs[euicc], asks, code, ends).await;
            }
            Deed::Delete { euicc } => {
                let sequence = self.sequence.fetch_add(1, Ordering::SeqCst);
                let request = self.euiccs[euicc].notification(sequence, NotificationEvent::DELETE, iccid);
                self.noted("deletion", lab.es9().handle_notification(&Caller::default(), request).await);
            }
            Deed::Sweep => {
                lab.smdp.sweep().await.unwrap();
            }
            Deed::Deliver => {
                for message in lab.store.claim_messages(NOW, NOW.plus_seconds(60), 10).await.unwrap() {
                    match lab.courier.deliver(&message).await {
                        Ok(()) => lab.store.message_delivered(&message).await.unwrap(),
                        Err(why) => lab.store.message_failed(&message, NOW, &why.to_string()).await.unwrap(),
                    }
                }
            }
            Deed::Smds { fails } => lab.courier.fails(if fails { inaccessible() } else { None }),
        }
    }

    async fn device(&self, euicc: &TestEuicc, asks: Asks, code: Code, ends: Ends) {
        let (lab, nobody) = (self.lab, Caller::default());
        let matching_id = match asks {
            Asks::ByName(name) => Some(self.name(name)),
            Asks::ByEid => None,
        };
        let answer = euicc.try_authenticate(lab, matching_id.as_deref()).await;
        let Some(authenticated) = self.noted("AuthenticateClient", answer) else { return };
        assert_eq!(authenticated.profile_metadata.value().iccid, self.iccid);
        let code = match code {
            Code::None => None,
            Code::Right => Some("4711"),
            Code::Wrong => Some("0"),
        };
        let request = euicc.prepare_request(&authenticated, code);
        let session = &authenticated.transaction_id;
        let asked = lab.es9().get_bound_profile_package(&nobody, request.clone()).await;
        if self.noted("GetBoundProfilePackage", asked).is_some() {
            let events = lab.store.profile_events(&self.iccid).await.unwrap();
            let deleted = events.iter().filter(|event| event.to == ProfileState::Deleted).count();
            self.delivered.lock().unwrap().push((euicc.eid, deleted));
        }
        let reason = match ends {
            Ends::Silence => return,
            Ends::AsksAgain => {
                let again = lab.es9().get_bound_profile_package(&nobody, request).await;
                self.noted("GetBoundProfilePackage again", again);
                return;
            }
            Ends::Rejects | Ends::Postpones => {
                let reason = match ends {
                    Ends::Rejects => CancelSessionReason::END_USER_REJECTION,
                    _ => CancelSessionReason::POSTPONED,
                };
                let request = euicc.cancel_request(session, reason);
                self.noted("CancelSession", lab.es9().cancel_session(&nobody, request).await);
                return;
            }
            Ends::Installs => None,
            Ends::FailsForNow => Some(ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION),
            Ends::FailsForGood => Some(ErrorReason(12)),
        };
        let sequence = self.sequence.fetch_add(1, Ordering::SeqCst);
        let request = euicc.result(session, sequence, self.iccid, reason);
        self.noted("result", lab.es9().handle_notification(&nobody, request).await);
    }
}

/// Whether some event moves an order of this policy from here to there.
pub(crate) fn is_move(policy: OrderPolicy, from: ProfileState, to: ProfileState) -> bool {
    Event::ALL.into_iter().any(|event| transition(from, policy, event) == Ok(to))
}

/// The log of a profile is a walk through the states that the transition function allows.
pub(crate) fn check_log(events: &[ProfileEvent], policies: &[OrderPolicy]) {
    assert_eq!((events[0].from, events[0].to), (None, ProfileState::Available));
    for pair in events.windows(2) {
        let (from, to) = (pair[1].from.unwrap(), pair[1].to);
        assert_eq!(from, pair[0].to, "the log has a gap");
        assert!(pair[0].version < pair[1].version);
        assert!(policies.iter().any(|policy| is_move(*policy, from, to)), "{from} to {to}");
    }
}

/// Lets everybody take steps until all are through; says who took each.
///
/// What the server does on its own goes on between two steps, as far as it can.
async fn interleave<'a>(mut deeds: Vec<Pin<Box<dyn Future<Output = ()> + 'a>>>, dice: &mut Dice) -> Vec<usize> {
    let mut context = Context::from_waker(Waker::noop());
    let mut turns = Vec::new();
    while !deeds.is_empty() {
        let next = dice.below(deeds.len());
        turns.push(next);
        assert!(turns.len() < 100_000, "nobody gets on");
        if deeds[next].as_mut().poll(&mut context).is_ready() {
            drop(deeds.swap_remove(next));
        }
        tokio::task::yield_now().await;
    }
    turns
}

async fn lab() -> Lab {
    // The clock stands: nobody would be forgiven a wrong matching ID.
    let wide = Rate { burst: u32::MAX, seconds: 1 };
    let guesses = GuessLimits { per_address: wide, per_eid: wide, per_second: u32::MAX };
    let settings = Settings { guesses, download_limit: LIMIT, confirmation_code_limit: LIMIT, ..Settings::default() };
    let lab = Lab::with(settings, Some(3_600)).await;
    lab.one().await;
    lab
}

/// How often each answer was given.
type Answers = BTreeMap<String, u64>;

/// One schedule: a beginning that is over, then deeds at the same time. Says what happened, as a number.
async fn schedule(lab: &Lab, euiccs: &[TestEuicc; 2], sequence: &AtomicU64, number: u64, seen: &mut Answers) -> u64 {
    let mut dice = Dice(number);
    let dice = &mut dice;
    let iccid = iccid(890_010_120_100_000_000 + number);
    let of_type = lab.store.profile_type("alpha").await.unwrap().unwrap().metadata;
    let mut metadata: StoreMetadataRequest = rsp_asn1::decode(&of_type).unwrap();
    metadata.iccid = iccid;
    let metadata = rsp_asn1::encode(&metadata).unwrap();
    lab.store
        .run_tx("fixture", move |tx| {
            tx.insert_profile(&NewProfile {
                iccid,
                profile_type: "alpha".to_owned(),
                operator: Some(ALPHA.to_owned()),
                state: ProfileState::Available,
                metadata: metadata.clone(),
                package: Zeroizing::new(vec![0xA0; 32]),
                at: NOW,
                by: "fixture".to_owned(),
            })
        })
        .await
        .unwrap();
    let (delivered, answers) = (Mutex::default(), Mutex::default());
    let arena = Arena { lab, euiccs, iccid, number, sequence, delivered, answers };
    let fails = dice.below(4) == 0;
    lab.courier.carried.lock().unwrap().clear();

    // The beginning.
    lab.courier.fails(None);
    let (code, event) = (dice.flip(), dice.flip());
    let beginning = [
        Deed::Download { for_euicc: dice.of(&[None, Some(0)]) },
        Deed::Confirm { name: 0, release: false, event, code, for_euicc: event.then_some(0) },
        Deed::Release,
        Deed::Device { euicc: 0, asks: Asks::ByName(0), code: Code::Right, ends: Ends::Silence },
    ];
    let begun = dice.of(&[0, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4]);
    for deed in &beginning[..begun] {
        arena.perform(*deed).await;
    }

    // All at once.
    lab.courier.fails(if fails { inaccessible() } else { None });
    let deeds: Vec<_> = (0..3 + dice.below(4)).map(|_| Deed::any(dice)).collect();
    let futures =
        deeds.iter().map(|deed| Box::pin(arena.perform(*deed)) as Pin<Box<dyn Future<Output = ()>>>).collect();
    let turns = interleave(futures, dice).await;

    let fails = fails || deeds.iter().any(|deed| matches!(deed, Deed::Smds { .. }));
    check(&arena, fails).await;
    for answer in arena.answers.lock().unwrap().drain(..) {
        *seen.entry(answer).or_default() += 1;
    }
    // Out of the way of those who ask by EID.
    lab.store
        .run_tx("fixture", move |tx| {
            let profile = tx.profile(&iccid)?.unwrap();
            let mut change = profile.change("fixture", NOW);
            (change.state, change.eid, change.matching_id) = (ProfileState::Unavailable, None, None);
            tx.change_profile(&change)
        })
        .await
        .unwrap();
    let mut hasher = DefaultHasher::new();
    (begun, code, event, fails, &deeds, turns).hash(&mut hasher);
    hasher.finish()
}

async fn check(arena: &Arena<'_>, fails: bool) {
    let (lab, iccid) = (arena.lab, arena.iccid);
    let found = lab.find(iccid).await;
    let events = lab.store.profile_events(&iccid).await.unwrap();
    let answers = arena.answers.lock().unwrap().clone();
    let context = || format!("schedule {}: {answers:#?}", arena.number);
    check_log(&events, &[OrderPolicy::OneTime]);
    assert_eq!(events.last().unwrap().to, found.state);
    assert!(found.download_tries <= LIMIT && found.confirmation_tries <= LIMIT, "{}", context());

    let delivered = arena.delivered.lock().unwrap().clone();
    let mut owners = BTreeMap::<usize, BTreeSet<Eid>>::new();
    for (eid, deleted) in delivered.iter() {
        owners.entry(*deleted).or_default().insert(*eid);
    }
    assert!(owners.values().all(|eids| eids.len() == 1), "two eUICCs have the profile; {}", context());

    // A matching ID names one order for ever, unless its release was taken back before anybody knew it.
    if !fails {
        let orders = events.iter().filter(|event| event.from == Some(ProfileState::Available)).count();
        let confirmed = events
            .iter()
            .filter(|event| matches!(event.from, Some(ProfileState::Allocated | ProfileState::Linked)))
            .filter(|event| matches!(event.to, ProfileState::Confirmed | ProfileState::Released))
            .count();
        assert!(confirmed <= 2 && confirmed <= orders, "{}", context());
    }

    // When everything has arrived, in the order in which it did, the SM-DS has the event of an order that can be
    // downloaded, and no other.
    let mut arrived = lab.courier.carried.lock().unwrap().clone();
    arrived.extend(lab.outbox().await);
    let mut events = BTreeSet::new();
    for sent in arrived.iter().filter(|sent| sent.recipient == SMDS) {
        let json = sent.json();
        let id = json["eventId"].as_str().unwrap().to_owned();
        match sent.name() {
            "registerEvent" => events.insert(id),
            _ => events.remove(&id),
        };
    }
    let offered = matches!(found.state, ProfileState::Released | ProfileState::Downloaded);
    let alive = found.matching_id.clone().filter(|_| offered && found.smds_address.is_some());
    let told: Vec<_> = arrived.iter().map(|sent| (sent.name(), &sent.body)).collect();
    assert_eq!(events, alive.into_iter().collect(), "{} {told:#?}", context());

    // And what its operator is told has identifiers of its own.
    let told: BTreeSet<_> =
        arrived.iter().filter(|sent| sent.recipient != SMDS).map(|sent| sent.body.clone()).collect();
    let call = |body: &String| serde_json::from_str::<serde_json::Value>(body).unwrap()["header"].to_string();
    assert_eq!(told.iter().map(call).collect::<BTreeSet<_>>().len(), told.len());
}

#[tokio::test]
async fn atk_order_race() {
    let (mut distinct, mut seen) = (BTreeSet::new(), Answers::new());
    let sequence = AtomicU64::new(1);
    let mut shared = None;
    for number in 0..schedules() {
        if number % OF_ONE_DATABASE == 0 {
            let lab = lab().await;
            let other = TestEuicc::minted(lab.pki, Curve::P256, "89049032000000000000000000000042");
            let euiccs = [lab.euicc(Curve::P256), other];
            shared = Some((lab, euiccs));
        }
        let (lab, euiccs) = shared.as_ref().unwrap();
        distinct.insert(schedule(lab, euiccs, &sequence, number, &mut seen).await);
    }
    println!("{} schedules, {} of them distinct: {seen:#?}", schedules(), distinct.len());
    assert!(distinct.len() as u64 >= schedules() * 99 / 100);
    // What is not seen was not explored.
    for answer in [
        "AuthenticateClient: ok",
        "AuthenticateClient: 8.1.1/3.8",
        "AuthenticateClient: 8.8.5/6.4",
        "CancelOrder: ok",
        "CancelOrder: 8.2.1/3.3",
        "CancelSession: ok",
        "CancelSession: 8.10.1/3.9",
        "ConfirmOrder: ok",
        "ConfirmOrder: 8.2.1/3.5",
        "DownloadOrder: 8.2.1/3.3",
        "GetBoundProfilePackage: ok",
        "GetBoundProfilePackage: 8.2.7/3.8",
        "GetBoundProfilePackage: 8.2.7/6.4",
        "GetBoundProfilePackage: 8.10.1/3.9",
        "GetBoundProfilePackage again: ok",
        "ReleaseProfile: ok",
        "ReleaseProfile: 8.2.1/3.5",
        "ReleaseProfile: 8.9/5.1",
    ] {
        assert!(seen.contains_key(answer), "{answer}");
    }
}

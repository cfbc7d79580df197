//! The life of orders against a model of its own: whatever operators, devices and time do, every answer and every state is
//! the one that the model says (SGP.22 3.1.6, 5.3, 5.6).
//!
//! The model is written from the standard's text and knows nothing of the server's transition function.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRng, TestRunner};
use rsp_asn1::{CancelSessionReason, ErrorReason, Iccid, NotificationEvent};
use rsp_crypto::Curve;
use rsp_es::es2plus::{CancelOrderRequest, ConfirmOrderRequest, DownloadOrderRequest, FinalProfileStatus};
use rsp_es::es9plus::AuthenticateClientResponse;
use rsp_es::server::Caller;
use rsp_es::status::StatusCode;
use rsp_smdp::{Clock as _, GuessLimits, Rate, Settings};
use rsp_store::OrderPolicy;

use crate::euicc::TestEuicc;
use crate::operator::{ALPHA, Lab, SMDS, caller, inaccessible, secret};
use crate::order_race::check_log;

const PROFILES: usize = 3;
const LIMIT: u32 = 2;
const LIFE: i64 = 500;
/// As in the default settings.
const SESSION: i64 = 300;

#[derive(Debug, Clone, Copy)]
enum Name {
    Generated,
    Empty,
    Chosen(u8),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Given {
    Nothing,
    Right,
    Wrong,
}

#[derive(Debug, Clone, Copy)]
enum Wanted {
    OrderOf(usize),
    Unknown,
    Own,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Report {
    Installed,
    FailedForNow,
    FailedForGood,
}

#[derive(Debug, Clone, Copy)]
enum Operation {
    Download {
        profile: usize,
        eid: Option<usize>,
    },
    DownloadType {
        eid: Option<usize>,
    },
    Confirm {
        profile: usize,
        eid: Option<usize>,
        name: Name,
        code: bool,
        release: bool,
        event: bool,
    },
    Release {
        profile: usize,
    },
    Cancel {
        profile: usize,
        eid: Given,
        name: Given,
        available: bool,
    },
    Authenticate {
        euicc: usize,
        wanted: Wanted,
    },
    GetPackage {
        session: usize,
        code: Given,
    },
    Report {
        session: usize,
        report: Report,
    },
    CancelSession {
        session: usize,
        ends: bool,
    },
    Delete {
        euicc: usize,
        profile: usize,
    },
    Wait {
        seconds: i64,
    },
    Sweep,
    SmdsFails {
        fails: bool,
    },
    /// Whatever brings an order on from where it stands.
    Onwards {
        profile: usize,
        eid: Option<usize>,
        name: Name,
        code: bool,
        event: bool,
        well: bool,
    },
}

fn operation() -> impl Strategy<Value = Operation> {
    // Mostly one order, so that much happens to it.
    let profile = || prop_oneof![6 => Just(0), 1 => 1..PROFILES];
    let eid = || prop_oneof![6 => Just(None), 3 => Just(Some(0)), 1 => Just(Some(1))];
    let given = || prop_oneof![2 => Just(Given::Nothing), 8 => Just(Given::Right), 1 => Just(Given::Wrong)];
    let name = || prop_oneof![2 => Just(Name::Generated), 1 => Just(Name::Empty), 3 => (0..2u8).prop_map(Name::Chosen)];
    let rarely = || prop::bool::weighted(0.25);
    let wanted = prop_oneof![
        6 => profile().prop_map(Wanted::OrderOf),
        1 => Just(Wanted::Unknown),
        2 => Just(Wanted::Own)
    ];
    let report =
        prop_oneof![3 => Just(Report::Installed), 2 => Just(Report::FailedForNow), 1 => Just(Report::FailedForGood)];
    let session = || prop_oneof![6 => Just(0), 2 => 1..4usize];
    prop_oneof![
        4 => (profile(), eid()).prop_map(|(profile, eid)| Operation::Download { profile, eid }),
        1 => eid().prop_map(|eid| Operation::DownloadType { eid }),
        6 => (profile(), eid(), name(), rarely(), prop::bool::weighted(0.75), rarely()).prop_map(
            |(profile, eid, name, code, release, event)| Operation::Confirm { profile, eid, name, code, release, event }
        ),
        3 => profile().prop_map(|profile| Operation::Release { profile }),
        3 => (profile(), given(), given(), any::<bool>()).prop_map(
            |(profile, eid, name, available)| Operation::Cancel { profile, eid, name, available }
        ),
        9 => (prop_oneof![4 => Just(0), 1 => Just(1usize)], wanted).prop_map(
            |(euicc, wanted)| Operation::Authenticate { euicc, wanted }
        ),
        9 => (session(), given()).prop_map(|(session, code)| Operation::GetPackage { session, code }),
        4 => (session(), report).prop_map(|(session, report)| Operation::Report { session, report }),
        2 => (session(), any::<bool>()).prop_map(|(session, ends)| Operation::CancelSession { session, ends }),
        2 => (prop_oneof![4 => Just(0), 1 => Just(1usize)], profile()).prop_map(|(euicc, profile)| Operation::Delete { euicc, profile }),
        2 => (1..400i64).prop_map(|seconds| Operation::Wait { seconds }),
        1 => Just(Operation::Sweep),
        1 => rarely().prop_map(|fails| Operation::SmdsFails { fails }),
        40 => (profile(), eid(), name(), rarely(), rarely(), prop::bool::weighted(0.75)).prop_map(
            |(profile, eid, name, code, event, well)| Operation::Onwards { profile, eid, name, code, event, well }
        ),
    ]
}

// The model.

#[derive(Debug, Clone, Default)]
struct Order {
    state: &'static str,
    eid: Option<usize>,
    /// What a device can ask for; the server alone knows that of an order by EID.
    name: Option<String>,
    unnamed: bool,
    code: bool,
    event: bool,
    expires: Option<i64>,
    wrong_codes: u32,
    deliveries: u32,
    /// The last delivery whose result came, and the one that is awaited although an earlier one is installed.
    settled: u32,
    awaited: Option<u32>,
    /// Whether a deletion was reported meanwhile.
    deletion_waits: bool,
    /// Which order of the profile it is.
    number: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Ready,
    Delivered { number: u32, code: Given },
    Closed,
}

#[derive(Debug, Clone)]
struct Session {
    profile: usize,
    order: u32,
    euicc: usize,
    phase: Phase,
    ends: i64,
}

#[derive(Debug)]
struct Model {
    now: i64,
    orders: Vec<Order>,
    sessions: Vec<Session>,
    used: BTreeSet<String>,
    /// Those of releases that were taken back, and whose they stay.
    kept: BTreeMap<String, usize>,
    smds_fails: bool,
}

type Answer = Result<(), &'static str>;

impl Model {
    fn new(now: i64) -> Self {
        let order = Order { state: "Available", ..Order::default() };
        Self {
            now,
            orders: vec![order; PROFILES],
            sessions: Vec::new(),
            used: BTreeSet::new(),
            kept: BTreeMap::new(),
            smds_fails: false,
        }
    }

    fn download(&mut self, profile: usize, eid: Option<usize>) -> Answer {
        let order = &mut self.orders[profile];
        match order.state {
            "Allocated" | "Linked" if order.eid == eid => Ok(()),
            "Available" => {
                order.state = if eid.is_some() { "Linked" } else { "Allocated" };
                order.eid = eid;
                order.number += 1;
                Ok(())
            }
            _ => Err("8.2.1/3.3"),
        }
    }

    /// Which profile an order of the type gets.
    fn next_available(&self) -> Option<usize> {
        self.orders.iter().position(|order| order.state == "Available")
    }

    fn confirm(
        &mut self,
        profile: usize,
        eid: Option<usize>,
        name: Name,
        code: bool,
        release: bool,
        event: bool,
    ) -> Answer {
        let (now, smds_fails) = (self.now, self.smds_fails);
        let order = &mut self.orders[profile];
        let done = match order.state {
            "Confirmed" => !release,
            "Released" | "Downloaded" | "Installed" => release,
            _ => false,
        };
        let same_name = match name {
            Name::Generated => !order.unnamed,
            Name::Empty => order.unnamed,
            Name::Chosen(number) => order.name.as_deref() == Some(chosen(number).as_str()),
        };
        if done && same_name && (eid.is_none() || eid == order.eid) && event == order.event && code == order.code {
            return Ok(());
        }
        if !matches!(order.state, "Allocated" | "Linked") {
            return Err("8.2.1/3.5");
        }
        if order.eid.is_some() && eid.is_some() && order.eid != eid {
            return Err("8.1.1/3.10");
        }
        if order.eid.or(eid).is_none() && (event || matches!(name, Name::Empty)) {
            return Err("8.1.1/2.2");
        }
        if let Name::Chosen(number) = name
            && self.used.contains(&chosen(number))
            && self.kept.get(&chosen(number)) != Some(&profile)
        {
            return Err("8.2.6/3.3");
        }
        if release && event && smds_fails {
            // The SM-DS may have heard of it: nobody else gets it.
            if let Name::Chosen(number) = name {
                self.used.insert(chosen(number));
                self.kept.insert(chosen(number), profile);
            }
            return Err("8.9/5.1");
        }
        order.state = if release { "Released" } else { "Confirmed" };
        order.eid = order.eid.or(eid);
        order.unnamed = matches!(name, Name::Empty);
        (order.code, order.event, order.expires) = (code, event, Some(now + LIFE));
        if let Name::Chosen(number) = name {
            order.name = Some(chosen(number));
            self.used.insert(chosen(number));
            self.kept.remove(&chosen(number));
        }
        Ok(())
    }

    fn release(&mut self, profile: usize) -> Answer {
        let order = &mut self.orders[profile];
        match order.state {
            "Confirmed" if order.event && self.smds_fails => Err("8.9/5.1"),
            "Confirmed" => {
                order.state = "Released";
                Ok(())
            }
            _ => Err("8.2.1/3.5"),
        }
    }

    fn cancel(&mut self, profile: usize, eid: Given, name: Given, available: bool) -> Answer {
        let order = &mut self.orders[profile];
        if eid == Given::Nothing && order.state == "Linked" {
            return Err("8.1.1/2.2");
        }
        // The test says no EID where there is none to be right.
        if eid == Given::Wrong {
            return Err("8.2.1/3.10");
        }
        if name == Given::Wrong {
            return Err("8.2.6/3.10");
        }
        match order.state {
            "Available" | "Unavailable" => return Err("8.2.1/3.5"),
            "Downloaded" | "Installed" => return Err("8.2.1/3.3"),
            // Its keys may be on an eUICC.
            "Released" | "Error" if available && order.deliveries > 0 => return Err("8.2.1/3.3"),
            _ => {}
        }
        let state = if available { "Available" } else { "Unavailable" };
        *order = Order { state, number: order.number, ..Order::default() };
        self.close_sessions(profile);
        Ok(())
    }

    fn close_sessions(&mut self, profile: usize) {
        let waiting = |session: &&mut Session| session.profile == profile && session.phase == Phase::Ready;
        self.sessions.iter_mut().filter(waiting).for_each(|session| session.phase = Phase::Closed);
    }

    /// Which order an eUICC gets, or why it gets none.
    fn authenticate(&mut self, euicc: usize, wanted: Wanted) -> Result<usize, &'static str> {
        let now = self.now;
        let found = match wanted {
            Wanted::Unknown => Err("8.2.6/3.8"),
            Wanted::OrderOf(profile) => {
                if self.orders[profile].name.is_some() {
                    Ok(profile)
                } else {
                    Err("8.2.6/3.8")
                }
            }
            Wanted::Own => (0..PROFILES)
                .filter(|profile| self.orders[*profile].eid == Some(euicc))
                .filter(|profile| match self.orders[*profile].state {
                    "Released" | "Downloaded" => true,
                    // Whoever has no other name for an order is told why it ended.
                    "Error" => self.orders[*profile].unnamed,
                    _ => false,
                })
                .min_by_key(|profile| {
                    let order = &self.orders[*profile];
                    let expired = order.expires.is_some_and(|end| end < now);
                    (order.state == "Error", expired, !order.unnamed, order.state == "Downloaded", *profile)
                })
                .ok_or("8.1.1/3.8"),
        };
        let profile = found?;
        let order = &mut self.orders[profile];
        if order.eid.is_some_and(|eid| eid != euicc) {
            return Err("8.1.1/3.8");
        }
        open(order, now)?;
        if order.deliveries >= LIMIT {
            order.state = "Error";
            return Err("8.8.5/6.4");
        }
        order.eid = Some(euicc);
        let order = order.number;
        self.sessions.push(Session { profile, order, euicc, phase: Phase::Ready, ends: now + SESSION });
        Ok(profile)
    }

    fn get_package(&mut self, number: usize, code: Given) -> Answer {
        let now = self.now;
        let session = &mut self.sessions[number];
        if session.phase == Phase::Closed || now > session.ends {
            return Err("8.10.1/3.9");
        }
        let order = &mut self.orders[session.profile];
        if let Phase::Delivered { code: before, .. } = session.phase
            && before != code
        {
            return Err("8.2/3.7");
        }
        if order.eid != Some(session.euicc) {
            return Err("8.1.1/3.8");
        }
        if order.number != session.order {
            return Err("8.2.6/3.8");
        }
        if order.code && order.wrong_codes >= LIMIT {
            if matches!(order.state, "Released" | "Downloaded") {
                order.state = "Error";
            }
            return Err("8.2.7/6.4");
        }
        open(order, now)?;
        if matches!(session.phase, Phase::Delivered { .. }) {
            return Ok(());
        }
        if order.deliveries >= LIMIT {
            order.state = "Error";
            return Err("8.8.5/6.4");
        }
        match code {
            Given::Nothing if order.code => return Err("8.2.7/2.2"),
            Given::Wrong if order.code => {
                order.wrong_codes += 1;
                session.phase = Phase::Closed;
                return Err("8.2.7/3.8");
            }
            _ => {}
        }
        order.state = "Downloaded";
        order.deliveries += 1;
        session.phase = Phase::Delivered { number: order.deliveries, code };
        session.ends = i64::MAX;
        Ok(())
    }

    fn report(&mut self, number: usize, report: Report) {
        let session = &mut self.sessions[number];
        let Phase::Delivered { number, .. } = session.phase else { return };
        session.phase = Phase::Closed;
        let order = &mut self.orders[session.profile];
        if order.number != session.order || order.eid != Some(session.euicc) {
            return;
        }
        let last = match order.state {
            "Installed" | "Deleted" => order.awaited == Some(number),
            _ => number == order.deliveries,
        };
        if last {
            (order.settled, order.awaited) = (number, None);
        }
        match (order.state, report) {
            ("Downloaded" | "Error", Report::Installed) => {
                order.state = "Installed";
                order.awaited = Some(order.deliveries).filter(|newer| *newer != order.settled);
            }
            ("Downloaded", Report::FailedForGood) if last => order.state = "Error",
            // Here numbers are given at the report: what waited is older than a success, and newer than what failed.
            ("Installed", report) if last && std::mem::take(&mut order.deletion_waits) => {
                order.state = if report == Report::Installed { "Installed" } else { "Deleted" };
            }
            _ => {}
        }
    }

    fn cancel_session(&mut self, number: usize, ends: bool) -> Answer {
        let session = &mut self.sessions[number];
        if session.phase == Phase::Closed || self.now > session.ends {
            return Err("8.10.1/3.9");
        }
        session.phase = Phase::Closed;
        let order = &mut self.orders[session.profile];
        let its_own = order.number == session.order && order.eid == Some(session.euicc);
        if ends && its_own && matches!(order.state, "Released" | "Downloaded") {
            order.state = "Error";
        }
        Ok(())
    }

    /// What operator and device do next if nothing comes in between.
    fn next(&self, profile: usize, eid: Option<usize>, name: Name, code: bool, event: bool, well: bool) -> Operation {
        let order = &self.orders[profile];
        let its_own = |session: &Session| session.profile == profile && session.order == order.number;
        let last = self.sessions.iter().rposition(its_own);
        let phase = last.map_or(Phase::Closed, |number| self.sessions[number].phase);
        let session = last.map_or(0, |number| self.sessions.len() - 1 - number);
        let given = if well { Given::Right } else { Given::Wrong };
        match (order.state, phase) {
            ("Available", _) => Operation::Download { profile, eid },
            ("Allocated" | "Linked", _) => Operation::Confirm { profile, eid, name, code, release: well, event },
            ("Confirmed", _) => Operation::Release { profile },
            ("Released" | "Downloaded", Phase::Ready) => Operation::GetPackage { session, code: given },
            ("Downloaded", Phase::Delivered { .. }) if well => {
                let report = if event { Report::FailedForGood } else { Report::Installed };
                Operation::Report { session, report }
            }
            ("Released" | "Downloaded", _) => {
                let wanted = if order.unnamed { Wanted::Own } else { Wanted::OrderOf(profile) };
                Operation::Authenticate { euicc: order.eid.unwrap_or(0), wanted }
            }
            ("Installed", _) => Operation::Delete { euicc: order.eid.unwrap_or(0), profile },
            ("Deleted" | "Error", _) => {
                Operation::Cancel { profile, eid: Given::Right, name: Given::Right, available: well }
            }
            _ => Operation::Sweep,
        }
    }

    fn delete(&mut self, euicc: usize, profile: usize) {
        let order = &mut self.orders[profile];
        if order.eid == Some(euicc) && order.state == "Installed" {
            match order.awaited {
                Some(_) => order.deletion_waits = true,
                None => order.state = "Deleted",
            }
        }
    }

    fn sweep(&mut self) {
        for profile in 0..PROFILES {
            let order = &mut self.orders[profile];
            let alive = matches!(order.state, "Allocated" | "Linked" | "Confirmed" | "Released" | "Downloaded");
            if alive && order.expires.is_some_and(|end| end < self.now) {
                order.state = "Error";
                self.close_sessions(profile);
            }
        }
    }
}

/// Whether an order can be downloaded, or what is said of one that cannot.
fn open(order: &Order, now: i64) -> Answer {
    let expired = order.expires.is_some_and(|end| now > end);
    match order.state {
        "Released" | "Downloaded" | "Error" if expired => Err("8.8.5/4.10"),
        "Released" | "Downloaded" => Ok(()),
        "Error" if order.deliveries >= LIMIT => Err("8.8.5/6.4"),
        _ => Err("8.2/1.2"),
    }
}

fn chosen(number: u8) -> String {
    format!("NAME-{number}")
}

// The server beside the model.

struct Run {
    lab: Lab,
    euiccs: [TestEuicc; 2],
    iccids: Vec<Iccid>,
    /// Which eUICC, and what it was answered.
    sessions: Vec<(usize, AuthenticateClientResponse)>,
    sequence: u64,
    model: Model,
}

/// The code of a refusal.
fn code<T>(answer: Result<T, StatusCode>) -> Result<T, String> {
    answer.map_err(|code| format!("{}/{}", code.subject, code.reason))
}

/// How often each answer was given, in all runs.
static SEEN: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

fn same<T>(what: &str, answer: Result<T, StatusCode>, expected: Answer) -> Option<T> {
    let answer = code(answer);
    assert_eq!(answer.as_ref().map(drop).map_err(String::as_str), expected, "{what}");
    let said = answer.as_ref().map_or_else(String::as_str, |_| "ok");
    *SEEN.lock().unwrap().entry(format!("{what}: {said}")).or_default() += 1;
    answer.ok()
}

impl Run {
    async fn new() -> Self {
        let wide = Rate { burst: u32::MAX, seconds: 1 };
        let guesses = GuessLimits { per_address: wide, per_eid: wide, per_second: u32::MAX };
        let settings =
            Settings { guesses, download_limit: LIMIT, confirmation_code_limit: LIMIT, ..Settings::default() };
        let lab = Lab::with(settings, Some(LIFE)).await;
        let iccids = lab.stock(ALPHA, "alpha", 890_010_120_000_000_001, PROFILES as u64).await;
        let other = TestEuicc::minted(lab.pki, Curve::P256, "89049032000000000000000000000042");
        let euiccs = [lab.euicc(Curve::P256), other];
        let model = Model::new(lab.clock.now().0);
        Self { lab, euiccs, iccids, sessions: Vec::new(), sequence: 0, model }
    }

    fn eid(&self, number: Option<usize>) -> Option<rsp_asn1::Eid> {
        number.map(|number| self.euiccs[number].eid)
    }

    async fn perform(&mut self, operation: Operation) {
        let (alpha, nobody) = (caller(ALPHA), Caller::default());
        let operation = match operation {
            Operation::Onwards { profile, eid, name, code, event, well } => {
                self.model.next(profile, eid, name, code, event, well)
            }
            other => other,
        };
        match operation {
            Operation::Onwards { .. } => {}
            Operation::Download { profile, eid } => {
                let iccid = self.iccids[profile];
                let request = DownloadOrderRequest { eid: self.eid(eid), ..self.lab.download(iccid) };
                let answer = self.lab.es2().download_order(&alpha, request).await;
                same("DownloadOrder", answer, self.model.download(profile, eid));
            }
            Operation::DownloadType { eid } => {
                let request = DownloadOrderRequest { eid: self.eid(eid), ..self.lab.download_type("alpha") };
                let answer = self.lab.es2().download_order(&alpha, request).await;
                match self.model.next_available() {
                    None => same("DownloadOrder", answer, Err("8.2.5/3.7")).map_or((), drop),
                    Some(profile) => {
                        let found = same("DownloadOrder", answer, self.model.download(profile, eid)).unwrap();
                        assert_eq!(found.iccid, self.iccids[profile]);
                    }
                }
            }
            Operation::Confirm { profile, eid, name, code, release, event } => {
                let request = ConfirmOrderRequest {
                    eid: self.eid(eid),
                    matching_id: match name {
                        Name::Generated => None,
                        Name::Empty => Some(String::new()),
                        Name::Chosen(number) => Some(chosen(number)),
                    },
                    confirmation_code: if code { secret("4711") } else { None },
                    smds_address: event.then(|| SMDS.to_owned()),
                    release_flag: release,
                    ..self.lab.confirm(self.iccids[profile])
                };
                let answer = self.lab.es2().confirm_order(&alpha, request).await;
                let expected = self.model.confirm(profile, eid, name, code, release, event);
                if let Some(confirmed) = same("ConfirmOrder", answer, expected) {
                    let order = &mut self.model.orders[profile];
                    match &order.name {
                        _ if order.unnamed => assert_eq!(confirmed.matching_id, ""),
                        Some(name) => assert_eq!(&confirmed.matching_id, name),
                        None => {
                            // The server chose it, and never the same twice.
                            assert!(self.model.used.insert(confirmed.matching_id.clone()));
                            order.name = Some(confirmed.matching_id);
                        }
                    }
                    let eid = self.model.orders[profile].eid;
                    assert_eq!(confirmed.eid, self.eid(eid));
                }
            }
            Operation::Release { profile } => {
                let request = self.lab.release(self.iccids[profile]);
                let answer = self.lab.es2().release_profile(&alpha, request).await;
                same("ReleaseProfile", answer, self.model.release(profile));
            }
            Operation::Cancel { profile, eid, name, available } => self.cancel(profile, eid, name, available).await,
            Operation::Authenticate { euicc, wanted } => {
                let matching_id = match wanted {
                    Wanted::Own => None,
                    Wanted::Unknown => Some("UNKNOWN".to_owned()),
                    Wanted::OrderOf(profile) => {
                        Some(self.model.orders[profile].name.clone().unwrap_or_else(|| "UNKNOWN".to_owned()))
                    }
                };
                let answer = self.euiccs[euicc].try_authenticate(&self.lab, matching_id.as_deref()).await;
                let expected = self.model.authenticate(euicc, wanted);
                if let Some(authenticated) = same("AuthenticateClient", answer, expected.map(drop)) {
                    assert_eq!(authenticated.profile_metadata.value().iccid, self.iccids[expected.unwrap()]);
                    let flag = self.model.orders[expected.unwrap()].code;
                    assert_eq!(authenticated.smdp_signed2.value().cc_required_flag, flag);
                    self.sessions.push((euicc, authenticated));
                }
            }
            Operation::GetPackage { session, code } => {
                let Some(number) = self.recent(session) else { return };
                let (euicc, authenticated) = &self.sessions[number];
                let text = match code {
                    Given::Nothing => None,
                    Given::Right => Some("4711"),
                    Given::Wrong => Some("0"),
                };
                let answer = self.euiccs[*euicc].try_prepare(&self.lab, authenticated, text).await;
                same("GetBoundProfilePackage", answer, self.model.get_package(number, code));
            }
            Operation::Report { session, report } => {
                let Some(number) = self.recent(session) else { return };
                let (euicc, authenticated) = &self.sessions[number];
                let reason = match report {
                    Report::Installed => None,
                    Report::FailedForNow => Some(ErrorReason::INSTALL_FAILED_DUE_TO_INTERRUPTION),
                    Report::FailedForGood => Some(ErrorReason(12)),
                };
                self.sequence += 1;
                let iccid = authenticated.profile_metadata.value().iccid;
                let session = &authenticated.transaction_id;
                let request = self.euiccs[*euicc].result(session, self.sequence, iccid, reason);
                self.lab.es9().handle_notification(&nobody, request).await.unwrap();
                self.model.report(number, report);
            }
            Operation::CancelSession { session, ends } => {
                let Some(number) = self.recent(session) else { return };
                let (euicc, authenticated) = &self.sessions[number];
                let reason =
                    if ends { CancelSessionReason::END_USER_REJECTION } else { CancelSessionReason::POSTPONED };
                let request = self.euiccs[*euicc].cancel_request(&authenticated.transaction_id, reason);
                let answer = self.lab.es9().cancel_session(&nobody, request).await;
                same("CancelSession", answer, self.model.cancel_session(number, ends));
            }
            Operation::Delete { euicc, profile } => {
                self.sequence += 1;
                let iccid = self.iccids[profile];
                let request = self.euiccs[euicc].notification(self.sequence, NotificationEvent::DELETE, iccid);
                self.lab.es9().handle_notification(&nobody, request).await.unwrap();
                self.model.delete(euicc, profile);
            }
            Operation::Wait { seconds } => {
                self.lab.advance_clock(seconds);
                self.model.now += seconds;
            }
            Operation::Sweep => {
                self.lab.smdp.sweep().await.unwrap();
                self.model.sweep();
            }
            Operation::SmdsFails { fails } => {
                self.lab.courier.fails(if fails { inaccessible() } else { None });
                self.model.smds_fails = fails;
            }
        }
    }

    async fn cancel(&mut self, profile: usize, eid: Given, name: Given, available: bool) {
        let order = &self.model.orders[profile];
        // Where nothing is right, nothing is given.
        let eid = if order.eid.is_none() && eid == Given::Right { Given::Nothing } else { eid };
        let known = if order.unnamed { "" } else { order.name.as_deref().unwrap_or_default() };
        let request = CancelOrderRequest {
            eid: match (eid, order.eid) {
                (Given::Nothing, _) => None,
                (Given::Right, eid) => self.eid(eid),
                (Given::Wrong, Some(1)) => self.eid(Some(0)),
                (Given::Wrong, _) => self.eid(Some(1)),
            },
            matching_id: match name {
                Given::Nothing => None,
                Given::Right => Some(known.to_owned()),
                Given::Wrong => Some(format!("{known}X")),
            },
            final_profile_status_indicator: Some(match available {
                true => FinalProfileStatus::Available,
                false => FinalProfileStatus::Unavailable,
            }),
            ..self.lab.cancel(self.iccids[profile])
        };
        let before = order.state;
        let answer = self.lab.es2().cancel_order(&caller(ALPHA), request).await;
        let what = format!("CancelOrder of {before}");
        same(&what, answer, self.model.cancel(profile, eid, name, available));
    }

    /// One of the last sessions.
    fn recent(&self, back: usize) -> Option<usize> {
        self.sessions.len().checked_sub(1 + back)
    }

    /// Every order is as the model has it.
    async fn compare(&self) {
        for (iccid, order) in self.iccids.iter().zip(&self.model.orders) {
            let found = self.lab.find(*iccid).await;
            let seen = (found.state.as_str(), found.eid, found.download_tries, found.confirmation_tries);
            assert_eq!(seen, (order.state, self.eid(order.eid), order.deliveries, order.wrong_codes), "{order:?}");
            assert_eq!(found.confirmation_code.is_some(), order.code);
            assert_eq!(found.smds_address.is_some(), order.event);
            assert_eq!(found.expires_at.map(|end| end.0), order.expires);
        }
    }
}

async fn run(operations: &[Operation]) {
    let mut run = Run::new().await;
    for operation in operations {
        run.perform(*operation).await;
        run.compare().await;
    }
    for iccid in &run.iccids {
        check_log(&run.lab.store.profile_events(iccid).await.unwrap(), &[OrderPolicy::OneTime]);
    }
}

#[test]
fn orders_live_as_the_model_says() {
    // PROPTEST_CASES makes it longer.
    let cases = std::env::var("PROPTEST_CASES").map_or(64, |cases| cases.parse().unwrap());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    // The same every time: more cases are those of the short run and others.
    let randomness = TestRng::deterministic_rng(config.rng_algorithm);
    TestRunner::new_with_rng(config, randomness)
        .run(&proptest::collection::vec(operation(), 40..120), |operations| {
            runtime.block_on(run(&operations));
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    let seen = SEEN.lock().unwrap();
    println!("{seen:#?}");
    // What is not seen was not explored.
    for answer in [
        "AuthenticateClient: 8.1.1/3.8",
        "AuthenticateClient: 8.2/1.2",
        "AuthenticateClient: 8.8.5/4.10",
        "AuthenticateClient: 8.8.5/6.4",
        "CancelOrder of Deleted: ok",
        "CancelOrder of Downloaded: 8.2.1/3.3",
        "CancelOrder of Error: 8.2.1/3.3",
        "CancelOrder of Error: ok",
        "CancelOrder of Linked: 8.1.1/2.2",
        "CancelSession: ok",
        "ConfirmOrder: 8.1.1/2.2",
        "ConfirmOrder: 8.1.1/3.10",
        "ConfirmOrder: 8.2.6/3.3",
        "ConfirmOrder: 8.9/5.1",
        "DownloadOrder: 8.2.5/3.7",
        "GetBoundProfilePackage: 8.10.1/3.9",
        "GetBoundProfilePackage: 8.2.7/2.2",
        "GetBoundProfilePackage: 8.2.7/3.8",
        "GetBoundProfilePackage: 8.2/3.7",
        "GetBoundProfilePackage: 8.8.5/6.4",
        "GetBoundProfilePackage: ok",
        "ReleaseProfile: 8.9/5.1",
    ] {
        assert!(seen.contains_key(answer), "{answer}");
    }
}

//! The dashboard's figures after 200 orders that real devices downloaded, refused, lost or never asked for: each figure equals
//! the number of rows behind its link, what a count in SQL says, and what was done.

mod devices;
mod portal;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use rsp_crypto::RandomnessExt as _;
use rsp_lpa::Decision;
use rsp_testkit::SeededRandomness;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::bed::{Bed, Service, openrsp};
use crate::https::Https;
use devices::{Field, Mishap, Person, Seen};
use portal::{Figure, Portal};

const ORDERS: usize = 200;
/// Downloads side by side.
const WORKERS: usize = 4;
/// Less than any profile takes.
const LITTLE: u32 = 1_000;

const SETUP: &str = r#"
[[operator]]
name = "Alpha"
issue = true
[[operator]]
name = "Beta"
issue = true
[[type]]
name = "alpha-de"
operator = "Alpha"
template = true
builtin = "demo"
metadata = { spn = "Alpha", name = "A", notify = ["delete=testsmdpplus1.example.com"] }
[[type]]
name = "alpha-fr"
operator = "Alpha"
template = true
builtin = "demo"
metadata = { spn = "Alpha", name = "A", notify = ["delete=testsmdpplus1.example.com"] }
[[type]]
name = "beta"
operator = "Beta"
template = true
builtin = "demo"
metadata = { spn = "Beta", name = "B", notify = ["delete=testsmdpplus1.example.com"] }
"#;

/// What is sold: tenant, carrier, plan, type, country.
const PLANS: [(&str, &str, &str, &str, &str); 3] = [
    ("Alpha", "Alpha Mobile", "Travel", "alpha-de", "DE"),
    ("Alpha", "Alpha & Fille", "Travel", "alpha-fr", "FR"),
    ("Beta", "Beta Mobile", "Travel", "beta", "DE"),
];

/// What becomes of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Installed,
    InstalledAndDeleted,
    /// A wrong confirmation code, and then the right one.
    WrongCodeOnce,
    /// The wrong one until the order is closed.
    WrongCodeAlways,
    /// The device is not the one that it is for.
    OtherEid,
    Rejected,
    Postponed,
    /// The eUICC has too little memory, and says so: the server does not offer it.
    TooLarge,
    /// The package is changed on the way: the eUICC does not install it.
    Damaged,
    LostBefore,
    LostAfter,
    Cancelled,
    LeftAlone,
}

impl Fate {
    /// Each as often as the next, but for the first.
    const ALL: [Self; 17] = [
        Self::Installed,
        Self::Installed,
        Self::Installed,
        Self::Installed,
        Self::Installed,
        Self::InstalledAndDeleted,
        Self::WrongCodeOnce,
        Self::WrongCodeAlways,
        Self::OtherEid,
        Self::Rejected,
        Self::Postponed,
        Self::TooLarge,
        Self::Damaged,
        Self::LostBefore,
        Self::LostAfter,
        Self::Cancelled,
        Self::LeftAlone,
    ];

    fn has_code(self) -> bool {
        matches!(self, Self::WrongCodeOnce | Self::WrongCodeAlways)
    }
}

/// One of the two hundred.
#[derive(Clone, Copy)]
struct Story {
    number: usize,
    plan: (&'static str, &'static str, &'static str, &'static str, &'static str),
    fate: Fate,
}

/// What happened in all of a tenant's stories, as those saw it who did it.
#[derive(Default)]
struct Done {
    fates: BTreeMap<Fate, u64>,
    seen: Seen,
}

/// A server that sells, and who calls it.
struct Site {
    bed: Bed,
    server: Service,
    https: Https,
    keys: BTreeMap<&'static str, String>,
}

impl Site {
    fn open() -> Self {
        let bed = Bed::new();
        let dir = bed.path("server");
        let setup = bed.path("setup.toml");
        std::fs::write(&setup, SETUP).unwrap();
        bed.smdp(&["load", &setup]).ok();
        let operator = |arguments: &[&str]| openrsp([&["operator", "--dir", &dir], arguments].concat()).ok();
        for (tenant, carrier, plan, profile_type, country) in PLANS {
            operator(&["plan", "add", tenant, carrier, plan, "--type", profile_type, "--country", country]);
        }
        let key = |tenant| {
            let added = operator(&["key", "add", tenant, "shop", "--rights", "read,provision,codes"]);
            (tenant, added["key"].as_str().unwrap().to_owned())
        };
        let keys = ["Alpha", "Beta"].map(key).into();
        let server = bed.serve();
        let https = Https::new(&format!("{}/p256/ci.pem", bed.pki()), server.listener("operator"));
        Self { bed, server, https, keys }
    }

    /// A call of the REST API that must succeed.
    fn api(&self, tenant: &str, path: &str, body: &Value) -> Value {
        let key = format!("Bearer {}", self.keys[tenant]);
        let headers = [("Authorization", key.as_str()), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.https.send("POST", path, &headers, &body);
        assert!(matches!(answer.status, 200 | 201), "{path}: {} {}", answer.status, answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// Orders, and does what the story says.
    async fn tell(&self, field: &Field, story: &Story) -> Seen {
        let Story { number, plan: (tenant, carrier, plan, ..), fate } = *story;
        let mut wanted = json!({ "carrier": carrier, "plan": plan });
        if fate.has_code() {
            wanted["confirmation_code"] = "auto".into();
        }
        if fate == Fate::OtherEid {
            wanted["eid"] = Field::eid(number + ORDERS).to_string().into();
        }
        let sold = self.api(tenant, "/api/v1/esim/provision", &wanted);
        let code = sold["activation_code"].as_str().unwrap();
        let iccid = sold["iccid"].as_str().unwrap();
        let mishap = match fate {
            Fate::LostBefore => Some(Mishap::LostBefore),
            Fate::LostAfter => Some(Mishap::LostAfter),
            Fate::Damaged => Some(Mishap::Damaged),
            _ => None,
        };
        let mut device = field.device(number, (fate == Fate::TooLarge).then_some(LITTLE), mishap);
        let decision = match fate {
            Fate::Rejected => Decision::Reject,
            Fate::Postponed => Decision::Postpone,
            _ => Decision::Install,
        };
        let wrong = fate.has_code().then(|| "00000000".to_owned());
        let mut person = Person { decision, code: wrong };
        match fate {
            Fate::Cancelled => {
                let cancelled = self.api(tenant, &format!("/api/v1/esims/{iccid}/cancel"), &Value::Null);
                assert_eq!(cancelled["state"], "Unavailable", "{cancelled}");
            }
            Fate::LeftAlone => {}
            Fate::Installed => drop(device.download(field, code, &mut person).await.unwrap()),
            Fate::InstalledAndDeleted => {
                let installed = device.download(field, code, &mut person).await.unwrap();
                device.delete(&installed).await;
            }
            Fate::WrongCodeOnce => {
                device.download(field, code, &mut person).await.unwrap_err();
                person.code = sold["confirmation_code"].as_str().map(str::to_owned);
                device.download(field, code, &mut person).await.unwrap();
            }
            Fate::WrongCodeAlways => {
                for _ in 0..6 {
                    device.download(field, code, &mut person).await.unwrap_err();
                }
            }
            _ => drop(device.download(field, code, &mut person).await.unwrap_err()),
        }
        journalled(device.into_seen(), fate)
    }
}

/// What of the answers that a device saw stands in the journal.
fn journalled(mut seen: Seen, fate: Fate) -> Seen {
    let refused = |step, subject: &str, reason: &str| (step, Some((subject.to_owned(), reason.to_owned())));
    match fate {
        // An eUICC for which the order is not leaves nothing behind.
        Fate::OtherEid => drop(seen.remove(&refused("AuthenticateClient", "8.1.1", "3.8"))),
        // What the server takes as it should says that the order came to nothing (SGP.22 5.7.14, 5.3.5).
        Fate::Rejected => {
            let count = seen.remove(&("CancelSession", None)).unwrap_or_default();
            seen.insert(refused("CancelSession", "8.8.5", "3.8"), count);
        }
        Fate::Damaged => drop(seen.insert(refused("HandleNotification", "8.2.10", "4.2"), 1)),
        _ => {}
    }
    seen
}

/// The stories, with the same fates in each run.
fn stories() -> VecDeque<Story> {
    let mut randomness = SeededRandomness::new("figures");
    let story = |number| {
        let [plan, fate] = randomness.bytes::<2>();
        let plan = PLANS[usize::from(plan) % PLANS.len()];
        Story { number, plan, fate: Fate::ALL[usize::from(fate) % Fate::ALL.len()] }
    };
    (0..ORDERS).map(story).collect()
}

/// Tells all stories, several at a time; what was done for each tenant.
fn tell_all(site: &Site, field: &Field) -> BTreeMap<&'static str, Done> {
    let (waiting, done) = (Mutex::new(stories()), Mutex::new(BTreeMap::<_, Done>::new()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                loop {
                    let Some(story) = waiting.lock().unwrap().pop_front() else { return };
                    let seen = runtime.block_on(site.tell(field, &story));
                    let mut done = done.lock().unwrap();
                    let done = done.entry(story.plan.0).or_default();
                    *done.fates.entry(story.fate).or_default() += 1;
                    seen.into_iter().for_each(|(what, count)| *done.seen.entry(what).or_default() += count);
                }
            });
        }
    });
    done.into_inner().unwrap()
}

impl Done {
    fn and(&self, other: &Self) -> Self {
        let mut both = Self { fates: self.fates.clone(), seen: self.seen.clone() };
        other.fates.iter().for_each(|(fate, count)| *both.fates.entry(*fate).or_default() += count);
        other.seen.iter().for_each(|(what, count)| *both.seen.entry(what.clone()).or_default() += count);
        both
    }

    fn of(&self, fates: &[Fate]) -> u64 {
        fates.iter().filter_map(|fate| self.fates.get(fate)).sum()
    }

    fn all(&self) -> u64 {
        self.fates.values().sum()
    }

    fn taken(&self, step: &'static str) -> u64 {
        self.seen.get(&(step, None)).copied().unwrap_or_default()
    }

    fn refused(&self) -> u64 {
        self.seen.iter().filter(|((_, refused), _)| refused.is_some()).map(|(_, count)| count).sum()
    }

    /// What this figure has to be by what was done; of carriers and countries nobody kept a book.
    fn expects(&self, figure: &Figure) -> Option<u64> {
        use Fate::*;
        let label = figure.label.as_str();
        Some(match (figure.part.as_str(), label) {
            ("figures", "Installed") => self.of(&[Installed, InstalledAndDeleted, WrongCodeOnce]),
            ("figures", "Devices came") => self.taken("AuthenticateClient"),
            ("figures", "Deliveries") => self.taken("GetBoundProfilePackage"),
            ("figures", "Refused steps") => self.refused(),
            ("figures", "Cancelled") => self.of(&[Cancelled]),
            ("figures", "Activation time") => self.of(&[Installed, InstalledAndDeleted, WrongCodeOnce]),
            ("states", "Released") => self.of(&[OtherEid, Postponed, TooLarge, LostBefore, LeftAlone]),
            ("states", "Downloaded") => self.of(&[LostAfter]),
            ("states", "Installed") => self.of(&[Installed, WrongCodeOnce]),
            ("states", "Deleted") => self.of(&[InstalledAndDeleted]),
            ("states", "Error") => self.of(&[WrongCodeAlways, Rejected, Damaged]),
            ("states", "Cancelled") => self.of(&[Cancelled]),
            ("states", "in all") => self.all(),
            ("failures", label) => {
                let refused = self.seen.iter().filter(|((step, refused), _)| {
                    refused.as_ref().is_some_and(|(subject, reason)| format!("{step} {subject}/{reason}") == label)
                });
                refused.map(|(_, count)| count).sum()
            }
            ("carriers" | "countries", _) => return None,
            other => panic!("a figure that nobody checks: {other:?}"),
        })
    }
}

/// The ICCIDs that a figure counts, by the tables in which orders, events and sales stand.
fn counted(database: &Connection, figure: &Figure, tenant: Option<&str>, since: i64) -> Vec<String> {
    let whose = tenant.map_or_else(|| "1 = 1".to_owned(), |tenant| format!("t.operator = '{tenant}'"));
    let event = |condition: &str| format!("events t WHERE {whose} AND t.at >= {since} AND {condition}");
    let sold = |column: &str| {
        format!(
            "events t JOIN esims e ON e.operator = t.operator AND e.iccid = t.iccid WHERE {whose} AND t.at >= {since} AND \
             t.to_state = 'Installed' AND e.{column} = ?1"
        )
    };
    let label = figure.label.as_str();
    let (from, value) = match (figure.part.as_str(), label) {
        ("figures", "Installed") => (event("t.to_state = ?1"), "Installed"),
        ("figures", "Cancelled") => (event("t.to_state = ?1"), "Unavailable"),
        ("figures", "Devices came") => (event("t.step = ?1 AND t.subject IS NULL"), "AuthenticateClient"),
        ("figures", "Deliveries") => (event("t.step = ?1 AND t.subject IS NULL"), "GetBoundProfilePackage"),
        ("figures", "Refused steps") => (event("t.kind = ?1 AND t.subject IS NOT NULL"), "Step"),
        ("figures", "Activation time") => (event("t.to_state = ?1 AND t.seconds IS NOT NULL"), "Installed"),
        ("states", "Cancelled") => (format!("profiles t WHERE {whose} AND t.state = ?1"), "Unavailable"),
        ("states", "in all") => (format!("profiles t WHERE {whose} AND t.state <> ?1"), "Available"),
        ("states", state) => (format!("profiles t WHERE {whose} AND t.state = ?1"), state),
        ("failures", label) => (event("t.step || ' ' || t.subject || '/' || t.reason = ?1"), label),
        ("carriers", carrier) => (sold("carrier"), carrier),
        ("countries", country) => (sold("country"), country),
        other => panic!("a figure that nobody checks: {other:?}"),
    };
    let mut statement = database.prepare(&format!("SELECT t.iccid FROM {from}")).unwrap();
    let rows = statement.query_map([value], |row| row.get::<_, [u8; 10]>(0)).unwrap();
    let mut iccids: Vec<_> = rows.map(|iccid| rsp_asn1::Iccid(iccid.unwrap()).to_string()).collect();
    iccids.sort_unstable();
    iccids
}

#[test]
fn every_figure_is_the_rows_behind_it_and_a_count_in_sql_and_what_was_done() {
    let site = Site::open();
    let field = Field::new(&site.bed, &site.server);
    let done = tell_all(&site, &field);
    let (alpha, beta) = (&done["Alpha"], &done["Beta"]);
    let all = alpha.and(beta);
    assert_eq!(all.all(), ORDERS as u64);
    for fate in Fate::ALL {
        assert!(alpha.of(&[fate]) > 0, "no order of Alpha was {fate:?}");
    }

    let database = format!("{}/openrsp.db", site.bed.path("server"));
    let database = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    for (user, tenant, looks_at, done) in
        [("ann", Some("Alpha"), None, alpha), ("staff", None, Some("Beta"), beta), ("chief", None, None, &all)]
    {
        let portal = Portal::sign_in(&site.bed, &site.https, user, tenant);
        for days in [1, 7, 30] {
            let page = portal.overview(days, looks_at);
            let tenant = tenant.or(looks_at);
            for part in ["figures", "states", "failures", "carriers", "countries"] {
                assert!(page.figures.iter().any(|figure| figure.part == part), "{user}, {days} days: no {part}");
            }
            assert_eq!(page.total, done.all(), "{user}: orders in all");
            for figure in &page.figures {
                let case = format!("{user}, {days} days, {}: {}", figure.part, figure.label);
                let rows = portal.rows(&figure.address);
                assert_eq!(rows, counted(&database, figure, tenant, page.since), "{case}: {}", figure.address);
                assert_eq!(figure.count, rows.len() as u64, "{case}: {}", figure.address);
                if let Some(expected) = done.expects(figure) {
                    assert_eq!(figure.count, expected, "{case}: {:?} {:?}", done.fates, done.seen);
                }
            }
            assert_eq!(page.activation, activation(&database, tenant), "{user}: seconds that half of them took");
        }
    }
}

/// The median of the time between release and installation, in seconds.
fn activation(database: &Connection, tenant: Option<&str>) -> i64 {
    let whose = tenant.map_or_else(|| "1 = 1".to_owned(), |tenant| format!("i.operator = '{tenant}'"));
    let text = format!(
        "SELECT i.at - (SELECT max(r.at) FROM events r WHERE r.iccid = i.iccid AND r.to_state = 'Released') AS took \
         FROM events i WHERE {whose} AND i.to_state = 'Installed' ORDER BY took"
    );
    let mut statement = database.prepare(&text).unwrap();
    let took: Vec<i64> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    took[took.len().div_ceil(2) - 1]
}

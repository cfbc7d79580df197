//! A database with many orders, through the same statements that real orders run through.

use std::path::Path;
use std::sync::Arc;

use rsp_asn1::{Eid, Iccid, Timestamp};
use rsp_crypto::{Randomness, RandomnessExt as _, Zeroizing};
use rsp_store::{
    AuditEntry, Error, Esim, EventKind, NetworkState, NewBatch, NewBatchRow, NewEvent, NewProfile, NewProfileType,
    Operator, Plan, ProfileChange, ProfileState,
};

use crate::config::ServerDir;
use crate::system::{OsRandomness, now};

/// Operators, and the plans of each.
const OPERATORS: u32 = 10;
const PLANS: u32 = 5;

/// Orders that are written in one transaction.
const TOGETHER: u32 = 500;

/// Lines of each list that the operators once uploaded, and cancelled.
const LINES: u32 = 1_000;

/// Lists of the first operator, which is the one that is looked at; the others have one.
const LISTS: u32 = 100;

/// Numbers from here on are those of orders that another SM-DP+ has. The first operator has one beside each of its own.
const ELSEWHERE: u32 = 500_000_000;

pub(super) fn operator_name(number: u32) -> String {
    format!("Operator {number}")
}

fn type_name(operator: u32, plan: u32) -> String {
    format!("type-{operator}-{plan}")
}

/// Fills the database of a new server.
pub(super) async fn fill(dir: &Path, orders: u32, json: bool) -> anyhow::Result<()> {
    let server = ServerDir::open(dir)?;
    let store = server.store().await?;
    let end = now();
    let done: Result<(), Error> = store.run_tx("catalogue", move |tx| catalogue(tx, end)).await;
    done?;
    // The newest order is as old as the benchmark, the oldest a month.
    let begin = end.plus_seconds(-30 * 86_400);
    let step = |number: u32| i64::from(number) * 30 * 86_400 / i64::from(orders);
    let mut first = 0;
    while first < orders {
        let last = orders.min(first + TOGETHER);
        let salt = u64::from_be_bytes(OsRandomness.bytes());
        let drawn: Vec<_> = (first..last).map(|number| (number, begin.plus_seconds(step(number)))).collect();
        let done: Result<(), Error> = store
            .run_tx("orders", move |tx| drawn.iter().try_for_each(|(number, at)| order(tx, *number, *at, salt)))
            .await;
        done?;
        first = last;
        if first % 100_000 == 0 && !json {
            eprintln!("{first} orders");
        }
    }
    if let Some(store) = Arc::into_inner(store) {
        store.close().await;
    }
    Ok(())
}

fn catalogue(tx: &mut rsp_store::Transaction, at: Timestamp) -> Result<(), Error> {
    let line = |line| NewBatchRow {
        line,
        carrier: "Carrier 0".to_owned(),
        plan: "Plan 0".to_owned(),
        eid: None,
        device_id: None,
        reference: Some(format!("line {line}")),
    };
    let countries = ["DE", "FR", "ES", "IT", "PL", "SE", "US", "BR", "JP", "IN"];
    for operator in 0..OPERATORS {
        tx.insert_operator(&Operator {
            name: operator_name(operator),
            certificate: rsp_crypto::hash::sha256(&operator.to_be_bytes()),
            endpoint: None,
            iccid_prefix: String::new(),
            imsi_prefix: String::new(),
            created_at: at,
        })?;
        for plan in 0..PLANS {
            let profile_type = type_name(operator, plan);
            tx.insert_profile_type(&NewProfileType {
                name: profile_type.clone(),
                operator: Some(operator_name(operator)),
                iccids: None,
                metadata: vec![0],
                template: None,
                created_at: at,
            })?;
            tx.insert_plan(&Plan {
                operator: operator_name(operator),
                carrier: format!("Carrier {}", plan % 3),
                name: format!("Plan {plan}"),
                profile_type,
                country: countries[((operator + plan % 3) % 10) as usize].to_owned(),
                coverage: vec!["DE".to_owned()],
                data_bytes: Some(5_000_000_000),
                voice_seconds: None,
                messages: None,
                validity_days: Some(30),
                throttle_kbps: None,
                price: None,
                currency: None,
                closed: false,
                created_at: at,
            })?;
        }
        for _ in 0..if operator == 0 { LISTS } else { 1 } {
            let batch = tx.insert_batch(&NewBatch {
                operator: operator_name(operator),
                name: "customers.csv".to_owned(),
                created_at: at,
                created_by: "bench".to_owned(),
                rows: (1..=LINES).map(line).collect(),
            })?;
            tx.cancel_batch(batch, at)?;
        }
    }
    Ok(())
}

/// One order with everything that happened to it.
fn order(tx: &mut rsp_store::Transaction, number: u32, at: Timestamp, salt: u64) -> Result<(), Error> {
    let (operator, plan) = (number % OPERATORS, number / OPERATORS % PLANS);
    let iccid = iccid(number);
    let profile_type = type_name(operator, plan);
    tx.insert_profile(&NewProfile {
        iccid,
        profile_type: profile_type.clone(),
        operator: Some(operator_name(operator)),
        state: ProfileState::Available,
        metadata: vec![0],
        // What is in it no page shows.
        package: Zeroizing::new(vec![0; 16]),
        at,
        by: "import".to_owned(),
    })?;
    let mut eid = [0; 16];
    Mixed(salt ^ u64::from(number)).fill(&mut eid);
    eid.iter_mut().for_each(|octet| *octet = (((*octet >> 4) % 10) << 4) | (*octet % 10));
    let mut random = [0; 16];
    Mixed(salt.rotate_left(17) ^ u64::from(number)).fill(&mut random);
    let matching_id = hex::encode_upper(random);
    let step = |step: &str, at: Timestamp, refused: Option<(&str, &str)>| NewEvent {
        at,
        operator: Some(operator_name(operator)),
        iccid: Some(iccid),
        profile_type: Some(profile_type.clone()),
        kind: EventKind::Step,
        actor: "LPA".to_owned(),
        step: Some(step.to_owned()),
        refused: refused.map(|(subject, reason)| (subject.to_owned(), reason.to_owned())),
        detail: None,
    };
    let go = |tx: &mut rsp_store::Transaction, to: ProfileState, at: Timestamp, more: &dyn Fn(&mut ProfileChange)| {
        let Some(profile) = tx.profile(&iccid)? else { return Ok(()) };
        let mut change = profile.change("bench", at);
        change.state = to;
        more(&mut change);
        tx.change_profile(&change).map(drop)
    };
    go(tx, ProfileState::Released, at, &|change| change.matching_id = Some(matching_id.clone()))?;
    let (authenticated, delivered) = (at.plus_seconds(60), at.plus_seconds(63));
    // Each operator's plans come to every end.
    match number / (OPERATORS * PLANS) % 10 {
        0 => {}
        1 => go(tx, ProfileState::Unavailable, at.plus_seconds(600), &|change| change.matching_id = None)?,
        2 => {
            tx.record_event(&step("AuthenticateClient", authenticated, Some(("8.8.5", "6.4"))))?;
            go(tx, ProfileState::Error, authenticated, &|_| {})?;
        }
        3 => {
            tx.record_event(&step("AuthenticateClient", authenticated, None))?;
            tx.record_event(&step("GetBoundProfilePackage", delivered, Some(("8.2.7", "3.8"))))?;
        }
        _ => {
            tx.record_event(&step("AuthenticateClient", authenticated, None))?;
            tx.record_event(&step("GetBoundProfilePackage", delivered, None))?;
            go(tx, ProfileState::Downloaded, delivered, &|change| change.eid = Some(Eid(eid)))?;
            go(tx, ProfileState::Installed, at.plus_seconds(70), &|_| {})?;
        }
    }
    let sold = |iccid, cancelled| Esim {
        operator: operator_name(operator),
        iccid,
        carrier: format!("Carrier {}", plan % 3),
        plan: format!("Plan {plan}"),
        profile_type: profile_type.clone(),
        country: "DE".to_owned(),
        smdp: "own".to_owned(),
        own: true,
        activation_code: Zeroizing::new(format!("LPA:1$localhost:8443${matching_id}")),
        confirmation_code_required: false,
        eid: None,
        device_id: None,
        reference: Some(format!("customer {number}")),
        network: NetworkState::Active,
        cancelled,
        created_at: at,
        created_by: "key bench".to_owned(),
    };
    tx.insert_esim(&sold(iccid, false))?;
    if operator == 0 {
        let cancelled = (number / OPERATORS).is_multiple_of(2);
        tx.insert_esim(&Esim { smdp: "elsewhere".to_owned(), ..sold(self::iccid(ELSEWHERE + number), cancelled) })?;
    }
    let (actor, action) = ("key bench".to_owned(), "provision".to_owned());
    tx.record_audit_of(Some(&operator_name(operator)), &AuditEntry { at, actor, action, subject: iccid.to_string() })
}

/// 8949 and the number, with its check digit.
fn iccid(number: u32) -> Iccid {
    let digits = format!("894900{number:012}");
    let check = Iccid::luhn_digit(&digits).map(|digit| digit.to_string()).unwrap_or_default();
    format!("{digits}{check}").parse().unwrap_or(Iccid([0; 10]))
}

/// Numbers that look random and cost nothing.
struct Mixed(u64);

impl Randomness for Mixed {
    fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            // SplitMix64.
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = self.0;
            mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            chunk.copy_from_slice(&(mixed ^ mixed >> 31).to_be_bytes()[..chunk.len()]);
        }
    }
}

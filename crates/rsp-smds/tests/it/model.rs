//! Random sequences of registrations and deletions, at an alternative SM-DS and through it at its root, against a list.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use rsp_asn1::Eid;
use rsp_crypto::Curve;
use rsp_es::status::StatusCode;

use crate::cascade::Cascade;
use crate::registrars::Registrar;
use crate::server::{NOW, pki};

const EVENT_IDS: [&str; 3] = ["A", "B", "C"];

#[derive(Debug, Clone)]
enum Operation {
    Register { registrar: usize, eid: usize, event: usize, forwarded: bool },
    Delete { registrar: usize, eid: usize, event: usize },
    Carry,
}

/// What the SM-DS is expected to have, in the order of registration.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    registrar: usize,
    eid: usize,
    event: usize,
    forwarded: bool,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let register = (0..2usize, 0..2usize, 0..3usize, any::<bool>())
        .prop_map(|(registrar, eid, event, forwarded)| Operation::Register { registrar, eid, event, forwarded });
    let delete = (0..2usize, 0..2usize, 0..3usize).prop_map(|(registrar, eid, event)| Operation::Delete {
        registrar,
        eid,
        event,
    });
    proptest::collection::vec(prop_oneof![4 => register, 3 => delete, 1 => Just(Operation::Carry)], 1..40)
}

/// The eUICC of the hierarchy, and one that only has an EID.
fn eids() -> [Eid; 2] {
    [pki().euicc(Curve::P256).unwrap().certificate().eid().unwrap(), Eid([0x88; 16])]
}

fn registrars() -> &'static [Registrar; 2] {
    static REGISTRARS: LazyLock<[Registrar; 2]> = LazyLock::new(|| [Registrar::smdp(1), Registrar::smdp(2)]);
    &REGISTRARS
}

/// Does an operation, and says what the model says.
async fn apply(cascade: &Cascade, model: &mut Vec<Known>, operation: &Operation) {
    let es12 = cascade.alternative.es12();
    match *operation {
        Operation::Register { registrar, eid, event, forwarded } => {
            let (who, eid_, event_id) = (&registrars()[registrar], eids()[eid], EVENT_IDS[event]);
            let answer = match forwarded {
                true => who.register_forwarded(es12, eid_, event_id).await,
                false => who.register(es12, eid_, event_id).await,
            };
            if model.iter().any(|known| (known.registrar, known.event) == (registrar, event)) {
                assert_eq!(answer, Err(StatusCode::EVENT_RECORD_ALREADY_IN_USE));
            } else {
                assert_eq!(answer, Ok(()));
                model.push(Known { registrar, eid, event, forwarded });
            }
        }
        Operation::Delete { registrar, eid, event } => {
            let answer = registrars()[registrar].delete(es12, eids()[eid], EVENT_IDS[event]).await;
            let same = |known: &Known| (known.registrar, known.eid, known.event) == (registrar, eid, event);
            match model.iter().position(same) {
                Some(place) => {
                    assert_eq!(answer, Ok(()));
                    model.remove(place);
                }
                None => assert_eq!(answer, Err(StatusCode::EVENT_RECORD_UNKNOWN)),
            }
        }
        Operation::Carry => carry(cascade).await,
    }
}

async fn carry(cascade: &Cascade) {
    let carried = cascade.carry().await;
    assert!(carried.iter().all(|(_, answer)| answer.is_ok()), "{carried:?}");
}

/// Compares what the SM-DS has with the model.
async fn compare(cascade: &Cascade, model: &[Known]) {
    for (eid, eid_) in eids().into_iter().enumerate() {
        let expected = model.iter().filter(|known| known.eid == eid);
        let found = cascade.alternative.store.events(&eid_, NOW).await.unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|record| {
                let registrar = usize::from(record.registrar == "2.999.10.2");
                let event = EVENT_IDS.iter().position(|event_id| *event_id == record.event_id).unwrap();
                Known { registrar, eid, event, forwarded: record.forwarded.is_some() }
            })
            .collect();
        assert_eq!(found, expected.cloned().collect::<Vec<_>>());
    }
}

async fn run(operations: Vec<Operation>) {
    let cascade = Cascade::new().await;
    let mut model = Vec::new();
    for operation in &operations {
        apply(&cascade, &mut model, operation).await;
        compare(&cascade, &model).await;
    }
    // In the end the root knows exactly what was passed on.
    carry(&cascade).await;
    for eid in eids() {
        let here = cascade.alternative.store.events(&eid, NOW).await.unwrap();
        let passed_on: BTreeSet<_> = here.into_iter().filter_map(|record| Some(record.forwarded?.event_id)).collect();
        assert_eq!(BTreeSet::from_iter(cascade.at_root(eid).await), passed_on);
    }
    let euicc = cascade.root.euicc(Curve::P256);
    assert_eq!(euicc.event_ids(&cascade.root).await, cascade.at_root(euicc.eid).await);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn registrations_and_deletions_do_what_a_list_does(operations in operations()) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run(operations));
    }
}

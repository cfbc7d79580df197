//! Lists of orders: taken whole or not at all, each row ordered at most once whatever stops the server.

use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use rsp_asn1::Timestamp;
use rsp_crypto::Zeroizing;
use rsp_es::activation_code::ActivationCode;
use rsp_operator::batch::{Batches, Progress};
use rsp_operator::selling::{Sale, Sell};
use rsp_operator::{Actor, Error, Esim, Right, Rights, Sold, Wanted, provisioning};
use rsp_store::{BatchState, Datastore, Intent, ProfileState};

use crate::bed::{Bed, bed, esim, iccid, manager};
use crate::support::NOW;

/// What the seller does with a row whose reference says so; others it sells.
pub(crate) const REFUSE: &str = "refuse";
const HANG: &str = "hang";
const HANG_AFTER_SELLING: &str = "hang after selling";
/// Nobody knows whether it was sold.
const VANISH: &str = "vanish";

struct Seller {
    store: Arc<Datastore>,
    sold: AtomicU8,
    asked: Mutex<Vec<String>>,
    /// Carriers of which no SM-DP+ is reached.
    down: Mutex<Vec<&'static str>>,
}

const ADDRESS: &str = "no connection to localhost at 127.0.0.1:9: Connection refused (os error 111)";

fn unreachable(supplier: &str) -> provisioning::Error {
    provisioning::Error::Unreachable { supplier: supplier.to_owned(), problem: ADDRESS.to_owned() }
}

impl Seller {
    async fn serve(&self, actor: &Actor, wanted: Wanted) -> Result<Sold, Error> {
        let reference = wanted.reference.clone().unwrap_or_default();
        self.asked.lock().unwrap().push(reference.clone());
        match reference.as_str() {
            REFUSE => return Err(Error::invalid("plan", "it is sold no more")),
            HANG if self.asked.lock().unwrap().iter().filter(|asked| *asked == HANG).count() == 1 => {
                let intent = intent(actor, &wanted);
                self.store.run_tx("begin", move |tx| tx.insert_intent(&intent)).await?;
                pending().await
            }
            VANISH => {
                let (supplier, call_id, problem) = ("main".to_owned(), "c-2".to_owned(), ADDRESS.to_owned());
                return Err(provisioning::Error::Uncertain { supplier, iccid: iccid(9), call_id, problem }.into());
            }
            _ if self.down.lock().unwrap().contains(&&*wanted.carrier) => {
                return Err(provisioning::Error::None(vec![unreachable("main"), unreachable("spare")]).into());
            }
            _ => {}
        }
        let number = self.sold.fetch_add(1, Ordering::SeqCst);
        let (operator, name) = (actor.tenant().unwrap().to_owned(), actor.name().to_owned());
        let row = move || rsp_store::Esim { operator: operator.clone(), created_by: name.clone(), ..esim("", number) };
        self.store.run_tx("sell", move |tx| tx.insert_esim(&row())).await?;
        if reference == HANG_AFTER_SELLING {
            pending::<()>().await;
        }
        let esim = Esim {
            iccid: iccid(number),
            operator: actor.tenant().map(str::to_owned),
            state: ProfileState::Released,
            own: false,
            profile_type: "alpha".to_owned(),
            plan: None,
            eid: None,
            activation_code: None,
            confirmation_code_required: false,
            download_tries: 0,
            confirmation_tries: 0,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            updated_by: String::new(),
            expires_at: None,
        };
        let code = ActivationCode::new("smdp.example.com", "ID", None, false).unwrap();
        Ok(Sold {
            esim,
            activation_code: code,
            confirmation_code: None::<Zeroizing<String>>,
            security: Default::default(),
        })
    }
}

/// As the desk notes it before its first call.
fn intent(actor: &Actor, wanted: &Wanted) -> Intent {
    Intent {
        call_id: "c".to_owned(),
        operator: actor.tenant().unwrap().to_owned(),
        carrier: wanted.carrier.clone(),
        plan: wanted.plan.clone(),
        profile_type: "alpha".to_owned(),
        smdp: "main".to_owned(),
        iccid: None,
        eid: None,
        device_id: None,
        reference: None,
        created_at: NOW,
        created_by: actor.name().to_owned(),
        due_at: NOW,
        attempts: 0,
        problem: None,
    }
}

impl Sell for Seller {
    fn sell<'a>(&'a self, actor: &'a Actor, wanted: Wanted) -> Sale<'a> {
        Box::pin(self.serve(actor, wanted))
    }

    fn check<'a>(
        &'a self,
        _: &'a Actor,
        wanted: &'a Wanted,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>> {
        Box::pin(async { if wanted.plan == "none" { Err(Error::not_found("plan", "Alpha / none")) } else { Ok(()) } })
    }
}

fn seller(bed: &Bed) -> Arc<Seller> {
    let store = Arc::clone(&bed.store);
    Arc::new(Seller { store, sold: AtomicU8::new(1), asked: Mutex::default(), down: Mutex::default() })
}

/// Lists that somebody sells who has everything.
pub(crate) fn selling(bed: &Bed) -> Batches {
    Batches::selling_by(Arc::clone(&bed.desk), seller(bed))
}

async fn lists() -> (Bed, Arc<Seller>, Batches) {
    let bed = bed().await;
    let seller = seller(&bed);
    let batches = Batches::selling_by(Arc::clone(&bed.desk), seller.clone());
    (bed, seller, batches)
}

fn list(references: &[&str]) -> Vec<u8> {
    let rows: String = references.iter().map(|reference| format!("Alpha,5 GB,{reference}\n")).collect();
    format!("carrier,plan,reference\n{rows}").into_bytes()
}

async fn states(batches: &Batches, number: i64) -> Vec<&'static str> {
    let rows = batches.rows(&manager("A"), number, 0, 100).await.unwrap();
    rows.iter().map(|row| row.state.as_str()).collect()
}

async fn progress(batches: &Batches, number: i64) -> Progress {
    batches.progress(&manager("A"), number).await.unwrap()
}

#[tokio::test]
async fn a_list_is_worked_off_and_each_row_says_what_became_of_it() {
    let (bed, seller, batches) = lists().await;
    let number = batches.upload(&manager("A"), None, "a.csv", &list(&["1", REFUSE, VANISH, "4"])).await.unwrap();
    assert_eq!(states(&batches, number).await, ["waiting"; 4]);
    let mut worker = batches.worker();
    while worker.step().await.unwrap() {}
    assert_eq!(states(&batches, number).await, ["done", "failed", "unclear", "waiting"], "the carrier is left alone");
    bed.clock.pass(5);
    while worker.step().await.unwrap() {}
    assert_eq!(states(&batches, number).await, ["done", "failed", "unclear", "done"]);
    let rows = batches.rows(&manager("A"), number, 0, 100).await.unwrap();
    assert_eq!((rows[0].iccid, rows[3].iccid), (Some(iccid(1)), Some(iccid(2))));
    assert_eq!(rows[1].problem.as_deref(), Some("plan: it is sold no more"));
    let unclear = rows[2].problem.as_deref().unwrap();
    assert!(unclear.contains("may have sold 89001010000000000") && unclear.contains("gives it up"), "{unclear}");
    assert!(!unclear.contains("main") && !unclear.contains("localhost"), "{unclear}");
    let progress = progress(&batches, number).await;
    assert_eq!((progress.total(), progress.finished(), progress.count(BatchState::Done)), (4, 4, 2));
    assert!(progress.is_finished() && progress.batch.name == "a.csv");
    assert_eq!(*seller.asked.lock().unwrap(), ["1", REFUSE, VANISH, "4"]);
    let made_by = bed.store.sold_by("A", &format!("batch {number} line 2 of user ann")).await.unwrap();
    assert_eq!(made_by, Some(iccid(1)));
}

/// Lets the worker go until it hangs in a sale, and then drops it with all that it did, as a crash would.
async fn crash(batches: &Batches) {
    let mut worker = batches.worker();
    let working = async { while worker.step().await.unwrap() {} };
    let stopped = tokio::time::timeout(std::time::Duration::from_millis(200), working).await;
    assert!(stopped.is_err(), "it did not hang");
}

#[tokio::test]
async fn what_was_being_ordered_at_a_crash_is_never_ordered_again() {
    let (bed, seller, batches) = lists().await;
    let first = batches.upload(&manager("A"), None, "a.csv", &list(&["1", HANG, "3"])).await.unwrap();
    let second = batches.upload(&manager("A"), None, "b.csv", &list(&[HANG_AFTER_SELLING, "5"])).await.unwrap();
    // The lists take turns, so the second one's sale hangs in the second run, and so on.
    for _ in 0..2 {
        crash(&batches).await;
        batches.worker().settle().await.unwrap();
    }
    let mut worker = batches.worker();
    while worker.step().await.unwrap() {}
    // As long as the order is open, its row says so, and is left alone.
    assert_eq!(worker.settle().await.unwrap(), 1);
    assert_eq!(states(&batches, first).await, ["done", "working", "done"]);
    assert_eq!(states(&batches, second).await, ["done", "done"]);
    let rows = batches.rows(&manager("A"), first, 0, 9).await.unwrap();
    assert!(rows[1].problem.as_ref().unwrap().contains("gives the order up"), "{rows:?}");
    let asked = seller.asked.lock().unwrap().len();
    assert!(bed.store.run_tx("given up", |tx| tx.remove_intent("c")).await.unwrap());
    assert_eq!((worker.settle().await.unwrap(), seller.asked.lock().unwrap().len()), (0, asked));
    assert_eq!(states(&batches, first).await, ["done", "waiting", "done"]);
    while worker.step().await.unwrap() {}
    assert_eq!(states(&batches, first).await, ["done", "done", "done"]);
    assert_eq!(batches.rows(&manager("A"), first, 0, 9).await.unwrap()[1].problem, None);
    let mut asked = seller.asked.lock().unwrap().clone();
    asked.sort();
    assert_eq!(asked, ["1", "3", "5", HANG, HANG, HANG_AFTER_SELLING]);
}

#[tokio::test]
async fn a_list_waits_while_nobody_is_reached_and_others_go_on() {
    let (bed, seller, batches) = lists().await;
    let rows = b"carrier,plan,reference\nAlpha,5 GB,1\nBeta,5 GB,2\nAlpha,5 GB,3\n";
    let number = batches.upload(&manager("A"), None, "a.csv", rows).await.unwrap();
    seller.down.lock().unwrap().push("Alpha");
    let mut worker = batches.worker();
    let asked = || seller.asked.lock().unwrap().join(" ");
    let mut times = "1 2".to_owned();
    // Asked once, and again after 5 s, and then after 10.
    for (pass, more) in [(0, ""), (4, ""), (1, " 1"), (9, ""), (1, " 1")] {
        bed.clock.pass(pass);
        while worker.step().await.unwrap() {}
        times.push_str(more);
        assert_eq!((asked(), states(&batches, number).await), (times.clone(), vec!["waiting", "done", "waiting"]));
    }
    let shown = batches.rows(&manager("A"), number, 0, 9).await.unwrap()[0].problem.clone().unwrap();
    assert!(shown.contains("nothing was ordered") && shown.ends_with("It is ordered again by itself."), "{shown}");
    for hidden in ["main", "spare", "localhost", "127.0.0.1", "os error"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    seller.down.lock().unwrap().clear();
    bed.clock.pass(20);
    while worker.step().await.unwrap() {}
    assert_eq!((asked(), states(&batches, number).await), (times + " 1 3", vec!["done"; 3]));
    assert!(batches.rows(&manager("A"), number, 0, 9).await.unwrap().iter().all(|row| row.problem.is_none()));
}

#[tokio::test]
async fn a_list_that_is_cancelled_while_nobody_is_reached_orders_nothing_more() {
    let (bed, seller, batches) = lists().await;
    seller.down.lock().unwrap().push("Alpha");
    let number = batches.upload(&manager("A"), None, "a.csv", &list(&["1", HANG])).await.unwrap();
    let mut worker = batches.worker();
    while worker.step().await.unwrap() {}
    bed.clock.pass(5);
    // The first row is put back, the second is under way when the list is cancelled.
    seller.down.lock().unwrap().clear();
    crash(&batches).await;
    assert_eq!(states(&batches, number).await, ["done", "working"]);
    batches.cancel(&manager("A"), number).await.unwrap();
    assert!(bed.store.run_tx("given up", |tx| tx.remove_intent("c")).await.unwrap());
    batches.worker().settle().await.unwrap();
    assert_eq!(states(&batches, number).await, ["done", "cancelled"]);
}

#[tokio::test]
async fn a_cancelled_list_orders_nothing_more() {
    let (_bed, seller, batches) = lists().await;
    let number = batches.upload(&manager("A"), None, "a.csv", &list(&["1", "2", "3"])).await.unwrap();
    let mut worker = batches.worker();
    assert!(worker.step().await.unwrap());
    assert_eq!(batches.cancel(&manager("A"), number).await.unwrap(), 2);
    assert!(!worker.step().await.unwrap());
    assert_eq!(states(&batches, number).await, ["done", "cancelled", "cancelled"]);
    assert_eq!(seller.asked.lock().unwrap().len(), 1);
    assert!(progress(&batches, number).await.is_finished());
}

#[tokio::test]
async fn a_list_with_something_that_cannot_be_ordered_is_refused_whole() {
    let (bed, _, batches) = lists().await;
    let list = b"carrier,plan\nAlpha,5 GB\nAlpha,none\n";
    let refused = batches.upload(&manager("A"), None, "a.csv", list).await.err().unwrap().to_string();
    assert_eq!(refused, "list: line 3: there is no plan \"Alpha / none\"");
    assert!(bed.store.batches(None, i64::MAX, 10).await.unwrap().is_empty());
    let reader = Actor::new(Some("A".to_owned()), "user bob", Rights::of([Right::Read]));
    let refused = batches.upload(&reader, None, "a.csv", list).await;
    assert!(matches!(refused, Err(Error::Forbidden(Right::Provision))));
}

#[tokio::test]
async fn lists_of_others_are_none() {
    let (_bed, _, batches) = lists().await;
    let number = batches.upload(&manager("A"), None, "a.csv", &list(&["1"])).await.unwrap();
    let stranger = manager("B");
    let message = |error: Error| error.to_string();
    for number in [number, number + 1] {
        let none = format!("there is no batch \"{number}\"");
        assert_eq!(batches.progress(&stranger, number).await.map_err(message).err().as_deref(), Some(&*none));
        assert_eq!(batches.rows(&stranger, number, 0, 9).await.map_err(message).err().as_deref(), Some(&*none));
        assert_eq!(batches.cancel(&stranger, number).await.map_err(message).err().as_deref(), Some(&*none));
    }
    assert!(batches.list(&stranger, None, 10).await.unwrap().is_empty());
    assert_eq!(batches.list(&manager("A"), None, 10).await.unwrap().len(), 1);
    assert_eq!(states(&batches, number).await, ["waiting"]);
    let other = batches.upload(&stranger, Some("A"), "a.csv", &list(&["1"])).await;
    assert!(matches!(other, Err(Error::NotFound { what: "tenant", .. })));
}

#[tokio::test]
async fn the_worker_wakes_when_a_list_comes() {
    let (_bed, seller, batches) = lists().await;
    let worker = tokio::spawn(batches.worker().run());
    for upload in 1..=2 {
        let number = batches.upload(&manager("A"), None, "a.csv", &list(&["1"])).await.unwrap();
        while !progress(&batches, number).await.is_finished() {
            tokio::task::yield_now().await;
        }
        assert_eq!(seller.asked.lock().unwrap().len(), upload);
    }
    worker.abort();
}

#[tokio::test]
async fn a_mistyped_eid_is_refused_with_its_line() {
    let bed = bed().await;
    let batches = Batches::new(Arc::clone(&bed.desk));
    let list = b"carrier,plan,eid\nAlpha,5 GB,89049032123451234512345678901236\n";
    let refused = batches.upload(&manager("A"), None, "a.csv", list).await.unwrap_err().to_string();
    assert_eq!(refused, "list: line 2: eid: its check digits are wrong: one of the digits is mistyped");
    let wanted = Wanted {
        tenant: None,
        carrier: "Alpha".to_owned(),
        plan: "5 GB".to_owned(),
        eid: Some("89049032123451234512345678901236".parse().unwrap()),
        device_id: None,
        reference: None,
        confirmation: rsp_operator::Confirmation::None,
        secure: false,
    };
    let refused = bed.desk.provision(&manager("A"), wanted).await.err().unwrap().to_string();
    assert_eq!(refused, "eid: its check digits are wrong: one of the digits is mistyped");
}

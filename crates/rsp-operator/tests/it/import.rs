//! From a list of subscribers to a sheet for each, with the SM-DP+ of the tests behind it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use rsp_es::activation_code::ActivationCode;
use rsp_operator::account::Role;
use rsp_operator::batch::Batches;
use rsp_operator::open5gs::{Imported, Plan, Subscriber, import, read};
use rsp_operator::selling::{Sale, Sell};
use rsp_operator::sheet::{Layout, pdf};
use rsp_operator::{Actor, Desk, Error, Right, Rights, Sold, Wanted};
use rsp_saip::Secret;
use rsp_saip::builder::{Codes, ProfileBuilder};
use rsp_smdp::{Import, MetadataOptions, NewOrder};

use crate::bed::{Bed, bed, manager};
use crate::pages::portal_at;
use crate::programs::run;

/// Orders as the desk would, without the way over ES2+.
pub(crate) struct Direct {
    desk: Arc<Desk>,
    /// Sales after which it fails.
    left: AtomicUsize,
}

impl Sell for Direct {
    fn sell<'a>(&'a self, actor: &'a Actor, wanted: Wanted) -> Sale<'a> {
        Box::pin(async move {
            assert_eq!(wanted.reference, None, "whose keys are sold is known by no one yet");
            if self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
                return Err(Error::Unreachable("the connection was closed".to_owned()));
            }
            let placed = self.desk.orders().order(NewOrder::of("made")).await?;
            let activation_code = ActivationCode::new("smdp.example.com", &placed.matching_id, None, false).unwrap();
            let esim = self.desk.esim(actor, &placed.iccid).await?;
            Ok(Sold { esim, activation_code, confirmation_code: None, security: Default::default() })
        })
    }

    fn check<'a>(
        &'a self,
        _: &'a Actor,
        _: &'a Wanted,
    ) -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>> {
        Box::pin(async { Ok(()) })
    }
}

pub(crate) async fn shop(sales: usize) -> (Bed, Direct) {
    let bed = bed().await;
    let digits = |text: &str| Secret::from(text.as_bytes());
    let package = ProfileBuilder {
        iccid: "89001012012341234014".to_owned(),
        imsi: "001010123456789".to_owned(),
        mnc_length: 2,
        spn: "Test".to_owned(),
        profile_type: "test".to_owned(),
        msisdn: None,
        gid1: None,
        gid2: None,
        key: Secret::from(&b"canary key K 000"[..]),
        opc: Secret::from(&b"canary OPc 00000"[..]),
        codes: Codes {
            pin1: digits("0000"),
            puk1: digits("11111111"),
            pin2: digits("0000"),
            puk2: digits("22222222"),
            adm1: digits("55555555"),
        },
        isim: false,
        pad_to: 0,
    };
    let template = Import {
        type_name: "made".to_owned(),
        operator: Some("A".to_owned()),
        package: package.build().unwrap().to_der(),
        template: true,
        iccids: Some("890010120000000100-890010120000000199".parse().unwrap()),
        metadata: MetadataOptions::default(),
        allow_published_keys: false,
    };
    bed.desk.orders().import(template).await.unwrap();
    let plan = rsp_operator::NewPlan {
        tenant: None,
        carrier: "Alpha".to_owned(),
        name: "Home".to_owned(),
        profile_type: "made".to_owned(),
        country: "DE".to_owned(),
        coverage: Vec::new(),
        data_bytes: None,
        voice_seconds: None,
        messages: None,
        validity_days: None,
        throttle_kbps: None,
        price: None,
        currency: None,
    };
    bed.desk.add_plan(&manager("A"), plan).await.unwrap();
    let seller = Direct { desk: Arc::clone(&bed.desk), left: AtomicUsize::new(sales) };
    (bed, seller)
}

fn list(from: u32, count: u32) -> Vec<Subscriber> {
    let documents: String = (from..from + count)
        .map(|number| {
            format!(
                r#"{{"imsi":"00101000000{number:04}","msisdn":["49170000{number:04}"],
"security":{{"k":"{number:032x}","op":null,"opc":"{:032x}","amf":"8000"}}}}"#,
                number + 7
            )
        })
        .collect();
    read(documents.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) async fn importing(
    bed: &Bed,
    seller: &Direct,
    actor: &Actor,
    list: &[Subscriber],
) -> Result<Imported, Error> {
    let plan = Plan { tenant: None, carrier: "Alpha".to_owned(), name: "Home".to_owned(), stock_only: true };
    import(&bed.desk, seller, actor, &plan, list).await
}

#[tokio::test]
async fn each_subscriber_gets_a_sheet_with_the_code_of_the_profile_that_has_its_keys() {
    let (bed, seller) = shop(100).await;
    let subscribers = list(1, 5);
    let imported = importing(&bed, &seller, &manager("A"), &subscribers).await.unwrap();
    assert!(imported.left.is_none() && imported.sheets.len() == 5);
    for (sheet, subscriber) in imported.sheets.iter().zip(&subscribers) {
        assert_eq!(sheet.name, format!("+{} (IMSI {})", subscriber.msisdn[0], subscriber.imsi));
        let stored = bed.store.subscriber(&sheet.iccid).await.unwrap().unwrap();
        assert!(stored.imsi == subscriber.imsi && stored.keys == subscriber.keys);
        let order = bed.store.profile_by_matching_id(sheet.activation_code.matching_id()).await.unwrap().unwrap();
        assert_eq!(order.iccid, sheet.iccid);
    }
    let dir = tempfile::tempdir().unwrap();
    let document = dir.path().join("sheets.pdf");
    std::fs::write(&document, &*pdf(&imported.sheets, Layout::One, true).unwrap()).unwrap();
    let Some(info) = run("pdfinfo", &[], &document) else { return };
    assert!(info.lines().any(|line| line.split_whitespace().eq(["Pages:", "5"])), "{info}");
}

/// What stands where in a list, and on whom.
async fn rows(batches: &Batches, number: i64) -> Vec<(&'static str, String)> {
    let rows = batches.rows(&manager("A"), number, 0, 100).await.unwrap();
    rows.into_iter().map(|row| (row.state.as_str(), row.wanted.reference.unwrap_or_default())).collect()
}

fn home() -> Plan {
    Plan { tenant: None, carrier: "Alpha".to_owned(), name: "Home".to_owned(), stock_only: true }
}

#[tokio::test]
async fn a_list_is_ordered_in_the_background_and_goes_on_after_a_stop() {
    let (bed, seller) = shop(100).await;
    let seller = Arc::new(seller);
    let start = || Batches::selling_by(Arc::clone(&bed.desk), seller.clone());
    let batches = start();
    let subscribers = list(1, 5);
    let number = batches.import(&manager("A"), &home(), "list.json", &subscribers).await.unwrap();
    let waiting: Vec<_> = subscribers.iter().map(|subscriber| ("waiting", subscriber.name())).collect();
    assert_eq!(rows(&batches, number).await, waiting);
    let progress = batches.progress(&manager("A"), number).await.unwrap();
    assert!(progress.is_of_subscribers() && progress.uploader() == "user ann");
    let again = batches.import(&manager("A"), &home(), "list.json", &list(6, 1)).await.err().unwrap().to_string();
    assert_eq!(again, "plan: 5 subscribers wait in its stock already; order for them first");
    let mut worker = batches.worker();
    assert!(worker.step().await.unwrap() && worker.step().await.unwrap());
    drop((worker, batches));
    // Somebody else orders meanwhile, and gets the third subscriber.
    bed.desk.orders().order(NewOrder::of("made")).await.unwrap();
    let batches = start();
    let mut worker = batches.worker();
    worker.settle().await.unwrap();
    while worker.step().await.unwrap() {}
    let states: Vec<_> = rows(&batches, number).await.into_iter().map(|(state, _)| state).collect();
    // Without ES2+ in between nobody says that it was refused.
    assert_eq!(states, ["done", "done", "done", "done", "unclear"]);
    let sold = batches.sold(&manager("A"), number, 10).await.unwrap();
    let mut named = Vec::new();
    for iccid in &sold.iccids {
        let keys = bed.store.subscriber(iccid).await.unwrap().unwrap();
        let subscriber = subscribers.iter().find(|subscriber| subscriber.keys == keys.keys).unwrap();
        assert_eq!(sold.names[&keys.imsi], format!("+{} (IMSI {})", subscriber.msisdn[0], subscriber.imsi));
        named.push(keys.imsi);
    }
    assert_eq!(named, ["001010000000001", "001010000000002", "001010000000004", "001010000000005"]);
    assert!(matches!(batches.sold(&manager("A"), number, 3).await, Err(Error::Invalid { field: "batch", .. })));
    assert!(matches!(batches.sold(&manager("B"), number, 10).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn nothing_of_a_list_is_taken_whose_imsi_is_and_one_at_a_time() {
    let (bed, seller) = shop(100).await;
    let batches = Batches::selling_by(Arc::clone(&bed.desk), Arc::new(seller));
    let (ann, home, some, others) = (manager("A"), home(), list(1, 3), list(4, 3));
    // Two at once: one is told that the other's subscribers wait.
    let (one, other) =
        tokio::join!(batches.import(&ann, &home, "a.json", &some), batches.import(&ann, &home, "b.json", &others));
    assert!(one.is_ok() && matches!(other, Err(Error::Invalid { field: "plan", .. })));
    let mut worker = batches.worker();
    while worker.step().await.unwrap() {}
    let refused = batches.import(&ann, &home, "a.json", &list(3, 3)).await.err().unwrap().to_string();
    assert_eq!(refused, "subscribers: IMSI 001010000000003 is taken");
    assert_eq!(bed.store.subscribers_in_stock("made").await.unwrap(), 0);
    assert_eq!(batches.list(&ann, None, 10).await.unwrap().len(), 1);
    let seller_alone = Actor::new(Some("A".to_owned()), "user bob", Rights::of([Right::Read, Right::Provision]));
    let refused = batches.import(&seller_alone, &home, "a.json", &others).await;
    assert!(matches!(refused, Err(Error::Forbidden(Right::Manage))));
}

#[tokio::test]
async fn the_page_takes_a_list_at_once_and_prints_a_sheet_for_each_when_it_is_done() {
    let (bed, seller) = shop(100).await;
    let desk = Arc::clone(&bed.desk);
    let portal = portal_at(bed, |service| {
        service.batches = Arc::new(Batches::selling_by(desk, Arc::new(seller)));
    })
    .await;
    let admin = portal.sign_in("ann", Some("A"), Role::Admin).await;
    let viewer = portal.sign_in("vic", Some("A"), Role::Viewer).await;
    let stranger = portal.sign_in("bea", Some("B"), Role::Admin).await;
    let file: String = (1..=3).map(|n| format!("00101000000000{n},{n:032x},{n:032x},+4917000{n}\n")).collect();
    let file = format!("imsi,k,opc,msisdn\n{file}");
    assert!(admin.get("/import").await.text().contains("At most 2,000 subscribers, and 16 MiB"));
    let taken = admin.upload("/import", &[("plan", "A\nAlpha\nHome"), ("stock_only", "yes")], &file).await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{}", taken.text());
    let batch = taken.location;
    let page = admin.get(&batch).await.text();
    assert!(page.contains("0 of 3") && page.contains("every 1s") && page.contains("+49170001 (IMSI 001010000000001)"));
    assert!(!page.contains(&format!("action=\"{batch}/sheets\"")));
    let early = admin.post(&format!("{batch}/sheets"), "layout=one").await;
    assert_eq!(early.status, StatusCode::BAD_REQUEST);
    let mut worker = portal.service.batches.worker();
    while worker.step().await.unwrap() {}
    let polled = admin.get(&format!("{batch}/progress")).await.text();
    assert!(polled.contains("3 of 3") && !polled.contains("hx-trigger"));
    assert!(admin.get(&batch).await.text().contains(&format!("action=\"{batch}/sheets\"")));
    let sheets = admin.post(&format!("{batch}/sheets"), "layout=one").await;
    assert_eq!((sheets.status, sheets.kind.as_str()), (StatusCode::OK, "application/pdf"));
    let noted = portal.bed.store.log(Some("A"), None, 1).await.unwrap().remove(0).entry;
    assert_eq!(
        (noted.actor.as_str(), noted.action.as_str(), noted.subject.as_str()),
        ("user ann@A", "print sheets", "3 sheets")
    );
    let library = viewer.get("/library").await.text();
    for shown in ["EF-IMSI", "6F07", "ADF-USIM", "AID A0000000871002", "milenage", "PUKs: key references 01"] {
        assert!(library.contains(shown), "{shown}: {library}");
    }
    assert!(!library.contains("63616E617279") && !library.contains("canary"));
    assert_eq!(viewer.post(&format!("{batch}/sheets"), "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(stranger.post(&format!("{batch}/sheets"), "").await.status, StatusCode::NOT_FOUND);
    let dir = tempfile::tempdir().unwrap();
    let document = dir.path().join("sheets.pdf");
    std::fs::write(&document, &sheets.body).unwrap();
    if run("pdftotext", &["-raw"], &document).is_some() {
        let text = std::fs::read_to_string(dir.path().join("sheets.txt")).unwrap();
        for n in 1..=3 {
            assert!(text.contains(&format!("For +4917000{n} (IMSI 00101000000000{n})")), "{text}");
        }
    }
}

#[tokio::test]
async fn what_fails_halfway_leaves_the_sheets_of_those_who_were_served() {
    let (bed, seller) = shop(2).await;
    let imported = importing(&bed, &seller, &manager("A"), &list(1, 5)).await.unwrap();
    assert_eq!(imported.sheets.len(), 2);
    assert!(matches!(imported.left, Some((3, Error::Unreachable(_)))));
    assert_eq!(bed.store.subscribers_in_stock("made").await.unwrap(), 3);
    // They would get the next sheets, whosever list it is.
    let refused = importing(&bed, &seller, &manager("A"), &list(6, 1)).await.err().unwrap().to_string();
    assert_eq!(refused, "plan: 3 subscribers wait in its stock already; order for them first");
}

#[tokio::test]
async fn a_list_waits_until_profiles_that_were_given_back_are_ordered() {
    let (bed, seller) = shop(100).await;
    let orders = bed.desk.orders();
    // Of a subscriber that was made up, and of one that was imported.
    let mut iccid = orders.order(NewOrder::of("made")).await.unwrap().iccid;
    for number in 1..=2 {
        orders.cancel(&iccid, true).await.unwrap();
        let refused = importing(&bed, &seller, &manager("A"), &list(number, 1)).await.err().unwrap().to_string();
        assert_eq!(refused, "plan: 1 profiles of orders that were given back are in its stock; order them first");
        assert_eq!(orders.order(NewOrder::of("made")).await.unwrap().iccid, iccid);
        let subscribers = list(number, 1);
        let imported = importing(&bed, &seller, &manager("A"), &subscribers).await.unwrap();
        assert_eq!(imported.sheets[0].name, subscribers[0].name());
        iccid = imported.sheets[0].iccid;
    }
}

#[tokio::test]
async fn nothing_is_taken_of_a_list_that_cannot_be_taken_whole() {
    let (bed, seller) = shop(100).await;
    importing(&bed, &seller, &manager("A"), &list(1, 2)).await.unwrap();
    let refused = importing(&bed, &seller, &manager("A"), &list(2, 3)).await.err().unwrap().to_string();
    assert_eq!(refused, "subscribers: IMSI 001010000000002 is taken");
    assert_eq!(bed.store.subscribers_in_stock("made").await.unwrap(), 0);
    let seller_alone = Actor::new(Some("A".to_owned()), "user bob", Rights::of([Right::Read, Right::Provision]));
    let refused = importing(&bed, &seller, &seller_alone, &list(6, 1)).await.err();
    assert!(matches!(refused, Some(Error::Forbidden(Right::Manage))));
    let stranger = importing(&bed, &seller, &manager("B"), &list(6, 1)).await.err();
    assert!(matches!(stranger, Some(Error::NotFound { what: "plan", .. })));
    let refused = importing(&bed, &seller, &manager("A"), &[]).await.err();
    assert!(matches!(refused, Some(Error::Invalid { field: "subscribers", .. })));
}

/// A's import of an IMSI that is not A's is refused alike, whether another tenant has it or nobody does.
#[tokio::test]
async fn atk_tenant_cross_by_importing_an_imsi_of_another() {
    let (bed, seller) = shop(100).await;
    let theirs = "001010100000001";
    let waiting = rsp_store::SubscriberInStock { imsi: theirs.to_owned(), keys: rsp_crypto::Zeroizing::new([7; 32]) };
    bed.store.run_tx("B's", move |tx| tx.stock_subscriber("made", &waiting)).await.unwrap();
    let of = |imsi: &str| read(format!("imsi,k,opc\n{imsi},{0:032},{0:032}\n", 1).as_bytes()).unwrap_or_default();
    let mut refusals = Vec::new();
    for imsi in [theirs, "001010100000002"] {
        let refused = importing(&bed, &seller, &manager("A"), &of(imsi)).await.err().unwrap().to_string();
        let batches = Batches::selling_by(
            Arc::clone(&bed.desk),
            Arc::new(Direct { desk: Arc::clone(&bed.desk), left: 1.into() }),
        );
        let again = batches.import(&manager("A"), &home(), "a.csv", &of(imsi)).await.err().unwrap().to_string();
        assert_eq!(refused, again);
        refusals.push(refused.replace(imsi, "IMSI"));
    }
    assert_eq!(refusals[0], "subscribers: IMSI IMSI does not begin with 0010100, as those of A do");
    assert_eq!(refusals[0], refusals[1]);
    let mut operator = bed.store.operator("A").await.unwrap().unwrap();
    operator.imsi_prefix = String::new();
    bed.store.run_tx("no prefix", move |tx| tx.change_operator(&operator)).await.unwrap();
    let refused = importing(&bed, &seller, &manager("A"), &list(1, 1)).await.err().unwrap().to_string();
    assert!(refused.contains("ask whoever runs this server") && refused.contains("--imsi-prefix"), "{refused}");
}

#[tokio::test]
async fn a_template_that_makes_up_subscribers_goes_on_until_somebody_says_that_it_may_stop() {
    let (bed, seller) = shop(100).await;
    let plan = Plan { stock_only: false, ..home() };
    let refused = import(&bed.desk, &seller, &manager("A"), &plan, &list(1, 1)).await.err().unwrap().to_string();
    assert!(refused.contains("gets a subscriber that is made up") && refused.contains("--stock-only"), "{refused}");
    let batches =
        Batches::selling_by(Arc::clone(&bed.desk), Arc::new(Direct { desk: Arc::clone(&bed.desk), left: 1.into() }));
    assert!(batches.import(&manager("A"), &plan, "a.csv", &list(1, 1)).await.is_err());
    assert!(!bed.store.profile_type("made").await.unwrap().unwrap().stocked);
    bed.desk.orders().order(NewOrder::of("made")).await.unwrap();
    importing(&bed, &seller, &manager("A"), &list(1, 1)).await.unwrap();
    // Nothing is left to be asked about.
    import(&bed.desk, &seller, &manager("A"), &plan, &list(2, 1)).await.unwrap();
}

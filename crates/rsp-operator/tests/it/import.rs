//! From a list of subscribers to a sheet for each, with the SM-DP+ of the tests behind it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rsp_es::activation_code::ActivationCode;
use rsp_operator::open5gs::{Imported, Plan, Subscriber, import, read};
use rsp_operator::selling::{Sale, Sell};
use rsp_operator::sheet::{Layout, pdf};
use rsp_operator::{Actor, Desk, Error, Right, Rights, Sold, Wanted};
use rsp_saip::Secret;
use rsp_saip::builder::{Codes, ProfileBuilder};
use rsp_smdp::{Import, MetadataOptions, NewOrder};

use crate::bed::{Bed, bed, manager};
use crate::programs::run;

/// Orders as the desk would, without the way over ES2+.
struct Direct {
    desk: Arc<Desk>,
    /// Sales after which it fails.
    left: AtomicUsize,
}

impl Sell for Direct {
    fn sell<'a>(&'a self, actor: &'a Actor, _: Wanted) -> Sale<'a> {
        Box::pin(async {
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

async fn shop(sales: usize) -> (Bed, Direct) {
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

async fn importing(bed: &Bed, seller: &Direct, actor: &Actor, list: &[Subscriber]) -> Result<Imported, Error> {
    let plan = Plan { tenant: None, carrier: "Alpha".to_owned(), name: "Home".to_owned() };
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

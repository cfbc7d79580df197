//! Ordering at two SM-DP+s of which the first is out of stock, down, loses answers or lies: one wish sells at most one profile.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::extract::{Request, State};
use axum::http::StatusCode as Http;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use rsp_asn1::{Eid, Iccid};
use rsp_crypto::Zeroizing;
use rsp_es::client::{Es2PlusClient, NetworkTransport, Origin, Scheme};
use rsp_es::es2plus::{
    CancelOrderRequest, ConfirmOrderRequest, ConfirmOrderResponse, DownloadOrderRequest, DownloadOrderResponse,
    FinalProfileStatus, ReleaseProfileRequest,
};
use rsp_es::server::{Caller, Es2Plus, es2plus_router};
use rsp_es::status::StatusCode;
use rsp_operator::provisioning::{self, Binding, Error, Insecure, NoTraces, Order, Placed, Security, Supplier};
use rsp_testkit::SeededRandomness;
use tokio::sync::Notify;

const EID: &str = "89049032123451234512345678901235";

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is executed, and the answer is lost.
    AfterIt,
    /// The same, and half an answer arrives.
    HalfAnswer,
    /// It is lost on the way.
    BeforeIt,
    /// There is nothing of the kind here.
    NotThere,
    /// It is lost on the way, and the caller waits for ever.
    NeverArrives,
    /// It is executed, and the caller waits for ever.
    NeverAnswered,
    /// It is executed, and the answer waits until it is let go.
    AnsweredLate,
    Fine,
}

#[derive(Default)]
pub(crate) struct Books {
    stock: u32,
    pub(crate) reserved: Vec<Iccid>,
    sold: Vec<Iccid>,
    pub(crate) cancelled: Vec<(Iccid, FinalProfileStatus)>,
    downloads: HashMap<String, Iccid>,
    confirms: HashMap<String, ConfirmOrderResponse>,
    calls: u32,
}

/// An SM-DP+ that executes a call once, and says what it is told to.
pub(crate) struct Smdp {
    number: u64,
    pub(crate) books: Mutex<Books>,
    faults: Mutex<VecDeque<Fault>>,
    /// A caller waits for an answer.
    pub(crate) waited_for: Notify,
    /// Lets a late answer go.
    pub(crate) go: Notify,
    address: Option<String>,
    matching_id: String,
    eid: Option<Eid>,
    /// Whether its answers leave the EID out, as SGP.22 5.3.2 allows.
    silent: bool,
    confirm: Option<StatusCode>,
    /// With what it refuses to cancel.
    cancel: Option<StatusCode>,
}

#[async_trait]
impl Es2Plus for Smdp {
    async fn download_order(&self, _: &Caller, r: DownloadOrderRequest) -> Result<DownloadOrderResponse, StatusCode> {
        let mut books = self.books.lock().unwrap();
        books.calls += 1;
        if let Some(iccid) = books.downloads.get(&r.header.function_call_identifier) {
            return Ok(DownloadOrderResponse { iccid: *iccid });
        }
        books.stock = books.stock.checked_sub(1).ok_or(StatusCode::PROFILE_TYPE_UNAVAILABLE)?;
        let digits = format!("8900101{:011}", self.number * 1_000 + u64::from(books.stock));
        let iccid = format!("{digits}{}", Iccid::luhn_digit(&digits).unwrap()).parse().unwrap();
        books.reserved.push(iccid);
        books.downloads.insert(r.header.function_call_identifier, iccid);
        Ok(DownloadOrderResponse { iccid })
    }

    async fn confirm_order(&self, _: &Caller, r: ConfirmOrderRequest) -> Result<ConfirmOrderResponse, StatusCode> {
        assert!(r.release_flag);
        let mut books = self.books.lock().unwrap();
        books.calls += 1;
        if let Some(answer) = books.confirms.get(&r.header.function_call_identifier) {
            return Ok(answer.clone());
        }
        if let Some(status) = &self.confirm {
            return Err(status.clone());
        }
        let place = books.reserved.iter().position(|iccid| *iccid == r.iccid);
        let place = place.ok_or(StatusCode::ICCID_INVALID_TRANSITION)?;
        books.reserved.remove(place);
        books.sold.push(r.iccid);
        let answer = ConfirmOrderResponse {
            eid: self.eid.or(r.eid).filter(|_| !self.silent),
            matching_id: self.matching_id.clone(),
            smdp_address: self.address.clone(),
        };
        books.confirms.insert(r.header.function_call_identifier, answer.clone());
        Ok(answer)
    }

    async fn cancel_order(&self, _: &Caller, r: CancelOrderRequest) -> Result<(), StatusCode> {
        let mut books = self.books.lock().unwrap();
        books.calls += 1;
        if let Some(status) = &self.cancel {
            return Err(status.clone());
        }
        let iccid = r.iccid.unwrap();
        books.reserved.retain(|other| *other != iccid);
        books.sold.retain(|other| *other != iccid);
        books.cancelled.push((iccid, r.final_profile_status_indicator.unwrap()));
        Ok(())
    }

    async fn release_profile(&self, _: &Caller, _: ReleaseProfileRequest) -> Result<(), StatusCode> {
        self.books.lock().unwrap().calls += 1;
        Ok(())
    }
}

async fn faulty(State(smdp): State<Arc<Smdp>>, request: Request, next: Next) -> Response {
    let fault = smdp.faults.lock().unwrap().pop_front().unwrap_or(Fault::Fine);
    match fault {
        Fault::Fine => next.run(request).await,
        Fault::BeforeIt => Http::GATEWAY_TIMEOUT.into_response(),
        Fault::NotThere => Http::NOT_FOUND.into_response(),
        Fault::AfterIt => {
            next.run(request).await;
            Http::BAD_GATEWAY.into_response()
        }
        Fault::HalfAnswer => {
            next.run(request).await;
            "{\"header\":{".into_response()
        }
        Fault::NeverArrives => {
            smdp.waited_for.notify_one();
            std::future::pending().await
        }
        Fault::NeverAnswered => {
            next.run(request).await;
            smdp.waited_for.notify_one();
            std::future::pending().await
        }
        Fault::AnsweredLate => {
            let answer = next.run(request).await;
            smdp.waited_for.notify_one();
            smdp.go.notified().await;
            answer
        }
    }
}

impl Smdp {
    pub(crate) fn new(number: u64, stock: u32) -> Self {
        Self {
            number,
            books: Mutex::new(Books { stock, ..Books::default() }),
            faults: Mutex::default(),
            waited_for: Notify::new(),
            go: Notify::new(),
            address: Some("rsp.example.com".to_owned()),
            matching_id: format!("MATCHING-{number}"),
            eid: None,
            silent: false,
            confirm: None,
            cancel: None,
        }
    }

    pub(crate) fn with(self, faults: &[Fault]) -> Self {
        Self { faults: Mutex::new(faults.iter().copied().collect()), ..self }
    }

    pub(crate) fn that_cancels_nothing(self, status: StatusCode) -> Self {
        Self { cancel: Some(status), ..self }
    }

    pub(crate) fn sold(&self) -> usize {
        self.books.lock().unwrap().sold.len()
    }

    pub(crate) fn calls(&self) -> u32 {
        self.books.lock().unwrap().calls
    }
}

pub(crate) fn supplier_at(name: &str, address: &str) -> Supplier {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let transport = Arc::new(NetworkTransport::new(Arc::new(tls)).without_keep_alive());
    let origin = Origin::new(Scheme::PlainHttp, address).unwrap();
    Supplier {
        name: name.to_owned(),
        client: Es2PlusClient::new(Arc::clone(&transport) as _, origin),
        transport,
        requester: "operator".to_owned(),
        address: None,
        pins: Vec::new(),
    }
}

pub(crate) async fn serve(smdp: Smdp) -> (Arc<Smdp>, Supplier) {
    let smdp = Arc::new(smdp);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let supplier = supplier_at(&format!("smdp{}", smdp.number), &listener.local_addr().unwrap().to_string());
    let router = es2plus_router(Arc::clone(&smdp) as _).layer(from_fn_with_state(Arc::clone(&smdp), faulty));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (smdp, supplier)
}

fn wanted() -> Order {
    Order { profile_type: "t".to_owned(), eid: None, confirmation_code: None, secure: false }
}

async fn order(suppliers: Vec<Supplier>, wanted: &Order) -> Result<Placed, Error> {
    let suppliers: Vec<_> = suppliers.into_iter().map(Arc::new).collect();
    provisioning::order(&suppliers, wanted, &mut NoTraces, &mut SeededRandomness::new("order")).await
}

/// Two SM-DP+s with stock, of which the first is as it is told to be.
async fn two(first: Smdp, wanted: &Order) -> (Result<Placed, Error>, Arc<Smdp>, Arc<Smdp>) {
    let (first, at_first) = serve(first).await;
    let (second, at_second) = serve(Smdp::new(2, 5)).await;
    (order(vec![at_first, at_second], wanted).await, first, second)
}

#[tokio::test]
async fn the_first_that_has_one_sells_it() {
    let (placed, first, second) = two(Smdp::new(1, 1), &wanted()).await;
    let placed = placed.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((placed.supplier, first.sold(), second.calls()), (0, 1, 0));
    assert_eq!(placed.activation_code.to_uri().as_str(), "LPA:1$rsp.example.com$MATCHING-1");
    assert!(!placed.security.binding.is_there() && placed.security.tls_version.is_none());

    let (placed, first, second) = two(Smdp::new(1, 0), &wanted()).await;
    let placed = placed.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((placed.supplier, first.sold(), second.sold()), (1, 0, 1), "out of stock");
    assert!(matches!(&placed.passed_over[..], [Error::Refused { supplier, .. }] if supplier == "smdp1"));
}

#[tokio::test]
async fn one_that_is_down_or_no_smdp_is_passed_over() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (second, at_second) = serve(Smdp::new(2, 5)).await;
    let placed = order(vec![supplier_at("down", &gone.to_string()), at_second], &wanted()).await;
    assert_eq!((placed.unwrap_or_else(|error| panic!("{error}")).supplier, second.sold()), (1, 1));

    let (placed, first, second) = two(Smdp::new(1, 1).with(&[Fault::NotThere]), &wanted()).await;
    assert!(placed.is_ok_and(|placed| placed.supplier == 1) && first.calls() == 0 && second.sold() == 1);
}

#[tokio::test]
async fn a_lost_answer_is_fetched_under_the_same_identifier() {
    for fault in [Fault::AfterIt, Fault::HalfAnswer, Fault::BeforeIt] {
        // At DownloadOrder, at ConfirmOrder, at both and twice.
        for faults in [&[fault][..], &[Fault::Fine, fault], &[fault, fault, Fault::Fine, fault, fault]] {
            let (placed, first, second) = two(Smdp::new(1, 5).with(faults), &wanted()).await;
            assert!(placed.is_ok_and(|placed| placed.supplier == 0), "{faults:?}");
            let books = first.books.lock().unwrap();
            assert_eq!((books.sold.len(), books.reserved.len(), books.stock), (1, 0, 4), "{faults:?}");
            assert_eq!(second.calls(), 0, "{faults:?}");
        }
    }
}

#[tokio::test]
async fn the_next_is_asked_only_when_the_one_before_has_certainly_not_sold() {
    // A reservation that nobody confirms is not sold.
    let (placed, first, second) = two(Smdp::new(1, 5).with(&[Fault::AfterIt; 3]), &wanted()).await;
    assert!(placed.is_ok_and(|placed| placed.supplier == 1) && first.sold() == 0 && second.sold() == 1);

    // The confirmation is lost each time, and giving it up works: for good, for it may still be on its way.
    let lost = [Fault::Fine, Fault::AfterIt, Fault::HalfAnswer, Fault::BeforeIt];
    let (placed, first, second) = two(Smdp::new(1, 5).with(&lost), &wanted()).await;
    assert!(placed.is_ok_and(|placed| placed.supplier == 1) && first.sold() == 0 && second.sold() == 1);
    assert_eq!(first.books.lock().unwrap().cancelled[0].1, FinalProfileStatus::Unavailable);

    // Giving it up is lost as well: nobody else is asked.
    let mut faults = lost.to_vec();
    faults.extend([Fault::BeforeIt; 3]);
    let (placed, first, second) = two(Smdp::new(1, 5).with(&faults), &wanted()).await;
    let Err(Error::Uncertain { supplier, iccid, call_id, .. }) = placed else { panic!("sold, or given up") };
    assert_eq!((supplier.as_str(), first.sold(), second.calls()), ("smdp1", 1, 0));
    let books = first.books.lock().unwrap();
    assert!(books.sold == [iccid] && books.confirms.contains_key(&call_id), "it says what to look for");
}

#[tokio::test]
async fn a_refused_confirmation_gives_the_reservation_back() {
    let first = Smdp { confirm: Some(StatusCode::CONFIRMATION_CODE_INVALID), ..Smdp::new(1, 5) };
    let (placed, first, second) = two(first, &wanted()).await;
    assert!(placed.is_ok_and(|placed| placed.supplier == 1) && second.sold() == 1);
    let books = first.books.lock().unwrap();
    assert_eq!((books.reserved.len(), books.cancelled[0].1), (0, FinalProfileStatus::Available));
}

#[tokio::test]
async fn when_none_sells_each_says_why() {
    let (_, first) = serve(Smdp::new(1, 0)).await;
    let (_, second) = serve(Smdp::new(2, 0)).await;
    let Err(error) = order(vec![first, second], &wanted()).await else { panic!("sold") };
    assert_eq!(error.status(), Some(&StatusCode::PROFILE_TYPE_UNAVAILABLE));
    assert!(
        error.to_string().contains("smdp1 refused: ") && error.to_string().contains("; smdp2 refused: "),
        "{error}"
    );
    assert!(matches!(order(Vec::new(), &wanted()).await, Err(Error::NoSupplier)));
}

/// An SM-DP+ cannot send users wherever it likes, nor put more into an activation code than an address and a matching ID.
#[tokio::test]
async fn atk_smdp_address() {
    let hostile = [
        "127.0.0.2",
        "localhost",
        "169.254.169.254",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "10.0.0.1:8443",
        "db.internal",
        "smdp",
        "2130706433",
        "a.example$X",
        "a.example\u{202e}",
        "a.example\u{200b}",
        "https://a.example",
        "a.example/x",
        "u@a.example",
        "",
        " ",
        "a.example:0",
        "a b.example",
        "a.example\n",
    ];
    let long = format!("{}.example", "a".repeat(300));
    for address in hostile.into_iter().chain([long.as_str()]) {
        let first = Smdp { address: Some(address.to_owned()), ..Smdp::new(1, 1) };
        let (placed, first, second) = two(first, &wanted()).await;
        let placed = placed.unwrap_or_else(|error| panic!("{address:?}: {error}"));
        assert_eq!((placed.supplier, first.sold(), second.sold()), (1, 0, 1), "{address:?}");
        assert!(!placed.passed_over[0].to_string().contains(['\n', '\u{202e}', '\u{200b}']), "{address:?}");
    }
    for matching_id in ["", "a", "A$B", "A B", "\u{202e}", "A\n", &"A".repeat(300)] {
        let first = Smdp { matching_id: matching_id.to_owned(), ..Smdp::new(1, 1) };
        let (placed, first, _) = two(first, &wanted()).await;
        assert!(placed.is_ok_and(|placed| placed.supplier == 1) && first.sold() == 0, "{matching_id:?}");
    }
    // An order for one eUICC that comes back for another.
    let other = "89049032000000000000000000000042".parse().unwrap();
    let mut bound = wanted();
    bound.eid = Some(EID.parse().unwrap());
    let (placed, first, _) = two(Smdp { eid: Some(other), ..Smdp::new(1, 1) }, &bound).await;
    assert!(placed.is_ok_and(|placed| placed.supplier == 1) && first.sold() == 0);

    // An order for any eUICC that comes back for one.
    let (placed, first, _) = two(Smdp { eid: Some(other), ..Smdp::new(1, 1) }, &wanted()).await;
    assert!(placed.is_ok_and(|placed| placed.supplier == 1) && first.sold() == 0);

    // What is configured holds, whatever it is; another is refused, and none is no matter.
    for (answered, sells) in
        [(Some("smdp.lab"), true), (None, true), (Some("SMDP.lab"), true), (Some("a.example"), false)]
    {
        let smdp = Smdp { address: answered.map(str::to_owned), ..Smdp::new(1, 1) };
        let (smdp, supplier) = serve(smdp).await;
        let placed = order(vec![Supplier { address: Some("smdp.lab".to_owned()), ..supplier }], &wanted()).await;
        assert_eq!((placed.is_ok(), smdp.sold() == 1), (sells, sells), "{answered:?}");
        let code = placed.map(|placed| placed.activation_code.smdp_address().to_owned());
        assert!(code.is_err() || code.is_ok_and(|code| code == "smdp.lab"));
    }
}

#[tokio::test]
async fn an_order_is_bound_to_an_eid_that_the_answer_names_and_to_no_other() {
    let eid: Eid = "89049032123451234512345678901235".parse().unwrap();
    for (silent, bound) in [(false, Some(eid)), (true, None)] {
        let (_, supplier) = serve(Smdp { silent, ..Smdp::new(1, 1) }).await;
        let placed = order(vec![supplier], &Order { eid: Some(eid), ..wanted() }).await.unwrap();
        assert_eq!(placed.security.binding.eid, bound);
    }
    let mut security = Security {
        tls_version: Some("TLSv1_3".to_owned()),
        cipher_suite: None,
        pin: Some([0; 32]),
        binding: Binding::default(),
    };
    assert_eq!(security.lacks(), Some(Insecure::Unbound));
    security.binding.eid = Some(eid);
    assert_eq!(security.lacks(), None);
}

#[tokio::test]
async fn a_secure_order_is_refused_before_anything_is_asked_for() {
    let secure = || Order { secure: true, ..wanted() };
    let (smdp, supplier) = serve(Smdp::new(1, 1)).await;
    let Err(error) = order(vec![supplier], &secure()).await else { panic!("sold") };
    assert_eq!(error.insecure(), Some(&Insecure::NoPin));
    let (other, supplier) = serve(Smdp::new(1, 1)).await;
    let Err(error) = order(vec![Supplier { pins: vec![[0; 32]], ..supplier }], &secure()).await else { panic!("sold") };
    assert_eq!(error.insecure(), Some(&Insecure::Unbound));
    let (third, supplier) = serve(Smdp::new(1, 1)).await;
    let supplier = Supplier { pins: vec![[0; 32]], ..supplier };
    let bound = Order { confirmation_code: Some(Zeroizing::new("1234".to_owned())), ..secure() };
    let Err(error) = order(vec![supplier], &bound).await else { panic!("sold") };
    assert!(matches!(error.insecure(), Some(Insecure::TlsVersion(_))), "plain HTTP has no TLS: {error}");
    assert_eq!(smdp.calls() + other.calls() + third.calls(), 0);
}

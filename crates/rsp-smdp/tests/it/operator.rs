//! Operators that call ES2+, the courier that carries what other servers are told, and their server.

use std::ops::Deref;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rsp_asn1::Iccid;
use rsp_crypto::Zeroizing;
use rsp_es::es2plus::{
    CancelOrderRequest, ConfirmOrderRequest, DownloadOrderRequest, FinalProfileStatus, ReleaseProfileRequest,
    RequestHeader,
};
use rsp_es::server::{Caller, Es2Plus};
use rsp_es::status::StatusCode;
use rsp_smdp::{
    Courier, Identity, Import, MetadataOptions, OperatorInterface, Settings, SharedRandomness, Undelivered,
};
use rsp_store::{Message, Operator, Profile, ProfileState};
use rsp_testkit::SeededRandomness;

use crate::euicc::TestEuicc;
use crate::server::{ADDRESS, NOW, Server, Wanted, package_of};

pub(crate) const ALPHA: &str = "Alpha Mobile";
pub(crate) const BETA: &str = "Beta Tel";
pub(crate) const SMDS: &str = "smds.example.com";

/// A message as it left the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) function: String,
    pub(crate) recipient: String,
    pub(crate) body: String,
}

impl Sent {
    pub(crate) fn of(message: &Message) -> Self {
        Self {
            function: message.function.clone(),
            recipient: message.recipient.clone(),
            body: String::from_utf8(message.body.to_vec()).unwrap(),
        }
    }

    /// The last part of the function's path.
    pub(crate) fn name(&self) -> &str {
        self.function.rsplit('/').next().unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Notes what it carries, and fails when it is told to.
#[derive(Default)]
pub(crate) struct TestCourier {
    pub(crate) carried: Mutex<Vec<Sent>>,
    pub(crate) failure: Mutex<Option<Undelivered>>,
    /// What happens once while the recipient is thinking.
    pub(crate) meanwhile: Mutex<Option<Meanwhile>>,
}

#[async_trait]
impl Courier for TestCourier {
    async fn deliver(&self, message: &Message) -> Result<(), Undelivered> {
        // Others have their turn: a message takes its time, and so does an answer.
        tokio::task::yield_now().await;
        self.carried.lock().unwrap().push(Sent::of(message));
        tokio::task::yield_now().await;
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
        self.failure.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

impl TestCourier {
    pub(crate) fn fails(&self, failure: Option<Undelivered>) {
        *self.failure.lock().unwrap() = failure;
    }
}

pub(crate) fn inaccessible() -> Option<Undelivered> {
    Some(Undelivered::Inaccessible("no route".to_owned()))
}

/// A server with two operators.
pub(crate) struct Lab {
    pub(crate) server: Server,
    pub(crate) courier: Arc<TestCourier>,
    pub(crate) interface: Arc<OperatorInterface>,
    calls: AtomicU32,
}

impl Deref for Lab {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// The one who calls with the certificate of this operator.
pub(crate) fn caller(operator: &str) -> Caller {
    Caller { certificate: Some(Arc::from(operator.as_bytes())), ..Caller::default() }
}

/// An operator as it is registered.
pub(crate) fn registration(name: &str) -> Operator {
    Operator {
        name: name.to_owned(),
        certificate: rsp_crypto::hash::sha256(name.as_bytes()),
        endpoint: Some(format!("{}.example.com:8444", name.split(' ').next().unwrap().to_lowercase())),
        iccid_prefix: String::new(),
        imsi_prefix: String::new(),
        created_at: NOW,
    }
}

/// An ICCID of 19 digits whose number without check digit this is.
pub(crate) fn iccid(number: u64) -> Iccid {
    let digits = number.to_string();
    format!("{digits}{}", Iccid::luhn_digit(&digits).unwrap()).parse().unwrap()
}

impl Lab {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default(), None).await
    }

    pub(crate) async fn with(settings: Settings, order_seconds: Option<i64>) -> Self {
        let server = Server::with(Wanted { settings, ..Wanted::default() }).await;
        for name in [ALPHA, BETA] {
            server.orders.add_operator(registration(name)).await.unwrap();
        }
        Self::around(server, order_seconds)
    }

    pub(crate) fn around(server: Server, order_seconds: Option<i64>) -> Self {
        let courier = Arc::new(TestCourier::default());
        let identity = Identity { address: format!("{ADDRESS}:8443"), oid: "2.999.10".to_owned() };
        let randomness = SharedRandomness::new(Box::new(SeededRandomness::new("operators")));
        let (store, clock) = (Arc::clone(&server.store), server.clock.clone());
        let interface = OperatorInterface::new(store, identity, clock, randomness, courier.clone(), order_seconds);
        Self { server, courier, interface: Arc::new(interface), calls: AtomicU32::new(0) }
    }

    /// The interface of operators.
    pub(crate) fn es2(&self) -> &dyn Es2Plus {
        &*self.interface
    }

    /// Imports profiles under numbers without check digit, and says their ICCIDs.
    pub(crate) async fn stock(&self, operator: &str, type_name: &str, first: u64, count: u64) -> Vec<Iccid> {
        let iccids: Vec<_> = (first..first + count).map(iccid).collect();
        for iccid in &iccids {
            let import = Import {
                allow_published_keys: false,
                type_name: type_name.to_owned(),
                operator: Some(operator.to_owned()),
                iccids: None,
                package: package_of(&iccid.to_string()),
                template: false,
                metadata: MetadataOptions::default(),
            };
            self.orders.import(import).await.unwrap();
        }
        iccids
    }

    /// One profile of Alpha's.
    pub(crate) async fn one(&self) -> Iccid {
        self.stock(ALPHA, "alpha", 890_010_120_000_000_001, 1).await[0]
    }

    pub(crate) fn header(&self) -> RequestHeader {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        RequestHeader {
            function_requester_identifier: "2.999.20".to_owned(),
            function_call_identifier: format!("call-{number}"),
        }
    }

    pub(crate) fn download(&self, iccid: Iccid) -> DownloadOrderRequest {
        DownloadOrderRequest { header: self.header(), eid: None, iccid: Some(iccid), profile_type: None }
    }

    pub(crate) fn download_type(&self, name: &str) -> DownloadOrderRequest {
        DownloadOrderRequest { header: self.header(), eid: None, iccid: None, profile_type: Some(name.to_owned()) }
    }

    /// With release and a matching ID made by the server.
    pub(crate) fn confirm(&self, iccid: Iccid) -> ConfirmOrderRequest {
        ConfirmOrderRequest {
            header: self.header(),
            iccid,
            eid: None,
            matching_id: None,
            confirmation_code: None,
            smds_address: None,
            release_flag: true,
        }
    }

    /// To Available, naming neither EID nor matching ID.
    pub(crate) fn cancel(&self, iccid: Iccid) -> CancelOrderRequest {
        CancelOrderRequest {
            header: self.header(),
            iccid: Some(iccid),
            eid: None,
            matching_id: None,
            final_profile_status_indicator: Some(FinalProfileStatus::Available),
        }
    }

    pub(crate) fn release(&self, iccid: Iccid) -> ReleaseProfileRequest {
        ReleaseProfileRequest { header: self.header(), iccid }
    }

    /// An order of Alpha's, confirmed and released as `change` says; returns its matching ID.
    pub(crate) async fn placed(&self, iccid: Iccid, change: impl FnOnce(&mut ConfirmOrderRequest)) -> String {
        self.es2().download_order(&caller(ALPHA), self.download(iccid)).await.unwrap();
        let mut request = self.confirm(iccid);
        change(&mut request);
        self.es2().confirm_order(&caller(ALPHA), request).await.unwrap().matching_id
    }

    pub(crate) async fn find(&self, iccid: Iccid) -> Profile {
        self.store.profile(&iccid).await.unwrap().unwrap()
    }

    pub(crate) async fn state_of(&self, iccid: Iccid) -> ProfileState {
        self.find(iccid).await.state
    }

    /// A whole download with a success at its end.
    pub(crate) async fn installs(&self, euicc: &TestEuicc, matching_id: Option<&str>, code: Option<&str>) -> Iccid {
        let authenticated = euicc.try_authenticate(self, matching_id).await.unwrap();
        let iccid = authenticated.profile_metadata.value().iccid;
        euicc.try_prepare(self, &authenticated, code).await.unwrap();
        let sequence_number = u64::from(self.calls.fetch_add(1, Ordering::SeqCst));
        let result = euicc.result(&authenticated.transaction_id, sequence_number, iccid, None);
        self.es9().handle_notification(&Caller::default(), result).await.unwrap();
        assert_eq!(self.state_of(iccid).await, ProfileState::Installed);
        iccid
    }

    /// A refusal with exactly this code, after which the database is what it was.
    pub(crate) async fn refuses<T>(&self, call: impl Future<Output = Result<T, StatusCode>>, expected: &StatusCode) {
        let before = self.files();
        match call.await {
            Ok(_) => panic!("accepted, where {expected} was expected"),
            Err(found) => assert!(found.is(expected), "{found}, where {expected} was expected"),
        }
        assert!(self.files() == before, "a refusal with {expected} changed the database");
    }

    /// Takes out everything that waits, in order, as if it arrived.
    pub(crate) async fn outbox(&self) -> Vec<Sent> {
        let mut sent = Vec::new();
        loop {
            // Later than what failed is tried again.
            let later = rsp_smdp::Clock::now(&*self.clock).plus_seconds(3600);
            let messages = self.store.claim_messages(later, later.plus_seconds(60), 100).await.unwrap();
            if messages.is_empty() {
                return sent;
            }
            for message in messages {
                sent.push(Sent::of(&message));
                self.store.message_delivered(&message).await.unwrap();
            }
        }
    }
}

pub(crate) fn secret(text: &str) -> Option<Zeroizing<String>> {
    Some(Zeroizing::new(text.to_owned()))
}

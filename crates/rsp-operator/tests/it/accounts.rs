//! Signing in: passwords, passkeys of an authenticator that is made of software, and how browsers are signed out.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value;
use rsp_crypto::{Curve, SecretKey, Zeroizing, hash};
use rsp_operator::account::{Accounts, Add, NewPassword, Origin, Role, Session, SignInError, webauthn};
use rsp_operator::{Actor, Error, Rights};
use rsp_smdp::SharedRandomness;
use serde_json::json;

use crate::shop::Shop;
use crate::support::Counter;

const ORIGIN: &str = "https://portal.example.com";
const PASSWORD: &str = "correct horse battery";

fn staff() -> Actor {
    Actor::new(None, "test", Rights::ALL)
}

fn password(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

async fn accounts(shop: &Shop) -> Accounts {
    let randomness = SharedRandomness::new(Box::new(Counter(77)));
    let accounts = Accounts::new(Arc::clone(&shop.store), shop.clock(), randomness, Origin::of(ORIGIN).unwrap());
    for (name, operator) in [("ann@A", Some("A")), ("bob@B", Some("B")), ("root", None)] {
        let add = Add {
            name: name.to_owned(),
            operator: operator.map(str::to_owned),
            role: Role::Admin,
            password: Some(NewPassword::chosen(password(PASSWORD)).unwrap()),
        };
        accounts.add_user(&staff(), add).await.unwrap();
    }
    accounts
}

async fn signed_in(accounts: &Accounts, name: &str) -> (String, Session) {
    let signed_in = accounts.sign_in(name, password(PASSWORD), None).await.unwrap_or_else(|error| panic!("{error}"));
    let session = accounts.session(&signed_in.token).await.unwrap().unwrap();
    (signed_in.token.to_string(), session)
}

#[tokio::test]
async fn a_password_lets_in_and_nothing_tells_why_another_does_not() {
    let shop = Shop::new().await;
    let accounts = accounts(&shop).await;
    let (_, session) = signed_in(&accounts, " ANN@a ").await;
    assert_eq!(session.actor().tenant(), Some("A"));
    accounts.disable_user(&staff(), "bob@B", true).await.unwrap();
    for (name, tried) in [("ann@A", "wrong"), ("nobody", PASSWORD), ("bob@B", PASSWORD), ("", ""), ("ann@A", "")] {
        let refused = accounts.sign_in(name, password(tried), None).await.err().unwrap();
        assert!(matches!(refused, SignInError::Wrong), "{name:?}: {refused}");
    }
}

#[tokio::test]
async fn guessing_is_slowed_for_the_name_and_for_the_address() {
    let shop = Shop::new().await;
    let accounts = accounts(&shop).await;
    let from = |last: u8| Some(IpAddr::from([192, 0, 2, last]));
    for number in 0..10 {
        assert!(matches!(accounts.sign_in("ann@A", password("no"), from(number)).await, Err(SignInError::Wrong)));
    }
    let refused = accounts.sign_in("ann@A", password(PASSWORD), from(99)).await.err().unwrap();
    assert!(matches!(refused, SignInError::TooMany { seconds: 60 }), "{refused}");
    shop.clock.forward(60);
    assert!(accounts.sign_in("ann@A", password(PASSWORD), from(99)).await.is_ok());
}

#[tokio::test]
async fn a_session_ends_when_nothing_is_heard_and_after_twelve_hours_in_any_case() {
    let shop = Shop::new().await;
    let accounts = accounts(&shop).await;
    let (idle, _) = signed_in(&accounts, "ann@A").await;
    let (busy, _) = signed_in(&accounts, "bob@B").await;
    for hour in 1..=12 {
        shop.clock.forward(3600);
        assert_eq!(accounts.session(&busy).await.unwrap().is_some(), hour <= 12, "{hour}");
        if hour == 3 {
            assert!(accounts.session(&idle).await.unwrap().is_none());
        }
    }
    shop.clock.forward(1);
    assert!(accounts.session(&busy).await.unwrap().is_none());
    assert!(accounts.session("").await.unwrap().is_none());
}

#[tokio::test]
async fn signing_out_disabling_and_another_password_end_sessions() {
    let shop = Shop::new().await;
    let accounts = accounts(&shop).await;
    let (token, session) = signed_in(&accounts, "ann@A").await;
    accounts.sign_out(&session).await.unwrap();
    assert!(accounts.session(&token).await.unwrap().is_none());
    let (token, _) = signed_in(&accounts, "ann@A").await;
    let another = NewPassword::chosen(password("another long password")).unwrap();
    accounts.set_password(&staff(), "ann@A", &another).await.unwrap();
    assert!(accounts.session(&token).await.unwrap().is_none());
    let (token, _) = signed_in(&accounts, "bob@B").await;
    accounts.disable_user(&staff(), "bob@B", true).await.unwrap();
    assert!(accounts.session(&token).await.unwrap().is_none());
}

#[tokio::test]
async fn users_of_another_tenant_are_not_there() {
    let shop = Shop::new().await;
    let accounts = accounts(&shop).await;
    let (_, session) = signed_in(&accounts, "ann@A").await;
    let actor = session.actor();
    let names: Vec<_> = accounts.users(&actor).await.unwrap().into_iter().map(|user| user.name).collect();
    assert_eq!(names, ["ann@A"]);
    for name in ["bob@B", "root", "nobody"] {
        let another = NewPassword::chosen(password("another long password")).unwrap();
        let refusals = [
            accounts.user(&actor, name).await.err(),
            accounts.set_password(&actor, name, &another).await.err(),
            accounts.disable_user(&actor, name, true).await.err(),
            accounts.set_role(&actor, name, Role::Viewer).await.err(),
        ];
        for refused in refusals {
            assert!(matches!(refused, Some(Error::NotFound { what: "user", .. })), "{name}: {refused:?}");
        }
    }
    for operator in [Some("B".to_owned()), None] {
        let add = Add { name: "eve".to_owned(), operator, role: Role::Admin, password: None };
        assert!(matches!(accounts.add_user(&actor, add).await, Err(Error::NotFound { .. })));
    }
    assert!(matches!(accounts.disable_user(&actor, "ann@A", true).await, Err(Error::Invalid { .. })));
}

/// An authenticator for tests: one key, and whatever it is told to say.
struct Authenticator {
    key: SecretKey,
    origin: String,
    host: String,
    flags: u8,
    counter: u32,
    handle: [u8; 32],
}

impl Authenticator {
    fn new(session: &Session) -> Self {
        Self {
            key: SecretKey::generate(Curve::P256, &mut Counter(900)),
            origin: ORIGIN.to_owned(),
            host: "portal.example.com".to_owned(),
            flags: 0x05,
            counter: 1,
            handle: session.user.handle,
        }
    }

    fn client_data(&self, kind: &str, challenge: &str) -> Vec<u8> {
        json!({ "type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false })
            .to_string()
            .into_bytes()
    }

    fn data(&self, attested: Option<&[u8]>) -> Vec<u8> {
        let flags = self.flags | if attested.is_some() { 0x40 } else { 0 };
        let host = hash::sha256(self.host.as_bytes());
        [&host[..], &[flags], &self.counter.to_be_bytes(), attested.unwrap_or_default()].concat()
    }

    /// The attestation object of this key, `alg` being COSE's number of the algorithm.
    fn attestation(&self, format: &str, alg: i64) -> Vec<u8> {
        let point = self.key.public_key().as_bytes();
        let number = |number: i64| Value::Integer(number.into());
        let key = Value::Map(vec![
            (number(1), number(2)),
            (number(3), number(alg)),
            (number(-1), number(1)),
            (number(-2), Value::Bytes(point[1..33].to_vec())),
            (number(-3), Value::Bytes(point[33..].to_vec())),
        ]);
        let mut attested = [&[0; 16][..], &[0, 4], b"cred"].concat();
        ciborium::into_writer(&key, &mut attested).unwrap();
        let text = |text: &str| Value::Text(text.to_owned());
        let object = Value::Map(vec![
            (text("fmt"), text(format)),
            (text("attStmt"), Value::Map(Vec::new())),
            (text("authData"), Value::Bytes(self.data(Some(&attested)))),
        ]);
        let mut octets = Vec::new();
        ciborium::into_writer(&object, &mut octets).unwrap();
        octets
    }

    async fn register(&self, accounts: &Accounts, session: &Session) -> Result<(), Error> {
        let options = serde_json::to_value(accounts.registration(session).await.unwrap()).unwrap();
        let challenge = options["challenge"].as_str().unwrap();
        let answer = json!({
            "clientData": URL_SAFE_NO_PAD.encode(self.client_data("webauthn.create", challenge)),
            "attestation": URL_SAFE_NO_PAD.encode(self.attestation("none", -7)),
            "label": "Key",
        });
        accounts.register_passkey(session, &serde_json::from_value(answer).unwrap()).await
    }

    fn assertion(&self, challenge: &str) -> serde_json::Value {
        let client_data = self.client_data("webauthn.get", challenge);
        let data = self.data(None);
        let signer = rsp_crypto::rust_crypto().signer(&self.key).unwrap();
        let signature = signer.sign(&[data.as_slice(), &hash::sha256(&client_data)].concat()).unwrap();
        json!({
            "credential": URL_SAFE_NO_PAD.encode(b"cred"),
            "clientData": URL_SAFE_NO_PAD.encode(client_data),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature.to_der()),
            "userHandle": URL_SAFE_NO_PAD.encode(self.handle),
        })
    }
}

fn challenge(accounts: &Accounts) -> String {
    let options = serde_json::to_value(accounts.sign_in_options()).unwrap();
    options["challenge"].as_str().unwrap().to_owned()
}

async fn assert(accounts: &Accounts, answer: serde_json::Value) -> Result<String, String> {
    let signed_in = accounts.sign_in_with_passkey(&serde_json::from_value(answer).unwrap()).await;
    signed_in.map(|signed_in| signed_in.user.name).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_passkey_signs_in_once_for_each_challenge() {
    let shop = Shop::new().await;
    let accounts = accounts(&shop).await;
    let (_, session) = signed_in(&accounts, "ann@A").await;
    let mut key = Authenticator::new(&session);
    key.register(&accounts, &session).await.unwrap();
    assert!(key.register(&accounts, &session).await.is_err(), "the same credential again");
    key.counter = 2;
    let answer = key.assertion(&challenge(&accounts));
    assert_eq!(assert(&accounts, answer.clone()).await.unwrap(), "ann@A");
    assert!(assert(&accounts, answer).await.unwrap_err().contains("twice"));
    assert!(assert(&accounts, key.assertion(&challenge(&accounts))).await.unwrap_err().contains("counter"));
    key.counter = 3;
    let late = challenge(&accounts);
    shop.clock.forward(301);
    assert!(assert(&accounts, key.assertion(&late)).await.unwrap_err().contains("too late"));
    accounts.disable_user(&staff(), "ann@A", true).await.unwrap();
    assert!(assert(&accounts, key.assertion(&challenge(&accounts))).await.is_err());
}

#[tokio::test]
async fn a_passkey_signs_in_only_from_here_for_its_user_who_was_verified() {
    let shop = Shop::new().await;
    let accounts = accounts(&shop).await;
    let (_, session) = signed_in(&accounts, "ann@A").await;
    Authenticator::new(&session).register(&accounts, &session).await.unwrap();
    type Change = fn(&mut Authenticator);
    let changes: [(&str, Change); 6] = [
        ("another site's page", |key| key.origin = "https://evil.example".to_owned()),
        ("another site's key", |key| key.host = "evil.example".to_owned()),
        ("nobody there", |key| key.flags = 0x04),
        ("nobody verified", |key| key.flags = 0x01),
        ("another user", |key| key.handle = [1; 32]),
        ("another key", |key| key.key = SecretKey::generate(Curve::P256, &mut Counter(901))),
    ];
    for (what, change) in changes {
        let mut key = Authenticator::new(&session);
        key.counter = 5;
        change(&mut key);
        assert!(assert(&accounts, key.assertion(&challenge(&accounts))).await.is_err(), "{what}");
    }
    let mut key = Authenticator::new(&session);
    key.counter = 5;
    let mut own = challenge(&accounts).into_bytes();
    own[20] ^= 1;
    assert!(assert(&accounts, key.assertion(&String::from_utf8_lossy(&own))).await.is_err(), "a challenge not ours");
    assert!(assert(&accounts, key.assertion(&challenge(&accounts))).await.is_ok());
}

#[tokio::test]
async fn only_es256_without_attestation_is_registered() {
    let shop = Shop::new().await;
    let accounts = accounts(&shop).await;
    let (_, session) = signed_in(&accounts, "ann@A").await;
    let key = Authenticator::new(&session);
    let expected = webauthn::Expected { origin: ORIGIN, relying_party: "portal.example.com" };
    let made = key.client_data("webauthn.create", "AAAA");
    assert!(webauthn::register(&made, &key.attestation("none", -7), expected).is_ok());
    let packed = webauthn::register(&made, &key.attestation("packed", -7), expected);
    assert_eq!(packed, Err(webauthn::Error::Attestation));
    let rs256 = webauthn::register(&made, &key.attestation("none", -257), expected);
    assert_eq!(rs256, Err(webauthn::Error::Algorithm));
    let got = key.client_data("webauthn.get", "AAAA");
    assert_eq!(webauthn::register(&got, &key.attestation("none", -7), expected), Err(webauthn::Error::Type));
    // Whatever is cut off or changed is refused or a key, and no panic.
    let whole = key.attestation("none", -7);
    for length in 0..whole.len() {
        assert!(webauthn::register(&made, &whole[..length], expected).is_err(), "{length}");
    }
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] = changed[place].wrapping_add(0x55);
        let _ = webauthn::register(&made, &changed, expected);
    }
}

/// Entries of the log about refusals, newest first: whose, what, and about what.
async fn refusals(shop: &Shop, operator: Option<&str>) -> Vec<(Option<String>, String, String)> {
    let entries = shop.store.log(operator, None, 1_000).await.unwrap().into_iter();
    let entries = entries.filter(|entry| entry.entry.actor == "somebody");
    entries.map(|entry| (entry.operator, entry.entry.action, entry.entry.subject)).collect()
}

/// Waits until there are so many; what is written beside an answer comes after it.
async fn await_refusals(shop: &Shop, count: usize) {
    let written = async {
        while refusals(shop, None).await.len() < count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), written).await.expect("the log has too few");
}

#[tokio::test]
async fn a_run_of_refused_sign_ins_is_in_the_log_once_and_says_no_password() {
    let shop = Shop::new().await;
    let accounts = accounts(&shop).await;
    let guess = async |name: &str| accounts.sign_in(name, password("hunter2 hunter2"), None).await.err().unwrap();
    for _ in 0..10 {
        assert!(matches!(guess("ann@A").await, SignInError::Wrong));
    }
    for _ in 0..10 {
        assert!(matches!(guess("ann@A").await, SignInError::TooMany { .. }));
    }
    guess("my secret passphrase").await;
    await_refusals(&shop, 3).await;
    let of_a = |action: &str| (Some("A".to_owned()), action.to_owned(), "ann@A".to_owned());
    let own = refusals(&shop, Some("A")).await;
    assert_eq!(own, [of_a("throttle sign-in"), of_a("refuse sign-in")]);
    assert!(refusals(&shop, Some("B")).await.is_empty());
    let all = refusals(&shop, None).await;
    let strangers: Vec<_> = all.iter().filter(|(operator, ..)| operator.is_none()).collect();
    assert_eq!(strangers.len(), 1);
    assert_eq!(strangers[0].2, "a name that nobody has: \"my …\"");
    assert!(!format!("{all:?}").contains("hunter2"));
    // Another hour, another run; names that nobody has share theirs.
    shop.clock.forward(3_600);
    guess("ann@A").await;
    await_refusals(&shop, 4).await;
    assert_eq!(refusals(&shop, Some("A")).await.len(), 3);
    for number in 0..12 {
        guess(&format!("nobody {number}")).await;
    }
    guess("bob@B").await;
    await_refusals(&shop, 15).await;
    assert_eq!(refusals(&shop, Some("B")).await.len(), 1);
    assert_eq!(refusals(&shop, None).await.len(), 3 + 1 + 10 + 1);
}

#[tokio::test]
async fn atk_tenant_cross_by_a_name_that_another_tenant_has() {
    let shop = Shop::new().await;
    let accounts = accounts(&shop).await;
    let add = |name: &str, operator: Option<&str>| Add {
        name: name.to_owned(),
        operator: operator.map(str::to_owned),
        role: Role::Viewer,
        password: Some(NewPassword::chosen(password(PASSWORD)).unwrap()),
    };
    let (_, session) = signed_in(&accounts, "bob@B").await;
    // A has an ann, and the staff has a root.
    for (name, full) in [("ann", "ann@B"), ("root@B", "root@B")] {
        assert_eq!(accounts.add_user(&session.actor(), add(name, Some("B"))).await.unwrap().name, full);
        assert_eq!(signed_in(&accounts, full).await.1.actor().tenant(), Some("B"));
    }
    assert_eq!(signed_in(&accounts, "ann@A").await.1.actor().tenant(), Some("A"));
    for (name, operator) in
        [("ann@A", Some("B")), ("x@A@B", Some("B")), ("@B", Some("B")), ("eve@A", None), ("a b", None)]
    {
        let refused = accounts.add_user(&staff(), add(name, operator)).await;
        assert!(matches!(refused, Err(Error::Invalid { field: "name", .. })), "{name}");
    }
    let taken = accounts.add_user(&session.actor(), add("bob", Some("B"))).await.err().unwrap();
    assert_eq!(taken.to_string(), "there is a user \"bob@B\" already");
}

/// Before names had tenants in them they were whatever somebody chose.
#[tokio::test]
async fn a_name_that_was_stored_without_its_tenant_still_signs_in() {
    let shop = Shop::new().await;
    let accounts = accounts(&shop).await;
    let made = rsp_crypto::password::hash(PASSWORD.as_bytes(), &mut Counter(5)).unwrap();
    let old = rsp_store::NewUser {
        name: "ann@alpha.example".to_owned(),
        operator: Some("A".to_owned()),
        role: "admin".to_owned(),
        password: Some(made),
        handle: [9; 32],
        created_at: crate::support::NOW,
    };
    shop.store.run_tx("old user", move |tx| tx.insert_user(&old)).await.unwrap();
    let (_, session) = signed_in(&accounts, "ann@alpha.example").await;
    assert_eq!(session.actor().tenant(), Some("A"));
}

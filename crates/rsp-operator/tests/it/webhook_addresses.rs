//! Webhooks: what a server must not be made to call.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use rsp_es::client::{
    AllowedHost, EgressPolicy, Limits, NameResolver, NetworkTransport, Origin, Scheme, web_tls_config,
};
use rsp_operator::Error;
use rsp_operator::webhooks::{Address, AddressRules, Fault, NetworkSender, NotSent, Sender};

use crate::shop::{Shop, tenant};
use crate::webhooks::{URL, deliver, wanted, webhooks};

/// Refused when a webhook is added.
const NO_WEBHOOKS: &[&str] = &[
    // Itself and its neighbours.
    "https://127.0.0.1/",
    "https://127.0.0.1:8443/",
    "https://127.255.255.254/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://a.localhost/",
    "https://intranet/",
    "https://printer.local/",
    "https://db.internal/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://[::1]/",
    "https://[::]/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    // The metadata of a cloud.
    "https://169.254.169.254/latest/meta-data/",
    "https://[fd00:ec2::254]/",
    "https://metadata.google.internal/",
    "https://printer.corp/",
    "https://router.home/",
    "https://a.invalid/",
    // IPv4 inside of IPv6.
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    // Numbers in disguise.
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.0.01/",
    "https://1.2.3.4.5/",
    "https://127.0.0.1./",
    // Other schemes.
    "http://partner.example.com/",
    "gopher://partner.example.com:70/_",
    "file:///etc/passwd",
    "ftp://partner.example.com/",
    "HTTPS://partner.example.com/",
    "javascript:alert(1)",
    "//partner.example.com/",
    "https:/partner.example.com/",
    // User names, fragments, and what two programs read in two ways.
    "https://user:canary@partner.example.com/",
    "https://partner.example.com@127.0.0.1/",
    "https://127.0.0.1#@partner.example.com/",
    "https://127.0.0.1\\@partner.example.com/",
    "https://partner.example.com/\r\nHost: localhost",
    "https://partner.example.com/a b",
    "https://pärtner.example.com/",
    "https://partner.example.com%2f@localhost/",
    "https://%31%32%37.0.0.1/",
    "https://[::1%25lo]/",
    "https://[127.0.0.1]/",
    "https:///",
    "https://",
    "",
    // Ports of other services.
    "https://partner.example.com:22/",
    "https://partner.example.com:25/",
    "https://partner.example.com:0/",
    "https://partner.example.com:65536/",
    "https://partner.example.com:/",
];

/// Taken, as far as can be seen of them, and not called: their names lead elsewhere.
const NOT_CALLED: &[(&str, &[&str])] = &[
    ("https://loop.example.com/", &["127.0.0.1"]),
    ("https://meta.example.com/", &["169.254.169.254"]),
    ("https://private.example.com/", &["10.1.2.3"]),
    ("https://mapped.example.com/", &["::ffff:127.0.0.1"]),
    ("https://six.example.com/", &["::1"]),
    ("https://both.example.com/", &["93.184.215.14", "127.0.0.1"]),
    ("https://zero.example.com/", &["0.0.0.0"]),
    ("https://127.0.0.1.nip.io/", &["127.0.0.1"]),
];

/// Gives each name its addresses, and counts who asks.
struct Names {
    known: HashMap<String, Vec<IpAddr>>,
    asked: AtomicUsize,
}

#[async_trait]
impl NameResolver for Names {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let addresses = self.known.get(host).ok_or(io::ErrorKind::NotFound)?;
        Ok(addresses.iter().map(|address| SocketAddr::new(*address, port)).collect())
    }
}

/// The first answer is this machine, and every other one is this machine under another address.
struct Rebinding(AtomicUsize);

#[async_trait]
impl NameResolver for Rebinding {
    async fn resolve(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let address = if self.0.fetch_add(1, Ordering::SeqCst) == 0 { "127.0.0.1" } else { "127.0.0.2" };
        Ok(vec![SocketAddr::new(address.parse().unwrap(), port)])
    }
}

/// A listener on this machine that counts who connects.
async fn listener() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            drop(listener.accept().await);
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address, count)
}

fn transport(resolver: Arc<dyn NameResolver>, allow: &[&str]) -> NetworkTransport {
    let bundle = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../openrsp/tests/transcripts/lpac-pcsc-2.3.0.r454.8f68d5c/pki/p256/ci.pem"
    ))
    .unwrap();
    let allow = allow.iter().map(|text| text.parse::<AllowedHost>().unwrap()).collect();
    let second = Duration::from_millis(300);
    NetworkTransport::new(web_tls_config(&bundle).unwrap())
        .with_resolver(resolver)
        .with_egress(EgressPolicy::Guarded { allow })
        .with_limits(Limits { connect: second, exchange: second, body: 1024 })
}

#[tokio::test]
async fn atk_ssrf_callback() {
    let shop = Shop::new().await;
    let webhooks = webhooks(&shop);
    let owner = tenant("A");
    for url in NO_WEBHOOKS {
        let refused = webhooks.add(&owner, &wanted(url)).await;
        assert!(matches!(refused, Err(Error::Invalid { field: "url", .. })), "{url}");
        let audit = shop.store.audit(1).await.unwrap().remove(0);
        assert_eq!(audit.action, "refused a webhook", "{url}");
        assert!(!audit.subject.contains("canary") && !audit.subject.contains('\n'), "{}", audit.subject);
    }
    assert!(webhooks.list(&owner, None).await.unwrap().is_empty());

    let (address, connections) = listener().await;
    let parse = |texts: &&[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let name = |url: &str| url.trim_start_matches("https://").trim_end_matches('/').to_owned();
    let known = NOT_CALLED.iter().map(|(url, addresses)| (name(url), parse(addresses))).collect();
    let names = Arc::new(Names { known, asked: AtomicUsize::new(0) });
    let resolver = Arc::clone(&names);
    let sender = NetworkSender::new(move || transport(Arc::clone(&resolver) as _, &[]), []);
    for (number, (url, _)) in NOT_CALLED.iter().enumerate() {
        let url = format!("{}:{}/hook", url.trim_end_matches('/'), address.port());
        let id = webhooks.add(&owner, &wanted(&url)).await.unwrap().webhook.id;
        webhooks.test(&owner, &id).await.unwrap();
        assert_eq!(deliver(&shop, &webhooks, &sender).await, 0, "{url}");
        assert_eq!(names.asked.load(Ordering::SeqCst), number + 1, "{url} is resolved once");
        let tried = webhooks.deliveries(&owner, &id, 10).await.unwrap();
        assert!(tried.len() == 1 && tried[0].status.is_none(), "{tried:?}");
        let problem = tried[0].problem.as_deref().unwrap_or_default();
        assert!(problem == "the host does not belong to the public internet", "{url}: {problem}");
        let audit = shop.store.audit(1).await.unwrap().remove(0);
        assert_eq!(audit.action, "refused to call", "{url}");
        assert!(audit.subject.contains(&id), "{}", audit.subject);
        webhooks.remove(&owner, &id).await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
    assert!(NO_WEBHOOKS.len() + NOT_CALLED.len() >= 30);
}

#[tokio::test]
async fn atk_ssrf_callback_by_rebinding_or_redirect() {
    let (address, connections) = listener().await;
    let rebinding = Arc::new(Rebinding(AtomicUsize::new(0)));
    let resolver = Arc::clone(&rebinding);
    let named = format!("receiver.example.com:{}", address.port());
    let (origin, allow) = (Origin::new(Scheme::PlainHttp, &named).unwrap(), named.clone());
    let fresh = move || transport(Arc::clone(&resolver) as _, &[&allow]);
    let sender = NetworkSender::new(fresh, [origin.clone()]);
    let to = Address::parse(&format!("http://{named}/"), &AddressRules::new([origin])).unwrap();
    // An exception is called where it was at first, and its name is asked for once each time.
    assert!(matches!(sender.send(&to, "t", b"{}").await.answer, Err(NotSent::Failed(Fault::Http, _))));
    assert_eq!((rebinding.0.load(Ordering::SeqCst), connections.load(Ordering::SeqCst)), (1, 1));
    assert!(matches!(sender.send(&to, "t", b"{}").await.answer, Err(NotSent::Refused(_))));
    assert_eq!((rebinding.0.load(Ordering::SeqCst), connections.load(Ordering::SeqCst)), (2, 1));

    // A receiver that may be private redirects to this machine.
    let app = axum::Router::new().fallback(move || async move {
        axum::response::Redirect::temporary(&format!("http://{address}/latest/meta-data"))
    });
    let receiver = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let allowed = receiver.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(receiver, app).await });
    let origin = Origin::new(Scheme::PlainHttp, &allowed).unwrap();
    let allow = allowed.clone();
    let fresh = move || transport(Arc::new(rsp_es::client::SystemResolver), &[&allow]);
    let sender = NetworkSender::new(fresh, [origin.clone()]);
    let to = Address::parse(&format!("http://{allowed}/hook"), &AddressRules::new([origin])).unwrap();
    assert_eq!(sender.send(&to, "t", b"{}").await.answer, Ok(307));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[test]
fn exceptions_are_hosts_at_ports_and_nothing_else() {
    let rules = AddressRules::new([Origin::new(Scheme::Https, "127.0.0.1:8080").unwrap()]);
    for url in ["http://127.0.0.1:8080/x", "https://127.0.0.1:8080/"] {
        assert!(Address::parse(url, &rules).is_ok(), "{url}");
    }
    for url in ["http://127.0.0.1:8081/x", "http://127.0.0.2:8080/", "http://2130706433:8080/", "http://127.1:8080/"] {
        assert!(Address::parse(url, &rules).is_err(), "{url}");
    }
    for url in ["https://partner.example.com", "https://partner.example.com:8443/a/b?c=d", "https://8.8.8.8/", URL] {
        assert!(Address::parse(url, &AddressRules::default()).is_ok(), "{url}");
    }
    let address = Address::parse("https://partner.example.com?x=y", &AddressRules::default()).unwrap();
    assert_eq!(address.target(), "/?x=y");
    assert_eq!(address.shown(), "https://partner.example.com/?…");
    assert!(Address::parse(&format!("https://a.example.com/{}", "x".repeat(3000)), &rules).is_err());
}

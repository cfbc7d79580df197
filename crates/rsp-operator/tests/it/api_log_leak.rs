//! The REST API: what is not in the log.

use std::cell::RefCell;

use rsp_operator::Rights;
use serde_json::json;

use crate::api::{Api, LIMITS};
use crate::api_receipts::refuse;

thread_local! {
    /// What was logged on this thread, if somebody listens.
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes where the thread listens.
struct Here;

impl std::io::Write for Here {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.iter_mut().for_each(|log| log.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// On one thread, so that everything that is logged is logged here.
#[tokio::test(flavor = "current_thread")]
async fn atk_log_leak() {
    // One for all threads: with one for this thread alone, what others log first would be taken for what nobody wants.
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| Here).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    LOG.set(Some(Vec::new()));
    let api = Api::new(LIMITS).await;
    let key = api.key("A", Rights::ALL).await;
    let iccid = api.bed.sell("A", 1).await;
    refuse(&api, iccid).await;
    let hook = json!({ "url": "https://a.example.com/hook?token=QUERYCANARY", "kinds": ["state"] });
    let (_, added) = api.call(&key, "POST", "/api/v1/webhooks", Some(&hook)).await;
    let secret = added["secret"].as_str().unwrap().to_owned();
    let id = added["webhook"]["id"].as_str().unwrap().to_owned();
    let order = json!({ "carrier": "x", "plan": "y", "confirmation_code": "CODECANARY" });
    let mut problems = String::new();
    for (method, path, body) in [
        ("GET", format!("/api/v1/esims/{iccid}/handoff"), None),
        ("GET", format!("/api/v1/esims/{iccid}/receipt"), None),
        ("POST", format!("/api/v1/esims/{iccid}/cancel"), None),
        ("POST", format!("/api/v1/webhooks/{id}/rotate"), Some(json!({}))),
        ("POST", format!("/api/v1/webhooks/{id}/test"), None),
        ("POST", "/api/v1/esim/provision".to_owned(), Some(order.clone())),
        ("GET", format!("/api/v1/{}", &key[22..]), None),
    ] {
        let (status, answer) = api.call(&key, method, &path, body.as_ref()).await;
        if status.is_client_error() || status.is_server_error() {
            problems += &answer.to_string();
        }
    }
    // A wrong key that resembles the right one.
    let wrong = format!("{}{}", &key[..key.len() - 1], if key.ends_with('0') { '1' } else { '0' });
    problems += &api.call(&wrong, "POST", "/api/v1/esim/provision", Some(&order)).await.1.to_string();
    let log = String::from_utf8(LOG.take().unwrap()).unwrap();
    assert!(log.contains("answered"), "it was listened to: {log}");
    for canary in [&key[22..80], &secret[6..], "MATCHING-ID-1", "CODECANARY", "QUERYCANARY"] {
        assert!(!problems.contains(canary), "{problems}");
        let logged: Vec<_> = log.lines().filter(|line| line.contains(canary)).collect();
        assert!(logged.is_empty(), "{logged:?}");
    }
}

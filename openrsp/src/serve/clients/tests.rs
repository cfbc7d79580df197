//! Mutual TLS from both ends: who gets in, and who does not get as far as a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::routing::post;
use axum::{Extension, Router};
use rsp_crypto::hash;
use rsp_es::server::Caller;
use rsp_pki::Role;
use rsp_pki::issue::Minted;

use crate::serve::testing::Bench;

const OPERATORS: &[Role] = &[Role::OperatorTls];
const SERVERS: &[Role] = &[Role::DpTls, Role::DsTls];
const DAY: i64 = 86_400;

/// Answers who calls, and counts.
fn who(calls: &Arc<AtomicUsize>) -> Router {
    let calls = Arc::clone(calls);
    let answer = move |Extension(caller): Extension<Caller>| {
        calls.fetch_add(1, Ordering::Relaxed);
        let certificate = caller.certificate.as_deref().map(hash::sha256);
        async move { format!("{:?} {certificate:?}", caller.address) }
    };
    Router::new().route("/", post(answer))
}

fn told(minted: &Minted) -> Vec<u8> {
    let address = Some(std::net::IpAddr::from([127, 0, 0, 1]));
    format!("{address:?} {:?}", Some(hash::sha256(minted.certificate.der()))).into_bytes()
}

#[tokio::test]
async fn a_caller_is_known_by_its_address_and_certificate() {
    let bench = Bench::new();
    let calls = Arc::default();
    for (server, roles, client) in [
        (Role::DpTls, OPERATORS, Role::OperatorTls),
        (Role::DsTls, SERVERS, Role::DpTls),
        (Role::DsTls, SERVERS, Role::DsTls),
    ] {
        let crls = [bench.crl(&[], 0)];
        let served = bench.serve(server, bench.verifier(roles, &crls), who(&calls)).await;
        let minted = bench.mint(client, 0);
        let answer = bench.post(served.address, server, Some(&minted)).await.unwrap();
        assert_eq!((answer.status, answer.body), (200, told(&minted)), "{client}");
        served.stop().await;
    }
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn atk_tenant_cross_without_the_right_certificate_there_is_no_request() {
    let (bench, other) = (Bench::new(), Bench::new());
    let calls = Arc::default();
    let revoked = bench.mint(Role::OperatorTls, 0);
    let crls = [bench.crl(&[&revoked], 0)];
    let es2plus = bench.serve(Role::DpTls, bench.verifier(OPERATORS, &crls), who(&calls)).await;
    let es12 = bench.serve(Role::DsTls, bench.verifier(SERVERS, &crls), who(&calls)).await;

    let server_only = bench.with_purposes(bench.mint(Role::DpTls, 0), true, false);
    for (to, server, client, what) in [
        (&es2plus, Role::DpTls, None, "none"),
        (&es2plus, Role::DpTls, Some(bench.mint(Role::DpTls, 0)), "an SM-DP+"),
        (&es2plus, Role::DpTls, Some(bench.mint(Role::DsTls, 0)), "an SM-DS"),
        (&es2plus, Role::DpTls, Some(bench.mint(Role::OperatorTls, 900 * DAY)), "expired"),
        (&es2plus, Role::DpTls, Some(bench.mint(Role::OperatorTls, -DAY)), "not yet valid"),
        (&es2plus, Role::DpTls, Some(other.mint(Role::OperatorTls, 0)), "of another CI"),
        (&es2plus, Role::DpTls, Some(revoked), "revoked"),
        (&es12, Role::DsTls, None, "none"),
        (&es12, Role::DsTls, Some(bench.mint(Role::OperatorTls, 0)), "an operator"),
        (&es12, Role::DsTls, Some(server_only), "of a server that is no client"),
        (&es12, Role::DsTls, Some(other.mint(Role::DpTls, 0)), "of another CI"),
    ] {
        let answer = bench.post(to.address, server, client.as_ref()).await;
        let error = answer.expect_err(what).to_string();
        assert!(error.contains("alert"), "{what}: {error}");
    }
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    bench.post(es2plus.address, Role::DpTls, Some(&bench.mint(Role::OperatorTls, 0))).await.unwrap();
    es2plus.stop().await;
    es12.stop().await;
}

#[tokio::test]
async fn tls_1_2_asks_for_the_same_certificate() {
    let bench = Bench::new();
    let calls = Arc::default();
    let served = bench.serve(Role::DpTls, bench.verifier(OPERATORS, &[]), who(&calls)).await;
    let operator = bench.mint(Role::OperatorTls, 0);
    let answer = bench.post_1_2(served.address, Role::DpTls, Some(&operator)).await.unwrap();
    assert_eq!((answer.status, answer.body), (200, told(&operator)));
    for client in [None, Some(bench.mint(Role::DpTls, 0)), Some(bench.mint(Role::OperatorTls, 900 * DAY))] {
        let error = bench.post_1_2(served.address, Role::DpTls, client.as_ref()).await.unwrap_err().to_string();
        assert!(error.contains("alert"), "{error}");
    }
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    served.stop().await;
}

#[tokio::test]
async fn atk_crl_without_a_fresh_list_nobody_gets_in_where_lists_are_required() {
    let bench = Bench::new();
    let calls = Arc::default();
    let operator = bench.mint(Role::OperatorTls, 0);
    let fresh = bench.crl(&[], DAY - 3600);
    let old = bench.crl(&[], DAY + 3600);
    for (crls, let_in) in [(vec![fresh], true), (vec![old], false), (Vec::new(), false)] {
        let verifier = bench.verifier(OPERATORS, &crls).with_crl_max_age(Some(DAY));
        let served = bench.serve(Role::DpTls, verifier, who(&calls)).await;
        assert_eq!(bench.post(served.address, Role::DpTls, Some(&operator)).await.is_ok(), let_in, "{crls:?}");
        served.stop().await;
    }
}

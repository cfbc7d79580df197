//! Codes leave in files: work that delays no page, and that the audit has.

use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};

use axum::http::StatusCode;
use rsp_operator::account::Role;
use rsp_operator::workshop::Workshop;

use crate::bed::bed;
use crate::pages::{portal, portal_at};

#[tokio::test]
async fn pages_are_answered_while_files_are_made_and_whoever_comes_too_late_is_told_to_come_again() {
    let portal = portal_at(bed().await, |service| service.workshop = Arc::new(Workshop::new(1, 1))).await;
    let own = portal.bed.sell("A", 1).await;
    let admin = Arc::new(portal.sign_in("ann", Some("A"), Role::Admin).await);
    let workshop = &portal.service.workshop;
    let (end, told) = mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let mut at_work = pin!(workshop.run(async move {
        begun.send(()).unwrap();
        told.recv().unwrap();
        Ok(())
    }));
    let mut now = Context::from_waker(Waker::noop());
    assert!(at_work.as_mut().poll(&mut now).is_pending());
    has_begun.await.unwrap();
    {
        let mut waits = pin!(workshop.run(async { Ok(()) }));
        assert!(waits.as_mut().poll(&mut now).is_pending());
        for path in ["/export/orders.csv", "/export/orders.zip", "/library", "sheet.pdf", "hand-out.eml"] {
            let path = if path.starts_with('/') { path.to_owned() } else { format!("/orders/{own}/{path}") };
            let late = admin.get(&path).await;
            assert_eq!((late.status, late.retry_after.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "2"), "{path}");
            assert!(late.text().contains("try again in a moment"), "{path}: {}", late.text());
        }
        let late = admin.post("/sheets", &format!("iccids={own}&layout=one")).await;
        assert_eq!(late.status, StatusCode::SERVICE_UNAVAILABLE);
        let late = admin.upload("/batches", &[], "carrier,plan\nA,B").await;
        assert_eq!(late.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(admin.get("/plans").await.status, StatusCode::OK);
    }
    // Now there is room for one that waits.
    let browser = Arc::clone(&admin);
    let sheet = tokio::spawn(async move { browser.get(&format!("/orders/{own}/sheet.pdf")).await });
    for path in ["/plans", "/orders", "/batches"] {
        assert_eq!(admin.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert!(!sheet.is_finished());
    end.send(()).unwrap();
    at_work.await.unwrap();
    let sheet = sheet.await.unwrap();
    assert_eq!((sheet.status, sheet.kind.as_str()), (StatusCode::OK, "application/pdf"));
}

#[tokio::test]
async fn whatever_takes_codes_along_is_in_the_audit_with_who_and_how_many() {
    let portal = portal().await;
    let (first, second) = (portal.bed.sell("A", 1).await, portal.bed.sell("A", 2).await);
    let other = portal.bed.sell("B", 3).await;
    let admin = portal.sign_in("ann", Some("A"), Role::Admin).await;
    let staff = portal.sign_in("root", None, Role::Admin).await;
    let newest = async |tenant: &str| {
        let entry = portal.bed.store.log(Some(tenant), None, 1).await.unwrap().remove(0).entry;
        format!("{}: {} {}", entry.actor, entry.action, entry.subject)
    };
    for (path, noted) in [
        (format!("/orders/{first}/sheet.pdf"), format!("print sheets {first}")),
        (format!("/orders/{first}/qr.png"), format!("save QR code {first}")),
        (format!("/orders/{first}/hand-out.eml"), format!("save e-mail {first}")),
        ("/export/orders.csv?codes=true".to_owned(), "export codes orders.csv: 2 orders".to_owned()),
        ("/export/orders.csv".to_owned(), "export orders orders.csv: 2 orders".to_owned()),
        (
            "/export/orders.csv?codes=true&state=Installed&type=alpha".to_owned(),
            "export codes orders.csv state=Installed type=alpha: 0 orders".to_owned(),
        ),
        ("/export/orders.zip".to_owned(), "export codes orders.zip: 2 codes".to_owned()),
    ] {
        let answer = admin.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(newest("A").await, format!("user ann@A: {noted}"), "{path}");
    }
    // What a page shows is no file.
    assert_eq!(admin.get(&format!("/orders/{first}/qr.svg")).await.status, StatusCode::OK);
    assert_eq!(newest("A").await, "user ann@A: export codes orders.zip: 2 codes");
    assert_eq!(admin.post("/sheets", &format!("iccids={first}+{second}")).await.status, StatusCode::OK);
    assert_eq!(newest("A").await, "user ann@A: print sheets 2 sheets");
    assert_eq!(admin.post(&format!("/orders/{second}/links"), "hours=1").await.status, StatusCode::OK);
    assert_eq!(newest("A").await, format!("user ann@A: make link {second}"));
    // What the server's staff takes of several tenants each of them sees.
    assert_eq!(staff.post("/sheets", &format!("iccids={first}+{second}+{other}")).await.status, StatusCode::OK);
    assert_eq!(newest("A").await, "user root: print sheets 2 sheets");
    assert_eq!(newest("B").await, format!("user root: print sheets {other}"));
    let refused = admin.post("/sheets", &format!("iccids={first}+{other}")).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert_eq!(newest("A").await, "user root: print sheets 2 sheets");
}

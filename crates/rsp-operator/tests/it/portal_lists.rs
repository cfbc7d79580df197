//! The portal's lists: what they are asked for and cannot read is said, what they show leaves as files, and what the server's
//! staff sees stays small however many tenants there are.

use axum::http::StatusCode;
use rsp_crypto::Zeroizing;
use rsp_operator::account::{Add, NewPassword, Role};
use rsp_operator::{Actor, Rights};
use rsp_store::{NewProfile, NewProfileType, Operator, Plan, ProfileState};

use crate::pages::portal;
use crate::portal::{PASSWORD, Site, unescape};
use crate::support::NOW;

#[tokio::test]
async fn what_a_list_is_asked_for_and_cannot_read_is_said() {
    let site = Site::new().await;
    let (cookie, _) = site.sign_in("ann@A").await;
    for (path, said) in [
        ("/orders?state=Lost", "State: &#34;Lost&#34; is no state of an order"),
        ("/orders?state=Released&state=Lost", "&#34;Lost&#34; is no state"),
        ("/orders?after=yesterday", "After: &#34;yesterday&#34; is no place in this list"),
        ("/orders?after=1.8900101000000000001x", "is no place in this list"),
        ("/events?kind=Sometimes", "is no kind of event"),
        ("/events?to=Lost", "is no state of an order"),
        ("/events?outcome=perhaps", "is no outcome of a step"),
        ("/events?from=2026-02-30", "From: &#34;2026-02-30&#34; is no date such as"),
        ("/events?from=2026-11-20&until=2026-11-19", "Until: lies before the first day"),
        ("/events?subject=8.2.6", "subject and reason, come together"),
        ("/events?after=1", "is no place in this list"),
        ("/log?before=x", "is no place in this list"),
        ("/log?before=-5", "is no place in this list"),
        ("/?days=8", "Days: &#34;8&#34; is none of the ranges"),
    ] {
        let (status, body) = site.get(&cookie, path).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
        assert!(body.contains(said), "{path}: {body}");
        let again = format!("href=\"{}\">Begin again", path.split('?').next().unwrap());
        assert!(body.contains(&again), "{path}: {body}");
    }
    for path in ["/orders?state=&after=", "/events?kind=&from=&until=", "/log?before=", "/?days=&tenant="] {
        assert_eq!(site.get(&cookie, path).await.0, StatusCode::OK, "{path}");
    }
}

/// The addresses of an attribute's links that begin with something.
fn links(page: &str, start: &str) -> Vec<String> {
    let hrefs = page.split("href=\"").skip(1).filter_map(|rest| unescape(rest.split('"').next()?));
    hrefs.filter(|href| href.starts_with(start)).collect()
}

#[tokio::test]
async fn orders_leave_their_list_as_files_with_its_filter() {
    let site = Site::new().await;
    for number in 1..=3 {
        site.bed.sell("A", number).await;
    }
    let (cookie, _) = site.sign_in("ann@A").await;
    let (viewer, _) = site.sign_in("eye@A").await;
    for (path, ending) in [
        ("/orders", ""),
        ("/orders?state=Released", "?state=Released"),
        ("/orders?state=Released&state=Installed&tenant=A", "?tenant=A&state=Released%2CInstalled"),
    ] {
        let (_, page) = site.get(&cookie, path).await;
        let found = links(&page, "/export/");
        let codes = if ending.is_empty() { "?codes=true" } else { "&codes=true" };
        let expected = [
            format!("/export/orders.csv{ending}"),
            format!("/export/orders.csv{ending}{codes}"),
            format!("/export/orders.zip{ending}"),
        ];
        assert_eq!(found, expected, "{path}");
        for (place, address) in found.iter().enumerate() {
            let (status, table) = site.get(&cookie, address).await;
            assert_eq!(status, StatusCode::OK, "{address}");
            if place < 2 {
                assert_eq!(table.lines().count() as u64, 1 + site.rows(&cookie, path).await, "{address}");
                assert_eq!(table.contains("MATCHING"), place == 1, "{address}");
            }
        }
        // Whoever may not provision is not offered codes.
        let (_, page) = site.get(&viewer, path).await;
        assert_eq!(links(&page, "/export/"), expected[..1], "{path}");
    }
    let (_, searched) = site.get(&cookie, "/orders?q=890010100000").await;
    assert!(links(&searched, "/export/").is_empty());
}

/// A tenant with a plan of a carrier of its own, and `count` installations.
async fn tenant_with_installations(site: &Site, number: u32, count: u32) {
    let name = format!("Tenant {number}");
    let done: Result<(), rsp_store::Error> = site
        .bed
        .store
        .run_tx("tenant", move |tx| {
            tx.insert_operator(&Operator {
                name: name.clone(),
                certificate: rsp_crypto::hash::sha256(name.as_bytes()),
                endpoint: None,
                iccid_prefix: String::new(),
                imsi_prefix: String::new(),
                created_at: NOW,
            })?;
            let profile_type = format!("type {number}");
            tx.insert_profile_type(&NewProfileType {
                name: profile_type.clone(),
                operator: Some(name.clone()),
                iccids: None,
                metadata: vec![1],
                template: None,
                created_at: NOW,
            })?;
            // Another tenant may sell what it buys elsewhere under the same name: it counts for none of its carriers.
            let next = format!("Tenant {}", number.saturating_sub(1));
            for (operator, carrier) in [(&name, format!("Carrier {number}")), (&next, "Another".to_owned())] {
                if carrier != "Another" || number > 0 {
                    tx.insert_plan(&Plan {
                        operator: operator.clone(),
                        carrier,
                        name: profile_type.clone(),
                        profile_type: profile_type.clone(),
                        country: "DE".to_owned(),
                        coverage: vec!["DE".to_owned()],
                        data_bytes: None,
                        voice_seconds: None,
                        messages: None,
                        validity_days: None,
                        throttle_kbps: None,
                        price: None,
                        currency: None,
                        closed: false,
                        created_at: NOW,
                    })?;
                }
            }
            for place in 0..count {
                let digits = format!("8901{number:07}{place:07}");
                let iccid = (0..10).find_map(|check| format!("{digits}{check}").parse().ok());
                tx.insert_profile(&NewProfile {
                    iccid: iccid.ok_or(rsp_store::Error::Closed)?,
                    profile_type: profile_type.clone(),
                    operator: Some(name.clone()),
                    state: ProfileState::Installed,
                    metadata: vec![1],
                    package: Zeroizing::new(vec![1]),
                    at: NOW,
                    by: "test".to_owned(),
                })?;
            }
            Ok(())
        })
        .await;
    done.unwrap();
}

#[tokio::test]
async fn the_overview_stays_small_however_many_tenants_and_counts_them_all() {
    let site = Site::new().await;
    let password = Some(NewPassword::chosen(Zeroizing::new(PASSWORD.to_owned())).unwrap());
    let root = Add { name: "root".to_owned(), operator: None, role: Role::Admin, password };
    site.accounts.add_user(&Actor::new(None, "test", Rights::ALL), root).await.unwrap();
    for number in 0..60 {
        tenant_with_installations(&site, number, 1 + number % 7).await;
    }
    let installed = |page: &str| -> u64 {
        let value = page.split("to=Installed").nth(1).unwrap().split("class=\"value\">").nth(1).unwrap();
        value.split('<').next().unwrap().chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
    };
    let (cookie, _) = site.sign_in("root").await;
    let (status, page) = site.get(&cookie, "/").await;
    assert_eq!(status, StatusCode::OK);
    let total: u32 = (0..60).map(|number| 1 + number % 7).sum();
    assert_eq!(installed(&page), u64::from(total));
    assert!(page.len() < 20_000 && page.matches("<option").count() < 10, "{} octets", page.len());
    let all = links(&page, "/figures");
    assert_eq!(all, ["/figures?of=carriers&days=7"]);
    let (status, page) = site.get(&cookie, &all[0]).await;
    assert_eq!(status, StatusCode::OK);
    let counts: Vec<u64> = page
        .split("<span class=\"number\">")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!((counts.len(), counts.iter().sum::<u64>()), (60, u64::from(total)));
    let rows = links(&page, "/events?");
    for place in [0, 17, 59] {
        assert_eq!(site.rows(&cookie, &rows[place]).await, counts[place], "{}", rows[place]);
    }
    assert!(!page.contains("Another"), "{page}");
    assert_eq!(site.get(&cookie, "/figures?of=nothing").await.0, StatusCode::NOT_FOUND);
    // One tenant's are its own, with the same addresses.
    let (_, page) = site.get(&cookie, "/?tenant=Tenant+6").await;
    assert_eq!(installed(&page), 7);
    let (ann, _) = site.sign_in("ann@A").await;
    assert_eq!(site.get(&ann, &format!("{}&tenant=Tenant+6", all[0])).await.0, StatusCode::NOT_FOUND);
    assert_eq!(site.rows(&ann, "/events?carrier=Carrier+6").await, 0);
}

#[tokio::test]
async fn which_smdp_has_an_order_is_shown_to_the_servers_staff_alone() {
    let portal = portal().await;
    let row = rsp_store::Esim { smdp: "canary of SM-DP+s".to_owned(), ..crate::bed::esim("A", 1) };
    let path = format!("/orders/{}", row.iccid);
    portal.bed.store.run_tx("fixture", move |tx| tx.insert_esim(&row)).await.unwrap();
    for (name, tenant, shown) in [("ann", Some("A"), false), ("root", None, true)] {
        let browser = portal.sign_in(name, tenant, Role::Admin).await;
        for path in [path.clone(), format!("/live{path}")] {
            let answer = browser.get(&path).await;
            assert_eq!((answer.status, answer.text().contains("canary of SM-DP+s")), (StatusCode::OK, shown), "{path}");
        }
    }
}

//! The pages about many eSIMs and about handing one out, and those that are not the portal's own.

use std::path::Path;

use anyhow::{Context as _, ensure};
use fantoccini::Locator;

use super::driver::Browser;
use super::pages::Pages;

/// Orders of the list that is looked at while it is being worked off.
const ORDERS: usize = 400;

/// The links of an order that waits, one that works once, and what it shows to whoever has it.
pub(super) async fn hand_off(browser: &Browser, pages: &mut Pages<'_>, order: &str) -> anyhow::Result<()> {
    browser.go(&format!("{order}/links")).await?;
    pages.see("links").await?;
    browser.press("form[action$='/links'] button.primary").await?;
    browser.wait_for("It is shown this once").await?;
    pages.see("links-made").await?;
    let link = browser.text("#made-link").await?;
    let (_, path) = link.split_once("/e/").context("no link was made")?;
    let path = format!("/e/{}", path.trim());
    browser.go(&path).await?;
    pages.see("link-offer").await?;
    browser.press("button.act").await?;
    browser.wait_for("This page is shown once").await?;
    pages.see("link-code").await?;
    browser.go(&path).await?;
    browser.press("button.act").await?;
    browser.wait_for("This link shows no eSIM").await?;
    pages.see("link-used").await
}

/// Subscribers as Open5GS exports them become eSIMs.
pub(super) async fn import(browser: &Browser, pages: &mut Pages<'_>, dir: &Path) -> anyhow::Result<()> {
    let list = dir.join("subscribers.csv");
    let subscriber = |number| format!("00101000000000{number},{number:032},{number:032}");
    let lines: Vec<_> = (1..=5).map(subscriber).collect();
    std::fs::write(&list, format!("imsi,k,opc\n{}\n", lines.join("\n")))?;
    browser.go("/import").await?;
    pages.see("import").await?;
    browser.attach("#file", &list).await?;
    browser.press("form[action='/import'] [name='stock_only']").await?;
    browser.press("form[action='/import'] button.primary").await?;
    browser.wait_for("5 of 5").await?;
    pages.see("import-made").await
}

/// A list of orders while it is being worked off, and after somebody stopped it.
pub(super) async fn batch(browser: &Browser, pages: &mut Pages<'_>, dir: &Path) -> anyhow::Result<()> {
    let list = dir.join("orders.csv");
    let order = |number| format!("Alpha Mobile,Europe 5 GB,Customer {number}\n");
    let orders: String = (1..=ORDERS).map(order).collect();
    std::fs::write(&list, format!("carrier,plan,reference\n{orders}"))?;
    browser.go("/batches").await?;
    pages.see("batches-empty").await?;
    browser.attach("#file", &list).await?;
    browser.press("form[action='/batches'] button.primary").await?;
    browser.wait_for(&format!("of {ORDERS}")).await?;
    ensure!(browser.text("main").await?.contains("Being ordered"), "the list was worked off before it was seen");
    pages.see("batch-working").await?;
    let stop = browser.client().find(Locator::Css("form[action$='/cancel'] button")).await;
    if let Ok(stop) = stop {
        stop.click().await?;
        browser.wait_for("Cancelled").await?;
    }
    pages.see("batch-stopped").await?;
    browser.go("/batches").await?;
    pages.see("batches").await
}

/// What somebody sees who runs the server.
pub(super) async fn staff(browser: &Browser, pages: &mut Pages<'_>) -> anyhow::Result<()> {
    for (name, path) in [
        ("staff-overview", "/"),
        ("staff-orders", "/orders"),
        ("staff-plans", "/plans"),
        ("staff-keys", "/keys"),
        ("staff-users", "/users"),
        ("staff-log", "/log"),
        ("staff-library", "/library"),
        ("staff-certificates", "/certificates"),
    ] {
        browser.go(path).await?;
        pages.see(name).await?;
    }
    Ok(())
}

/// What a request is answered with that no page sends.
pub(super) async fn errors(browser: &Browser, pages: &mut Pages<'_>) -> anyhow::Result<()> {
    for (name, path, said) in
        [("error-filter", "/orders?state=Lost", "is no state of an order"), ("error-address", "/batches/first", "404")]
    {
        browser.go(path).await?;
        let text = browser.text("main").await?;
        ensure!(text.contains(said), "{path} says {text:?}");
        pages.see(name).await?;
    }
    Ok(())
}

/// Swagger UI. It is another's, with a policy of its own: what axe-core finds there is said, and fails nothing.
pub(super) async fn swagger(browser: &Browser, pages: &mut Pages<'_>) -> anyhow::Result<()> {
    browser.go("/docs/").await?;
    browser.wait_for("/api/v1/esims").await?;
    pages.see_foreign("docs").await
}

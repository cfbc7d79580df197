//! `cargo xtask browser`: a walk through the operator's portal in Debian's Chromium: signing in, a plan, an eSIM, its QR code
//! read off the screen by a foreign decoder, downloaded by an LPA into a card, and the portal that says so. axe-core looks at
//! every page.
//!
//! Needs chromium, chromium-driver, zbar-tools and npm, which fetches axe-core into a directory of its own.

mod driver;
mod many;
mod pages;

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use fantoccini::Locator;
use serde_json::{Value, json};

use driver::Browser;

/// The version of axe-core that looks at the pages.
const AXE: &str = "axe-core@4.14.1";
/// How long a portal may take to say what has happened: a second (goal of the product).
const SOON: Duration = Duration::from_secs(1);
/// With what its user signs in.
const USER: &str = "ann@Alpha Mobile";
const TENANT: &str = "Alpha Mobile";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write a picture of every page, light, dark and on a phone, into this directory.
    #[arg(long, value_name = "DIR")]
    screenshots: Option<PathBuf>,
    /// The program; without it the workspace's is built.
    #[arg(long, value_name = "FILE")]
    openrsp: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(walk(args))
}

async fn walk(args: &Args) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let openrsp = Openrsp(program(args.openrsp.as_deref())?);
    let axe = fetch_axe(dir.path())?;
    let server = dir.path().join("server");
    let server = server.to_str().context("a temporary directory that is not UTF-8")?;
    openrsp.run(["init", server, "--host", "localhost"])?;
    let setup = dir.path().join("setup.toml");
    std::fs::write(&setup, SETUP)?;
    openrsp.run(["smdp", "--dir", server, "load", &text(&setup)?])?;
    let user = ["operator", "--dir", server, "user", "add", "ann", "--tenant", TENANT, "--role", "admin"];
    let password = openrsp.run(user)?["password"].as_str().context("no password")?.to_owned();
    let staff = ["operator", "--dir", server, "user", "add", "root", "--role", "admin"];
    let staff = openrsp.run(staff)?["password"].as_str().context("no password")?.to_owned();
    let service = openrsp.serve(["serve", server, "--listen", "127.0.0.1:0", "--plain-http"])?;
    let portal = service.listener("operator").or_else(|_| service.listener("portal"))?;
    let card = text(&dir.path().join("card.euicc"))?;
    let inserted = format!("file:{card}");
    openrsp.run(["euicc", "new", &card, "--pki", &format!("{server}/pki")])?;

    let browser = Browser::start(dir.path(), format!("http://localhost:{}", portal.port()), axe).await?;
    let walked = async {
        let mut pages = pages::Pages::new(&browser, args.screenshots.as_deref())?;
        sign_in(&browser, &mut pages, &password).await?;
        passkey(&browser, &mut pages, &password).await?;
        add_plan(&browser, &mut pages).await?;
        let iccid = provision(&browser, &mut pages).await?;
        let code = read_off_the_screen(&browser, dir.path()).await?;
        ensure!(code.starts_with("LPA:1$localhost"), "zbarimg read {code:?}");
        println!("zbarimg read the activation code of {iccid} off the screen");
        browser.go(&format!("/orders/{iccid}")).await?;
        pages.see("order-released").await?;
        let resolve = format!("localhost={}", service.listener("es9plus")?);
        let ci = format!("{server}/pki");
        let lpa = ["lpa", "--card", &inserted, "--ci", &ci, "--resolve", &resolve, "--plain-http"];
        openrsp.run(lpa.into_iter().chain(["profile", "download", &code, "--yes"]))?;
        let took = shows(&browser, "Installed").await?;
        println!("the portal showed Installed {} ms after the LPA had ended", took.as_millis());
        ensure!(took <= SOON, "the portal took {took:?} to show the installation");
        pages.see("order-installed").await?;
        the_rest(&browser, &mut pages, &iccid).await?;
        many::batch(&browser, &mut pages, dir.path()).await?;
        many::import(&browser, &mut pages, dir.path()).await?;
        many::errors(&browser, &mut pages).await?;
        many::swagger(&browser, &mut pages).await?;
        enter(&browser, "root", &staff).await?;
        many::staff(&browser, &mut pages).await?;
        pages.report()
    };
    let walked = walked.await;
    if walked.is_err() {
        let seen = browser.text("body").await.unwrap_or_default();
        eprintln!("the last page was {}:\n{seen}", browser.address().await.unwrap_or_default());
    }
    browser.stop().await;
    walked
}

async fn sign_in(browser: &Browser, pages: &mut pages::Pages<'_>, password: &str) -> anyhow::Result<()> {
    browser.go("/orders").await?;
    ensure!(browser.address().await?.contains("/sign-in?next="), "nobody was asked to sign in");
    pages.see("sign-in").await?;
    browser.fill("#name", USER).await?;
    browser.fill("#password", "wrong password").await?;
    browser.press("form button.primary").await?;
    browser.wait_for("Name or password is wrong").await?;
    pages.see("sign-in-refused").await?;
    browser.fill("#password", password).await?;
    browser.press("form button.primary").await?;
    browser.wait_at("/orders").await.context("signing in did not lead back")?;
    pages.see("orders-empty").await?;
    browser.go("/").await?;
    pages.see("overview-empty").await
}

/// A passkey of Chromium's virtual authenticator: registered, used, and the session that comes of it.
async fn passkey(browser: &Browser, pages: &mut pages::Pages<'_>, password: &str) -> anyhow::Result<()> {
    browser.add_authenticator()?;
    browser.go("/account").await?;
    browser.fill("#passkey-label", "Work laptop").await?;
    browser.press("[data-passkey=add]").await?;
    browser.wait_for("Work laptop").await?;
    pages.see("account").await?;
    browser.press("form[action='/sign-out'] button").await?;
    browser.wait_at("/sign-in").await?;
    browser.press("[data-passkey='sign-in']").await?;
    browser.wait_for("What devices did").await?;
    println!("signed in with a passkey that the virtual authenticator made");
    // And the other way again, for what follows.
    enter(browser, USER, password).await
}

/// Signs out, and somebody in.
async fn enter(browser: &Browser, name: &str, password: &str) -> anyhow::Result<()> {
    browser.go("/").await?;
    browser.press("form[action='/sign-out'] button").await?;
    browser.wait_at("/sign-in").await?;
    browser.fill("#name", name).await?;
    browser.fill("#password", password).await?;
    browser.press("form button.primary").await?;
    browser.wait_for("What devices did").await
}

async fn add_plan(browser: &Browser, pages: &mut pages::Pages<'_>) -> anyhow::Result<()> {
    browser.go("/plans").await?;
    for (field, value) in [
        ("carrier", "Alpha Mobile"),
        ("plan-name", "Europe 5 GB"),
        ("profile_type", "travel"),
        ("country", "DE"),
        ("coverage", "DE FR IT"),
        ("data_mb", "5000"),
        ("validity_days", "30"),
        ("price", "9.90"),
        ("currency", "EUR"),
    ] {
        browser.fill(&format!("#{field}"), value).await?;
    }
    browser.press("form[action='/plans'] button.primary").await?;
    browser.wait_for("is on sale").await?;
    pages.see("plans").await
}

/// Provisions an eSIM without a confirmation code, and returns its ICCID; the QR code is on the screen then.
async fn provision(browser: &Browser, pages: &mut pages::Pages<'_>) -> anyhow::Result<String> {
    browser.go("/provision").await?;
    browser.fill("#reference", "Customer 4711").await?;
    pages.see("provision").await?;
    browser.press("form[action='/provision'] button.primary").await?;
    browser.wait_for("The eSIM is ready").await?;
    pages.see("hand-out").await?;
    let link = browser.client().find(Locator::Css(".crumb a")).await?.attr("href").await?.unwrap_or_default();
    Ok(link.rsplit('/').next().unwrap_or_default().to_owned())
}

async fn read_off_the_screen(browser: &Browser, dir: &Path) -> anyhow::Result<String> {
    let screen = dir.join("screen.png");
    std::fs::write(&screen, browser.client().screenshot().await?)?;
    let read = Command::new("zbarimg").args(["--quiet", "--raw"]).arg(&screen).output().context("zbarimg")?;
    ensure!(read.status.success(), "zbarimg read nothing: {}", String::from_utf8_lossy(&read.stderr));
    Ok(String::from_utf8(read.stdout)?.trim().to_owned())
}

/// How long it takes until a state stands on the page that is open.
async fn shows(browser: &Browser, state: &str) -> anyhow::Result<Duration> {
    let from = Instant::now();
    while from.elapsed() < 10 * SOON {
        if browser.text(".state").await?.contains(state) {
            return Ok(from.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("the portal never showed {state}")
}

/// The pages that were not on the way, and what a second order brings: a confirmation code on a page of its own, and a
/// cancelled order.
async fn the_rest(browser: &Browser, pages: &mut pages::Pages<'_>, iccid: &str) -> anyhow::Result<()> {
    browser.go("/provision").await?;
    browser.press("input[value=auto]").await?;
    browser.press("form[action='/provision'] button.primary").await?;
    browser.wait_for("Show the confirmation code").await?;
    pages.see("hand-out-with-code").await?;
    let link = browser.client().find(Locator::Css(".crumb a")).await?.attr("href").await?.unwrap_or_default();
    browser.press("form[action$='/code'] button").await?;
    browser.wait_for("Shown this once").await?;
    ensure!(browser.client().find(Locator::Css("img")).await.is_err(), "a picture beside the confirmation code");
    pages.see("confirmation-code").await?;
    many::hand_off(browser, pages, &link).await?;
    browser.go(&format!("{link}/cancel")).await?;
    pages.see("cancel").await?;
    browser.press("main button.danger").await?;
    browser.wait_for("The order is cancelled").await?;
    pages.see("order-cancelled").await?;
    browser.go(&format!("/orders?q={}", &iccid[..12])).await?;
    pages.see("orders").await?;
    for (name, path) in [
        ("overview", "/"),
        ("figures", "/figures?of=carriers&days=7"),
        ("events", "/events"),
        ("users", "/users"),
        ("log", "/log"),
        ("missing", "/orders/89000000000000000000"),
    ] {
        browser.go(path).await?;
        pages.see(name).await?;
    }
    for (name, path) in pages::OTHERS {
        browser.go(path).await?;
        if !browser.text("main").await?.starts_with("404") {
            pages.see(name).await?;
        }
    }
    Ok(())
}

const SETUP: &str = r#"
[[operator]]
name = "Alpha Mobile"
issue = true
imsi_prefix = "00101"

[[type]]
name = "travel"
operator = "Alpha Mobile"
template = true
builtin = "demo"
"#;

/// The program that is named, or the workspace's, built if it has to be.
fn program(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(named) = named {
        return Ok(std::path::absolute(named)?);
    }
    let build = ["build", "--quiet", "--package", "openrsp"];
    let status = Command::new("cargo").args(build).current_dir(crate::root()).status().context("cargo build")?;
    ensure!(status.success(), "openrsp could not be built");
    let manifest = crate::root().join("Cargo.toml");
    let metadata = cargo_metadata::MetadataCommand::new().manifest_path(manifest).no_deps().exec()?;
    Ok(metadata.target_directory.join("debug/openrsp").into())
}

/// axe-core, from npm.
fn fetch_axe(dir: &Path) -> anyhow::Result<String> {
    let place = dir.join("npm");
    std::fs::create_dir(&place)?;
    let install = ["install", "--silent", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", AXE];
    let status = Command::new("npm").args(install).current_dir(&place).stdout(Stdio::null()).status().context("npm")?;
    ensure!(status.success(), "npm could not fetch {AXE}");
    Ok(std::fs::read_to_string(place.join("node_modules/axe-core/axe.min.js"))?)
}

fn text(path: &Path) -> anyhow::Result<String> {
    Ok(path.to_str().context("a temporary directory that is not UTF-8")?.to_owned())
}

/// The program.
struct Openrsp(PathBuf);

impl Openrsp {
    /// Runs a command to its end, and returns the object of its last line.
    fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> anyhow::Result<Value> {
        let mut command = Command::new(&self.0);
        let output = command.arg("--json").args(arguments).stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{command:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        Ok(said.lines().last().map(serde_json::from_str).transpose()?.unwrap_or_default())
    }

    fn serve<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> anyhow::Result<Service> {
        let mut command = Command::new(&self.0);
        let mut child = command
            .arg("--json")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("serve")?;
        let mut output = BufReader::new(child.stdout.take().context("standard output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let said = serde_json::from_str(&line).unwrap_or_else(|_| json!({}));
        Ok(Service { child, said, _output: output })
    }
}

/// A server that ends with the walk.
struct Service {
    child: Child,
    said: Value,
    _output: BufReader<std::process::ChildStdout>,
}

impl Service {
    fn listener(&self, name: &str) -> anyhow::Result<SocketAddr> {
        let address = self.said["listeners"][name].as_str();
        address.with_context(|| format!("the server has no {name}: {}", self.said))?.parse().context("an address")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

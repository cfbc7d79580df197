//! Chromium, driven by ChromeDriver.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

/// How long anything may take to appear.
const PATIENCE: Duration = Duration::from_secs(10);

/// A browser on the portal.
pub(super) struct Browser {
    client: Client,
    driver: Child,
    port: u16,
    session: String,
    portal: String,
    axe: String,
}

impl Browser {
    /// Starts a browser with an empty profile in `dir`.
    pub(super) async fn start(dir: &Path, portal: String, axe: String) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("chromedriver")?;
        let profile = dir.join("chromium");
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--force-device-scale-factor=1",
            "--window-size=1280,900",
            &format!("--user-data-dir={}", profile.display()),
        ];
        let wanted = json!({ "goog:chromeOptions": { "args": arguments } });
        let Value::Object(wanted) = wanted else { bail!("no object") };
        let address = format!("http://127.0.0.1:{port}");
        let from = Instant::now();
        let client = loop {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            match builder.capabilities(wanted.clone()).connect(&address).await {
                Ok(client) => break client,
                Err(_) if from.elapsed() < PATIENCE => tokio::time::sleep(Duration::from_millis(100)).await,
                Err(error) => return Err(error).context("starting Chromium"),
            }
        };
        let session = client.session_id().await?.context("no session")?;
        Ok(Self { client, driver, port, session, portal, axe })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) async fn stop(mut self) {
        let _ = self.client.close().await;
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }

    pub(super) async fn go(&self, path: &str) -> anyhow::Result<()> {
        Ok(self.client.goto(&format!("{}{path}", self.portal)).await?)
    }

    pub(super) async fn address(&self) -> anyhow::Result<String> {
        Ok(self.client.current_url().await?.to_string())
    }

    pub(super) async fn fill(&self, selector: &str, value: &str) -> anyhow::Result<()> {
        let field = self.client.find(Locator::Css(selector)).await.with_context(|| selector.to_owned())?;
        field.clear().await?;
        Ok(field.send_keys(value).await?)
    }

    /// Chooses a file.
    pub(super) async fn attach(&self, selector: &str, file: &Path) -> anyhow::Result<()> {
        let field = self.client.find(Locator::Css(selector)).await.with_context(|| selector.to_owned())?;
        Ok(field.send_keys(file.to_str().context("a path that is not UTF-8")?).await?)
    }

    pub(super) async fn press(&self, selector: &str) -> anyhow::Result<()> {
        let found = self.client.find(Locator::Css(selector)).await.with_context(|| selector.to_owned())?;
        found.click().await.with_context(|| selector.to_owned())
    }

    /// What the first element says that fits.
    pub(super) async fn text(&self, selector: &str) -> anyhow::Result<String> {
        let script = "const found = document.querySelector(arguments[0]); return found ? found.innerText : ''";
        let text = self.client.execute(script, vec![json!(selector)]).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until a text is on the page.
    pub(super) async fn wait_for(&self, text: &str) -> anyhow::Result<()> {
        let from = Instant::now();
        while !self.text("body").await.unwrap_or_default().contains(text) {
            ensure!(from.elapsed() < PATIENCE, "{text:?} never appeared");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    pub(super) async fn wait_at(&self, path: &str) -> anyhow::Result<()> {
        let from = Instant::now();
        while !self.address().await?.split('?').next().unwrap_or_default().ends_with(path) {
            ensure!(from.elapsed() < PATIENCE, "never came to {path}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// What axe-core finds on the page that is open: its rule, its weight, and where.
    pub(super) async fn axe(&self) -> anyhow::Result<Vec<(String, String, String)>> {
        self.client.execute(&self.axe, Vec::new()).await?;
        let script = "const done = arguments[arguments.length - 1]; \
                      axe.run(document, { resultTypes: ['violations'] }).then((found) => done(found.violations.map((rule) => \
                      [rule.id, rule.impact || '', rule.nodes.map((node) => node.target.join(' ') + ': ' + \
                      (node.failureSummary || '')).slice(0, 4).join('; ')])), (error) => done([['axe', 'critical', String(error)]]))";
        let found = self.client.execute_async(script, Vec::new()).await?;
        Ok(serde_json::from_value(found)?)
    }

    /// A passkey's authenticator that says yes to everything.
    pub(super) fn add_authenticator(&self) -> anyhow::Result<()> {
        let options = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
            "isUserConsenting": true, "isUserVerified": true,
        });
        self.post("webauthn/authenticator", &options).map(drop)
    }

    /// A command of the DevTools.
    pub(super) fn devtools(&self, command: &str, parameters: &Value) -> anyhow::Result<Value> {
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// Calls of ChromeDriver that fantoccini has no functions for.
    fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        write!(
            stream,
            "POST /session/{}/{path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.session,
            self.port,
            body.len()
        )?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // It keeps the connection open, whatever it is asked.
        let mut answer = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        while answer.read_line(&mut head)? > 2 {
            let line = head.lines().next_back().unwrap_or_default().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body)?;
        let body = String::from_utf8(body)?;
        ensure!(head.starts_with("HTTP/1.1 200"), "ChromeDriver: {path}: {head}{body}");
        let mut body: Value = serde_json::from_str(&body)?;
        Ok(body["value"].take())
    }
}

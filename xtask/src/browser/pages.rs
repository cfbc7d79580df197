//! What is done on every page: axe-core looks at it, and its picture is taken.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::json;

use super::driver::Browser;

/// Pages of other parts, looked at if they are there.
pub(super) const OTHERS: [(&str, &str); 5] = [
    ("batches", "/batches"),
    ("library", "/library"),
    ("certificates", "/certificates"),
    ("webhooks", "/webhooks"),
    ("keys", "/keys"),
];

/// Width, height, and whether it is a phone.
const DESKTOP: (u32, u32, bool) = (1280, 900, false);
const PHONE: (u32, u32, bool) = (390, 844, true);

/// The pages seen so far.
pub(super) struct Pages<'b> {
    browser: &'b Browser,
    pictures: Option<PathBuf>,
    seen: usize,
    looks: usize,
    found: Vec<String>,
    /// What is found on pages that are another's.
    foreign: Vec<String>,
}

impl<'b> Pages<'b> {
    pub(super) fn new(browser: &'b Browser, pictures: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(pictures) = pictures {
            std::fs::create_dir_all(pictures).with_context(|| pictures.display().to_string())?;
        }
        Ok(Self {
            browser,
            pictures: pictures.map(Path::to_owned),
            seen: 0,
            looks: 0,
            found: Vec::new(),
            foreign: Vec::new(),
        })
    }

    /// Looks at a page that another made: what is found is said, and is no failure of ours.
    pub(super) async fn see_foreign(&mut self, name: &str) -> anyhow::Result<()> {
        let own = std::mem::take(&mut self.found);
        let seen = self.see(name).await;
        self.foreign.append(&mut std::mem::replace(&mut self.found, own));
        seen
    }

    /// Looks at the page that is open: light, dark, and on a phone.
    pub(super) async fn see(&mut self, name: &str) -> anyhow::Result<()> {
        self.seen += 1;
        for (look, size, scheme) in [("light", DESKTOP, "light"), ("dark", DESKTOP, "dark"), ("phone", PHONE, "light")]
        {
            self.set(size, scheme)?;
            for (rule, impact, places) in self.browser.axe().await? {
                let line = format!("{name}, {look}: {impact}: {rule}: {places}");
                match impact.as_str() {
                    "serious" | "critical" => self.found.push(line),
                    _ => println!("axe: {line}"),
                }
            }
            let wide = self.browser.client().execute("return document.documentElement.scrollWidth", Vec::new()).await?;
            if wide.as_u64().is_some_and(|wide| wide > u64::from(size.0)) {
                self.found.push(format!("{name}, {look}: {wide} pixels wide, where {} are", size.0));
            }
            self.looks += 1;
            if let Some(pictures) = &self.pictures {
                let picture = json!({ "format": "png", "captureBeyondViewport": true });
                let taken = self.browser.devtools("Page.captureScreenshot", &picture)?;
                let octets = decode(taken["data"].as_str().context("no picture")?).context("no base64")?;
                std::fs::write(pictures.join(format!("{name}-{look}.png")), octets)?;
            }
        }
        self.set(DESKTOP, "light")
    }

    /// Fails with everything that was found.
    pub(super) fn report(&self) -> anyhow::Result<()> {
        self.foreign.iter().for_each(|line| println!("on a page of others: {line}"));
        if !self.found.is_empty() {
            self.found.iter().for_each(|line| eprintln!("error: {line}"));
            bail!("{} findings on {} pages", self.found.len(), self.seen);
        }
        let foreign = match self.foreign.len() {
            0 => String::new(),
            count => format!("; on pages of others it found {count}, which are above"),
        };
        println!("axe-core found nothing serious or critical on {} pages in {} looks{foreign}", self.seen, self.looks);
        Ok(())
    }

    fn set(&self, (width, height, mobile): (u32, u32, bool), scheme: &str) -> anyhow::Result<()> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.browser.devtools("Emulation.setDeviceMetricsOverride", &size)?;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.browser.devtools("Emulation.setEmulatedMedia", &media)?;
        Ok(())
    }
}

/// Base64 (RFC 4648 4), as ChromeDriver writes it.
fn decode(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut places = [None; 256];
    for (value, letter) in (0u32..).zip(ALPHABET) {
        places[usize::from(*letter)] = Some(value);
    }
    let mut octets = Vec::with_capacity(text.len() / 4 * 3);
    for four in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut bits = 0;
        for letter in four {
            bits = bits << 6 | places[usize::from(*letter)]?;
        }
        bits <<= 6 * (4 - four.len());
        octets.extend_from_slice(&bits.to_be_bytes()[1..four.len()]);
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn base64_is_read_as_in_rfc_4648() {
        for (text, octets) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")] {
            assert_eq!(decode(text).unwrap(), octets.as_bytes());
        }
        assert_eq!(decode("Z*=="), None);
    }
}

//! Transcripts that the tests of `openrsp` replay: text files only, no paths, secrets of test cards and test servers only.
//!
//! ```text
//! header.json               program, version, what was done, addresses, and the time by the clock (Unix seconds)
//! card/initial.hex          state of the eUICC before the first command
//! card/randomness           what it drew, one draw a line
//! card/dialogue             every power-on, command and answer
//! pki/CURVE/…               certificates and keys of the servers                     (lpac)
//! pki/dptls.pem, dstls.pem  who registers events: certificates of SM-DP+ and SM-DS   (lpac)
//! server/sales.json         what was imported and ordered                            (lpac)
//! server/outcome.json       what became of it                                        (lpac)
//! server/transcript.jsonl   messages to SM-DP+ and alternative SM-DS, times, draws   (lpac)
//! root/transcript.jsonl     the same of the root SM-DS                               (lpac)
//! ci.pem                    the certificate issuers                                  (smdp)
//! http.jsonl                ES9+ messages                                            (smdp)
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::bed::{Bed, Place};
use crate::smdp;

/// Files of a PKI that SM-DP+ and SM-DS need.
const SERVER_FILES: [&str; 7] =
    ["ci.pem", "dpauth.pem", "dpauth.key", "dppb.pem", "dppb.key", "dsauth.pem", "dsauth.key"];
/// What the server shows where it registers events, as SM-DP+ and as alternative SM-DS: only the certificates.
const CLIENT_FILES: [(&str, &str); 2] = [("tls.pem", "dptls.pem"), ("smds-tls.pem", "dstls.pem")];

/// A transcript in the making.
pub(crate) struct Transcript {
    dir: PathBuf,
    clock: u64,
}

impl Transcript {
    /// Begins one in a directory that must not exist.
    pub(crate) fn create(dir: &Path) -> anyhow::Result<Self> {
        fs::create_dir(dir).with_context(|| dir.display().to_string())?;
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock")?.as_secs();
        Ok(Self { dir: dir.to_owned(), clock })
    }

    /// Where everything goes.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where a process shall write its own part.
    pub(crate) fn raw(&self, part: &str) -> PathBuf {
        self.dir.join(part)
    }

    /// Completes the transcript of a run of lpac that reached the card so.
    pub(crate) fn keep_lpac(&self, bed: &Bed, version: &str, way: &str) -> anyhow::Result<()> {
        self.card()?;
        for curve in ["p256", "brainpool"] {
            let to = self.dir.join("pki").join(curve);
            fs::create_dir_all(&to).with_context(|| to.display().to_string())?;
            for name in SERVER_FILES {
                copy(&bed.server().path("pki").join(curve).join(name), &to.join(name))?;
            }
        }
        for (from, to) in CLIENT_FILES {
            copy(&bed.server().path(from), &self.dir.join("pki").join(to))?;
        }
        self.json("server/sales.json", &bed.sales_as_json())?;
        self.json("server/outcome.json", &bed.outcome_as_json()?)?;
        let what = format!("its whole life over {way} to our eUICC and HTTPS to our SM-DP+ and SM-DSs");
        self.header(json!({
            "program": "lpac", "version": version, "what": what, "address": bed.address(),
            "smds": bed.smds(Place::Alternative), "root_smds": bed.smds(Place::Root),
            "parent": bed.root().es12(),
        }))
    }

    /// Completes the transcript of a run against a foreign SM-DP+.
    pub(crate) fn keep_smdp(&self, program: &str, version: &str, pki: &Path, steps: Vec<Value>) -> anyhow::Result<()> {
        self.card()?;
        write(&self.dir.join("ci.pem"), smdp::issuers(pki)?.as_bytes())?;
        let what = "our LPA and eUICC served by a foreign SM-DP+";
        self.header(json!({ "program": program, "version": version, "what": what, "steps": steps }))
    }

    /// The card's state as text: a file that git keeps cannot be private to its owner, and the eUICC refuses such a file.
    fn card(&self) -> anyhow::Result<()> {
        let binary = self.dir.join("card/initial.euicc");
        let state = fs::read(&binary).with_context(|| binary.display().to_string())?;
        let mut text = String::new();
        for line in state.chunks(60) {
            text += &hex::encode_upper(line);
            text.push('\n');
        }
        write(&self.dir.join("card/initial.hex"), text.as_bytes())?;
        for name in ["card/initial.euicc", "card/initial.euicc.lock"] {
            match fs::remove_file(self.dir.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error).context(name),
                _ => {}
            }
        }
        Ok(())
    }

    fn header(&self, mut header: Value) -> anyhow::Result<()> {
        header["clock"] = self.clock.into();
        self.json("header.json", &header)
    }

    fn json(&self, name: &str, value: &Value) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(value)? + "\n";
        write(&self.dir.join(name), text.as_bytes())
    }
}

fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    fs::write(path, content).with_context(|| path.display().to_string())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    // Not with its permissions: those of a key do not outlive git.
    write(to, &fs::read(from).with_context(|| from.display().to_string())?)
}

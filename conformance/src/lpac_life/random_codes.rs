//! Random activation codes, as lpac reads them: the same that zbarimg and our own parser read. No server has their addresses, so
//! the runner carries lpac's HTTP and answers as an SM-DP+ would, as far as the eUICC's refusal of it.

use anyhow::{Context as _, ensure};
use rsp_es::activation_code::ActivationCode;
use rsp_testkit::{ActivationCodeFields, SeededRandomness};
use serde_json::Value;

use super::{CONFIRMATION_CODE, Life};
use crate::card::Card;
use crate::lpac::Lpac;

/// What the test of the QR codes draws its codes from.
const SEED: &str = "qr";
const PATH: &str = "/gsma/rsp2/es9plus/initiateAuthentication";

/// A code as somebody reads it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    address: String,
    matching_id: String,
    confirmation_code_required: bool,
}

impl Life<'_> {
    /// lpac calls the address, hands the matching ID to the eUICC, and asks for a confirmation code, as each code says. Only
    /// one other way to read is known, that of release 2.2.1: empty fields are skipped, and what stands behind them is taken
    /// for them.
    pub(super) fn random_codes(&mut self, count: usize) -> anyhow::Result<()> {
        let Self { lpac, bed, card, report } = self;
        let address = bed.address();
        report.check("random activation codes", || {
            let unknown = ["profile", "download", "-s", &address, "-m", "UNKNOWN"];
            let outcome = lpac.run(card, &unknown, 'n')?;
            let answer = outcome.responses.into_iter().find(|answer| answer["serverSigned1"].is_string());
            let answer = answer.context("lpac shows no answer to InitiateAuthentication")?.to_string();
            let mut randomness = SeededRandomness::new(SEED);
            let (mut read, mut skipped) = (0, 0);
            while read + skipped < count {
                let fields = ActivationCodeFields::random(&mut randomness);
                let ActivationCodeFields { address, matching_id, oid, confirmation_code_required } = fields;
                let Ok(code) = ActivationCode::new(&address, &matching_id, oid.as_deref(), confirmation_code_required)
                else {
                    continue;
                };
                let code = code.to_uri();
                let said = self::read(lpac, card, &code, answer.as_bytes())?;
                if said == (Read { address, matching_id, confirmation_code_required }) {
                    read += 1;
                } else {
                    ensure!(said == skipping(&code), "{}: lpac reads {said:?}", code.as_str());
                    skipped += 1;
                }
            }
            let skips =
                if skipped > 0 { format!("; of the other {skipped} it skips empty fields") } else { String::new() };
            Ok(format!("lpac reads {read} of {count}{skips}"))
        })
    }
}

/// How lpac reads a code: once without a confirmation code, and if it asks for one, once more with it.
fn read(lpac: &Lpac, card: &mut Card, code: &str, answer: &[u8]) -> anyhow::Result<Read> {
    let mut read = Read::default();
    let plain = ["profile", "download", "-a", code];
    let confirmed = [&plain[..], &["-c", CONFIRMATION_CODE]].concat();
    for arguments in [&plain[..], &confirmed] {
        let mut called = None;
        let mut server = |url: &str, body: &[u8]| {
            called.get_or_insert_with(|| (url.to_owned(), body.to_owned()));
            answer.to_owned()
        };
        let outcome = lpac.run_with(card, arguments, 'n', Some(&mut server))?;
        if (outcome.message.as_str(), outcome.data.as_str()) == ("confirmation_code", Some("required")) {
            ensure!(called.is_none(), "{code}: lpac calls before it asks");
            read.confirmation_code_required = true;
            continue;
        }
        let (url, body) = called.with_context(|| format!("{code}: lpac calls nobody: {}", outcome.message))?;
        let body: Value = serde_json::from_slice(&body).with_context(|| format!("{code}: lpac's request"))?;
        outcome.address.clone_into(&mut read.address);
        ensure!(url == format!("https://{}{PATH}", outcome.address), "{code}: lpac calls {url}");
        ensure!(body["smdpAddress"] == outcome.address.as_str(), "{code}: lpac names {}", body["smdpAddress"]);
        read.matching_id = outcome.matching_id()?.with_context(|| format!("{code}: nothing went to the eUICC"))?;
        return Ok(read);
    }
    anyhow::bail!("{code}: lpac asks for the confirmation code that it was given")
}

/// What a code says to those who skip its empty fields.
fn skipping(code: &str) -> Read {
    let mut fields = code.split('$').skip(1).filter(|field| !field.is_empty()).map(str::to_owned);
    let (address, matching_id) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    Read { address, matching_id, confirmation_code_required: fields.nth(1).is_some_and(|flag| flag == "1") }
}

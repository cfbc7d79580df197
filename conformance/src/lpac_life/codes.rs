//! Activation codes of ours, as lpac reads them: nothing is on sale under them, so that the server sees each and refuses it.

use anyhow::{Context as _, ensure};
use rsp_es::activation_code::ActivationCode;

use super::{CONFIRMATION_CODE, Life};
use crate::card::Card;

/// Codes that lpac has to read. The server's limit of wrong matching IDs does not change its answer.
const CODES: usize = 24;
/// The longest matching ID of them; each is one character shorter than the next.
const LONGEST: usize = 32;
/// Characters of matching IDs (SGP.22 4.1).
const ALPHABET: &[u8; 37] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-";
const OID: &str = "1.3.6.1.4.1.31746";

impl Life<'_> {
    /// Every form of code, with and without OID and confirmation code: lpac names the address, hands the matching ID to the eUICC,
    /// and asks for a confirmation code where the code says so.
    pub(super) fn codes(&mut self) -> anyhow::Result<()> {
        // Over PC/SC nobody sees what it sends.
        if let Card::Reader(_) = self.card {
            return Ok(());
        }
        let Self { lpac, bed, card, report } = self;
        let address = bed.address();
        report.check("activation codes", || {
            let mut asked = 0;
            for number in 0..CODES {
                let matching_id = matching_id(number);
                let (oid, confirmed) = ((number % 2 == 1).then_some(OID), number / 2 % 2 == 1);
                let code = ActivationCode::new(&address, &matching_id, oid, confirmed)
                    .with_context(|| format!("no activation code with {matching_id}"))?;
                let code = code.to_uri();
                let plain = ["profile", "download", "-a", code.as_str()];
                let outcome = if confirmed {
                    let unasked = lpac.run(card, &plain, 'n')?;
                    let said = (unasked.message.as_str(), unasked.data.as_str());
                    // Release 2.2.1 does not ask where the OID is empty, and the server refuses it then as all others.
                    match unasked.refusal() {
                        None => ensure!(said == ("confirmation_code", Some("required")), "lpac says {said:?}"),
                        Some(refusal) => ensure!(refusal == "8.2.6/3.8", "{}: {refusal}", code.as_str()),
                    }
                    asked += usize::from(unasked.refusal().is_none());
                    lpac.run(card, &[&plain[..], &["-c", CONFIRMATION_CODE]].concat(), 'n')?
                } else {
                    lpac.run(card, &plain, 'n')?
                };
                let refusal = outcome.refusal();
                ensure!(refusal.as_deref() == Some("8.2.6/3.8"), "{}: {refusal:?}", code.as_str());
                ensure!(outcome.address == address, "{}: lpac reads address {:?}", code.as_str(), outcome.address);
                ensure!(outcome.sent(matching_id.as_bytes()), "{}: the eUICC got another matching ID", code.as_str());
            }
            ensure!(asked > 0, "lpac asks for no confirmation code");
            let flagged = CODES / 2;
            Ok(format!("lpac reads {CODES} of {CODES}, and asks for the confirmation code of {asked} of {flagged}"))
        })
    }
}

/// One that uses the whole alphabet in the course of the numbers.
fn matching_id(number: usize) -> String {
    let characters = (0..LONGEST - number).map(|place| ALPHABET[(number * 7 + place * 5) % ALPHABET.len()]);
    characters.map(char::from).collect()
}

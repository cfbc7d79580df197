//! Downloads that must not succeed, with the status codes of their refusal.

use anyhow::ensure;

use super::Life;
use crate::lpac::Outcome;

/// Orders that are not for this eUICC, or not now: sale, status code, and the order's state after the refusal. Whether one
/// that has expired was swept already says nothing.
const REFUSED: [(&str, &str, Option<&str>); 3] = [
    ("EXPIRED", "8.8.5/4.10", None),
    ("HELD", "8.2/1.2", Some("Confirmed")),
    ("ANOTHER-EID", "8.1.1/3.8", Some("Released")),
];
/// A matching ID that no order has.
const UNKNOWN: &str = "UNKNOWN";

impl Life<'_> {
    pub(super) fn refusals(&mut self) -> anyhow::Result<()> {
        for (sale, status, state) in REFUSED {
            let code = self.bed.sale(sale)?.code.clone();
            self.refused(&format!("profile download, {sale}"), &["profile", "download", "-a", &code], status)?;
            if let Some(state) = state {
                self.server_says(sale, state)?;
            }
        }
        let code = format!("LPA:1${}${UNKNOWN}", self.bed.address());
        self.refused("profile download, unknown matching ID", &["profile", "download", "-a", &code], "8.2.6/3.8")
    }

    /// A download that the server refuses with these codes of subject and reason.
    pub(super) fn refused(&mut self, name: &str, arguments: &[&str], status: &str) -> anyhow::Result<()> {
        self.fails(name, arguments, Some(status)).map(drop)
    }

    /// A download that must not succeed; refused by the server with this status, or by another.
    pub(super) fn fails(&mut self, name: &str, arguments: &[&str], status: Option<&str>) -> anyhow::Result<Outcome> {
        let Self { lpac, card, report, .. } = self;
        report.step(name, || {
            let outcome = lpac.run(card, arguments, 'n')?;
            ensure!(outcome.code != 0, "lpac says success");
            let refusal = outcome.refusal();
            if let Some(status) = status {
                ensure!(refusal.as_deref() == Some(status), "{refusal:?} instead of {status}");
            }
            let said = format!("{} {}", outcome.message, outcome.data);
            let seen = status.map_or_else(|| said.clone(), |status| format!("{status}, {said}"));
            Ok((outcome, seen))
        })
    }
}

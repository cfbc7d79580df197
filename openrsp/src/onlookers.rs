//! PC/SC programs of others that look at a card with an enabled profile.

use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::programs::{self, Needed};
use crate::readers::Readers;

/// What must be installed.
pub const NEEDED: [Needed; 3] = [SCAN, TOOL, SCRIPTOR];
const SCAN: Needed = Needed { file: "pcsc_scan", package: "pcsc-tools" };
const TOOL: Needed = Needed { file: "opensc-tool", package: "opensc" };
const SCRIPTOR: Needed = Needed { file: "scriptor", package: "pcsc-tools" };
/// How long one of them may take.
const LIMIT: Duration = Duration::from_secs(20);

/// pcsc_scan shows the card's ATR.
///
/// # Errors
/// What it shows instead.
pub fn pcsc_scan(readers: &Readers) -> anyhow::Result<String> {
    let seen = run(readers, SCAN, &["-c"], "")?;
    let atr = seen.lines().find_map(|line| line.trim().strip_prefix("ATR: "));
    let atr = atr.with_context(|| format!("pcsc_scan shows no ATR: {seen}"))?.trim();
    let ours = rsp_euicc::ATR.map(|byte| format!("{byte:02X}")).join(" ");
    ensure!(atr == ours, "pcsc_scan shows another card: {atr}");
    Ok(format!("ATR {atr}"))
}

/// opensc-tool selects the MF and EF_DIR and reads the first application from it; it resolves 6Cxx by itself.
///
/// # Errors
/// What it shows instead.
pub fn opensc_tool(readers: &Readers) -> anyhow::Result<String> {
    let commands = ["-r", "0", "-s", "00A40004023F00", "-s", "00A40004022F00", "-s", "00B2010426"];
    let seen = run(readers, TOOL, &commands, "")?;
    let done = seen.lines().filter(|line| line.contains("SW1=0x90, SW2=0x00")).count();
    ensure!(done == 3, "SELECT, SELECT, READ RECORD by opensc-tool: {seen}");
    Ok("SELECT MF, SELECT EF_DIR, READ RECORD are 9000".to_owned())
}

/// scriptor sees what goes over T=0: SELECT without Le announces its answer, and a record is read with its exact length only.
///
/// # Errors
/// What it shows instead.
pub fn scriptor(readers: &Readers) -> anyhow::Result<String> {
    let script = "00 A4 00 04 02 3F 00\n00 A4 00 04 02 2F 00\n00 B2 01 04 FF\n";
    let seen = run(readers, SCRIPTOR, &["-p", "T=0", "-r", &readers.name()], script)?;
    let answers = seen.lines().filter_map(|line| line.strip_prefix("< ")?.get(..2));
    let answers: Vec<&str> = answers.collect();
    ensure!(answers == ["61", "61", "6C"], "SELECT, SELECT, READ RECORD by scriptor: {seen}");
    Ok("SELECT is 61xx, READ RECORD with too large an Le is 6Cxx".to_owned())
}

fn run(readers: &Readers, program: Needed, arguments: &[&str], input: &str) -> anyhow::Result<String> {
    let mut command = program.command()?;
    let (variable, socket) = readers.variable();
    command.env(variable, socket).args(arguments);
    Ok(programs::run(command, input, LIMIT)?.output)
}

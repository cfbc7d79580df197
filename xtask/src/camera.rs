//! `cargo xtask camera`: QR codes of ours as a bad camera sees them, and how many of them rqrr and zbarimg read.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

/// Where the table stands.
const DOCUMENT: &str = "docs/hand-off.md";

/// Lets a test of rsp-operator write the pictures and read them with rqrr, has zbarimg read them, prints the table, and says
/// whether it is the one of docs/hand-off.md.
pub(crate) fn run() -> anyhow::Result<()> {
    let directory = crate::root().join("target/camera");
    if directory.exists() {
        std::fs::remove_dir_all(&directory).with_context(|| directory.display().to_string())?;
    }
    std::fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(crate::root())
        .args(["test", "--quiet", "-p", "rsp-operator", "--test", "it", "pictures_of_a_bad_camera_are_read"])
        .env("OPENRSP_CAMERA_DIRECTORY", &directory)
        .status()
        .context("cargo")?;
    ensure!(status.success(), "the pictures were not written");
    let table = std::fs::read_to_string(directory.join("rqrr.tsv")).context("rqrr.tsv")?;
    let mut shown = "| worsened by | how much | rqrr | zbarimg |\n|---|---|---|---|\n".to_owned();
    let (mut all, mut all_by_rqrr, mut all_by_zbar) = (0, 0, 0);
    for line in table.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        let [prefix, name, much, read, codes] = fields[..] else { anyhow::bail!("rqrr.tsv: {line}") };
        let (codes, by_rqrr): (usize, usize) = (codes.parse()?, read.parse()?);
        let by_zbar = read_by_zbar(&directory, prefix, codes)?;
        shown += &format!("| {name} | {much} | {by_rqrr}/{codes} | {by_zbar}/{codes} |\n");
        (all, all_by_rqrr, all_by_zbar) = (all + codes, all_by_rqrr + by_rqrr, all_by_zbar + by_zbar);
    }
    shown += &format!("| all | | {all_by_rqrr}/{all} | {all_by_zbar}/{all} |\n");
    print!("{shown}");
    std::fs::remove_dir_all(&directory)?;
    let document = std::fs::read_to_string(crate::root().join(DOCUMENT)).context(DOCUMENT)?;
    let problem =
        "it has another table: other versions of the readers, or other pictures, or it was not brought up to date";
    let complaints = if document.contains(&shown) { Vec::new() } else { vec![format!("{DOCUMENT}: {problem}")] };
    crate::report(&complaints, "camera: docs/hand-off.md has this table")
}

/// One program a picture: zbarimg does not say which ones it could not read.
fn read_by_zbar(directory: &Path, prefix: &str, codes: usize) -> anyhow::Result<usize> {
    let mut right = 0;
    for number in 0..codes {
        let picture = directory.join(format!("{prefix}-{number:02}.png"));
        let output = Command::new("zbarimg")
            .args(["--quiet", "--raw", "--set", "disable", "--set", "qrcode.enable"])
            .arg(&picture)
            .output()
            .context("zbarimg, of Debian's package zbar-tools")?;
        let written = std::fs::read(picture.with_extension("txt"))?;
        right += usize::from(output.stdout.trim_ascii_end() == written);
    }
    Ok(right)
}

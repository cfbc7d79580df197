//! `cargo xtask camera`: QR codes of ours as a bad camera sees them, and how many of them rqrr and zbarimg read.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

/// Lets a test of rsp-operator write the pictures and read them with rqrr, has zbarimg read them, and prints the table of
/// docs/hand-off.md.
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
    println!("| worsened by | how much | rqrr | zbarimg |\n|---|---|---|---|");
    for line in table.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        let [prefix, name, much, read, codes] = fields[..] else { anyhow::bail!("rqrr.tsv: {line}") };
        let by_zbar = read_by_zbar(&directory, prefix, codes.parse()?)?;
        println!("| {name} | {much} | {read}/{codes} | {by_zbar}/{codes} |");
    }
    std::fs::remove_dir_all(&directory)?;
    Ok(())
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

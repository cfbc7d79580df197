//! `cargo xtask qr`: ten thousand QR codes of ours as PNG files, read by zbarimg, which shares no code with us.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// Files that one zbarimg reads.
const BATCH: usize = 500;

/// Lets a test of rsp-operator write the pictures, each with what it says beside it, and compares what zbarimg reads.
pub(crate) fn run() -> anyhow::Result<()> {
    let directory = crate::root().join("target/qr");
    if directory.exists() {
        std::fs::remove_dir_all(&directory).with_context(|| directory.display().to_string())?;
    }
    std::fs::create_dir_all(&directory).with_context(|| directory.display().to_string())?;
    write(&directory)?;
    let mut pictures: Vec<_> =
        std::fs::read_dir(&directory)?.map(|file| Ok(file?.path())).collect::<anyhow::Result<_>>()?;
    pictures.retain(|file| file.extension().is_some_and(|extension| extension == "png"));
    pictures.sort();
    ensure!(pictures.len() == 10_000, "{} pictures were written", pictures.len());
    let mut complaints = Vec::new();
    for batch in pictures.chunks(BATCH) {
        complaints.extend(check(batch)?);
    }
    std::fs::remove_dir_all(&directory)?;
    crate::report(&complaints, "qr: zbarimg read 10000 codes, each as it was written")
}

fn write(directory: &Path) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(crate::root())
        .args(["test", "--quiet", "-p", "rsp-operator", "--test", "it", "ten_thousand_random_codes_are_read_back"])
        .env("OPENRSP_QR_DIRECTORY", directory)
        .status()
        .context("cargo")?;
    ensure!(status.success(), "the pictures were not written");
    Ok(())
}

/// zbarimg names no files: it prints one line for each code, in the order of the files.
fn check(batch: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let output = Command::new("zbarimg")
        .args(["--quiet", "--raw", "--set", "disable", "--set", "qrcode.enable"])
        .args(batch)
        .output()
        .context("zbarimg, of Debian's package zbar-tools")?;
    let read = String::from_utf8(output.stdout).context("zbarimg")?;
    let read: Vec<_> = read.lines().collect();
    if read.len() != batch.len() {
        return Ok(vec![format!("{}…: zbarimg read {} of {}", batch[0].display(), read.len(), batch.len())]);
    }
    let mut complaints = Vec::new();
    for (file, read) in batch.iter().zip(read) {
        let written = file.with_extension("txt");
        let written = std::fs::read_to_string(&written).with_context(|| written.display().to_string())?;
        if written != read {
            complaints.push(format!("{}: {written:?} was read as {read:?}", file.display()));
        }
    }
    Ok(complaints)
}

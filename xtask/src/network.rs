//! `cargo xtask network`: builds the program with PC/SC and lets a network without a radio authenticate downloaded
//! profiles. What happens is in `openrsp demo --network`; nothing is skipped when a package of Debian is missing.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, bail, ensure};
use cargo_metadata::MetadataCommand;

/// What the build needs besides what everything needs.
const LIBRARY: &str = "libpcsclite";
const LIBRARY_PACKAGES: &str = "libpcsclite-dev pkg-config";

/// Runs it to its end.
pub(crate) fn run() -> anyhow::Result<()> {
    match Command::new("pkg-config").args(["--exists", LIBRARY]).status() {
        Ok(status) if status.success() => {}
        _ => bail!("the build needs Debian's packages: apt-get install {LIBRARY_PACKAGES}"),
    }
    build()?;
    let metadata = MetadataCommand::new().manifest_path(crate::root().join("Cargo.toml")).no_deps().exec()?;
    let program = metadata.target_directory.join("debug/openrsp");
    let status = Command::new(&program).args(["demo", "--network"]).status().with_context(|| program.to_string())?;
    ensure!(status.success(), "the network does not know its subscribers: {status}");
    Ok(())
}

/// Builds the program as `cargo test --workspace` does, with the feature on top: only what has the feature is built again,
/// since the features of all other crates are the same.
fn build() -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let status = Command::new(cargo)
        .current_dir(crate::root())
        .args(["build", "--quiet", "--workspace", "--bin", "openrsp", "--features", "openrsp/pcsc"])
        .status()
        .context("cargo")?;
    ensure!(status.success(), "the build failed");
    Ok(())
}

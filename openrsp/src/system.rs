//! What only the machine can give: randomness, the time, and files that nobody else may read.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use rsp_asn1::Timestamp;
use rsp_crypto::Randomness;

use crate::exit::{Exit, Failure};

/// What a program that was built without the feature `pcsc` says when it shall use a PC/SC reader.
#[cfg(not(feature = "pcsc"))]
pub(crate) const WITHOUT_PCSC: &str = "this openrsp was built without PC/SC; build it with \
    `cargo build --release --features pcsc`, which needs Debian's packages libpcsclite-dev and pkg-config";

/// The operating system's randomness.
pub(crate) struct OsRandomness;

impl Randomness for OsRandomness {
    fn fill(&mut self, buffer: &mut [u8]) {
        // Without randomness there is no protocol: going on would be worse than stopping.
        getrandom::fill(buffer).expect("the operating system's randomness is always there on Linux");
    }
}

/// The time by the machine's clock.
pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX))
}

/// Refuses a file that holds secrets and that others can read.
pub(crate) fn require_private(path: &Path) -> anyhow::Result<()> {
    let mode = std::fs::metadata(path).map_err(|error| unusable(path, &error))?.permissions().mode();
    if mode & 0o077 != 0 {
        let path = path.display();
        let problem =
            format!("{path}: holds secrets, and others can read it (mode {:o}); run: chmod 600 {path}", mode & 0o7777);
        return Err(Failure::new(Exit::Input, problem));
    }
    Ok(())
}

/// The same for what may be no file: a pipe or a terminal keeps nothing that others could read.
pub(crate) fn require_private_if_kept(path: &Path) -> anyhow::Result<()> {
    match std::fs::metadata(path).map_err(|error| unusable(path, &error))?.is_file() {
        true => require_private(path),
        false => Ok(()),
    }
}

/// A file that is not there, or is and should not be.
fn unusable(path: &Path, error: &std::io::Error) -> anyhow::Error {
    Failure::new(Exit::Input, format!("{}: {error}", path.display()))
}

/// A new file that only its owner can read; an existing one is refused.
pub(crate) fn create_private(path: &Path) -> anyhow::Result<File> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    opened.map_err(|error| unusable(path, &error))
}

/// A directory that only its owner can enter; one that is there already stays as it is.
pub(crate) fn create_private_dir(path: &Path) -> anyhow::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| unusable(path, &error))
}

/// Writes a new file that only its owner can read; an existing one is refused.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut file = create_private(path)?;
    file.write_all(content).and_then(|()| file.sync_all()).with_context(|| path.display().to_string())
}

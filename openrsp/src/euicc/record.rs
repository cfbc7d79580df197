//! A record of a card's session: `initial.euicc` (the state), `randomness` (one draw a line, hexadecimal) and `dialogue`
//! (APDUs). A card with that state that draws these bytes gives the same answers, since its signatures are deterministic.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rsp_card::RecordingCard;
use rsp_crypto::Randomness;
use rsp_euicc::{Euicc, FileStore};

use super::failure;
use crate::system::OsRandomness;

/// Opens an eUICC and records it into a directory that must not exist.
pub(super) fn open(file: &Path, directory: &Path) -> anyhow::Result<RecordingCard<Euicc<FileStore>, File>> {
    let (store, state) = FileStore::open(file).map_err(|error| failure(file, error))?;
    DirBuilder::new().mode(0o700).create(directory).with_context(|| directory.display().to_string())?;
    let initial = directory.join("initial.euicc");
    FileStore::create(&initial, &state).map_err(|error| failure(&initial, error))?;
    let randomness = RecordingRandomness { file: create(directory.join("randomness"))? };
    let card = Euicc::new(state, store, Box::new(randomness)).map_err(|error| failure(file, error))?;
    Ok(RecordingCard::new(card, create(directory.join("dialogue"))?))
}

fn create(path: PathBuf) -> anyhow::Result<File> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    opened.with_context(|| path.display().to_string())
}

/// The operating system's randomness, written down.
struct RecordingRandomness {
    file: File,
}

impl Randomness for RecordingRandomness {
    fn fill(&mut self, buffer: &mut [u8]) {
        OsRandomness.fill(buffer);
        if let Err(error) = self.write(buffer) {
            // The card goes on, and the record is useless: nobody should find that out later.
            eprintln!("warning: the record of randomness is incomplete: {error}");
        }
    }
}

impl RecordingRandomness {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        writeln!(self.file, "{}", hex::encode_upper(bytes))
    }
}

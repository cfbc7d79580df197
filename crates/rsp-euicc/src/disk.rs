//! What keeping a state asks of a file system: few steps, each of which lasts or does not when power is lost.
//!
//! [`replace`] is the one order of these steps that has the old or the new content under the name at any moment. Tests run
//! it on a [`Disk`] that forgets whatever nothing made last.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What a file is called in addition until it is written whole. Whatever has this name is ours, and is deleted.
pub(crate) const UNFINISHED: &str = ".openrsp-new";

/// A file system, seen from one directory.
pub trait Disk: Send {
    /// Writes a new file, readable by its owner only. Its content lasts when this returns; its name need not yet.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::AlreadyExists`] when the name is taken.
    fn write_new(&mut self, path: &Path, content: &[u8]) -> io::Result<()>;

    /// Gives a file another name, in place of the file that had it.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::NotFound`] when there is none.
    fn remove(&mut self, path: &Path) -> io::Result<()>;

    /// Makes the names in the directory of this file last.
    ///
    /// # Errors
    /// What the system says.
    fn flush_names(&mut self, path: &Path) -> io::Result<()>;
}

/// The file system of this machine.
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn write_new(&mut self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut file = private().write(true).create_new(true).open(path)?;
        file.write_all(content)?;
        file.sync_all()
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn flush_names(&mut self, path: &Path) -> io::Result<()> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(directory)?.sync_all()
    }
}

/// Puts `content` in the place of a file: after a loss of power at any point one whole version is there, and once this
/// returns it is the new one.
///
/// # Errors
/// What the disk says; the former content is still there, unless it was the last step that failed.
pub fn replace(disk: &mut dyn Disk, path: &Path, content: &[u8]) -> io::Result<()> {
    let unfinished = write_beside(disk, path, content)?;
    disk.rename(&unfinished, path)?;
    disk.flush_names(path)
}

/// The same content under the name that a file has before it gets its own. Only who has the lock may do it.
pub(crate) fn write_beside(disk: &mut dyn Disk, path: &Path, content: &[u8]) -> io::Result<PathBuf> {
    let unfinished = beside(path, UNFINISHED);
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", unfinished.display()));
    // What a crash may have left there could have any permissions, so it is not written into.
    match disk.remove(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(named(error)),
        _ => {}
    }
    match disk.write_new(&unfinished, content) {
        Ok(()) => Ok(unfinished),
        Err(error) => {
            let _ = disk.remove(&unfinished);
            Err(named(error))
        }
    }
}

/// The name of a file beside another one.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Files that only their owner can read.
#[cfg(unix)]
pub(crate) fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Files that only their owner can read, where the system knows such a thing.
#[cfg(not(unix))]
pub(crate) fn private() -> OpenOptions {
    OpenOptions::new()
}

//! Where the state is kept.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::{Error, EuiccState};

/// Non-volatile memory: what was committed last is there after any loss of power, whole.
pub trait StateStore: Send {
    /// Replaces the stored state. On an error the former state is still there.
    ///
    /// # Errors
    /// What the system says.
    fn commit(&mut self, state: &[u8]) -> io::Result<()>;
}

/// Keeps the state in memory, for tests and for cards that live as long as their process. Clones share the content.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Zeroizing<Vec<u8>>>>);

impl MemoryStore {
    /// What was committed last, as [`EuiccState::to_bytes`] wrote it.
    pub fn contents(&self) -> Zeroizing<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl StateStore for MemoryStore {
    fn commit(&mut self, state: &[u8]) -> io::Result<()> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Zeroizing::new(state.to_vec());
        Ok(())
    }
}

/// One file per eUICC, readable by its owner only, replaced as a whole: a reader finds the old state or the new one.
pub struct FileStore {
    path: PathBuf,
    /// Held as long as the card is open, so that no second process opens it. A file beside the state, since the state
    /// file itself is replaced.
    _lock: File,
}

impl FileStore {
    /// Writes a new eUICC to a file that must not exist.
    ///
    /// # Errors
    /// [`Error::Io`]; nothing is overwritten.
    pub fn create(path: &Path, state: &EuiccState) -> Result<(), Error> {
        let io = |source| Error::Io { path: path.display().to_string(), source };
        if path.try_exists().map_err(io)? {
            return Err(io(io::ErrorKind::AlreadyExists.into()));
        }
        replace(path, &state.to_bytes()?).map_err(io)
    }

    /// Reads an eUICC without opening it, even while another process has.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Permissions`], and those of [`EuiccState::from_bytes`].
    pub fn read(path: &Path) -> Result<EuiccState, Error> {
        let io = |source| Error::Io { path: path.display().to_string(), source };
        let content = Zeroizing::new(fs::read(path).map_err(io)?);
        // A file that is no eUICC has no secrets to protect.
        if !EuiccState::is_one(&content) {
            return Err(Error::NotAState);
        }
        check_permissions(path, &fs::metadata(path).map_err(io)?)?;
        EuiccState::from_bytes(&content)
    }

    /// Opens an eUICC for this process alone.
    ///
    /// # Errors
    /// [`Error::InUse`] when another process has it open, and those of [`FileStore::read`].
    pub fn open(path: &Path) -> Result<(Self, EuiccState), Error> {
        // The state file is looked at first, so that a mistyped name leaves no lock file behind.
        drop(Self::read(path)?);
        let lock_path = beside(path, ".lock");
        let io = |source| Error::Io { path: lock_path.display().to_string(), source };
        let lock = private().write(true).create(true).truncate(false).open(&lock_path).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { path: path.display().to_string() }),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let state = Self::read(path)?;
        Ok((Self { path: path.to_path_buf(), _lock: lock }, state))
    }
}

impl StateStore for FileStore {
    fn commit(&mut self, state: &[u8]) -> io::Result<()> {
        replace(&self.path, state)
    }
}

/// Writes beside the file, flushes, renames, flushes the directory: after a crash at any point one whole version is there.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = beside(path, ".new");
    // What a crash may have left there could have any permissions, so it is not written into.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private().write(true).create_new(true).open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    OpenOptions::new()
}

#[cfg(unix)]
fn check_permissions(path: &Path, metadata: &fs::Metadata) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    match metadata.permissions().mode() & 0o777 {
        mode if mode & 0o077 == 0 => Ok(()),
        mode => Err(Error::Permissions { path: path.display().to_string(), mode }),
    }
}

#[cfg(not(unix))]
fn check_permissions(_: &Path, _: &fs::Metadata) -> Result<(), Error> {
    Ok(())
}

//! Where the state is kept.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rsp_crypto::hash::sha256;
use zeroize::Zeroizing;

use crate::disk::{self, Disk as _, SystemDisk, UNFINISHED, beside, private};
use crate::{Error, EuiccState};

/// Non-volatile memory: what was committed last is there after any loss of power, whole.
pub trait StateStore: Send {
    /// Replaces the stored state. On an error the former state is still there.
    ///
    /// # Errors
    /// What the system says.
    fn commit(&mut self, state: &[u8]) -> io::Result<()>;

    /// Whether this is what is stored, as far as the store knows without reading it again.
    fn holds(&self, _state: &[u8]) -> bool {
        false
    }
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

/// The largest file that is read as a state: far more than profiles with their icons and certificates need.
const MAX_STATE: u64 = 64 << 20;

/// What the file beside is called that is locked.
const LOCK: &str = ".lock";

/// One file per eUICC, readable by its owner only, replaced as a whole: a reader finds the old state or the new one.
///
/// A path that is a symbolic link means the file at its end: that one is locked and replaced, so that an eUICC is the same
/// under all its names. A file with several hard links is refused, for replacing it would leave the former state under the
/// other names: two eUICCs with the same keys.
pub struct FileStore {
    /// Without symbolic links.
    path: PathBuf,
    /// Held as long as the card is open, so that no second process opens it. A file beside the state, since the state
    /// file itself is replaced.
    _lock: File,
    /// SHA-256 of the content as it was read, until something is committed.
    read: Option<[u8; 32]>,
}

impl FileStore {
    /// Writes a new eUICC to a file that must not exist; not even as a symbolic link that leads nowhere. After a crash at
    /// any point the whole eUICC is there or none.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::ReservedName`], and [`Error::InUse`] when another process makes an eUICC there; nothing is
    /// overwritten.
    pub fn create(path: &Path, state: &EuiccState) -> Result<(), Error> {
        let io = |source| Error::Io { path: path.display().to_string(), source };
        check_name(path)?;
        let content = state.to_bytes()?;
        // Looked at first, so that a refusal leaves no lock file behind.
        vacant(path).map_err(io)?;
        let in_use = || Error::InUse { path: path.display().to_string() };
        let _lock = lock(&beside(path, LOCK)).map_err(io)?.ok_or_else(in_use)?;
        let temporary = disk::write_beside(&mut SystemDisk, path, &content).map_err(io)?;
        // What is not sure to last is not left there either, where it would be in the way of another attempt.
        let undo = |file: &Path, error| {
            let _ = fs::remove_file(file);
            io(error)
        };
        place(&temporary, path).map_err(|error| undo(&temporary, error))?;
        SystemDisk.flush_names(path).map_err(|error| undo(path, error))
    }

    /// Reads an eUICC without opening it, even while another process has.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::NotAFile`], [`Error::TooLarge`], [`Error::Permissions`], [`Error::Linked`], and those of
    /// [`EuiccState::from_bytes`].
    pub fn read(path: &Path) -> Result<EuiccState, Error> {
        EuiccState::from_bytes(&Self::content(&resolve(path)?)?)
    }

    /// Opens an eUICC for this process alone.
    ///
    /// # Errors
    /// [`Error::InUse`] when another process has it open, [`Error::ReservedName`], and those of [`FileStore::read`].
    pub fn open(path: &Path) -> Result<(Self, EuiccState), Error> {
        let path = resolve(path)?;
        check_name(&path)?;
        // The state file is looked at first, so that a mistyped name leaves no lock file behind.
        drop(EuiccState::from_bytes(&Self::content(&path)?)?);
        let lock_path = beside(&path, LOCK);
        let io = |source| Error::Io { path: lock_path.display().to_string(), source };
        let lock = lock(&lock_path).map_err(io)?.ok_or_else(|| Error::InUse { path: path.display().to_string() })?;
        let content = Self::content(&path)?;
        let state = EuiccState::from_bytes(&content)?;
        Ok((Self { path, _lock: lock, read: Some(sha256(&content)) }, state))
    }

    /// The content of a file that is private and an eUICC.
    fn content(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
        let io = |source| Error::Io { path: path.display().to_string(), source };
        // Asked before the file is opened, for opening a pipe waits for somebody to write into it.
        if !fs::metadata(path).map_err(io)?.is_file() {
            return Err(Error::NotAFile { path: path.display().to_string() });
        }
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        let mut content = Zeroizing::new(Vec::with_capacity(metadata.len().min(MAX_STATE).try_into().unwrap_or(0)));
        file.take(MAX_STATE + 1).read_to_end(&mut content).map_err(io)?;
        if content.len() as u64 > MAX_STATE {
            return Err(Error::TooLarge { path: path.display().to_string(), limit: MAX_STATE });
        }
        // A file that is no eUICC has no secrets to protect.
        if !EuiccState::is_one(&content) {
            return Err(Error::NotAState);
        }
        check_permissions(path, &metadata)?;
        check_links(path, &metadata)?;
        Ok(content)
    }
}

impl StateStore for FileStore {
    fn commit(&mut self, state: &[u8]) -> io::Result<()> {
        self.read = None;
        disk::replace(&mut SystemDisk, &self.path, state)
    }

    fn holds(&self, state: &[u8]) -> bool {
        self.read == Some(sha256(state))
    }
}

/// An eUICC cannot have a name that the files beside another one have: it would be deleted as a leftover, or be locked in
/// place of that one.
fn check_name(path: &Path) -> Result<(), Error> {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    match [UNFINISHED, LOCK].into_iter().find(|suffix| name.ends_with(suffix.as_bytes())) {
        Some(suffix) => Err(Error::ReservedName { path: path.display().to_string(), suffix }),
        None => Ok(()),
    }
}

/// The file itself, whatever symbolic links lead there.
fn resolve(path: &Path) -> Result<PathBuf, Error> {
    fs::canonicalize(path).map_err(|source| Error::Io { path: path.display().to_string(), source })
}

/// The lock, or nothing while another process has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let lock = private().write(true).create(true).truncate(false).open(path)?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether nothing has this name, not even a symbolic link that leads nowhere.
fn vacant(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "it exists already")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Gives a finished file its name, which must be free.
fn place(temporary: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(temporary, path) {
        Ok(()) => {
            // With the other name still there it is a whole eUICC, too: see `check_links`.
            let _ = fs::remove_file(temporary);
            Ok(())
        }
        // A file system without hard links, where nothing renames without overwriting: the lock has to do.
        Err(error) if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) => {
            vacant(path)?;
            fs::rename(temporary, path)
        }
        Err(error) => Err(error),
    }
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

#[cfg(unix)]
fn check_links(path: &Path, metadata: &fs::Metadata) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt;
    match metadata.nlink() {
        // None: it was replaced after it was opened, which leaves one under the name.
        0 | 1 => Ok(()),
        // A crash just after it was made; the other name goes before the state is replaced.
        2 if fs::symlink_metadata(beside(path, UNFINISHED))
            .is_ok_and(|other| (other.dev(), other.ino()) == (metadata.dev(), metadata.ino())) =>
        {
            Ok(())
        }
        links => Err(Error::Linked { path: path.display().to_string(), links }),
    }
}

#[cfg(not(unix))]
fn check_links(_: &Path, _: &fs::Metadata) -> Result<(), Error> {
    Ok(())
}

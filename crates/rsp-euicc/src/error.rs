//! Why an eUICC cannot be made or opened.

/// The error of this crate. What a command does wrong is never here: that is a status word or an ES10 error code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The maker's fault: no key, or certificates that do not belong together.
    #[error("the eUICC cannot be made: {0}")]
    Manufacture(String),
    /// Not a state file at all.
    #[error("not the state of an OpenRSP eUICC")]
    NotAState,
    /// Written by a version that this one does not know.
    #[error("state version {found} is not supported, this program reads versions 1 to {supported}")]
    StateVersion {
        /// The version in the file.
        found: u32,
        /// The newest version that this program knows.
        supported: u32,
    },
    /// The checksum does not match: the file was damaged or edited.
    #[error("the state is damaged: its checksum does not match")]
    StateChecksum,
    /// The checksum matches, but the content makes no sense.
    #[error("the state is damaged: {0}")]
    StateContent(String),
    /// The file can be read or written by others than its owner.
    #[error("{path} holds secret keys but others can access it (mode {mode:03o}); run: chmod 600 {path}")]
    Permissions {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// A directory, a pipe or a device where a file should be.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// What was named.
        path: String,
    },
    /// Larger than any state.
    #[error("{path} is larger than {limit} bytes, which no eUICC is")]
    TooLarge {
        /// The file.
        path: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file has other names, under which its former state would stay when it is replaced.
    #[error("{path} has {links} hard links, so there would be two of this eUICC; remove the other names")]
    Linked {
        /// The file.
        path: String,
        /// How many names it has.
        links: u64,
    },
    /// The name is one of the files that stand beside an eUICC's.
    #[error("{path}: no eUICC can have a name that ends in {suffix}; the files beside an eUICC have it")]
    ReservedName {
        /// The file.
        path: String,
        /// The end of the name.
        suffix: &'static str,
    },
    /// Another process has opened this eUICC.
    #[error("{path} is in use by another process")]
    InUse {
        /// The file.
        path: String,
    },
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}

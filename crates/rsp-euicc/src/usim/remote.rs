//! Access to files over the air: what an access domain grants stands in the place of the codes that somebody verified
//! (ETSI TS 102 226 8.2.1.3.2.2.2).

use super::Session;
use crate::fs::access::{self, Access};
use crate::fs::{FileSystem, NodeId};
use crate::interpreter::ProfileContents;
use crate::registry::AccessDomain;

/// What remote file management may do with the files of a profile.
#[derive(Debug, Clone)]
pub(crate) struct RemoteAccess {
    /// With those that lie in no ADF.
    pub(crate) shared_files: AccessDomain,
    /// With those of this ADF.
    pub(crate) adf: Option<(NodeId, AccessDomain)>,
}

impl RemoteAccess {
    fn domain(&self, fs: &FileSystem, file: NodeId) -> Option<&AccessDomain> {
        let within = fs.ancestors(file).find(|id| fs.is_adf(*id));
        match (within, &self.adf) {
            (None, _) => Some(&self.shared_files),
            (Some(within), Some((adf, domain))) if within == *adf => Some(domain),
            (Some(_), _) => None,
        }
    }

    fn allows(&self, fs: &FileSystem, file: NodeId, access: Access) -> bool {
        match self.domain(fs, file) {
            None | Some(AccessDomain::None) => false,
            Some(domain) => access::allowed(fs, file, access, &|reference| domain.satisfies(reference)),
        }
    }
}

impl Session {
    /// A session over the air, which begins at the ADF that it manages, or at the MF.
    pub(crate) fn remote(access: RemoteAccess) -> Self {
        let application = access.adf.as_ref().map(|(adf, _)| *adf);
        Self { df: application.unwrap_or(NodeId::MF), application, remote: Some(access), ..Self::default() }
    }

    /// Whether the rule of a file allows an access on this session.
    pub(super) fn allowed(&self, contents: &ProfileContents, file: NodeId, access: Access) -> bool {
        match &self.remote {
            None => contents.allowed(file, access),
            Some(remote) => remote.allows(contents.files(), file, access),
        }
    }
}

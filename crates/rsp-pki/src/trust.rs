//! The CIs that somebody trusts.

use crate::Certificate;

/// CI certificates that end a path. They are trusted because the caller put them here; validation still looks at their
/// dates and profile.
#[derive(Debug, Clone, Default)]
pub struct TrustStore {
    anchors: Vec<Certificate>,
}

impl TrustStore {
    /// Takes the trusted CI certificates. The order is kept: of two with the same key the first counts.
    pub fn new(anchors: Vec<Certificate>) -> Self {
        Self { anchors }
    }

    /// The CI with this subjectKeyIdentifier.
    pub fn get(&self, key_id: &[u8]) -> Option<&Certificate> {
        self.anchors.iter().find(|anchor| anchor.subject_key_identifier() == Some(key_id))
    }

    /// All CIs, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Certificate> {
        self.anchors.iter()
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }
}

impl FromIterator<Certificate> for TrustStore {
    fn from_iter<I: IntoIterator<Item = Certificate>>(certificates: I) -> Self {
        Self::new(certificates.into_iter().collect())
    }
}

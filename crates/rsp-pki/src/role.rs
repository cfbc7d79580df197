//! The roles of RSP certificates (SGP.22 4.5.2, id-rspRole), and that of an operator's certificate for ES2+.

use std::fmt;
use std::str::FromStr;

use crate::Error;
use crate::oid::RSP_ROLE;

/// Whose certificate it is and what its key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// GSMA certificate issuer: the root.
    Ci,
    /// eUICC manufacturer: signs eUICC certificates.
    Eum,
    /// eUICC: signs in authentication and notifications.
    Euicc,
    /// SM-DP+ for mutual authentication.
    DpAuth,
    /// SM-DP+ for profile package binding.
    DpPb,
    /// SM-DP+ for TLS.
    DpTls,
    /// SM-DS for mutual authentication.
    DsAuth,
    /// SM-DS for TLS.
    DsTls,
    /// An operator for TLS on ES2+: as client, and as server of HandleDownloadProgressInfo (SGP.22 5.3.5). The standard
    /// demands mutual authentication there (2.6.6) and has no policy for this certificate.
    OperatorTls,
}

impl Role {
    /// The roles that a policy of SGP.22 names, from the root outwards: all but the operator's.
    pub const ALL: [Self; 8] =
        [Self::Ci, Self::Eum, Self::Euicc, Self::DpAuth, Self::DpPb, Self::DpTls, Self::DsAuth, Self::DsTls];

    /// Whether the key is for TLS.
    pub fn is_tls(self) -> bool {
        matches!(self, Self::DpTls | Self::DsTls | Self::OperatorTls)
    }

    /// Whether the key signs certificates.
    pub fn is_ca(self) -> bool {
        matches!(self, Self::Ci | Self::Eum)
    }

    /// The policy of SGP.22 v2 that names the role, as arcs behind id-rspRole.
    pub(crate) fn policy_v2(self) -> Option<&'static [u32]> {
        Some(match self {
            Self::Ci => &[0],
            Self::Euicc => &[1],
            Self::Eum => &[2],
            Self::DpTls => &[3],
            Self::DpAuth => &[4],
            Self::DpPb => &[5],
            Self::DsTls => &[6],
            Self::DsAuth => &[7],
            Self::OperatorTls => return None,
        })
    }

    /// The policy of SGP.22 v3.
    pub(crate) fn policy_v3(self) -> Option<&'static [u32]> {
        Some(match self {
            Self::Ci => &[0],
            Self::Eum => &[0, 0, 0],
            Self::Euicc => &[0, 0, 0, 0, 0],
            Self::DpTls => &[0, 0, 1, 0],
            Self::DpAuth => &[0, 0, 1, 1],
            Self::DpPb => &[0, 0, 1, 2],
            Self::DsTls => &[0, 0, 2, 0],
            Self::DsAuth => &[0, 0, 2, 1],
            Self::OperatorTls => return None,
        })
    }

    /// The role that a certificate policy names, in either version.
    pub(crate) fn from_policy(policy: &[u32]) -> Option<Self> {
        let arcs = Some(policy.strip_prefix(RSP_ROLE)?);
        Self::ALL.into_iter().find(|role| role.policy_v2() == arcs || role.policy_v3() == arcs)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ci => "CI",
            Self::Eum => "EUM",
            Self::Euicc => "eUICC",
            Self::DpAuth => "DPauth",
            Self::DpPb => "DPpb",
            Self::DpTls => "DPtls",
            Self::DsAuth => "DSauth",
            Self::DsTls => "DStls",
            Self::OperatorTls => "operator",
        })
    }
}

impl FromStr for Role {
    type Err = Error;

    /// Reads what `Display` writes, in any case.
    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .chain([Self::OperatorTls])
            .find(|role| role.to_string().eq_ignore_ascii_case(name))
            .ok_or_else(|| Error::UnknownRole(name.to_owned()))
    }
}

//! The two curves of RSP (SGP.22 2.6.7.1).

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// An elliptic curve that RSP keys may lie on. Both have cofactor 1 and 32-byte coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Curve {
    /// NIST P-256, also called secp256r1 and prime256v1 (FIPS 186-4).
    P256,
    /// brainpoolP256r1 (RFC 5639).
    BrainpoolP256r1,
}

impl Curve {
    /// Both curves, P-256 first.
    pub const ALL: [Self; 2] = [Self::P256, Self::BrainpoolP256r1];

    /// The arcs of the object identifier that names the curve in certificates and keys.
    pub const fn oid(self) -> &'static [u32] {
        match self {
            Self::P256 => &[1, 2, 840, 10045, 3, 1, 7],
            Self::BrainpoolP256r1 => &[1, 3, 36, 3, 3, 2, 8, 1, 1, 7],
        }
    }

    /// The curve with this object identifier, if it is one of the two.
    pub fn from_oid(arcs: &[u32]) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.oid() == arcs)
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "p256",
            Self::BrainpoolP256r1 => "brainpool",
        })
    }
}

impl FromStr for Curve {
    type Err = Error;

    /// Reads `p256` or `brainpool`, and the usual other names of the two curves.
    fn from_str(name: &str) -> Result<Self, Error> {
        match name.to_ascii_lowercase().as_str() {
            "p256" | "p-256" | "nist" | "secp256r1" | "prime256v1" => Ok(Self::P256),
            "brainpool" | "brainpoolp256r1" | "brp" => Ok(Self::BrainpoolP256r1),
            _ => Err(Error::UnsupportedCurve),
        }
    }
}

//! Certificates of every RSP role: profiles, issuing, path validation, CRLs (SGP.22 4.5, SGP.26).
//!
//! Generic validators of RFC 5280 refuse every eUICC certificate: the name constraints of an EUM name an organisation
//! and the *beginning* of an EID, which RFC 5280 compares as a whole name. So this crate brings the validator that RSP
//! means ([`validate`], [`validate_euicc`]): the role of each certificate by its policy, the key usage of that role, the
//! chain to a CI that the caller trusts, and the EID against what the CI granted to the EUM.
//!
//! | role | issuer | policy (v2, v3) under 2.23.146.1.2.1 | must have |
//! |---|---|---|---|
//! | CI | itself | .0 | CA, no pathLenConstraint or room for an EUM, keyCertSign and cRLSign |
//! | EUM | CI | .2, .0.0.0 | CA with pathLenConstraint 0 (v3: or 1), keyCertSign (v3: or cRLSign as well), nameConstraints (O, EID prefix or permittedEins) |
//! | eUICC | EUM | .1, .0.0.0.0.0 | digitalSignature, O of the EUM, EID as serialNumber |
//! | DPauth, DPpb, DSauth | CI | .4, .5, .7 (.0.0.1.1, .0.0.1.2, .0.0.2.1) | digitalSignature, OID as registeredID |
//! | DPtls, DStls | CI | .3, .6 (.0.0.1.0, .0.0.2.0) | digitalSignature, serverAuth, DNS name or IP address, OID |
//! | operator | CI | none of these | digitalSignature, clientAuth |
//!
//! The last is no role of SGP.22: mutual TLS on ES2+ (2.6.6) needs a certificate for the operator, and the standard leaves
//! open which.
//!
//! Every certificate has a SKI, below the CI the SHA-1 of its key, and has exactly the key usage bits of its role. An
//! extension that belongs to other roles is refused, and so is a critical one by which its role decides nothing.
//!
//! No clock and no randomness of its own: an eUICC has no clock, and says so with `now: None`. A failure names the
//! certificate by its role and the rule that it breaks ([`PathError`]); [`PathError::failure`] sorts the rules into the
//! few classes that the messages of SGP.22 can tell apart.
//!
//! [`issue`] makes certificates of every role, [`directory`] keeps a whole hierarchy on disk and reads the published
//! SGP.26 set.

mod certificate;
mod crl;
mod der;
mod error;
mod extensions;
mod name;
mod oid;
mod path;
mod profile;
mod role;
mod trust;

pub mod directory;
pub mod issue;

pub use certificate::{Certificate, KeyProblem};
pub use crl::Crl;
pub use error::{Error, Failure, PathError, Rule};
pub use name::DistinguishedName;
pub use path::{EuiccIdentity, ValidPath, Validation, validate, validate_euicc};
pub use role::Role;
pub use trust::TrustStore;

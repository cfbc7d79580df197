//! What is wrong with a file, and why a path is refused.

use rsp_asn1::{DecodeError, Timestamp};

use crate::{KeyProblem, Role};

/// Why a certificate, CRL or hierarchy could not be read or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not a certificate or CRL.
    #[error("{0}")]
    Encoding(#[from] DecodeError),
    /// The text holds no PEM block of the wanted kind.
    #[error("no PEM block labelled {0}")]
    NoPemBlock(&'static str),
    /// A word that names no role.
    #[error("{0:?} is no role: use one of ci, eum, euicc, dpauth, dppb, dptls, dsauth, dstls, operator")]
    UnknownRole(String),
    /// A host that is neither a DNS name nor an IP address.
    #[error("{0:?} is neither a DNS name nor an IP address")]
    Host(String),
    /// A name that no operator can have here.
    #[error(
        "{0:?} is no name for an operator: 1 to 64 letters, digits, spaces and any of - _ . with a letter or digit first \
         and last"
    )]
    OperatorName(String),
    /// The EID does not begin with what the EUM's certificate allows.
    #[error("the EID does not begin with {prefixes}, which is all that the EUM's certificate permits")]
    EidNotPermitted {
        /// The prefixes that the certificate names.
        prefixes: String,
    },
    /// A private key that the operation needs is not in the directory.
    #[error("the private key of the {0} certificate is not in the directory")]
    NoKey(Role),
    /// A certificate that the operation needs is not in the directory.
    #[error("there is no {0} certificate in the directory for this curve")]
    NoCertificate(Role),
    /// The issuer's certificate lacks something that its subordinate must repeat.
    #[error("the {0} certificate has no {1}")]
    Incomplete(Role, &'static str),
    /// A key could not be read or used.
    #[error("{0}")]
    Crypto(#[from] rsp_crypto::Error),
    /// A file of a directory is unreadable, or is not what its place says.
    #[error("{}: {problem}", .path.display())]
    File {
        /// Which file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

/// A refused path: whose certificate, and which rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{certificate} certificate: {rule}")]
pub struct PathError {
    /// The role that the certificate plays in this path, which need not be the one that it claims.
    pub certificate: Role,
    /// The rule.
    pub rule: Rule,
}

impl PathError {
    /// The class of the failure, as far as the messages of SGP.22 tell failures apart.
    pub fn failure(&self) -> Failure {
        self.rule.failure()
    }
}

/// What a peer can be told. A server maps the class together with [`PathError::certificate`] to its subject and reason
/// codes (for an EUM 8.1.2/6.1 or 8.1.2/6.3, for an eUICC 8.1.3/6.1 or 8.1.3/6.3, for an unknown CI 8.11.1/3.9); an eUICC
/// maps it to AuthenticateErrorCode or DownloadErrorCode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// No CI with that key identifier is trusted: `ciPKUnknown`.
    UnknownCi,
    /// Outside its period of validity.
    Expired,
    /// A curve that RSP does not have, or not the CI's: `unsupportedCurve`.
    UnsupportedCurve,
    /// A certificate of another role: `invalidOid`.
    WrongRole,
    /// Anything else: `invalidCertificate`.
    Invalid,
}

/// The rules of RSP paths, one variant for each way to break one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    /// No trusted CI has the key identifier that the authorityKeyIdentifier names.
    #[error("issued by a CI that is not trusted here, key identifier {key_identifier}")]
    UnknownCi {
        /// The identifier in hexadecimal.
        key_identifier: String,
    },
    /// The path brings a CI certificate with a trusted key identifier but another key.
    #[error("claims the key identifier of a trusted CI with another key")]
    ForgedCi,
    /// The path has too few or too many certificates for the role of its end.
    #[error("the path has {found} intermediate certificates instead of {expected}")]
    PathLength {
        /// How many stand between CI and end.
        found: usize,
        /// How many the role has.
        expected: usize,
    },
    /// Signed by itself where the role needs an issuer.
    #[error("self-signed")]
    SelfSigned,
    /// The issuer's name is not the subject of the certificate above.
    #[error("issuer name is not the subject of its issuer's certificate")]
    IssuerName,
    /// The authorityKeyIdentifier is not the subjectKeyIdentifier of the certificate above.
    #[error("authority key identifier is not the subject key identifier of its issuer's certificate")]
    AuthorityKeyIdentifier,
    /// The subjectKeyIdentifier is not the SHA-1 hash of the key (RFC 5280 4.2.1.2, method 1).
    #[error("subject key identifier is not the SHA-1 of its key")]
    SubjectKeyIdentifier,
    /// The key is not an elliptic-curve key on P-256 or brainpoolP256r1.
    #[error("key is on an unsupported curve")]
    UnsupportedCurve,
    /// The key is on a supported curve, but not on the CI's.
    #[error("key is on another curve than the CI's")]
    ForeignCurve,
    /// The point of the key is malformed or off its curve.
    #[error("public key is not a point of its curve")]
    PublicKey,
    /// Not ecdsa-with-SHA256, or named differently inside and outside.
    #[error("signature algorithm is not ecdsa-with-SHA256")]
    SignatureAlgorithm,
    /// The signature is not by the issuer's key over these bytes.
    #[error("signature does not verify with its issuer's key")]
    Signature,
    /// The certificate begins to be valid later.
    #[error("not valid before {0}")]
    NotYetValid(Timestamp),
    /// The certificate ceased to be valid.
    #[error("expired on {0}")]
    Expired(Timestamp),
    /// Not an X.509 version 3 certificate.
    #[error("not an X.509 version 3 certificate")]
    Version,
    /// An extension that must be there is missing.
    #[error("extension {0} is missing")]
    MissingExtension(&'static str),
    /// An extension that must be critical is not.
    #[error("extension {0} is not critical")]
    NotCritical(&'static str),
    /// An extension is not what its identifier says.
    #[error("extension {0} is malformed")]
    MalformedExtension(&'static str),
    /// An extension stands there twice.
    #[error("extension {0} is there twice")]
    DuplicateExtension(String),
    /// An extension that belongs to other roles, critical or not.
    #[error("extension {0} does not belong to this role")]
    UnexpectedExtension(&'static str),
    /// An extension that this role may have is critical, although nothing is decided by it for this role.
    #[error("extension {0} must not be critical for this role")]
    UnexpectedCritical(&'static str),
    /// A critical extension that RSP does not know.
    #[error("unknown critical extension {0}")]
    UnknownCriticalExtension(String),
    /// The certificate policies name another role, several, or none.
    #[error("certificate policies do not name the role {expected}, but {found}")]
    WrongRole {
        /// The role needed here.
        expected: Role,
        /// What stands there.
        found: String,
    },
    /// The key usage is not that of the role.
    #[error("key usage is not {0}")]
    KeyUsage(&'static str),
    /// The extended key usage of a TLS certificate lacks the purpose of its role.
    #[error("extended key usage lacks {0}")]
    ExtendedKeyUsage(&'static str),
    /// An end certificate says that it is a CA.
    #[error("basic constraints say that it is a CA")]
    UnexpectedCa,
    /// The certificate of an issuer does not say that it is a CA.
    #[error("basic constraints do not say that it is a CA")]
    NotCa,
    /// The certificate of an EUM has no pathLenConstraint or not that of its version, or there is one that is no
    /// length.
    #[error("basic constraints do not have the pathLenConstraint of its role")]
    PathLenConstraint,
    /// The pathLenConstraint of the CI allows fewer issuers below it than follow.
    #[error("basic constraints allow {allowed} issuers below it, and {found} follow")]
    PathLenExceeded {
        /// The pathLenConstraint.
        allowed: u32,
        /// How many certificates stand between the CI's and the end of the path.
        found: usize,
    },
    /// subjectAltName has no registeredID, or several.
    #[error("subject alternative name does not have exactly one registered ID")]
    RegisteredId,
    /// A TLS certificate names neither host nor address.
    #[error("subject alternative name has neither a DNS name nor an IP address")]
    NoHost,
    /// The EUM's constraints are not in the form that RSP gives them.
    #[error("name constraints do not name an organisation and the beginning of an EID")]
    NameConstraints,
    /// The eUICC's organisation is not the EUM's.
    #[error("organisation is not the one in the EUM's name constraints")]
    Organisation,
    /// The subject's serialNumber is not an EID of 32 digits.
    #[error("subject serial number is not an EID of 32 digits")]
    EidMalformed,
    /// The EID does not begin with a prefix that the EUM may use.
    #[error("EID does not begin with what the EUM's certificate permits")]
    EidNotPermitted,
    /// Its serial number is on a CRL of its issuer.
    #[error("revoked on {0}")]
    Revoked(Timestamp),
    /// A CRL in its issuer's name is not signed with its issuer's key, or is malformed.
    #[error("the CRL of its issuer does not verify")]
    CrlForged,
    /// There is a CRL in its issuer's name, whose key is not for signing CRLs.
    #[error("its issuer has signed a CRL, but has no key usage cRLSign")]
    CrlSign,
    /// The CRL of its issuer is from the future or past its nextUpdate.
    #[error("the CRL of its issuer is stale: it was to be renewed on {0}")]
    CrlStale(Timestamp),
    /// The CRL has a critical extension that RSP does not know, or is indirect.
    #[error("the CRL of its issuer is of a kind that RSP does not have")]
    CrlUnsupported,
    /// A CRL of its issuer is demanded, and there is none that covers all certificates.
    #[error("there is no CRL of its issuer")]
    CrlMissing,
    /// The CI has cut its CRL into parts, and not all are there.
    #[error("{found} of {total} partial CRLs of its issuer are there")]
    CrlIncomplete {
        /// How many different parts there are.
        found: usize,
        /// How many there should be.
        total: u64,
    },
}

impl Rule {
    fn failure(&self) -> Failure {
        match self {
            Self::UnknownCi { .. } | Self::ForgedCi => Failure::UnknownCi,
            Self::NotYetValid(_) | Self::Expired(_) => Failure::Expired,
            Self::UnsupportedCurve | Self::ForeignCurve => Failure::UnsupportedCurve,
            Self::WrongRole { .. } => Failure::WrongRole,
            _ => Failure::Invalid,
        }
    }

    pub(crate) fn of(self, certificate: Role) -> PathError {
        PathError { certificate, rule: self }
    }
}

impl From<KeyProblem> for Rule {
    fn from(problem: KeyProblem) -> Self {
        match problem {
            KeyProblem::UnsupportedCurve => Self::UnsupportedCurve,
            KeyProblem::Point => Self::PublicKey,
        }
    }
}

//! Path validation by the rules of RSP (SGP.22 4.5.2, 5.6.3, 5.7.13).

use rsp_asn1::{Eid, ObjectIdentifier, Timestamp};
use rsp_crypto::{Provider, PublicKey, Signature};

use crate::{Certificate, Crl, PathError, Role, Rule, TrustStore, crl, oid, profile};

/// What validation depends on besides the certificates.
#[derive(Debug, Clone, Copy)]
pub struct Validation<'a> {
    /// Verifies signatures.
    pub provider: &'a dyn Provider,
    /// The time at which the path must be valid. `None` leaves dates out: an eUICC has no clock, and its LPA checks.
    pub now: Option<Timestamp>,
    /// CRLs at hand. One in the name of an issuer must verify and be fresh.
    pub crls: &'a [Crl],
    /// Age in seconds beyond which a CRL says nothing any more, whatever it says about its next update. Every issuer that may
    /// sign CRLs must then have one. `None` does not check issuers without one.
    pub crl_max_age: Option<i64>,
}

/// Proof that a certificate chains to a trusted CI and plays its role. Only [`validate`] makes one.
#[derive(Debug, Clone)]
pub struct ValidPath {
    role: Role,
    ci_key_id: Vec<u8>,
    public_key: PublicKey,
    oid: Option<ObjectIdentifier>,
}

impl ValidPath {
    /// The role that the path was validated for.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The subjectKeyIdentifier of the CI that the path ends at.
    pub fn ci_key_id(&self) -> &[u8] {
        &self.ci_key_id
    }

    /// The key of the certificate.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The registeredID of the certificate: DPauth and DPpb of one SM-DP+ have the same.
    pub fn oid(&self) -> Option<&ObjectIdentifier> {
        self.oid.as_ref()
    }
}

/// Proof of which eUICC a certificate belongs to. Only [`validate_euicc`] makes one.
#[derive(Debug, Clone)]
pub struct EuiccIdentity {
    eid: Eid,
    path: ValidPath,
}

impl EuiccIdentity {
    /// The EID, as the EUM certified it.
    pub fn eid(&self) -> Eid {
        self.eid
    }

    /// The subjectKeyIdentifier of the CI.
    pub fn ci_key_id(&self) -> &[u8] {
        self.path.ci_key_id()
    }

    /// The eUICC's key.
    pub fn public_key(&self) -> &PublicKey {
        self.path.public_key()
    }
}

/// Validates the path from `leaf` to a trusted CI.
///
/// `chain` holds the certificates between, nearest to the leaf first: the EUM's for an eUICC, none for the others. The
/// CI itself may follow them; it must then be the trusted one. Checks run from the CI down, so that an issuer is blamed
/// before its subordinates, and for each certificate in this order: chain, curve, signature, dates, profile, CRL.
///
/// # Errors
/// [`PathError`] with the role of the certificate at fault and the rule.
pub fn validate(
    validation: &Validation<'_>,
    role: Role,
    leaf: &Certificate,
    chain: &[Certificate],
    anchors: &TrustStore,
) -> Result<ValidPath, PathError> {
    let chain = without_ci(role, chain, anchors)?;
    let anchor = find_anchor(role, leaf, chain, anchors)?;
    check_ci(validation, anchor, chain.len())?;
    let mut issuer = anchor;
    if role == Role::Ci {
        // Of two certificates for the key of a CI only one is in the trust store: the other must hold as well.
        check_signature(validation, leaf, anchor).map_err(|rule| rule.of(role))?;
        check_ci(validation, leaf, chain.len())?;
    } else {
        for intermediate in chain.iter().rev() {
            check_link(validation, Role::Eum, intermediate, issuer).map_err(|rule| rule.of(Role::Eum))?;
            issuer = intermediate;
        }
        check_link(validation, role, leaf, issuer).map_err(|rule| rule.of(role))?;
    }
    if role == Role::Euicc {
        profile::check_constraints(issuer, leaf).map_err(|rule| rule.of(role))?;
    }
    let public_key = *leaf.public_key().map_err(|problem| Rule::from(problem).of(role))?;
    let ci_key_id = anchor.subject_key_identifier().unwrap_or_default().to_vec();
    Ok(ValidPath { role, ci_key_id, public_key, oid: leaf.oid() })
}

/// Validates the certificates that an eUICC brings and says which eUICC it is.
///
/// # Errors
/// As [`validate`]. Check digits of the EID are not among the rules: see [`Eid::check_digits_valid`].
pub fn validate_euicc(
    validation: &Validation<'_>,
    euicc: &Certificate,
    eum: &Certificate,
    anchors: &TrustStore,
) -> Result<EuiccIdentity, PathError> {
    let path = validate(validation, Role::Euicc, euicc, std::slice::from_ref(eum), anchors)?;
    let eid = euicc.eid().ok_or(Rule::EidMalformed.of(Role::Euicc))?;
    Ok(EuiccIdentity { eid, path })
}

/// Drops a CI at the end of the chain, which must be one that is trusted, key included.
fn without_ci<'c>(role: Role, chain: &'c [Certificate], anchors: &TrustStore) -> Result<&'c [Certificate], PathError> {
    let expected = usize::from(role == Role::Euicc);
    let chain = match chain.split_last() {
        Some((last, rest)) if chain.len() == expected + 1 && last.is_self_issued() => {
            same_key_as_trusted(last, anchors)?;
            rest
        }
        _ => chain,
    };
    if chain.len() != expected {
        return Err(Rule::PathLength { found: chain.len(), expected }.of(role));
    }
    Ok(chain)
}

/// The trusted CI that this CI certificate is, by identifier and by key.
fn same_key_as_trusted<'a>(ci: &Certificate, anchors: &'a TrustStore) -> Result<&'a Certificate, PathError> {
    let key_id = ci.subject_key_identifier().ok_or(Rule::MissingExtension("subjectKeyIdentifier").of(Role::Ci))?;
    let anchor = anchors.get(key_id).ok_or_else(|| unknown_ci(key_id).of(Role::Ci))?;
    if anchor.public_key() != ci.public_key() {
        return Err(Rule::ForgedCi.of(Role::Ci));
    }
    Ok(anchor)
}

fn find_anchor<'a>(
    role: Role,
    leaf: &Certificate,
    chain: &[Certificate],
    anchors: &'a TrustStore,
) -> Result<&'a Certificate, PathError> {
    if role == Role::Ci {
        return same_key_as_trusted(leaf, anchors);
    }
    let (top, top_role) = match chain.last() {
        Some(top) => (top, Role::Eum),
        None => (leaf, role),
    };
    check_has_issuer(top).map_err(|rule| rule.of(top_role))?;
    let key_id = top.authority_key_identifier().unwrap_or_default();
    anchors.get(key_id).ok_or_else(|| unknown_ci(key_id).of(top_role))
}

/// Every certificate but the CI's names another as its issuer.
fn check_has_issuer(certificate: &Certificate) -> Result<(), Rule> {
    if certificate.is_self_issued() {
        return Err(Rule::SelfSigned);
    }
    match certificate.authority_key_identifier() {
        Some(_) => Ok(()),
        // What is malformed should not be called missing.
        None => match &certificate.extensions().fault {
            Some(fault) => Err(fault.clone()),
            None => Err(Rule::MissingExtension("authorityKeyIdentifier")),
        },
    }
}

/// Checks a CI above `below` other issuers. Its own signature is not asked for: of an anchor it proves nothing that being
/// in the trust store does not.
fn check_ci(validation: &Validation<'_>, ci: &Certificate, below: usize) -> Result<(), PathError> {
    let check = || {
        check_version(ci)?;
        check_dates(validation.now, ci)?;
        profile::check(ci, Role::Ci)?;
        profile::check_path_length(ci, below)
    };
    check().map_err(|rule: Rule| rule.of(Role::Ci))
}

fn check_link(
    validation: &Validation<'_>,
    role: Role,
    certificate: &Certificate,
    issuer: &Certificate,
) -> Result<(), Rule> {
    check_version(certificate)?;
    check_has_issuer(certificate)?;
    if certificate.issuer_name() != issuer.subject_name() {
        return Err(Rule::IssuerName);
    }
    if certificate.authority_key_identifier() != issuer.subject_key_identifier() {
        return Err(Rule::AuthorityKeyIdentifier);
    }
    if certificate.public_key()?.curve() != issuer.public_key()?.curve() {
        return Err(Rule::ForeignCurve);
    }
    check_signature(validation, certificate, issuer)?;
    check_dates(validation.now, certificate)?;
    profile::check(certificate, role)?;
    crl::check(validation, certificate, issuer)
}

fn check_version(certificate: &Certificate) -> Result<(), Rule> {
    if certificate.raw().value().tbs_certificate.version.raw_value() == 2 { Ok(()) } else { Err(Rule::Version) }
}

fn check_signature(validation: &Validation<'_>, certificate: &Certificate, issuer: &Certificate) -> Result<(), Rule> {
    let outer = certificate.raw().value();
    for algorithm in [&outer.signature_algorithm, &outer.tbs_certificate.signature] {
        if !is_ecdsa_with_sha256(algorithm) {
            return Err(Rule::SignatureAlgorithm);
        }
    }
    let signature = read_signature(&outer.signature_value).ok_or(Rule::Signature)?;
    validation
        .provider
        .verify(issuer.public_key()?, certificate.signed_bytes(), &signature)
        .map_err(|_| Rule::Signature)
}

fn check_dates(now: Option<Timestamp>, certificate: &Certificate) -> Result<(), Rule> {
    match now {
        Some(now) if now < certificate.not_before() => Err(Rule::NotYetValid(certificate.not_before())),
        Some(now) if now > certificate.not_after() => Err(Rule::Expired(certificate.not_after())),
        _ => Ok(()),
    }
}

/// Without parameters, as RFC 5758 wants it.
pub(crate) fn is_ecdsa_with_sha256(algorithm: &rsp_asn1::pkix::AlgorithmIdentifier) -> bool {
    algorithm.algorithm.as_ref() == oid::ECDSA_WITH_SHA256 && algorithm.parameters.is_none()
}

/// The DER signature in a BIT STRING of whole bytes.
pub(crate) fn read_signature(bits: &rsp_asn1::BitString) -> Option<Signature> {
    if !bits.len().is_multiple_of(8) {
        return None;
    }
    Signature::from_der(bits.as_raw_slice()).ok()
}

fn unknown_ci(key_id: &[u8]) -> Rule {
    Rule::UnknownCi { key_identifier: key_id.iter().map(|byte| format!("{byte:02X}")).collect() }
}

//! What a certificate of each role must look like (SGP.22 4.5.2.1), apart from its chain.

use crate::extensions::{CRL_SIGN, DIGITAL_SIGNATURE, KEY_CERT_SIGN};
use crate::name::dotted;
use crate::{Certificate, Role, Rule, oid};

/// Checks extensions and subject against the profile of `role`.
///
/// keyUsage, basicConstraints of a CA and nameConstraints must be critical. Policies and extended key usage may be
/// either: the published sets have both variants.
pub(crate) fn check(certificate: &Certificate, role: Role) -> Result<(), Rule> {
    if let Some(fault) = &certificate.extensions().fault {
        return Err(fault.clone());
    }
    check_role(certificate, role)?;
    check_places(certificate, role)?;
    check_key_usage(certificate, role)?;
    check_basic_constraints(certificate, role)?;
    check_key_identifier(certificate, role)?;
    match role {
        Role::Ci => Ok(()),
        Role::Eum => check_constraints_present(certificate),
        Role::Euicc => certificate.eid().map(drop).ok_or(Rule::EidMalformed),
        Role::DpAuth | Role::DpPb | Role::DsAuth => check_registered_id(certificate),
        Role::DpTls | Role::DsTls => check_tls(certificate),
        Role::OperatorTls => check_operator(certificate),
    }
}

/// The extensions that decide something for a role: these may be critical. A leaf may say that it is no CA.
fn may_be_critical(role: Role) -> &'static [&'static [u32]] {
    match role {
        Role::Ci | Role::Euicc => &[oid::KEY_USAGE, oid::CERTIFICATE_POLICIES, oid::BASIC_CONSTRAINTS],
        Role::Eum => &[
            oid::KEY_USAGE,
            oid::CERTIFICATE_POLICIES,
            oid::BASIC_CONSTRAINTS,
            oid::NAME_CONSTRAINTS,
            oid::PERMITTED_EINS,
        ],
        Role::DpAuth | Role::DpPb | Role::DsAuth => {
            &[oid::KEY_USAGE, oid::CERTIFICATE_POLICIES, oid::BASIC_CONSTRAINTS, oid::SUBJECT_ALT_NAME]
        }
        Role::DpTls | Role::DsTls | Role::OperatorTls => &[
            oid::KEY_USAGE,
            oid::CERTIFICATE_POLICIES,
            oid::BASIC_CONSTRAINTS,
            oid::SUBJECT_ALT_NAME,
            oid::EXTENDED_KEY_USAGE,
        ],
    }
}

/// The extensions that a role may have besides, not critical.
fn may_be_there(role: Role) -> &'static [&'static [u32]] {
    match role {
        Role::Euicc => &[oid::AUTHORITY_KEY_IDENTIFIER, oid::SUBJECT_KEY_IDENTIFIER],
        _ => &[
            oid::AUTHORITY_KEY_IDENTIFIER,
            oid::SUBJECT_KEY_IDENTIFIER,
            oid::SUBJECT_ALT_NAME,
            oid::CRL_DISTRIBUTION_POINTS,
        ],
    }
}

/// Refuses extensions of other roles. Those of no role were refused at reading if critical, else they are ignored.
fn check_places(certificate: &Certificate, role: Role) -> Result<(), Rule> {
    for extension in &certificate.extensions().known {
        if may_be_critical(role).contains(&extension.id) {
            continue;
        }
        if !may_be_there(role).contains(&extension.id) {
            return Err(Rule::UnexpectedExtension(extension.name));
        }
        if extension.critical {
            return Err(Rule::UnexpectedCritical(extension.name));
        }
    }
    Ok(())
}

/// A CI may limit how many issuers stand below it.
pub(crate) fn check_path_length(ci: &Certificate, found: usize) -> Result<(), Rule> {
    match ci.extensions().basic_constraints.as_ref().and_then(|constraints| constraints.value.path_len) {
        Some(allowed) if (allowed as usize) < found => Err(Rule::PathLenExceeded { allowed, found }),
        _ => Ok(()),
    }
}

fn check_role(certificate: &Certificate, expected: Role) -> Result<(), Rule> {
    if expected == Role::OperatorTls {
        require(certificate.extensions().extended_key_usage.as_ref(), "extKeyUsage")?;
    } else {
        require(certificate.extensions().policies.as_ref(), "certificatePolicies")?;
    }
    if certificate.role() == Some(expected) {
        return Ok(());
    }
    let policies: Vec<String> = certificate.rsp_policies().map(dotted).collect();
    let found = match certificate.role() {
        Some(role) => role.to_string(),
        // What makes an operator's certificate is this purpose, and no policy of another role.
        None if policies.is_empty() && expected == Role::OperatorTls => {
            return Err(Rule::ExtendedKeyUsage("clientAuth"));
        }
        None if policies.is_empty() => "none".to_owned(),
        None => policies.join(" and "),
    };
    Err(Rule::WrongRole { expected, found })
}

/// Whether the policy is that of SGP.22 v3, where v2 has another.
fn is_version_3(certificate: &Certificate, role: Role) -> bool {
    certificate
        .rsp_policies()
        .any(|policy| policy.strip_prefix(oid::RSP_ROLE).is_some_and(|arcs| role.policy_v3() == Some(arcs)))
}

/// Exactly the bits of the role, none more.
fn check_key_usage(certificate: &Certificate, role: Role) -> Result<(), Rule> {
    let usage = require(certificate.extensions().key_usage.as_ref(), "keyUsage")?;
    if !usage.critical {
        return Err(Rule::NotCritical("keyUsage"));
    }
    let (variants, name): (&[&[usize]], _) = match role {
        Role::Ci => (&[&[KEY_CERT_SIGN, CRL_SIGN]], "keyCertSign and cRLSign alone"),
        Role::Eum if is_version_3(certificate, role) => {
            (&[&[KEY_CERT_SIGN], &[KEY_CERT_SIGN, CRL_SIGN]], "keyCertSign with or without cRLSign")
        }
        Role::Eum => (&[&[KEY_CERT_SIGN]], "keyCertSign alone"),
        _ => (&[&[DIGITAL_SIGNATURE]], "digitalSignature alone"),
    };
    let bits: Vec<usize> = usage.value.iter_ones().collect();
    if variants.contains(&bits.as_slice()) { Ok(()) } else { Err(Rule::KeyUsage(name)) }
}

/// An identifier must be there, and below the CI be the hash of the key: what a CI calls itself is its own choice, and
/// the trust store knows it by that name.
fn check_key_identifier(certificate: &Certificate, role: Role) -> Result<(), Rule> {
    let key_id = require(certificate.subject_key_identifier(), "subjectKeyIdentifier")?;
    if role == Role::Ci || key_id == certificate.public_key()?.key_identifier() {
        Ok(())
    } else {
        Err(Rule::SubjectKeyIdentifier)
    }
}

fn check_basic_constraints(certificate: &Certificate, role: Role) -> Result<(), Rule> {
    let constraints = certificate.extensions().basic_constraints.as_ref();
    if !role.is_ca() {
        return match constraints {
            Some(constraints) if constraints.value.ca => Err(Rule::UnexpectedCa),
            _ => Ok(()),
        };
    }
    let constraints = require(constraints, "basicConstraints")?;
    if !constraints.value.ca {
        Err(Rule::NotCa)
    } else if !constraints.critical {
        Err(Rule::NotCritical("basicConstraints"))
    } else if role == Role::Eum && !is_eum_path_length(certificate, constraints.value.path_len) {
        Err(Rule::PathLenConstraint)
    } else {
        Ok(())
    }
}

/// 0 in v2; SGP.26 v3 has 1 in the variants Ov3, A, B and C, whether or not a subordinate CA of the EUM follows.
fn is_eum_path_length(eum: &Certificate, path_len: Option<u32>) -> bool {
    path_len == Some(0) || path_len == Some(1) && is_version_3(eum, Role::Eum)
}

/// The constraints of an EUM must be there and have the form of RSP; [`check_constraints`] applies them.
fn check_constraints_present(eum: &Certificate) -> Result<(), Rule> {
    let extensions = eum.extensions();
    let constraints = require(extensions.name_constraints.as_ref(), "nameConstraints")?;
    if !constraints.critical {
        return Err(Rule::NotCritical("nameConstraints"));
    }
    let complete = |name: &crate::DistinguishedName| {
        name.organisation().is_some()
            && (extensions.permitted_eins.is_some() || name.serial_number().is_some_and(is_digits))
    };
    let permitted = &constraints.value.permitted;
    let eins_sound = extensions.permitted_eins.iter().flatten().all(|ein| is_digits(ein));
    if constraints.value.exact && !permitted.is_empty() && permitted.iter().all(complete) && eins_sound {
        Ok(())
    } else {
        Err(Rule::NameConstraints)
    }
}

/// Checks an eUICC's subject against the constraints of its EUM: the organisation is equal, the EID begins with a
/// prefix that the CI granted (SGP.22 v2: serialNumber of the same constraint; v3: permittedEins).
pub(crate) fn check_constraints(eum: &Certificate, euicc: &Certificate) -> Result<(), Rule> {
    let subject = euicc.subject_name();
    let eid = subject.serial_number().filter(|digits| euicc.eid().is_some() && is_digits(digits));
    let eid = eid.ok_or(Rule::EidMalformed)?;
    let constraints = require(eum.extensions().name_constraints.as_ref(), "nameConstraints")?;
    let mut same_organisation = constraints
        .value
        .permitted
        .iter()
        .filter(|name| subject.organisation().is_some() && name.organisation() == subject.organisation())
        .peekable();
    if same_organisation.peek().is_none() {
        return Err(Rule::Organisation);
    }
    let begins = |prefix: &str| is_digits(prefix) && eid.starts_with(prefix);
    let granted = match &eum.extensions().permitted_eins {
        Some(eins) => eins.iter().any(|ein| begins(ein)),
        None => true,
    };
    // With permittedEins the constraint may leave the prefix out; where it stands it counts as well.
    let permitted = granted
        && same_organisation.any(|name| match name.serial_number() {
            Some(prefix) => begins(prefix),
            None => eum.extensions().permitted_eins.is_some(),
        });
    if permitted { Ok(()) } else { Err(Rule::EidNotPermitted) }
}

fn check_registered_id(certificate: &Certificate) -> Result<(), Rule> {
    certificate.oid().map(drop).ok_or(Rule::RegisteredId)
}

fn check_tls(certificate: &Certificate) -> Result<(), Rule> {
    require(certificate.extensions().extended_key_usage.as_ref(), "extKeyUsage")?;
    if !certificate.is_for_tls_server() {
        return Err(Rule::ExtendedKeyUsage("serverAuth"));
    }
    if certificate.dns_names().is_empty() && certificate.ip_addresses().is_empty() {
        return Err(Rule::NoHost);
    }
    check_registered_id(certificate)
}

/// An operator needs neither OID nor host; of an OID there is one at most.
fn check_operator(certificate: &Certificate) -> Result<(), Rule> {
    if certificate.extensions().alt_names.registered_ids.len() > 1 { Err(Rule::RegisteredId) } else { Ok(()) }
}

fn require<T>(extension: Option<T>, name: &'static str) -> Result<T, Rule> {
    extension.ok_or(Rule::MissingExtension(name))
}

/// A non-empty row of decimal digits no longer than an EID.
fn is_digits(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

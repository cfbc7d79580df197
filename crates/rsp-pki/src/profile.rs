//! What a certificate of each role must look like (SGP.22 4.5.2.1), apart from its chain.

use rsp_asn1::BitString;

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
    check_key_usage(certificate, role)?;
    check_basic_constraints(certificate, role)?;
    match role {
        Role::Ci => require(certificate.subject_key_identifier(), "subjectKeyIdentifier").map(drop),
        Role::Eum => check_constraints_present(certificate),
        Role::Euicc => certificate.eid().map(drop).ok_or(Rule::EidMalformed),
        Role::DpAuth | Role::DpPb | Role::DsAuth => check_registered_id(certificate),
        Role::DpTls | Role::DsTls => check_tls(certificate),
    }
}

fn check_role(certificate: &Certificate, expected: Role) -> Result<(), Rule> {
    require(certificate.extensions().policies.as_ref(), "certificatePolicies")?;
    if certificate.role() == Some(expected) {
        return Ok(());
    }
    let policies: Vec<String> = certificate.rsp_policies().map(dotted).collect();
    let found = match certificate.role() {
        Some(role) => role.to_string(),
        None if policies.is_empty() => "none".to_owned(),
        None => policies.join(" and "),
    };
    Err(Rule::WrongRole { expected, found })
}

fn check_key_usage(certificate: &Certificate, role: Role) -> Result<(), Rule> {
    let usage = require(certificate.extensions().key_usage.as_ref(), "keyUsage")?;
    if !usage.critical {
        return Err(Rule::NotCritical("keyUsage"));
    }
    let has = |bit| bit_is_set(&usage.value, bit);
    if role.is_ca() {
        if has(KEY_CERT_SIGN) { Ok(()) } else { Err(Rule::KeyUsage("keyCertSign")) }
    } else if has(DIGITAL_SIGNATURE) && !has(KEY_CERT_SIGN) && !has(CRL_SIGN) {
        Ok(())
    } else {
        Err(Rule::KeyUsage("digitalSignature alone"))
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
    } else if role == Role::Eum && constraints.value.path_len.is_none() {
        Err(Rule::PathLenConstraint)
    } else {
        Ok(())
    }
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
    let purposes = require(certificate.extensions().extended_key_usage.as_ref(), "extKeyUsage")?;
    if !purposes.iter().any(|purpose| purpose == oid::SERVER_AUTH) {
        return Err(Rule::ExtendedKeyUsage);
    }
    if certificate.dns_names().is_empty() && certificate.ip_addresses().is_empty() {
        return Err(Rule::NoHost);
    }
    check_registered_id(certificate)
}

fn require<T>(extension: Option<T>, name: &'static str) -> Result<T, Rule> {
    extension.ok_or(Rule::MissingExtension(name))
}

fn bit_is_set(bits: &BitString, index: usize) -> bool {
    bits.get(index).is_some_and(|bit| *bit)
}

/// A non-empty row of decimal digits no longer than an EID.
fn is_digits(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

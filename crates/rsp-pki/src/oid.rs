//! Object identifiers that RSP certificates carry.

pub(crate) const EC_PUBLIC_KEY: &[u32] = &[1, 2, 840, 10045, 2, 1];
pub(crate) const ECDSA_WITH_SHA256: &[u32] = &[1, 2, 840, 10045, 4, 3, 2];

pub(crate) const COMMON_NAME: &[u32] = &[2, 5, 4, 3];
pub(crate) const SERIAL_NUMBER: &[u32] = &[2, 5, 4, 5];
pub(crate) const COUNTRY: &[u32] = &[2, 5, 4, 6];
pub(crate) const ORGANISATION: &[u32] = &[2, 5, 4, 10];
pub(crate) const ORGANISATIONAL_UNIT: &[u32] = &[2, 5, 4, 11];

pub(crate) const SUBJECT_KEY_IDENTIFIER: &[u32] = &[2, 5, 29, 14];
pub(crate) const KEY_USAGE: &[u32] = &[2, 5, 29, 15];
pub(crate) const SUBJECT_ALT_NAME: &[u32] = &[2, 5, 29, 17];
pub(crate) const BASIC_CONSTRAINTS: &[u32] = &[2, 5, 29, 19];
pub(crate) const CRL_NUMBER: &[u32] = &[2, 5, 29, 20];
pub(crate) const DELTA_CRL_INDICATOR: &[u32] = &[2, 5, 29, 27];
pub(crate) const ISSUING_DISTRIBUTION_POINT: &[u32] = &[2, 5, 29, 28];
pub(crate) const NAME_CONSTRAINTS: &[u32] = &[2, 5, 29, 30];
pub(crate) const CRL_DISTRIBUTION_POINTS: &[u32] = &[2, 5, 29, 31];
pub(crate) const CERTIFICATE_POLICIES: &[u32] = &[2, 5, 29, 32];
pub(crate) const AUTHORITY_KEY_IDENTIFIER: &[u32] = &[2, 5, 29, 35];
pub(crate) const EXTENDED_KEY_USAGE: &[u32] = &[2, 5, 29, 37];

pub(crate) const SERVER_AUTH: &[u32] = &[1, 3, 6, 1, 5, 5, 7, 3, 1];
pub(crate) const CLIENT_AUTH: &[u32] = &[1, 3, 6, 1, 5, 5, 7, 3, 2];

/// id-rspRole: the policies that name the role of a certificate.
pub(crate) const RSP_ROLE: &[u32] = &[2, 23, 146, 1, 2, 1];
/// id-rspExt totalPartialCrl-number: into how many lists the CI has cut its CRL.
pub(crate) const TOTAL_PARTIAL_CRL: &[u32] = &[2, 23, 146, 1, 2, 0, 2];
/// id-rspExt partialCrl-number: which of them this one is.
pub(crate) const PARTIAL_CRL: &[u32] = &[2, 23, 146, 1, 2, 0, 3];
/// permittedEins of SGP.22 v3: the EID prefixes of an EUM.
pub(crate) const PERMITTED_EINS: &[u32] = &[2, 23, 146, 1, 2, 2, 0];

/// The arc for examples, under which SGP.26 puts its entities.
pub(crate) const EXAMPLE: &[u32] = &[2, 999];

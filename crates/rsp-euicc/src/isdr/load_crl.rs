//! ES10b.LoadCRL: revocation lists that the device brings (SGP.22 4.5.2.1.3, 5.7.12; version 2 only).
//!
//! Of each CI the eUICC keeps the freshest list. A CI may cut its list into numbered parts: until all parts of a fresher
//! one are there, the former list stays in force, and what a part revokes is revoked at once. The eUICC has no clock, so
//! no list gets too old; a list never leaves but for a fresher one, not even by a memory reset. Delta CRLs do not exist
//! here.

use rsp_apdu::StatusWord;
use rsp_asn1::{LoadCrlResponse, LoadCrlResponseError, LoadCrlResponseOk, Unknown, tlv};
use rsp_pki::{Certificate, Crl, Rule};

use super::encode;
use crate::platform::Platform;
use crate::state::StoredCrl;

/// ES10b.LoadCRL.
pub(super) fn load_crl(platform: &mut Platform, request: &[u8]) -> Result<Vec<u8>, StatusWord> {
    let crl = read(request)?;
    encode(&match crl.and_then(|crl| load(platform, &crl)) {
        Ok(missing) => LoadCrlResponse::Ok(LoadCrlResponseOk {
            missing_parts: (!missing.is_empty()).then_some(missing),
            unknown: Unknown::default(),
        }),
        Err(error) => LoadCrlResponse::Error(error),
    })
}

/// The list in a request. Its outer tag is that of the field there, that of a SEQUENCE everywhere else.
fn read(request: &[u8]) -> Result<Result<Crl, LoadCrlResponseError>, StatusWord> {
    let (whole, _) = tlv::first(request).map_err(|_| StatusWord::WRONG_DATA)?;
    let field = whole.children().next().and_then(Result::ok).filter(|field| field.tag() == [0xA0]);
    let mut der = Vec::new();
    tlv::write(&mut der, &[0x30], field.ok_or(StatusWord::WRONG_DATA)?.value());
    Ok(Crl::from_der(&der).map_err(|_| LoadCrlResponseError::INVALID_CRL_FORMAT))
}

/// The checks, then the list takes the place of what it supersedes. The answer are the parts that are still missing.
fn load(platform: &mut Platform, crl: &Crl) -> Result<Vec<u64>, LoadCrlResponseError> {
    let ci = issuer(platform, crl)?;
    let (of_ci, others): (Vec<Kept>, Vec<Kept>) = kept(platform).partition(|kept| kept.crl.is_of(ci));
    // A delta is told from a list of an unknown kind: the device can bring what it rests on.
    if crl.is_delta() {
        return Err(match of_ci.is_empty() {
            true => LoadCrlResponseError::BASE_CRL_MISSING,
            false => LoadCrlResponseError::INVALID_CRL_FORMAT,
        });
    }
    let new = Kept::new(crl.clone()).ok_or(LoadCrlResponseError::INVALID_CRL_FORMAT)?;
    let (mut rivals, beside): (Vec<Kept>, Vec<Kept>) = of_ci.into_iter().partition(|kept| kept.scope == new.scope);
    if rivals.iter().any(|kept| kept.number > new.number) {
        return Err(LoadCrlResponseError::FRESHER_CRL_ALREADY_LOADED);
    }
    if rivals.iter().any(|kept| kept.is_part_beside(&new) && kept.total != new.total) {
        return Err(LoadCrlResponseError::INVALID_CRL_FORMAT);
    }
    rivals.retain(|kept| kept.number != new.number || kept.is_part_beside(&new));
    let number = new.number.clone();
    rivals.push(new);
    let missing = missing_parts(&rivals, &number);
    // The list that is in force stays until the fresher one is whole; an older one that was never whole goes.
    let in_force =
        rivals.iter().map(|kept| &kept.number).filter(|n| missing_parts(&rivals, n).is_empty()).max().cloned();
    rivals.retain(|kept| kept.number == number || Some(&kept.number) == in_force.as_ref());

    let crls: Vec<StoredCrl> = others.into_iter().chain(beside).chain(rivals).map(Kept::into_stored).collect();
    let before = std::mem::replace(&mut platform.state.crls, crls);
    if platform.state.is_overfull() {
        platform.state.crls = before;
        return Err(LoadCrlResponseError::NOT_ENOUGH_MEMORY_SPACE);
    }
    platform.changed = true;
    Ok(missing)
}

/// The parts that the list with this number lacks; none of a list that came whole.
fn missing_parts(lists: &[Kept], number: &Number) -> Vec<u64> {
    let of_number = || lists.iter().filter(|kept| kept.number == *number);
    let total = of_number().filter(|kept| kept.part.is_some()).map(|kept| kept.total).max().unwrap_or(0);
    (1..=total).filter(|part| !of_number().any(|kept| kept.part == Some(*part))).collect()
}

/// The CI that signed a list.
fn issuer<'a>(platform: &'a Platform, crl: &Crl) -> Result<&'a Certificate, LoadCrlResponseError> {
    let mut result = Err(LoadCrlResponseError::VERIFICATION_KEY_NOT_FOUND);
    for ci in platform.anchors.iter().filter(|ci| crl.is_of(ci)) {
        match crl.verify(platform.provider, ci) {
            Ok(()) => return Ok(ci),
            // Signed well, but of a kind that does not exist here; a delta gets its own answer.
            Err(Rule::CrlUnsupported) if crl.is_delta() => return Ok(ci),
            Err(Rule::CrlUnsupported) => result = Err(LoadCrlResponseError::INVALID_CRL_FORMAT),
            Err(_) => result = Err(LoadCrlResponseError::INVALID_SIGNATURE),
        }
    }
    result
}

/// A CRL number, so that a larger one is a fresher one: length and digits, big-endian without leading zeros.
type Number = (usize, Vec<u8>);

/// The most parts that are believed: each that is missing is named in the answer.
const MAX_PARTS: u64 = 64;

/// A list, and which one it is among those of its CI.
struct Kept {
    crl: Crl,
    number: Number,
    /// issuingDistributionPoint of a whole list: two lists with different ones do not replace each other.
    scope: Option<Vec<u8>>,
    /// From 1 to `total`.
    part: Option<u64>,
    total: u64,
}

impl Kept {
    fn new(crl: Crl) -> Option<Self> {
        let digits = crl.number()?;
        let number = (digits.len(), digits);
        let (scope, part, total) = match crl.part() {
            Some((part, total)) if (1..=total).contains(&part) && total <= MAX_PARTS => (None, Some(part), total),
            Some(_) => return None,
            None => (crl.scope().map(<[u8]>::to_vec), None, 1),
        };
        Some(Self { crl, number, scope, part, total })
    }

    /// Whether the two are different parts of the same list.
    fn is_part_beside(&self, other: &Self) -> bool {
        self.number == other.number && self.part.is_some() && other.part.is_some() && self.part != other.part
    }

    fn into_stored(self) -> StoredCrl {
        StoredCrl { der: self.crl.der().to_vec() }
    }
}

fn kept(platform: &Platform) -> impl Iterator<Item = Kept> {
    platform.state.crls.iter().filter_map(|stored| Kept::new(Crl::from_der(&stored.der).ok()?))
}

/// The lists by which certificates are judged.
#[derive(Default)]
pub(super) struct Lists {
    /// Whole lists, and lists of which all parts are there.
    pub(super) in_force: Vec<Crl>,
    /// Parts of lists of which others are missing: they revoke, but say nothing of what is not on them.
    pub(super) parts: Vec<Crl>,
}

impl Lists {
    /// What is loaded for the CI with this certificate.
    pub(super) fn of(platform: &Platform, ci: &Certificate) -> Self {
        let lists: Vec<Kept> = kept(platform).filter(|kept| kept.crl.is_of(ci)).collect();
        let whole: Vec<bool> = lists.iter().map(|kept| missing_parts(&lists, &kept.number).is_empty()).collect();
        let (mut in_force, mut parts) = (Vec::new(), Vec::new());
        for (kept, whole) in lists.into_iter().zip(whole) {
            if whole { in_force.push(kept.crl) } else { parts.push(kept.crl) }
        }
        Self { in_force, parts }
    }
}

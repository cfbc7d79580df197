//! Access rules in expanded and referenced format (ETSI TS 102 221 9.2.4 to 9.2.7, ISO/IEC 7816-4 9.3.3).

use super::{AccessReference, AccessRule, FileSystem, NodeId};

/// What a command wants to do with a file: bits of the access mode byte for EFs and DFs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read or search.
    Read,
    /// Update, or in a DF create an EF.
    Update,
    /// INCREASE, which has a rule of its own.
    Increase,
    /// Deactivate.
    Deactivate,
    /// Activate.
    Activate,
}

impl Access {
    fn mode_bit(self) -> Option<u8> {
        match self {
            Self::Read => Some(0x01),
            Self::Update => Some(0x02),
            Self::Deactivate => Some(0x08),
            Self::Activate => Some(0x10),
            Self::Increase => None,
        }
    }

    fn instruction(self) -> Option<u8> {
        matches!(self, Self::Increase).then_some(0x32)
    }
}

/// Whether the rule of `file` allows `access`, where `verified` says which key references are satisfied.
///
/// A file without a rule, or with one that cannot be found or read, allows nothing.
pub fn allowed(fs: &FileSystem, file: NodeId, access: Access, verified: &dyn Fn(u8) -> bool) -> bool {
    match fs.node(file).access {
        None => false,
        Some(AccessRule::ReadOnly) => access == Access::Read,
        Some(AccessRule::Referenced(reference)) => {
            rule(fs, file, reference).is_some_and(|rule| rule_allows(rule, access, verified))
        }
    }
}

/// The record of EF_ARR that a file refers to: the EF_ARR nearest on the way up (ETSI TS 102 221 9.2.7).
fn rule(fs: &FileSystem, file: NodeId, reference: AccessReference) -> Option<&[u8]> {
    let from = fs.node(file).parent.unwrap_or(NodeId::MF);
    let arr = fs.ancestors(from).find_map(|df| fs.child(df, reference.file_id))?;
    fs.ef(arr)?.record(reference.record.into())
}

/// Goes through the pairs of access mode and security condition; the first that names the access decides.
fn rule_allows(rule: &[u8], access: Access, verified: &dyn Fn(u8) -> bool) -> bool {
    let mut rest = rule;
    let mut named = false;
    while let Some((tag, value, next)) = object(rest) {
        rest = next;
        match tag {
            0x80 => named |= access.mode_bit().zip(value.first()).is_some_and(|(bit, mode)| mode & bit != 0),
            0x84 => named |= access.instruction().is_some_and(|ins| value.first() == Some(&ins)),
            0x81..=0x8F | 0x9C => {}
            _ if named && condition_holds(tag, value, verified, 4) => return true,
            // A condition of another mode, or one that is not met: the next pair may name the access again.
            _ => named = false,
        }
    }
    false
}

fn condition_holds(tag: u8, value: &[u8], verified: &dyn Fn(u8) -> bool, depth: u8) -> bool {
    match tag {
        0x90 => true,
        0xA4 => key_reference(value).is_some_and(verified),
        0xA0 | 0xAF if depth > 0 => {
            let mut conditions = objects(value).map(|(tag, value)| condition_holds(tag, value, verified, depth - 1));
            if tag == 0xA0 { conditions.any(|held| held) } else { !value.is_empty() && conditions.all(|held| held) }
        }
        // 97 never, and what is not known.
        _ => false,
    }
}

/// The key of a control reference template for user authentication: `83` key reference, `95` usage with bit 4.
fn key_reference(template: &[u8]) -> Option<u8> {
    let find = |wanted| objects(template).find(|(tag, _)| *tag == wanted).and_then(|(_, value)| value.first().copied());
    find(0x95).is_none_or(|usage| usage & 0x08 != 0).then(|| find(0x83)).flatten()
}

fn objects(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (tag, value, next) = object(rest)?;
        rest = next;
        Some((tag, value))
    })
}

/// One object with a tag and a length of one byte; FF pads the end of a record.
fn object(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    match bytes {
        [0xFF, ..] | [] | [_] => None,
        [tag, length, rest @ ..] if *length < 0x80 => {
            let (value, next) = rest.split_at_checked(usize::from(*length))?;
            Some((*tag, value, next))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: &str, access: Access, keys: &[u8]) -> bool {
        let rule: Vec<u8> =
            (0..rule.len()).step_by(2).map(|at| u8::from_str_radix(&rule[at..at + 2], 16).expect("hex")).collect();
        rule_allows(&rule, access, &|key| keys.contains(&key))
    }

    #[test]
    fn a_rule_gives_each_mode_its_condition() {
        let rule = "8001019000800102A406830101950108800158A40683010A950108FFFF";
        assert!(check(rule, Access::Read, &[]));
        assert!(!check(rule, Access::Update, &[]));
        assert!(check(rule, Access::Update, &[0x01]));
        assert!(!check(rule, Access::Update, &[0x0A]));
        assert!(check(rule, Access::Activate, &[0x0A]));
    }

    #[test]
    fn never_is_never() {
        assert!(!check("800101900080015A9700", Access::Update, &[0x01, 0x0A]));
    }

    #[test]
    fn increase_has_its_own_rule() {
        let rule = "800103A406830101950108840132A406830181950108";
        assert!(!check(rule, Access::Increase, &[0x01]));
        assert!(check(rule, Access::Increase, &[0x81]));
    }

    #[test]
    fn alternatives_and_conjunctions() {
        let or = "800102A010A406830101950108A406830181950108";
        assert!(check(or, Access::Update, &[0x81]) && !check(or, Access::Update, &[0x0A]));
        let and = "800102AF10A406830101950108A406830181950108";
        assert!(check(and, Access::Update, &[0x81, 0x01]) && !check(and, Access::Update, &[0x01]));
        assert!(!check("800102AF00", Access::Update, &[0x01]), "an empty conjunction opens nothing");
    }

    #[test]
    fn a_key_that_is_for_something_else_and_nesting_without_end_open_nothing() {
        assert!(check("800101A406830101950108", Access::Read, &[0x01]));
        assert!(!check("800101A406830101950104", Access::Read, &[0x01]));
        assert!(check("800101A008A006A004A0029000", Access::Read, &[]));
        assert!(!check("800101A00AA008A006A004A0029000", Access::Read, &[]));
    }

    #[test]
    fn garbage_allows_nothing() {
        for rule in ["", "80", "8001", "800101", "80010190", "90", "9000", "8001FFA4", "FF8001019000", "80010181"] {
            assert!(!check(rule, Access::Read, &[0x01, 0x0A]), "{rule}");
        }
    }
}

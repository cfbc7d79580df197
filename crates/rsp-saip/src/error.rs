//! What can be wrong with a profile package, sorted by whose fault it is.

use crate::element::ElementKind;

/// A profile package that cannot be read, changed or built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not a concatenation of profile elements in DER.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The package is well formed, but lacks what the operation needs.
    #[error("the profile package has no {0}")]
    Missing(&'static str),
    /// The caller's value does not fit its field.
    #[error("{field}: {problem}")]
    InvalidValue {
        /// The field that the value was meant for.
        field: &'static str,
        /// What is wrong with the value; never the value itself when it is a secret.
        problem: String,
    },
    /// A value does not fit the constraints of its ASN.1 type.
    #[error("cannot encode {kind}: {problem}")]
    Encode {
        /// The profile element that was to be encoded.
        kind: ElementKind,
        /// The encoder's words.
        problem: String,
    },
}

/// Where a package stops being a profile package, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("profile element {number}{}, offset {offset}: {problem}", name(.kind))]
pub struct Malformed {
    /// Number of the element in the package, from 1.
    pub number: usize,
    /// Type of the element, when its tag could be read.
    pub kind: Option<ElementKind>,
    /// Offset in bytes from the start of the package.
    pub offset: usize,
    /// What is wrong.
    pub problem: String,
}

fn name(kind: &Option<ElementKind>) -> String {
    kind.map_or_else(String::new, |kind| format!(" ({kind})"))
}

/// Where inside an element something is wrong; becomes [`Malformed`] once the element's place is known.
pub(crate) struct Fault {
    pub(crate) offset: usize,
    pub(crate) problem: String,
}

impl Fault {
    pub(crate) fn at(offset: usize, problem: impl Into<String>) -> Self {
        Self { offset, problem: problem.into() }
    }
}

//! The unprotected profile package: profile elements one after the other (TCA profile package 8.1).

use crate::element::{Element, ElementKind, ProfileElement};
use crate::error::{Error, Malformed};
use crate::tlv;

/// A package larger than this is refused before it is looked at.
pub const MAX_PACKAGE_BYTES: usize = 4 << 20;

/// A package of more elements than this is refused: a large one has some hundred.
const MAX_ELEMENTS: usize = 4096;

/// A profile package.
///
/// ```text
/// UPP ::= ProfileElement …   -- concatenated, without an outer tag
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ProfilePackage {
    elements: Vec<ProfileElement>,
}

impl ProfilePackage {
    /// A package of these elements, in this order.
    pub fn new(elements: Vec<ProfileElement>) -> Self {
        Self { elements }
    }

    /// Reads a whole package.
    ///
    /// # Errors
    /// [`Error::Malformed`], with the number, type and offset of the first element that is wrong.
    pub fn from_der(bytes: &[u8]) -> Result<Self, Error> {
        let refuse = |number, kind, offset, problem: String| Malformed { number, kind, offset, problem };
        if bytes.is_empty() {
            return Err(refuse(1, None, 0, "the package is empty".to_owned()).into());
        }
        if bytes.len() > MAX_PACKAGE_BYTES {
            let problem = format!("a package of more than {MAX_PACKAGE_BYTES} bytes is refused");
            return Err(refuse(1, None, 0, problem).into());
        }
        let mut elements = Vec::new();
        let mut offset = 0;
        while offset < bytes.len() {
            let number = elements.len() + 1;
            if number > MAX_ELEMENTS {
                let problem = format!("a package of more than {MAX_ELEMENTS} elements is refused");
                return Err(refuse(number, None, offset, problem).into());
            }
            if bytes[offset] & 0xE0 != 0xA0 {
                return Err(refuse(number, None, offset, "this is not the tag of a profile element".to_owned()).into());
            }
            let tlv = tlv::first(&bytes[offset..])
                .map_err(|error| refuse(number, None, offset + error.offset, error.problem.to_owned()))?;
            let kind = tlv
                .context_number()
                .map(ElementKind::from_tag_number)
                .ok_or_else(|| refuse(number, None, offset, "the tag number is too large".to_owned()))?;
            tlv::check(&tlv)
                .map_err(|error| refuse(number, Some(kind), offset + error.offset, error.problem.to_owned()))?;
            let element = Element::decode(kind, &tlv)
                .map_err(|fault| refuse(number, Some(kind), offset + fault.offset, fault.problem))?;
            elements.push(ProfileElement::received(tlv.raw, element));
            offset += tlv.raw.len();
        }
        Ok(Self { elements })
    }

    /// The package's bytes: those that were received, and of changed elements those that were encoded.
    pub fn to_der(&self) -> zeroize::Zeroizing<Vec<u8>> {
        // Reserved at once: a vector that grows leaves copies of the keys behind.
        let mut bytes = Vec::with_capacity(self.elements.iter().map(|element| element.bytes().len()).sum());
        self.elements.iter().for_each(|element| bytes.extend_from_slice(element.bytes()));
        bytes.into()
    }

    /// The elements in order.
    pub fn elements(&self) -> &[ProfileElement] {
        &self.elements
    }

    /// Replaces an element by a changed one, encoding it anew. An index outside of the package changes nothing.
    ///
    /// # Errors
    /// [`Error::Encode`] when a value breaks the constraints of its field; the package stays as it was.
    pub fn replace(&mut self, index: usize, element: Element) -> Result<(), Error> {
        let element = ProfileElement::new(element)?;
        if let Some(slot) = self.elements.get_mut(index) {
            *slot = element;
        }
        Ok(())
    }
}

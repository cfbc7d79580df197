//! Cutting a Bound Profile Package into the pieces that go to the eUICC one by one (SGP.22 2.5.5).

use std::ops::Range;

use rsp_asn1::tlv::{self, Tlv, TlvError};

/// Bytes of MAC at the end of each segment (SGP.22 2.5.2).
const MAC: usize = 8;

/// A Bound Profile Package with the places where it is to be cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentedPackage {
    bytes: Vec<u8>,
    cuts: Vec<Range<usize>>,
    metadata: Vec<u8>,
}

/// Why bytes are not a Bound Profile Package. The server's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// The structure of tags and lengths is broken.
    #[error("the package is malformed: {0}")]
    Malformed(#[from] TlvError),
    /// An element is not the one that stands in this place.
    #[error("in {place} of the package stands {found}, not {expected}")]
    Tag {
        /// Where.
        place: &'static str,
        /// What belongs there.
        expected: &'static str,
        /// The tag that stands there, in hexadecimal; `nothing` at the end.
        found: String,
    },
    /// Bytes follow the package.
    #[error("{0} bytes follow the package")]
    TrailingBytes(usize),
    /// A segment that must hold at least a MAC is shorter.
    #[error("a segment of the metadata is too short for its MAC")]
    ShortSegment,
}

impl SegmentedPackage {
    /// Finds the cuts: `BF36` with the whole `BF23`; `A0` with its `87`; `A1` alone, then each `88`; the whole `A2` if there
    /// is one; `A3` alone, then each `86`.
    ///
    /// # Errors
    /// [`SegmentError`] naming the place that is not as SGP.22 2.5.4 has it.
    pub fn cut(bytes: Vec<u8>) -> Result<Self, SegmentError> {
        let mut cutter = Cutter { package: &bytes, cuts: Vec::new() };
        let metadata = cutter.package()?;
        let cuts = cutter.cuts;
        Ok(Self { bytes, cuts, metadata })
    }

    /// The segments in the order in which they are sent; each is a STORE DATA chain of its own.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.cuts.iter().map(|cut| &self.bytes[cut.clone()])
    }

    /// The StoreMetadataRequest inside: what the `88` segments carry in the clear, without their MACs.
    pub fn metadata(&self) -> &[u8] {
        &self.metadata
    }

    /// Length of the whole package in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it is empty: never.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

struct Cutter<'a> {
    package: &'a [u8],
    cuts: Vec<Range<usize>>,
}

impl<'a> Cutter<'a> {
    /// Cuts everything and gives the metadata.
    fn package(&mut self) -> Result<Vec<u8>, SegmentError> {
        let (package, rest) = tlv::first(self.package)?;
        expect(Some(package), "the beginning", "BF36", &[0xBF, 0x36])?;
        if !rest.is_empty() {
            return Err(SegmentError::TrailingBytes(rest.len()));
        }
        let elements = package.children().collect::<Result<Vec<_>, _>>()?;
        let mut elements = elements.into_iter().peekable();

        let channel = expect(elements.next(), "initialiseSecureChannelRequest", "BF23", &[0xBF, 0x23])?;
        let end = self.range(channel.raw()).end;
        self.cuts.push(0..end);

        let first_87 = expect(elements.next(), "firstSequenceOf87", "A0", &[0xA0])?;
        self.whole(first_87, "firstSequenceOf87", "87", 0x87)?;

        let sequence_88 = expect(elements.next(), "sequenceOf88", "A1", &[0xA1])?;
        let segments = self.one_by_one(sequence_88, "sequenceOf88", "88", 0x88)?;
        let mut metadata = Vec::with_capacity(sequence_88.value().len());
        for segment in segments {
            let plain = segment.value().len().checked_sub(MAC).ok_or(SegmentError::ShortSegment)?;
            metadata.extend_from_slice(&segment.value()[..plain]);
        }

        if let Some(second_87) = elements.next_if(|element| element.tag() == [0xA2]) {
            self.whole(second_87, "secondSequenceOf87", "87", 0x87)?;
        }

        let sequence_86 = expect(elements.next(), "sequenceOf86", "A3", &[0xA3])?;
        self.one_by_one(sequence_86, "sequenceOf86", "86", 0x86)?;
        match elements.next() {
            None => Ok(metadata),
            Some(element) => {
                Err(SegmentError::Tag { place: "the end", expected: "nothing", found: name(Some(element)) })
            }
        }
    }

    /// One segment that holds the sequence with all that is in it.
    fn whole(
        &mut self,
        sequence: Tlv<'a>,
        place: &'static str,
        name: &'static str,
        tag: u8,
    ) -> Result<(), SegmentError> {
        children(sequence, place, name, tag)?;
        self.cuts.push(self.range(sequence.raw()));
        Ok(())
    }

    /// One segment for tag and length of the sequence, and one for each element.
    fn one_by_one(
        &mut self,
        sequence: Tlv<'a>,
        place: &'static str,
        name: &'static str,
        tag: u8,
    ) -> Result<Vec<Tlv<'a>>, SegmentError> {
        let elements = children(sequence, place, name, tag)?;
        self.cuts.push(self.range(sequence.header()));
        for element in &elements {
            self.cuts.push(self.range(element.raw()));
        }
        Ok(elements)
    }

    /// Where a part of the package lies in it.
    fn range(&self, part: &'a [u8]) -> Range<usize> {
        // `part` was read out of `package`, so the difference of the addresses is its offset.
        let start = part.as_ptr().addr().saturating_sub(self.package.as_ptr().addr());
        start..start + part.len()
    }
}

/// The elements of a sequence, of which there is at least one, and all have the same tag.
fn children<'a>(
    sequence: Tlv<'a>,
    place: &'static str,
    expected: &'static str,
    tag: u8,
) -> Result<Vec<Tlv<'a>>, SegmentError> {
    let elements = sequence.children().collect::<Result<Vec<_>, _>>()?;
    expect(elements.first().copied(), place, expected, &[tag])?;
    for element in &elements {
        expect(Some(*element), place, expected, &[tag])?;
    }
    Ok(elements)
}

fn expect<'a>(
    element: Option<Tlv<'a>>,
    place: &'static str,
    expected: &'static str,
    tag: &[u8],
) -> Result<Tlv<'a>, SegmentError> {
    match element {
        Some(element) if element.tag() == tag => Ok(element),
        other => Err(SegmentError::Tag { place, expected, found: name(other) }),
    }
}

fn name(element: Option<Tlv<'_>>) -> String {
    match element {
        Some(element) => element.tag().iter().map(|byte| format!("{byte:02X}")).collect(),
        None => "nothing".to_owned(),
    }
}

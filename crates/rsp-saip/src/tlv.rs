//! A first look at untrusted bytes, before any typed decoding: tags, definite minimal lengths, nesting.
//!
//! The typed decoder sees only input that passed [`check`], so neither its recursion nor its allocations depend on
//! what an attacker wrote into a length field.

/// Constructed values may nest this deep; the deepest element of the interoperable format needs nine levels.
const MAX_DEPTH: usize = 16;

/// One tag-length-value at the front of a slice.
#[derive(Clone, Copy)]
pub(crate) struct Tlv<'a> {
    /// Identifier octets, class and constructed bit included.
    pub(crate) tag: &'a [u8],
    /// Contents octets.
    pub(crate) value: &'a [u8],
    /// The whole TLV.
    pub(crate) raw: &'a [u8],
}

impl Tlv<'_> {
    pub(crate) fn is_constructed(&self) -> bool {
        self.tag.first().is_some_and(|byte| byte & 0x20 != 0)
    }

    /// The tag number of a context-specific tag, whatever its form.
    pub(crate) fn context_number(&self) -> Option<u32> {
        match self.tag {
            [first, ..] if first & 0xC0 != 0x80 => None,
            [first] => Some(u32::from(first & 0x1F)),
            [_, rest @ ..] if rest.len() <= 4 => {
                Some(rest.iter().fold(0, |number, byte| (number << 7) | u32::from(byte & 0x7F)))
            }
            _ => None,
        }
    }
}

/// Why a TLV cannot be read, with the offset of the offending byte in the slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlvError {
    pub(crate) offset: usize,
    pub(crate) problem: &'static str,
}

impl TlvError {
    fn at(offset: usize, problem: &'static str) -> Self {
        Self { offset, problem }
    }

    fn shifted(self, by: usize) -> Self {
        Self { offset: self.offset + by, ..self }
    }
}

/// Reads the TLV at the front of `input` (X.690 8.1, with the restrictions of 10.1).
pub(crate) fn first(input: &[u8]) -> Result<Tlv<'_>, TlvError> {
    let tag_length = tag_length(input)?;
    let (header_length, value_length) = length(input, tag_length)?;
    let end = header_length
        .checked_add(value_length)
        .filter(|end| *end <= input.len())
        .ok_or_else(|| TlvError::at(tag_length, "the length runs past the end"))?;
    Ok(Tlv { tag: &input[..tag_length], value: &input[header_length..end], raw: &input[..end] })
}

fn tag_length(input: &[u8]) -> Result<usize, TlvError> {
    let first = *input.first().ok_or_else(|| TlvError::at(0, "a tag is missing"))?;
    if first & 0x1F != 0x1F {
        return Ok(1);
    }
    let mut length = 1;
    loop {
        let byte = *input.get(length).ok_or_else(|| TlvError::at(length, "the tag is cut off"))?;
        if length == 1 && byte == 0x80 {
            return Err(TlvError::at(length, "the tag number is not in its shortest form"));
        }
        length += 1;
        if byte & 0x80 == 0 {
            break;
        }
        if length > 4 {
            return Err(TlvError::at(length, "the tag number is too large"));
        }
    }
    if length == 2 && input[1] < 0x1F {
        return Err(TlvError::at(1, "the tag number is not in its shortest form"));
    }
    Ok(length)
}

/// Returns the length of the header and that of the value.
fn length(input: &[u8], tag_length: usize) -> Result<(usize, usize), TlvError> {
    let first = *input.get(tag_length).ok_or_else(|| TlvError::at(tag_length, "the length is missing"))?;
    if first < 0x80 {
        return Ok((tag_length + 1, usize::from(first)));
    }
    let count = usize::from(first & 0x7F);
    match count {
        0 => return Err(TlvError::at(tag_length, "indefinite lengths are not DER")),
        1..=4 => {}
        _ => return Err(TlvError::at(tag_length, "the length has more than four octets")),
    }
    let start = tag_length + 1;
    let octets = input.get(start..start + count).ok_or_else(|| TlvError::at(tag_length, "the length is cut off"))?;
    let value = octets.iter().fold(0usize, |value, byte| (value << 8) | usize::from(*byte));
    if octets[0] == 0 || value < 0x80 {
        return Err(TlvError::at(tag_length, "the length is not in its shortest form"));
    }
    Ok((start + count, value))
}

/// Walks all nested TLVs of `tlv` and refuses what the typed decoder must never see.
pub(crate) fn check(tlv: &Tlv<'_>) -> Result<(), TlvError> {
    check_nested(tlv, MAX_DEPTH)
}

fn check_nested(tlv: &Tlv<'_>, depth: usize) -> Result<(), TlvError> {
    if !tlv.is_constructed() {
        return Ok(());
    }
    if depth == 0 {
        return Err(TlvError::at(0, "values are nested too deep"));
    }
    let mut offset = tlv.raw.len() - tlv.value.len();
    let mut rest = tlv.value;
    while !rest.is_empty() {
        let inner = first(rest).map_err(|error| error.shifted(offset))?;
        check_nested(&inner, depth - 1).map_err(|error| error.shifted(offset))?;
        offset += inner.raw.len();
        rest = &rest[inner.raw.len()..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(input: &[u8]) -> Result<(), TlvError> {
        check(&first(input)?)
    }

    #[test]
    fn reads_tags_of_one_and_more_octets() {
        let tlv = first(&[0xBF, 0x81, 0x02, 0x01, 0xAA, 0xFF]).expect("a TLV");
        assert_eq!((tlv.context_number(), tlv.value, tlv.raw.len()), (Some(130), &[0xAA][..], 5));
        assert_eq!(first(&[0x62, 0x00]).expect("a TLV").context_number(), None);
    }

    #[test]
    fn refuses_lengths_that_are_not_der() {
        for input in [
            &[0xA0, 0x80, 0x00, 0x00][..],
            &[0xA0, 0x81, 0x01, 0x00],
            &[0xA0, 0x82, 0x00, 0x80],
            &[0xA0, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0xA0, 0x85, 0x01, 0x00, 0x00, 0x00, 0x00],
            &[0xA0],
            &[0xBF, 0x1E, 0x00],
            &[0xBF, 0x80, 0x01, 0x00],
            &[],
        ] {
            assert!(whole(input).is_err(), "{input:02X?}");
        }
    }

    #[test]
    fn refuses_deep_nesting_and_says_where() {
        let mut deep = vec![0x04, 0x00];
        for _ in 0..20 {
            let mut outer = vec![0xA0, deep.len() as u8];
            outer.extend(deep);
            deep = outer;
        }
        let error = whole(&deep).expect_err("too deep");
        assert_eq!((error.problem, error.offset), ("values are nested too deep", 32));
    }
}

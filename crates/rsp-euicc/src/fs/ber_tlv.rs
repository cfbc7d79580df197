//! The content of a BER-TLV EF (ETSI TS 102 221 8.2.2.4): data objects one after the other, then unused bytes.

use super::{Ef, Octets};

/// A data object in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object<'a> {
    /// One to three bytes.
    pub tag: &'a [u8],
    /// Tag, length and value.
    pub whole: &'a [u8],
}

/// The tag at the beginning of the bytes; `None` for none, an unused byte (00, FF) or one of more than three bytes.
pub fn tag(bytes: &[u8]) -> Option<&[u8]> {
    let (first, rest) = bytes.split_first()?;
    if matches!(first, 0x00 | 0xFF) {
        return None;
    }
    if first & 0x1F != 0x1F {
        return bytes.get(..1);
    }
    let further = rest.iter().position(|byte| byte & 0x80 == 0)?;
    bytes.get(..further + 2).filter(|tag| tag.len() <= 3)
}

/// How long the data object is that begins with these bytes, if they are enough to say so: tag, length and value. The
/// length has up to three bytes behind 81, 82 or 83.
pub fn announced(bytes: &[u8]) -> Option<usize> {
    let tag = tag(bytes)?.len();
    let first = *bytes.get(tag)?;
    let (header, length) = match first {
        0x00..=0x7F => (1, usize::from(first)),
        0x81..=0x83 => {
            let digits = usize::from(first & 0x0F);
            let length = bytes.get(tag + 1..tag + 1 + digits)?;
            (1 + digits, length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
        }
        _ => return None,
    };
    Some(tag + header + length)
}

/// The data object at the beginning of the bytes, when it is there as a whole.
fn first(bytes: &[u8]) -> Option<Object<'_>> {
    Some(Object { tag: tag(bytes)?, whole: bytes.get(..announced(bytes)?)? })
}

/// The data objects of a file, up to the first byte that begins none.
pub fn objects(body: &[u8]) -> impl Iterator<Item = Object<'_>> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let object = first(rest)?;
        rest = &rest[object.whole.len()..];
        Some(object)
    })
}

impl Ef {
    /// Bytes that the data objects of a BER-TLV EF take.
    pub fn used(&self) -> usize {
        objects(&self.body).map(|object| object.whole.len()).sum()
    }

    /// Puts a data object into a BER-TLV EF, in place of the one with its tag; `None` in place of an object removes it.
    /// `false` when there is no room; nothing changes then.
    pub fn put_object(&mut self, tag: &[u8], object: Option<&[u8]>) -> bool {
        let size = self.body.len();
        let kept = objects(&self.body).filter(|kept| kept.tag != tag);
        let mut body: Vec<u8> = kept.flat_map(|kept| kept.whole).copied().collect();
        body.extend_from_slice(object.unwrap_or_default());
        let fits = body.len() <= size;
        if fits {
            body.resize(size, 0xFF);
            self.body = Octets::from(body);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_lengths_have_one_to_four_bytes() {
        assert_eq!(tag(&[0x80, 0x00]), Some(&[0x80][..]));
        assert_eq!(tag(&[0x9F, 0x20, 0x00]), Some(&[0x9F, 0x20][..]));
        assert_eq!(tag(&[0x9F, 0xA0, 0x20]), Some(&[0x9F, 0xA0, 0x20][..]));
        for none in [&[][..], &[0x00], &[0xFF], &[0x9F], &[0x9F, 0x81, 0x82, 0x03]] {
            assert_eq!(tag(none), None);
        }
        assert_eq!(announced(&[0x80, 0x02]), Some(4));
        assert_eq!(announced(&[0x80, 0x81, 0x80]), Some(131));
        assert_eq!(announced(&[0x80, 0x83, 0x01, 0x00, 0x00]), Some(65_541));
        assert_eq!(announced(&[0x80]), None);
        assert_eq!(announced(&[0x80, 0x82, 0x01]), None);
        assert_eq!(announced(&[0x80, 0x80]), None);
        assert_eq!(announced(&[0x80, 0x84, 0, 0, 0, 1]), None);
    }

    #[test]
    fn objects_end_where_none_begins() {
        let body = [0x80, 0x01, 0xAA, 0x81, 0x00, 0xFF, 0x82, 0x00];
        assert_eq!(objects(&body).map(|object| object.tag[0]).collect::<Vec<_>>(), [0x80, 0x81]);
        assert_eq!(objects(&[0x80, 0x05, 0x00]).count(), 0, "cut short");
    }
}

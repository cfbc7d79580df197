//! Text in the fonts that a reader of PDF brings: its encoding and its width.

/// One of the fonts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Font {
    Regular,
    Bold,
    Fixed,
}

impl Font {
    pub(super) const ALL: [Self; 3] = [Self::Regular, Self::Bold, Self::Fixed];

    /// PDF's name for it (ISO 32000-1 9.6.2.2).
    pub(super) fn base_name(self) -> &'static [u8] {
        match self {
            Self::Regular => b"Helvetica",
            Self::Bold => b"Helvetica-Bold",
            Self::Fixed => b"Courier",
        }
    }

    /// Its name in our pages.
    pub(super) fn resource(self) -> &'static [u8] {
        match self {
            Self::Regular => b"R",
            Self::Bold => b"B",
            Self::Fixed => b"F",
        }
    }

    /// Width of a letter in thousandths of the size; of bold ones an upper bound.
    fn width(self, letter: u8) -> f32 {
        if self == Self::Fixed {
            return 600.0;
        }
        // Those beyond ASCII are at most as wide as this, but for ligatures and fractions.
        let width = letter.checked_sub(b' ').and_then(|index| HELVETICA.get(usize::from(index))).copied();
        let width = f32::from(width.unwrap_or(778));
        if self == Self::Bold { width * 1.12 } else { width }
    }
}

/// Widths of Helvetica's letters from the blank to the tilde, as Adobe's metrics give them.
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];

/// What Windows-1252 has at 80 to 9F; a blank where it has nothing.
const WINDOWS: &str = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";

/// The letters of Latin Extended-A, U+0100 to U+017F, without their marks.
const WITHOUT_MARKS: &str = "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlLlLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

/// A text in Windows-1252. Line ends and tabs become blanks; other characters that nobody sees are left out; what has no place
/// in it loses its marks or becomes `?`.
pub(super) fn encode(text: &str) -> Vec<u8> {
    text.chars().filter_map(encode_one).collect()
}

fn encode_one(c: char) -> Option<u8> {
    match c {
        ' '..='~' | '\u{A1}'..='\u{AC}' | '\u{AE}'..='\u{FF}' => u8::try_from(u32::from(c)).ok(),
        '\n' | '\r' | '\t' | '\u{A0}' | '\u{2028}' | '\u{2029}' => Some(b' '),
        _ if rsp_es::printable::is_deceptive(c) => None,
        '\u{100}'..='\u{17F}' => in_windows(c).or_else(|| {
            let index = usize::try_from(u32::from(c).checked_sub(0x100)?).ok()?;
            WITHOUT_MARKS.as_bytes().get(index).copied()
        }),
        _ => Some(in_windows(c).unwrap_or(b'?')),
    }
}

fn in_windows(c: char) -> Option<u8> {
    let index = WINDOWS.chars().position(|known| known == c)?;
    u8::try_from(index + 0x80).ok()
}

/// Breaks a text into at most `lines` lines of `width` points, between words where that goes. An ellipsis says that
/// something was left out.
pub(super) fn wrap(text: &[u8], font: Font, size: f32, width: f32, lines: usize) -> Vec<Vec<u8>> {
    let room = width / size * 1000.0;
    let mut wrapped = Vec::new();
    let mut rest = text.trim_ascii();
    while !rest.is_empty() && wrapped.len() < lines {
        let mut used = 0.0;
        let fits = rest.iter().take_while(|letter| {
            used += font.width(**letter);
            used <= room
        });
        // At least one, so that this ends.
        let fits = fits.count().max(1);
        let end = match rest[..fits].iter().rposition(|letter| *letter == b' ') {
            Some(blank) if fits < rest.len() && rest[fits] != b' ' => blank,
            _ => fits,
        };
        let (line, after) = rest.split_at(end.max(1));
        wrapped.push(line.trim_ascii_end().to_vec());
        rest = after.trim_ascii_start();
    }
    if let (false, Some(last)) = (rest.is_empty(), wrapped.last_mut()) {
        last.truncate(last.len().saturating_sub(2));
        // Windows-1252's.
        last.push(0x85);
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::{Font, WINDOWS, WITHOUT_MARKS, encode, wrap};

    #[test]
    fn letters_of_western_europe_stay_and_others_are_replaced() {
        assert_eq!(WINDOWS.chars().count(), 32);
        assert_eq!(WITHOUT_MARKS.len(), 128);
        assert_eq!(encode("Zoë & Müller"), b"Zo\xEB & M\xFCller");
        assert_eq!(encode("€ „Œ“ …™ŸŽ"), b"\x80 \x84\x8C\x93 \x85\x99\x9F\x8E");
        assert_eq!(encode("Łódź Čapek Ğ İstanbul ſ"), b"L\xF3dz Capek G Istanbul s");
        assert_eq!(encode("王小明"), b"???");
    }

    #[test]
    fn what_nobody_sees_is_left_out() {
        assert_eq!(encode("a\u{202E}b\u{200B}c\0d\u{AD}e\u{7F}f\u{9F}"), b"abcdef");
        assert_eq!(encode("a\r\nb\tc\u{2028}d"), b"a  b c d");
    }

    #[test]
    fn lines_break_between_words_and_long_words_anywhere() {
        let lines = |text: &str, lines| -> Vec<String> {
            let wrapped = wrap(text.as_bytes(), Font::Fixed, 10.0, 60.0, lines);
            wrapped.iter().map(|line| line.iter().map(|byte| char::from(*byte)).collect()).collect()
        };
        assert_eq!(lines("one two three", 9), ["one two", "three"]);
        assert_eq!(lines("0123456789abcdefghijklm", 9), ["0123456789", "abcdefghij", "klm"]);
        assert_eq!(lines("0123456789abcdefghijklm", 2), ["0123456789", "abcdefgh\u{85}"]);
        assert_eq!(lines("0123456789 b", 9), ["0123456789", "b"]);
        assert_eq!(lines("   ", 9), Vec::<String>::new());
        assert_eq!(wrap(b"abc", Font::Bold, 10.0, 0.1, 9).len(), 3);
    }
}

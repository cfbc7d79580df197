//! Texts of strangers, made safe to print: on a terminal and in a log they can neither move the cursor nor forge a line.

use std::fmt::Write as _;

/// The text with everything escaped that does not print as itself (`\n` becomes `\u{a}`), cut to `limit` characters; an
/// ellipsis says that something was cut. Backslashes stay, so a text that is printable already is not changed.
pub fn printable(text: &str, limit: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(limit));
    for c in text.chars().take(limit) {
        if is_deceptive(c) {
            // Writing into a String cannot fail.
            let _ = write!(shown, "{}", c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    if text.chars().nth(limit).is_some() {
        shown.push('…');
    }
    shown
}

/// Control characters and line ends, marks that turn the direction of writing, and the other characters of Unicode that a
/// reader does not see.
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(
            u32::from(c),
            0xAD | 0x34F
                | 0x600..=0x605
                | 0x61C
                | 0x6DD
                | 0x70F
                | 0x8E2
                | 0x115F..=0x1160
                | 0x17B4..=0x17B5
                | 0x180B..=0x180F
                | 0x200B..=0x200F
                | 0x2028..=0x202E
                | 0x2060..=0x206F
                | 0x3164
                | 0xFE00..=0xFE0F
                | 0xFEFF
                | 0xFFA0
                | 0xFFF0..=0xFFFC
                | 0x110BD
                | 0x1D173..=0x1D17A
                | 0xE0000..=0xE0FFF
                | 0xE000..=0xF8FF
        )
}

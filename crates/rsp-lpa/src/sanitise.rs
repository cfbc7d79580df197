//! Names from servers and cards, made safe to show.

/// Longest name that is shown, in characters: twice what the standard allows for any of them.
const MAX: usize = 128;

/// The name without anything that could make a screen show something else than its letters: control characters, marks that
/// turn the direction of writing, and characters that take no room. White space of any kind becomes one blank.
pub fn for_display(name: &str) -> String {
    let mut shown = String::with_capacity(name.len().min(4 * MAX));
    for c in name.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !is_deceptive(*c)).take(MAX) {
        if c != ' ' || !(shown.is_empty() || shown.ends_with(' ')) {
            shown.push(c);
        }
    }
    shown.truncate(shown.trim_end().len());
    shown
}

/// Control characters and the format characters of Unicode, which a reader does not see.
fn is_deceptive(c: char) -> bool {
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
                | 0x202A..=0x202E
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

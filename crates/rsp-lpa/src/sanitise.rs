//! Names from servers and cards, made safe to show.

use rsp_es::printable::is_deceptive;

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

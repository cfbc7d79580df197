//! QR codes of activation codes.

use qrcode::{Color, EcLevel, QrCode};

/// Light modules around a code, which a reader needs to find it (ISO/IEC 18004 9.1).
pub const QUIET: usize = 4;

/// The dark and light modules of a code, without the quiet zone.
pub struct Modules {
    /// Modules of a side.
    pub width: usize,
    dark: Vec<bool>,
}

impl Modules {
    /// The code of a text. `None` for one that no code holds, which is longer than any activation code.
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).ok()?;
        let dark = code.to_colors().into_iter().map(|color| color == Color::Dark).collect();
        Some(Self { width: code.width(), dark })
    }

    /// Whether a module is dark.
    pub fn is_dark(&self, column: usize, row: usize) -> bool {
        column < self.width && self.dark.get(row * self.width + column).copied().unwrap_or_default()
    }

    /// The dark stretches of all rows: column, row and length.
    pub fn stretches(&self) -> Vec<(usize, usize, usize)> {
        let mut stretches = Vec::new();
        for row in 0..self.width {
            let mut column = 0;
            while column < self.width {
                let start = column;
                while self.is_dark(column, row) {
                    column += 1;
                }
                if column > start {
                    stretches.push((start, row, column - start));
                }
                column += 1;
            }
        }
        stretches
    }
}

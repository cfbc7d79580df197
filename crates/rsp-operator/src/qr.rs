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

/// Pixels of a module's side in a picture.
const SCALE: usize = 8;

/// The code of a text as a PNG in black and white, with its quiet zone. Empty for a text that no code holds.
pub fn png(text: &str) -> Vec<u8> {
    let Some(code) = Modules::of(text) else { return Vec::new() };
    let side = (code.width + 2 * QUIET) * SCALE;
    let mut pixels = vec![255; side * side];
    for (column, row, length) in code.stretches() {
        for y in 0..SCALE {
            let start = ((row + QUIET) * SCALE + y) * side + (column + QUIET) * SCALE;
            pixels[start..start + length * SCALE].fill(0);
        }
    }
    let mut file = Vec::new();
    // At most 185 modules of 8 pixels.
    let mut encoder = png::Encoder::new(&mut file, side as u32, side as u32);
    encoder.set_color(png::ColorType::Grayscale);
    // Writing into memory cannot fail, and the size is right.
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    written.map_or_else(|_| Vec::new(), |()| file)
}

/// The code of a text as an SVG element, with its quiet zone and a name for those who do not see it. Empty for a text that no
/// code holds.
pub fn svg(text: &str) -> String {
    use std::fmt::Write as _;
    let Some(code) = Modules::of(text) else { return String::new() };
    let side = code.width + 2 * QUIET;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"QR code\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\""
    );
    for (column, row, length) in code.stretches() {
        // Writing into a String cannot fail.
        let _ = write!(svg, "M{} {}h{length}v1h-{length}z", column + QUIET, row + QUIET);
    }
    svg.push_str("\"/></svg>");
    svg
}

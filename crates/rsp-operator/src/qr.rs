//! Activation codes as QR codes (SGP.22 4.1): as SVG for pages, as PNG for files and messages, as text for terminals.
//!
//! A QR code says what its activation code says and nothing else: no name, no label, no confirmation code. Whoever sees it can
//! download the profile, so that it is neither `Debug` nor `Display`.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};
use rsp_crypto::Zeroizing;

/// Light modules around a code, which a reader needs to find it (ISO/IEC 18004 9.1).
pub const QUIET: usize = 4;

/// Pixels of a module's side in a picture, unless somebody wants others.
pub const SCALE: u8 = 8;

/// The dark and light modules of a code, without the quiet zone.
pub struct Modules {
    /// Modules of a side.
    pub width: usize,
    dark: Zeroizing<Vec<bool>>,
}

impl Modules {
    /// The code of a text, of which a seventh may be unreadable. `None` for one that no code holds, which is longer than any
    /// activation code.
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).ok()?;
        let width = code.width();
        let dark = code.into_colors().into_iter().map(|color| color == Color::Dark).collect();
        Some(Self { width, dark: Zeroizing::new(dark) })
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

    /// A PNG of one bit a pixel, with `scale` pixels for a module and the quiet zone; zero counts as one.
    pub fn to_png(&self, scale: u8) -> Zeroizing<Vec<u8>> {
        let scale = usize::from(scale.max(1));
        let side = (self.width + 2 * QUIET) * scale;
        let line = side.div_ceil(8);
        let mut pixels = Zeroizing::new(vec![0xFF_u8; line * side]);
        for (column, row, length) in self.stretches() {
            for y in (row + QUIET) * scale..(row + QUIET + 1) * scale {
                for x in (column + QUIET) * scale..(column + QUIET + length) * scale {
                    pixels[y * line + x / 8] &= !(0x80 >> (x % 8));
                }
            }
        }
        let mut file = Zeroizing::new(Vec::new());
        // At most 185 modules of 255 pixels.
        let mut encoder = png::Encoder::new(&mut *file, side as u32, side as u32);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        // Writing into memory cannot fail, and the size is right.
        let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
        if written.is_err() {
            file.clear();
        }
        file
    }

    /// An SVG element with its quiet zone and a name for those who do not see it; no scripts, no references.
    pub fn to_svg(&self) -> Zeroizing<String> {
        let side = self.width + 2 * QUIET;
        let stretches = self.stretches();
        // Room for all of it: a text that grows leaves copies behind.
        let mut svg = Zeroizing::new(String::with_capacity(256 + stretches.len() * 24));
        // Writing into a String cannot fail.
        let _ = write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"QR code\" \
             shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\""
        );
        for (column, row, length) in stretches {
            let _ = write!(svg, "M{} {}h{length}v1h-{length}z", column + QUIET, row + QUIET);
        }
        svg.push_str("\"/></svg>");
        svg
    }

    /// Lines of block characters for a terminal, two modules high each, with the quiet zone. Light modules are drawn: most
    /// terminals are dark.
    pub fn to_terminal(&self) -> Zeroizing<String> {
        let side = self.width + 2 * QUIET;
        let light = |x: usize, y: usize| {
            let inside = x.checked_sub(QUIET).zip(y.checked_sub(QUIET));
            y < side && !inside.is_some_and(|(x, y)| self.is_dark(x, y))
        };
        let mut text = Zeroizing::new(String::with_capacity((3 * side + 1) * side));
        for y in (0..side).step_by(2) {
            text.extend((0..side).map(|x| match (light(x, y), light(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            }));
            text.push('\n');
        }
        text
    }
}

/// The code of a text as a PNG in black and white, with its quiet zone. Empty for a text that no code holds.
pub fn png(text: &str) -> Vec<u8> {
    Modules::of(text).map_or_else(Vec::new, |code| code.to_png(SCALE).to_vec())
}

/// The code of a text as an SVG element, with its quiet zone and a name for those who do not see it. Empty for a text that no
/// code holds.
pub fn svg(text: &str) -> String {
    Modules::of(text).map_or_else(String::new, |code| code.to_svg().to_string())
}

//! QR codes as a bad camera sees them: the same pictures each time, made worse in one way after the other, and read by rqrr.
//! `cargo xtask camera` lets this write them, and zbarimg read them, too.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rsp_operator::qr::{Modules, QUIET};

/// Codes of each kind of picture.
const CODES: usize = 20;
/// Pixels of a module, unless a picture is small.
const SCALE: f32 = 6.0;

/// A grey picture; 0 is black.
struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<f32>,
}

/// Chance that is the same each time (xorshift64*).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f32 / (1u64 << 24) as f32
    }

    /// About normal, with deviation 1.
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.next()).sum::<f32>() - 6.0
    }
}

impl Picture {
    /// A code with its quiet zone, each module of so many pixels, which need not be whole.
    fn of(code: &Modules, scale: f32) -> Self {
        let modules = code.width + 2 * QUIET;
        let side = (modules as f32 * scale).round() as usize;
        let dark =
            |column: usize, row: usize| column >= QUIET && row >= QUIET && code.is_dark(column - QUIET, row - QUIET);
        // Four by four points in each pixel: where modules do not end with a pixel, it is grey.
        let pixel = |x: usize, y: usize| {
            let point = |n: usize| {
                let at = |z: usize, part: usize| ((z as f32 + (part as f32 + 0.5) / 4.0) / scale) as usize;
                if dark(at(x, n % 4), at(y, n / 4)) { 0.0 } else { 255.0 }
            };
            (0..16).map(point).sum::<f32>() / 16.0
        };
        let pixels = (0..side * side).map(|n| pixel(n % side, n / side)).collect();
        Self { width: side, height: side, pixels }
    }

    fn at(&self, x: isize, y: isize) -> f32 {
        let inside = x >= 0 && y >= 0 && (x as usize) < self.width && (y as usize) < self.height;
        if inside { self.pixels[y as usize * self.width + x as usize] } else { 255.0 }
    }

    /// Each pixel anew.
    fn map(&self, pixel: impl Fn(usize, usize) -> f32) -> Self {
        let pixels = (0..self.pixels.len()).map(|n| pixel(n % self.width, n / self.width)).collect();
        Self { width: self.width, height: self.height, pixels }
    }

    /// Seen from elsewhere: `from` says which point of this picture is at a point of the new one, both from -1 to 1.
    fn seen(&self, from: impl Fn(f32, f32) -> (f32, f32)) -> Self {
        let (width, height) = (self.width as f32, self.height as f32);
        self.map(|x, y| {
            let (u, v) = from(2.0 * x as f32 / width - 1.0, 2.0 * y as f32 / height - 1.0);
            let (x, y) = ((u + 1.0) / 2.0 * width, (v + 1.0) / 2.0 * height);
            let (left, top) = (x.floor(), y.floor());
            let (right, low) = (x - left, y - top);
            let at = |dx: isize, dy: isize| self.at(left as isize + dx, top as isize + dy);
            let upper = at(0, 0) * (1.0 - right) + at(1, 0) * right;
            let lower = at(0, 1) * (1.0 - right) + at(1, 1) * right;
            upper * (1.0 - low) + lower * low
        })
    }

    /// Each pixel the mean of its neighbours by a bell curve.
    fn blurred(&self, deviation: f32) -> Self {
        let reach = (3.0 * deviation).ceil() as isize;
        let weight = |d: isize| (-(d * d) as f32 / (2.0 * deviation * deviation)).exp();
        let sum: f32 = (-reach..=reach).map(weight).sum();
        let across = self
            .map(|x, y| (-reach..=reach).map(|d| weight(d) * self.at(x as isize + d, y as isize)).sum::<f32>() / sum);
        across
            .map(|x, y| (-reach..=reach).map(|d| weight(d) * across.at(x as isize, y as isize + d)).sum::<f32>() / sum)
    }

    fn noisy(&self, deviation: f32, dice: &mut Dice) -> Self {
        let pixels = self.pixels.iter().map(|pixel| pixel + deviation * dice.normal()).collect();
        Self { width: self.width, height: self.height, pixels }
    }

    /// Black and white nearer to each other, around a grey.
    fn flat(&self, part: f32, grey: f32) -> Self {
        self.map(|x, y| grey + (self.at(x as isize, y as isize) - 127.5) * part)
    }

    /// Blocks of eight by eight in the cosine domain, each coefficient in steps that grow with its frequency, as JPEG does.
    fn blocks(&self, step: f32) -> Self {
        let mut out = self.map(|x, y| self.at(x as isize, y as isize));
        let cosine = |n: usize, k: usize| {
            let scale = if k == 0 { (1.0f32 / 8.0).sqrt() } else { 0.5 };
            scale * ((2 * n + 1) as f32 * k as f32 * std::f32::consts::PI / 16.0).cos()
        };
        let mut table = [[0.0f32; 8]; 8];
        for (n, row) in table.iter_mut().enumerate() {
            row.iter_mut().enumerate().for_each(|(k, value)| *value = cosine(n, k));
        }
        for top in (0..self.height).step_by(8) {
            for left in (0..self.width).step_by(8) {
                let mut coefficients = [[0.0f32; 8]; 8];
                for (v, row) in coefficients.iter_mut().enumerate() {
                    for (u, value) in row.iter_mut().enumerate() {
                        let mut sum = 0.0;
                        for y in 0..8 {
                            for x in 0..8 {
                                let pixel = self.at((left + x) as isize, (top + y) as isize) - 128.0;
                                sum += pixel * table[x][u] * table[y][v];
                            }
                        }
                        let step = step * (1 + u + v) as f32;
                        *value = (sum / step).round() * step;
                    }
                }
                for y in 0..8.min(self.height - top) {
                    for x in 0..8.min(self.width - left) {
                        let mut sum = 128.0;
                        for (v, row) in coefficients.iter().enumerate() {
                            for (u, value) in row.iter().enumerate() {
                                sum += value * table[x][u] * table[y][v];
                            }
                        }
                        out.pixels[(top + y) * self.width + left + x] = sum;
                    }
                }
            }
        }
        out
    }

    fn bytes(&self) -> Vec<u8> {
        self.pixels.iter().map(|pixel| pixel.round().clamp(0.0, 255.0) as u8).collect()
    }

    fn read_by_rqrr(&self) -> Option<String> {
        let bytes = self.bytes();
        let mut image =
            rqrr::PreparedImage::prepare_from_greyscale(self.width, self.height, |x, y| bytes[y * self.width + x]);
        image.detect_grids().into_iter().find_map(|grid| grid.decode().ok().map(|(_, text)| text))
    }

    fn write(&self, file: &Path) {
        let file = std::io::BufWriter::new(std::fs::File::create(file).unwrap());
        let mut encoder = png::Encoder::new(file, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&self.bytes()).unwrap();
    }
}

type Worsen = fn(&Modules, f32, &mut Dice) -> Picture;

fn whole(code: &Modules) -> Picture {
    Picture::of(code, SCALE)
}

/// A little room around a code, so that nothing leaves the picture when it is turned.
fn away(picture: &Picture, by: f32) -> Picture {
    picture.seen(|x, y| (x * by, y * by))
}

/// What happens to a picture, and how much of it.
const KINDS: [(&str, &[f32], Worsen); 8] = [
    ("blur (deviation, pixels)", &[1.0, 2.0, 3.0, 4.0], |code, much, _| whole(code).blurred(much)),
    ("noise (deviation, of 255)", &[20.0, 40.0, 80.0, 120.0], |code, much, dice| whole(code).noisy(much, dice)),
    ("perspective (tilt)", &[0.1, 0.2, 0.3, 0.4], |code, much, _| {
        whole(code).seen(|x, y| {
            let depth = 1.0 + much * y;
            (x * 1.35 / depth, y * 1.35 / depth)
        })
    }),
    ("rotation (degrees)", &[5.0, 15.0, 30.0, 45.0], |code, much, _| {
        let (sine, cosine) = much.to_radians().sin_cos();
        away(&whole(code), 1.45).seen(move |x, y| (x * cosine - y * sine, x * sine + y * cosine))
    }),
    ("low light (part of white, with noise)", &[0.4, 0.2, 0.1, 0.05], |code, much, dice| {
        let dim = whole(code).flat(0.8 * much, 127.5 * much);
        dim.noisy(4.0, dice)
    }),
    ("low contrast (part)", &[0.4, 0.2, 0.1, 0.05], |code, much, dice| whole(code).flat(much, 150.0).noisy(2.0, dice)),
    ("blocks as of JPEG (step)", &[20.0, 40.0, 80.0, 160.0], |code, much, _| whole(code).blocks(much)),
    ("small (pixels of a module)", &[3.0, 2.0, 1.5, 1.2], |code, much, _| Picture::of(code, much)),
];

fn code(number: usize, dice: &mut Dice) -> String {
    const LETTERS: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let length = if number.is_multiple_of(2) { 26 } else { 52 };
    let matching_id: String = (0..length).map(|_| char::from(LETTERS[(dice.next() * 32.0) as usize % 32])).collect();
    let end = if number.is_multiple_of(4) { "$$1" } else { "" };
    format!("LPA:1$smdp{number}.example.com${matching_id}{end}")
}

/// Pictures of a degree of a kind, without end, with what they say.
fn pictures(kind: usize, degree: usize) -> impl Iterator<Item = (String, Picture)> {
    let (_, degrees, worsen) = KINDS[kind];
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15 ^ ((kind as u64) << 32 | (degree as u64 + 1)));
    (0..).map(move |number| {
        let text = code(number, &mut dice);
        let picture = worsen(&Modules::of(&text).unwrap(), degrees[degree], &mut dice);
        (text, picture)
    })
}

#[test]
fn pictures_of_a_bad_camera_are_read() {
    let directory = std::env::var_os("OPENRSP_CAMERA_DIRECTORY").map(PathBuf::from);
    let codes = if directory.is_some() { CODES } else { 8 };
    let mut table = String::new();
    for (kind, (name, degrees, _)) in KINDS.iter().enumerate() {
        // The slightest degree of each kind has to be read; the others say how far it goes, where somebody wants to know.
        let wanted = if directory.is_some() { degrees.len() } else { 1 };
        for (degree, much) in degrees.iter().enumerate().take(wanted) {
            let pictures: Vec<_> = pictures(kind, degree).take(codes).collect();
            let read = pictures.iter().filter(|(text, picture)| picture.read_by_rqrr().as_ref() == Some(text)).count();
            assert!(degree > 0 || read * 4 >= codes * 3, "{name} {much}: {read} of {codes}");
            writeln!(table, "{kind}-{degree}\t{name}\t{much}\t{read}\t{codes}").unwrap();
            for (number, (text, picture)) in pictures.iter().enumerate().filter(|_| directory.is_some()) {
                let file = directory.as_ref().unwrap().join(format!("{kind}-{degree}-{number:02}.png"));
                picture.write(&file);
                std::fs::write(file.with_extension("txt"), text).unwrap();
            }
        }
    }
    if let Some(directory) = directory {
        std::fs::write(directory.join("rqrr.tsv"), table).unwrap();
    }
}

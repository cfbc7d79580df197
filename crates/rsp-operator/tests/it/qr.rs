//! QR codes: what is made here is read back by others, whatever the activation code says.

use std::path::Path;

use rsp_es::activation_code::ActivationCode;
use rsp_es::printable::{is_deceptive, printable};
use rsp_operator::qr::{Modules, QUIET, SCALE};
use rsp_testkit::{ActivationCodeFields, SeededRandomness};

const CODES: usize = 10_000;

/// The next code that may be made.
fn random_code(randomness: &mut SeededRandomness) -> ActivationCode {
    loop {
        let fields = ActivationCodeFields::random(randomness);
        let (address, matching_id, oid) = (&fields.address, &fields.matching_id, fields.oid.as_deref());
        if let Ok(code) = ActivationCode::new(address, matching_id, oid, fields.confirmation_code_required) {
            return code;
        }
    }
}

/// The pixels of a picture: how many on a side, and which are light.
fn pixels(picture: &[u8]) -> (usize, impl Fn(usize, usize) -> bool) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(picture)).read_info().unwrap();
    let mut rows = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rows).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Grayscale, png::BitDepth::One));
    assert_eq!(info.width, info.height);
    (info.width as usize, move |x, y| rows[y * info.line_size + x / 8] & (0x80 >> (x % 8)) != 0)
}

/// Finds the code in a picture and reads it.
fn read(picture: &[u8]) -> String {
    let (side, light) = pixels(picture);
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| if light(x, y) { 255 } else { 0 });
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().unwrap().1
}

/// Reads a code whose modules are one pixel each and where they belong, without looking for it: much faster.
fn read_modules(picture: &[u8]) -> String {
    let (side, light) = pixels(picture);
    let grid = rqrr::SimpleGrid::from_func(side - 8, |x, y| !light(x + 4, y + 4));
    rqrr::Grid::new(grid).decode().unwrap().1
}

/// `cargo xtask qr` gives a directory: pictures and codes go there, for zbarimg to read them.
#[test]
fn ten_thousand_random_codes_are_read_back() {
    let directory = std::env::var_os("OPENRSP_QR_DIRECTORY");
    let mut randomness = SeededRandomness::new("qr");
    let codes: Vec<_> = (0..CODES).map(|_| random_code(&mut randomness)).collect();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for (worker, codes) in codes.chunks(CODES.div_ceil(workers)).enumerate() {
            let directory = directory.as_deref();
            scope.spawn(move || {
                for (number, code) in codes.iter().enumerate() {
                    let qr = Modules::of(&code.to_uri()).unwrap();
                    let said = read_modules(&qr.to_png(1));
                    assert_eq!(said, *code.to_uri());
                    if number % 100 == 0 {
                        assert_eq!(read(&qr.to_png(SCALE)), said);
                    }
                    assert!(ActivationCode::parse_strict(&said).is_ok_and(|read| read == *code), "{said}");
                    if let Some(directory) = directory {
                        let file = Path::new(directory).join(format!("{worker:02}-{number:05}"));
                        std::fs::write(file.with_extension("png"), &*qr.to_png(SCALE)).unwrap();
                        std::fs::write(file.with_extension("txt"), said).unwrap();
                    }
                }
            });
        }
    });
}

#[test]
fn the_longest_code_fits_and_all_forms_say_the_same() {
    let longest = ActivationCode::new(&format!("{}.example", "a".repeat(60)), &"A".repeat(181), None, true).unwrap();
    assert_eq!(longest.to_text().len(), 255);
    let qr = Modules::of(&longest.to_uri()).unwrap();
    for scale in [0, 1, 3, SCALE] {
        let picture = qr.to_png(scale);
        let info = png::Decoder::new(std::io::Cursor::new(&*picture)).read_info().unwrap().info().width;
        assert_eq!(info as usize, (qr.width + 2 * QUIET) * usize::from(scale.max(1)));
    }
    assert_eq!(read(&qr.to_png(2)), *longest.to_uri());

    // The SVG's squares are the picture's pixels.
    let svg = qr.to_svg();
    let width = qr.width + 2 * QUIET;
    let (_, path) = svg.split_once("<path d=\"M").unwrap();
    let (path, _) = path.split_once('"').unwrap();
    let mut dark = vec![false; width * width];
    for square in path.split('M') {
        let numbers: Vec<usize> = square.split(['M', ' ', 'h', 'v']).take(3).map(|it| it.parse().unwrap()).collect();
        let [x, y, run] = numbers[..] else { panic!("{square}") };
        dark[y * width + x..][..run].fill(true);
    }
    let light = |x: usize, y: usize| if dark[y / 2 * width + x / 2] { 0 } else { 255 };
    let side = width * 2;
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, light);
    assert_eq!(image.detect_grids()[0].decode().unwrap().1, *longest.to_uri());

    let lines: Vec<_> = qr.to_terminal().lines().map(str::chars).map(Iterator::count).collect();
    assert_eq!(lines.len(), width.div_ceil(2));
    assert!(lines.iter().all(|line| *line == width), "{lines:?}");
}

/// Nothing that somebody calls an address, a matching ID or a plan turns into another field of the code or into characters
/// that show otherwise than they are.
#[test]
fn atk_qr_inject() {
    let hostile = [
        "a.example$B",
        "$",
        "a.example$B$$1",
        "a.example\u{202e}",
        "\u{200b}a.example",
        "a.exa\u{ad}mple",
        "a.example\n",
        "a.example\0",
        "a.example/x",
        "https://a.example",
        "user@a.example",
        "a.example:0",
        "a.example:99999",
        "a b",
        "LPA:1$a.example",
        "\u{ff41}.example",
        "<b>",
        "",
        " ",
        "a.example ",
        "[::1",
        "аpple.example",
    ];
    let long = "A".repeat(256);
    for bad in hostile.into_iter().chain([long.as_str()]) {
        assert!(ActivationCode::new(bad, "A", None, false).is_err(), "address {bad:?}");
        if !bad.is_empty() {
            assert!(ActivationCode::new("a.example", bad, None, false).is_err(), "matching ID {bad:?}");
            assert!(ActivationCode::new("a.example", "A", Some(bad), false).is_err(), "OID {bad:?}");
        }
    }
    // What is accepted is in the code as it was given, field by field.
    let code = ActivationCode::new("a.example:8443", "A-1", Some("1.3.6.1"), true).unwrap();
    assert_eq!(read(&Modules::of(&code.to_uri()).unwrap().to_png(2)), "LPA:1$a.example:8443$A-1$1.3.6.1$1");
    // Names never go into a code; where they are shown, they are shown escaped and cut.
    for name in ["\u{202e}evil", "a\u{200b}b", "a\u{feff}", "x\ny", "\u{1b}[2J", "\u{2066}a", "e\u{34f}"] {
        let shown = printable(name, 64);
        assert!(!shown.chars().any(is_deceptive), "{shown:?}");
        assert_ne!(shown, name);
    }
    assert_eq!(printable(&long, 64).chars().count(), 65);
}

//! Sheets of paper: a PDF that says what somebody needs to get an eSIM onto a phone.
//!
//! A sheet holds name, carrier, plan and ICCID, the QR code (SGP.22 4.1) as vectors, the activation code as text, and its
//! parts for manual entry. It never holds a confirmation code, which has to go another way (SGP.22 4.7).
//!
//! Texts are in the fonts that every reader of PDF brings, in the letters of Windows-1252. Other Latin letters lose their
//! marks (`ł` becomes `l`), and what cannot be written becomes `?`. The same sheets are the same bytes.

mod text;

use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use rsp_asn1::Iccid;
use rsp_crypto::Zeroizing;
use rsp_es::activation_code::ActivationCode;

use crate::error::Error;
use crate::qr::{Modules, QUIET};
use text::{Font, wrap};

/// Sheets in one document at most.
pub const MAX_SHEETS: usize = 2_000;

/// One eSIM on paper.
pub struct Sheet {
    /// For whom it is, such as a number or a name; may be empty.
    pub name: String,
    /// The carrier, as people know it.
    pub carrier: String,
    /// The plan.
    pub plan: String,
    /// The profile.
    pub iccid: Iccid,
    /// What the QR code says.
    pub activation_code: ActivationCode,
}

/// How many eSIMs stand on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// One, with what to do on an iPhone and on an Android phone.
    #[default]
    One,
    /// Three, to be cut apart; with the shortest of instructions.
    Three,
}

/// A4 in points.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 48.0;
/// Under PDF's names of them.
const REGULAR: Font = Font::Regular;

/// Said on every sheet while the SM-DP+ stands under a PKI of tests.
const TEST_BANNER: &str = "TEST PKI - for laboratories. Consumer phones accept only an SM-DP+ under a GSMA CI.";

const ON_IPHONE: [&str; 3] = [
    "1. Settings > Mobile Service (or Cellular) > Add eSIM > Use QR Code.",
    "2. Scan the code; or choose \"Enter Details Manually\" and type what stands beside it.",
    "3. Wait until the phone says that the eSIM is ready, then switch it on.",
];
const ON_ANDROID: [&str; 3] = [
    "1. Settings > Network & internet (or Connections) > SIMs > Add eSIM.",
    "2. Scan the code; or choose to enter it manually and type the activation code.",
    "3. Wait until the phone says that the eSIM is ready, then switch it on.",
];
const SHORT: &str = "Settings > SIMs (iPhone: Mobile Service) > Add eSIM, and scan. It can be installed once.";

/// A document with these sheets. `test_pki` puts a banner on each that says that the eSIMs are for laboratories.
///
/// # Errors
/// [`Error::Invalid`] for no sheets or more than [`MAX_SHEETS`].
pub fn pdf(sheets: &[Sheet], layout: Layout, test_pki: bool) -> Result<Zeroizing<Vec<u8>>, Error> {
    if sheets.is_empty() || sheets.len() > MAX_SHEETS {
        return Err(Error::invalid(
            "sheets",
            format!("there are {}; 1 to {MAX_SHEETS} go into a document", sheets.len()),
        ));
    }
    let on_page = match layout {
        Layout::One => 1,
        Layout::Three => 3,
    };
    let pages = sheets.chunks(on_page).map(|sheets| page(sheets, layout, test_pki)).collect::<Result<Vec<_>, _>>()?;
    Ok(Zeroizing::new(document(&pages)))
}

/// The frame of a PDF around the contents of its pages.
fn document(pages: &[Zeroizing<Vec<u8>>]) -> Vec<u8> {
    let mut number = 0;
    let mut next = || {
        number += 1;
        Ref::new(number)
    };
    let (catalog, tree, info) = (next(), next(), next());
    let fonts: Vec<_> = Font::ALL.into_iter().map(|font| (font, next())).collect();
    let places: Vec<_> = pages.iter().map(|_| (next(), next())).collect();

    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree).lang(TextStr("en"));
    pdf.document_info(info).title(TextStr("eSIM"));
    // MAX_SHEETS is far below 2^31.
    pdf.pages(tree).kids(places.iter().map(|(page, _)| *page)).count(pages.len() as i32);
    for (font, place) in &fonts {
        pdf.type1_font(*place).base_font(Name(font.base_name())).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    for ((page, contents), drawn) in places.iter().zip(pages) {
        let mut written = pdf.page(*page);
        written.media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).parent(tree).contents(*contents);
        let mut resources = written.resources();
        let mut named = resources.fonts();
        for (font, place) in &fonts {
            named.pair(Name(font.resource()), *place);
        }
        named.finish();
        resources.finish();
        written.finish();
        pdf.stream(*contents, drawn);
    }
    pdf.finish()
}

fn page(sheets: &[Sheet], layout: Layout, test_pki: bool) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut pen = Pen { content: Content::new() };
    if test_pki {
        pen.banner();
    }
    match layout {
        Layout::One => sheets.iter().try_for_each(|sheet| pen.whole_page(sheet))?,
        Layout::Three => {
            for (place, sheet) in sheets.iter().enumerate() {
                pen.third(sheet, PAGE.1 - 72.0 - place as f32 * 250.0)?;
            }
        }
    }
    Ok(Zeroizing::new(pen.content.finish().to_vec()))
}

/// Draws on one page, from its top downwards.
struct Pen {
    content: Content,
}

impl Pen {
    fn line(&mut self, font: Font, size: f32, (x, y): (f32, f32), line: &[u8]) {
        self.content.begin_text().set_font(Name(font.resource()), size).next_line(x, y);
        self.content.show(Str(line)).end_text();
    }

    /// A text in at most `lines` lines of `width` points; returns where the next line goes.
    fn text(&mut self, font: Font, size: f32, (x, mut y): (f32, f32), width: f32, lines: usize, text: &str) -> f32 {
        for line in wrap(&text::encode(text), font, size, width, lines) {
            self.line(font, size, (x, y), &line);
            y -= size * 1.3;
        }
        y
    }

    fn banner(&mut self) {
        let (x, y) = (MARGIN, PAGE.1 - 40.0);
        self.content.set_fill_rgb(1.0, 0.93, 0.75).rect(x, y - 6.0, PAGE.0 - 2.0 * MARGIN, 20.0).fill_nonzero();
        self.content.set_fill_gray(0.0);
        self.text(Font::Bold, 9.5, (x + 8.0, y), PAGE.0 - 2.0 * MARGIN - 16.0, 1, TEST_BANNER);
    }

    /// The QR code with its quiet zone in a square of `side` points below and right of a place.
    fn code(&mut self, sheet: &Sheet, (x, y): (f32, f32), side: f32) -> Result<(), Error> {
        let uri = sheet.activation_code.to_uri();
        let code = Modules::of(&uri).ok_or_else(|| Error::invalid("activation_code", "it fits no QR code"))?;
        let module = side / (code.width + 2 * QUIET) as f32;
        self.content.save_state();
        self.content.transform([module, 0.0, 0.0, -module, x + QUIET as f32 * module, y - QUIET as f32 * module]);
        // One path: between stretches that are filled one by one a reader may leave hairlines.
        for (column, row, length) in code.stretches() {
            self.content.rect(column as f32, row as f32, length as f32, 1.0);
        }
        self.content.fill_nonzero().restore_state();
        Ok(())
    }

    /// What a QR code says, for those who type it.
    fn fields(&mut self, sheet: &Sheet, (x, mut y): (f32, f32), width: f32, size: f32) -> f32 {
        let code = &sheet.activation_code;
        let iccid = sheet.iccid.to_string();
        let text = code.to_uri();
        let mut fields = vec![("ICCID", iccid.as_str()), ("SM-DP+ address", code.smdp_address())];
        match code.matching_id() {
            "" => {}
            matching_id => fields.push(("Matching ID (activation code for manual entry)", matching_id)),
        }
        fields.push(("Activation code", &text));
        for (label, value) in fields {
            y = self.text(REGULAR, size - 2.0, (x, y), width, 1, label);
            y = self.text(Font::Fixed, size, (x, y), width, 12, value) - size * 0.4;
        }
        if code.confirmation_code_required() {
            let said =
                "A confirmation code will be asked for. It comes on another way and never stands beside the QR code.";
            y = self.text(Font::Bold, size - 1.0, (x, y), width, 3, said);
        }
        y
    }

    fn whole_page(&mut self, sheet: &Sheet) -> Result<(), Error> {
        let width = PAGE.0 - 2.0 * MARGIN;
        let mut y = self.text(Font::Bold, 22.0, (MARGIN, PAGE.1 - 90.0), width, 2, &sheet.carrier);
        y = self.text(REGULAR, 14.0, (MARGIN, y), width, 2, &sheet.plan);
        if !sheet.name.is_empty() {
            y = self.text(REGULAR, 12.0, (MARGIN, y - 6.0), width, 2, &format!("For {}", sheet.name));
        }
        let (top, side) = (y - 4.0, 230.0);
        self.code(sheet, (MARGIN - 8.0, top), side)?;
        let beside = MARGIN + side + 8.0;
        let below = self.fields(sheet, (beside, top - 24.0), PAGE.0 - MARGIN - beside, 10.0);
        y = below.min(top - side) - 24.0;
        for (title, steps) in [("On an iPhone", ON_IPHONE), ("On an Android phone", ON_ANDROID)] {
            y = self.text(Font::Bold, 12.0, (MARGIN, y), width, 1, title) - 2.0;
            for step in steps {
                y = self.text(REGULAR, 10.5, (MARGIN, y), width, 2, step) - 2.0;
            }
            y -= 12.0;
        }
        let last = "It can be installed once. Whoever holds this sheet can install it: hand it to nobody else.";
        self.text(REGULAR, 9.5, (MARGIN, y), width, 2, last);
        Ok(())
    }

    fn third(&mut self, sheet: &Sheet, top: f32) -> Result<(), Error> {
        let width = PAGE.0 - 2.0 * MARGIN;
        let title = format!("{} - {}", sheet.carrier, sheet.plan);
        let mut y = self.text(Font::Bold, 13.0, (MARGIN, top), width, 1, &title);
        if !sheet.name.is_empty() {
            y = self.text(REGULAR, 10.0, (MARGIN, y), width, 1, &format!("For {}", sheet.name));
        }
        let side = 170.0;
        self.code(sheet, (MARGIN - 8.0, y + 8.0), side)?;
        let beside = MARGIN + side + 4.0;
        self.fields(sheet, (beside, y - 8.0), PAGE.0 - MARGIN - beside, 8.5);
        self.text(REGULAR, 8.5, (MARGIN, top - 212.0), width, 1, SHORT);
        Ok(())
    }
}

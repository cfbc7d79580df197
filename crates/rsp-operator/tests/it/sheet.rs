//! Sheets, as a foreign reader of PDF and a foreign reader of QR codes see them.

use std::path::Path;

use rsp_es::activation_code::ActivationCode;
use rsp_operator::Error;
use rsp_operator::sheet::{Layout, MAX_SHEETS, Sheet, pdf};

use crate::programs::run;

fn sheet(number: u32) -> Sheet {
    let matching_id = format!("MATCHING-ID-OF-{number:04}-7K3M9QXA");
    let code = ActivationCode::new("smdp.example.com", &matching_id, None, number % 2 == 1).unwrap();
    Sheet {
        name: format!("Subscriber {number}"),
        carrier: "Alpha Móvil".to_owned(),
        plan: "Europe 5 GB".to_owned(),
        iccid: "8900101000000000005".parse().unwrap(),
        activation_code: code,
    }
}

/// The pages' texts. Blanks and line ends are left out: a reader of PDF puts its own between pieces of text.
fn texts(document: &Path) -> Option<Vec<String>> {
    let text = run("pdftotext", &["-raw", "-enc", "UTF-8"], document);
    let text = text.map(|_| std::fs::read_to_string(document.with_extension("txt")).unwrap())?;
    let pages = text.split_terminator('\u{c}');
    Some(pages.map(|page| page.chars().filter(|c| !c.is_whitespace()).collect()).collect())
}

fn write(sheets: &[Sheet], layout: Layout, dir: &Path) -> std::path::PathBuf {
    let document = dir.join("sheets.pdf");
    std::fs::write(&document, pdf(sheets, layout, true).unwrap_or_else(|error| panic!("{error}"))).unwrap();
    document
}

#[test]
fn a_foreign_reader_finds_every_field_on_a_page() {
    let dir = tempfile::tempdir().unwrap();
    let sheets: Vec<_> = (0..3).map(sheet).collect();
    let Some(pages) = texts(&write(&sheets, Layout::One, dir.path())) else { return };
    assert_eq!(pages.len(), 3);
    for (number, page) in pages.iter().enumerate() {
        let uri = sheets[number].activation_code.to_uri().to_string();
        let matching_id = sheets[number].activation_code.matching_id();
        let expected = ["AlphaMóvil", "Europe5GB", "8900101000000000005", "smdp.example.com", matching_id, &uri];
        for text in expected.into_iter().chain(["TESTPKI", "underaGSMACI", "OnaniPhone", "OnanAndroidphone"]) {
            assert!(page.contains(text), "{text}: {page}");
        }
        assert!(page.contains(&format!("ForSubscriber{number}")));
        assert_eq!(page.contains("confirmationcodewillbeasked"), number == 1);
    }
}

#[test]
fn three_on_a_page_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let sheets: Vec<_> = (0..4).map(sheet).collect();
    let Some(pages) = texts(&write(&sheets, Layout::Three, dir.path())) else { return };
    assert_eq!(pages.len(), 2);
    for (number, sheet) in sheets.iter().enumerate() {
        assert!(pages[number / 3].contains(sheet.activation_code.to_uri().as_str()));
    }
}

#[test]
fn a_foreign_reader_of_qr_codes_reads_each_from_the_rendered_page() {
    for (layout, side) in [(Layout::One, 1), (Layout::Three, 3)] {
        let dir = tempfile::tempdir().unwrap();
        let mut sheets: Vec<_> = (0..6).map(sheet).collect();
        // The longest that there is.
        let longest = ActivationCode::new(&"a".repeat(60), &"B".repeat(150), Some("1.3.6.1.4.1.31746"), true).unwrap();
        sheets[4].activation_code = longest;
        let document = write(&sheets, layout, dir.path());
        let prefix = dir.path().join("page");
        let rendered =
            rsp_testkit::program("pdftoppm", |command| command.args(["-r", "150", "-png"]).arg(&document).arg(&prefix));
        let Some(rendered) = rendered else { return };
        assert!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
        for (page, sheets) in sheets.chunks(side).enumerate() {
            let image = dir.path().join(format!("page-{}.png", page + 1));
            let Some(read) = run("zbarimg", &["--quiet", "--raw"], &image) else { return };
            let mut read: Vec<_> = read.lines().map(str::to_owned).collect();
            read.sort();
            let mut wanted: Vec<_> = sheets.iter().map(|sheet| sheet.activation_code.to_uri().to_string()).collect();
            wanted.sort();
            assert_eq!(read, wanted);
        }
    }
}

#[test]
fn hostile_names_change_nothing_but_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let hostile = [
        ") Tj ET /F 99 Tf (",
        "\\) \\( \\\\ \\051",
        "endstream endobj 4 0 obj",
        "a\u{202E}gro.live\u{200B}\0\u{7}",
        "<script>alert(1)</script>",
        "王小明 Łukasz \u{1F600}",
        &"W".repeat(10_000),
        &"w ".repeat(10_000),
    ];
    let sheets: Vec<_> = hostile
        .iter()
        .map(|name| Sheet {
            name: (*name).to_owned(),
            carrier: (*name).to_owned(),
            plan: (*name).to_owned(),
            ..sheet(0)
        })
        .collect();
    for layout in [Layout::One, Layout::Three] {
        let on_page = if layout == Layout::One { 1 } else { 3 };
        let Some(pages) = texts(&write(&sheets, layout, dir.path())) else { return };
        assert_eq!(pages.len(), sheets.len().div_ceil(on_page));
        for (number, sheet) in sheets.iter().enumerate() {
            let page = &pages[number / on_page];
            assert!(page.contains(sheet.activation_code.to_uri().as_str()), "{page}");
            assert!(!page.contains('\u{202E}') && !page.contains('\0'));
        }
        assert!(pages[0].contains(")TjET/F99Tf("), "{}", pages[0]);
        assert!(pages[5 / on_page].contains("???Lukasz?"));
    }
}

#[test]
fn the_same_sheets_are_the_same_bytes_and_their_number_is_limited() {
    let sheets: Vec<_> = (0..2).map(sheet).collect();
    let one = pdf(&sheets, Layout::One, false).unwrap();
    assert_eq!(one, pdf(&sheets, Layout::One, false).unwrap());
    assert_ne!(one, pdf(&sheets, Layout::One, true).unwrap());
    assert!(matches!(pdf(&[], Layout::One, true), Err(Error::Invalid { field: "sheets", .. })));
    let many: Vec<_> = (0..=MAX_SHEETS as u32).map(sheet).collect();
    assert!(matches!(pdf(&many, Layout::One, true), Err(Error::Invalid { field: "sheets", .. })));
}

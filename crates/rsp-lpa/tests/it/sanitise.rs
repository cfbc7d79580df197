//! atk_qr_inject, as far as names from servers and cards are shown.

use rsp_lpa::sanitise::for_display;

#[test]
fn keeps_letters_and_takes_away_what_deceives() {
    for (name, shown) in [
        ("Grüße 日本", "Grüße 日本"),
        ("Acme\nTelco", "Acme Telco"),
        ("  a \t b  ", "a b"),
        ("safe\u{202E}gpj.exe", "safegpj.exe"),
        ("Op\u{200B}era\u{2060}tor\u{FEFF}", "Operator"),
        ("a\u{1B}[31mred", "a[31mred"),
        ("\u{2066}x\u{2069}", "x"),
        ("tag\u{E0041}", "tag"),
        ("soft\u{AD}hyphen", "softhyphen"),
        ("\u{0}\u{7F}\u{9B}", ""),
    ] {
        assert_eq!(for_display(name), shown, "{name:?}");
    }
    assert_eq!(for_display(&"x".repeat(100_000)).len(), 128);
}

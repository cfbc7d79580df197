//! Activation codes: what the standard writes, what people paste.

use proptest::prelude::*;
use rsp_es::activation_code::{ActivationCode, Diagnosis, FieldName, Severity, diagnose};

fn read(text: &str) -> (ActivationCode, Diagnosis) {
    let code = ActivationCode::parse_lenient(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    (code, diagnose(text))
}

fn deviations(diagnosis: &Diagnosis) -> usize {
    diagnosis.findings.iter().filter(|finding| finding.severity == Severity::Deviation).count()
}

/// The forms that SGP.22 4.1 gives as examples.
#[test]
fn reads_the_forms_of_the_standard() {
    let base = "1$SMDP.GSMA.COM$04386-AGYFT-A74Y8-3F815";
    let cases = [
        (base.to_owned(), None, false),
        (format!("{base}$$1"), None, true),
        (format!("{base}$1.3.6.1.4.1.31746$1"), Some("1.3.6.1.4.1.31746"), true),
        (format!("{base}$1.3.6.1.4.1.31746"), Some("1.3.6.1.4.1.31746"), false),
    ];
    for (text, oid, flag) in cases {
        let code = ActivationCode::parse_strict(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(code.smdp_address(), "SMDP.GSMA.COM");
        assert_eq!(code.matching_id(), "04386-AGYFT-A74Y8-3F815");
        assert_eq!(code.smdp_oid(), oid);
        assert_eq!(code.confirmation_code_required(), flag);
        assert_eq!(*code.to_text(), text);
        assert_eq!(*code.to_uri(), format!("LPA:{text}"));
        assert!(ActivationCode::parse_strict(&code.to_uri()).is_ok_and(|again| again == code));
    }
    let default = ActivationCode::parse_strict("1$SMDP.GSMA.COM$").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(default.matching_id(), "");
    assert_eq!(*default.to_text(), "1$SMDP.GSMA.COM$");
}

#[test]
fn forgives_what_people_paste_and_says_so() {
    for text in [
        "lpa:1$smdp.example.com$ABC-1",
        "  LPA:1$smdp.example.com$ABC-1\n",
        "LPA: 1 $ smdp.example.com $ ABC-1",
        "LPA:1\\$smdp.example.com\\$ABC-1",
        "'LPA:1$smdp.example.com$ABC-1'",
        "\"1$smdp.example.com$ABC-1\"",
        "“LPA:1$smdp.example.com$ABC-1”",
        "LPA%3A1%24smdp.example.com%24ABC-1",
        "LPA:1$https://smdp.example.com/$ABC-1",
        "LPA:1$smdp.example.com.$ABC-1",
        "\u{feff}LPA:1$smdp.example.com$ABC\u{200b}-1",
    ] {
        let (code, diagnosis) = read(text);
        assert_eq!((code.smdp_address(), code.matching_id()), ("smdp.example.com", "ABC-1"), "{text}");
        assert!(deviations(&diagnosis) > 0, "{text}");
        assert!(ActivationCode::parse_strict(text).is_err(), "{text}");
    }
}

#[test]
fn keeps_a_lower_case_matching_id_and_warns() {
    let (code, diagnosis) = read("1$A.EXAMPLE$abc_1");
    assert_eq!(code.matching_id(), "abc_1");
    assert_eq!(deviations(&diagnosis), 2);
    assert!(diagnosis.findings.iter().all(|finding| !finding.text.contains("abc_1")));
}

#[test]
fn a_confirmation_code_in_the_fourth_field_is_neither_an_oid_nor_shown() {
    let (code, diagnosis) = read("LPA:1$a.example$ABC$738201");
    assert_eq!(code.smdp_oid(), None);
    assert!(code.confirmation_code_required());
    assert_eq!(deviations(&diagnosis), 1);
    assert!(diagnosis.fields.iter().all(|field| !field.value.contains("738201")));
    assert!(diagnosis.findings.iter().all(|finding| !finding.text.contains("738201")));

    let (flag, _) = read("LPA:1$a.example$ABC$1");
    assert!(flag.confirmation_code_required() && flag.smdp_oid().is_none());
    let (other, diagnosis) = read("LPA:1$a.example$ABC$$4711");
    assert!(other.confirmation_code_required());
    assert!(diagnosis.fields.iter().all(|field| !field.value.contains("4711")));
}

#[test]
fn keeps_and_reports_fields_of_later_versions() {
    let text = "1$A.EXAMPLE$ABC$2.999.10$1$B6$1";
    let code = ActivationCode::parse_strict(text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(code.further_fields(), ["B6", "1"]);
    assert_eq!(*code.to_text(), text);
    let notes = diagnose(text);
    assert!(notes.findings.iter().any(|finding| finding.field == Some(FieldName::Further(6))));
}

#[test]
fn refuses_what_cannot_be_meant() {
    for (text, names) in [
        ("", "no activation code"),
        ("LPA:1", "single quotes"),
        ("1$", "missing"),
        ("1$$ABC", "missing"),
        ("2$a.example$ABC", "format 1"),
        ("$a.example$ABC", "starts with 1"),
        ("1$a..example$ABC", "host name"),
        ("1$-a.example$ABC", "hyphen"),
        ("1$a_b.example$ABC", "character _"),
        ("1$a.example/path$ABC", "character /"),
        ("1$a.example:0$ABC", "port"),
        ("1$a.example:65536$ABC", "port"),
        ("1$user@a.example$ABC", "character @"),
        ("1$bücher.example$ABC", "U+00FC"),
        ("1$a.example$ABÇ", "U+00C7"),
        ("1$a.example$ABC$1.40.3", "OID"),
        ("1$a.example$ABC$3.1", "OID"),
        ("1$a.example$ABC$1.02", "OID"),
        ("1$a.example$ABC$1..2", "OID"),
    ] {
        let error = ActivationCode::parse_lenient(text).err().unwrap_or_else(|| panic!("{text} was taken"));
        assert!(error.to_string().contains(names), "{text}: {error}");
    }
}

#[test]
fn holds_the_length_of_255_characters() {
    let room = 255 - "1$A.EXAMPLE$".len();
    let longest = format!("1$A.EXAMPLE${}", "A".repeat(room));
    assert!(ActivationCode::parse_strict(&format!("LPA:{longest}")).is_ok());
    assert!(ActivationCode::parse_lenient(&format!("{longest}A")).is_err());
    assert!(ActivationCode::parse_lenient(&"A$".repeat(1 << 20)).is_err());
}

#[test]
fn writes_nothing_that_it_would_read_otherwise() {
    assert!(ActivationCode::new("a.example", "A$B", None, false).is_err());
    assert!(ActivationCode::new("a.example", "AB", Some("2.999$1"), false).is_err());
    assert!(ActivationCode::new("a.example", "ab", None, false).is_err());
    assert!(ActivationCode::new("", "AB", None, false).is_err());
    assert!(ActivationCode::new("127.0.0.1:8443", "AB", Some("2.999.10"), true).is_ok());
}

proptest! {
    #[test]
    fn reads_back_what_it_writes(
        labels in proptest::collection::vec("[a-zA-Z0-9]([a-zA-Z0-9-]{0,10}[a-zA-Z0-9])?", 1..4),
        port in proptest::option::of(1_u16..),
        matching_id in "[0-9A-Z-]{0,52}",
        oid in proptest::option::of("2\\.999(\\.(0|[1-9][0-9]{0,8})){1,4}"),
        required: bool,
    ) {
        let mut address = labels.join(".");
        if let Some(port) = port {
            address.push_str(&format!(":{port}"));
        }
        let code = ActivationCode::new(&address, &matching_id, oid.as_deref(), required);
        prop_assert!(code.is_ok());
        if let Ok(code) = code {
            let again = ActivationCode::parse_strict(&code.to_uri());
            prop_assert!(again.is_ok_and(|again| again == code));
            prop_assert_eq!(code.smdp_address(), address);
            prop_assert_eq!(code.matching_id(), matching_id);
            prop_assert_eq!(code.smdp_oid(), oid.as_deref());
            prop_assert_eq!(code.confirmation_code_required(), required);
        }
    }

    #[test]
    fn survives_any_text(text in "\\PC{0,300}") {
        let diagnosis = diagnose(&text);
        prop_assert!(diagnosis.code().is_some() || diagnosis.findings.iter().any(|f| f.severity == Severity::Error));
    }

    #[test]
    fn survives_texts_of_its_own_alphabet(text in "(LPA:|lpa:)?[1$a.A:\\-\\\\ %24]{0,40}") {
        if let Ok(code) = ActivationCode::parse_lenient(&text) {
            let again = ActivationCode::parse_lenient(&code.to_text());
            prop_assert!(again.is_ok_and(|again| again == code));
        }
    }
}

/// What is read leniently is written as a code that reads the same, however often a shell quoted it.
#[test]
fn lenient_reading_is_idempotent() {
    let found_by_fuzzing =
        "LPA:1$srdp.ex$\u{8}2&\0\0\0".to_owned() + "3om$\u{8}$1.%\x00\x003.6.1.4.1.\\$$\\$$.1.\\ $1.\0:1";
    let encoded = "1%24smdp.example.com\\\\%24MATCHING-ID%24%24";
    for text in
        [found_by_fuzzing.as_str(), encoded, "LPA:1\\\\$smdp.example.com\\\\$MATCHING-ID", "1\\ $smdp.example.com$A"]
    {
        let Ok(code) = ActivationCode::parse_lenient(text) else { continue };
        for written in [code.to_text(), code.to_uri()] {
            assert!(ActivationCode::parse_lenient(&written).is_ok_and(|again| again == code), "{text:?}");
        }
    }
    let twice = ActivationCode::parse_lenient("LPA:1\\\\$smdp.example.com\\\\$MATCHING-ID").unwrap();
    assert!(twice == ActivationCode::parse_strict("LPA:1$smdp.example.com$MATCHING-ID").unwrap());
}

#[test]
fn reads_ipv6_addresses_in_brackets() {
    for address in ["[::1]", "[::1]:8443", "[2001:db8::1]:443", "192.0.2.1:8443"] {
        let code = ActivationCode::parse_strict(&format!("LPA:1${address}$ABC")).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(code.smdp_address(), address);
    }
    for address in ["::1", "[::1", "[::1]8443", "[::1]:", "[::1]:0", "[::g]", "[]", "[a]", "2001:db8::1"] {
        assert!(ActivationCode::parse_lenient(&format!("1${address}$ABC")).is_err(), "{address}");
    }
}

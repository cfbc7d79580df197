//! What users get, as foreign parsers see it.

use rsp_asn1::Timestamp;
use rsp_crypto::Zeroizing;
use rsp_es::activation_code::ActivationCode;
use rsp_operator::Error;
use rsp_operator::handoff::{Mail, links};
use rsp_testkit::SeededRandomness;

use crate::programs::run;

fn code(confirmation: bool) -> ActivationCode {
    ActivationCode::new("smdp.example.com:8443", "7K3M9-QXA2B", Some("1.3.6.1.4.1.31746"), confirmation).unwrap()
}

fn mail<'a>(code: &'a ActivationCode, to: &'a str, carrier: &'a str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mail =
        Mail { from: "shop@example.com", to: Some(to), carrier, plan: "5 GB", activation_code: code, test_pki: true };
    mail.eml(Timestamp(1_795_000_000), &mut SeededRandomness::new("mail"))
}

#[test]
fn links_carry_the_very_code_for_a_foreign_parser() {
    for address in ["smdp.example.com", "smdp.example.com:8443", "[2001:db8::1]:443", "127.0.0.1"] {
        for (matching_id, oid, confirmation) in
            [("A-B-1", None, false), ("", None, true), ("Z", Some("1.2.840.1"), true)]
        {
            let code = ActivationCode::new(address, matching_id, oid, confirmation).unwrap();
            let links = links(&code);
            assert_eq!(*links.uri, *code.to_uri());
            for (link, host) in [(&links.ios, "esimsetup.apple.com"), (&links.android, "esimsetup.android.com")] {
                assert!(!link.contains('#'));
                let uri: axum::http::Uri = link.parse().unwrap();
                assert_eq!((uri.scheme_str(), uri.host()), (Some("https"), Some(host)));
                assert_eq!((uri.path(), uri.authority().unwrap().as_str()), ("/esim_qrcode_provisioning", host));
                let query: Vec<_> = form_urlencoded::parse(uri.query().unwrap().as_bytes()).into_owned().collect();
                assert_eq!(query, [("carddata".to_owned(), links.uri.to_string())]);
                let read = ActivationCode::parse_strict(&query[0].1).unwrap();
                assert!(read == code);
            }
        }
    }
}

/// Reads a message with Python's library, writes its picture beside it, and prints headers and texts.
const READER: &str = r#"
import email, email.policy, sys
with open(sys.argv[1], 'rb') as file:
    message = email.message_from_binary_file(file, policy=email.policy.default)
assert not message.defects, message.defects
for name, value in message.items():
    print(f'{name}={value}')
for part in message.walk():
    assert not part.defects, part.defects
    kind = part.get_content_type()
    print('part', kind, part.get_content_disposition(), part['Content-ID'])
    if kind.startswith('text/'):
        print(part.get_content())
    if kind == 'image/png':
        open(sys.argv[1] + '.png', 'wb').write(part.get_content())
"#;

/// What the library says of a message, and its picture's code.
fn read(message: &[u8]) -> Option<(String, String)> {
    assert!(
        message
            .split(|byte| *byte == b'\n')
            .all(|line| line.len() <= 999 && (line.is_empty() || line.ends_with(b"\r")))
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("esim.eml");
    std::fs::write(&file, message).unwrap();
    let said = run("python3", &["-c", READER], &file)?;
    let scanned = run("zbarimg", &["--quiet", "--raw"], &dir.path().join("esim.eml.png"))?;
    Some((said, scanned.trim_end().to_owned()))
}

#[test]
fn a_foreign_parser_reads_the_mail_and_its_picture() {
    let code = code(true);
    let message = mail(&code, "ann@example.org", "Alpha Móvil & Söhne, the carrier of everybody who travels").unwrap();
    let Some((said, scanned)) = read(&message) else { return };
    assert_eq!(scanned, *code.to_uri());
    for line in [
        "From=shop@example.com",
        "To=ann@example.org",
        "Subject=Your eSIM: Alpha Móvil & Söhne, the carrier of everybody who travels, 5 GB",
        "Date=Wed, 18 Nov 2026 11:06:40 +0000",
        "X-Unsent=1",
        "part multipart/alternative None None",
        "part text/plain None None",
        "part multipart/related None None",
        "part text/html None None",
        "part image/png inline <qr>",
        "Activation code: LPA:1$smdp.example.com:8443$7K3M9-QXA2B$1.3.6.1.4.1.31746$1",
        "The phone will ask for a confirmation code, which you get on another way.",
        "This is for laboratories: consumer phones accept only an SM-DP+ under a GSMA CI.",
    ] {
        assert!(said.lines().any(|said| said == line), "{line}\n{said}");
    }
    assert!(said.contains("<h1>Alpha Móvil &amp; Söhne,"));
}

#[test]
fn nothing_becomes_a_header_or_markup_of_its_own() {
    let code = code(false);
    for to in ["a@b.com\r\nBcc: c@d.com", "a@b.com\nX: y", "a@b.com, c@d.com", "a@b.com\r", "<a@b.com>", ""] {
        let refused = mail(&code, to, "Alpha").err();
        assert!(matches!(refused, Some(Error::Invalid { field: "to", .. })), "{to:?}");
        let from =
            Mail { from: to, to: Some("a@b.com"), carrier: "A", plan: "B", activation_code: &code, test_pki: false };
        let refused = from.eml(Timestamp(0), &mut SeededRandomness::new("mail")).err();
        assert!(matches!(refused, Some(Error::Invalid { field: "from", .. })), "{to:?}");
    }
    let names = [
        "Alpha\r\nBcc: eve@example.com\r\n\r\n--=_texts",
        "=?UTF-8?B?QmNjOiBldmVAZXhhbXBsZS5jb20=?=",
        "<img src=x onerror=alert(1)>\u{202E}",
        &"long ".repeat(1_000),
    ];
    for name in names {
        let message = mail(&code, "a@b.com", name).unwrap();
        let Some((said, scanned)) = read(&message) else { return };
        assert_eq!(scanned, *code.to_uri());
        assert!(!said.lines().any(|line| line.starts_with("Bcc")), "{said}");
        assert!(!said.contains("<h1><") && !said.contains('\u{202E}') && said.len() < 4_000, "{said}");
        assert_eq!(said.lines().filter(|line| line.starts_with("part ")).count(), 5);
    }
}

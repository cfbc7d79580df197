//! An e-mail to be saved and sent by whoever wants to: RFC 5322 with MIME (RFC 2045 to 2049).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsp_asn1::Timestamp;
use rsp_crypto::{Randomness, RandomnessExt, Zeroizing};
use rsp_es::activation_code::ActivationCode;
use rsp_es::printable::printable;

use super::links::links;
use crate::error::Error;
use crate::qr;

/// Between the texts, and between the page and its picture. All that stands between is base64, where no `_` occurs.
const ALTERNATIVES: &str = "=_texts";
const RELATED: &str = "=_page";
/// Characters of a name in a subject or a text.
const NAME_LIMIT: usize = 100;
/// Octets of UTF-8 in an encoded word: with its frame it then has at most 75 characters (RFC 2047 2).
const WORD: usize = 42;

/// What goes into an e-mail about one eSIM.
pub struct Mail<'a> {
    /// Address of the sender.
    pub from: &'a str,
    /// Address of the one who gets it; without it whoever sends the message fills it in.
    pub to: Option<&'a str>,
    /// The carrier, as people know it.
    pub carrier: &'a str,
    /// The plan.
    pub plan: &'a str,
    /// What the QR code says.
    pub activation_code: &'a ActivationCode,
    /// Whether the SM-DP+ stands under a PKI of tests, which is then said.
    pub test_pki: bool,
}

impl Mail<'_> {
    /// The message as a file, with the QR code as a picture in it; programs for mail open it as a draft (`X-Unsent`).
    ///
    /// # Errors
    /// [`Error::Invalid`] when an address is none: what stands there could otherwise become a header of its own.
    pub fn eml(&self, now: Timestamp, randomness: &mut dyn Randomness) -> Result<Zeroizing<Vec<u8>>, Error> {
        let sender_domain = domain(self.from).ok_or_else(|| Error::invalid("from", "it is no e-mail address"))?;
        if self.to.is_some_and(|to| domain(to).is_none()) {
            return Err(Error::invalid("to", "it is no e-mail address"));
        }
        let subject = format!("Your eSIM: {}, {}", shown(self.carrier), shown(self.plan));
        let id = hex::encode(randomness.bytes::<16>());
        let png = Zeroizing::new(qr::png(&self.activation_code.to_uri()));
        let mut mail = Writer(Zeroizing::new(Vec::with_capacity(32_768)));
        mail.line(&format!("From: {}", self.from));
        if let Some(to) = self.to {
            mail.line(&format!("To: {to}"));
        }
        mail.line(&format!("Subject: {}", encoded_words(&subject)));
        mail.line(&format!("Date: {}", date(now)));
        mail.line(&format!("Message-ID: <{id}@{sender_domain}>"));
        mail.line("X-Unsent: 1");
        mail.line("MIME-Version: 1.0");
        mail.line(&format!("Content-Type: multipart/alternative; boundary=\"{ALTERNATIVES}\""));
        mail.line("");
        mail.part(ALTERNATIVES, &["Content-Type: text/plain; charset=utf-8"], self.text().as_bytes());
        mail.line(&format!("--{ALTERNATIVES}"));
        mail.line(&format!("Content-Type: multipart/related; type=\"text/html\"; boundary=\"{RELATED}\""));
        mail.line("");
        mail.part(RELATED, &["Content-Type: text/html; charset=utf-8"], self.html().as_bytes());
        let picture = [
            "Content-Type: image/png; name=\"esim.png\"",
            "Content-ID: <qr>",
            "Content-Disposition: inline; filename=\"esim.png\"",
        ];
        mail.part(RELATED, &picture, &png);
        mail.line(&format!("--{RELATED}--"));
        mail.line(&format!("--{ALTERNATIVES}--"));
        Ok(mail.0)
    }

    fn text(&self) -> Zeroizing<String> {
        let links = links(self.activation_code);
        let mut text = format!(
            "Your eSIM: {}, {}\r\n\r\niPhone: {}\r\n\r\nAndroid: {}\r\n\r\nOr scan the QR code, or type these into the phone:\r\n\
             SM-DP+ address: {}\r\nMatching ID: {}\r\nActivation code: {}\r\n\r\nIt can be installed once. Whoever has this \
             message can install it.\r\n",
            shown(self.carrier),
            shown(self.plan),
            *links.ios,
            *links.android,
            self.activation_code.smdp_address(),
            self.activation_code.matching_id(),
            *links.uri,
        );
        for sentence in self.remarks() {
            text.push_str("\r\n");
            text.push_str(sentence);
            text.push_str("\r\n");
        }
        Zeroizing::new(text)
    }

    fn html(&self) -> Zeroizing<String> {
        let links = links(self.activation_code);
        let mut html = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Your eSIM</title><h1>{}</h1><p>{}</p>\
             <p><a href=\"{}\">Install on this iPhone</a></p><p><a href=\"{}\">Install on this Android phone</a></p>\
             <p>Or scan this with the phone:</p><p><img src=\"cid:qr\" alt=\"QR code of the eSIM\" width=\"300\"></p>\
             <p>Or type these into the phone:</p><dl><dt>SM-DP+ address</dt><dd>{}</dd><dt>Matching ID</dt><dd>{}</dd>\
             <dt>Activation code</dt><dd>{}</dd></dl><p>It can be installed once. Whoever has this message can install it.</p>",
            escaped(&shown(self.carrier)),
            escaped(&shown(self.plan)),
            escaped(&links.ios),
            escaped(&links.android),
            escaped(self.activation_code.smdp_address()),
            escaped(self.activation_code.matching_id()),
            escaped(&links.uri),
        );
        for sentence in self.remarks() {
            html.push_str(&format!("<p><strong>{sentence}</strong></p>"));
        }
        html.push_str("</html>");
        Zeroizing::new(html)
    }

    /// What has to be said besides.
    fn remarks(&self) -> impl Iterator<Item = &'static str> {
        let code = "The phone will ask for a confirmation code, which you get on another way.";
        let test = "This is for laboratories: consumer phones accept only an SM-DP+ under a GSMA CI.";
        let code = self.activation_code.confirmation_code_required().then_some(code);
        code.into_iter().chain(self.test_pki.then_some(test))
    }
}

fn shown(name: &str) -> String {
    printable(name, NAME_LIMIT)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The domain of an address of the plainest form, `atoms@labels` (RFC 5321 4.1.2 without quotes, literals and UTF-8).
fn domain(address: &str) -> Option<&str> {
    let (local, domain) = address.rsplit_once('@')?;
    let is_atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let atoms = local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom));
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let well_formed = atoms && local.len() <= 64 && domain.len() <= 253 && domain.split('.').all(is_label);
    well_formed.then_some(domain)
}

/// A text of a header, on as many lines as it needs (RFC 2047).
fn encoded_words(text: &str) -> String {
    if text.len() <= WORD && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && !text.contains("=?") {
        return text.to_owned();
    }
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        if word.len() + c.len_utf8() > WORD {
            words.push(std::mem::take(&mut word));
        }
        word.push(c);
    }
    words.push(word);
    let words: Vec<_> = words.iter().map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word))).collect();
    words.join("\r\n ")
}

/// As RFC 5322 3.3 writes it.
fn date(at: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day, hour, minute, second) = at.civil();
    // 1970 began on a Thursday.
    let weekday = usize::try_from(at.0.div_euclid(86_400).rem_euclid(7)).ok().and_then(|day| DAYS.get(day));
    let month = MONTHS.get(usize::from(month).wrapping_sub(1));
    let (weekday, month) = (weekday.unwrap_or(&DAYS[0]), month.unwrap_or(&MONTHS[0]));
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000")
}

struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    fn line(&mut self, line: &str) {
        self.0.extend_from_slice(line.as_bytes());
        self.0.extend_from_slice(b"\r\n");
    }

    /// A part in base64, in lines of 76 characters.
    fn part(&mut self, boundary: &str, headers: &[&str], body: &[u8]) {
        self.line(&format!("--{boundary}"));
        headers.iter().for_each(|header| self.line(header));
        self.line("Content-Transfer-Encoding: base64");
        self.line("");
        for chunk in body.chunks(57) {
            self.line(&Zeroizing::new(STANDARD.encode(chunk)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{date, domain, encoded_words};
    use rsp_asn1::Timestamp;

    #[test]
    fn addresses_are_of_the_plainest_form() {
        for good in ["ann@example.com", "a.b+c@sub.example.com", "x@localhost", "!#$%&'*+-/=?^_`{|}~@e.org"] {
            assert_eq!(domain(good), good.rsplit_once('@').map(|(_, domain)| domain));
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@-a.com",
            "ann@a..com",
            "a..b@c.com",
            ".a@c.com",
            "ann@example.com\r\nBcc: b@c.com",
            "ann@example.com, bob@example.com",
            "Ann <ann@example.com>",
            "a b@c.com",
            "\"a\"@c.com",
            "a@[127.0.0.1]",
            "é@c.com",
            "a@é.com",
            "a@c.com\0",
            "a\n@c.com",
            &long,
        ] {
            assert_eq!(domain(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn dates_are_those_of_the_standard() {
        assert_eq!(date(Timestamp(0)), "Thu, 01 Jan 1970 00:00:00 +0000");
        // As date -R writes it.
        assert_eq!(date(Timestamp(1_795_000_000)), "Wed, 18 Nov 2026 11:06:40 +0000");
        assert_eq!(date(Timestamp(-1)), "Wed, 31 Dec 1969 23:59:59 +0000");
    }

    #[test]
    fn long_and_foreign_subjects_are_folded() {
        assert_eq!(encoded_words("Your eSIM: Alpha, 5 GB"), "Your eSIM: Alpha, 5 GB");
        for text in ["ä".repeat(200), "=?UTF-8?B?AA==?=".to_owned(), "x".repeat(300)] {
            for line in encoded_words(&text).split("\r\n") {
                assert!(line.len() <= 76 && line.trim_start().starts_with("=?UTF-8?B?"), "{line}");
            }
        }
    }
}

//! The reader behind [`diagnose`](super::diagnose).

use std::net::Ipv6Addr;

use zeroize::Zeroizing;

use super::diagnosis::{Diagnosis, Field, FieldName, Finding, Severity};
use super::{ActivationCode, MAX_LENGTH};

pub(super) const PREFIX: &str = "LPA:";

/// Text beyond this is not even looked at: no activation code with all its decoration comes near.
const MAX_INPUT: usize = 4096;

/// Longest host name (RFC 1035 2.3.4).
const MAX_HOST: usize = 253;

pub(super) fn diagnose(text: &str) -> Diagnosis {
    let mut reader = Reader { fields: Vec::new(), findings: Vec::new() };
    let read = reader.read(text);
    let code = read.filter(|_| reader.findings.iter().all(|finding| finding.severity != Severity::Error));
    Diagnosis { code, fields: reader.fields, findings: reader.findings }
}

struct Reader {
    fields: Vec<Field>,
    findings: Vec<Finding>,
}

impl Reader {
    fn read(&mut self, text: &str) -> Option<ActivationCode> {
        if text.len() > MAX_INPUT {
            self.findings.push(Finding::error(
                None,
                format!("{} bytes are no activation code: the longest has {MAX_LENGTH} characters", text.len()),
            ));
            return None;
        }
        let text = self.undecorate(text);
        let body = self.prefix(&text);
        if body.len() > MAX_LENGTH {
            self.findings.push(Finding::error(
                None,
                format!("{} characters are too many: the longest code has {MAX_LENGTH}", body.len()),
            ));
            return None;
        }
        let parts: Vec<&str> = body.split('$').collect();
        if !self.format(parts[0], parts.len()) {
            return None;
        }
        let smdp_address = self.address(parts.get(1).copied());
        let matching_id = self.matching_id(parts.get(2).copied());
        let (smdp_oid, flag_in_oid) = self.oid(parts.get(3).copied());
        let flag = self.flag(parts.get(4).copied());
        let further = self.further(parts.get(5..).unwrap_or_default());
        Some(ActivationCode {
            smdp_address: smdp_address?,
            matching_id: Zeroizing::new(matching_id?),
            smdp_oid,
            confirmation_code_required: flag || flag_in_oid,
            further,
        })
    }

    /// Takes away what a shell, a mail program or a person put around and between the characters.
    fn undecorate(&mut self, text: &str) -> Zeroizing<String> {
        let mut text = Zeroizing::new(text.to_owned());
        let quoted =
            [('"', '"'), ('\'', '\''), ('<', '>'), ('`', '`'), ('“', '”')].into_iter().find_map(|(open, close)| {
                text.trim().strip_prefix(open)?.strip_suffix(close).map(|inner| Zeroizing::new(inner.to_owned()))
            });
        if let Some(inner) = quoted {
            self.findings.push(Finding::deviation(None, "the quotation marks around the code are left out"));
            text = inner;
        }
        if text.chars().any(is_blank) {
            self.findings.push(Finding::deviation(None, "blanks and invisible characters are left out"));
            text = Zeroizing::new(text.chars().filter(|c| !is_blank(*c)).collect());
        }
        if !text.contains('$') && text.contains("%24") {
            self.findings.push(Finding::deviation(None, "%24 is read as $, which a web address encodes so"));
            text = Zeroizing::new(text.replace("%24", "$").replace("%3A", ":").replace("%3a", ":"));
        }
        if text.contains("\\$") {
            self.findings.push(Finding::deviation(None, "the backslashes before $ are a shell's and are left out"));
            // All of them: quoted twice, a dollar has more than one, and no code has any.
            text = Zeroizing::new(text.chars().filter(|c| *c != '\\').collect());
        }
        text
    }

    fn prefix<'t>(&mut self, text: &'t str) -> &'t str {
        let Some(prefix) = text.get(..PREFIX.len()).filter(|prefix| prefix.eq_ignore_ascii_case(PREFIX)) else {
            return text;
        };
        if prefix != PREFIX {
            self.findings.push(Finding::deviation(FieldName::Prefix, "it is written in upper case: LPA:"));
        }
        self.field(FieldName::Prefix, prefix, "content of a QR code");
        &text[PREFIX.len()..]
    }

    /// Whether the first field is a format that the rest can be read by.
    fn format(&mut self, format: &str, fields: usize) -> bool {
        let problem = match (format, fields) {
            ("", 1) => "there is no activation code".to_owned(),
            (_, 1) => {
                "there is no $ in it; on a command line the code stands in single quotes, or the shell takes $… away"
                    .to_owned()
            }
            ("1", _) => {
                self.field(FieldName::Format, format, "activation code of SGP.22");
                return true;
            }
            ("", _) => "the code starts with 1, the number of its format".to_owned(),
            _ => "only format 1 is known".to_owned(),
        };
        self.findings.push(Finding::error(FieldName::Format, problem));
        false
    }

    fn address(&mut self, address: Option<&str>) -> Option<String> {
        let name = FieldName::SmdpAddress;
        let mut address = address.unwrap_or_default();
        if let Some(host) = address.strip_prefix("https://") {
            self.findings.push(Finding::deviation(name, "https:// is left out: the field is a host name"));
            address = host;
        }
        if let Some(host) = address.strip_suffix('/').or_else(|| address.strip_suffix('.')) {
            self.findings.push(Finding::deviation(name, "the last character is left out: the field is a host name"));
            address = host;
        }
        if let Err(problem) = check_address(address) {
            self.field(name, &shown(address), "not a host name");
            self.findings.push(Finding::error(name, problem));
            return None;
        }
        let (host, port) = split_port(address);
        if port.is_some() {
            self.findings.push(Finding::note(name, "the port is not part of the standard's host name"));
        }
        if !host.contains(['.', ':']) {
            self.findings
                .push(Finding::note(name, "the host name has one label only and works in a local network at most"));
        }
        if host.bytes().any(|b| b.is_ascii_lowercase()) {
            self.findings.push(Finding::note(
                name,
                "a QR code in alphanumeric mode holds upper case only; a host name means the same in both",
            ));
        }
        self.field(name, address, "the profile is downloaded from here");
        Some(address.to_owned())
    }

    fn matching_id(&mut self, matching_id: Option<&str>) -> Option<String> {
        let name = FieldName::MatchingId;
        let Some(matching_id) = matching_id else {
            self.findings.push(Finding::deviation(name, "it is missing and read as empty: 1$address$"));
            self.field(name, "", EMPTY_MATCHING_ID);
            return Some(String::new());
        };
        if let Some(foreign) = matching_id.chars().find(|c| !c.is_ascii_graphic()) {
            self.field(name, &shown(matching_id), "not a MatchingID");
            self.findings.push(Finding::error(name, format!("{} cannot stand in it", character(foreign))));
            return None;
        }
        if matching_id.bytes().any(|b| b.is_ascii_lowercase()) {
            self.findings.push(Finding::deviation(
                name,
                "it has lower-case letters and is sent as it is; if the server refuses it, try upper case",
            ));
        }
        if let Some(foreign) = matching_id.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            self.findings.push(Finding::deviation(
                name,
                format!("{} is none of 0-9 A-Z and hyphen; it is sent as it is", character(foreign)),
            ));
        }
        self.field(name, matching_id, if matching_id.is_empty() { EMPTY_MATCHING_ID } else { "names the order" });
        Some(matching_id.to_owned())
    }

    /// The OID, and whether the field was a confirmation flag or code instead.
    fn oid(&mut self, oid: Option<&str>) -> (Option<String>, bool) {
        let name = FieldName::SmdpOid;
        match oid {
            None => (None, false),
            Some("") => {
                self.field(name, "", "any OID");
                (None, false)
            }
            Some("1") => {
                self.findings.push(Finding::deviation(
                    name,
                    "a 1 belongs into field 5; it is read as confirmation code required",
                ));
                self.field(name, "1", "a confirmation code will be asked for");
                (None, true)
            }
            Some(oid) if is_oid(oid) => {
                self.field(name, oid, "the server's certificate must carry this OID");
                (Some(oid.to_owned()), false)
            }
            Some(oid) if oid.contains('.') => {
                self.findings.push(Finding::error(name, "not an OID in dotted form, such as 2.999.10"));
                self.field(name, &shown(oid), "not an OID");
                (None, false)
            }
            Some(_) => {
                self.findings.push(Finding::deviation(
                    name,
                    "not an OID; it looks like a confirmation code, which does not belong into an activation code. \
                     It is not used: enter the confirmation code when asked",
                ));
                self.field(name, MASK, "probably a confirmation code");
                (None, true)
            }
        }
    }

    fn flag(&mut self, flag: Option<&str>) -> bool {
        let name = FieldName::ConfirmationCodeRequired;
        match flag {
            None => false,
            Some("") => {
                self.field(name, "", "no confirmation code announced");
                false
            }
            Some("1") => {
                self.field(name, "1", "a confirmation code will be asked for");
                true
            }
            Some("0") => {
                self.findings.push(Finding::deviation(name, "0 is not defined; it is read as not required"));
                self.field(name, "0", "no confirmation code announced");
                false
            }
            Some(_) => {
                self.findings.push(Finding::deviation(
                    name,
                    "only 1 is defined; it is read as required, and the field is not used as the code itself",
                ));
                self.field(name, MASK, "a confirmation code will be asked for");
                true
            }
        }
    }

    fn further(&mut self, fields: &[&str]) -> Vec<String> {
        for (index, text) in fields.iter().enumerate() {
            let name = FieldName::Further(index + 6);
            match text.chars().find(|c| !c.is_ascii_graphic()) {
                Some(foreign) => {
                    self.findings.push(Finding::error(name, format!("{} cannot stand in it", character(foreign))));
                    self.field(name, &shown(text), "not readable");
                }
                None => {
                    self.findings.push(Finding::note(name, "defined by a later version of the standard and not used"));
                    self.field(name, text, "not used");
                }
            }
        }
        fields.iter().map(|text| (*text).to_owned()).collect()
    }

    fn field(&mut self, name: FieldName, value: &str, meaning: &str) {
        self.fields.push(Field { name, value: value.to_owned(), meaning: meaning.to_owned() });
    }
}

const EMPTY_MATCHING_ID: &str = "empty: the server looks for an order of this EID";
const MASK: &str = "(hidden)";

/// White space and characters that take no room: they come along when a code is copied out of a web page.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn character(c: char) -> String {
    if c.is_ascii_graphic() { format!("the character {c}") } else { format!("the character U+{:04X}", u32::from(c)) }
}

/// A text that is not known to be harmless, for the eyes of a person.
fn shown(text: &str) -> String {
    text.chars().take(MAX_LENGTH).flat_map(char::escape_default).collect()
}

/// Host and port; the colons between the brackets of an IPv6 address are the host's.
fn split_port(address: &str) -> (&str, Option<&str>) {
    if let Some(end) = address.find(']').filter(|_| address.starts_with('[')) {
        let (host, rest) = address.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            // Something else stands behind the bracket: no host at all.
            None => (address, None),
        };
    }
    match address.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (address, None),
    }
}

fn check_address(address: &str) -> Result<(), String> {
    if address.is_empty() {
        return Err("it is missing".to_owned());
    }
    if address.parse::<Ipv6Addr>().is_ok() {
        return Err("an IPv6 address stands in brackets".to_owned());
    }
    let (host, port) = split_port(address);
    if let Some(port) = port
        && (port.starts_with('0') || !port.bytes().all(|b| b.is_ascii_digit()) || port.parse::<u16>().is_err())
    {
        return Err("after the colon stands no port number".to_owned());
    }
    if host.starts_with('[') {
        let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        return match literal.and_then(|literal| literal.parse::<Ipv6Addr>().ok()) {
            Some(_) => Ok(()),
            None => Err("between brackets stands an IPv6 address".to_owned()),
        };
    }
    if let Some(foreign) = host.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))) {
        return Err(format!("{} cannot stand in a host name", character(foreign)));
    }
    if host.len() > MAX_HOST {
        return Err(format!("a host name has at most {MAX_HOST} characters"));
    }
    for label in host.split('.') {
        if label.is_empty() || label.len() > 63 || label.starts_with('-') || label.ends_with('-') {
            return Err(
                "between the dots of a host name stand 1 to 63 characters, without a hyphen at either end".to_owned()
            );
        }
    }
    Ok(())
}

/// Whether the text is an OID in dotted form: two arcs or more, no leading zeros, the first arcs as X.660 allows them.
fn is_oid(text: &str) -> bool {
    let arcs: Vec<&str> = text.split('.').collect();
    let well_formed = |arc: &&str| {
        !arc.is_empty()
            && arc.len() <= 39
            && arc.bytes().all(|b| b.is_ascii_digit())
            && (*arc == "0" || !arc.starts_with('0'))
    };
    if arcs.len() < 2 || !arcs.iter().all(well_formed) {
        return false;
    }
    match arcs[0] {
        "0" | "1" => arcs[1].parse::<u8>().is_ok_and(|second| second < 40),
        "2" => true,
        _ => false,
    }
}

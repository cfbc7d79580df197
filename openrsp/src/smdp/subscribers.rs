//! Files of subscribers: one on a line, `IMSI,K,OPc`, the keys in hexadecimal.

use std::collections::HashMap;
use std::path::Path;

use rsp_crypto::Zeroizing;
use rsp_store::SubscriberInStock;

use super::bad_input;
use crate::system::require_private;

/// What the first line may say instead of a subscriber.
const HEADER: &str = "imsi,k,opc";

/// Reads a file of subscribers. Others must not be able to read it: it holds their keys.
pub(super) fn read_file(file: &Path) -> anyhow::Result<Vec<SubscriberInStock>> {
    require_private(file)?;
    let text = std::fs::read_to_string(file).map_err(|error| bad_input(format!("{}: {error}", file.display())))?;
    parse(&Zeroizing::new(text)).map_err(|problem| bad_input(format!("{}: {problem}", file.display())))
}

/// Reads the lines; empty ones, and those that begin with `#`, say nothing.
fn parse(text: &str) -> Result<Vec<SubscriberInStock>, String> {
    let mut subscribers = Vec::new();
    let mut lines = HashMap::new();
    // Spreadsheets begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let header = index == 0 && line.replace(' ', "").eq_ignore_ascii_case(HEADER);
        if line.is_empty() || line.starts_with('#') || header {
            continue;
        }
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let [imsi, key, opc] = fields.as_slice() else {
            return Err(format!("line {}: IMSI,K,OPc are expected, the keys in hexadecimal", index + 1));
        };
        if !is_imsi(imsi) {
            return Err(format!("line {}: IMSI {imsi:?} is not 6 to 15 digits", index + 1));
        }
        if let Some(earlier) = lines.insert(*imsi, index + 1) {
            return Err(format!("line {}: IMSI {imsi} stands on line {earlier} already", index + 1));
        }
        subscribers.push(subscriber(imsi, key, opc).map_err(|problem| format!("line {}: {problem}", index + 1))?);
    }
    if subscribers.is_empty() { Err("no subscriber is in it".to_owned()) } else { Ok(subscribers) }
}

fn is_imsi(text: &str) -> bool {
    (6..=15).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// A subscriber from texts. A problem never repeats a key.
pub(super) fn subscriber(imsi: &str, key: &str, opc: &str) -> Result<SubscriberInStock, String> {
    let mut keys = Zeroizing::new([0; 32]);
    let (first, second) = keys.split_at_mut(16);
    for (name, text, place) in [("K", key, first), ("OPc", opc, second)] {
        hex::decode_to_slice(text, place).map_err(|_| format!("{name} is no 32 hexadecimal digits"))?;
    }
    Ok(SubscriberInStock { imsi: imsi.to_owned(), keys })
}

#[cfg(test)]
mod tests {
    use super::parse;

    const K: &str = "000102030405060708090a0b0c0d0e0f";
    const OPC: &str = "F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF";

    #[test]
    fn reads_subscribers_with_and_without_header() {
        for text in [
            format!("001010000000001,{K},{OPC}\n001010000000002,{OPC},{K}"),
            format!("IMSI, K, OPc\r\n# two\r\n\r\n001010000000001, {K}, {OPC}\r\n001010000000002,{OPC},{K}\r\n"),
        ] {
            let read = parse(&text).unwrap_or_else(|problem| panic!("{problem}"));
            let read: Vec<_> = read.iter().map(|one| (one.imsi.as_str(), one.keys[1], one.keys[31])).collect();
            assert_eq!(read, [("001010000000001", 1, 0xFF), ("001010000000002", 0xF1, 0x0F)]);
        }
    }

    #[test]
    fn a_problem_names_its_line_and_no_key() {
        let line = format!("001010000000001,{K},{OPC}");
        for (text, problem) in [
            (format!("{line}\n001010000000002,{K}"), "line 2: IMSI,K,OPc are expected, the keys in hexadecimal"),
            (format!("{line}\n001010000000002,{K}0,{OPC}"), "line 2: K is no 32 hexadecimal digits"),
            (format!("001010000000002,{K},secret"), "line 1: OPc is no 32 hexadecimal digits"),
            ("imsi,k,opc\n".to_owned(), "no subscriber is in it"),
        ] {
            assert_eq!(parse(&text).err().as_deref(), Some(problem));
        }
    }
}

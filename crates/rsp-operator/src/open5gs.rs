//! Lists of subscribers as Open5GS exports them.
//!
//! - JSON, an array or one document after the other, as `mongoexport` writes the collection `subscribers`:
//!   `{"imsi": …, "msisdn": […], "security": {"k": …, "op": …, "opc": …}, …}`. The rest of a document is the network's.
//! - CSV with a header, whose columns have the names of the collection (`imsi`, `security.k`, …) or those of open5gs-dbctl
//!   (`imsi`, `key`, `opc`); or without, in the order in which `open5gs-dbctl add` takes them.
//!
//! OP becomes OPc = AES-K(OP) ⊕ OP (3GPP TS 35.206 4.1). A problem names its line, and never repeats a key.

mod csv;
mod json;
mod key;
mod sell;

use std::collections::HashMap;

use rsp_crypto::{Zeroizing, constant_time_eq, symmetric};
use rsp_store::SubscriberInStock;

use crate::error::Error;
use key::Key;
pub(crate) use sell::check;
pub use sell::{Imported, Plan, import};

/// Subscribers that one list may have.
pub const MAX_SUBSCRIBERS: usize = 10_000;

/// One subscriber of a list.
pub struct Subscriber {
    /// IMSI, decimal digits.
    pub imsi: String,
    /// Telephone numbers, digits; often none.
    pub msisdn: Vec<String>,
    /// K (16 bytes), then OPc (16 bytes).
    pub keys: Zeroizing<[u8; 32]>,
}

impl Subscriber {
    /// What it is called on paper: its first number, if it has one, and the IMSI.
    pub fn name(&self) -> String {
        match self.msisdn.first() {
            Some(number) => format!("+{number} (IMSI {})", self.imsi),
            None => format!("IMSI {}", self.imsi),
        }
    }

    /// As the stock of an SM-DP+ takes it.
    pub fn in_stock(&self) -> SubscriberInStock {
        SubscriberInStock { imsi: self.imsi.clone(), keys: self.keys.clone() }
    }
}

/// The IMSI in what a subscriber is called; see [`Subscriber::name`].
pub(crate) fn imsi_of(name: &str) -> Option<&str> {
    let (_, imsi) = name.trim_end_matches(')').rsplit_once("IMSI ")?;
    Some(imsi)
}

/// Reads a list, in whichever of the forms it is: all of it, or nothing.
///
/// # Errors
/// [`Error::Invalid`] for the first line that is not what it should be, for an IMSI that comes twice, for a list without
/// subscribers, and for one with more than [`MAX_SUBSCRIBERS`].
pub fn read(list: &[u8]) -> Result<Vec<Subscriber>, Error> {
    let invalid = |problem: String| Error::invalid("subscribers", problem);
    let text = std::str::from_utf8(list).map_err(|_| invalid("the list is not UTF-8".to_owned()))?;
    // Spreadsheets begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_json = text.trim_start().starts_with(['[', '{']);
    let rows = if is_json { json::rows(text) } else { csv::rows(text) }.map_err(invalid)?;
    let mut lines = HashMap::new();
    let mut subscribers = Vec::with_capacity(rows.len());
    for row in rows {
        let line = row.line;
        let subscriber = row.check().map_err(|problem| invalid(format!("line {line}: {problem}")))?;
        if let Some(earlier) = lines.insert(subscriber.imsi.clone(), line) {
            let problem = format!("line {line}: IMSI {} stands on line {earlier} already", subscriber.imsi);
            return Err(invalid(problem));
        }
        subscribers.push(subscriber);
    }
    if subscribers.is_empty() { Err(invalid("no subscriber is in it".to_owned())) } else { Ok(subscribers) }
}

/// A subscriber as a list has it, before anything is checked.
struct Row {
    /// Where it begins, from 1.
    line: usize,
    imsi: String,
    msisdn: Vec<String>,
    k: Key,
    op: Key,
    opc: Key,
}

impl Row {
    fn check(self) -> Result<Subscriber, String> {
        let is_digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
        if !(6..=15).contains(&self.imsi.len()) || !is_digits(&self.imsi) {
            return Err("the IMSI is not 6 to 15 digits".to_owned());
        }
        let msisdn: Vec<_> = self.msisdn.iter().map(|number| number.trim_start_matches('+').to_owned()).collect();
        if msisdn.iter().any(|number| !(1..=15).contains(&number.len()) || !is_digits(number)) {
            return Err("an MSISDN is not 1 to 15 digits".to_owned());
        }
        let k = self.k.get("K")?.ok_or("K is missing")?;
        let computed = self.op.get("OP")?.map(|op| opc_of(&k, &op));
        let opc = match (self.opc.get("OPc")?, computed) {
            (None, None) => return Err("neither OPc nor OP is there".to_owned()),
            (Some(opc), None) | (None, Some(opc)) => opc,
            (Some(opc), Some(computed)) if constant_time_eq(&*opc, &*computed) => opc,
            (Some(_), Some(_)) => return Err("OPc is not the one of K and OP".to_owned()),
        };
        let mut keys = Zeroizing::new([0; 32]);
        let (first, second) = keys.split_at_mut(16);
        first.copy_from_slice(&*k);
        second.copy_from_slice(&*opc);
        Ok(Subscriber { imsi: self.imsi, msisdn, keys })
    }
}

/// OPc = AES-K(OP) ⊕ OP (3GPP TS 35.206 4.1).
fn opc_of(k: &[u8; 16], op: &[u8; 16]) -> Zeroizing<[u8; 16]> {
    let mut opc = Zeroizing::new(symmetric::aes128_ecb_encrypt_block(k, op));
    opc.iter_mut().zip(op).for_each(|(byte, op)| *byte ^= op);
    opc
}

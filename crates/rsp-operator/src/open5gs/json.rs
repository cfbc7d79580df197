//! The collection as `mongoexport` writes it: documents one after the other, or in an array.

use serde::Deserialize;
use serde_json::Deserializer;
use serde_json::error::Category;

use super::key::Key;
use super::{MAX_SUBSCRIBERS, Row};

/// What we need of a document.
#[derive(Deserialize)]
struct Document {
    imsi: String,
    #[serde(default)]
    msisdn: Vec<String>,
    security: Security,
}

#[derive(Deserialize)]
struct Security {
    #[serde(default)]
    k: Key,
    #[serde(default)]
    op: Key,
    #[serde(default)]
    opc: Key,
}

/// The rows of a text that begins, after blanks, with `[` or `{`.
pub(super) fn rows(text: &str) -> Result<Vec<Row>, String> {
    let mut place = Place { rest: text, line: 1 };
    let in_array = place.next_is('[');
    let mut rows = Vec::new();
    loop {
        if in_array && (rows.is_empty() || !place.next_is(',')) && place.next_is(']') {
            break;
        }
        if !in_array && place.at_end() {
            break;
        }
        if rows.len() == MAX_SUBSCRIBERS {
            return Err(format!("there are more than {MAX_SUBSCRIBERS} subscribers in it"));
        }
        let (line, document) = place.document()?;
        let Document { imsi, msisdn, security: Security { k, op, opc } } = document;
        rows.push(Row { line, imsi, msisdn, k, op, opc });
    }
    if place.at_end() { Ok(rows) } else { Err(format!("line {}: something stands behind the list", place.line)) }
}

/// How far a text is read.
struct Place<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Place<'a> {
    fn skip(&mut self, bytes: usize) {
        let (skipped, rest) = self.rest.split_at(bytes);
        self.line += skipped.bytes().filter(|byte| *byte == b'\n').count();
        self.rest = rest;
    }

    fn skip_blanks(&mut self) {
        let blanks = self.rest.len() - self.rest.trim_ascii_start().len();
        self.skip(blanks);
    }

    fn at_end(&mut self) -> bool {
        self.skip_blanks();
        self.rest.is_empty()
    }

    /// Skips a character, if it is the next.
    fn next_is(&mut self, c: char) -> bool {
        self.skip_blanks();
        let is = self.rest.starts_with(c);
        if is {
            self.skip(c.len_utf8());
        }
        is
    }

    /// The next document, and the line where it begins. What serde says of an error may repeat what it found, so only its
    /// place is told.
    fn document(&mut self) -> Result<(usize, Document), String> {
        self.skip_blanks();
        let line = self.line;
        let mut documents = Deserializer::from_str(self.rest).into_iter::<Document>();
        match documents.next() {
            Some(Ok(document)) => {
                let read = documents.byte_offset();
                self.skip(read);
                Ok((line, document))
            }
            Some(Err(error)) => {
                let line = line + error.line().saturating_sub(1);
                Err(match error.classify() {
                    Category::Data => {
                        format!("line {line}: this is no document of a subscriber, with imsi (text) and security")
                    }
                    _ => {
                        format!("line {line}: this is no JSON; `mongoexport` writes it, the shell of MongoDB does not")
                    }
                })
            }
            None => Err(format!("line {line}: the list ends too early")),
        }
    }
}

//! Lists of comma-separated values.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::key::Key;
use super::{MAX_SUBSCRIBERS, Row};
use crate::lines::{ended, line_of};

/// Where in a record something stands.
struct Columns {
    imsi: usize,
    k: usize,
    op: Option<usize>,
    opc: Option<usize>,
    msisdn: Vec<usize>,
}

pub(super) fn rows(text: &str) -> Result<Vec<Row>, String> {
    let first = text.lines().next().unwrap_or_default();
    // Spreadsheets of half of Europe.
    let delimiter = if first.contains(';') && !first.contains(',') { b';' } else { b',' };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .comment(Some(b'#'))
        .trim(Trim::All)
        .from_reader(ended(text));
    let mut columns = None;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            format!("line {}: it has not as many fields as the first", line_of(text, error.position()))
        })?;
        let line = line_of(text, record.position());
        let columns = match &columns {
            Some(columns) => columns,
            None => {
                let is_header = record.iter().any(|cell| cell.eq_ignore_ascii_case("imsi"));
                let found = if is_header { named(&record) } else { in_order(&record) };
                let found = columns.insert(found.map_err(|problem| format!("line {line}: {problem}"))?);
                if is_header {
                    continue;
                }
                found
            }
        };
        if rows.len() == MAX_SUBSCRIBERS {
            return Err(format!("there are more than {MAX_SUBSCRIBERS} subscribers in it"));
        }
        rows.push(columns.row(line, &record));
    }
    Ok(rows)
}

/// Columns by the names in a header. Those that are the network's alone are passed over.
fn named(header: &StringRecord) -> Result<Columns, String> {
    let find = |names: &[&str]| -> Result<Option<usize>, String> {
        let mut places = (0..header.len()).filter(|place| {
            names.iter().any(|name| header.get(*place).is_some_and(|cell| cell.eq_ignore_ascii_case(name)))
        });
        match (places.next(), places.next()) {
            (first, None) => Ok(first),
            _ => Err(format!("more than one column is {}", names.join(" or "))),
        }
    };
    let is_msisdn = |cell: &str| {
        let cell = cell.to_ascii_lowercase();
        cell.strip_prefix("msisdn").is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let columns = Columns {
        imsi: find(&["imsi"])?.ok_or("no column is imsi")?,
        k: find(&["security.k", "k", "ki", "key"])?.ok_or("no column is security.k, k, ki or key")?,
        op: find(&["security.op", "op"])?,
        opc: find(&["security.opc", "opc"])?,
        msisdn: (0..header.len()).filter(|place| header.get(*place).is_some_and(is_msisdn)).collect(),
    };
    match (columns.op, columns.opc) {
        (None, None) => Err("no column is security.opc, opc, security.op or op".to_owned()),
        _ => Ok(columns),
    }
}

/// `imsi,key,opc` or `imsi,ip,key,opc`.
fn in_order(record: &StringRecord) -> Result<Columns, String> {
    let k = match record.len() {
        3 => 1,
        4 => 2,
        _ => return Err("imsi,key,opc or imsi,ip,key,opc are expected, or a header".to_owned()),
    };
    Ok(Columns { imsi: 0, k, op: None, opc: Some(k + 1), msisdn: Vec::new() })
}

impl Columns {
    fn row(&self, line: usize, record: &StringRecord) -> Row {
        let cell = |place: usize| record.get(place).unwrap_or_default();
        let key = |place: Option<usize>| match place.map(cell) {
            // As mongoexport writes null.
            None | Some("null") => Key::Missing,
            Some(text) => Key::from_text(text),
        };
        // mongoexport writes an array as JSON into its cell.
        let numbers = self.msisdn.iter().flat_map(|place| {
            let cell = cell(*place).trim_start_matches('[').trim_end_matches(']');
            cell.split(',').map(|number| number.trim().trim_matches('"').to_owned()).collect::<Vec<_>>()
        });
        Row {
            line,
            imsi: cell(self.imsi).to_owned(),
            msisdn: numbers.filter(|number| !number.is_empty()).collect(),
            k: key(Some(self.k)),
            op: key(self.op),
            opc: key(self.opc),
        }
    }
}

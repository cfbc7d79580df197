//! The form of a list.

use csv::{ReaderBuilder, StringRecord, Trim};
use rsp_store::NewBatchRow;

use super::{MAX_ROWS, MAX_SIZE};
use crate::error::Error;
use crate::lines::{ended, line_of};

const COLUMNS: [&str; 5] = ["carrier", "plan", "eid", "device_id", "reference"];

/// Reads a list, all of it or nothing.
pub(super) fn read(list: &[u8]) -> Result<Vec<NewBatchRow>, Error> {
    let invalid = |problem: String| Error::invalid("list", problem);
    if list.len() > MAX_SIZE {
        return Err(invalid(format!("it is larger than {} MiB", MAX_SIZE / 1024 / 1024)));
    }
    let text = std::str::from_utf8(list).map_err(|_| invalid("it is not UTF-8".to_owned()))?;
    // Spreadsheets begin a file with a byte order mark, and those of half of Europe separate by semicolons.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains(';') && !first.contains(',') { b';' } else { b',' };
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).comment(Some(b'#')).trim(Trim::All).from_reader(ended(text));
    let header = reader.headers().map_err(|_| invalid("line 1: this is no header".to_owned()))?.clone();
    let places = places(&header).map_err(|problem| invalid(format!("line 1: {problem}")))?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            invalid(format!("line {}: it has not as many fields as the header", line_of(text, error.position())))
        })?;
        let line = line_of(text, record.position());
        if rows.len() == MAX_ROWS {
            return Err(invalid(format!("there are more than {MAX_ROWS} orders in it")));
        }
        rows.push(row(&record, &places, line).map_err(|problem| invalid(format!("line {line}: {problem}")))?);
    }
    if rows.is_empty() { Err(invalid("no order is in it".to_owned())) } else { Ok(rows) }
}

/// Where each column stands, in the order of [`COLUMNS`].
fn places(header: &StringRecord) -> Result<[Option<usize>; 5], String> {
    let mut places = [None; 5];
    for (place, name) in header.iter().enumerate() {
        let column = COLUMNS.iter().position(|column| name.eq_ignore_ascii_case(column));
        let column = column.ok_or_else(|| {
            format!("{:?} is none of the columns {}", rsp_es::printable::printable(name, 40), COLUMNS.join(", "))
        })?;
        if places[column].replace(place).is_some() {
            return Err(format!("the column {} is there twice", COLUMNS[column]));
        }
    }
    match places {
        [Some(_), Some(_), ..] => Ok(places),
        _ => Err("the columns carrier and plan are needed".to_owned()),
    }
}

fn row(record: &StringRecord, places: &[Option<usize>; 5], line: usize) -> Result<NewBatchRow, String> {
    let [carrier, plan, eid, device_id, reference] =
        places.map(|place| place.and_then(|place| record.get(place)).filter(|cell| !cell.is_empty()));
    let text = |cell: Option<&str>| cell.map(str::to_owned);
    Ok(NewBatchRow {
        // A list of MAX_SIZE octets has fewer lines than 2^32.
        line: u32::try_from(line).map_err(|_| "there are too many lines".to_owned())?,
        carrier: text(carrier).ok_or("the carrier is missing")?,
        plan: text(plan).ok_or("the plan is missing")?,
        eid: eid.map(|eid| eid.parse().map_err(|_| "the EID is not 32 digits".to_owned())).transpose()?,
        device_id: text(device_id),
        reference: text(reference),
    })
}

#[cfg(test)]
mod tests {
    use super::{MAX_ROWS, MAX_SIZE, read};

    const EID: &str = "89049032123451234512345678901235";

    fn problem(list: &str) -> String {
        read(list.as_bytes()).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn reads_columns_in_any_order_and_leaves_out_what_is_empty() {
        let list = format!("\u{feff}Plan;carrier;EID;reference\r\n5 GB;Alpha;{EID};order 1\r\n\r\n5 GB; Alpha ;;\r\n");
        let rows = read(list.as_bytes()).unwrap();
        assert_eq!((rows[0].line, rows[0].carrier.as_str(), rows[0].plan.as_str()), (2, "Alpha", "5 GB"));
        assert_eq!(rows[0].eid.map(|eid| eid.to_string()).as_deref(), Some(EID));
        assert_eq!((rows[0].reference.as_deref(), rows[0].device_id.as_deref()), (Some("order 1"), None));
        assert_eq!((rows[1].carrier.as_str(), rows[1].eid, rows[1].reference.as_deref()), ("Alpha", None, None));
        assert_eq!(read(b"carrier,plan\nA,B\n# a remark").unwrap().len(), 1);
        let quoted = read(b"carrier,plan\n\"Alpha, Inc.\",\"5 \"\"GB\"\"\"\n").unwrap();
        assert_eq!((quoted[0].carrier.as_str(), quoted[0].plan.as_str()), ("Alpha, Inc.", "5 \"GB\""));
    }

    #[test]
    fn refuses_what_it_does_not_know_by_line() {
        for (list, expected) in [
            ("", "list: line 1: the columns carrier and plan are needed"),
            ("carrier,plan\n", "list: no order is in it"),
            ("carrier,eid\nA,B\n", "list: line 1: the columns carrier and plan are needed"),
            ("carrier,plan,plan\nA,B,C\n", "list: line 1: the column plan is there twice"),
            ("carrier,plan\nA,B\nA\n", "list: line 3: it has not as many fields as the header"),
            ("carrier,plan\nA,B\n,B\n", "list: line 3: the carrier is missing"),
            ("carrier,plan,eid\nA,B,123\n", "list: line 2: the EID is not 32 digits"),
        ] {
            assert_eq!(problem(list), expected);
        }
        assert!(
            problem("carrier,plan,confirmation_code\nA,B,1\n").contains("\"confirmation_code\" is none of the columns")
        );
        assert!(read(b"carrier,plan\n\xff,B\n").is_err());
        assert!(problem(&format!("carrier,plan\n{}", "A,B\n".repeat(MAX_ROWS + 1))).contains("more than"));
        assert!(problem(&"x".repeat(MAX_SIZE + 1)).contains("larger than"));
    }
}

//! Orders as files: a table of comma-separated values (RFC 4180), and an archive with a picture of each QR code.
//!
//! Texts that somebody else chose are written so that a spreadsheet takes them for texts: one that begins like a formula gets
//! an apostrophe in front. Confirmation codes are in neither file, since nobody has them any more.

use std::io::{Cursor, Write as _};
use std::sync::Arc;

use futures_util::stream::{self, Stream};
use rsp_crypto::Zeroizing;
use rsp_es::printable::printable;
use rsp_store::OrderCursor;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::actor::{Actor, Right};
use crate::desk::{Desk, Esim, EsimFilter};
use crate::error::Error;
use crate::qr;
use crate::workshop::Workshop;

/// Orders in an archive at most.
pub const MAX_CODES: usize = 1_000;
/// Orders among which those that wait are looked for.
const MAX_SEEN: usize = 20_000;
/// Orders that are read at once.
const PAGE: u32 = 500;
/// Characters of a text.
const TEXT: usize = 200;
/// Characters of a name in the audit.
const NAME: usize = 64;

const HEADER: [&str; 14] = [
    "iccid",
    "state",
    "carrier",
    "plan",
    "country",
    "eid",
    "device_id",
    "reference",
    "profile_type",
    "created_at",
    "updated_at",
    "expires_at",
    "confirmation_code_required",
    "activation_code",
];

/// A table that is being read.
struct Reading {
    desk: Arc<Desk>,
    actor: Actor,
    filter: EsimFilter,
    with_codes: bool,
}

impl Reading {
    /// The page behind a cursor as rows of the table; the first one has the header.
    async fn page(&self, after: Option<OrderCursor>) -> Result<Rows, Error> {
        let page = self.desk.esims(&self.actor, &self.filter, after, PAGE).await?;
        let text = table(&page.items, after.is_none(), self.with_codes);
        Ok(Rows { text, count: page.items.len(), next: page.next })
    }

    /// Writes down how far an export is.
    async fn note(&self, how_far: &str) -> Result<(), Error> {
        let action = if self.with_codes { "export codes" } else { "export orders" };
        let subject = format!("orders.csv{}: {how_far}", shown(&self.filter));
        self.desk.audit(&self.actor, action, &subject, whose(&self.actor, &self.filter)).await
    }
}

/// Some rows of a table, and where it goes on.
struct Rows {
    text: Vec<u8>,
    count: usize,
    next: Option<OrderCursor>,
}

/// What comes next in a table.
enum Next {
    Read(Rows),
    Behind(OrderCursor),
    End,
}

/// All orders that fit as a table, newest first. One page of it is in memory at a time. The column of activation codes is
/// empty unless they are asked for, which takes the right to provision, and for orders that do not wait to be downloaded.
///
/// The audit says how many orders were in it before its last rows leave, and of one that is longer than a page that it was begun
/// before its first do.
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`] for another's tenant, [`Error::Busy`]; later, in the stream, [`Error::Store`].
pub async fn csv(
    workshop: Arc<Workshop>,
    desk: Arc<Desk>,
    actor: Actor,
    filter: EsimFilter,
    with_codes: bool,
) -> Result<impl Stream<Item = Result<Vec<u8>, Error>> + Send + 'static, Error> {
    if with_codes {
        desk.require(&actor, Right::Provision)?;
    }
    let reading = Arc::new(Reading { desk, actor, filter, with_codes });
    let first = Arc::clone(&reading);
    // Whatever is to be refused is refused before the table begins.
    let first = workshop.run(async move {
        let rows = first.page(None).await?;
        if rows.next.is_some() {
            first.note("begun").await?;
        }
        Ok(rows)
    });
    let first = Next::Read(first.await?);
    Ok(stream::try_unfold((first, 0), move |(next, before)| {
        let (workshop, reading) = (Arc::clone(&workshop), Arc::clone(&reading));
        async move {
            let rows = match next {
                Next::Read(rows) => rows,
                Next::Behind(cursor) => {
                    let reading = Arc::clone(&reading);
                    workshop.go_on(async move { reading.page(Some(cursor)).await }).await?
                }
                Next::End => return Ok(None),
            };
            let count = before + rows.count;
            let next = match rows.next {
                Some(cursor) => Next::Behind(cursor),
                None => {
                    reading.note(&format!("{count} orders")).await?;
                    Next::End
                }
            };
            Ok(Some((rows.text, (next, count))))
        }
    }))
}

/// Whose matter it is that orders leave; `None` for those of several tenants.
fn whose(actor: &Actor, filter: &EsimFilter) -> Option<String> {
    actor.tenant().map(str::to_owned).or_else(|| filter.tenant.clone())
}

/// A filter as the audit has it: nothing for all orders.
fn shown(filter: &EsimFilter) -> String {
    let states: Vec<_> = filter.states.iter().map(ToString::to_string).collect();
    let states = Some(states.join(",")).filter(|states| !states.is_empty());
    let parts = [
        ("tenant", &filter.tenant),
        ("state", &states),
        ("carrier", &filter.carrier),
        ("country", &filter.country),
        ("type", &filter.profile_type),
    ];
    let part = |(name, value): &(&str, &Option<String>)| {
        value.as_ref().map(|value| format!(" {name}={}", printable(value, NAME)))
    };
    parts.iter().filter_map(part).collect()
}

/// The orders that fit and wait to be downloaded, as an archive: `orders.csv`, and `ICCID.png` for each. The audit has how many
/// codes are in it before it leaves. It is work for a [`Workshop`].
///
/// # Errors
/// [`Error::Forbidden`], [`Error::NotFound`] for another's tenant, [`Error::Invalid`] when they are more than [`MAX_CODES`].
pub async fn archive(desk: &Desk, actor: &Actor, filter: &EsimFilter) -> Result<Zeroizing<Vec<u8>>, Error> {
    desk.require(actor, Right::Provision)?;
    let mut found = Vec::new();
    let (mut after, mut seen) = (None, 0);
    loop {
        let page = desk.esims(actor, filter, after, PAGE).await?;
        seen += page.items.len();
        found.extend(page.items.into_iter().filter(Esim::is_downloadable));
        if found.len() > MAX_CODES || seen > MAX_SEEN {
            let problem = format!("more than {MAX_CODES} orders that wait, or {MAX_SEEN} in all; narrow it");
            return Err(Error::invalid("filter", problem));
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let pictures = found.iter().filter_map(|esim| Some((esim, esim.code_to_hand_out()?.to_uri())));
    let packed = || -> zip::result::ZipResult<Vec<u8>> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        // Pictures are compressed already; without a clock the same orders are the same bytes.
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        archive.start_file("orders.csv", options)?;
        archive.write_all(&table(&found, true, true))?;
        for (esim, code) in pictures {
            archive.start_file(format!("{}.png", esim.iccid), options)?;
            archive.write_all(&Zeroizing::new(qr::png(&code)))?;
        }
        Ok(archive.finish()?.into_inner())
    };
    let problem = |error| Error::invalid("filter", format!("no archive holds it: {error}"));
    let packed = packed().map(Zeroizing::new).map_err(problem)?;
    let subject = format!("orders.zip{}: {} codes", shown(filter), found.len());
    desk.audit(actor, "export codes", &subject, whose(actor, filter)).await?;
    Ok(packed)
}

fn table(esims: &[Esim], header: bool, with_codes: bool) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing into memory cannot fail, and all rows have as many fields.
    if header {
        let _ = writer.write_record(HEADER);
    }
    for esim in esims {
        let _ = writer.write_record(record(esim, with_codes));
    }
    writer.into_inner().unwrap_or_default()
}

fn record(esim: &Esim, with_codes: bool) -> [String; HEADER.len()] {
    let plan = esim.plan.as_ref();
    let text = |text: Option<&str>| text.map(cell).unwrap_or_default();
    let code = if with_codes { esim.code_to_hand_out().map(|code| code.to_uri()) } else { None };
    [
        esim.iccid.to_string(),
        esim.state.to_string(),
        text(plan.map(|plan| plan.carrier.as_str())),
        text(plan.map(|plan| plan.name.as_str())),
        text(plan.map(|plan| plan.country.as_str())),
        esim.eid.map(|eid| eid.to_string()).unwrap_or_default(),
        text(plan.and_then(|plan| plan.device_id.as_deref())),
        text(plan.and_then(|plan| plan.reference.as_deref())),
        cell(&esim.profile_type),
        esim.created_at.to_string(),
        esim.updated_at.to_string(),
        esim.expires_at.map(|at| at.to_string()).unwrap_or_default(),
        if esim.confirmation_code_required { "yes" } else { "no" }.to_owned(),
        text(code.as_ref().map(|code| code.as_str())),
    ]
}

/// A text as a spreadsheet may have it.
fn cell(text: &str) -> String {
    let text = printable(text, TEXT.max(rsp_es::activation_code::MAX_LENGTH + 4));
    match text.trim_start().chars().next() {
        Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') => format!("'{text}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn what_begins_like_a_formula_becomes_text() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "＝1", "=cmd|' /C calc'!A0"] {
            assert_eq!(cell(formula), format!("'{formula}"));
        }
        assert_eq!(cell("\t=1"), "\\u{9}=1");
        assert_eq!(cell("\r\n=1"), "\\u{d}\\u{a}=1");
        for text in ["", "order 1", "a=b", "LPA:1$smdp.example.com$ID", "Zoë, \"5\""] {
            assert_eq!(cell(text), text);
        }
    }
}

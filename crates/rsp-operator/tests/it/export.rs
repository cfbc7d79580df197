//! Orders as files, as foreign programs read them.

use std::sync::Arc;

use futures_util::TryStreamExt;
use rsp_operator::export::{archive, csv};
use rsp_operator::workshop::Workshop;
use rsp_operator::{Actor, Error, EsimFilter, Right, Rights};
use rsp_store::ProfileState;

use crate::bed::{Bed, bed, esim, iccid, manager};
use crate::programs::run;

fn workshop() -> Arc<Workshop> {
    Arc::new(Workshop::default())
}

async fn table(bed: &Bed, actor: Actor, with_codes: bool) -> Result<Vec<Vec<String>>, Error> {
    let chunks: Vec<_> =
        csv(workshop(), Arc::clone(&bed.desk), actor, EsimFilter::default(), with_codes).await?.try_collect().await?;
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(std::io::Cursor::new(chunks.concat()));
    Ok(reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect())
}

/// A bed with 1,200 orders of A, and one of B.
async fn with_many() -> Bed {
    let bed = bed().await;
    bed.store
        .run_tx("fixture", |tx| -> Result<(), rsp_store::Error> {
            for number in 1_000..2_200u32 {
                let mut row = esim("A", 0);
                row.iccid = format!("890010100000000{number:04}").parse().unwrap();
                row.created_at = row.created_at.plus_seconds(i64::from(number / 7));
                tx.insert_esim(&row)?;
            }
            tx.insert_esim(&esim("B", 9))
        })
        .await
        .unwrap();
    bed
}

#[tokio::test]
async fn a_table_is_read_as_it_leaves_and_the_audit_has_it_before_and_behind() {
    let bed = with_many().await;
    let noted = async || {
        let log = bed.store.log(Some("A"), None, 10).await.unwrap();
        let line =
            |line: rsp_store::LogEntry| format!("{} {} {}", line.entry.actor, line.entry.action, line.entry.subject);
        log.into_iter().rev().map(line).collect::<Vec<_>>()
    };
    let rows = csv(workshop(), Arc::clone(&bed.desk), manager("A"), EsimFilter::default(), true).await.unwrap();
    let mut rows = std::pin::pin!(rows);
    let mut lines = Vec::new();
    while let Some(page) = rows.try_next().await.unwrap() {
        lines.push(page.iter().filter(|byte| **byte == b'\n').count());
        let begun = "user ann export codes orders.csv: begun";
        let all: &[&str] = &[begun, "user ann export codes orders.csv: 1200 orders"];
        assert_eq!(noted().await, if lines.len() < 3 { &all[..1] } else { all });
    }
    assert_eq!(lines, [501, 500, 200]);
}

#[tokio::test]
async fn a_table_has_every_order_of_the_tenant_once_over_all_pages() {
    let bed = with_many().await;
    let rows = table(&bed, manager("A"), false).await.unwrap();
    assert_eq!(rows.len(), 1_201);
    assert_eq!(rows[0][..4], ["iccid", "state", "carrier", "plan"]);
    let distinct: std::collections::HashSet<_> = rows[1..].iter().map(|row| row[0].clone()).collect();
    assert_eq!(distinct.len(), 1_200);
    assert!(rows[1..].iter().all(|row| row[13].is_empty() && row[2] == "Alpha <b>" && row[0] != iccid(9).to_string()));
    let codes = table(&bed, manager("A"), true).await.unwrap();
    assert_eq!(codes[1][13], "LPA:1$smdp.example.com$MATCHING-ID-0$$1");
    let reader = || Actor::new(Some("A".to_owned()), "user bob", Rights::of([Right::Read]));
    assert!(matches!(table(&bed, reader(), true).await.err(), Some(Error::Forbidden(Right::Provision))));
    assert_eq!(table(&bed, reader(), false).await.unwrap().len(), 1_201);
    let refused = archive(&bed.desk, &manager("A"), &EsimFilter::default()).await.err();
    assert!(matches!(refused, Some(Error::Invalid { field: "filter", .. })));
}

#[tokio::test]
async fn names_of_others_are_texts_in_a_spreadsheet() {
    let bed = bed().await;
    let hostile = ["=HYPERLINK(\"http://example.org\")", "a\r\n=1", "\u{202E}evil", ",\",", "@x"];
    for (number, name) in (0u8..).zip(hostile) {
        let row = move || rsp_store::Esim { reference: Some(name.to_owned()), ..esim("A", number) };
        bed.store.run_tx("fixture", move |tx| tx.insert_esim(&row())).await.unwrap();
    }
    let rows = table(&bed, manager("A"), false).await.unwrap();
    let mut references: Vec<_> = rows[1..].iter().map(|row| row[7].as_str()).collect();
    references.sort_unstable();
    assert_eq!(references, ["'=HYPERLINK(\"http://example.org\")", "'@x", ",\",", "\\u{202e}evil", "a\\u{d}\\u{a}=1"]);
}

/// Lists an archive with Python's library, and extracts it beside it.
const UNPACK: &str = r#"
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    archive.extractall(os.path.dirname(sys.argv[1]))
    print('\n'.join(archive.namelist()))
"#;

#[tokio::test]
async fn an_archive_has_a_picture_for_each_order_that_waits() {
    let bed = bed().await;
    for number in 1..=3 {
        bed.sell("A", number).await;
    }
    bed.sell("B", 4).await;
    bed.store.run_tx("cancel", |tx| tx.cancel_esim("A", &iccid(3))).await.unwrap();
    let archived = archive(&bed.desk, &manager("A"), &EsimFilter::default()).await.unwrap();
    assert_eq!(archived, archive(&bed.desk, &manager("A"), &EsimFilter::default()).await.unwrap());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("orders.zip");
    std::fs::write(&file, &*archived).unwrap();
    let Some(names) = run("python3", &["-c", UNPACK], &file) else { return };
    let mut names: Vec<_> = names.lines().collect();
    names.sort_unstable();
    assert_eq!(names, [format!("{}.png", iccid(1)), format!("{}.png", iccid(2)), "orders.csv".to_owned()]);
    for number in 1..=2 {
        let Some(read) = run("zbarimg", &["--quiet", "--raw"], &dir.path().join(format!("{}.png", iccid(number))))
        else {
            return;
        };
        assert_eq!(read.trim_end(), format!("LPA:1$smdp.example.com$MATCHING-ID-{number}$$1"));
    }
    let installed = EsimFilter { states: vec![ProfileState::Installed], ..EsimFilter::default() };
    let empty = archive(&bed.desk, &manager("A"), &installed).await.unwrap();
    assert!(empty.len() < 500, "no order that is installed has a code for anybody");
    let reader = Actor::new(Some("A".to_owned()), "user bob", Rights::of([Right::Read]));
    let refused = archive(&bed.desk, &reader, &EsimFilter::default()).await.err();
    assert!(matches!(refused, Some(Error::Forbidden(Right::Provision))));
}

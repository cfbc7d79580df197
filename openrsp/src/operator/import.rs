//! `openrsp operator import-subscribers`: from a list of subscribers to an eSIM for each, on paper.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use rsp_crypto::Zeroizing;
use rsp_operator::open5gs::{self, Plan};
use rsp_operator::sheet::{Layout, pdf};
use rsp_operator::{Actor, Desk};
use serde_json::json;

use super::failure;
use crate::exit::{Exit, Failure};
use crate::system::require_private;

#[derive(Args)]
pub(super) struct ImportArgs {
    /// The list: JSON of mongoexport, or CSV with imsi, k and opc or op. Nobody else may be able to read it.
    file: PathBuf,
    /// The tenant whose plan it is.
    #[arg(long, value_name = "NAME")]
    tenant: String,
    /// The plan's carrier.
    #[arg(long, value_name = "NAME")]
    carrier: String,
    /// The plan. Its profile type is a template of this server in whose stock nobody waits.
    #[arg(long, value_name = "NAME")]
    plan: String,
    /// If each order of the profile type gets a subscriber that is made up: let that end for good. Afterwards its orders get
    /// imported subscribers, and are refused when none is left.
    #[arg(long)]
    stock_only: bool,
    /// The PDF to be made, with a sheet for each subscriber. It holds activation codes, and is its owner's alone.
    #[arg(long, value_name = "FILE.pdf")]
    sheet: PathBuf,
    /// Three sheets on a page, to be cut apart, instead of one.
    #[arg(long)]
    three: bool,
}

/// Imports a list; the server runs, for the eSIMs are ordered over ES2+.
pub(super) async fn run(
    desk: &Desk,
    actor: &Actor,
    args: ImportArgs,
    test_pki: bool,
    json: bool,
) -> anyhow::Result<()> {
    require_private(&args.file)?;
    let list = std::fs::read(&args.file)
        .map_err(|error| Failure::new(Exit::Input, format!("{}: {error}", args.file.display())))?;
    let subscribers = open5gs::read(&Zeroizing::new(list)).map_err(failure)?;
    // Before anything is ordered: the sheets are the only copy of what was sold that is easily found again.
    let mut out = create(&args.sheet)?;
    let plan = Plan { tenant: Some(args.tenant), carrier: args.carrier, name: args.plan, stock_only: args.stock_only };
    let imported = open5gs::import(desk, desk, actor, &plan, &subscribers).await;
    let imported = imported.map_err(failure).inspect_err(|_| drop(std::fs::remove_file(&args.sheet)))?;
    if !imported.sheets.is_empty() {
        let layout = if args.three { Layout::Three } else { Layout::One };
        let document = pdf(&imported.sheets, layout, test_pki).map_err(failure)?;
        out.write_all(&document).and_then(|()| out.sync_all()).with_context(|| args.sheet.display().to_string())?;
    }
    let (made, left) = (imported.sheets.len(), imported.left.as_ref().map_or(0, |(left, _)| *left));
    if json {
        let iccids: Vec<_> = imported.sheets.iter().map(|sheet| sheet.iccid.to_string()).collect();
        println!("{}", json!({ "sheet": args.sheet, "iccids": iccids, "left": left }));
    } else {
        println!("{}: {made} sheets", args.sheet.display());
    }
    match imported.left {
        None => Ok(()),
        Some((left, error)) => {
            Err(failure(error).context(format!("{left} subscribers got no eSIM and wait in the stock")))
        }
    }
}

fn create(file: &Path) -> anyhow::Result<std::fs::File> {
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    made.map_err(|error| Failure::new(Exit::Input, format!("{}: {error}", file.display())))
}

//! `openrsp operator receipt`: checking what a server signed.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use rsp_crypto::aws_lc;
use rsp_operator::receipts::{Jwks, verify};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::smdp::{bad_input, read};

#[derive(Subcommand)]
pub(super) enum ReceiptCommand {
    /// Check a receipt of an eSIM and print what it says. Needs no server.
    Verify {
        /// The receipt, or the whole answer of the API with it.
        file: PathBuf,
        /// The server's keys, as it publishes them at /.well-known/openrsp-receipts.json.
        #[arg(long, value_name = "FILE")]
        jwks: PathBuf,
    },
}

pub(super) fn run(command: &ReceiptCommand, json: bool) -> anyhow::Result<()> {
    let ReceiptCommand::Verify { file, jwks } = command;
    let keys: Jwks = serde_json::from_slice(&read(jwks)?)
        .map_err(|error| bad_input(format!("{}: no JWKS: {error}", jwks.display())))?;
    let receipt = receipt_in(file)?;
    let claims = verify(&receipt, &keys, aws_lc())
        .map_err(|error| Failure::new(Exit::Refused, format!("{}: {error}", file.display())))?;
    if json {
        println!("{}", json!({ "valid": true, "claims": claims }));
        return Ok(());
    }
    let state = claims.state.as_deref().unwrap_or("state not known, another SM-DP+ has the order");
    let server = claims.server.as_deref().map(|server| format!(" of {server}")).unwrap_or_default();
    println!("{}{server} (said by {}): {state}", claims.iccid, claims.iss);
    println!("signed at {}", rsp_asn1::Timestamp(claims.iat));
    for happened in &claims.history {
        let what = match (&happened.step, &happened.from, &happened.to) {
            (Some(step), ..) => step.clone(),
            (None, from, Some(to)) => format!("{} → {to}", from.as_deref().unwrap_or("new")),
            _ => happened.kind.clone(),
        };
        let codes = happened.subject_code.as_deref().zip(happened.reason_code.as_deref());
        let refused = codes.map(|(subject, reason)| format!(": refused, {subject}/{reason}")).unwrap_or_default();
        println!("{}  {what}{refused}", happened.at);
    }
    if let Some(refusal) = &claims.last_refusal {
        println!("last refusal: {}/{}", refusal.subject_code, refusal.reason_code);
        for text in [&refusal.meaning, &refusal.remedy].into_iter().flatten() {
            println!("  {text}");
        }
    }
    Ok(())
}

/// The receipt in a file: alone, or the member `receipt` of the answer in which it came.
fn receipt_in(file: &Path) -> anyhow::Result<String> {
    let text = String::from_utf8(read(file)?).map_err(|_| bad_input(format!("{}: no receipt", file.display())))?;
    let answer = serde_json::from_str::<Value>(&text).ok();
    let member = answer.as_ref().and_then(|answer| answer.get("receipt")).and_then(Value::as_str);
    Ok(member.map_or_else(|| text.trim().to_owned(), str::to_owned))
}

//! `openrsp lpa activation-code`: an activation code, field by field.

use std::process::ExitCode;

use clap::Args;
use rsp_es::activation_code::{Severity, diagnose};
use serde_json::json;

use crate::exit::Exit;

#[derive(Args)]
pub(super) struct ActivationCodeArgs {
    /// The code; on a command line it stands in single quotes.
    code: String,
}

pub(super) fn run(args: &ActivationCodeArgs, json: bool) -> anyhow::Result<ExitCode> {
    let diagnosis = diagnose(&args.code);
    let severity = |severity: Severity| match severity {
        Severity::Note => "note",
        Severity::Deviation => "warning",
        Severity::Error => "error",
    };
    let usable = diagnosis.code().is_some();
    if json {
        let fields = diagnosis
            .fields
            .iter()
            .map(|field| json!({"field": field.name.to_string(), "value": field.value, "meaning": field.meaning}));
        let findings = diagnosis.findings.iter().map(|finding| {
            let field = finding.field.map(|field| field.to_string());
            json!({"severity": severity(finding.severity), "field": field, "text": finding.text})
        });
        let code = diagnosis.code();
        let line = json!({
            "result": if usable { "ok" } else { "failed" },
            "smdp_address": code.map(|code| code.smdp_address()),
            "matching_id": code.map(|code| code.matching_id()),
            "smdp_oid": code.and_then(|code| code.smdp_oid()),
            "confirmation_code_required": code.map(|code| code.confirmation_code_required()),
            "fields": fields.collect::<Vec<_>>(),
            "findings": findings.collect::<Vec<_>>(),
        });
        println!("{line}");
    } else {
        for field in &diagnosis.fields {
            println!("{:38}  {:34}  {}", field.name.to_string(), field.value, field.meaning);
        }
        for finding in &diagnosis.findings {
            println!("{}: {finding}", severity(finding.severity));
        }
        println!("{}", if usable { "The code can be used." } else { "The code cannot be used." });
    }
    Ok(if usable { ExitCode::SUCCESS } else { Exit::Input.into() })
}

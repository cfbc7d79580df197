//! `openrsp lpa activation-code`: an activation code, field by field.

use std::process::ExitCode;

use clap::Args;
use rsp_es::activation_code::{Diagnosis, Severity, diagnose};
use serde_json::{Map, Value, json};

use crate::exit::{Exit, Failure};

#[derive(Args)]
pub(super) struct ActivationCodeArgs {
    /// The code; on a command line it stands in single quotes.
    code: String,
}

pub(super) fn run(args: &ActivationCodeArgs, json: bool) -> anyhow::Result<ExitCode> {
    let diagnosis = diagnose(&args.code);
    if json {
        let mut members = members(&diagnosis);
        if let Err(error) = diagnosis.into_code() {
            return Err(Failure::detailed(Exit::Input, format!("activation code, {error}"), members));
        }
        members.insert("result".to_owned(), "ok".into());
        println!("{}", Value::Object(members));
        return Ok(ExitCode::SUCCESS);
    }
    for field in &diagnosis.fields {
        println!("{:38}  {:34}  {}", field.name.to_string(), field.value, field.meaning);
    }
    for finding in &diagnosis.findings {
        println!("{}: {finding}", severity(finding.severity));
    }
    if diagnosis.into_code().is_err() {
        println!("The code cannot be used.");
        return Ok(Exit::Input.into());
    }
    println!("The code can be used.");
    Ok(ExitCode::SUCCESS)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Deviation => "warning",
        Severity::Error => "error",
    }
}

/// What is known of the code, whether it can be used or not.
fn members(diagnosis: &Diagnosis) -> Map<String, Value> {
    let fields = diagnosis
        .fields
        .iter()
        .map(|field| json!({"field": field.name.to_string(), "value": field.value, "meaning": field.meaning}));
    let findings = diagnosis.findings.iter().map(|finding| {
        let field = finding.field.map(|field| field.to_string());
        json!({"severity": severity(finding.severity), "field": field, "text": finding.text})
    });
    let code = diagnosis.code();
    let members = [
        ("smdp_address", json!(code.map(|code| code.smdp_address()))),
        ("matching_id", json!(code.map(|code| code.matching_id()))),
        ("smdp_oid", json!(code.and_then(|code| code.smdp_oid()))),
        ("confirmation_code_required", json!(code.map(|code| code.confirmation_code_required()))),
        ("fields", fields.collect()),
        ("findings", findings.collect()),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

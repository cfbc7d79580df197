//! `openrsp pki show`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use rsp_pki::{Certificate, Crl};
use serde_json::{Value, json};

use super::{bad_input, hexadecimal, read};

#[derive(Args)]
pub(super) struct ShowArgs {
    /// Certificates or CRLs, in DER or PEM.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(super) fn run(args: ShowArgs, json: bool) -> anyhow::Result<ExitCode> {
    // Everything is read before anything is printed.
    let shown: Vec<Value> = args.files.iter().map(|file| describe_file(file)).collect::<anyhow::Result<_>>()?;
    for value in &shown {
        if json {
            println!("{value}");
        } else {
            print_text(value);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn describe_file(file: &Path) -> anyhow::Result<Value> {
    let content = read(file)?;
    let mut described = match (Certificate::from_file_content(&content), Crl::from_file_content(&content)) {
        (Ok(certificate), _) => describe(&certificate),
        (_, Ok(crl)) => describe_crl(&crl),
        (Err(error), Err(_)) => return Err(bad_input(format!("{}: {error}", file.display()))),
    };
    described["file"] = json!(file);
    Ok(described)
}

/// What a certificate says, with null for what it does not say.
pub(super) fn describe(certificate: &Certificate) -> Value {
    let eid = certificate.eid();
    json!({
        "kind": "certificate",
        "role": certificate.role().map(|role| role.to_string()),
        "subject": certificate.subject(),
        "issuer": certificate.issuer(),
        "serial": certificate.serial(),
        "curve": certificate.curve().map(|curve| curve.to_string()),
        "not_before": certificate.not_before().to_string(),
        "not_after": certificate.not_after().to_string(),
        "public_key_sha256": hexadecimal(&certificate.public_key_sha256()).to_lowercase(),
        "subject_key_identifier": certificate.subject_key_identifier().map(hexadecimal),
        "authority_key_identifier": certificate.authority_key_identifier().map(hexadecimal),
        "policies": certificate.policies(),
        "oid": certificate.oid().map(|oid| oid.to_string()),
        "dns_names": certificate.dns_names(),
        "ip_addresses": certificate.ip_addresses(),
        "eid": eid.map(|eid| eid.to_string()),
        "eid_check_digits_valid": eid.map(|eid| eid.check_digits_valid()),
        "permitted_eid_prefixes": certificate.permitted_eid_prefixes(),
        "crl_distribution_points": certificate.crl_distribution_points(),
    })
}

fn describe_crl(crl: &Crl) -> Value {
    json!({
        "kind": "crl",
        "issuer": crl.issuer_name().to_string(),
        "this_update": crl.this_update().to_string(),
        "next_update": crl.next_update().map(|next| next.to_string()),
        "revoked_certificates": crl.len(),
    })
}

/// One line for each thing that is there.
fn print_text(described: &Value) {
    println!("{}", text(&described["file"]));
    for (name, value) in described.as_object().into_iter().flatten().filter(|(name, _)| *name != "file") {
        let shown = match value {
            Value::Null => continue,
            Value::Array(values) if values.is_empty() => continue,
            Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
            value => text(value),
        };
        println!("  {:<26}{shown}", name.replace('_', " "));
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

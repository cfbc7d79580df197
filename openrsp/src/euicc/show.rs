//! `openrsp euicc show`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rsp_euicc::{FileStore, InspectedProfile, Inspection};
use serde_json::{Value, json};

use super::failure;

/// Which eUICC.
#[derive(Args)]
pub(crate) struct ShowArgs {
    /// The eUICC's file.
    file: PathBuf,
}

pub(super) fn run(args: &ShowArgs, json: bool) -> anyhow::Result<ExitCode> {
    let inspection =
        FileStore::read(&args.file).and_then(|state| state.inspect()).map_err(|error| failure(&args.file, error))?;
    match json {
        true => println!("{}", value(&inspection)),
        false => print(&inspection),
    }
    Ok(ExitCode::SUCCESS)
}

fn value(euicc: &Inspection) -> Value {
    let certificates = euicc.credentials.iter().map(|credential| {
        json!({
            "curve": credential.curve, "ci_key_id": credential.ci_key_id, "ci": credential.ci, "eum": credential.eum,
            "not_after": credential.not_after.to_string(),
        })
    });
    let profiles = euicc.profiles.iter().map(|profile| {
        json!({
            "iccid": profile.iccid.to_string(), "isdp_aid": profile.isdp_aid,
            "state": if profile.enabled { "enabled" } else { "disabled" }, "class": profile.class.name(),
            "nickname": profile.nickname, "service_provider": profile.service_provider, "name": profile.name,
            "upp_sha256": profile.upp_sha256, "upp_bytes": profile.upp_length,
            "card_content": card_content(profile),
        })
    });
    let notifications = euicc.notifications.iter().map(|notification| {
        json!({
            "sequence_number": notification.sequence_number, "event": notification.event,
            "address": notification.address, "iccid": notification.iccid.map(|iccid| iccid.to_string()),
        })
    });
    json!({
        "eid": euicc.eid.to_string(),
        "default_smdp": euicc.default_dp_address,
        "root_smds": euicc.root_ds_address,
        "memory_total": euicc.memory_total,
        "memory_free": euicc.memory_free,
        "load_interrupted": euicc.load_interrupted,
        "accepts_published_keys": euicc.accepts_published_keys,
        "certificates": certificates.collect::<Vec<Value>>(),
        "profiles": profiles.collect::<Vec<Value>>(),
        "notifications": notifications.collect::<Vec<Value>>(),
    })
}

fn card_content(profile: &InspectedProfile) -> Value {
    let domains = profile.domains.iter().map(|domain| {
        json!({
            "aid": domain.aid, "tars": domain.tars, "key_versions": domain.key_versions,
            "minimum_security_level": domain.minimum_security_level,
        })
    });
    let applications = profile.applications.iter().map(|application| {
        json!({ "aid": application.aid, "package": application.package, "security_domain": application.domain })
    });
    let file_management = profile.file_management.iter().map(|instance| {
        json!({
            "aid": instance.aid, "tars": instance.tars, "security_domain": instance.domain, "adf": instance.adf,
            "minimum_security_level": instance.minimum_security_level,
        })
    });
    json!({
        "security_domains": domains.collect::<Vec<Value>>(),
        "applications": applications.collect::<Vec<Value>>(),
        "file_management": file_management.collect::<Vec<Value>>(),
    })
}

fn print_card_content(profile: &InspectedProfile) {
    let reached = |tars: &[String], level: u8| match tars {
        [] => "not reached over the air".to_owned(),
        tars => format!("TAR {}, security {level:02X} at least", tars.join(" ")),
    };
    for domain in &profile.domains {
        println!(
            "                 security domain {}: {}, key versions {:02X?}",
            domain.aid,
            reached(&domain.tars, domain.minimum_security_level),
            domain.key_versions
        );
    }
    for application in &profile.applications {
        println!("                 application {} of {}, not run", application.aid, application.package);
    }
    for instance in &profile.file_management {
        let adf = instance.adf.as_ref().map_or_else(String::new, |adf| format!(", ADF {adf}"));
        let reached = reached(&instance.tars, instance.minimum_security_level);
        println!("                 file management {}: {reached}{adf}", instance.aid);
    }
}

fn print(euicc: &Inspection) {
    println!("EID              {}", euicc.eid);
    println!("memory           {} of {} bytes free", euicc.memory_free, euicc.memory_total);
    let default = if euicc.default_dp_address.is_empty() { "none" } else { &euicc.default_dp_address };
    println!("default SM-DP+   {default}");
    println!("root SM-DS       {}", euicc.root_ds_address);
    for credential in &euicc.credentials {
        println!("identity         {}, CI {} ({})", credential.curve, credential.ci_key_id, credential.ci);
        println!("                 EUM {}, valid until {}", credential.eum, credential.not_after);
    }
    for profile in &euicc.profiles {
        let state = if profile.enabled { "enabled" } else { "disabled" };
        println!(
            "profile          {} {state}, {}",
            profile.iccid,
            profile.class.name().unwrap_or("of an unknown class")
        );
        println!(
            "                 {} / {} {}",
            shown(&profile.service_provider),
            shown(&profile.name),
            shown(&profile.nickname)
        );
        println!("                 ISD-P {}", profile.isdp_aid);
        println!("                 {} bytes of elements, SHA-256 {}", profile.upp_length, profile.upp_sha256);
        print_card_content(profile);
    }
    for notification in &euicc.notifications {
        let iccid = notification.iccid.map(|iccid| iccid.to_string()).unwrap_or_default();
        println!(
            "notification     {} {} {iccid} to {}",
            notification.sequence_number,
            notification.event,
            shown(&notification.address)
        );
    }
    if euicc.accepts_published_keys {
        println!("published keys count: whoever knows them changes profiles over the air");
    }
    if euicc.load_interrupted {
        println!("a load was interrupted; it will be reported at the next power-on");
    }
}

/// Names come from operators: control characters and marks that turn the writing around do not reach the terminal.
fn shown(text: &str) -> String {
    let is_mark =
        |c: char| matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
    text.chars().map(|c| if c.is_control() || is_mark(c) { '\u{FFFD}' } else { c }).collect()
}

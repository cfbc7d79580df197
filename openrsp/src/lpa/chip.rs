//! `openrsp lpa chip`, `default-smdp` and `reset`: the eUICC as a whole.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use rsp_asn1::{ExtCardResource, ResetOptions, SubjectKeyIdentifier};
use rsp_lpa::sanitise::for_display;
use serde_json::json;

use super::notifications::NotificationArgs;
use super::report::{self, Reporter};
use super::{Session, prompt};
use crate::exit::{Exit, Failure};

#[derive(Subcommand)]
pub(super) enum ChipCommand {
    /// EID, versions, trusted certificate issuers, addresses.
    Info,
}

#[derive(Args)]
pub(super) struct DefaultSmdpArgs {
    /// The address to set; without it the addresses are shown.
    address: Option<String>,

    /// Remove the address.
    #[arg(long, conflicts_with = "address")]
    clear: bool,
}

#[derive(Args)]
pub(super) struct ResetArgs {
    /// Delete all operational profiles.
    #[arg(long)]
    profiles: bool,

    /// Delete the test profiles that were loaded in the field.
    #[arg(long)]
    test_profiles: bool,

    /// Remove the address of the default SM-DP+.
    #[arg(long)]
    default_smdp: bool,

    /// Do not ask.
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    notifications: NotificationArgs,
}

pub(super) fn run(session: &Session, command: &ChipCommand) -> anyhow::Result<ExitCode> {
    let ChipCommand::Info = command;
    let mut reporter = Reporter::new(session.json);
    let (eid, info, addresses) = session.with_lpa(&mut reporter, |lpa| {
        let eid = lpa.eid().map_err(report::failure)?;
        let info = lpa.euicc_info2().map_err(report::failure)?;
        let addresses = lpa.configured_addresses().map_err(report::failure)?;
        Ok((eid, info.into_value(), addresses))
    })?;
    let free = ExtCardResource::parse(&info.ext_card_resource).map(|resource| resource.free_non_volatile);
    let keys = |list: &[SubjectKeyIdentifier]| list.iter().map(SubjectKeyIdentifier::to_string).collect::<Vec<_>>();
    let (verification, signing) =
        (keys(&info.euicc_ci_pk_id_list_for_verification), keys(&info.euicc_ci_pk_id_list_for_signing));
    if session.json {
        let line = json!({
            "result": "ok",
            "eid": eid.to_string(),
            "eid_check_digits_valid": eid.check_digits_valid(),
            "svn": info.svn.to_string(),
            "profile_version": info.profile_version.to_string(),
            "firmware_version": info.euicc_firmware_ver.to_string(),
            "free_non_volatile_memory": free,
            "ci_key_ids_for_verification": verification,
            "ci_key_ids_for_signing": signing,
            "default_smdp_address": addresses.default_dp_address,
            "root_smds_address": addresses.root_ds_address,
            "sas_accreditation_number": info.sas_accreditation_number.0,
        });
        println!("{line}");
        return Ok(ExitCode::SUCCESS);
    }
    let warning = if eid.check_digits_valid() { "" } else { "  (its check digits are wrong)" };
    println!("EID                {eid}{warning}");
    println!("SGP.22             {}", info.svn);
    println!("profile packages   {}", info.profile_version);
    println!("firmware           {}", info.euicc_firmware_ver);
    if let Some(free) = free {
        println!("free memory        {free} bytes");
    }
    println!("trusts CI          {}", verification.join("\n                   "));
    println!("signs under CI     {}", signing.join("\n                   "));
    let address = |address: &str| if address.is_empty() { "none".to_owned() } else { for_display(address) };
    println!("default SM-DP+     {}", address(addresses.default_dp_address.as_deref().unwrap_or_default()));
    println!("root SM-DS         {}", address(&addresses.root_ds_address));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn default_smdp(session: &Session, args: &DefaultSmdpArgs) -> anyhow::Result<ExitCode> {
    let mut reporter = Reporter::new(session.json);
    let new = match (&args.address, args.clear) {
        (Some(address), _) => Some(address.as_str()),
        (None, true) => Some(""),
        (None, false) => None,
    };
    if let Some(address) = &args.address {
        // The eUICC would take an empty one as a wish to remove its own, which a shell's empty variable is not.
        rsp_es::client::Origin::new(rsp_es::client::Scheme::Https, address)
            .map_err(|error| Failure::new(Exit::Input, format!("{error}; to remove the address, give --clear")))?;
    }
    let addresses = session.with_lpa(&mut reporter, |lpa| {
        if let Some(address) = new {
            lpa.set_default_dp_address(address).map_err(report::failure)?;
        }
        lpa.configured_addresses().map_err(report::failure)
    })?;
    let default = addresses.default_dp_address.filter(|address| !address.is_empty());
    if session.json {
        println!(
            "{}",
            json!({
                "result": "ok",
                "default_smdp_address": default,
                "root_smds_address": addresses.root_ds_address,
            })
        );
    } else {
        println!("default SM-DP+     {}", default.as_deref().map_or_else(|| "none".to_owned(), for_display));
        println!("root SM-DS         {}", for_display(&addresses.root_ds_address));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn reset(session: &Session, args: &ResetArgs) -> anyhow::Result<ExitCode> {
    let bits: Vec<usize> = [
        (args.profiles, ResetOptions::DELETE_OPERATIONAL_PROFILES),
        (args.test_profiles, ResetOptions::DELETE_FIELD_LOADED_TEST_PROFILES),
        (args.default_smdp, ResetOptions::RESET_DEFAULT_SMDP_ADDRESS),
    ]
    .into_iter()
    .filter_map(|(wanted, bit)| wanted.then_some(bit))
    .collect();
    if bits.is_empty() {
        let message = "reset what? Give --profiles, --test-profiles or --default-smdp, or several of them";
        return Err(Failure::new(Exit::Usage, message));
    }
    prompt::require_consent(args.yes, "Really reset the eUICC? This cannot be undone. [y/N] ", "nothing was reset")?;
    let network = args.notifications.network(&session.network)?;
    let mut reporter = Reporter::new(session.json);
    let (changed, aftermath) = session.with_lpa(&mut reporter, |lpa| {
        let changed = lpa.memory_reset(ResetOptions::from_bits(&bits)).map_err(report::failure)?;
        Ok((changed, args.notifications.after(session, lpa, network.as_ref())?))
    })?;
    if session.json {
        println!("{}", json!({"result": "ok", "changed": changed, "notifications": aftermath.as_json()}));
    } else {
        println!("{}", if changed { "The eUICC is reset." } else { "There was nothing to reset." });
        aftermath.tell();
    }
    Ok(ExitCode::SUCCESS)
}

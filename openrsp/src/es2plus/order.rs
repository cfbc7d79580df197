//! The four functions that an operator calls.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use rsp_asn1::{Eid, Iccid};
use rsp_crypto::Zeroizing;
use rsp_es::client::{ClientError, Es2PlusError};
use rsp_es::es2plus::{
    CancelOrderRequest, ConfirmOrderRequest, DownloadOrderRequest, FinalProfileStatus, Function, JsonError,
    ReleaseProfileRequest,
};
use serde_json::json;

use super::answer;
use super::connection::{ConnectionArgs, parse_iccid};
use crate::exit::{Exit, Failure};
use crate::smdp::order::confirmation_code as read_code;

/// Reserve a profile: one of a type, or the very one with an ICCID (SGP.22 5.3.1). Prints its ICCID.
#[derive(Args)]
pub(super) struct DownloadOrderArgs {
    /// The type of the profile, from which the SM-DP+ chooses one.
    #[arg(long = "type", value_name = "NAME")]
    profile_type: Option<String>,
    /// The profile itself.
    #[arg(long, value_parser = parse_iccid)]
    iccid: Option<Iccid>,
    /// The only eUICC that shall download it, if it is known already.
    #[arg(long)]
    eid: Option<Eid>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(super) fn download_order(args: DownloadOrderArgs, json: bool) -> anyhow::Result<ExitCode> {
    let call = args.connection.open()?;
    let DownloadOrderArgs { profile_type, iccid, eid, .. } = args;
    let request = DownloadOrderRequest { header: call.header(), eid, iccid, profile_type };
    let answer = call.run(async |client| {
        let answer = client.download_order(&request).await?;
        answer::check_download(&request, &answer).map_err(|problem| malformed(Function::DownloadOrder, problem))?;
        Ok(answer)
    })?;
    let iccid = answer.iccid.to_string();
    call.report(json!({ "result": "ok", "iccid": iccid }), json, || println!("{iccid}"));
    Ok(ExitCode::SUCCESS)
}

fn malformed(function: Function, source: JsonError) -> Es2PlusError {
    ClientError::Malformed { function, source }
}

/// Say how a reserved profile may be downloaded, and release it at once or not (SGP.22 5.3.2). Prints its activation code.
#[derive(Args)]
pub(super) struct ConfirmOrderArgs {
    /// The profile that was reserved.
    #[arg(value_parser = parse_iccid)]
    iccid: Iccid,
    /// The only eUICC that shall download it.
    #[arg(long)]
    eid: Option<Eid>,
    /// Matching ID of your choice (0-9, A-Z, -); by default the SM-DP+ makes one. An empty one is an order that the eUICC
    /// finds by its EID alone.
    #[arg(long, value_name = "ID")]
    matching_id: Option<String>,
    /// Require a confirmation code: `auto` makes one, `@FILE` reads one, `ask` asks for one.
    #[arg(long, value_name = "auto|@FILE|ask")]
    confirmation_code: Option<String>,
    /// Have the SM-DP+ register an event for the eUICC at this SM-DS.
    #[arg(long, value_name = "HOST[:PORT]")]
    smds: Option<String>,
    /// Release the profile with it: it can be downloaded from now on.
    #[arg(long)]
    release: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(super) fn confirm_order(args: ConfirmOrderArgs, json: bool) -> anyhow::Result<ExitCode> {
    let made_here = args.confirmation_code.as_deref() == Some("auto");
    if made_here && args.connection.is_repetition() {
        let problem =
            "--call-id repeats a call, and --confirmation-code auto would make another code: give @FILE or ask";
        return Err(Failure::new(Exit::Usage, problem));
    }
    let code = args.confirmation_code.as_deref().map(read_code).transpose()?;
    let call = args.connection.open()?;
    let request = ConfirmOrderRequest {
        header: call.header(),
        iccid: args.iccid,
        eid: args.eid,
        matching_id: args.matching_id,
        confirmation_code: code.as_ref().map(|code| Zeroizing::new(code.reveal().to_owned())),
        smds_address: args.smds,
        release_flag: args.release,
    };
    let (answer, activation) = call.run(async |client| {
        let answer = client.confirm_order(&request).await?;
        let code = answer::check_confirmation(&request, &answer);
        let code = code.map_err(|problem| malformed(Function::ConfirmOrder, problem))?;
        Ok((answer, code.map(|code| code.to_uri())))
    })?;
    let activation = activation.as_ref().map(|activation| activation.as_str());
    // Shown only when it was made here: whoever gave a code knows it.
    let shown = code.as_ref().filter(|_| made_here).map(|code| code.reveal());
    let mut result = json!({
        "result": "ok",
        "iccid": args.iccid.to_string(),
        "eid": answer.eid.map(|eid| eid.to_string()),
        "matching_id": answer.matching_id,
        "smdp_address": answer.smdp_address,
        "activation_code": activation,
        "confirmation_code_required": code.is_some(),
        "released": args.release,
    });
    if let Some(shown) = shown {
        result["confirmation_code"] = shown.into();
    }
    call.report(result, json, || {
        match activation.unwrap_or(&answer.matching_id) {
            "" => {}
            code => println!("{code}"),
        }
        if answer.matching_id.is_empty() {
            eprintln!("for an EID alone: the eUICC asks for it by itself if this is its default SM-DP+");
        }
        if let Some(shown) = shown {
            eprintln!("confirmation code (give it to the user apart from the activation code): {shown}");
        }
    });
    Ok(ExitCode::SUCCESS)
}

#[derive(Clone, Copy, ValueEnum)]
enum Final {
    /// It can be ordered again.
    Available,
    /// It cannot be ordered any more.
    Unavailable,
}

/// Give an order up (SGP.22 5.3.3).
#[derive(Args)]
pub(super) struct CancelOrderArgs {
    /// The profile of the order.
    #[arg(value_parser = parse_iccid)]
    iccid: Iccid,
    /// The eUICC of the order, if it has one.
    #[arg(long)]
    eid: Option<Eid>,
    /// The matching ID of the order, if it has one.
    #[arg(long, value_name = "ID")]
    matching_id: Option<String>,
    /// What becomes of the profile.
    #[arg(long, value_name = "STATE", value_enum, default_value = "available")]
    to: Final,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(super) fn cancel_order(args: CancelOrderArgs, json: bool) -> anyhow::Result<ExitCode> {
    let call = args.connection.open()?;
    let (to, state) = match args.to {
        Final::Available => (FinalProfileStatus::Available, "Available"),
        Final::Unavailable => (FinalProfileStatus::Unavailable, "Unavailable"),
    };
    let request = CancelOrderRequest {
        header: call.header(),
        iccid: Some(args.iccid),
        eid: args.eid,
        matching_id: args.matching_id,
        final_profile_status_indicator: Some(to),
    };
    call.run(async |client| client.cancel_order(&request).await)?;
    let iccid = args.iccid.to_string();
    call.report(json!({ "result": "ok", "iccid": iccid, "state": state }), json, || println!("{iccid} {state}"));
    Ok(ExitCode::SUCCESS)
}

/// Let a confirmed profile be downloaded (SGP.22 5.3.4).
#[derive(Args)]
pub(super) struct ReleaseProfileArgs {
    /// The profile.
    #[arg(value_parser = parse_iccid)]
    iccid: Iccid,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(super) fn release_profile(args: ReleaseProfileArgs, json: bool) -> anyhow::Result<ExitCode> {
    let call = args.connection.open()?;
    let request = ReleaseProfileRequest { header: call.header(), iccid: args.iccid };
    call.run(async |client| client.release_profile(&request).await)?;
    let iccid = args.iccid.to_string();
    call.report(json!({ "result": "ok", "iccid": iccid, "state": "Released" }), json, || println!("{iccid} Released"));
    Ok(ExitCode::SUCCESS)
}

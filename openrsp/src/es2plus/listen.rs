//! `openrsp es2plus listen`: an operator's end of HandleDownloadProgressInfo, for labs and tests.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use clap::Args;
use rsp_es::es2plus::{HandleDownloadProgressInfoRequest, NotificationPoint};
use rsp_es::server::{Caller, OperatorNotifications, notifications_router};
use rsp_es::status::StatusCode;
use rsp_pki::Role;
use serde_json::json;
use tokio::sync::Notify;

use super::connection::TrustArgs;
use crate::exit::{Exit, Failure};
use crate::identity::Identity;
use crate::serve::single::{self, Single};

/// Take the notifications of an SM-DP+ (HandleDownloadProgressInfo), and print each as one line.
///
/// The first line says where it listens. The SM-DP+ proves itself with its TLS certificate, and asks for one that is an
/// operator's and a server's: `openrsp pki issue operator NAME --host HOST` makes it. The SM-DP+ sends to the endpoint with
/// which the operator was registered, and to an address of this machine only if [egress] allow in its configuration names
/// it.
#[derive(Args)]
pub(super) struct ListenArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8447")]
    listen: SocketAddr,

    /// The operator's certificate, for a server.
    #[arg(long, value_name = "FILE", required_unless_present = "plain_http")]
    cert: Option<PathBuf>,

    /// Its private key; nobody else may be able to read the file.
    #[arg(long, value_name = "FILE", required_unless_present = "plain_http")]
    key: Option<PathBuf>,

    #[command(flatten)]
    trust: TrustArgs,

    /// Speak HTTP without TLS, on a loopback address only: for use behind a TLS proxy.
    #[arg(long, conflicts_with_all = ["cert", "key", "ca", "pki"])]
    plain_http: bool,

    /// End after so many notifications.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
}

pub(super) fn run(args: ListenArgs, json: bool) -> anyhow::Result<ExitCode> {
    if args.plain_http && !args.listen.ip().is_loopback() {
        let problem = format!("--plain-http: {} is not a loopback address", args.listen);
        return Err(Failure::new(Exit::Usage, problem));
    }
    let mutual = match (&args.cert, &args.key) {
        (Some(cert), Some(key)) => {
            let (anchors, crls) = args.trust.read()?;
            Some((Identity::read(cert, key)?, anchors, crls))
        }
        _ => None,
    };
    let enough = Arc::new(Notify::new());
    let printer = Printer { json, left: args.count.map(AtomicU32::new), enough: Arc::clone(&enough) };
    let router = notifications_router(Arc::new(printer));
    let single = Single { listen: args.listen, mutual, clients: &[Role::DpTls], router };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(single::serve(single, json, async move { enough.notified().await }))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints what it is told.
struct Printer {
    json: bool,
    /// How many more, if there is a limit.
    left: Option<AtomicU32>,
    enough: Arc<Notify>,
}

#[async_trait]
impl OperatorNotifications for Printer {
    async fn handle_download_progress_info(
        &self,
        _: &Caller,
        request: HandleDownloadProgressInfoRequest,
    ) -> Result<(), StatusCode> {
        if self.json {
            println!("{}", describe(&request));
        } else {
            println!("{}", line(&request));
        }
        if self.left.as_ref().is_some_and(|left| left.fetch_sub(1, Ordering::Relaxed) == 1) {
            self.enough.notify_one();
        }
        Ok(())
    }
}

fn describe(request: &HandleDownloadProgressInfoRequest) -> serde_json::Value {
    let status = &request.notification_point_status;
    let code = status.code.as_ref();
    json!({
        "timestamp": request.timestamp.to_string(),
        "iccid": request.iccid.to_string(),
        "type": request.profile_type,
        "eid": request.eid.map(|eid| eid.to_string()),
        "point": request.notification_point_id.number(),
        "point_name": name(request.notification_point_id),
        "status": status.status.as_str(),
        "subject": code.map(|code| code.subject.as_str()),
        "reason": code.map(|code| code.reason.as_str()),
        "result_data": request.result_data.as_ref().map(hex::encode_upper),
        "requester": request.header.function_requester_identifier,
        "call_id": request.header.function_call_identifier,
    })
}

fn line(request: &HandleDownloadProgressInfoRequest) -> String {
    let status = &request.notification_point_status;
    let code = status.code.as_ref().map_or_else(String::new, |code| format!(" {}/{}", code.subject, code.reason));
    let eid = request.eid.map_or_else(|| "-".to_owned(), |eid| eid.to_string());
    let (point, iccid) = (request.notification_point_id, request.iccid);
    let (number, name, status) = (point.number(), name(point), status.status.as_str());
    format!("{}  {iccid}  {eid}  {number} {name}: {status}{code}", request.timestamp)
}

fn name(point: NotificationPoint) -> &'static str {
    match point {
        NotificationPoint::EligibilityAndRetryLimitCheck => "eligibility and retry limit check",
        NotificationPoint::ConfirmationFailure => "confirmation failure",
        NotificationPoint::BppDownload => "BPP download",
        NotificationPoint::BppInstallation => "BPP installation",
        NotificationPoint::ProfileDeletion => "profile deletion",
    }
}

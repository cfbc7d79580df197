//! `openrsp lpa profile download`.

use std::process::ExitCode;

use clap::Args;
use rsp_asn1::{DeviceInfo, Eid};
use rsp_es::activation_code::{ActivationCode, Severity, diagnose};
use rsp_lpa::{DownloadRequest, Installed, Lpa, device_info};
use serde_json::{Map, Value, json};

use super::Session;
use super::network::Network;
use super::notifications::{Aftermath, NotificationArgs};
use super::prompt::{CodeSource, Terminal};
use super::report::{self, Reporter};
use crate::exit::{Exit, Failure};

#[derive(Args)]
pub(super) struct DownloadArgs {
    /// The activation code, in single quotes: 'LPA:1$HOST$MATCHING-ID'. Without code and --smdp, the profile that waits
    /// at the eUICC's default SM-DP+ is downloaded.
    #[arg(value_name = "CODE", conflicts_with_all = ["activation_code", "smdp"])]
    code: Option<String>,

    /// The activation code, as an option.
    #[arg(long, value_name = "CODE", conflicts_with = "smdp")]
    activation_code: Option<String>,

    /// Address of the SM-DP+, instead of an activation code.
    #[arg(long, value_name = "HOST[:PORT]")]
    smdp: Option<String>,

    /// MatchingID for --smdp; without it, the profile that waits for this EID.
    #[arg(long, value_name = "ID", requires = "smdp")]
    matching_id: Option<String>,

    #[command(flatten)]
    install: InstallArgs,
}

/// How a profile is installed, wherever it comes from.
#[derive(Args)]
pub(super) struct InstallArgs {
    /// Where the confirmation code comes from: `ask` or @FILE.
    #[arg(long, value_name = "ask|@FILE")]
    confirmation_code: Option<String>,

    /// Agree to the installation without being asked.
    #[arg(long)]
    yes: bool,

    /// IMEI of the device, 15 digits.
    #[arg(long, value_name = "IMEI")]
    imei: Option<String>,

    #[command(flatten)]
    pub(super) notifications: NotificationArgs,
}

impl InstallArgs {
    /// What servers are told of the device.
    pub(super) fn device(&self) -> anyhow::Result<DeviceInfo> {
        device_info(self.imei.as_deref()).map_err(|error| Failure::new(Exit::Input, format!("--imei: {error}")))
    }

    /// Whom to ask. `code_announced` as in [`Terminal::new`].
    pub(super) fn terminal(&self, code_announced: bool) -> anyhow::Result<Terminal> {
        let source = self.confirmation_code.as_deref().map(CodeSource::parse).transpose()?;
        Terminal::new(self.yes, source.as_ref(), code_announced)
    }

    /// Whether an answer was given that only an installation needs.
    pub(super) fn answers_given(&self) -> bool {
        self.yes || self.confirmation_code.is_some()
    }
}

/// What is downloaded.
enum Source {
    Code(ActivationCode),
    Address { smdp: String, matching_id: String },
    DefaultSmdp,
}

pub(super) fn run(session: &Session, args: DownloadArgs) -> anyhow::Result<ExitCode> {
    let source = source(&args)?;
    let device = args.install.device()?;
    let announced = matches!(&source, Source::Code(code) if code.confirmation_code_required());
    let mut terminal = args.install.terminal(announced)?;
    let network = session.network.open()?;
    let mut reporter = Reporter::new(session.json).telling_steps();
    let outcome = session.with_lpa(&mut reporter, |lpa| {
        let eid = lpa.eid().map_err(report::failure)?;
        let request = request(lpa, source, device)?;
        let outcome = session.block_on(lpa.download(&network.servers, &request, &network.trust(), &mut terminal));
        // A failed installation has its notification, too. It must not hide the failure itself.
        let aftermath = args.install.notifications.after(session, lpa, Some(&network));
        match outcome {
            Ok(installed) => Ok(Ok((eid, installed, aftermath?))),
            Err(error) => Ok(Err(error)),
        }
    })?;
    match outcome {
        Ok((eid, installed, aftermath)) => {
            if session.json {
                println!("{}", result_line(eid, &installed, &aftermath, &network, reporter.total_ms()));
            } else {
                tell(&installed, &network);
                aftermath.tell();
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(report::failure(error)),
    }
}

fn source(args: &DownloadArgs) -> anyhow::Result<Source> {
    if let Some(text) = args.code.as_ref().or(args.activation_code.as_ref()) {
        let diagnosis = diagnose(text);
        for finding in diagnosis.findings.iter().filter(|finding| finding.severity == Severity::Deviation) {
            eprintln!("warning: activation code, {finding}");
        }
        let code =
            diagnosis.into_code().map_err(|error| Failure::new(Exit::Input, format!("activation code, {error}")))?;
        return Ok(Source::Code(code));
    }
    Ok(match &args.smdp {
        Some(smdp) => Source::Address { smdp: smdp.clone(), matching_id: args.matching_id.clone().unwrap_or_default() },
        None => Source::DefaultSmdp,
    })
}

fn request(lpa: &mut Lpa<'_>, source: Source, device: DeviceInfo) -> anyhow::Result<DownloadRequest> {
    match source {
        Source::Code(code) => Ok(DownloadRequest::from_activation_code(&code, device)),
        Source::Address { smdp, matching_id } => Ok(DownloadRequest::new(&smdp, &matching_id, device)),
        Source::DefaultSmdp => {
            let addresses = lpa.configured_addresses().map_err(report::failure)?;
            let default = addresses.default_dp_address.filter(|address| !address.is_empty());
            let address = default.ok_or_else(|| {
                let message = "nothing to download: give an activation code or --smdp; the eUICC has no default SM-DP+";
                Failure::new(Exit::Usage, message)
            })?;
            Ok(DownloadRequest::new(&address, "", device))
        }
    }
}

fn result_line(eid: Eid, installed: &Installed, aftermath: &Aftermath, network: &Network, total_ms: u64) -> Value {
    let tls = network.tls().map(|(trusted, negotiated)| {
        json!({
            "server": trusted.server,
            "ci": trusted.ci,
            "ci_key_id": trusted.ci_key_id,
            "version": negotiated.version,
            "cipher_suite": negotiated.cipher_suite,
        })
    });
    let mut line = installed_members(installed);
    line.insert("result".to_owned(), "ok".into());
    line.insert("eid".to_owned(), eid.to_string().into());
    line.insert("tls".to_owned(), json!(tls));
    line.insert("notifications".to_owned(), aftermath.as_json());
    line.insert("total_ms".to_owned(), total_ms.into());
    Value::Object(line)
}

/// What is known of an installed profile.
pub(super) fn installed_members(installed: &Installed) -> Map<String, Value> {
    let members = [
        ("iccid", json!(installed.iccid.to_string())),
        ("isdp_aid", json!(hex::encode_upper(&installed.isdp_aid))),
        ("service_provider_name", json!(installed.offer.service_provider_name)),
        ("profile_name", json!(installed.offer.profile_name)),
        ("profile_class", json!(installed.offer.profile_class.name())),
        ("bpp_bytes", json!(installed.bpp_bytes)),
        ("seq_number", json!(installed.seq_number)),
        ("transaction_id", json!(installed.transaction_id.to_string())),
        ("smdp_oid", json!(installed.smdp_oid)),
        ("ci_key_id", json!(hex::encode_upper(&installed.ci_key_id))),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Says what was installed, and who was trusted for it.
pub(super) fn tell(installed: &Installed, network: &Network) {
    let offer = &installed.offer;
    println!(
        "Profile {} is installed and disabled: {}: {}",
        installed.iccid, offer.service_provider_name, offer.profile_name
    );
    match network.tls() {
        Some((trusted, negotiated)) => {
            println!("TLS ({}, {}) trusted the CI {}", negotiated.version, negotiated.cipher_suite, trusted.ci);
            println!("  key identifier {}", trusted.ci_key_id);
        }
        None => println!("The server was reached without TLS, on this machine."),
    }
    println!("SM-DP+ {} and eUICC authenticated each other under the CI", installed.smdp_oid);
    println!("  key identifier {}", hex::encode_upper(&installed.ci_key_id));
}

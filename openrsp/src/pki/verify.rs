//! `openrsp pki verify`.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::Args;
use rsp_asn1::Timestamp;
use rsp_pki::directory::PkiDirectory;
use rsp_pki::{Certificate, Crl, PathError, Role, Rule, TrustStore, ValidPath, Validation, validate};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{bad_input, hexadecimal, read, read_certificate};
use crate::exit::{Exit, Failure};
use crate::system::now;

#[derive(Args)]
#[command(group = clap::ArgGroup::new("trust").required(true).multiple(true))]
pub(super) struct VerifyArgs {
    /// The certificate, then its issuers if there are any between it and the CI.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// A directory of `openrsp pki init` or SGP.26, whose CIs are trusted and whose EUMs may stand in the path.
    #[arg(long, value_name = "DIR", group = "trust")]
    pki: Option<PathBuf>,

    /// A trusted CI certificate; may be given several times.
    #[arg(long, value_name = "FILE", group = "trust")]
    ci: Vec<PathBuf>,

    /// The role that the certificate shall have: ci, eum, euicc, dpauth, dppb, dptls, dsauth, dstls or operator. By default
    /// the one that it claims.
    #[arg(long)]
    role: Option<Role>,

    /// When the path shall be valid: a date (2026-11-20), a time (2026-11-20T09:12:00Z), or `none` to leave dates out as
    /// an eUICC does. Now by default.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<At>,

    /// A CRL to be respected; may be given several times.
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
}

/// A point in time, or none at all.
#[derive(Clone, Copy)]
struct At(Option<Timestamp>);

pub(super) fn run(args: VerifyArgs, json: bool) -> anyhow::Result<ExitCode> {
    let at = args.at.unwrap_or_else(|| At(Some(now())));
    let known = Known::read(&args, at)?;
    let mut certificates = args.files.iter().map(|file| read_certificate(file)).collect::<anyhow::Result<Vec<_>>>()?;
    let leaf = certificates.remove(0);
    let claim = Claim::of(&leaf, args.role).ok_or_else(|| {
        bad_input(format!("{}: names no single role of RSP; say which with --role", args.files[0].display()))
    })?;
    let verified = match claim.role {
        Some(role) => known.verify(role, &leaf, certificates, at).map_err(|error| Refusal::new(&leaf, claim, &error)),
        None => Err(Refusal::without_role(&leaf)),
    };
    match verified {
        Ok(path) => {
            report(&leaf, &path, warnings(&leaf), json);
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) if json => {
            println!("{}", refusal.json());
            Ok(Exit::Failed.into())
        }
        Err(refusal) => Err(Failure::new(Exit::Failed, format!("{}: refused: {refusal}", args.files[0].display()))),
    }
}

/// The role that the certificate is verified for, and how it came to it.
#[derive(Clone, Copy)]
struct Claim {
    /// `None`: nothing in the certificate names one.
    role: Option<Role>,
    reason: &'static str,
}

impl Claim {
    /// `None` when there are policies but no single role among them: only the user can choose.
    fn of(leaf: &Certificate, wanted: Option<Role>) -> Option<Self> {
        if let Some(role) = wanted {
            return Some(Self { role: Some(role), reason: "as wanted" });
        }
        match leaf.role() {
            Some(role) => Some(Self { role: Some(role), reason: "by its policy" }),
            None if !leaf.policies().is_empty() => None,
            None if leaf.is_self_issued() => Some(Self { role: Some(Role::Ci), reason: "being its own issuer" }),
            None => Some(Self { role: None, reason: "by its policy" }),
        }
    }
}

/// A refused path, told by the subject of the certificate: its policy may claim a role that it was not made for.
struct Refusal {
    subject: String,
    claim: Claim,
    /// The role of the certificate at fault.
    at_fault: Option<Role>,
    rule: String,
    failure: String,
}

impl Refusal {
    fn new(leaf: &Certificate, claim: Claim, error: &PathError) -> Self {
        let failure = format!("{:?}", error.failure());
        let rule = error.rule.to_string();
        Self { subject: leaf.subject(), claim, at_fault: Some(error.certificate), rule, failure }
    }

    /// Without a policy no certificate has a role, whoever issued it.
    fn without_role(leaf: &Certificate) -> Self {
        let error = PathError { certificate: Role::Euicc, rule: Rule::MissingExtension("certificatePolicies") };
        Self { at_fault: None, ..Self::new(leaf, Claim { role: None, reason: "by its policy" }, &error) }
    }

    fn json(&self) -> Value {
        json!({
            "result": "refused",
            "subject": self.subject,
            "role": self.claim.role.map(|role| role.to_string()),
            "certificate": self.at_fault.map(|role| role.to_string()),
            "rule": self.rule,
            "failure": self.failure,
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "certificate of {}", self.subject)?;
        match self.claim.role {
            Some(role) => write!(f, " (role {}: {role}): ", self.claim.reason)?,
            None => f.write_str(" (no role): ")?,
        }
        match self.at_fault {
            Some(other) if Some(other) != self.claim.role => write!(f, "the {other} certificate of its path: ")?,
            _ => {}
        }
        f.write_str(&self.rule)
    }
}

/// Who is trusted, and what helps to build the path.
struct Known {
    anchors: TrustStore,
    eums: Vec<Certificate>,
    crls: Vec<Crl>,
}

impl Known {
    fn read(args: &VerifyArgs, at: At) -> anyhow::Result<Self> {
        let mut anchors = args.ci.iter().map(|file| read_certificate(file)).collect::<anyhow::Result<Vec<_>>>()?;
        let (mut eums, mut crls) = (Vec::new(), Vec::new());
        if let Some(dir) = &args.pki {
            let pki = PkiDirectory::open(dir, at.0).map_err(bad_input)?;
            anchors.extend(pki.trust_store().iter().cloned());
            eums.extend(
                pki.entities().map(|entity| entity.certificate()).filter(|c| c.role() == Some(Role::Eum)).cloned(),
            );
            crls.extend_from_slice(pki.crls());
        }
        for file in &args.crl {
            let crl = Crl::from_file_content(&read(file)?);
            crls.push(crl.map_err(|error| bad_input(format!("{}: {error}", file.display())))?);
        }
        Ok(Self { anchors: TrustStore::new(anchors), eums, crls })
    }

    fn verify(
        &self,
        role: Role,
        leaf: &Certificate,
        mut chain: Vec<Certificate>,
        at: At,
    ) -> Result<ValidPath, PathError> {
        if role == Role::Euicc && chain.is_empty() {
            let issuer = |eum: &&Certificate| leaf.authority_key_identifier() == eum.subject_key_identifier();
            // Without a matching one any will do, so that the certificate itself is blamed and not the missing EUM.
            chain.extend(self.eums.iter().find(issuer).or(self.eums.first()).cloned());
        }
        let validation = Validation { provider: rsp_crypto::aws_lc(), now: at.0, crls: &self.crls, crl_max_age: None };
        validate(&validation, role, leaf, &chain, &self.anchors)
    }
}

/// What is suspicious but no rule of the path.
fn warnings(leaf: &Certificate) -> Vec<String> {
    match leaf.eid() {
        Some(eid) if !eid.check_digits_valid() => {
            vec![format!(
                "the check digits of EID {eid} are wrong: they should be those of {}",
                eid.with_check_digits()
            )]
        }
        _ => Vec::new(),
    }
}

fn report(leaf: &Certificate, path: &ValidPath, warnings: Vec<String>, json: bool) {
    let ci = hexadecimal(path.ci_key_id());
    let eid = leaf.eid().filter(|_| path.role() == Role::Euicc).map(|eid| eid.to_string());
    if json {
        let result = json!({
            "result": "ok",
            "role": path.role().to_string(),
            "subject": leaf.subject(),
            "ci_key_identifier": ci,
            "curve": path.public_key().curve().to_string(),
            "eid": eid,
            "oid": path.oid().map(|oid| oid.to_string()),
            "warnings": warnings,
        });
        println!("{result}");
        return;
    }
    println!("valid: {} certificate of {}, under the CI {ci}", path.role(), leaf.subject());
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
}

fn parse_time(text: &str) -> anyhow::Result<At> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(At(None));
    }
    let full = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00Z") };
    let time = OffsetDateTime::parse(&full, &Rfc3339)
        .map_err(|_| anyhow!("neither a date (2026-11-20) nor a time (2026-11-20T09:12:00Z) nor `none`"))?;
    Ok(At(Some(Timestamp(time.unix_timestamp()))))
}

//! The certificates on which this server depends, as the portal lists them.

use rsp_operator::certificates::{Certificates, Held};
use rsp_pki::{Certificate, Role, TrustStore};

use crate::config::ServerDir;
use crate::smdp::issue;

/// Key identifiers of the GSMA's root CIs for consumer devices: only phones with one of them take what stands under it.
const GSMA: [&str; 2] = ["81370F5125D0B1D408D4C3B232E6D25E795BEBFB", "4C27967AD20C14B391E9601E41E604AD57C0222F"];

/// The files of a server's directory.
pub(super) struct ServerCertificates(pub(super) ServerDir);

impl Certificates for ServerCertificates {
    fn held(&self) -> Result<Vec<Held>, String> {
        let text = |error: anyhow::Error| format!("{error:#}");
        let mut held = Vec::new();
        let own = |purpose: String, certificate: Certificate| Held { purpose, operator: None, certificate };
        let pki = self.0.pki().map_err(text)?;
        for entity in pki.entities() {
            let certificate = entity.certificate().clone();
            if let Some(purpose) = certificate.role().and_then(purpose) {
                let curve = certificate.curve().map(|curve| format!(", {curve}")).unwrap_or_default();
                held.push(own(format!("{purpose}{curve}"), certificate));
            }
        }
        let file = self.0.path(&self.0.config.tls.certificate);
        let certificate = read(&file)?;
        if held.iter().all(|known| known.certificate.der() != certificate.der()) {
            held.push(own("TLS, as shown".to_owned(), certificate));
        }
        let (example, _) = issue::files(&self.0, "operator");
        let Some(dir) = example.parent().filter(|dir| dir.is_dir()) else { return Ok(held) };
        let entries = std::fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            let name = path.file_stem().and_then(|name| name.to_str());
            let (Some(name), Some("pem")) = (name, path.extension().and_then(|extension| extension.to_str())) else {
                continue;
            };
            let purpose = "Operator's client, ES2+".to_owned();
            held.push(Held { purpose, operator: Some(name.to_owned()), certificate: read(&path)? });
        }
        Ok(held)
    }
}

fn read(file: &std::path::Path) -> Result<Certificate, String> {
    let bad = |problem: &dyn std::fmt::Display| format!("{}: {problem}", file.display());
    let content = std::fs::read(file).map_err(|error| bad(&error))?;
    Certificate::from_file_content(&content).map_err(|error| bad(&error))
}

/// What a certificate of a server is for; those of devices and their makers are not the server's.
fn purpose(role: Role) -> Option<&'static str> {
    Some(match role {
        Role::Ci => "CI",
        Role::DpAuth => "DPauth",
        Role::DpPb => "DPpb",
        Role::DpTls => "TLS of the SM-DP+",
        Role::DsAuth => "DSauth",
        Role::DsTls => "TLS of the SM-DS",
        _ => return None,
    })
}

/// Whether no consumer phone accepts what stands under these CIs.
pub(crate) fn is_test_pki(anchors: &TrustStore) -> bool {
    let is_gsma = |id: &[u8]| GSMA.contains(&hex::encode_upper(id).as_str());
    !anchors.iter().any(|ci| ci.subject_key_identifier().is_some_and(is_gsma))
}

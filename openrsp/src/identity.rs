//! A TLS certificate with its key, as this process shows it: as a server, or as a client of another one.

use std::path::Path;

use anyhow::Context as _;
use rsp_crypto::{SecretKey, Zeroizing};
use rsp_pki::Certificate;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::exit::{Exit, Failure};
use crate::system::{now, require_private};

/// A certificate and the key that belongs to it.
pub(crate) struct Identity {
    certificate: Certificate,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Reads both files, and says at the start what a peer would only find out later.
    pub(crate) fn read(certificate_file: &Path, key_file: &Path) -> anyhow::Result<Self> {
        let bad = |file: &Path, problem: &dyn std::fmt::Display| {
            Failure::new(Exit::Input, format!("{}: {problem}", file.display()))
        };
        let content = std::fs::read(certificate_file).map_err(|error| bad(certificate_file, &error))?;
        let certificate = Certificate::from_file_content(&content).map_err(|error| bad(certificate_file, &error))?;
        if now() > certificate.not_after() {
            return Err(bad(certificate_file, &format_args!("expired on {}", certificate.not_after())));
        }

        require_private(key_file)?;
        let pem = Zeroizing::new(std::fs::read_to_string(key_file).with_context(|| key_file.display().to_string())?);
        let key = SecretKey::from_pem(&pem).map_err(|error| bad(key_file, &error))?;
        if certificate.public_key() != Ok(key.public_key()) {
            return Err(bad(key_file, &format_args!("is not the key of {}", certificate_file.display())));
        }
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_pkcs8_der()?.to_vec()));
        Ok(Self { certificate, key })
    }

    /// The certificate.
    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What rustls shows: CIs sign these certificates themselves, so the chain is one long.
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from(self.certificate.der().to_vec())]
    }

    /// The key, for rustls.
    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key()
    }
}

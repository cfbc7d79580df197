//! Fresh certificates under a hierarchy that has its issuers' keys.

use std::path::{Path, PathBuf};

use rsp_asn1::{Eid, ObjectIdentifier, Timestamp};
use rsp_crypto::{Curve, Randomness};

use super::init::{default_oid, issue_euicc, make_operator, make_server, write_key};
use super::{Entity, PkiDirectory, problem};
use crate::issue::{Authority, Host, Minted, OperatorName};
use crate::{Error, Role};

/// Time and randomness of one minting.
pub struct Mint<'a> {
    /// When the certificate begins, less an hour.
    pub now: Timestamp,
    /// Where keys and serial numbers come from.
    pub randomness: &'a mut dyn Randomness,
}

impl PkiDirectory {
    /// A fresh TLS certificate for a host, on P-256: published ones expire, and name a host of GSMA's. Its OID is that
    /// of the directory's SM-DP+ or SM-DS.
    ///
    /// # Errors
    /// [`Error::NoCertificate`] or [`Error::NoKey`] when the P-256 CI or its key is not there.
    pub fn mint_tls(&self, role: Role, host: &Host, mint: Mint<'_>) -> Result<Minted, Error> {
        let auth = if role == Role::DsTls { Role::DsAuth } else { Role::DpAuth };
        self.mint_server(Curve::P256, role, &self.oid_of(auth), host, mint)
    }

    /// A fresh DPtls for a host.
    ///
    /// # Errors
    /// As [`PkiDirectory::mint_tls`].
    pub fn mint_dp_tls(&self, host: &Host, mint: Mint<'_>) -> Result<Minted, Error> {
        self.mint_tls(Role::DpTls, host, mint)
    }

    /// A fresh DSauth on a curve, with the OID of the directory's SM-DS as [`PkiDirectory::mint_tls`] gives it to DStls.
    ///
    /// # Errors
    /// [`Error::NoCertificate`] or [`Error::NoKey`] when the CI of the curve or its key is not there.
    pub fn mint_ds_auth(&self, curve: Curve, host: &Host, mint: Mint<'_>) -> Result<Minted, Error> {
        self.mint_server(curve, Role::DsAuth, &self.oid_of(Role::DsAuth), host, mint)
    }

    /// The OID of the directory's SM-DP+ or SM-DS, whose DPauth or DSauth this is.
    fn oid_of(&self, auth: Role) -> ObjectIdentifier {
        let entity = self.get(Curve::P256, auth).or_else(|| self.get(Curve::BrainpoolP256r1, auth));
        entity.and_then(|entity| entity.certificate().oid()).unwrap_or_else(|| default_oid(auth))
    }

    /// A fresh certificate of any server role under the CI of a curve. The host matters for TLS only.
    ///
    /// # Errors
    /// [`Error::NoCertificate`] or [`Error::NoKey`] when the CI or its key is not there.
    pub fn mint_server(
        &self,
        curve: Curve,
        role: Role,
        oid: &ObjectIdentifier,
        host: &Host,
        mint: Mint<'_>,
    ) -> Result<Minted, Error> {
        make_server(&self.authority(curve, Role::Ci)?, role, oid, host, mint.now, mint.randomness)
    }

    /// A fresh TLS certificate of an operator under the P-256 CI: for the client of ES2+, and with a host for the server
    /// of its notifications as well. It belongs to nobody's directory.
    ///
    /// # Errors
    /// [`Error::NoCertificate`] or [`Error::NoKey`] when the P-256 CI or its key is not there.
    pub fn mint_operator(
        &self,
        name: &OperatorName,
        host: Option<&Host>,
        oid: Option<&ObjectIdentifier>,
        mint: Mint<'_>,
    ) -> Result<Minted, Error> {
        make_operator(&self.authority(Curve::P256, Role::Ci)?, name, host, oid, mint.now, mint.randomness)
    }

    /// A fresh eUICC certificate for an EID, under the EUM of a curve.
    ///
    /// # Errors
    /// [`Error::EidNotPermitted`] when the EUM may not use the EID; [`Error::NoCertificate`] or [`Error::NoKey`] when the
    /// EUM or its key is not there.
    pub fn mint_euicc(&self, curve: Curve, eid: Eid, mint: Mint<'_>) -> Result<Minted, Error> {
        issue_euicc(&self.authority(curve, Role::Eum)?, eid, mint.now, mint.randomness)
    }

    /// The CI or EUM of a curve, ready to sign.
    ///
    /// # Errors
    /// [`Error::NoCertificate`] or [`Error::NoKey`].
    pub fn authority(&self, curve: Curve, role: Role) -> Result<Authority<'_>, Error> {
        let entity: &Entity = self.require(curve, role)?;
        Authority::new(rsp_crypto::rust_crypto(), entity.certificate(), entity.require_key()?)
    }

    /// Puts a minted certificate into our layout or any directory: `STEM.pem`, and `STEM.key` with mode 0600.
    ///
    /// # Errors
    /// [`Error::File`] when writing fails.
    pub fn write_minted(minted: &Minted, dir: &Path, stem: &str) -> Result<(PathBuf, PathBuf), Error> {
        std::fs::create_dir_all(dir).map_err(|error| problem(dir, error))?;
        let key = write_key(&dir.join(format!("{stem}.key")), &minted.key)?;
        let certificate = dir.join(format!("{stem}.pem"));
        std::fs::write(&certificate, minted.certificate.to_pem()).map_err(|error| problem(&certificate, error))?;
        Ok((certificate, key))
    }
}

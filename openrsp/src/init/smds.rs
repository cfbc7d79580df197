//! What the SM-DS of a new directory needs: CERT.DS.TLS for its host, and CERT.DSauth on the curves of the SM-DP+.

use std::path::Path;

use anyhow::Context as _;
use rsp_crypto::Curve;
use rsp_pki::Role;
use rsp_pki::directory::{Mint, PkiDirectory};
use rsp_pki::issue::{Host, Minted};

use super::{Pair, SMDS_CERTIFICATE, SMDS_KEY, SMDS_PKI};
use crate::exit::{Exit, Failure};
use crate::system::{OsRandomness, create_private_dir, now};

/// Certificates and keys of an SM-DS.
pub(super) struct Smds {
    tls: Pair,
    /// CI certificate and DSauth on each curve, where the PKI does not have all of them.
    own: Vec<(Curve, String, Pair)>,
}

impl Smds {
    /// Takes what the PKI has, and makes what it lacks as far as it has the keys of its CIs; none if there is not enough.
    pub(super) fn of(pki: &PkiDirectory, host: &Host) -> anyhow::Result<Option<Self>> {
        let Some(tls) = Pair::tls(pki, Role::DsTls, host)? else { return Ok(None) };
        let served = |curve: &Curve| pki.dp_auth(*curve).is_some_and(|entity| entity.key().is_some());
        let (mut own, mut minted) = (Vec::new(), false);
        for curve in Curve::ALL.into_iter().filter(served) {
            let Some(ci) = pki.ci(curve) else { continue };
            let pair = match pki.ds_auth(curve).filter(|entity| entity.key().is_some()) {
                Some(entity) => Pair::of(entity)?,
                None if ci.key().is_none() => continue,
                None => {
                    minted = true;
                    Pair::minted(&mint_auth(pki, curve, host)?)?
                }
            };
            own.push((curve, ci.certificate().to_pem(), pair));
        }
        Ok(match (own.is_empty(), minted) {
            (true, _) => None,
            (false, false) => Some(Self { tls, own: Vec::new() }),
            (false, true) => Some(Self { tls, own }),
        })
    }

    /// Where its DSauth lie, if not in the PKI of the SM-DP+.
    pub(super) fn pki(&self) -> Option<&'static str> {
        (!self.own.is_empty()).then_some(SMDS_PKI)
    }

    /// Writes what is its own into the server's directory.
    pub(super) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        self.tls.write(&dir.join(SMDS_CERTIFICATE), &dir.join(SMDS_KEY))?;
        for (curve, ci, pair) in &self.own {
            // The layout of `openrsp pki init`, as far as there is something to put there.
            let dir = dir.join(SMDS_PKI).join(curve.to_string());
            create_private_dir(&dir)?;
            let file = dir.join("ci.pem");
            std::fs::write(&file, ci).with_context(|| file.display().to_string())?;
            pair.write(&dir.join("dsauth.pem"), &dir.join("dsauth.key"))?;
        }
        Ok(())
    }
}

/// With the OID that CERT.DS.TLS has.
fn mint_auth(pki: &PkiDirectory, curve: Curve, host: &Host) -> anyhow::Result<Minted> {
    let mint = Mint { now: now(), randomness: &mut OsRandomness };
    pki.mint_ds_auth(curve, host, mint).map_err(|error| Failure::new(Exit::Input, error))
}

//! The certificates on which a server depends, and how long they still hold.

use rsp_asn1::Timestamp;
use rsp_pki::Certificate;

use crate::actor::Actor;

/// Days before its end from which a certificate is to be renewed.
pub const WARNING: i64 = 30;

/// A certificate that the server has.
pub struct Held {
    /// What it is for, such as `DPauth, P-256`.
    pub purpose: String,
    /// The tenant whose it is; `None` for the server's own.
    pub operator: Option<String>,
    /// The certificate.
    pub certificate: Certificate,
}

impl Held {
    /// Whole days until its end; negative when that has passed.
    pub fn days_left(&self, now: Timestamp) -> i64 {
        (self.certificate.not_after().0.saturating_sub(now.0)).div_euclid(86_400)
    }
}

/// Where they are.
pub trait Certificates: Send + Sync {
    /// Those that the server has now, read anew.
    ///
    /// # Errors
    /// What is wrong with a file, as a text for whoever runs the server.
    fn held(&self) -> Result<Vec<Held>, String>;
}

/// Those that an actor may see, the one that ends first before the others: a tenant sees its own, and those of the server that
/// the server shows to everybody.
///
/// # Errors
/// Those of [`Certificates::held`].
pub fn certificates(source: &dyn Certificates, actor: &Actor) -> Result<Vec<Held>, String> {
    let mut held = source.held()?;
    held.retain(|held| held.operator.is_none() || actor.sees(held.operator.as_deref()));
    held.sort_by_key(|held| held.certificate.not_after());
    Ok(held)
}

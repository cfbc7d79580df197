//! Ordering a profile over ES2+ (SGP.22 5.3): DownloadOrder, then ConfirmOrder with release, at the first SM-DP+ of a carrier
//! that has one.

use std::sync::Arc;

use rsp_asn1::{Eid, Iccid};
use rsp_crypto::Zeroizing;
use rsp_es::activation_code::ActivationCode;
use rsp_es::client::{Es2PlusClient, NetworkTransport};
use rsp_es::status::StatusCode;

/// One SM-DP+ at which a carrier's profiles are ordered.
pub struct Supplier {
    /// Its name in the configuration.
    pub name: String,
    /// Its ES2+.
    pub client: Es2PlusClient,
    /// The way to it, which knows what TLS agreed on.
    pub transport: Arc<NetworkTransport>,
    /// The functionRequesterIdentifier with which the operator calls.
    pub requester: String,
    /// Its address for activation codes, where its answers name none.
    pub address: Option<String>,
    /// Pins of which the server's public key has to be one; without any, its certificate alone proves it.
    pub pins: usize,
}

/// Where the suppliers of a carrier come from.
pub trait Suppliers: Send + Sync {
    /// The SM-DP+s of a tenant's carrier, in the order in which they are tried. Empty when none is known.
    ///
    /// # Errors
    /// What is wrong with the configuration, as a text for whoever runs the server.
    fn of(&self, tenant: &str, carrier: &str) -> Result<Vec<Arc<Supplier>>, String>;
}

/// A profile to be ordered.
pub struct Order {
    /// The profile's type at the SM-DP+.
    pub profile_type: String,
    /// The only eUICC that may download it.
    pub eid: Option<Eid>,
    /// What the user has to enter.
    pub confirmation_code: Option<Zeroizing<String>>,
}

/// An order that was placed.
pub struct Placed {
    /// The profile.
    pub iccid: Iccid,
    /// What the device is given.
    pub activation_code: ActivationCode,
    /// Which supplier took the order, as an index.
    pub supplier: usize,
}

/// Why no profile could be ordered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No SM-DP+ is configured for the carrier.
    #[error("no SM-DP+ is configured for this carrier")]
    NoSupplier,
    /// The SM-DP+ refused, with a subject and reason code.
    #[error("{supplier} refused: {status}")]
    Refused {
        /// Which one.
        supplier: String,
        /// Its code.
        status: StatusCode,
    },
    /// None was reached, or none answered so that it can be used.
    #[error("{supplier}: {problem}")]
    Unreachable {
        /// Which one.
        supplier: String,
        /// What happened.
        problem: String,
    },
}

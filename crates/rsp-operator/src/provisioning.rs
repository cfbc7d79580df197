//! Ordering a profile over ES2+ (SGP.22 5.3): DownloadOrder, then ConfirmOrder with release, at the first SM-DP+ of a carrier
//! that has one.

use std::sync::Arc;

use rsp_asn1::{Eid, Iccid};
use rsp_crypto::{Randomness, RandomnessExt as _, Zeroizing};
use rsp_es::activation_code::ActivationCode;
use rsp_es::client::{ClientError, Es2PlusClient, Es2PlusError, NetworkTransport};
use rsp_es::es2plus::{
    CancelOrderRequest, ConfirmOrderRequest, DownloadOrderRequest, FinalProfileStatus, ReleaseProfileRequest,
    RequestHeader,
};
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

    /// The SM-DP+ whose datastore this server reads, as a tenant calls it.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    fn own(&self, tenant: &str) -> Result<Arc<Supplier>, String>;
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

/// Orders a profile at the first supplier that has one.
///
/// # Errors
/// [`Error`].
pub async fn order(
    suppliers: &[Arc<Supplier>],
    wanted: &Order,
    randomness: &mut dyn Randomness,
) -> Result<Placed, Error> {
    let mut failed = Error::NoSupplier;
    for (index, supplier) in suppliers.iter().enumerate() {
        match order_at(supplier, wanted, randomness).await {
            Ok((iccid, activation_code)) => return Ok(Placed { iccid, activation_code, supplier: index }),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

async fn order_at(
    supplier: &Supplier,
    wanted: &Order,
    randomness: &mut dyn Randomness,
) -> Result<(Iccid, ActivationCode), Error> {
    let header = supplier.header(randomness);
    let request =
        DownloadOrderRequest { header, eid: wanted.eid, iccid: None, profile_type: Some(wanted.profile_type.clone()) };
    let iccid = supplier.client.download_order(&request).await.map_err(|error| supplier.failed(&error))?.iccid;
    let request = ConfirmOrderRequest {
        header: supplier.header(randomness),
        iccid,
        eid: wanted.eid,
        matching_id: None,
        confirmation_code: wanted.confirmation_code.clone(),
        smds_address: None,
        release_flag: true,
    };
    let confirmed = supplier.client.confirm_order(&request).await.map_err(|error| supplier.failed(&error))?;
    let address = confirmed.smdp_address.as_ref().or(supplier.address.as_ref());
    let unusable = |problem: String| Error::Unreachable { supplier: supplier.name.clone(), problem };
    let address = address.ok_or_else(|| unusable("it names no address, and none is configured".to_owned()))?;
    let code = ActivationCode::new(address, &confirmed.matching_id, None, wanted.confirmation_code.is_some());
    Ok((iccid, code.map_err(|error| unusable(error.to_string()))?))
}

/// Gives an order up (SGP.22 5.3.3).
///
/// # Errors
/// [`Error::Refused`], [`Error::Unreachable`].
pub async fn cancel(
    supplier: &Supplier,
    iccid: Iccid,
    eid: Option<Eid>,
    matching_id: Option<&str>,
    to: FinalProfileStatus,
    randomness: &mut dyn Randomness,
) -> Result<(), Error> {
    let request = CancelOrderRequest {
        header: supplier.header(randomness),
        iccid: Some(iccid),
        eid,
        matching_id: matching_id.map(str::to_owned),
        final_profile_status_indicator: Some(to),
    };
    supplier.client.cancel_order(&request).await.map_err(|error| supplier.failed(&error))
}

/// Lets a confirmed profile be downloaded (SGP.22 5.3.4).
///
/// # Errors
/// [`Error::Refused`], [`Error::Unreachable`].
pub async fn release(supplier: &Supplier, iccid: Iccid, randomness: &mut dyn Randomness) -> Result<(), Error> {
    let request = ReleaseProfileRequest { header: supplier.header(randomness), iccid };
    supplier.client.release_profile(&request).await.map_err(|error| supplier.failed(&error))
}

impl Supplier {
    fn header(&self, randomness: &mut dyn Randomness) -> RequestHeader {
        RequestHeader {
            function_requester_identifier: self.requester.clone(),
            function_call_identifier: hex::encode(randomness.bytes::<16>()),
        }
    }

    fn failed(&self, error: &Es2PlusError) -> Error {
        let supplier = self.name.clone();
        match error {
            ClientError::Refused { status, .. } => Error::Refused { supplier, status: status.clone() },
            other => Error::Unreachable { supplier, problem: other.to_string() },
        }
    }
}

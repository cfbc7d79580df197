//! What can go wrong at the operator's side, sorted by blame.

use rsp_asn1::Iccid;
use rsp_es::status::StatusCode;

use crate::actor::Right;

/// Errors of the operator's side.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // The caller's fault.
    /// The caller lacks a right.
    #[error("the right \"{0}\" is needed")]
    Forbidden(Right),
    /// There is no such thing, or it is another tenant's: nobody learns which.
    #[error("there is no {what} {name:?}")]
    NotFound {
        /// What was looked for, such as `eSIM`.
        what: &'static str,
        /// As it was named.
        name: String,
    },
    /// A value is not what it should be.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which, as the caller named it.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// What should be made is there already.
    #[error("there is a {what} {name:?} already")]
    Exists {
        /// What.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// There are as many of something as there may be.
    #[error("there are {most} {what} already: {remedy}")]
    Full {
        /// Of what.
        what: &'static str,
        /// How many.
        most: u32,
        /// What makes room.
        remedy: &'static str,
    },
    /// The order is in a state that does not allow it.
    #[error("{iccid} is {state}: {problem}")]
    WrongState {
        /// Which eSIM.
        iccid: Iccid,
        /// Its state.
        state: String,
        /// Why that does not go.
        problem: &'static str,
    },

    // What a server says.
    /// Every SM-DP+ of the carrier refused, or was not reached.
    #[error(transparent)]
    Provisioning(#[from] crate::provisioning::Error),
    /// The SM-DP+ refused, with a subject and reason code.
    #[error("the SM-DP+ refused: {0}")]
    Refused(StatusCode),
    /// The SM-DP+ is not configured as it must be, or the order is being given up. Nothing was asked of it.
    #[error("the SM-DP+ was not asked: {0}")]
    Unreachable(String),
    /// An SM-DP+ sold an eSIM, and that could not be noted or read here. To order again is to buy another one.
    #[error("{supplier} has sold {iccid}, and that could not be noted here: look there before you order again")]
    Unrecorded {
        /// Which one, as the configuration calls it.
        supplier: String,
        /// The profile.
        iccid: Iccid,
        /// What failed.
        source: Box<Error>,
    },
    /// No network is connected, or none for this IMSI, since it is not the tenant's: none can be told.
    #[error("no network adapter is configured for this subscriber")]
    NoNetworkAdapter,
    /// The network did not take it.
    #[error("the network did not do it: {0}")]
    Network(String),

    // Our own.
    /// More is asked for at once than is computed; a moment later it may go.
    #[error("the server is busy: try again in a moment")]
    Busy,
    /// The SM-DP+ of this server.
    #[error(transparent)]
    Smdp(#[from] rsp_smdp::Error),
    /// A library of cryptography failed.
    #[error(transparent)]
    Crypto(rsp_crypto::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] rsp_store::Error),
}

impl Error {
    /// Nothing of this name that the caller may see.
    pub fn not_found(what: &'static str, name: impl ToString) -> Self {
        Self::NotFound { what, name: name.to_string() }
    }

    /// A value that is not what it should be.
    pub fn invalid(field: &'static str, problem: impl ToString) -> Self {
        Self::Invalid { field, problem: problem.to_string() }
    }
}

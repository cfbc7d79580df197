//! What can go wrong in an authentication, by whose fault it is.

/// Why an authentication did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    // The USIM refuses the network.
    /// The USIM answered "Authentication error, incorrect MAC" (TS 31.102 7.3.1: 9862): it holds another K or OPc.
    #[error("the USIM refuses the network's MAC (9862): its K or OPc differs from the network's")]
    IncorrectMac,
    /// The USIM answered with a synchronisation failure: its sequence number is ahead. Not a fault but a request to
    /// call [`Subscriber::resynchronise`](crate::Subscriber::resynchronise) and to challenge again.
    #[error("the USIM asks for resynchronisation: its sequence number is ahead of the network's")]
    SynchronisationFailure,
    /// Any other status word than 9000.
    #[error("the USIM answers AUTHENTICATE with status {0:04X}")]
    Status(u16),

    // The network refuses the USIM.
    /// RES differs from XRES (TS 33.102 6.3.3): it is not the subscriber that it claims to be.
    #[error("RES differs from XRES: the USIM does not hold the subscriber's K")]
    WrongRes,
    /// RES is right, CK or IK is not: the USIM's functions f3 or f4 are wrong.
    #[error("RES is right, but {0} differs")]
    WrongSessionKey(&'static str),
    /// MAC-S in AUTS is wrong (TS 33.102 6.3.5): the sequence number in it cannot be believed.
    #[error("MAC-S in AUTS is wrong: the sequence number is not taken over")]
    WrongMacS,

    // The answer cannot be read.
    /// The answer to AUTHENTICATE is not of the form of TS 31.102 7.1.2.1.
    #[error("the answer to AUTHENTICATE is malformed: {0}")]
    Malformed(&'static str),

    // The gateway of hostapd asks wrongly.
    /// A datagram of `eap_sim_db` is none.
    #[error("hostapd's request cannot be read: {0}")]
    Gateway(&'static str),
    /// An IMSI is not 6 to 15 digits.
    #[error("an IMSI is 6 to 15 digits")]
    Imsi,

    // The authentication centre does not know or does not answer.
    /// There is no subscriber of this IMSI.
    #[error("no such subscriber")]
    UnknownSubscriber,
    /// The register knows the subscriber and does not let it in.
    #[error("the subscriber is not let in")]
    NotAdmitted,
    /// osmo-hlr refused, with a cause of TS 24.008 10.5.5.14: 2 is that it does not know the IMSI, or that it has no keys, or
    /// that MAC-S is wrong.
    #[error("osmo-hlr refuses with cause {0}")]
    HlrRefused(u8),
    /// osmo-hlr's answer cannot be read, or lacks what was asked for.
    #[error("osmo-hlr's answer cannot be used: {0}")]
    HlrAnswer(&'static str),
    /// osmo-hlr does not have the subscriber's algorithm.
    #[error("osmo-hlr does not know {0}; let the bridge answer for such subscribers itself")]
    NotInHlr(&'static str),
    /// The connection to osmo-hlr broke.
    #[error("the connection to osmo-hlr broke: {0}")]
    HlrLink(std::io::ErrorKind),
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::HlrLink(error.kind())
    }
}

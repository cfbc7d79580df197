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
}

//! Common mutual authentication of GSMA RSP, server half, without I/O.

//! A software eUICC: ISD-R, ECASD, ISD-Ps, file system and USIM.

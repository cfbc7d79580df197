//! RSPDefinitions of GSMA SGP.22 and the PKIX subset it needs: types, exact bytes, no I/O.

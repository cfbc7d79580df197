//! Curves, signatures, key agreement and symmetric primitives of GSMA RSP over two back ends.

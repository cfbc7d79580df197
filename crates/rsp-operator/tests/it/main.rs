//! Tests of the operator's side.

//! Tests of rsp-lpa.

//! Black-box runner for SM-DP+, LPA and eUICC, ours or foreign.

fn main() {}

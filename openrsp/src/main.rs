//! OpenRSP: the open eSIM stack in one program.

fn main() {}

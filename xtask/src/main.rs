//! Developer tasks of this workspace.

fn main() {}

//! `openrsp smdp load` and `export`: a server's whole set-up in one TOML file, so that a laboratory gets the same server each
//! time.
//!
//! `file` says what such a file holds. `plan` reads one, with everything that it names, and checks it: nothing is changed
//! before. `load` carries a plan out; `export` writes the file of a server.

mod export;
mod file;
mod load;
mod plan;

pub(super) use export::{ExportArgs, run as export};
pub(super) use load::{LoadArgs, run as load};

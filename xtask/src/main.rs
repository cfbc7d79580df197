//! Developer tasks of this workspace: `cargo xtask dag | licences | coverage | fuzz | network | carriers | qr | camera | browser | api`.

mod api;
mod browser;
mod camera;
mod carriers;
mod coverage;
mod dag;
mod fuzz;
mod licences;
mod network;
mod purity;
mod qr;
mod spdx;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Developer tasks of this workspace.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Checks who depends on whom, and that every crate inherits the workspace's lints.
    Dag,
    /// Checks the licence and the source of every dependency against deny.toml.
    Licences,
    /// Checks that every test named in docs/spec-coverage.md exists.
    Coverage,
    /// Builds the fuzz targets, prepares their corpora and runs them.
    Fuzz(fuzz::Args),
    /// Lets a network without a radio authenticate downloaded profiles, with programs of Debian; over PC/SC.
    Network,
    /// Makes the lists of the carrier directory anew from what others publish.
    Carriers(carriers::Args),
    /// Lets zbarimg read ten thousand of our QR codes.
    Qr,
    /// Runs the examples of clients and schemathesis, from PyPI, against the REST API of a new server.
    Api,
    /// Walks through the operator's portal in Debian's Chromium.
    Browser(browser::Args),
    /// Counts which QR codes are read when a camera is bad.
    Camera,
}

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::Dag => dag::run(),
        Task::Licences => licences::run(),
        Task::Coverage => coverage::run(),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::Network => network::run(),
        Task::Api => api::run(),
        Task::Browser(args) => browser::run(&args),
        Task::Carriers(args) => carriers::run(&args),
        Task::Qr => qr::run(),
        Task::Camera => camera::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or(manifest.clone(), PathBuf::from)
}

/// Fails with all complaints, one a line, or prints `success`.
fn report(complaints: &[String], success: &str) -> anyhow::Result<()> {
    if complaints.is_empty() {
        println!("{success}");
        return Ok(());
    }
    for complaint in complaints {
        eprintln!("error: {complaint}");
    }
    anyhow::bail!("{} rule(s) broken", complaints.len())
}

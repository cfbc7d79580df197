//! Processes of `openrsp`: commands that end, and services that say where they listen.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

/// The program under test.
pub(crate) struct Openrsp(PathBuf);

impl Openrsp {
    /// The program that is named, or the one that was built beside this runner.
    pub(crate) fn find(named: Option<&Path>) -> anyhow::Result<Self> {
        let program = match named {
            Some(program) => program.to_owned(),
            None => std::env::current_exe().context("where this program is")?.with_file_name("openrsp"),
        };
        ensure!(program.is_file(), "{}: not there; build it, or name it with --openrsp", program.display());
        Ok(Self(program))
    }

    /// A command of it, with `--json` and without input.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.0);
        command.env_remove("OPENRSP_DIR").env_remove("OPENRSP_LOG").arg("--json").args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    /// Runs a command that must succeed; returns the object of its last line.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> anyhow::Result<Value> {
        let output = self.command(arguments).stderr(Stdio::piped()).output().context("running openrsp")?;
        let stdout = String::from_utf8(output.stdout).context("openrsp printed no UTF-8")?;
        let last = stdout.lines().next_back().unwrap_or("null");
        if !output.status.success() {
            bail!("{last} {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        serde_json::from_str(last).with_context(|| format!("openrsp printed {last:?}"))
    }

    /// Starts a command that serves.
    pub(crate) fn serve<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> anyhow::Result<Service> {
        let mut child = self.command(arguments).spawn().context("running openrsp")?;
        let mut output = BufReader::new(child.stdout.take().context("a process without output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        let Some(address) = said["listening"].as_str().and_then(|address| address.parse().ok()) else {
            let _ = child.kill();
            let _ = child.wait();
            bail!("a service ended before it listened; what it said is above");
        };
        Ok(Service { child, address, _output: output })
    }
}

/// A process that serves until it is dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) address: SocketAddr,
    _output: BufReader<ChildStdout>,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{}: not UTF-8", path.display()))
}

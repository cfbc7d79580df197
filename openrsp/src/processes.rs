//! Processes of `openrsp`: commands that end, and services that say where they listen.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::programs;

/// The program, as a command to start.
pub struct Openrsp {
    program: PathBuf,
    variables: Vec<(OsString, OsString)>,
    /// Whether processes shall end when the caller does, even if it is killed.
    bound: bool,
}

impl Openrsp {
    /// The program that calls this.
    ///
    /// # Errors
    /// When the system does not say where it is.
    pub fn this() -> anyhow::Result<Self> {
        Ok(Self::at(std::env::current_exe().context("where this program is")?))
    }

    /// The program that is named, or the one that was built beside the caller.
    ///
    /// # Errors
    /// When it is not there.
    pub fn find(named: Option<&Path>) -> anyhow::Result<Self> {
        let program = match named {
            Some(program) => program.to_owned(),
            None => std::env::current_exe().context("where this program is")?.with_file_name("openrsp"),
        };
        ensure!(program.is_file(), "{}: not there; build it, or name it with --openrsp", program.display());
        Ok(Self::at(program))
    }

    fn at(program: PathBuf) -> Self {
        Self { program, variables: Vec::new(), bound: false }
    }

    /// The same with a variable in the environment of each process.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// The same with processes that end when the caller does, even if it is killed. Needs util-linux.
    #[must_use]
    pub fn bound(mut self) -> Self {
        self.bound = true;
        self
    }

    /// Runs a command to its end and returns the JSON object of its last line.
    ///
    /// # Errors
    /// What the command says, if it fails.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> anyhow::Result<Value> {
        self.follow(arguments, |_| ())
    }

    /// Runs a command to its end, shows each JSON object that it prints, and returns the last.
    ///
    /// # Errors
    /// What the command says, if it fails.
    pub fn follow<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        mut each: impl FnMut(&Value),
    ) -> anyhow::Result<Value> {
        let mut child = self.command(arguments).stderr(Stdio::piped()).spawn().context("starting openrsp")?;
        let mut last = Value::Null;
        for line in BufReader::new(output(&mut child)?).lines() {
            last = serde_json::from_str(&line?).context("a command printed something else than JSON")?;
            each(&last);
        }
        let mut message = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            stderr.read_to_string(&mut message)?;
        }
        let status = child.wait()?;
        if !status.success() {
            let said = last["error"].as_str().map_or_else(|| message.trim().to_owned(), str::to_owned);
            bail!("{}", said.strip_prefix("error: ").unwrap_or(&said));
        }
        Ok(last)
    }

    /// Starts a command that serves, and waits for the line that says where it listens, or in which reader its card is.
    ///
    /// # Errors
    /// When it ends before that.
    pub fn serve<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> anyhow::Result<Service> {
        let mut child = self.command(arguments).spawn().context("starting openrsp")?;
        let mut output = BufReader::new(output(&mut child)?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        let Some(address) =
            said["listening"].as_str().or(said["vpcd"].as_str()).and_then(|address| address.parse().ok())
        else {
            let _ = child.kill();
            let _ = child.wait();
            bail!("a service ended before it listened; what it said is above");
        };
        let listeners = said["listeners"].as_object().into_iter().flatten();
        let listeners = listeners.filter_map(|(name, address)| Some((name.clone(), address.as_str()?.parse().ok()?)));
        Ok(Service { child, address, listeners: listeners.collect(), _output: output })
    }

    /// A command with `--json` and without input, whose output is the caller's.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = match self.bound {
            true => programs::bound(self.program.as_ref()),
            false => Command::new(&self.program),
        };
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.arg("--json").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }
}

/// A process that serves until it is dropped.
pub struct Service {
    child: Child,
    address: SocketAddr,
    listeners: BTreeMap<String, SocketAddr>,
    /// Kept open: a service that cannot write has nobody to talk to and may end.
    _output: BufReader<ChildStdout>,
}

impl Service {
    /// Where it listens, or where the reader does.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where one of its interfaces listens, as `openrsp serve` names them.
    pub fn listener(&self, name: &str) -> Option<SocketAddr> {
        self.listeners.get(name).copied()
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A path as an argument.
///
/// # Errors
/// When it is not UTF-8.
pub fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{}: not UTF-8", path.display()))
}

fn output(child: &mut Child) -> anyhow::Result<ChildStdout> {
    child.stdout.take().context("the standard output of a process just started")
}

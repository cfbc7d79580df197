//! Programs of the system that tests run beside ours: which must be installed, and processes of them that always end.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// A program or library that comes with a package of Debian.
#[derive(Debug, Clone, Copy)]
pub struct Needed {
    /// Its name, looked for where programs are; or a path.
    pub file: &'static str,
    /// The package.
    pub package: &'static str,
}

/// Where programs are, besides what PATH says: most users do not have the directories of services in it.
const SYSTEM: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];
/// How long a process may take to end when it is asked to.
const END: Duration = Duration::from_secs(5);
/// How often a process is looked at that is waited for.
const POLL: Duration = Duration::from_millis(10);

impl Needed {
    /// Where it is, if it is installed.
    pub fn find(&self) -> Option<PathBuf> {
        if self.file.starts_with('/') {
            return Some(PathBuf::from(self.file)).filter(|path| path.exists());
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let directories = std::env::split_paths(&path).chain(SYSTEM.map(PathBuf::from));
        directories.map(|directory| directory.join(self.file)).find(|path| path.is_file())
    }

    /// A command that runs it.
    ///
    /// # Errors
    /// The package that must be installed.
    pub fn command(&self) -> anyhow::Result<Command> {
        let found = self.find();
        Ok(Command::new(found.with_context(|| format!("{} is missing: install Debian's {}", self.file, self.package))?))
    }

    /// The same for a process that serves: it is asked to end when the caller ends.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn bound_command(&self) -> anyhow::Result<Command> {
        Ok(bound(self.command()?.get_program()))
    }
}

/// The packages that must be installed before all of these are there, each once.
pub fn missing(needed: &[Needed]) -> Vec<&'static str> {
    let mut packages: Vec<_> = needed.iter().filter(|one| one.find().is_none()).map(|one| one.package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

/// What [`bound`] needs.
pub const SETPRIV: Needed = Needed { file: "setpriv", package: "util-linux" };

/// A command whose process is asked to end when the caller ends, even if that is killed.
pub fn bound(program: &OsStr) -> Command {
    let mut command = Command::new(SETPRIV.file);
    command.args(["--pdeathsig", "TERM"]).arg(program);
    command
}

/// A process that serves until it is dropped: it is asked to end then, and killed if it does not. What it writes goes to a
/// file, which errors repeat the end of.
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts it; `log` is a file that must not exist.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(name: &str, mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let file = File::create_new(log).with_context(|| log.display().to_string())?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// Waits until `ready` gives something.
    ///
    /// # Errors
    /// With the end of what it wrote, when it ends before, or `limit` is over.
    pub fn wait_for<T>(
        &mut self,
        limit: Duration,
        what: &str,
        mut ready: impl FnMut() -> Option<T>,
    ) -> anyhow::Result<T> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(value) = ready() {
                return Ok(value);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status} before {what}: {}", self.name, self.said());
            }
            ensure!(Instant::now() < deadline, "{}: no {what} after {} s: {}", self.name, limit.as_secs(), self.said());
            std::thread::sleep(POLL);
        }
    }

    /// The last lines that it wrote.
    pub fn said(&self) -> String {
        let mut text = Vec::new();
        let read = File::open(&self.log).and_then(|mut file| file.read_to_end(&mut text));
        if let Err(error) = read {
            return error.to_string();
        }
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    /// Asks it to end, and waits for that.
    fn end(&mut self) -> std::io::Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself just now.
            let _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + END;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(POLL);
        }
        self.child.kill()?;
        self.child.wait()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// The end of a program that ran to its end, and all that it wrote.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote on standard output and on standard error, in this order.
    pub output: String,
}

/// Runs a program to its end, with this input.
///
/// # Errors
/// When it cannot be started or takes longer than `limit`; it is killed then.
pub fn run(mut command: Command, input: &str, limit: Duration) -> anyhow::Result<Ran> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut files = [tempfile::tempfile()?, tempfile::tempfile()?, tempfile::tempfile()?];
    std::io::Write::write_all(&mut files[0], input.as_bytes())?;
    std::io::Seek::rewind(&mut files[0])?;
    command.stdin(files[0].try_clone()?).stdout(files[1].try_clone()?).stderr(files[2].try_clone()?);
    let mut child = command.spawn().with_context(|| format!("starting {name}"))?;
    let deadline = Instant::now() + limit;
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if Instant::now() < deadline => std::thread::sleep(POLL),
            None => {
                child.kill()?;
                child.wait()?;
                bail!("{name} did not end within {} s", limit.as_secs());
            }
        }
    };
    let mut output = Vec::new();
    for file in &mut files[1..] {
        std::io::Seek::rewind(file)?;
        file.read_to_end(&mut output)?;
    }
    Ok(Ran { status, output: String::from_utf8_lossy(&output).into_owned() })
}

//! A test bed: a server directory, cards, and the program's processes.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The host in every activation code here.
pub(crate) const HOST: &str = "testsmdpplus1.example.com";

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) lines: Vec<Value>,
    pub(crate) stderr: String,
}

impl Ended {
    /// The last line, of a command that must have succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.code, 0, "{}\n{:?}", self.stderr, self.lines);
        self.lines.into_iter().next_back().unwrap_or(Value::Null)
    }
}

/// Runs the program with `--json` to its end.
pub(crate) fn openrsp<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ended {
    let output = command().args(arguments).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let object = |line: &str| match serde_json::from_str(line) {
        Ok(value @ Value::Object(_)) => value,
        other => panic!("no JSON object: {line:?}, {other:?}"),
    };
    let lines: Vec<_> = stdout.lines().map(object).collect();
    let code = output.status.code().unwrap_or(-1);
    if code != 0 {
        let refused = lines.iter().filter(|line| ["failed", "refused"].iter().any(|word| line["result"] == *word));
        assert_eq!(refused.count(), 1, "a command that fails says so in one line: {lines:?}");
        assert!(lines.last().is_some_and(|last| last["result"] != "ok" && !last["result"].is_null()), "{lines:?}");
    }
    Ended { code, lines, stderr: String::from_utf8_lossy(&output.stderr).into_owned() }
}

/// The program with `--json`, no input, and nothing of the caller's configuration.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_openrsp"));
    command.env_remove("OPENRSP_DIR").env_remove("OPENRSP_LOG").arg("--json").stdin(Stdio::null());
    command
}

/// A service that ends with the test.
pub(crate) struct Service {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    said: Value,
    _output: BufReader<ChildStdout>,
}

impl Service {
    #[track_caller]
    pub(crate) fn start<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let mut child = command().args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let address = said["listening"].as_str().unwrap().parse().unwrap();
        Self { child, address, said, _output: output }
    }

    /// Where an interface of a server listens.
    #[track_caller]
    pub(crate) fn listener(&self, name: &str) -> SocketAddr {
        self.said["listeners"][name].as_str().unwrap_or_else(|| panic!("no {name}: {}", self.said)).parse().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server directory and a place for cards.
pub(crate) struct Bed {
    dir: TempDir,
    pki: PathBuf,
}

impl Bed {
    /// A server with a PKI of its own.
    pub(crate) fn new() -> Self {
        Self::at(HOST)
    }

    /// The same, under another address.
    pub(crate) fn at(host: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = dir.path().join("server");
        openrsp(["init".as_ref(), server.as_os_str(), "--host".as_ref(), host.as_ref()]).ok();
        Self { pki: server.join("pki"), dir }
    }

    /// A server in somebody else's PKI.
    pub(crate) fn with_pki(pki: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = dir.path().join("server");
        let arguments = ["init".as_ref(), server.as_os_str(), "--host".as_ref(), HOST.as_ref(), "--pki".as_ref()];
        openrsp(arguments.into_iter().chain([pki.as_os_str()])).ok();
        Self { pki: pki.to_owned(), dir }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn pki(&self) -> &str {
        self.pki.to_str().unwrap()
    }

    pub(crate) fn smdp(&self, arguments: &[&str]) -> Ended {
        openrsp([&["smdp", "--dir", &self.path("server")], arguments].concat())
    }

    pub(crate) fn serve(&self) -> Service {
        Service::start(["serve", &self.path("server"), "--listen", "127.0.0.1:0"])
    }

    /// A new card on one curve; the answer is its file.
    pub(crate) fn card(&self, name: &str, curve: &str, more: &[&str]) -> String {
        let file = self.path(name);
        openrsp([&["euicc", "new", &file, "--pki", self.pki(), "--curve", curve], more].concat()).ok();
        file
    }

    /// The LPA's arguments for a card and a server.
    pub(crate) fn lpa(&self, card: &str, server: SocketAddr, arguments: &[&str]) -> Ended {
        let resolve = format!("{HOST}={server}");
        openrsp([&["lpa", "--card", card, "--ci", self.pki(), "--resolve", &resolve], arguments].concat())
    }
}

/// A file that only its owner can read, in place of what was there.
pub(crate) fn write_private(path: &str, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// The first of as many ports in a row as a new server has listeners.
pub(crate) fn free_ports() -> u16 {
    openrsp::ports::in_a_row(6).unwrap()
}

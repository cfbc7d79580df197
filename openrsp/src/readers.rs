//! A PC/SC service of one's own, with one virtual reader: what runs beside it on the machine is neither seen nor disturbed.
//!
//! pcscd knows one place for its socket, /run/pcscd. This one gets a /run of its own in a mount namespace, where that place
//! is a directory of the caller's. Its clients find it by the variable that libpcsclite reads.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::ports;
use crate::programs::{self, Needed, Program, SETPRIV};

/// What must be installed.
pub const NEEDED: [Needed; 5] = [
    PCSCD,
    Needed { file: DRIVER, package: "vsmartcard-vpcd" },
    UNSHARE,
    SETPRIV,
    Needed { file: "mount", package: "mount" },
];
const PCSCD: Needed = Needed { file: "pcscd", package: "pcscd" };
const UNSHARE: Needed = Needed { file: "unshare", package: "util-linux" };
/// The driver of the virtual reader.
const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";
/// Where libpcsclite looks for the socket.
const SOCKET_VARIABLE: &str = "PCSCLITE_CSOCK_NAME";
/// Where pcscd puts it.
const SHARED_SOCKET: &str = "/run/pcscd/pcscd.comm";
/// The name of the reader; pcscd adds numbers.
const READER: &str = "OpenRSP";
/// How long pcscd may take to start.
const START: Duration = Duration::from_secs(10);

/// Runs in the working directory that becomes /run/pcscd. When whoever started it is killed, pcscd ends as well.
const SCRIPT: &str = r#"mount -t tmpfs none /run && mkdir /run/pcscd && mount --bind . /run/pcscd && \
exec setpriv --pdeathsig TERM "$0" --foreground --config "$1""#;

/// A running pcscd with one virtual reader of two slots.
pub struct Readers {
    _pcscd: Program,
    socket: PathBuf,
    port: u16,
    private: bool,
}

impl Readers {
    /// Starts it in a new directory. Where the system allows no namespaces, the service is that of the whole machine, if
    /// nobody else runs it.
    ///
    /// # Errors
    /// What is missing, or what pcscd says.
    pub fn start(directory: &Path) -> anyhow::Result<Self> {
        let run = directory.join("run");
        fs::create_dir_all(&run).with_context(|| run.display().to_string())?;
        // One for each slot.
        let port = ports::in_a_row(2)?;
        let config = directory.join("reader.conf");
        let text = format!(
            "FRIENDLYNAME \"{READER}\"\nDEVICENAME /dev/null:0x{port:04X}\nLIBPATH {DRIVER}\nCHANNELID 0x{port:04X}\n"
        );
        fs::write(&config, text).with_context(|| config.display().to_string())?;
        let pcscd = PCSCD.find().with_context(|| format!("install Debian's {}", PCSCD.package))?;
        match Self::alone(directory, &run, &pcscd, &config, port) {
            Ok(readers) => Ok(readers),
            Err(error) => Self::shared(directory, &pcscd, &config, port)
                .with_context(|| format!("no pcscd in a namespace of its own ({error:#})")),
        }
    }

    fn alone(directory: &Path, run: &Path, pcscd: &Path, config: &Path, port: u16) -> anyhow::Result<Self> {
        let mut command = UNSHARE.command()?;
        if !rustix::process::geteuid().is_root() {
            command.arg("--map-root-user");
        }
        command.args(["--mount", "sh", "-c", SCRIPT]).arg(pcscd).arg(config).current_dir(run);
        let mut program = Program::start("pcscd", command, &directory.join("pcscd.log"))?;
        let socket = run.join("pcscd.comm");
        program.wait_for(START, "socket", || socket.exists().then_some(()))?;
        Ok(Self { _pcscd: program, socket, port, private: true })
    }

    fn shared(directory: &Path, pcscd: &Path, config: &Path, port: u16) -> anyhow::Result<Self> {
        let socket = PathBuf::from(SHARED_SOCKET);
        ensure!(!socket.exists(), "another pcscd runs on this machine ({SHARED_SOCKET}); stop it for the test");
        let mut command = programs::bound(pcscd.as_os_str());
        command.arg("--foreground").arg("--config").arg(config);
        let mut program = Program::start("pcscd", command, &directory.join("pcscd-shared.log"))?;
        program.wait_for(START, "socket", || socket.exists().then_some(()))?;
        Ok(Self { _pcscd: program, socket, port, private: false })
    }

    /// Where a card connects to be in the reader.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The reader's name, as PC/SC programs see it.
    pub fn name(&self) -> String {
        format!("{READER} 00 00")
    }

    /// Whether nobody else sees it.
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// The variable that leads a client to this service, and its value.
    pub fn variable(&self) -> (&'static str, &Path) {
        (SOCKET_VARIABLE, &self.socket)
    }
}

//! hostapd as RADIUS server with EAP-AKA and EAP-AKA', and eapol_test as the device with the card.

use std::ffi::OsString;
use std::fmt;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use openrsp::programs::{self, Needed, Program};
use rsp_crypto::RandomnessExt as _;

use crate::system::{OsRandomness, write_private};

pub(super) const HOSTAPD: Needed = Needed { file: "hostapd", package: "hostapd" };
pub(super) const EAPOL_TEST: Needed = Needed { file: "eapol_test", package: "eapoltest" };

const START: Duration = Duration::from_secs(10);
/// What eapol_test may take, in seconds; it ends then by itself.
const TIMEOUT: &str = "15";
/// What it may take when it does not.
const LIMIT: Duration = Duration::from_secs(30);

/// An EAP method.
#[derive(Debug, Clone, Copy)]
pub(super) enum Method {
    /// EAP-AKA (RFC 4187).
    Aka,
    /// EAP-AKA' (RFC 5448).
    AkaPrime,
}

impl Method {
    /// The first digit of a permanent identity (3GPP TS 23.003 19.3.2).
    pub(super) fn prefix(self) -> char {
        match self {
            Self::Aka => '0',
            Self::AkaPrime => '6',
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aka => "AKA",
            Self::AkaPrime => "AKA'",
        })
    }
}

/// A private hostapd, and how to reach it.
pub(super) struct Radius {
    _hostapd: Program,
    directory: PathBuf,
    port: u16,
    secret: String,
    reader: (OsString, OsString),
}

/// An authentication that came to its end.
pub(super) struct Attempt {
    pub(super) success: bool,
    output: String,
}

impl Radius {
    /// Starts hostapd in a directory. `gateway` gives it vectors; `reader` is the variable that leads eapol_test to the card.
    pub(super) fn start(directory: &Path, gateway: &Path, reader: (&str, &Path)) -> anyhow::Result<Self> {
        let port = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
        let secret = hex::encode(OsRandomness.bytes::<16>());
        let path = |name: &str| directory.join(name);
        std::fs::write(
            path("users"),
            format!("\"{}\"* AKA\n\"{}\"* AKA'\n", Method::Aka.prefix(), Method::AkaPrime.prefix()),
        )?;
        write_private(&path("clients"), format!("127.0.0.1 {secret}\n").as_bytes())?;
        let config = format!(
            "interface=lo\ndriver=none\nssid=openrsp\nieee8021x=1\neap_server=1\neap_user_file={}\neap_sim_db=unix:{}\n\
             eap_sim_aka_result_ind=0\nradius_server_clients={}\nradius_server_auth_port={port}\n",
            path("users").display(),
            gateway.display(),
            path("clients").display(),
        );
        std::fs::write(path("hostapd.conf"), config)?;
        let mut command = HOSTAPD.bound_command()?;
        command.arg(path("hostapd.conf"));
        let mut hostapd = Program::start("hostapd", command, &path("hostapd.log"))?;
        hostapd.wait_for(START, "RADIUS port", || UdpSocket::bind(("0.0.0.0", port)).is_err().then_some(()))?;
        let reader = (OsString::from(reader.0), reader.1.as_os_str().to_owned());
        Ok(Self { _hostapd: hostapd, directory: directory.to_owned(), port, secret, reader })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Lets the card authenticate. The identity comes from the card, unless one is given.
    pub(super) fn attempt(&self, method: Method, identity: Option<&str>) -> anyhow::Result<Attempt> {
        let file = self.directory.join("network.conf");
        let identity = identity.map(|identity| format!("  identity=\"{identity}\"\n")).unwrap_or_default();
        let config =
            format!("network={{\n  ssid=\"openrsp\"\n  key_mgmt=WPA-EAP\n  eap={method}\n{identity}  pcsc=\"\"\n}}\n");
        std::fs::write(&file, config).with_context(|| file.display().to_string())?;
        let mut command = EAPOL_TEST.command()?;
        command.arg("-c").arg(&file).args(["-a", "127.0.0.1", "-p", &self.port.to_string(), "-s", &self.secret]);
        command.args(["-t", TIMEOUT]).env(&self.reader.0, &self.reader.1);
        let ran = programs::run(command, "", LIMIT)?;
        let success = ran.status.success() && ran.output.lines().any(|line| line == "SUCCESS");
        Ok(Attempt { success, output: ran.output })
    }
}

impl Attempt {
    /// The last lines that eapol_test wrote.
    pub(super) fn end(&self) -> String {
        let lines: Vec<&str> = self.output.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

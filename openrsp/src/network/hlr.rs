//! A private osmo-hlr. Its ports are fixed, so it gets an address of its own among those of the loopback interface.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use openrsp::programs::{Needed, Program};
use rsp_crypto::RandomnessExt as _;
use rsp_network::bridge::{Admission, AuthenticationCentre, HlrClient, HlrConsole};
use rsp_network::{Imsi, Subscriber};

use super::adapter;
use crate::system::OsRandomness;

pub(super) const OSMO_HLR: Needed = Needed { file: "osmo-hlr", package: "osmo-hlr" };

const GSUP: u16 = 4222;
const CONSOLE: u16 = 4258;
const CONTROL: u16 = 4259;
const ATTEMPTS: usize = 20;
const START: Duration = Duration::from_secs(10);
/// What it calls the bridge.
const CLIENT: &str = "OPENRSP";

pub(super) struct Hlr {
    console: HlrConsole<TcpStream>,
    address: IpAddr,
    _program: Program,
}

impl Hlr {
    /// Starts it with an empty database in a new directory.
    pub(super) fn start(directory: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir(directory)?;
        let address = free_address()?;
        let bind = format!(" bind {address}\n");
        let config = format!("line vty\n{bind}ctrl\n{bind}hlr\n gsup\n  bind ip {address}\n");
        std::fs::write(directory.join("hlr.cfg"), config)?;
        let mut command = OSMO_HLR.bound_command()?;
        command.args(["-c", "hlr.cfg", "-l", "hlr.db"]).current_dir(directory);
        let mut program = Program::start("osmo-hlr", command, &directory.join("hlr.log"))?;
        let connect = || connect(address, CONSOLE).ok();
        let stream = program.wait_for(START, "console", connect)?;
        let console = HlrConsole::new(stream).context("the console of osmo-hlr")?;
        Ok(Self { console, address, _program: program })
    }

    pub(super) fn address(&self) -> IpAddr {
        self.address
    }

    /// A connection for vectors, made when it is first needed; for those of whom the console says that they are let in.
    pub(super) fn client(&self) -> impl AuthenticationCentre + Send + use<> {
        let address = self.address;
        let admitted = move |imsi: &Imsi| HlrConsole::new(connect(address, CONSOLE)?)?.is_admitted(imsi);
        Admission::new(HlrClient::new(CLIENT, move || connect(address, GSUP)), admitted)
    }

    /// Where an operator's server reaches the register.
    pub(super) fn console_address(&self) -> SocketAddr {
        SocketAddr::new(self.address, CONSOLE)
    }

    pub(super) fn add(&mut self, imsi: &Imsi, subscriber: &Subscriber) -> anyhow::Result<()> {
        self.console.add(imsi, subscriber).with_context(|| format!("adding {imsi} to osmo-hlr"))
    }

    /// Forgets a subscriber, its sequence number too, and adds it again with these keys.
    pub(super) fn replace(&mut self, imsi: &Imsi, subscriber: &Subscriber) -> anyhow::Result<()> {
        self.console.remove(imsi).with_context(|| format!("removing {imsi} from osmo-hlr"))?;
        self.add(imsi, subscriber)
    }
}

fn connect(address: IpAddr, port: u16) -> io::Result<TcpStream> {
    adapter::connect(SocketAddr::new(address, port))
}

/// An address of 127/8 on which none of the ports is taken.
fn free_address() -> anyhow::Result<IpAddr> {
    for _ in 0..ATTEMPTS {
        let [a, b, c] = OsRandomness.bytes();
        // Neither the usual ones nor network or broadcast addresses.
        let address = IpAddr::V4(Ipv4Addr::new(127, a | 0x40, b, c.clamp(1, 254)));
        if [GSUP, CONSOLE, CONTROL].iter().all(|port| TcpListener::bind((address, *port)).is_ok()) {
            return Ok(address);
        }
    }
    anyhow::bail!("no address of 127.0.0.0/8 is free for osmo-hlr")
}

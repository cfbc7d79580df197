//! The configuration of a new server, and where its interfaces are.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use rsp_auth::ServerAddress;
use rsp_pki::issue::Host;

use super::smds::Smds;
use super::{DATABASE, KEY_ENCRYPTION_KEY, SMDS_CERTIFICATE, SMDS_KEY, TLS_CERTIFICATE, TLS_KEY};

const DEFAULT_PORT: u16 = 8443;

/// Where the interfaces of one server are: the host is the same, the ports follow one another.
pub(super) struct Places {
    ip: IpAddr,
    host: String,
    /// ES9+, ES2+, ES11, ES12, an operator's own endpoint, and the operator's portal.
    ports: [u16; 6],
}

impl Places {
    /// An IP address is where the server listens itself. A name may lead to a proxy on this machine, so then it listens on
    /// loopback.
    pub(super) fn new(address: &ServerAddress, host: &Host) -> Self {
        let ip = match host {
            Host::Ip(ip) => *ip,
            Host::Dns(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        let first = address.port().unwrap_or(DEFAULT_PORT);
        // From the highest ports they go down.
        let port = |number: u16| first.checked_add(number).unwrap_or(first - number);
        Self { ip, host: address.host().to_owned(), ports: [0, 1, 2, 3, 4, 5].map(port) }
    }

    fn listen(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.ip, port)
    }

    fn address(&self, port: u16) -> String {
        format!("{}:{port}", self.host)
    }

    /// The whole file. `address` is the SM-DP+'s own, `pki` where its certificates are.
    pub(super) fn config(&self, address: &ServerAddress, pki: &str, smds: Option<&Smds>) -> String {
        [self.smdp(address, pki), self.roles(smds), self.operator(), self.egress(smds), LIMITS.to_owned()].concat()
    }

    fn smdp(&self, address: &ServerAddress, pki: &str) -> String {
        let [es9plus, es2plus, ..] = self.ports.map(|port| self.listen(port));
        let address = address.to_string();
        // Rust's quoting of these characters is also TOML's.
        format!(
            r#"# Configuration of an OpenRSP server. Paths are relative to this file. A section that is not there enables nothing.

[smdp]
# Where LPAs reach the server, as it stands in activation codes: host or host:port. Both forms are accepted in requests.
address = {address:?}
# CI, DPauth and DPpb certificates and keys: the layout of `openrsp pki init`, or SGP.26's.
pki = {pki:?}

[tls]
# CERT.DP.TLS and its key. The key file must have mode 0600.
certificate = {TLS_CERTIFICATE:?}
key = {TLS_KEY:?}

[store]
# SQLite database, and the key that opens its sealed columns. Both must have mode 0600. Keep them apart in backups.
database = {DATABASE:?}
key_encryption_key = {KEY_ENCRYPTION_KEY:?}

[es9plus]
# Where LPAs are served. Behind a TLS proxy: a loopback address and `openrsp serve --plain-http`.
listen = "{es9plus}"
# The curves of the eUICCs that are served there.
curves = ["p256", "brainpool"]
# For eUICCs of one curve alone there may be an endpoint of its own, with its own address:
# [es9plus.brainpool]
# listen = "127.0.0.1:9443"
# address = "brainpool.example.com"

[es2plus]
# Where operators order, with a client certificate that `openrsp smdp operator add` made known.
listen = "{es2plus}"

[es2plus.client]
# What the SM-DP+ shows to operators when it tells them of their downloads.
certificate = {TLS_CERTIFICATE:?}
key = {TLS_KEY:?}

"#
        )
    }

    fn roles(&self, smds: Option<&Smds>) -> String {
        let [_, _, es11, es12, ..] = self.ports;
        let client = format!(
            r#"[es12.client]
# What the SM-DP+ shows to SM-DSs when it registers events.
certificate = {TLS_CERTIFICATE:?}
key = {TLS_KEY:?}
"#
        );
        let Some(smds) = smds else { return client + "\n" };
        let own_pki = smds.pki().map_or_else(String::new, |pki| {
            format!("# DSauth certificates and keys; without this line those of the SM-DP+'s PKI.\npki = {pki:?}\n")
        });
        let (address, es12_address) = (self.address(es11), self.address(es12));
        let (es11, es12) = (self.listen(es11), self.listen(es12));
        format!(
            r#"[smds]
# Where LPAs reach the SM-DS, and where it listens for them (ES11).
address = {address:?}
listen = "{es11}"
{own_pki}# The ES15 of the SM-DS above this one, if it is an alternative one: events are registered there as well.
# parent = "smds.example.com:8446"

[smds.tls]
# CERT.DS.TLS and its key.
certificate = {SMDS_CERTIFICATE:?}
key = {SMDS_KEY:?}

[es12]
# Where SM-DP+s register their events, and SM-DSs below this one theirs (ES15): both show their TLS certificates.
listen = "{es12}"

{client}# Where the ES12 of an SM-DS is, if not at the address by which orders and LPAs name it.
endpoints = {{ {address:?} = {es12_address:?} }}

"#
        )
    }

    fn operator(&self) -> String {
        let [.., portal] = self.ports;
        let (listen, url) = (self.listen(portal), format!("https://{}", self.address(portal)));
        format!(
            r#"[operator]
# The operator's portal (/), its REST API (/api/v1, explained at /docs) and the pages for subscribers. `openrsp operator` says
# who may come in. The certificate is that of [tls], unless there is a section [operator.tls] with another one.
listen = "{listen}"
# Where browsers and programs reach it, behind whatever proxy.
url = {url:?}
# Issuers in PEM that certify the receivers of webhooks; without it those of this machine.
# webhook_ca = "partners.pem"
# Receivers that tenants may name although their addresses are private; the exceptions of [egress] are not for webhooks.
# webhook_allow = ["receiver.lan:8080"]
# Requests of the API with one key in a minute, and wrong keys from one address.
# requests_per_minute = 1200
# wrong_keys_per_minute = 20
# A proxy on this machine is called in its place: callers are told apart by the last address in X-Forwarded-For, which the proxy
# has to write. Never without such a proxy: whoever calls from this machine would choose an address.
# behind_proxy = true

# The network in which the eSIMs are used: an osmo-hlr, by its console. Without it nothing can be suspended.
# [operator.network]
# hlr_vty = "127.0.0.1:4258"

"#
        )
    }

    fn egress(&self, smds: Option<&Smds>) -> String {
        let [_, _, _, es12, operator, _] = self.ports.map(|port| self.address(port));
        let allow: Vec<_> = smds.map(|_| es12).into_iter().chain([operator]).collect();
        format!(
            r#"[egress]
# The server calls private and loopback addresses only if host and port stand here: its own ES12, and the operator's
# endpoint that `openrsp es2plus listen` opens for tests.
allow = {allow:?}
# Names that are not looked up, for servers that no DNS knows; those on this machine must be allowed as well.
# resolve = ["smds.example.com:443=127.0.0.1:8446"]

"#
        )
    }
}

const LIMITS: &str = r#"[limits]
# eUICCs of a lower version of SGP.22 are refused.
minimum_svn = "2.0.0"
# And those of a higher one, if there shall be a limit.
# maximum_svn = "3.1.0"
# Wrong confirmation codes before an order is closed.
confirmation_code_tries = 5
# Downloads of one order before it is closed.
downloads = 10
# Days for which an order of ES2+ can be downloaded; without a limit for ever.
# order_days = 90
# Characters of a matching ID that nobody chose, of 5 bits each: 26, or 52 where keys of 256 bits are the measure.
matching_id_characters = 26
# Time for each step of a session; the user reads and confirms in between.
session_seconds = 300
# How long the result of an installation is awaited.
result_days = 180

[eligibility]
# Devices that get no profile, by the type allocation code that begins their IMEI, such as "35290611".
blocked_tacs = []

[crl]
# Whether nobody is believed whose CI has no CRL here. The CRLs (*.crl) in the PKI's directory count in any case; newer ones
# are taken while the server runs.
required = false
# When they are required: those that are older count no more, even if they end later themselves.
# max_age_days = 30

[binding]
# Keys that protect the profile elements: "session-keys", or "ppk" for random keys of their own.
protection = "session-keys"
# Whether a profile is bound again when the eUICC comes back with another one-time key.
rebinding = true
"#;

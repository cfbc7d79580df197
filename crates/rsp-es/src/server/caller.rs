//! Who calls a function, as far as the connection tells it (SGP.22 6.5.1).

use std::net::IpAddr;
use std::sync::Arc;

/// Who calls, as the connection tells it. Whoever accepts connections puts it into the extensions of each request; a
/// request without one is answered as for [`Caller::default`].
#[derive(Clone, Default, Debug)]
pub struct Caller {
    /// Where the connection comes from.
    pub address: Option<IpAddr>,
    /// DER of the TLS client certificate, verified by TLS.
    pub certificate: Option<Arc<[u8]>>,
    /// Major version of the header X-Admin-Protocol, 2 or 3. The router sets it.
    pub version: u8,
}

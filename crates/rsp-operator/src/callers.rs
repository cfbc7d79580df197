//! Where callers come from: what their addresses are counted as, and what a proxy says of them.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use rsp_es::server::Caller;

/// What proxies write whom they were called by.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// What an address is counted as: itself, or of IPv6 its /64, which is the least that somebody is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Network(IpAddr);

impl Network {
    /// That of an address.
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            address => address,
        })
    }
}

/// Puts the address by which a proxy on this machine was called in the place of the proxy's own.
pub(crate) async fn seen_by_proxy(mut request: Request, next: Next) -> Response {
    let forwarded = forwarded_for(request.headers());
    if let Some(caller) = request.extensions_mut().get_mut::<Caller>()
        && caller.address.is_some_and(|address| address.to_canonical().is_loopback())
        && let Some(address) = forwarded
    {
        caller.address = Some(address);
    }
    next.run(request).await
}

/// The last address, which the proxy itself has written: those before it anybody may have sent.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let text = headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
    let last = text.rsplit(',').next()?.trim();
    last.parse().ok().or_else(|| last.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::{FORWARDED_FOR, Network, forwarded_for};

    #[test]
    fn a_network_of_ipv6_counts_as_one_and_loopback_like_any_other() {
        let of = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("::ffff:127.0.0.1"), of("127.0.0.1"));
        assert_ne!(of("::1"), of("::2"));
    }

    #[test]
    fn what_the_proxy_has_written_counts_and_nothing_before_it() {
        for (lines, address) in [
            (vec!["192.0.2.1"], Some("192.0.2.1")),
            (vec!["203.0.113.9, 192.0.2.1"], Some("192.0.2.1")),
            (vec!["203.0.113.9", "198.51.100.7,192.0.2.1"], Some("192.0.2.1")),
            (vec!["192.0.2.1:4711"], Some("192.0.2.1")),
            (vec!["[2001:db8::1]:4711"], Some("2001:db8::1")),
            (vec!["203.0.113.9, unknown"], None),
            (vec![""], None),
            (vec![], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in &lines {
                headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
            }
            assert_eq!(forwarded_for(&headers), address.map(|address| address.parse().unwrap()), "{lines:?}");
        }
    }
}
